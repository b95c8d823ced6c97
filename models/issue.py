"""Issues 诉求: problems that elders raise and tickets 报修 of centres; nothing but the log of events decides.

State, deadline and escalation are derived from the events by rules/issues.py; rows are only added.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, select, text
from sqlmodel import Field, Session, SQLModel, col

from models.db import Instant
from models.elder import batches
from models.messages import one_of
from rules.issues_log import EVENT_KINDS, ISSUE_KINDS, Event
from rules.registers.days import SHANGHAI

LEVELS = ("owner", "lead", "subdistrict", "district")
ITEMS = ("rooms", "meals", "cleaning", "facilities")
HAS_SLOT = text("slot_id IS NOT NULL")


class Issue(SQLModel, table=True):
    """One problem, of an elder or of a centre."""

    __table_args__ = (
        UniqueConstraint("district_id", "number"),
        CheckConstraint("(elder_id IS NULL) <> (centre_id IS NULL)", name="subject"),
        CheckConstraint(one_of("kind", ISSUE_KINDS), name="kind"),
        CheckConstraint("(slot_id IS NULL) = (item IS NULL)", name="ticket"),
        CheckConstraint(one_of("item", ITEMS), name="item"),
        Index(
            "uq_issue_slot_id_item", "slot_id", "item", unique=True, sqlite_where=HAS_SLOT, postgresql_where=HAS_SLOT
        ),
        Index("ix_issue_elder_id", "elder_id"),
        Index("ix_issue_centre_id", "centre_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    number: str
    elder_id: int | None = Field(default=None, foreign_key="elder.id")
    centre_id: int | None = Field(default=None, foreign_key="centre.id")
    kind: str
    slot_id: int | None = Field(default=None, foreign_key="duty_slot.id", description="the duty that handed it over")
    item: str | None = Field(default=None, description="which line of the hand-over checklist")
    recorded_at: datetime = Field(sa_type=Instant)


class IssueEvent(SQLModel, table=True):
    """One line of an issue's log; the note is sealed under issue_event.note and the issue's number."""

    __tablename__ = "issue_event"
    __table_args__ = (
        UniqueConstraint("issue_id", "event", "at", "actor"),
        CheckConstraint(one_of("event", EVENT_KINDS), name="event"),
        CheckConstraint("satisfied IS NULL OR event = 'verify'", name="satisfied"),
    )
    id: int | None = Field(default=None, primary_key=True)
    issue_id: int = Field(foreign_key="issue.id")
    event: str
    at: datetime = Field(sa_type=Instant)
    actor: str = Field(default="", description="who did it; of assign, who got it")
    satisfied: bool | None = Field(default=None, description="the answer to the call-back")
    note: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    recorded_at: datetime = Field(sa_type=Instant)
    recorded_by: str


class IssueEscalation(SQLModel, table=True):
    """One step of the ladder that was told to one recipient, once."""

    __tablename__ = "issue_escalation"
    __table_args__ = (
        UniqueConstraint("issue_id", "level", "recipient"),
        CheckConstraint(one_of("level", LEVELS), name="level"),
    )
    id: int | None = Field(default=None, primary_key=True)
    issue_id: int = Field(foreign_key="issue.id")
    level: str
    recipient: str = Field(description="reference of the person or office")
    reached_at: datetime = Field(sa_type=Instant, description="when the ladder reached the level")
    told_at: datetime = Field(sa_type=Instant)


def ticket_number(centre: str, day: date, item: str) -> str:
    """Return the number of the ticket that a hand-over opens: the same however often it is imported."""
    return f"F-{centre}-{day:%Y%m%d}-{item}"


def next_number(session: Session, district: int, year: int) -> str:
    """Return the next free number of a year, such as S2026-0012; the unique key decides who takes it."""
    prefix = f"S{year}-"
    mine = (col(Issue.district_id) == district, col(Issue.number).startswith(prefix, autoescape=True))
    taken = session.execute(select(col(Issue.number)).where(*mine)).scalars()
    serials = [int(number[len(prefix) :]) for number in taken if number[len(prefix) :].isdecimal()]
    return f"{prefix}{max(serials, default=0) + 1:04d}"


def issue_ids(session: Session, district: int, numbers: Collection[str]) -> dict[str, Issue]:
    """Map the issue numbers of a district that are known to their rows."""
    query = select(Issue).where(col(Issue.district_id) == district)
    found: dict[str, Issue] = {}
    for some in batches(sorted(numbers)):
        found |= {each.number: each for each in session.execute(query.where(col(Issue.number).in_(some))).scalars()}
    return found


def logs(session: Session, issues: Collection[int]) -> Mapping[int, list[Event]]:
    """Read the logs of these issues, as rules/issues.py wants them: wall-clock times of the district."""
    columns = (IssueEvent.issue_id, IssueEvent.event, IssueEvent.at, IssueEvent.actor, IssueEvent.satisfied)
    query = select(*map(col, columns)).order_by(col(IssueEvent.at), col(IssueEvent.id))
    found: dict[int, list[Event]] = {issue: [] for issue in issues}
    for some in batches(sorted(issues)):
        for issue, event, at, actor, satisfied in session.execute(query.where(col(IssueEvent.issue_id).in_(some))):
            found[issue].append(Event(event, local(at), actor, satisfied))
    return found


def local(instant: datetime) -> datetime:
    """Return the district's wall-clock time of an instant, without a zone, as the rules of visits and issues count."""
    return instant.astimezone(SHANGHAI).replace(tzinfo=None)
