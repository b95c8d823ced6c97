"""The registers of daily duty 每日轮值: the calendar, the slots, and what happened on the day."""

from collections.abc import Mapping

from rules.registers.shape import Column, Register
from rules.slots import NAMES

DAY_KINDS: Mapping[str, str] = {"work": "工作日", "rest": "休息日", "statutory": "法定节假日"}
CHECKS: Mapping[str, str] = {"ok": "正常", "problem": "有问题"}

_DUTY_DATE = Column(
    "date", "日期", "date", "值班那一天", "the day of duty", key=True, example="2026-03-01", also=("值班日期", "值班日")
)
_DUTY_CENTRE = Column(
    "centre",
    "中心编号",
    "code",
    "中心登记表里的编号",
    "a code of the centre register",
    key=True,
    example="C01",
    also=("中心",),
)
_DUTY_CADRE = Column(
    "cadre",
    "干部编号",
    "code",
    "干部登记表里的编号",
    "a number of the cadre register",
    example="K0012",
    also=("值班干部编号",),
)
_AT = Column(
    "at",
    "时间",
    "instant",
    "日期和钟点，按北京时间",
    "date and time, Beijing time unless an offset is given",
    example="2026-03-01 08:30",
    also=("到岗时间", "签到时间", "确认时间", "交接时间"),
)


def _check(name: str, header: str, note_zh: str, note_en: str) -> Column:
    return Column(name, header, "choice", note_zh, note_en, required=True, allowed=CHECKS, example="正常")


CALENDAR = Register(
    "calendar",
    "工作日历",
    "Work calendar",
    (
        Column("date", "日期", "date", "哪一天", "the day", key=True, example="2026-10-01"),
        Column(
            "kind",
            "类型",
            "choice",
            "这一天是什么日子",
            "what kind of day it is",
            required=True,
            allowed=DAY_KINDS,
            example="法定节假日",
        ),
        Column(
            "name",
            "名称",
            "text",
            "节日名或“调休上班”",
            "the holiday, or that it is a make-up workday",
            example="国庆节",
        ),
    ),
    "只填与系统日历不同的日子，或新公布年份的全部日子。",
    "Only days that differ from the built-in calendar, or all days of a newly announced year.",
)

SLOT = Register(
    "slot",
    "值班安排表",
    "Duty slots",
    (
        _DUTY_DATE,
        _DUTY_CENTRE,
        _DUTY_CADRE,
        Column(
            "state",
            "状态",
            "choice",
            "班次走到哪一步",
            "how far the slot has come",
            allowed=NAMES,
            example="已发布",
            said={"已到岗": "on_duty", "到岗": "on_duty"},
        ),
        Column(
            "pinned",
            "是否锁定",
            "yesno",
            "锁定的班次不会被重新安排",
            "a pinned slot is never moved",
            default=False,
            example="否",
            also=("锁定",),
        ),
        Column(
            "leader",
            "带班领导",
            "name",
            "法定节假日的带班领导姓名",
            "the leader on duty on statutory days",
            secret=True,
            example="李四",
        ),
    ),
    "一个中心一天一行。",
    "One day of one centre a row.",
)

SWAP = Register(
    "swap",
    "换班申请表",
    "Swaps",
    (
        Column("centre", "中心编号", "code", "换班的中心", "the centre", required=True, example="C01", also=("中心",)),
        Column(
            "date_a",
            "甲方日期",
            "date",
            "甲方原来的值班日",
            "the day that is A's now",
            required=True,
            example="2026-03-05",
        ),
        Column("cadre_a", "甲方编号", "code", "甲方的干部编号", "A's cadre number", required=True, example="K0012"),
        Column(
            "date_b",
            "乙方日期",
            "date",
            "乙方原来的值班日",
            "the day that is B's now",
            required=True,
            example="2026-03-09",
        ),
        Column("cadre_b", "乙方编号", "code", "乙方的干部编号", "B's cadre number", required=True, example="K0015"),
        Column(
            "confirmed_a",
            "甲方确认人",
            "code",
            "甲方本人或负责人的编号",
            "number of A or of the head who agreed",
            example="K0012",
        ),
        Column(
            "confirmed_b",
            "乙方确认人",
            "code",
            "乙方本人或负责人的编号",
            "number of B or of the head who agreed",
            example="K0015",
        ),
    ),
    "一次换班一行；双方都确认后才生效。",
    "One swap a row; it takes effect when both sides have agreed.",
)

ACK = Register(
    "ack",
    "值班确认表",
    "Acknowledgements",
    (_DUTY_DATE, _DUTY_CENTRE, _DUTY_CADRE, _AT),
    "本人确认知道这一班。",
    "The cadre knows of the duty.",
)

CHECKIN = Register(
    "checkin",
    "到岗签到表",
    "Check-ins",
    (_DUTY_DATE, _DUTY_CENTRE, _DUTY_CADRE, _AT),
    "实际到岗的人。",
    "Who really came on duty.",
)

HANDOVER = Register(
    "handover",
    "交接班登记表",
    "Hand-overs",
    (
        _DUTY_DATE,
        _DUTY_CENTRE,
        _DUTY_CADRE,
        _AT,
        _check("rooms", "功能室开放", "功能室是否都已开放", "the function rooms were open"),
        _check("meals", "用餐告知", "是否告知老人用餐安排", "the elders were told about meals"),
        _check("cleaning", "环境卫生", "院内是否整洁", "the yard is clean"),
        _check(
            "facilities", "设施设备", "设施是否完好；有问题会自动报修", "the facilities work; a problem opens a ticket"
        ),
        Column("note", "备注", "text", "有问题时写明", "details of a problem", example="二楼活动室灯不亮"),
    ),
    "一班一行，下班时填。",
    "One duty a row, filled in at its end.",
)

DUTY_REGISTERS = (CALENDAR, SLOT, SWAP, ACK, CHECKIN, HANDOVER)
