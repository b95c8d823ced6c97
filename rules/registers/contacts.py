"""The registers of follow-up visits 探访关爱 that say what happened: contacts, statuses, issues."""

from collections.abc import Mapping
from dataclasses import replace

from rules.issues_log import EVENT_NAMES
from rules.registers.elders import ELDER_CELL
from rules.registers.shape import Column, Register
from rules.registers.visits import HELPER_CELL

CHANNEL_NAMES: Mapping[str, str] = {"home": "上门", "phone": "电话", "video": "视频"}
OUTCOME_NAMES: Mapping[str, str] = {
    "MET": "见到本人",
    "PHONE": "电话接通",
    "VIDEO": "视频接通",
    "NO_ANSWER": "无人应答",
    "REFUSED": "拒绝探访",
    "AWAY": "外出",
}
STATUS_NAMES: Mapping[str, str] = {
    "ACTIVE": "在册",
    "HOSPITAL": "住院",
    "AWAY": "外出",
    "REFUSED": "拒绝探访",
    "MOVED": "迁出",
    "INSTITUTION": "入住机构",
    "DEAD": "去世",
}
ISSUE_KIND_NAMES: Mapping[str, str] = {"urgent": "紧急", "consult": "咨询", "help": "求助", "other": "其他"}
ISSUE_EVENT_NAMES: Mapping[str, str] = {str(event): name for event, name in EVENT_NAMES.items()}

_RECORDED_AT = Column(
    "recorded_at",
    "录入时间",
    "instant",
    "补录旧台账时填；留空为现在",
    "for records kept elsewhere before; blank means now",
    example="2026-03-01 18:00",
    also=("补录时间",),
)

CONTACT = Register(
    "contact",
    "探访记录表",
    "Contacts",
    (
        ELDER_CELL,
        HELPER_CELL,
        Column(
            "channel",
            "方式",
            "choice",
            "怎样联系老人",
            "how the elder was reached",
            key=True,
            allowed=CHANNEL_NAMES,
            example="上门",
            also=("探访方式", "联系方式"),
            said={"入户": "home", "走访": "home"},
        ),
        Column(
            "occurred_at",
            "探访时间",
            "when",
            "日期，或日期和钟点；不能晚于今天",
            "a day, or a day and a time; not in the future",
            key=True,
            example="2026-03-01 09:30",
            also=("探访日期", "日期", "联系时间"),
        ),
        Column(
            "outcome",
            "结果",
            "choice",
            "上门填见到本人，电话填电话接通，视频填视频接通；家属接听不算",
            "MET at home, PHONE by phone, VIDEO by video; a relative who answers does not count",
            required=True,
            allowed=OUTCOME_NAMES,
            example="见到本人",
            also=("探访结果",),
            said={"已见到": "MET", "接通": "PHONE", "无人": "NO_ANSWER", "敲门无人": "NO_ANSWER"},
        ),
        _RECORDED_AT,
        Column(
            "note",
            "备注",
            "text",
            "老人的情况和要求",
            "how the elder is and what they ask for",
            secret=True,
            example="血压偏高，已提醒服药",
            also=("情况记录", "探访情况"),
        ),
        Column(
            "voided",
            "是否作废",
            "yesno",
            "记错了的填“是”；作废后不能恢复",
            "yes where it never happened; it stays void",
            default=False,
            example="否",
            also=("作废",),
        ),
    ),
    "一次联系一行，见没见到都要记。同一位老人、同一天、同一方式、同一帮扶人只算一次。",
    "One contact or attempt a row. Same elder, date, channel and helper count once.",
)

STATUS = Register(
    "status",
    "老人状态变更表",
    "Statuses of elders",
    (
        ELDER_CELL,
        Column(
            "from",
            "起始日期",
            "date",
            "从哪天起；出院或返家填回来那天",
            "from which day; for a return the day of it",
            key=True,
            example="2026-03-02",
            also=("变更日期", "发生日期", "开始日期"),
        ),
        Column(
            "status",
            "状态",
            "choice",
            "“在册”表示恢复探访",
            "ACTIVE means that visits go on again",
            required=True,
            allowed=STATUS_NAMES,
            example="住院",
            also=("变更状态",),
            said={"返家": "ACTIVE", "出院": "ACTIVE", "恢复": "ACTIVE", "死亡": "DEAD", "迁居": "MOVED"},
        ),
        Column(
            "subdistrict",
            "迁入街道",
            "text",
            "只在几个街道有同名社区时填写",
            "needed only where the community has a namesake",
            example="翠湖街道",
        ),
        Column(
            "community",
            "迁入社区",
            "text",
            "只在区内迁居时填写；迁出本区留空",
            "only for a move inside the district; blank for a move out",
            example="翠湖社区",
            also=("社区",),
        ),
        Column(
            "reoffer_on",
            "再次询问日期",
            "date",
            "拒绝探访时与老人约定的日期",
            "for REFUSED: the date agreed for asking again",
            example="2026-06-01",
        ),
        _RECORDED_AT,
    ),
    "一次变更一行；记错了就用同一日期再记一行，以后登记的为准。",
    "One change a row; to correct one, record the same date again: the last recorded holds.",
    apart=("elder", "from", "status", "community", "recorded_at"),
)

ISSUE = Register(
    "issue",
    "诉求与报修台账",
    "Issues and facility tickets",
    (
        Column(
            "number",
            "诉求编号",
            "code",
            "全区唯一；交接班报修自动编为 F-中心-日期-项目",
            "unique in the district; tickets of hand-overs are F-centre-date-item",
            key=True,
            example="S2026-0012",
            also=("编号", "工单号"),
        ),
        replace(ELDER_CELL, key=False, note_zh="老人的诉求填：身份证号或系统编号", note_en="for an elder's issue"),
        Column(
            "centre",
            "中心编号",
            "code",
            "设施报修填：中心登记表里的编号",
            "for a centre's issue: a code of the centre register",
            example="C01",
            also=("中心",),
        ),
        Column(
            "kind",
            "类别",
            "choice",
            "登记时填，决定时限",
            "said at opening; it decides the time limit",
            allowed=ISSUE_KIND_NAMES,
            example="求助",
            also=("诉求类别",),
        ),
        Column(
            "event",
            "事项",
            "choice",
            "登记、派单、申请等待、批准等待、恢复办理、解决、回访、重新打开、办结",
            "what happened",
            required=True,
            allowed=ISSUE_EVENT_NAMES,
            example="登记",
            also=("办理事项",),
        ),
        Column(
            "at",
            "时间",
            "instant",
            "留空为现在；同一人的同一事项不重复登记，再次办理请写明时间",
            "blank means now, and the same event of the same person counts once; give the time of a second one",
            example="2026-03-01 08:30",
            also=("办理时间", "发生时间"),
        ),
        Column(
            "actor",
            "经办人编号",
            "code",
            "派单填接单人；其余填办理人的编号",
            "for assign who gets it; else who did it",
            example="K0012",
            also=("经办人", "接单人编号"),
        ),
        Column(
            "satisfied",
            "是否满意",
            "yesno",
            "回访时填；不满意会重新打开",
            "at the call-back; no reopens it",
            example="是",
            also=("满意",),
        ),
        Column("note", "备注", "text", "诉求内容或办理情况", "what it is about", secret=True, example="要求加装扶手"),
    ),
    "一件诉求的每个事项占一行。",
    "One event of one issue a row.",
    apart=("number", "event", "at"),
)

CONTACT_REGISTERS = (CONTACT, STATUS, ISSUE)
