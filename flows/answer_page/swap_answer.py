"""Answering a swap by link: the two dates -> yes, through the register's own store, or no -> the asker is told."""

from sqlmodel import Session

from flows.answer_page.desk import Desk
from flows.answer_page.page import Answered, Page, lost, note, overtaken, speaking, told_day, used
from flows.duty_desk import NotRecorded, record_within
from flows.duty_plan import telling
from flows.intake_store import log_rows, one_transaction
from models import audit
from models.answers import Exchange, exchange_of, use_link
from models.duty_record import slots_at
from models.intake_swaps import refuse
from notifications.duty_swaps import tell_answered
from notifications.links import Ticket
from rules.errors import say


def show(desk: Desk, ticket: Ticket) -> Page:
    """Show the request to the side that was asked.

    Raises:
        Answered: there is none, or it holds no more.
    """
    with desk.database.read() as session:
        exchange, side = _behind(session, desk, ticket)
    return _answered(exchange, side) or _question(desk, exchange, side, ticket)


def take(desk: Desk, code: str, ticket: Ticket, answer: str) -> Page:
    """Agree (yes) or not (no), once; saying the same twice is answered kindly, changing one's mind is not possible.

    Raises:
        Answered: the link cannot answer.
        TuoqiError: somebody else was faster.
    """
    if answer not in {"yes", "no"}:
        raise Answered(lost())
    with desk.database.read() as session:
        exchange, side = _behind(session, desk, ticket)
    if (known := _answered(exchange, side)) is not None:
        return _same_or_used(known, exchange, answer)
    _question(desk, exchange, side, ticket)
    try:
        with speaking(desk.settings.lang), one_transaction(desk.database) as session:
            (_agree if answer == "yes" else _decline)(session, desk, code, ticket)
    except NotRecorded:
        return _question(desk, exchange, side, ticket, _not_possible())
    with desk.database.read() as session:
        exchange, side = _behind(session, desk, ticket)
    known = _answered(exchange, side)
    return overtaken() if known is None else _same_or_used(known, exchange, answer)


def _agree(session: Session, desk: Desk, code: str, ticket: Ticket) -> None:
    exchange, side = _locked(session, desk, ticket)
    if exchange.state != "asked":
        return
    _claim(session, desk, code)
    earlier, later = exchange.duties
    own = str(exchange.duties[side].cadre)
    days = {"date_a": earlier.day.isoformat(), "date_b": later.day.isoformat()}
    people = {"cadre_a": str(earlier.cadre), "cadre_b": str(later.cadre)}
    values = {"centre": earlier.centre, **days, **people, f"confirmed_{'ab'[side]}": own}
    taken = record_within(session, desk.settings, "swap", own, values)
    if taken.moved:
        tell_answered(session, telling(desk.settings, desk.today), exchange, 1 - side, done=True)
    log_rows(session, desk.settings, "swap", taken, own, source="link")


def _decline(session: Session, desk: Desk, code: str, ticket: Ticket) -> None:
    exchange, side = _locked(session, desk, ticket)
    if exchange.state != "asked":
        return
    _claim(session, desk, code)
    if not refuse(session, exchange.id):
        raise Answered(overtaken())
    tell_answered(session, telling(desk.settings, desk.today), exchange, 1 - side, done=False)
    told = {"swap": exchange.id, "source": "link"}
    own = str(exchange.duties[side].cadre)
    audit.record(session, desk.settings.district, own, "duty.swap-refused", desk.now, **told)


def _claim(session: Session, desk: Desk, code: str) -> None:
    """Yes and no are one step: a link says one of them, once."""
    if not use_link(session, code, "answer", desk.now):
        raise Answered(used())


def _behind(session: Session, desk: Desk, ticket: Ticket) -> tuple[Exchange, int]:
    """Return the request and which side of it the reader is.

    Raises:
        Answered: there is none.
    """
    exchange = exchange_of(session, desk.district(session), ticket.subject)
    if exchange is None or ticket.person not in exchange.cadre_ids:
        raise Answered(lost())
    return exchange, exchange.cadre_ids.index(ticket.person)


def _locked(session: Session, desk: Desk, ticket: Ticket) -> tuple[Exchange, int]:
    exchange, _ = _behind(session, desk, ticket)
    slots_at(session, desk.district(session), {(duty.centre, duty.day) for duty in exchange.duties})
    exchange, side = _behind(session, desk, ticket)
    if exchange.state == "asked":
        _check_stands(exchange, ticket)
    return exchange, side


def _check_stands(exchange: Exchange, ticket: Ticket) -> None:
    if not exchange.stands or exchange.revision != ticket.revision:
        title = say("这次换班已不适用", "This swap no longer applies")
        text = say(
            "申请之后，值班表有了变动，不用再答复。您的值班以最新消息为准。",
            "The roster has changed since it was asked for; there is nothing to answer. Go by the latest message.",
        )
        raise Answered(note(410, title, text))


def _question(desk: Desk, exchange: Exchange, side: int, ticket: Ticket, problem: str = "") -> Page:
    _check_stands(exchange, ticket)
    give, take_over = exchange.duties[side], exchange.duties[1 - side]
    days = {"give": told_day(give.day, desk.today), "take": told_day(take_over.day, desk.today)}
    return Page(409 if problem else 200, "swap_answer.html", {**days, "centre": give.centre_name, "problem": problem})


def _not_possible() -> str:
    return say(
        "现在不能换：换了会不符合值班规定（如间隔天数、请假），或值班表刚有变动。值班表没有改。",
        "Not possible now: it would break a duty rule, or the roster has just changed. Nothing was changed.",
    )


def _answered(exchange: Exchange, side: int) -> Page | None:
    """Return what came of the request; None while it waits for this side."""
    if exchange.state == "done":
        return carried_out()
    if exchange.state == "refused":
        title = say("已答复：不同意", "Your answer: no")
        text = say("值班表没有变，您仍在原来的日子值班。", "Nothing has changed: you serve on the day you had.")
        return note(200, title, text, "calm")
    if exchange.confirmed[side]:
        text = say(
            "等对方确认后才生效，之后会有消息告诉您。", "It takes effect when the other side confirms; you will hear."
        )
        return note(200, say("已答复：同意", "Your answer: yes"), text, "calm")
    return None


def carried_out() -> Page:
    """The swap is done."""
    title = say("换班成功", "The swap is done")
    text = say(
        "双方都已同意，值班表已更新。具体日期请看最新的消息。",
        "Both agreed, and the roster is changed. The latest message has your date.",
    )
    return note(200, title, text, "calm")


def _same_or_used(known: Page, exchange: Exchange, answer: str) -> Page:
    return known if (answer == "no") == (exchange.state == "refused") else used()
