"""Answers from outside: which step a link has done, what an SMS reply meant, and the duty that either is about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ColumnElement, Index, LargeBinary, UniqueConstraint, or_, select, text, update
from sqlmodel import Field, Session, SQLModel, col

from models.cadre import Cadre
from models.consent import opted_out
from models.db import Instant, insert_for, keys_of
from models.district import Centre
from models.duty import DutySlot, Swap
from models.messages import BATCH, ChannelKind, Message
from models.seal import KeyRing, SealError

DUTY_NEWS = ("duty-notice", "duty-reminder", "duty-assigned")
"""The templates that ask to be acknowledged; their keys name the slot and its revision."""
SWAP_NEWS = "duty-swap-asked"
TOLD = ("sending", "accepted", "delivered", "undeliverable", "unknown")
"""States of a message that may have reached the phone: somebody who answers it has read it."""


class LinkUse(SQLModel, table=True):
    """A step that a link has done; it never does it again."""

    __tablename__ = "link_use"
    __table_args__ = (UniqueConstraint("code_hash", "step"),)
    id: int | None = Field(default=None, primary_key=True)
    code_hash: bytes = Field(sa_type=LargeBinary, description="keyed, so that nobody can use what stands here")
    step: str = Field(description="ack, checkin, handover, swap:DATE; answer, to a swap; optout")
    at: datetime = Field(sa_type=Instant)


class ReplyTaken(SQLModel, table=True):
    """An SMS that somebody sent us, and what it did."""

    __tablename__ = "reply"
    __table_args__ = (
        UniqueConstraint("provider", "reply_id"),
        CheckConstraint("meaning IN ('ack', 'optout', 'other')", name="meaning"),
        Index(
            "ix_reply_unread",
            "id",
            sqlite_where=text("meaning = 'other' AND read_at IS NULL"),
            postgresql_where=text("meaning = 'other' AND read_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    provider: str
    reply_id: str = Field(description="the provider's own, the same however often it tells of it")
    address_index: bytes = Field(sa_type=LargeBinary, description="blind index of the phone")
    recipient: str | None = Field(default=None, description="reference of who was last written to there")
    text: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    meaning: str
    outcome: str = Field(description="what came of it, such as acknowledged, opted-out, kept")
    at: datetime = Field(sa_type=Instant, description="when it was sent, as the provider says")
    read_at: datetime | None = Field(default=None, sa_type=Instant, description="when staff read it")


def use_link(session: Session, code: str, step: str, now: datetime) -> bool:
    """Claim a step for a link in the transaction that does it; False when the link did it already."""
    row = {"code_hash": _hash(session, code), "step": step, "at": now}
    claim = insert_for(session, LinkUse).values(**row).on_conflict_do_nothing().returning(col(LinkUse.id))
    return session.execute(claim).first() is not None


def link_uses(session: Session, code: str) -> set[str]:
    """Return the steps that a link has done."""
    query = select(col(LinkUse.step)).where(col(LinkUse.code_hash) == _hash(session, code))
    return set(session.execute(query).scalars())


def _hash(session: Session, code: str) -> bytes:
    return keys_of(session).blind("link_use.code", code)


@dataclass(frozen=True, slots=True)
class Duty:
    """A published duty as a link sees it: no names of persons."""

    id: int
    centre: str
    centre_name: str
    day: date
    state: str
    revision: int
    pinned: bool
    cadre_id: int | None
    cadre: str | None
    came_id: int | None


def duty_of(session: Session, district: int, slot: int) -> Duty | None:
    """Read one slot of a district."""
    found = _duties(session, district, col(DutySlot.id) == slot)
    return found[0] if found else None


def duties_from(session: Session, district: int, centre: str, day: date) -> list[Duty]:
    """Read the duties of a centre on and after a date, by date."""
    return _duties(session, district, col(Centre.code) == centre, col(DutySlot.day) >= day)


def _duties(session: Session, district: int, *where: ColumnElement[bool]) -> list[Duty]:
    centre, cadre = (Centre.code, Centre.name), (DutySlot.cadre_id, Cadre.number, DutySlot.checkin_cadre_id)
    columns = (DutySlot.id, *centre, DutySlot.day, DutySlot.state, DutySlot.revision, DutySlot.pinned, *cadre)
    query = (
        select(*map(col, columns))
        .join(Centre, col(Centre.id) == col(DutySlot.centre_id))
        .outerjoin(Cadre, col(Cadre.id) == col(DutySlot.cadre_id))
        .where(col(Centre.district_id) == district, col(DutySlot.published_at).is_not(None), *where)
        .order_by(col(DutySlot.day))
    )
    return [Duty(*row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A swap request with both duties as they stand, the earlier one first."""

    id: int
    state: str
    cadre_ids: tuple[int, int]
    confirmed: tuple[bool, bool]
    duties: tuple[Duty, Duty]

    @property
    def days(self) -> tuple[date, date]:
        """The two dates."""
        return self.duties[0].day, self.duties[1].day

    @property
    def revision(self) -> int:
        """Both slots' revisions together: it rises whenever either changes hands."""
        return sum(duty.revision for duty in self.duties)

    @property
    def stands(self) -> bool:
        """Whether both duties still are whose they were when it was asked for."""
        return tuple(duty.cadre_id for duty in self.duties) == self.cadre_ids


def exchange_of(session: Session, district: int, swap: int) -> Exchange | None:
    """Read one swap of a district."""
    found = _exchanges(session, district, col(Swap.id) == swap)
    return found[0] if found else None


def exchanges_of(session: Session, district: int, duty: Duty) -> list[Exchange]:
    """Read the swaps in which the person of a duty would give it away, asked for by whichever side, the first first."""
    first = (col(Swap.date_a) == duty.day) & (col(Swap.cadre_a_id) == duty.cadre_id)
    second = (col(Swap.date_b) == duty.day) & (col(Swap.cadre_b_id) == duty.cadre_id)
    return _exchanges(session, district, col(Centre.code) == duty.centre, or_(first, second))


def _exchanges(session: Session, district: int, *where: ColumnElement[bool]) -> list[Exchange]:
    query = select(Swap, col(Centre.code)).join(Centre, col(Centre.id) == col(Swap.centre_id))
    query = query.where(col(Centre.district_id) == district, *where).order_by(col(Swap.id))
    found = []
    for swap, centre in session.execute(query):
        both = (swap.date_a, swap.date_b)
        held = {d.day: d for d in _duties(session, district, col(Centre.code) == centre, col(DutySlot.day).in_(both))}
        if len(held) == len(both):
            ids, confirmed = (swap.cadre_a_id, swap.cadre_b_id), (swap.confirmed_a_id, swap.confirmed_b_id)
            said = (confirmed[0] is not None, confirmed[1] is not None)
            found.append(Exchange(swap.id, swap.state, ids, said, (held[swap.date_a], held[swap.date_b])))
    return found


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a message went to, for an opt-out; the address is opened."""

    channel: ChannelKind
    address: str = field(repr=False)
    opted_out: bool


def addressee_of(session: Session, district: str, message: int) -> Addressee | None:
    """Open the address of one message of a district; None when there is none, or it was redacted since."""
    told = (Message.channel, Message.dedupe_key, Message.address, Message.address_index)
    query = select(*map(col, told)).where(col(Message.id) == message, col(Message.district) == district)
    row = session.execute(query).first()
    if row is None or row.address is None:
        return None
    refusing = opted_out(session, row.channel, {row.address_index} if row.address_index else set())
    address = keys_of(session).open("message.address", row.dedupe_key, row.address)
    return Addressee(row.channel, address, bool(refusing))


@dataclass(frozen=True, slots=True)
class News:
    """A message that was sent to a phone."""

    key: str
    template: str
    recipient: str


def news_to(
    session: Session, district: str, address_index: bytes, before: datetime, templates: Sequence[str] = ()
) -> News | None:
    """Return the latest SMS that went to a phone before an instant, of some templates or of any."""
    query = select(col(Message.dedupe_key), col(Message.template), col(Message.recipient)).where(
        col(Message.address_index) == address_index,
        col(Message.channel) == "sms",
        col(Message.district) == district,
        col(Message.state).in_(TOLD),
        col(Message.created_at) <= before,
    )
    if templates:
        query = query.where(col(Message.template).in_(templates))
    row = session.execute(query.order_by(col(Message.created_at).desc(), col(Message.id).desc()).limit(1)).first()
    return News(*row) if row else None


def redact_replies(session: Session, before: datetime) -> int:
    """Remove the texts of replies sent before an instant; return how many."""
    mine = (col(ReplyTaken.at) <= before, col(ReplyTaken.text).is_not(None))
    gone = update(ReplyTaken).where(*mine).values(text=None).returning(col(ReplyTaken.id))
    return len(session.execute(gone.execution_options(synchronize_session=False)).all())


@dataclass(frozen=True, slots=True)
class Unread:
    """A reply that staff have to read: its text is opened, None where its seal is broken."""

    id: int
    recipient: str | None
    text: str | None
    at: datetime


def unread_replies(session: Session) -> list[Unread]:
    """Return the replies that nobody read yet, the oldest first."""
    keys = keys_of(session)
    waiting = (col(ReplyTaken.meaning) == "other", col(ReplyTaken.read_at).is_(None), col(ReplyTaken.text).is_not(None))
    columns = (
        ReplyTaken.id,
        ReplyTaken.recipient,
        ReplyTaken.at,
        ReplyTaken.provider,
        ReplyTaken.reply_id,
        ReplyTaken.text,
    )
    found = session.execute(select(*map(col, columns)).where(*waiting).order_by(col(ReplyTaken.id)))
    return [
        Unread(number, recipient, _opened(keys, f"{provider}:{reply}", sealed), at)
        for number, recipient, at, provider, reply, sealed in found
    ]


def _opened(keys: KeyRing, ref: str, sealed: bytes) -> str | None:
    try:
        return keys.open("reply.text", ref, sealed)
    except SealError:  # one damaged row must not hide all others
        return None


def mark_read(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Remember that staff read these replies."""
    for start in range(0, len(ids), BATCH):
        mine = col(ReplyTaken.id).in_(ids[start : start + BATCH])
        session.execute(update(ReplyTaken).where(mine).values(read_at=now))
