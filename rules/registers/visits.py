"""The registers of who visits whom 探访关爱: helpers, and their places in the care teams of elders."""

from collections.abc import Mapping

from rules.registers.elders import ELDER, ELDER_CELL
from rules.registers.roster import FIRST_DAY, LAST_DAY
from rules.registers.shape import Column, Register

ROLES: Mapping[str, str] = {
    "party": "党员",
    "building": "楼栋长",
    "women": "巾帼志愿者",
    "police": "民警",
    "gate": "门卫",
}
"""The care team 五帮一, in the order in which they stand in for each other."""

HELPER_CELL = Column(
    "helper",
    "帮扶人编号",
    "code",
    "帮扶人登记表里的编号",
    "a number of the helper register",
    key=True,
    example="H0012",
    also=("帮扶人", "探访人编号"),
)

HELPER = Register(
    "helper",
    "帮扶人登记表",
    "Helpers",
    (
        Column(
            "number",
            "帮扶人编号",
            "code",
            "全区唯一，定了不改；社区干部填其干部编号",
            "unique in the district, never changed; a cadre's own number for a cadre",
            key=True,
            example="H0012",
            also=("编号",),
        ),
        Column("name", "姓名", "name", "真实姓名", "the name", required=True, secret=True, example="张三"),
        Column(
            "phone",
            "手机",
            "phone",
            "接收每日探访短信",
            "receives the daily list",
            secret=True,
            example="13800138000",
            also=("手机号", "手机号码", "电话", "联系电话"),
        ),
        Column(
            "email",
            "邮箱",
            "email",
            "接收每日探访名单",
            "receives the daily list by mail",
            secret=True,
            example="zhangsan@example.cn",
            also=("电子邮箱",),
        ),
        Column(
            "community",
            "社区",
            "text",
            "服务的社区；留空为全区",
            "the community served; blank for the whole district",
            example="翠湖社区",
            also=("所属社区",),
        ),
        Column(
            "role",
            "角色",
            "choice",
            "五帮一中的角色",
            "the part in the care team",
            required=True,
            allowed=ROLES,
            example="楼栋长",
            also=("帮扶角色",),
        ),
        Column("team", "小组", "text", "所在小组或单位", "team or unit", example="翠湖一组", also=("所在小组", "单位")),
        Column(
            "capacity",
            "每日上限",
            "int",
            "一天最多探访几位；0 为暂不安排",
            "most visits on one day; 0 for none at present",
            required=True,
            example="6",
            also=("每日探访上限", "每日人数"),
        ),
        Column("ref", "系统编号", "code", "由系统给出，填写时留空", "given by the system; leave it blank"),
    ),
    "一位帮扶人一行。",
    "One helper a row.",
)

PAIRING = Register(
    "pairing",
    "结对帮扶表",
    "Pairings",
    (
        ELDER_CELL,
        HELPER_CELL,
        Column(
            "role",
            "角色",
            "choice",
            "在这位老人的五帮一小组里的角色",
            "the part in this elder's care team",
            key=True,
            allowed=ROLES,
            example="楼栋长",
            also=("帮扶角色",),
        ),
        Column(
            "primary",
            "是否主责",
            "yesno",
            "一位老人同时只有一位主责帮扶人",
            "an elder has one primary helper at a time",
            default=False,
            example="是",
            also=("主责",),
        ),
        Column(
            "from",
            "起始日期",
            "date",
            "留空为导入当天，已结对的不变",
            "blank means the day of the import, or as it was",
            example="2026-03-01",
            also=FIRST_DAY,
        ),
        Column(
            "until",
            "截止日期",
            "date",
            "最后一天(含)；仍在帮扶留空",
            "last day, inclusive; blank while it lasts",
            example="2026-12-31",
            also=LAST_DAY,
        ),
    ),
    "一位老人的一位帮扶人占一行；换人时给原来的行填截止日期，再加一行。",
    "One helper of one elder a row; to change helpers, end the old row and add a new one.",
    apart=("elder", "helper", "role", "from"),
)

VISIT_REGISTERS = (ELDER, HELPER, PAIRING)
