"""Asking for a swap by link: the duties that the rules allow, by date alone -> the request -> the other side told.

Every rule of a swap is checked twice: here first, in the reader's language and without numbers of persons, then by the
register's own store function, whose word counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from sqlmodel import Session

from flows.answer_page import duty as duty_page
from flows.answer_page.desk import Desk, duty_behind
from flows.answer_page.page import Page, speaking, told_day
from flows.answer_page.swap_answer import carried_out
from flows.duty_desk import NotRecorded, record_within
from flows.duty_plan import telling
from flows.intake_store import log_rows, one_transaction
from models.answers import Duty, Exchange, duties_from, exchanges_of, use_link
from models.duty_facts import facts_around
from models.duty_record import slots_at
from notifications.duty_swaps import tell_answered, tell_asked
from notifications.links import Ticket
from policies import book
from rules.duty_swap import SwapRefused, check_swap
from rules.errors import say

MOST_ASKED = 3
"""Requests that may wait for an answer at once: each is a message to a colleague."""


def choose(desk: Desk, ticket: Ticket, problem: str = "") -> Page:
    """Show the dates that the rules allow to swap with.

    Raises:
        Answered: the link cannot speak of this duty any more.
    """
    with desk.database.read() as session:
        duty = duty_behind(session, desk, ticket)
        others = _others(session, desk, duty)
        barred = _barred(session, desk, duty, others) if others else {}
        asked = _asked(session, desk, duty)
    days = [told_day(other.day, desk.today) for other in others if barred[other.day] is None and other.day not in asked]
    full = _waiting(asked) >= MOST_ASKED
    told = {"day": told_day(duty.day, desk.today), "days": [] if full else days, "full": full, "problem": problem}
    return Page(409 if problem else 200, "swap_choose.html", told)


def _others(session: Session, desk: Desk, duty: Duty) -> list[Duty]:
    """The duties of other cadres at the same centre that have not begun."""
    if duty_page.stage(duty, desk) not in {"ack", "wait", "checkin"}:
        return []
    every = duties_from(session, desk.district(session), duty.centre, desk.today)
    open_states = {"published", "acknowledged"}
    return [each for each in every if each.state in open_states and each.cadre_id != duty.cadre_id]


def _barred(session: Session, desk: Desk, duty: Duty, others: Sequence[Duty]) -> dict[date, SwapRefused | None]:
    """Say for each date which rule forbids it, in words without numbers; None where none does."""
    days = [duty.day, *(other.day for other in others)]
    cadres = {str(each.cadre) for each in (duty, *others)}
    known = facts_around(session, desk.district(session), duty.centre, cadres, min(days), max(days))
    rule = book.duty(desk.today, desk.settings.policy).rule
    found: dict[date, SwapRefused | None] = {}
    for other in others:
        sides = (duty.day, str(duty.cadre), other.day, str(other.cadre))
        try:
            check_swap(known, duty.centre, *sides, desk.today, rule)
            found[other.day] = None
        except SwapRefused as refused:
            who = say("您", "your side") if refused.cadre == duty.cadre else say("对方", "the other side")
            found[other.day] = replace(refused, cadre=who, centre=duty.centre_name)
    return found


def _asked(session: Session, desk: Desk, duty: Duty) -> dict[date, Exchange]:
    """What was asked for already with this duty, by the other date; not what the other side asks of us."""
    found = {}
    for each in exchanges_of(session, desk.district(session), duty):
        side = each.cadre_ids.index(duty.cadre_id or 0)
        if each.stands and (each.state != "asked" or each.confirmed[side]):
            found[each.duties[1 - side].day] = each
    return found


def _waiting(asked: Mapping[date, Exchange]) -> int:
    return sum(each.state == "asked" for each in asked.values())


def ask(desk: Desk, code: str, ticket: Ticket, chosen: str) -> Page:
    """Ask for a swap with the duty of a date, and tell the other side.

    Raises:
        Answered: the link cannot ask.
        TuoqiError: somebody else was faster.
    """
    with desk.database.read() as session:
        duty = duty_behind(session, desk, ticket)
        other = next((each for each in _others(session, desk, duty) if each.day.isoformat() == chosen), None)
        barred = _barred(session, desk, duty, [other])[other.day] if other else None
    if other is None:
        return choose(desk, ticket, say("请选一个日期。", "Please choose a date."))
    if barred is not None:
        return choose(desk, ticket, str(barred))
    try:
        with speaking(desk.settings.lang), one_transaction(desk.database) as session:
            done = _ask(session, desk, code, ticket, other)
    except NotRecorded:
        return choose(desk, ticket, say("值班表刚有变动，请重新选择。", "The roster has just changed; choose again."))
    if done:
        return carried_out()
    with desk.database.read() as session:
        told = say(
            "换班申请已发给对方。对方同意之前，这一班仍是您的。",
            "Your colleague has been asked. Until they agree, this duty is still yours.",
        )
        return duty_page.shown(session, desk, code, duty_behind(session, desk, ticket), notice=told)


def _ask(session: Session, desk: Desk, code: str, ticket: Ticket, other: Duty) -> bool:
    """Record the request; True when the other side had asked for the same, and so the swap is done."""
    use = use_link(session, code, f"swap:{other.day}", desk.now)
    slots_at(
        session,
        desk.district(session),
        {(other.centre, duty_behind(session, desk, ticket).day), (other.centre, other.day)},
    )
    duty = duty_behind(session, desk, ticket)
    before = _asked(session, desk, duty)
    if not use or other.day in before:
        return False
    if _waiting(before) >= MOST_ASKED:
        raise NotRecorded("too many requests", "wait for an answer")
    own = str(duty.cadre)
    sides = {"date_a": duty.day.isoformat(), "cadre_a": own, "date_b": other.day.isoformat()}
    values = {"centre": duty.centre, **sides, "cadre_b": str(other.cadre), "confirmed_a": own}
    taken = record_within(session, desk.settings, "swap", own, values)
    sought = {duty.cadre_id, other.cadre_id}
    found = exchanges_of(session, desk.district(session), duty)
    exchange = next(each for each in found if set(each.cadre_ids) == sought and other.day in each.days)
    theirs = 1 - exchange.cadre_ids.index(ticket.person)
    if exchange.state == "done":
        tell_answered(session, telling(desk.settings, desk.today), exchange, theirs, done=True)
    else:
        tell_asked(session, telling(desk.settings, desk.today), exchange, theirs)
    log_rows(session, desk.settings, "swap", taken, own, source="link")
    return exchange.state == "done"
