"""The fields of the jobs' forms: each a type with the title and note that the form shows."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from rules.errors import say

_Month = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


def _field(zh: str, en: str, note_zh: str = "", note_en: str = "") -> object:
    return Field(title=say(zh, en), description=say(note_zh, note_en))


Month = Annotated[
    _Month | None, _field("月份", "month", "如 2026-03；留空由系统按日期推算", "such as 2026-03; open: by date")
]
Publish = Annotated[bool, _field("发布", "publish", "发布后通知到人，不再重排", "people are told; never planned again")]
CentreCode = Annotated[str | None, _field("中心编号", "centre", "留空为全部中心", "open: all centres")]
AsOf = Annotated[date | None, _field("业务日期", "business date", "留空为计划运行的日期", "open: the scheduled date")]
At = Annotated[datetime | None, _field("时刻", "moment", "留空为现在", "open: now")]
What = Annotated[
    Literal["ack", "checkin", "handover", "swap"],
    _field("登记事项", "what", "ack 确认、checkin 签到、handover 交接、swap 换班", "what to record"),
]
Centre = Annotated[str, _field("中心编号", "centre")]
DutyDate = Annotated[date, _field("值班日期", "date of duty")]
By = Annotated[
    str, _field("登记人工号", "who reports", "本人或中心负责人工号；街道办填 office", "cadre, head or office")
]
CadreNumber = Annotated[str | None, _field("值班人工号", "cadre", "留空为排定的值班人", "open: the one planned")]
OtherDate = Annotated[date | None, _field("换班：对方日期", "swap: the other date")]
Problem = Annotated[str, _field("交接：设施问题", "hand-over: problem", "没有问题留空", "open: no problem")]
