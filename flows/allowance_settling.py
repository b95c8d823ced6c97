"""What approvers settle as Prefect runs it: the form's values -> the step, proved by a one-time code -> a page.

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
from flows.districts import by_district
from flows.failures import safely
from flows.settings import settings
from flows.store import opened
from rules.errors import TuoqiError, say

Result = dict[str, Any]
_ONCE: dict[str, Any] = {"retries": 0, "log_prints": False, "persist_result": False}
"""A refusal is told as it is: a second try would find the one-time code used and say only that."""


@dataclass(eq=False)
class FieldNeeded(TuoqiError):
    """The step needs a field that was left open."""

    field: str
    zh = "这一步必须填写“{field}”；没有登记，请补填后再运行一次。"
    en = "this step needs the field {field!r}; nothing was recorded, fill it in and run again."


@flow(name="allowance-settle", **_ONCE)
@by_district
@safely
def allowance_settle(
    step: fields.SettleStep,
    item: fields.SettleItem,
    staff: fields.StaffNumber,
    code: fields.OneTimeCode,
    booked_on: fields.BookedOn = None,
    note: fields.SettleNote = None,
) -> Result:
    """Settle what only people can: an unknown payment, a line that fits nothing, a claim given back or wrong.

    Args:
        step: what is said of it.
        item: the payment's key; for a line of the bank its number.
        staff: the approver's number.
        code: the one-time code.
        booked_on: for an unknown payment, the day on which the bank booked it.
        note: where the evidence is, or what was found out; all but a claim given back need it.
    """
    chosen, person = settings(), Person(staff, code.get_secret_value(), "form")
    with opened(chosen) as database:
        if step in {"paid", "returned"}:
            day = _needed(booked_on, say("银行记账日期", "booked on"))
            result = vouch(database, chosen, person, payment_key(item), step, day, _evidence(note))
        elif step == "close":
            result = close(database, chosen, person, line_number(item), _evidence(note))
        elif step == "withdraw":
            result = withdraw(database, chosen, person, payment_key(item), _evidence(note))
        else:
            result = recovered(database, chosen, person, payment_key(item))
    _show(step, result)
    return result


def _needed(given: date | None, field: str) -> date:
    if given is None:
        raise FieldNeeded(field)
    return given


def _evidence(given: str | None) -> str:
    if not given:
        raise FieldNeeded(say("凭证或情况", "evidence or findings"))
    return given


def _show(step: str, result: Result) -> None:
    """Say what was recorded, and whether somebody else must say the same."""
    one_more = step in {"paid", "returned"} and not result["settled"]
    told = (
        say("已登记；还需另一位审批人认定同样的结果。", "Recorded; another approver must say the same.")
        if one_more
        else say("已办结。", "Settled.")
    )
    item = result.get("payment") or result["line"]
    artifacts.markdown("allowance-settle", f"**{item}** · {fields.SETTLE_STEPS[step]}\n\n{told}")


@flow(name="allowance-hold", **_ONCE)
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
    with opened(chosen) as database:
        result = (hold if what == "hold" else resume)(database, chosen, person, _why(note))
    artifacts.markdown("allowance-hold", _resting(result))
    return result


def _why(given: str) -> str:
    if not given.strip():
        raise FieldNeeded(say("原因或核对情况", "why, or how it was found out"))
    return given


def _resting(result: Result) -> str:
    if result.get("held"):
        return say(
            "**一切发放已暂停。** 查清后由 {} 位审批人各填一次此表单（选“恢复发放”），才会继续。",
            "**All payments rest.** They go on once {} approvers have sent this form with `resume`.",
        ).format(result["to_resume"])
    if result["resumed"]:
        return say("**发放已恢复。** 下一次 allowance-release 照常进行。", "**Payments go on** with the next release.")
    return say(
        "**已有 {} 人确认，共需 {} 人。** 发放仍然暂停，请另一位审批人再填一次。",
        "**{} of {} have confirmed.** Payments still rest until another approver sends the form.",
    ).format(result["persons"], result["needed"])
