"""What people want: channels they opted out of 退订, and the order in which they want to be reached."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, select, text, update
from sqlmodel import Field, Session, SQLModel, col

from models.db import Instant, insert_for, keys_of
from models.drafts import address_index
from models.messages import BATCH, CHANNELS, ChannelKind, one_of

STANDS = text("ended_at IS NULL")


class OptOut(SQLModel, table=True):
    """An address that wants no messages on a channel; known by its blind index only. Coming back ends the row."""

    __tablename__ = "opt_out"
    __table_args__ = (
        CheckConstraint(one_of("channel", CHANNELS), name="channel"),
        Index(
            "uq_opt_out_standing",
            "channel",
            "address_index",
            unique=True,
            sqlite_where=STANDS,
            postgresql_where=STANDS,
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    channel: str
    address_index: bytes = Field(sa_type=LargeBinary)
    source: str = Field(description="who or what said so: link, reply, provider, staff")
    at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class Preference(SQLModel, table=True):
    """The order in which a person wants to be reached; channels not named come after it, in the policy's order."""

    __tablename__ = "channel_preference"
    __table_args__ = (UniqueConstraint("recipient"),)
    id: int | None = Field(default=None, primary_key=True)
    recipient: str = Field(description="reference of the person")
    channels: str = Field(description="such as email,sms")
    source: str
    at: datetime = Field(sa_type=Instant)


def opt_out(session: Session, channel: ChannelKind, address: str, source: str, now: datetime) -> bool:
    """Remember that an address wants no messages on a channel; return whether that is news."""
    return opt_out_index(session, channel, address_index(keys_of(session), channel, address), source, now)


def opt_out_index(session: Session, channel: str, index: bytes, source: str, now: datetime) -> bool:
    """Do the same for an address of which only the blind index is known."""
    row = {"channel": channel, "address_index": index, "source": source, "at": now}
    known = insert_for(session, OptOut).values(**row).on_conflict_do_nothing().returning(col(OptOut.id))
    return session.execute(known).first() is not None


def opt_in(session: Session, channel: ChannelKind, address: str, now: datetime) -> bool:
    """Let an address have messages again; return whether it had opted out."""
    index = address_index(keys_of(session), channel, address)
    mine = (col(OptOut.channel) == channel, col(OptOut.address_index) == index, col(OptOut.ended_at).is_(None))
    return (
        session.execute(update(OptOut).where(*mine).values(ended_at=now).returning(col(OptOut.id))).first() is not None
    )


def opted_out(session: Session, channel: str, indexes: Collection[bytes]) -> set[bytes]:
    """Return which of these blind indexes want no messages on this channel."""
    refusing: set[bytes] = set()
    wanted = sorted(set(indexes))
    for start in range(0, len(wanted), BATCH):
        query = select(col(OptOut.address_index)).where(col(OptOut.channel) == channel, col(OptOut.ended_at).is_(None))
        some = query.where(col(OptOut.address_index).in_(wanted[start : start + BATCH]))
        refusing |= set(session.execute(some).scalars())
    return refusing


def prefer(session: Session, recipient: str, channels: Collection[str], source: str, now: datetime) -> None:
    """Remember in which order a person wants to be reached; the last word counts."""
    row = {"recipient": recipient, "channels": ",".join(channels), "source": source, "at": now}
    said = insert_for(session, Preference).values(**row)
    session.execute(said.on_conflict_do_update(index_elements=["recipient"], set_=row))


def preferences(session: Session, recipients: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the order of channels of those who have one, by reference."""
    found: dict[str, tuple[str, ...]] = {}
    wanted = sorted(set(recipients))
    for start in range(0, len(wanted), BATCH):
        query = select(col(Preference.recipient), col(Preference.channels))
        rows = session.execute(query.where(col(Preference.recipient).in_(wanted[start : start + BATCH])))
        found |= {recipient: tuple(channels.split(",")) for recipient, channels in rows}
    return found
