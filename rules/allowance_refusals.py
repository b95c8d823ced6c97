"""Why a payment list does not go on: each refusal names the list, what is wrong, and what to do. No personal data."""

from dataclasses import dataclass, field
from datetime import date

from rules.errors import TuoqiError
from rules.money import yuan


class ListRefused(TuoqiError):
    """A payment list may not go on; nothing was written."""


@dataclass(eq=False)
class NoList(ListRefused):
    """There is no list of this reference in the district."""

    ref: str
    zh = "没有编号为 {ref} 的发放名单；请在“高龄津贴发放情况”或审批表上核对编号。"
    en = "there is no payment list {ref}; check the reference on the approval sheet."


@dataclass(eq=False)
class NotNow(ListRefused):
    """The list is in another state than this step needs."""

    ref: str
    state: str
    zh = "名单 {ref} 目前{state}，不能进行这一步。"
    en = "payment list {ref} is {state}; this step is not possible now."


STATES = {
    "planned": ("还没有提交公示；请经办人先运行 allowance-notice 提交", "not put forward yet"),
    "notice": ("还没有审批通过", "not approved"),
    "approved": ("已审批通过，等待发放", "approved and waits for release"),
    "released": ("已经发放", "released already"),
    "dropped": ("已作废（名单上已无人）", "dropped, nobody is left on it"),
}


@dataclass(eq=False)
class StillShown(ListRefused):
    """The objection window is open until `until`, inclusive."""

    ref: str
    until: date
    zh = "名单 {ref} 的公示期到 {until} 为止（含当日），期满后才能审批。"
    en = "payment list {ref} is on public notice until {until}; it can be approved after that day."


@dataclass(eq=False)
class OpenObjections(ListRefused):
    """Objections nobody has decided."""

    ref: str
    count: int
    zh = "名单 {ref} 还有 {count} 条异议没有处理；请在异议登记表中填写“是否成立”并导入，再继续。"
    en = "payment list {ref} has {count} undecided objections; decide them in the objection register first."


@dataclass(eq=False)
class Disputed(ListRefused):
    """The bank says both of payments that are to be sent again: that they came back, and that they were paid."""

    ref: str
    count: int
    zh = "名单 {ref} 中有 {count} 笔银行先报退回、后又报成功，重新发放可能重复；请先与银行核实，查清后再结案并继续。"
    en = "the bank calls {count} payments of list {ref} paid after returning them; settle that with the bank first."


@dataclass(eq=False)
class OwnList(ListRefused):
    """Who made the list may not approve it."""

    ref: str
    zh = "名单 {ref} 由您经办提交，须由另一位审批人审批。"
    en = "you put payment list {ref} forward; somebody else has to approve it."


@dataclass(eq=False)
class WrongConfirmation(ListRefused):
    """The confirmation code is of another content: the sheet is old, or the code mistyped."""

    ref: str
    zh = "确认码与名单 {ref} 目前的内容不符：名单在审批表之后有变动，或确认码输错。请取最新的审批表核对后再审批。"
    en = "the confirmation code does not fit payment list {ref} as it is now; take the latest sheet and check it."


@dataclass(eq=False)
class NoBudget(ListRefused):
    """A period on the list has no budget."""

    ref: str
    programme: str
    period: str
    zh = "名单 {ref} 中 {period} 还没有预算；请先导入预算登记表（budget）。本次没有批准任何一笔。"
    en = "payment list {ref}: {programme} {period} has no budget; import the budget register. Nothing was approved."


@dataclass(eq=False)
class OverBudget(ListRefused):
    """The list costs more than is left; all or nothing, so nothing."""

    ref: str
    programme: str
    period: str
    short_fen: int
    short: str = field(init=False)
    zh = "名单 {ref} 中 {period} 超出预算 {short} 元；本次没有批准任何一笔。请追加预算后重新审批。"
    en = "payment list {ref}: {programme} {period} is {short} yuan over its budget; nothing was approved."

    def __post_init__(self) -> None:
        self.short = yuan(self.short_fen)


@dataclass(eq=False)
class Changed(ListRefused):
    """What was approved is not what would be paid; the approval is void."""

    ref: str
    zh = "名单 {ref} 在审批后有变动（人员、金额或账户），未发放，原审批已作废；请按最新的审批表重新审批。"
    en = "payment list {ref} has changed since it was approved: nothing was released, the approval is void."


@dataclass(eq=False)
class Nobody(ListRefused):
    """Nobody is left on the list."""

    ref: str
    zh = "名单 {ref} 上已没有人，不需要审批。"
    en = "nobody is left on payment list {ref}; there is nothing to approve."


@dataclass(eq=False)
class MoneyRests(TuoqiError):
    """The database was restored, and nobody has made sure yet what the bank has had since the backup."""

    at: str
    persons: int
    zh = (
        "数据库于 {at} 由备份恢复，暂停发放：备份之后送往银行的文件不在库中，再发放会重复付款。"
        "请向银行核对它收到的文件，用 tuoqi allowance adopt 名单编号 文件 登记，"
        "再由两位审批人各填一次 allowance-hold 表单（选“恢复发放”），"
        "或各执行一次 tuoqi allowance resume（已有 {persons} 人）。"
    )
    en = (
        "the database was restored at {at} and money rests: files that went to the bank after the backup are not in "
        "it, and would be paid twice. Ask the bank what it has had, enter it with `tuoqi allowance adopt LIST FILE`, "
        "then two approvers send the form `allowance-hold` or run `tuoqi allowance resume` ({persons} so far)."
    )


@dataclass(eq=False)
class MoneyHeld(TuoqiError):
    """An approver has put the money of the district at rest."""

    at: str
    persons: int
    zh = (
        "发放已于 {at} 由审批人暂停，原因见审计日志；"
        "查清后由两位审批人各填一次 allowance-hold 表单（选“恢复发放”），"
        "或各执行一次 tuoqi allowance resume（已有 {persons} 人）。"
    )
    en = (
        "an approver stopped all payments at {at}; once it is found out, two approvers send the form `allowance-hold` "
        "or run `tuoqi allowance resume` ({persons} so far). The reason is in the audit log."
    )
