"""The registers of who may serve where and when: cadres and leave."""

from collections.abc import Mapping

from rules.registers.shape import Column, Register

LEAVE_TYPES: Mapping[str, str] = {
    "annual": "年假",
    "sick": "病假",
    "personal": "事假",
    "official": "公差",
    "maternity": "产假",
}

FIRST_DAY = ("开始日期", "起始日", "开始日", "起始时间", "开始时间", "起")
LAST_DAY = ("结束日期", "截止日", "结束日", "截止时间", "结束时间", "截至日期", "终止日期", "到期日期", "止")
"""Headers real files have for the two ends of a period."""

CADRE = Register(
    "cadre",
    "值班干部登记表",
    "Cadres",
    (
        Column(
            "number",
            "干部编号",
            "code",
            "全区唯一，定了不改",
            "unique in the district, never changed",
            key=True,
            example="K0012",
            also=("工号",),
        ),
        Column(
            "name",
            "姓名",
            "name",
            "身份证上的姓名",
            "the name on the ID card",
            required=True,
            secret=True,
            example="张三",
        ),
        Column(
            "phone",
            "手机",
            "phone",
            "接收值班短信",
            "receives the duty messages",
            secret=True,
            example="13800138000",
            also=("手机号", "手机号码", "电话", "联系电话"),
        ),
        Column(
            "email",
            "邮箱",
            "email",
            "接收值班邮件和日程",
            "receives mail and calendar",
            secret=True,
            example="zhangsan@example.cn",
            also=("电子邮箱",),
        ),
        Column(
            "centre",
            "中心编号",
            "code",
            "在哪个中心轮值",
            "the centre whose roster this is",
            key=True,
            example="C01",
            also=("所属中心", "中心"),
        ),
        Column(
            "from",
            "起始日期",
            "date",
            "加入轮值的第一天",
            "first day on the roster",
            key=True,
            example="2026-01-01",
            also=FIRST_DAY,
        ),
        Column(
            "until",
            "截止日期",
            "date",
            "轮值的最后一天（含）；仍在岗留空",
            "last day on the roster, inclusive; blank while it lasts",
            example="2026-12-31",
            also=LAST_DAY,
        ),
        Column(
            "head",
            "是否负责人",
            "yesno",
            "是否中心负责人",
            "whether the head of the centre",
            default=False,
            example="否",
            also=("负责人",),
        ),
        Column(
            "rest_day_exempt",
            "休息日免排",
            "yesno",
            "周末和节假日是否不排班",
            "whether free of duty on weekends and holidays",
            default=False,
            example="否",
        ),
        Column(
            "ref",
            "系统编号",
            "code",
            "由系统给出，填写时留空",
            "given by the system; leave it blank",
        ),
    ),
    "一人在一个中心的一段轮值占一行；调动时给原来的行填截止日期，再加一行。",
    "One stay of one cadre on one centre's roster a row; for a move, end the old row and add a new one.",
)

LEAVE = Register(
    "leave",
    "请假登记表",
    "Leave",
    (
        Column(
            "person",
            "人员编号",
            "code",
            "干部或帮扶人的编号",
            "a cadre's or helper's number",
            key=True,
            example="K0012",
            also=("干部编号",),
        ),
        Column(
            "from",
            "起始日期",
            "date",
            "请假第一天",
            "first day of leave",
            key=True,
            example="2026-03-02",
            also=FIRST_DAY,
        ),
        Column(
            "until",
            "截止日期",
            "date",
            "请假最后一天（含）；还不知道时留空",
            "last day of leave, inclusive; blank until it is known",
            example="2026-03-06",
            also=LAST_DAY,
        ),
        Column(
            "type",
            "请假类型",
            "choice",
            "请假的种类",
            "the type of leave",
            allowed=LEAVE_TYPES,
            default="personal",
            example="病假",
            also=("假别", "类型", "请假类别"),
        ),
        Column(
            "cancelled",
            "是否销假",
            "yesno",
            "整段假不再休时填“是”",
            "yes when this leave is not taken after all",
            default=False,
            example="否",
        ),
    ),
    "一段假一行。缩短假期请改截止日期。",
    "One stretch of leave a row. To shorten it, change its last day.",
)

ROSTER_REGISTERS = (CADRE, LEAVE)
