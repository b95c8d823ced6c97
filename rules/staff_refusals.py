"""Why a member of staff is not added, enrolled or believed; nothing that was typed is repeated."""

from dataclasses import dataclass
from datetime import datetime

from rules.errors import TuoqiError


class StaffRefused(TuoqiError):
    """Nothing was written."""


class NumberTaken(StaffRefused):
    """A staff number names one person for ever."""

    zh = "这个工号已有人使用；工号不能重复，离任后也不再给别人。请核对，或另用一个工号。"
    en = "this staff number is taken; it names one person for ever. Check it, or take another."


class NoSuchStaff(StaffRefused):
    """Nobody has the number."""

    zh = "本区没有这个工号的工作人员；请用 tuoqi staff list 查看，或用 tuoqi staff add 登记。"
    en = "no member of staff has this number; see `tuoqi staff list`, or add them with `tuoqi staff add`."


class NotAMaker(StaffRefused):
    """Only makers in office put a list forward; whether the number exists is not told."""

    zh = "这个工号不能经办：没有登记、已离任，或只有审批权限。请用 tuoqi staff list 核对。"
    en = "this number cannot put a list forward: unknown, out of office, or an approver only. See `tuoqi staff list`."


class WrongFirstCode(StaffRefused):
    """The authenticator does not show what it should, so it would never do."""

    zh = "动态验证码不对，没有绑定；请核对手机和本机的时间，重新执行 tuoqi staff enrol 并扫描新的二维码。"
    en = "the code is wrong, nothing was enrolled; check both clocks and enrol again with the new QR code."


class NotProved(TuoqiError):
    """Number or code are wrong, or the form is closed to the number: one sentence for all, so that none is told."""

    zh = (
        "未通过验证：工号或动态验证码不对，或该工号因 5 次输错，表单暂停 15 分钟。请核对工号，换用最新的验证码重试；"
        "表单暂停期间，本人仍可用命令行。"
    )
    en = (
        "not proved: staff number or one-time code is wrong, or five wrong tries closed the form to this number for 15 "
        "minutes. Check the number and try the latest code; the command line stays open meanwhile."
    )


class NotAnApprover(NotProved):
    """Told only to who has proved to be the person."""

    zh = "验证通过，但这个工号没有审批权限，或已离任；请由有审批权限的人办理。"
    en = "the code is right, but this number may not approve, or is out of office; somebody who may has to do it."


class CodeUsed(NotProved):
    """A code, or a later one, was used before."""

    zh = "这个动态验证码已经用过；请等手机显示下一个（最多 30 秒）再试。"
    en = "this one-time code was used before; wait for the next one (30 seconds at most)."


@dataclass(eq=False)
class ClockBehind(NotProved):
    """The last code used is of a time that, by this clock, has not come."""

    last: datetime
    zh = "上次使用的验证码（{last:%Y-%m-%d %H:%M} UTC）晚于本机时间，本机的时钟可能被调回；请校准时钟后再试。"
    en = "the last code used is of {last:%Y-%m-%d %H:%M} UTC, later than this machine's clock; correct the clock first."
