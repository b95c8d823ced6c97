"""The page of one duty: where it stands -> its next step, one big button -> the registers' own store -> shown again.

确认值班 acknowledge -> 到岗签到 check in, on the day -> 交接 hand over -> done.
"""

from collections.abc import Mapping
from typing import Any, Literal

from sqlmodel import Session

from flows.answer_page.desk import Desk, duty_behind
from flows.answer_page.page import Answered, Page, lost, told_day, used
from flows.duty_desk import NotRecorded, record_within
from flows.intake_store import log_rows, one_transaction
from models.answers import Duty, Exchange, exchanges_of, link_uses, use_link
from models.duty_record import slots_at
from notifications.links import Ticket
from rules.errors import say

Stage = Literal["ack", "wait", "checkin", "handover", "done", "covered", "missed", "over"]
STEPS = ("ack", "checkin", "handover")
CHECKS = ("rooms", "meals", "cleaning", "facilities")
LONGEST_NOTE = 200
_REACHED = {
    "ack": {"acknowledged", "on_duty", "handed_over"},
    "checkin": {"on_duty", "handed_over"},
    "handover": {"handed_over"},
}
"""The states in which a step has been done, whoever did it."""


def show(desk: Desk, code: str, ticket: Ticket) -> Page:
    """Show the duty and its next step.

    Raises:
        Answered: the link has nothing to show any more.
    """
    with desk.database.read() as session:
        return shown(session, desk, code, duty_behind(session, desk, ticket))


def take(desk: Desk, code: str, ticket: Ticket, form: Mapping[str, str]) -> Page:
    """Do the step that was confirmed, once.

    Raises:
        Answered: the link cannot do it.
        TuoqiError: somebody else was faster.
    """
    step = form.get("do", "")
    if step not in STEPS:
        raise Answered(lost())
    try:
        with one_transaction(desk.database) as session:
            told = _step(session, desk, code, ticket, step, form)
    except NotRecorded as refused:
        with desk.database.read() as session:
            duty = duty_behind(session, desk, ticket)
            return shown(session, desk, code, duty, status=422, problem=str(refused), given=form)
    with desk.database.read() as session:
        return shown(session, desk, code, duty_behind(session, desk, ticket), notice=told)


def _step(session: Session, desk: Desk, code: str, ticket: Ticket, step: str, form: Mapping[str, str]) -> str:
    """Claim the step for the link, then record it; two taps at once come here one after the other."""
    fresh = use_link(session, code, step, desk.now)
    place = duty_behind(session, desk, ticket)
    slots_at(session, desk.district(session), {(place.centre, place.day)})  # nobody moves it from here on
    duty = duty_behind(session, desk, ticket)
    if duty.state in _REACHED[step] and _own(duty):
        return say("已登记过，不用再按。", "This was recorded already; nothing more to do.")
    if not fresh:
        raise Answered(used())
    assert duty.cadre is not None
    values = {"date": duty.day.isoformat(), "centre": duty.centre, "cadre": duty.cadre}
    taken = record_within(session, desk.settings, step, duty.cadre, values | _checklist(step, form))
    log_rows(session, desk.settings, step, taken, duty.cadre, source="link")
    return {
        "ack": say("已确认，谢谢您！", "Confirmed. Thank you!"),
        "checkin": say("已签到，辛苦了！", "You are checked in."),
        "handover": say("交接已登记，辛苦了！", "The hand-over is recorded. Thank you!"),
    }[step]


def _checklist(step: str, form: Mapping[str, str]) -> dict[str, str]:
    if step != "handover":
        return {}
    note = form.get("note", "")
    if len(note) > LONGEST_NOTE:
        problem = say(f"说明超过 {LONGEST_NOTE} 个字", f"the note is longer than {LONGEST_NOTE} characters")
        raise NotRecorded(problem, say("请缩短", "shorten it"))
    return {**{name: form.get(name, "") for name in CHECKS}, "note": note}


def _own(duty: Duty) -> bool:
    """Whether nobody else has come in their place."""
    return duty.came_id in {None, duty.cadre_id}


def stage(duty: Duty, desk: Desk) -> Stage:
    """Where a duty stands for its cadre."""
    if duty.state in {"on_duty", "handed_over"}:
        if not _own(duty):
            return "covered"
        return "handover" if duty.state == "on_duty" else "done"
    if duty.state == "missed":
        return "missed"
    if duty.day < desk.today:
        return "over"
    if duty.state == "published":
        return "ack"
    return "checkin" if duty.day == desk.today else "wait"


def shown(session: Session, desk: Desk, code: str, duty: Duty, *, status: int = 200, **said: Any) -> Page:
    """Write the page of a duty; `said` may hold a notice, a problem, and what the form was given.

    Raises:
        Answered: its next step was done with this link once, and taken back since.
    """
    where = stage(duty, desk)
    if where in link_uses(session, code):
        raise Answered(used())
    told: dict[str, Any] = {"notice": "", "problem": "", "given": {}, **said}
    swaps = [_pending(each, duty, desk) for each in exchanges_of(session, desk.district(session), duty)]
    return Page(
        status,
        "duty.html",
        {
            "day": told_day(duty.day, desk.today),
            "centre": duty.centre_name,
            "stage": where,
            "reached": [duty.state in _REACHED[step] and _own(duty) for step in STEPS],
            "swaps": swaps if where in {"ack", "wait", "checkin"} else [],
            "may_swap": where in {"ack", "wait", "checkin"} and not duty.pinned,
            "longest_note": LONGEST_NOTE,
            **told,
        },
    )


def _pending(exchange: Exchange, duty: Duty, desk: Desk) -> dict[str, Any]:
    side = exchange.cadre_ids.index(duty.cadre_id or 0)
    other = exchange.duties[1 - side]
    waits = exchange.state == "asked" and exchange.stands and exchange.confirmed[side]
    state = "waits" if waits else "refused" if exchange.state == "refused" else ""
    return {**told_day(other.day, desk.today), "state": state}
