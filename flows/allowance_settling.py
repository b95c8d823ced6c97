"""What approvers say of money as Prefect runs it: the form's values -> settled, held or let go on -> a page.

What a run returns has no note in it, for Prefect shows references and counts only.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.allowance_claims import withdraw
from flows.allowance_desk import line_number, payment_key
from flows.allowance_restored import hold, resume
from flows.allowance_settle import Person, close, recovered, vouch
from flows.allowances import show_what_waits
from flows.districts import by_district
from flows.failures import ONCE, safely
from flows.settings import settings
from flows.store import opened
from rules.errors import TuoqiError, say

Result = dict[str, Any]


@dataclass(eq=False)
class FieldNeeded(TuoqiError):
    """The step needs a field that was left open or blank."""

    field: str
    zh = "这一步必须填写“{field}”；没有登记，请补填后再运行一次。"
    en = "this step needs the field {field!r}; nothing was recorded, fill it in and run again."


@flow(name="allowance-settle", **ONCE)
@by_district
@safely
def allowance_settle(
    step: fields.SettleStep,
    item: fields.SettleItem,
    note: fields.SettleNote,
    staff: fields.StaffNumber,
    code: fields.OneTimeCode,
    booked_on: fields.BookedOn = None,
) -> Result:
    """Settle what only people can: an unknown payment, a line that fits nothing, a claim given back or wrong.

    Args:
        step: what is said of it.
        item: the payment's key; for a line of the bank its number.
        note: where the evidence is, or what was found out.
        staff: the approver's number.
        code: the one-time code.
        booked_on: for an unknown payment, the day on which the bank booked it.
    """
    chosen, person = settings(), Person(staff, code.get_secret_value(), "form")
    told, which = _filled(note, say("凭证或情况", "evidence or findings")), say("流水号；差异填编号", "payment")
    with opened(chosen) as database:
        if step == "close":
            result = close(database, chosen, person, line_number(item, which), told)
        elif step == "recovered":
            result = recovered(database, chosen, person, payment_key(item, which), told)
        elif step == "withdraw":
            result = withdraw(database, chosen, person, payment_key(item, which), told)
        else:
            result = vouch(database, chosen, person, payment_key(item, which), step, _day(booked_on), told)
        _show_settled(step, result)
        show_what_waits(database, chosen)
    return result


def _filled(given: str, field: str) -> str:
    if not given.strip():
        raise FieldNeeded(field)
    return given


def _day(given: date | None) -> date:
    if given is None:
        raise FieldNeeded(say("银行记账日期", "booked on"))
    return given


def _show_settled(step: str, result: Result) -> None:
    """Say what was recorded, and whether somebody else must say the same."""
    told = say("已办结。", "Settled.")
    if step in {"paid", "returned"} and not result["settled"]:
        told = say("已登记；还需另一位审批人认定同样的结果和日期。", "Recorded; another approver must say the same.")
        if result["differ"]:
            told += say(
                "**另一位审批人认定的不同**：请两人核对凭证，认定有误的再填一次，以后一次为准。",
                " **Another approver says otherwise**: compare the evidence; who was wrong sends the form again.",
            )
    item = result.get("payment") or result["line"]
    artifacts.markdown("allowance-settle", f"**{item}** · {fields.SETTLE_STEPS[step]}\n\n{told}")


@flow(name="allowance-hold", **ONCE)
@by_district
@safely
def allowance_hold(
    what: fields.HoldOrResume, note: fields.HoldNote, staff: fields.StaffNumber, code: fields.OneTimeCode
) -> Result:
    """Stop all payments of the district at once, or let them go on, which takes two approvers.

    Args:
        what: hold or resume.
        note: why, or how it was found out.
        staff: the approver's number.
        code: the one-time code.
    """
    chosen, person = settings(), Person(staff, code.get_secret_value(), "form")
    why = _filled(note, say("原因或核对情况", "why, or how it was found out"))
    with opened(chosen) as database:
        result = (hold if what == "hold" else resume)(database, chosen, person, why)
    artifacts.markdown("allowance-hold", _told(result))
    return result


def _told(result: Result) -> str:
    if result.get("held"):
        return say(
            "**一切发放已暂停。** 已写到 outbox/bank 的银行文件不会收回：请经办先不要送交银行，"
            "已送交的立即联系银行。\n\n查清后由 {} 位审批人各填一次此表单（选“恢复发放”），才会继续。",
            "**All payments rest.** Files in outbox/bank are not called back: do not hand them in, and telephone the "
            "bank about those it has.\n\nPayments go on once {} approvers have sent this form to resume.",
        ).format(result["to_resume"])
    if result["resumed"]:
        return say("**发放已恢复。** 下一次 allowance-release 照常进行。", "**Payments go on** with the next release.")
    return say(
        "**已有 {} 人确认，共需 {} 人。** 发放仍然暂停，请另一位审批人再填一次。",
        "**{} of {} have confirmed.** Payments still rest until another approver sends the form.",
    ).format(result["persons"], result["needed"])
