"""Providers as they stand: what they still take now, whether they are in trouble, and how much left today."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import CheckConstraint, UniqueConstraint, func, update
from sqlmodel import Field, Session, SQLModel, col, select

from models.db import Instant, insert_for
from models.messages import CHANNELS, one_of

WHOLE = ""
"""Instead of a template's name: the trouble is the whole provider's."""


class ProviderState(SQLModel, table=True):
    """A provider, or one template at a provider: the token bucket and the circuit, on real time."""

    __tablename__ = "provider_state"
    __table_args__ = (
        UniqueConstraint("provider", "template"),
        CheckConstraint("failures >= 0", name="failures"),
        CheckConstraint("(failures = 0) = (since IS NULL)", name="since"),
    )
    id: int | None = Field(default=None, primary_key=True)
    provider: str = Field(description="channel and provider, such as sms:aliyun")
    template: str = WHOLE
    full_at: datetime | None = Field(default=None, sa_type=Instant, description="when the token bucket is full again")
    failures: int = Field(default=0, description="in a row")
    since: datetime | None = Field(default=None, sa_type=Instant, description="of the first of them")
    resume_at: datetime | None = Field(default=None, sa_type=Instant, description="left alone until then")
    code: str | None = None


class SendingDay(SQLModel, table=True):
    """How many messages of a channel left on a business day; its row also orders those who count."""

    __tablename__ = "sending_day"
    __table_args__ = (
        UniqueConstraint("channel", "day"),
        CheckConstraint(one_of("channel", CHANNELS), name="channel"),
        CheckConstraint("messages >= 0", name="messages"),
    )
    id: int | None = Field(default=None, primary_key=True)
    channel: str
    day: date
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a provider, or of one of its templates."""

    provider: str
    template: str
    full_at: datetime | None
    failures: int
    since: datetime | None
    resume_at: datetime | None
    code: str | None


_COLUMNS = (
    ProviderState.provider, ProviderState.template, ProviderState.full_at, ProviderState.failures, ProviderState.since,
    ProviderState.resume_at, ProviderState.code,
)  # fmt: skip


def health(session: Session, provider: str | None = None) -> list[Health]:
    """Return what is known of a provider and its templates, or of all."""
    query = select(*map(col, _COLUMNS)).order_by(col(ProviderState.provider), col(ProviderState.template))
    if provider is not None:
        query = query.where(col(ProviderState.provider) == provider)
    return [Health(*row) for row in session.execute(query)]


def lock_bucket(session: Session, provider: str) -> datetime | None:
    """Lock a provider's row, making it when there is none, and return when its token bucket is full again."""
    mine = (col(ProviderState.provider) == provider, col(ProviderState.template) == WHOLE)
    locked = select(ProviderState.id, ProviderState.full_at).where(*mine).with_for_update()
    row = session.exec(locked).first()
    if row is None:
        session.execute(insert_for(session, ProviderState).values(provider=provider).on_conflict_do_nothing())
        row = session.exec(locked).one()
    return row[1]


def fill_bucket(session: Session, provider: str, full_at: datetime) -> None:
    """Say when the bucket will be full again."""
    mine = (col(ProviderState.provider) == provider, col(ProviderState.template) == WHOLE)
    session.execute(update(ProviderState).where(*mine).values(full_at=full_at))


def trouble(session: Session, provider: str, template: str, *, code: str, now: datetime, resume_at: datetime) -> None:
    """Count a failure of a provider, or of one template there, and leave it alone until `resume_at`."""
    row = {"provider": provider, "template": template, "code": code, "resume_at": resume_at}
    failed = insert_for(session, ProviderState).values(**row, failures=1, since=now)
    again = {
        "failures": col(ProviderState.failures) + 1,
        "since": func.coalesce(col(ProviderState.since), failed.excluded.since),
        "resume_at": resume_at,
        "code": code,
    }
    session.execute(failed.on_conflict_do_update(index_elements=["provider", "template"], set_=again))


def well(session: Session, provider: str, templates: Collection[str]) -> None:
    """Forget the failures of a provider that answered, and of the templates that got through."""
    over = {"failures": 0, "since": None, "resume_at": None, "code": None}
    mine = (col(ProviderState.provider) == provider, col(ProviderState.failures) > 0)
    session.execute(
        update(ProviderState).where(*mine, col(ProviderState.template).in_([WHOLE, *templates])).values(**over)
    )


def counted_today(session: Session, channel: str, day: date) -> int:
    """Lock a channel's day and return how many messages left on it; whoever counts next waits for our commit."""
    mine = (col(SendingDay.channel) == channel, col(SendingDay.day) == day)
    locked = select(SendingDay.messages).where(*mine).with_for_update()
    left = session.exec(locked).first()
    if left is None:  # the first of the day
        session.execute(insert_for(session, SendingDay).values(channel=channel, day=day).on_conflict_do_nothing())
        left = session.exec(locked).one()
    return left


def count_today(session: Session, channel: str, day: date, messages: int) -> None:
    """Add messages to a channel's day."""
    left = insert_for(session, SendingDay).values(channel=channel, day=day, messages=messages)
    more = {"messages": col(SendingDay.messages) + left.excluded.messages}
    session.execute(left.on_conflict_do_update(index_elements=["channel", "day"], set_=more))
