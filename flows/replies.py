"""What an SMS reply means: 1 or 确认 acknowledges the duty it answers, R or T ends messages, all else is for staff.

reply -> stored once, by the provider's own id -> its meaning -> the registers' own store, all in one transaction.
"""

import unicodedata
from typing import Literal

from sqlalchemy import update
from sqlmodel import Session, col

from flows.duty_desk import record_within
from flows.failures import incident
from flows.intake_store import Overtaken, log_rows, one_transaction
from flows.settings import Settings
from models import audit
from models.answers import DUTY_NEWS, SWAP_NEWS, News, ReplyTaken, duty_of, news_to
from models.consent import opt_out
from models.db import Database, insert_for, keys_of
from models.district import district_id
from models.drafts import address_index
from models.duty_record import Held, slots_at
from models.whose import last_to_write
from notifications.channels.enquiry import Reply
from notifications.duty_truth import slot_and_revision
from notifications.outbox import address_of

Meaning = Literal["ack", "optout", "other"]
ACK = frozenset({"1", "确认", "收到", "好", "好的", "知道了", "ok"})
OPTOUT = frozenset({"r", "t", "td", "n", "退订", "拒收"})
"""R is what our greetings offer (拒收请回复R); the others are what people know from other senders."""
LONGEST = 1_000
KNOWN = "known"


def meaning_of(text: str) -> Meaning:
    """Read a reply: without spaces, signs and emoji, in any width and case."""
    kept = [letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter)[0] in "LN"]
    said = "".join(kept).casefold()
    if said in ACK:
        return "ack"
    return "optout" if said in OPTOUT else "other"


def take_reply(database: Database, settings: Settings, provider: str, reply: Reply) -> str:
    """Store a reply and do what it says, once however often the provider tells of it.

    Returns:
        known: it was told before. acknowledged. already: the duty was acknowledged before. moved: the duty is somebody
        else's now, or begun, or over. no-duty: nothing to acknowledge was sent to this phone. ambiguous: a swap
        was asked for last, which only its link answers; for staff to read. opted-out. kept: for staff to read.

    Raises:
        Overtaken: somebody else was faster, twice.
    """
    try:
        return _take(database, settings, provider, reply)
    except Overtaken:  # a provider may tell of it only this once
        return _take(database, settings, provider, reply)


def hear_reply(database: Database, settings: Settings, provider: str, reply: Reply) -> str:
    """Act on a reply; one that fails is kept for staff, for a provider tells of it and of those behind it only once.

    Returns:
        As `take_reply`.
    """
    settings = _whose(database, settings, reply)
    try:
        return take_reply(database, settings, provider, reply)
    except Exception as error:  # noqa: BLE001 - whatever it is, its text stays in our log
        incident(error)
        return keep_reply(database, settings, provider, reply)


def _whose(database: Database, settings: Settings, reply: Reply) -> Settings:
    """In a city a reply is for the district that wrote to the phone last."""
    if not settings.districts:
        return settings
    with database.read() as session:
        code = last_to_write(session, address_index(keys_of(session), "sms", _phone(reply)), reply.at)
    return settings if code is None else settings.of_district(code)


def keep_reply(database: Database, settings: Settings, provider: str, reply: Reply) -> str:
    """Store a reply for staff to read, whatever it says; return known or kept."""
    with one_transaction(database) as session:
        return KNOWN if _stored(session, settings, provider, reply, "other") is None else "kept"


def _take(database: Database, settings: Settings, provider: str, reply: Reply) -> str:
    meaning = meaning_of(reply.text)
    with one_transaction(database) as session:
        taken = _stored(session, settings, provider, reply, meaning)
        if taken is None:
            return KNOWN
        if meaning == "ack":
            return _acknowledge(session, settings, reply, taken)
        if meaning == "optout":
            return _opt_out(session, settings, reply, taken)
        return "kept"


def _stored(session: Session, settings: Settings, provider: str, reply: Reply, meaning: Meaning) -> int | None:
    """Store the reply, as one that is kept, and return its row; None when it is there already."""
    keys, phone = keys_of(session), _phone(reply)
    index = address_index(keys, "sms", phone)
    news = news_to(session, settings.district, index, reply.at)
    row = {
        "provider": provider,
        "reply_id": reply.id,
        "address_index": index,
        "recipient": news.recipient if news else None,
        "text": keys.seal("reply.text", f"{provider}:{reply.id}", reply.text[:LONGEST]),
        "meaning": meaning,
        "outcome": "kept",
        "at": reply.at,
    }
    claim = insert_for(session, ReplyTaken).values(**row).on_conflict_do_nothing().returning(col(ReplyTaken.id))
    return session.execute(claim).scalar_one_or_none()


def _phone(reply: Reply) -> str:
    return address_of("sms", reply.phone) or reply.phone


def _ended(session: Session, taken: int, outcome: str, meaning: Meaning = "ack") -> str:
    ended = update(ReplyTaken).where(col(ReplyTaken.id) == taken)
    session.execute(ended.values(outcome=outcome, meaning=meaning))
    return outcome


def _opt_out(session: Session, settings: Settings, reply: Reply, taken: int) -> str:
    now = settings.now()
    opt_out(session, "sms", _phone(reply), "reply", now)
    outcome = _ended(session, taken, "opted-out", "optout")
    told = {"channel": "sms", "reply": taken, "source": "reply"}
    audit.record(session, settings.district, "recipient", "message.optout", now, **told)
    return outcome


def _acknowledge(session: Session, settings: Settings, reply: Reply, taken: int) -> str:
    """Acknowledge the duty of the latest message that asked for it, as far as it still is this person's."""
    index = address_index(keys_of(session), "sms", _phone(reply))
    news = news_to(session, settings.district, index, reply.at, (*DUTY_NEWS, SWAP_NEWS))
    if news is None:
        return _ended(session, taken, "no-duty")
    if news.template == SWAP_NEWS:  # a yes to the swap, or still to the duty? whoever guesses leaves a centre closed
        return _ended(session, taken, "ambiguous", "other")
    slot = _behind(session, settings, news)
    if slot is None or slot.day < settings.today():
        return _ended(session, taken, "moved")
    if slot.state != "published":
        return _ended(session, taken, "already")
    number = str(slot.cadre)
    at = min(reply.at, settings.now())
    values = {
        "date": slot.day.isoformat(),
        "centre": slot.centre,
        "cadre": number,
        "at": at.isoformat(timespec="seconds"),
    }
    stored = record_within(session, settings, "ack", number, values)
    outcome = _ended(session, taken, "acknowledged")
    log_rows(session, settings, "ack", stored, number, source="reply")
    return outcome


def _behind(session: Session, settings: Settings, news: News) -> Held | None:
    """Lock and return the slot of a message; None when it changed hands since, or nobody needs to know of it."""
    slot, revision = slot_and_revision(news.key)
    district = district_id(session, settings.district)
    duty = duty_of(session, district, slot)
    if duty is None:
        return None
    held = slots_at(session, district, {(duty.centre, duty.day)})[duty.centre, duty.day]
    same = (held.ref, held.revision) == (news.recipient, revision) and held.state not in {"gap", "missed"}
    return held if same else None
