"""Messages by hand: a key or a reference -> what staff decided -> the message, audited."""

import getpass
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import exists, update
from sqlalchemy import select as plain_select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from flows.exports import MisspeltRef, UnknownRef
from flows.jobs import Result, real_now
from flows.message_figures import message_name
from flows.settings import Settings
from models import audit
from models.answers import mark_read, unread_replies
from models.consent import opt_in, opt_out, prefer
from models.db import Database, insert_for, keys_of
from models.district import district_id
from models.drafts import address_index
from models.message_views import in_doubt
from models.messages import Attempt, ChannelKind, Message, cancel
from models.register_rows import who_is
from models.successors import pass_on
from notifications.outbox import address_of
from rules.errors import TuoqiError, say
from rules.refs import canonical, is_ref

Verdict = Literal["delivered", "not-sent"]
Reached = Literal["reached", "not-reached"]
PREFERABLE = ("sms", "email", "call")


@dataclass(eq=False)
class NoSuchMessage(TuoqiError):
    """No message of the district has this key in a state in which it can be decided."""

    key: str
    wanted: str
    zh = "没有可处理的消息 {key}（应为：{wanted}）；请用 tuoqi message list 或 tuoqi export messages 核对键和状态。"
    en = "no message {key} that is {wanted}; check key and state with `tuoqi message list` or `tuoqi export messages`."


@dataclass(eq=False)
class TooLate(TuoqiError):
    """Its address and text are gone, so it cannot be sent again."""

    key: str
    zh = "消息 {key} 已脱敏，内容和号码都已删除，不能重发；如确有必要，请另行通知本人，并登记为 delivered。"
    en = "message {key} was redacted and cannot be sent again; tell the person otherwise, then settle it as delivered."


@dataclass(eq=False)
class BadWord(TuoqiError):
    """An argument is not one of the words it can be."""

    given: str
    wanted: str
    zh = "“{given}”不可用；可用：{wanted}。"
    en = "{given!r} cannot be used; choose from: {wanted}."


def settle_message(database: Database, settings: Settings, key: str, verdict: str) -> Result:
    """Decide an unknown message by evidence: it was delivered, or it was not sent and goes again.

    Raises:
        BadWord, NoSuchMessage, TooLate: nothing was changed.
    """
    _one_of(verdict, get_args(Verdict))
    now = settings.now()
    values: Result = {"state": "delivered", "finished_at": now}
    if verdict == "not-sent":  # it keeps its call, by which a late receipt still knows it
        values = {"state": "pending", "not_before": now, "finished_at": None}
    values |= dict.fromkeys(("lease_owner", "lease_until", "error_class", "error_code"))
    with database.write() as session:
        message = _found(session, settings, key, ("unknown",), say("结果不明", "unknown"))
        if verdict == "not-sent" and message.redacted_at is not None:
            raise TooLate(key)
        session.execute(update(Message).where(col(Message.id) == message.id).values(**values))
        outcome = "delivered" if verdict == "delivered" else "absent"
        tried: Result = {"message_id": message.id, "number": message.attempts, "owner": "staff", "outcome": outcome}
        tried |= {"provider": message.provider, "request_hash": message.request_hash, "at": real_now()}
        session.execute(insert_for(session, Attempt).values(**tried).on_conflict_do_nothing())
        _audit(session, settings, "message.settle", key=key, verdict=verdict)
    return {"key": key, "state": values["state"]}


def called(database: Database, settings: Settings, key: str, reached: str) -> Result:
    """Record a telephone call of the call list.

    Raises:
        BadWord, NoSuchMessage: nothing was changed.
    """
    _one_of(reached, get_args(Reached))
    state = "delivered" if reached == "reached" else "undeliverable"
    with database.write() as session:
        message = _found(session, settings, key, ("pending",), say("待打电话", "on the call list"), channel="call")
        values = {"state": state, "finished_at": settings.now(), "attempts": message.attempts + 1}
        session.execute(update(Message).where(col(Message.id) == message.id).values(**values))
        assert message.id is not None
        if state == "undeliverable":
            pass_on(session, [message.id], settings.now())
        _audit(session, settings, "message.called", key=key, reached=reached)
    return {"key": key, "state": state}


def failed_messages(database: Database, settings: Settings, limit: int = 200) -> Result:
    """Return the messages that could not be sent or delivered, newest first, with why and what followed."""
    after = aliased(Message)
    columns = ("dedupe_key", "template", "channel", "recipient", "state", "error_code", "attempts")
    told: list[Any] = [*(col(getattr(Message, name)) for name in columns), after.dedupe_key]
    query = (
        plain_select(*told)
        .outerjoin(after, col(after.follows) == col(Message.id))
        .where(col(Message.district) == settings.district, col(Message.state).in_(("dead", "undeliverable")))
        .order_by(col(Message.finished_at).desc(), col(Message.id).desc())
        .limit(limit)
    )
    with database.read() as session:
        rows = session.execute(query).all()
    names = ("key", *columns[1:], "next")
    return {"failed": len(rows), "messages": [dict(zip(names, row, strict=True)) for row in rows]}


def resend_messages(database: Database, settings: Settings, keys: Sequence[str]) -> Result:
    """Let dead messages try again, after their cause was mended, all of them or none.

    Raises:
        NoSuchMessage: one is not dead, was redacted, or went on by another channel; nothing was changed.
    """
    after = aliased(Message)
    gone_on = exists().where(col(after.follows) == col(Message.id))
    whole = col(Message.redacted_at).is_(None)
    mine = (col(Message.dedupe_key).in_(list(keys)), col(Message.state) == "dead", whole, ~gone_on)
    again = {"state": "pending", "not_before": settings.now(), "finished_at": None, "error_class": None}
    with database.write() as session:
        query = update(Message).where(*mine, col(Message.district) == settings.district).values(**again)
        sent = query.returning(col(Message.dedupe_key)).execution_options(synchronize_session=False)
        found = sorted(session.execute(sent).scalars())
        if missing := sorted({*keys} - {*found}):
            raise NoSuchMessage(
                missing[0], say("无法发送，且没有改用其他通道", "dead and not passed on to another channel")
            )
        _audit(session, settings, "message.resend", keys=json.dumps(found))
    return {"again": len(found), "asked": len(keys), "keys": ", ".join(found)}


def cancel_messages(database: Database, settings: Settings, keys: Sequence[str]) -> Result:
    """Cancel pending messages whose fact changed in a way the system cannot know, all of them or none.

    Raises:
        NoSuchMessage: one is not pending; nothing was changed.
    """
    with database.write() as session:
        for key in keys:
            _found(session, settings, key, ("pending",), say("待发", "pending"))
        cancelled = cancel(session, keys, "staff", settings.now())
        _audit(session, settings, "message.cancel", keys=json.dumps(list(keys)), cancelled=cancelled)
    return {"cancelled": cancelled, "asked": len(keys)}


def prefer_channels(database: Database, settings: Settings, ref: str, channels: str) -> Result:
    """Remember in which order a person wants to be reached.

    Raises:
        MisspeltRef, UnknownRef: nobody has this reference; nothing was changed.
        BadWord: not a list of different channels; nothing was changed.
    """
    order = [channel.strip() for channel in channels.split(",")]
    for channel in order:
        _one_of(channel, PREFERABLE)
    if len(set(order)) < len(order):
        raise BadWord(channels, say("每个通道只写一次", "each channel once"))
    if not is_ref(ref):
        raise MisspeltRef(ref)
    person, wanted = canonical(ref), ",".join(order)
    with database.write() as session:
        if who_is(session, district_id(session, settings.district), person) is None:
            raise UnknownRef(person)
        prefer(session, person, order, "staff", settings.now())
        _audit(session, settings, "message.prefer", ref=person, channels=wanted)
    return {"ref": person, "channels": wanted}


def consent(database: Database, settings: Settings, channel: str, address: str, *, wants: bool) -> Result:
    """Stop messages to an address, or let it have them again; the audit knows the blind index only.

    Raises:
        BadWord: no such channel, or not an address of it; nothing was changed.
    """
    kinds: dict[str, ChannelKind] = {"sms": "sms", "email": "email"}
    kind = kinds[_one_of(channel, kinds)]
    normal = address_of(kind, address)
    if normal is None:
        raise BadWord("***", say("手机号（sms）或邮箱地址（email）", "a mobile number (sms), an address (email)"))
    with database.write() as session:
        now = settings.now()
        changed = opt_in(session, kind, normal, now) if wants else opt_out(session, kind, normal, "staff", now)
        index = address_index(keys_of(session), kind, normal).hex()
        _audit(session, settings, "message.opt-in" if wants else "message.opt-out", channel=kind, address_index=index)
    return {"channel": kind, "wants": wants, "changed": changed}


def recent_of(database: Database, settings: Settings, recipient: str, limit: int = 20) -> Result:
    """Return the last messages to a person, newest first: what was told, when, and what became of it.

    Raises:
        MisspeltRef: there are none, and there never can be any to such a reference.
    """
    person = canonical(recipient) if is_ref(recipient) else recipient.strip().upper()
    columns = ("dedupe_key", "template", "channel", "state", "parts", "attempts", "provider", "error_code")
    told: list[Any] = [*(col(getattr(Message, name)) for name in columns), col(Message.created_at)]
    query = (
        plain_select(*told)
        .where(col(Message.recipient) == person, col(Message.district) == settings.district)
        .order_by(col(Message.created_at).desc(), col(Message.id).desc())
        .limit(limit)
    )
    with database.read() as session:
        rows = session.execute(query).all()
    if not rows and not is_ref(recipient):
        raise MisspeltRef(recipient)
    names = ("key", *columns[1:], "created")
    cells = [(*row[:-1], f"{settings.local(row[-1]):%Y-%m-%d %H:%M}") for row in rows]
    return {"recipient": person, "messages": [dict(zip(names, row, strict=True)) for row in cells]}


def doubtful(database: Database, settings: Settings) -> Result:
    """Return the unknown messages, the oldest first: key, message, recipient, provider, when it flew."""
    with database.read() as session:
        found = in_doubt(session, settings.district)
    rows = [
        {
            "key": each.key,
            "message": message_name(each.template),
            "recipient": each.recipient,
            "provider": each.provider,
            "sent": f"{settings.local(each.flown_at):%Y-%m-%d %H:%M}" if each.flown_at else "",
            "asked": f"{settings.local(each.asked_at):%Y-%m-%d %H:%M}" if each.asked_at else "",
        }
        for each in found
    ]
    return {"unknown": len(rows), "messages": rows}


def read_replies(database: Database, settings: Settings, *, keep: bool) -> Result:
    """Return the replies that nobody read yet and mark them read, unless they are to be kept unread; audited."""
    with database.write() as session:
        found = unread_replies(session)
        if not keep:
            mark_read(session, [each.id for each in found], settings.now())
        _audit(session, settings, "message.replies", read=len(found))
    damaged = say("（内容已损坏，请按编号联系本人）", "(damaged; ask the person behind the reference)")
    rows = [
        {
            "at": f"{settings.local(each.at):%Y-%m-%d %H:%M}",
            "recipient": each.recipient or "",
            "text": damaged if each.text is None else each.text,
        }
        for each in found
    ]
    return {"unread": len(rows), "replies": rows}


def _one_of(given: str, allowed: Sequence[str] | dict[str, ChannelKind]) -> str:
    if given not in allowed:
        raise BadWord(given, ", ".join(allowed))
    return given


def _found(
    session: Session, settings: Settings, key: str, states: Sequence[str], wanted: str, channel: str | None = None
) -> Message:
    query = select(Message).where(col(Message.dedupe_key) == key, col(Message.district) == settings.district)
    if channel:
        query = query.where(col(Message.channel) == channel)
    message = session.exec(query.where(col(Message.state).in_(states)).with_for_update()).one_or_none()
    if message is None:
        raise NoSuchMessage(key, wanted)
    return message


def _audit(session: Session, settings: Settings, action: str, **detail: str | int) -> None:
    audit.record(session, settings.district, getpass.getuser(), action, settings.now(), **detail)
