"""The fields of the jobs' forms: each a type with the title and note that the form shows.

Prefect overwrites title and description of a field; only `json_schema_extra` outlives it. An optional text is shown as
an empty box that means None: as `str | None` alone the UI shows a str/None switch, and without "" as default it sends
null, which the server refuses. Optional dates keep the switch: the older UI cannot submit an empty date.
"""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints, WithJsonSchema

from flows.settings import in_city, settings
from rules.errors import say
from rules.periods import read_period
from rules.programmes import PROGRAMMES
from rules.refs import canonical, is_ref
from rules.registers.contacts import CHANNEL_NAMES, ISSUE_EVENT_NAMES, ISSUE_KIND_NAMES, OUTCOME_NAMES, STATUS_NAMES

_Month = Annotated[str, StringConstraints(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]
_OPEN = BeforeValidator(lambda given: None if given == "" else given)
_TEXT = WithJsonSchema({"type": "string"})
_DONE = {"确认": "ack", "签到": "checkin", "交接": "handover", "换班": "swap"}
_PROBLEMS = {
    "无": "none",
    "功能室": "rooms",
    "用餐告知": "meals",
    "环境卫生": "cleaning",
    "设施设备": "facilities",
}


def _field(zh: str, en: str, note_zh: str = "", note_en: str = "", **more: Any) -> Any:
    notes = {"description": say(note_zh, note_en)} if note_zh else {}
    return Field(json_schema_extra={"title": say(zh, en), **notes, **more})


Month = Annotated[
    _Month | None,
    _OPEN,
    _TEXT,
    _field(
        "月份",
        "month",
        "如 2026-03；留空由系统按日期推算",
        "such as 2026-03; open: by date",
        default="",
        pattern=r"^$|^20\d\d-(0[1-9]|1[0-2])$",
    ),
]
_NUMBER = "^(?! *(1[3-9][0-9]{9}|[0-9]{15}|[0-9]{17}[0-9Xx]) *$).*[0-9A-Za-z０-９]"
"""A number or code that we gave: Prefect keeps what is typed, so no name in Chinese, no telephone, no ID number."""
_ANY_NUMBER = f"^ *$|{_NUMBER}"
_NO_NUMBER = (
    r"^(?!.*[0-9０-９](\s?[0-9０-９]){7})(?!.*1[3-9０-９][0-9０-９][-－][0-9０-９]{4}[-－][0-9０-９]{4}).{0,100}$"
)
"""Prose of one line without the number of a person: before Prefect keeps it, what rules.free_text mostly refuses."""
Publish = Annotated[bool, _field("发布", "publish", "发布后通知到人，不再重排", "people are told; never planned again")]
CentreCode = Annotated[
    str | None,
    _OPEN,
    _TEXT,
    _field("中心编号", "centre", "留空为全部中心", "open: all centres", default="", pattern=_ANY_NUMBER),
]
_DAY = r"^\d{4}-\d{2}-\d{2}([T ][0-9:.Z+-]*)?$"
"""Prefect's server does not look whether a date is one, and keeps whatever is typed."""
AsOf = Annotated[
    date | None,
    _field("业务日期", "business date", "点 date 选择；不选为计划运行的日期", "open: the scheduled date", pattern=_DAY),
]
At = Annotated[
    datetime | None,
    _OPEN,
    _TEXT,
    _field(
        "时刻",
        "moment",
        "当地时间，如 2026-03-02 07:30；留空为现在",
        "local time such as 2026-03-02 07:30; open: now",
        default="",
        pattern=r"^$|^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}",
    ),
]
What = Annotated[
    Literal["ack", "checkin", "handover", "swap"],
    BeforeValidator(lambda given: _DONE.get(given, given)),
    WithJsonSchema({"type": "string", "enum": list(_DONE)}),
    _field("登记事项", "what"),
]
Centre = Annotated[str, _field("中心编号", "centre", pattern=_NUMBER)]
DutyDate = Annotated[date, _field("值班日期", "date of duty", pattern=_DAY)]
By = Annotated[
    str,
    _field(
        "登记人编号",
        "who reports",
        "本人或中心负责人的编号，如 K0012；街道办填 office",
        "cadre, head or office",
        pattern=_NUMBER,
    ),
]
CadreNumber = Annotated[
    str | None,
    _OPEN,
    _TEXT,
    _field(
        "值班人编号", "cadre", "如 K0012；留空为排定的值班人", "open: the one planned", default="", pattern=_ANY_NUMBER
    ),
]
OtherCadre = Annotated[
    str | None,
    _OPEN,
    _TEXT,
    _field("换班：对方编号", "swap: the other cadre", "只在换班时填写", "swaps only", default="", pattern=_ANY_NUMBER),
]
OtherDate = Annotated[date | None, _field("换班：对方日期", "swap: the other date", pattern=_DAY)]
Problem = Annotated[
    Literal["none", "rooms", "meals", "cleaning", "facilities"],
    BeforeValidator(lambda given: _PROBLEMS.get(given, given)),
    WithJsonSchema({"type": "string", "enum": list(_PROBLEMS)}),
    _field(
        "交接：有问题的项目",
        "hand-over: what has a problem",
        "只在交接时选择；详情用登记表或命令行填写",
        "hand-overs only; details by register or command line",
        default="无",
    ),
]


def _reference(given: Any) -> Any:
    """Take an elder's reference and nothing else: an ID number must not get into the parameters of a run."""
    if isinstance(given, str) and is_ref(given) and given.strip()[:2].upper() == "E-":
        return canonical(given)
    raise ValueError(say("请填老人系统编号，形如 E-7K3Q-9XM1", "give the elder's reference, such as E-7K3Q-9XM1"))


ElderRef = Annotated[
    str,
    BeforeValidator(_reference),
    _field(
        "老人系统编号",
        "elder",
        "形如 E-7K3Q-9XM1；不要填身份证号",
        "a reference such as E-7K3Q-9XM1, never an ID number",
        pattern="^ *[Ee]-[0-9A-Za-z]{4}-?[0-9A-Za-z]{4} *$",
    ),
]
HelperNumber = Annotated[str, _field("帮扶人编号", "helper", pattern=_NUMBER)]
_VISIT_CHANNELS = {zh: name for name, zh in CHANNEL_NAMES.items()}
_OUTCOMES = {zh: name for name, zh in OUTCOME_NAMES.items()}
VisitChannel = Annotated[
    Literal["home", "phone", "video"],
    BeforeValidator(lambda given: _VISIT_CHANNELS.get(given, given)),
    WithJsonSchema({"type": "string", "enum": list(_VISIT_CHANNELS)}),
    _field("方式", "channel"),
]
VisitOutcome = Annotated[
    Literal["MET", "PHONE", "VIDEO", "NO_ANSWER", "REFUSED", "AWAY"],
    BeforeValidator(lambda given: _OUTCOMES.get(given, given)),
    WithJsonSchema({"type": "string", "enum": list(_OUTCOMES)}),
    _field("结果", "outcome"),
]
ReportedBy = Annotated[
    str | None,
    _OPEN,
    _TEXT,
    _field(
        "登记人编号",
        "who reports",
        "留空为帮扶人；街道办填 office",
        "open: the helper; office for the office",
        default="",
        pattern=_ANY_NUMBER,
    ),
]

_PROGRAMMES = {zh: code for code, (zh, _) in PROGRAMMES.items()}
AnyProgramme = Annotated[
    Literal["longevity", "condolence"] | None,
    BeforeValidator(lambda given: _PROGRAMMES.get(given, given) or None),
    WithJsonSchema({"type": "string", "enum": ["", *_PROGRAMMES]}),
    _field("项目", "programme", "留空为全部项目", "open: all of them", default=""),
]
Period = Annotated[
    str | None,
    BeforeValidator(lambda given: read_period(given) if given else None),
    _TEXT,
    _field(
        "发放期",
        "period",
        "如 2026-10、2026年重阳节；留空由系统按政策推算",
        "such as 2026-10 or 2026-double-ninth; open: by policy",
        default="",
    ),
]


def _list_reference(given: Any) -> Any:
    """Take the reference of a payment list and nothing else."""
    if isinstance(given, str) and is_ref(given) and given.strip()[:2].upper() == "B-":
        return canonical(given)
    raise ValueError(say("请填名单编号，形如 B-5W2N-8GKX", "give the list's reference, such as B-5W2N-8GKX"))


_LIST = "^ *[Bb]-[0-9A-Za-z]{4}-?[0-9A-Za-z]{4} *$"
ListRef = Annotated[
    str,
    BeforeValidator(_list_reference),
    _field("名单编号", "list", "形如 B-5W2N-8GKX，见审批表", "such as B-5W2N-8GKX, see the sheet", pattern=_LIST),
]
AnyList = Annotated[
    str | None,
    BeforeValidator(lambda given: _list_reference(given) if given else None),
    _TEXT,
    _field("名单编号", "list", "留空为全部", "open: all", default="", pattern=f"^$|{_LIST}"),
]
StaffNumber = Annotated[str, _field("工号", "staff number", "您自己的工号", "your own", pattern=_NUMBER)]
AnyStaff = Annotated[
    str | None,
    _OPEN,
    _TEXT,
    _field(
        "经办人工号",
        "maker",
        "提交时填写；留空为只查看",
        "to put forward; open: only look",
        default="",
        pattern=_ANY_NUMBER,
    ),
]
Confirmation = Annotated[str, _field("确认码", "confirmation code", "见审批表首页", "on the first page of the sheet")]
OneTimeCode = Annotated[
    SecretStr, _field("动态口令", "one-time code", "验证器上的六位数字，每个只能用一次", "six digits; each works once")
]
_SETTLED = {
    "未知或矛盾：认定已入账": "paid",
    "未知或矛盾：认定已退回": "returned",
    "差异：办结": "close",
    "应收追回：已收到": "recovered",
    "应收追回：登记有误，撤销": "withdraw",
}
SETTLE_STEPS = {step: zh for zh, step in _SETTLED.items()}
"""What the form shows of a step, and wants back."""
SettleStep = Annotated[
    Literal["paid", "returned", "close", "recovered", "withdraw"],
    BeforeValidator(lambda given: _SETTLED.get(given, given)),
    WithJsonSchema({"type": "string", "enum": list(_SETTLED)}),
    _field(
        "办理",
        "step",
        "认定须两位审批人各填一次，结果和日期一致才生效；“矛盾”指银行先退回、后又报成功",
        "an unknown or contradicted payment needs two who say the same",
    ),
]
SettleItem = Annotated[
    str,
    _field(
        "流水号；差异填编号",
        "payment; of a bank line its number",
        "照抄结果页 allowance-to-settle 的第一栏，形如 F7K3Q9XM1-0000001",
        "the first column of the page allowance-to-settle, such as F7K3Q9XM1-0000001",
        pattern="^ *([0-9]{1,9}|[Ff][0-9A-Za-z]{8}-[0-9]{7}) *$",
    ),
]
BookedOn = Annotated[
    date | None,
    _field(
        "银行记账日期",
        "booked on",
        "只在认定时填写，点 date 选择",
        "only to say what became of a payment",
        pattern=_DAY,
    ),
]
_NO_PERSON = (
    "一行，不超过 100 字；不写姓名、证件号、电话、账号",
    "one line of 100 characters; no name, no number of a person",
)
SettleNote = Annotated[
    str,
    _field(
        "凭证或情况",
        "evidence or findings",
        f"凭证存放处，或查明的情况；{_NO_PERSON[0]}",
        f"where the proof is, or what was found out; {_NO_PERSON[1]}",
        pattern=_NO_NUMBER,
    ),
]
_HELD = {"暂停发放": "hold", "恢复发放": "resume"}
HOLD_STEPS = {what: zh for zh, what in _HELD.items()}
"""What the form shows of a hold and its end, and wants back."""
HoldOrResume = Annotated[
    Literal["hold", "resume"],
    BeforeValidator(lambda given: _HELD.get(given, given)),
    WithJsonSchema({"type": "string", "enum": list(_HELD)}),
    _field(
        "办理",
        "what",
        "暂停立即生效，已写出的银行文件不收回；恢复需两位审批人",
        "a hold works at once and calls no file back; to resume takes two",
    ),
]
HoldNote = Annotated[
    str,
    _field(
        "原因或核对情况",
        "why, or how it was found out",
        f"记入审计日志；{_NO_PERSON[0]}",
        f"kept in the audit log; {_NO_PERSON[1]}",
        pattern=_NO_NUMBER,
    ),
]
Supplement = Annotated[
    bool, _field("补充名单", "supplement", "为以前各期应补发的人另做一份名单", "a list of those who are owed after all")
]
ReturnFile = Annotated[
    str | None,
    _OPEN,
    _TEXT,
    _field(
        "回盘文件名",
        "return file",
        "inbox/bank 文件夹中的文件名；留空为全部新文件",
        "a name in inbox/bank; open: all new ones",
        default="",
    ),
]

_STATUSES = {zh: name for name, zh in STATUS_NAMES.items()}
ElderStatus = Annotated[
    Literal["ACTIVE", "HOSPITAL", "AWAY", "REFUSED", "MOVED", "INSTITUTION", "DEAD"],
    BeforeValidator(lambda given: _STATUSES.get(given, given)),
    WithJsonSchema({"type": "string", "enum": list(_STATUSES)}),
    _field("状态", "status", "出院、返家选“在册”", "back home: ACTIVE"),
]
Since = Annotated[date, _field("起始日期", "from", "从哪天起；可以补登以前的日期", "may lie in the past", pattern=_DAY)]
ReportedByOffice = Annotated[
    str, _field("登记人编号", "who reports", "干部或帮扶人编号；街道办填 office", "or office", pattern=_NUMBER)
]
NewCommunity = Annotated[
    str | None,
    _OPEN,
    _TEXT,
    _field("迁入社区", "new community", "只在区内迁居时填写", "only for a move inside the district", default=""),
]
_EVENTS = {zh: name for name, zh in ISSUE_EVENT_NAMES.items()}
_ISSUE_KINDS = {zh: name for name, zh in ISSUE_KIND_NAMES.items()}
IssueEvent = Annotated[
    Literal["open", "assign", "wait", "approve", "resume", "resolve", "verify", "reopen", "close"],
    BeforeValidator(lambda given: _EVENTS.get(given, given)),
    WithJsonSchema({"type": "string", "enum": list(_EVENTS)}),
    _field("办理步骤", "step"),
]
IssueNumber = Annotated[
    str | None, _OPEN, _TEXT, _field("诉求编号", "issue", "新登记时留空", "open for a new one", default="")
]
AnyElderRef = Annotated[
    str | None,
    BeforeValidator(lambda given: _reference(given) if given else None),
    _TEXT,
    _field(
        "老人系统编号",
        "elder",
        "老人的新诉求填写，形如 E-7K3Q-9XM1；不要填身份证号",
        "for a new issue of an elder: a reference such as E-7K3Q-9XM1, never an ID number",
        default="",
        pattern="^$|^ *[Ee]-[0-9A-Za-z]{4}-?[0-9A-Za-z]{4} *$",
    ),
]
CentreOfIssue = Annotated[
    str | None,
    _OPEN,
    _TEXT,
    _field("中心编号", "centre", "中心的新报修填写", "for a new ticket", default="", pattern=_ANY_NUMBER),
]
IssueKind = Annotated[
    Literal["urgent", "consult", "help", "other"] | None,
    BeforeValidator(lambda given: _ISSUE_KINDS.get(given, given) or None),
    WithJsonSchema({"type": "string", "enum": ["", *_ISSUE_KINDS]}),
    _field("类别", "kind", "新登记时选择，决定时限", "for a new issue; decides its limit", default=""),
]
IssueOwner = Annotated[
    str | None,
    _OPEN,
    _TEXT,
    _field("接单人编号", "given to", "只在派单时填写", "assignments only", default="", pattern=_ANY_NUMBER),
]
_ANSWERS = {"满意": "yes", "不满意": "no"}
Satisfied = Annotated[
    Literal["yes", "no"] | None,
    BeforeValidator(lambda given: _ANSWERS.get(given, given) or None),
    WithJsonSchema({"type": "string", "enum": ["", *_ANSWERS]}),
    _field("老人是否满意", "satisfied", "只在回访时选择", "call-backs only", default=""),
]
ExamCode = Annotated[str, _field("考试代码", "exam", "如 2026G2MID", "its code, such as 2026G2MID")]
ReleaseVersion = Annotated[
    int | None,
    _field("发布版本", "release", "留空为最新一版；不是最新版的不发送", "open: the latest; no other is sent"),
]
ReleaseReason = Annotated[
    str | None,
    _OPEN,
    _TEXT,
    _field(
        "发布原因",
        "reason",
        "首次发布可留空；更正版必填，一行，不超过 100 字，不写学生姓名和考号",
        "open for the first; needed from the second on, one line of 100 characters, nobody's name or number",
        default="",
        pattern=_NO_NUMBER,
    ),
]
DespiteHeld = Annotated[
    bool,
    _field(
        "仍然提交",
        "despite held rows",
        "有暂不入库的行或没有报送的学校时，确认照此发布；记录在案并写入审批表",
        "go on though rows are held or schools sent nothing; recorded, and on the sheet",
    ),
]
_READERS = {"全部": "all", "区级经办": "officers", "学校": "schools", "家长": "families"}
ToWhom = Annotated[
    Literal["all", "officers", "schools", "families"],
    BeforeValidator(lambda given: _READERS.get(given, given)),
    WithJsonSchema({"type": "string", "enum": list(_READERS)}),
    _field("发给谁", "to whom", "每人只收自己的一份", "each gets only what is theirs", default="全部"),
]
MarkFile = Annotated[
    str | None,
    _OPEN,
    _TEXT,
    _field(
        "成绩文件名",
        "mark file",
        "inbox/marks 文件夹中的文件名，不带路径；留空为全部新文件",
        "a name in inbox/marks, without folder; open: all new ones",
        default="",
    ),
]
AnyExam = Annotated[
    str | None,
    _OPEN,
    _TEXT,
    _field("考试代码", "exam", "如 2026G2MID；留空为全部未发布的考试", "open: all not yet released", default=""),
]

_GIVEN_NAME = re.compile("[a-z0-9-]{1,60}( [0-9]{6})?")
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _name_given(told: Any) -> str:
    """Names that Prefect or we gave; one that a person typed over could be anybody's."""
    return told if isinstance(told, str) and _GIVEN_NAME.fullmatch(told) else "—"


FailedJob = Annotated[str, BeforeValidator(_name_given), _field("作业", "job", "如 duty-day", "such as duty-day")]
FailedRun = Annotated[
    str,
    BeforeValidator(_name_given),
    _field("运行记录", "run", "Prefect 中的名称", "its name in Prefect"),
]
FailedState = Annotated[
    Literal["failed", "crashed"],
    BeforeValidator(lambda told: "crashed" if str(told).lower() == "crashed" else "failed"),
    WithJsonSchema({"type": "string"}),
    _field("结果", "how it ended", "失败或中断", "failed or crashed", default="failed"),
]


FailedNumber = Annotated[
    str,
    BeforeValidator(lambda told: told if isinstance(told, str) and _UUID.fullmatch(told) else ""),
    _field("编号", "number", "Prefect 中的编号", "its id in Prefect", default=""),
]


def district_label(code: str) -> str:
    """What the form shows of a district, and wants back."""
    return f"{code} {settings().all_districts[code]}"


def _of_the_city() -> list[str]:
    return [district_label(code) for code in settings().all_districts] if in_city() else []


_CODE = BeforeValidator(lambda given: given.partition(" ")[0] if isinstance(given, str) else given)
District = Annotated[
    str | None,
    _OPEN,
    _CODE,
    WithJsonSchema({"type": "string", "enum": ["", *_of_the_city()]}),
    _field(
        "区县",
        "district",
        "留空为全部区县；登记、审批等须选择",
        "open: all; forms must say which",
        default="",
    ),
]
OneDistrict = Annotated[
    str, _CODE, WithJsonSchema({"type": "string", "enum": _of_the_city()}), _field("区县", "district")
]
JobName = Annotated[str, _field("作业", "job", "作业名称，如 duty-day", "its name, such as duty-day")]
Given = Annotated[
    dict[str, Any] | None,
    _field("作业的参数", "parameters of the job", '一般不填，如 {"month": "2026-03"}', "usually none"),
]
