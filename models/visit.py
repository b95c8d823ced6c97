"""Follow-up visits 回访: contacts as they were recorded, and the tasks, lists and figures that jobs derive from them.

Contacts are only added. Two of one elder, date, channel and helper are one visit: of them one stands, the others are
void. A task is (elder, kind, cycle) once and for ever; its state follows from the facts and every change is a row.
"""

from datetime import date, datetime
from typing import Any, get_args

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import JSON, Column, Field, SQLModel

from models.db import Instant
from models.messages import one_of
from rules.registers.contacts import CHANNEL_NAMES
from rules.visits_clock import KINDS
from rules.visits_facts import OUTCOMES, TIERS
from rules.visits_task import STATES, TRANSITIONS, Reason

STANDS = text("voided_at IS NULL")
_OPEN = text("state IN ('PLANNED', 'ASSIGNED')")
_PAIRS = ", ".join(f"'{before}>{after}'" for before, after in sorted(TRANSITIONS))


class VisitContact(SQLModel, table=True):
    """A contact with an elder, or an attempt at one; the note is sealed under visit_contact.note and the elder's ref.

    Flags, such as a contact after a death, are derived; nothing of them is stored.
    """

    __tablename__ = "visit_contact"
    __table_args__ = (
        CheckConstraint(one_of("channel", tuple(CHANNEL_NAMES)), name="channel"),
        CheckConstraint(one_of("outcome", OUTCOMES), name="outcome"),
        CheckConstraint(
            "(outcome <> 'MET' OR channel = 'home') AND (outcome <> 'PHONE' OR channel = 'phone')"
            " AND (outcome <> 'VIDEO' OR channel = 'video')",
            name="effective",
        ),
        CheckConstraint("(voided_at IS NULL) = (void_reason IS NULL)", name="void"),
        CheckConstraint("(voided_at IS NULL) = (voided_by IS NULL)", name="voided_by"),
        CheckConstraint("void_reason IN ('duplicate', 'amended', 'mistaken')", name="void_reason"),
        CheckConstraint("occurred_at IS NULL OR occurred_at <= recorded_at", name="future"),
        Index(
            "uq_visit_contact_standing",
            "elder_id",
            "occurred_on",
            "channel",
            "helper_id",
            unique=True,
            sqlite_where=STANDS,
            postgresql_where=STANDS,
        ),
        Index(  # all that the nightly statement reads of a contact
            "ix_visit_contact_facts",
            "elder_id",
            "occurred_on",
            "outcome",
            "voided_at",
        ),
        Index("ix_visit_contact_helper_id_occurred_on", "helper_id", "occurred_on"),
        Index("ix_visit_contact_recorded_at", "recorded_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    elder_id: int = Field(foreign_key="elder.id")
    helper_id: int = Field(foreign_key="helper.id")
    channel: str
    occurred_on: date = Field(description="the district's date")
    occurred_at: datetime | None = Field(default=None, sa_type=Instant, description="if a time was written down")
    outcome: str
    note: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    recorded_at: datetime = Field(sa_type=Instant)
    recorded_by: str
    voided_at: datetime | None = Field(default=None, sa_type=Instant)
    voided_by: str | None = None
    void_reason: str | None = Field(
        default=None, description="duplicate: another stands; amended: with another note; mistaken: never was"
    )


class VisitTask(SQLModel, table=True):
    """One commitment: what is owed to an elder in a cycle, by when, under which version of the rule book."""

    __tablename__ = "visit_task"
    __table_args__ = (
        UniqueConstraint("elder_id", "kind", "cycle"),
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint(one_of("tier", TIERS), name="tier"),
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint(one_of("reason", get_args(Reason)), name="reason"),
        CheckConstraint("state <> 'CANCELLED' OR reason IS NOT NULL", name="cancelled"),
        CheckConstraint("(state IN ('PLANNED', 'ASSIGNED')) = (ended_on IS NULL)", name="ended"),
        CheckConstraint("state <> 'ASSIGNED' OR helper_id IS NOT NULL OR cadre_id IS NOT NULL", name="assigned"),
        CheckConstraint("helper_id IS NULL OR cadre_id IS NULL", name="one"),
        CheckConstraint("(state IN ('DONE', 'MISSED')) = (on_time IS NOT NULL)", name="on_time"),
        CheckConstraint("deadline <= through", name="through"),
        CheckConstraint("kind <> 'WELLNESS_CHECK' OR due_at IS NOT NULL", name="check"),
        Index("ix_visit_task_open", "deadline", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_visit_task_helper_open", "helper_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_visit_task_through", "through"),
    )
    id: int | None = Field(default=None, primary_key=True)
    elder_id: int = Field(foreign_key="elder.id")
    kind: str
    cycle: str = Field(description="the anchor date, or the month of a quota")
    opened_on: date
    tier: str
    plan_on: date
    deadline: date
    through: date = Field(description="on time until the end of this day")
    version: date = Field(description="start of the rule book's version that decided")
    due_at: datetime | None = Field(default=None, sa_type=Instant, description="of a wellness check: 24 clock hours")
    raised_at: datetime | None = Field(default=None, sa_type=Instant, description="of a wellness check: when told")
    helper_id: int | None = Field(default=None, foreign_key="helper.id")
    cadre_id: int | None = Field(default=None, foreign_key="cadre.id", description="on duty on a rest day")
    state: str = "PLANNED"
    reason: str | None = Field(default=None, description="why cancelled; of a planned task: paused")
    ended_on: date | None = None
    on_time: bool | None = None


class VisitStep(SQLModel, table=True):
    """One change of a task: of state, of helper, or both."""

    __tablename__ = "visit_step"
    __table_args__ = (CheckConstraint(f"before = after OR before || '>' || after IN ({_PAIRS})", name="allowed"),)
    id: int | None = Field(default=None, primary_key=True)
    task_id: int = Field(foreign_key="visit_task.id", index=True)
    before: str
    after: str
    helper_before_id: int | None = Field(default=None, foreign_key="helper.id")
    helper_after_id: int | None = Field(default=None, foreign_key="helper.id")
    at: datetime = Field(sa_type=Instant)
    actor: str
    reason: str | None = None


class VisitListRow(SQLModel, table=True):
    """One line of a day's list; with neither helper nor cadre it is a capacity gap, which the community lead sees."""

    __tablename__ = "visit_list"
    __table_args__ = (
        UniqueConstraint("day", "task_id"),
        Index("ix_visit_list_helper_id_day", "helper_id", "day"),
        CheckConstraint("position >= 1", name="position"),
        CheckConstraint("urgency BETWEEN 0 AND 3", name="urgency"),
        CheckConstraint("helper_id IS NULL OR cadre_id IS NULL", name="one"),
    )
    id: int | None = Field(default=None, primary_key=True)
    day: date
    task_id: int = Field(foreign_key="visit_task.id")
    community_id: int = Field(foreign_key="community.id")
    helper_id: int | None = Field(default=None, foreign_key="helper.id")
    cadre_id: int | None = Field(default=None, foreign_key="cadre.id", description="on duty on a rest day")
    urgency: int = Field(description="class of rules/visits_list.py: urgent, red, due, upcoming")
    position: int = Field(description="order in the helper's list, or among the community's gaps")
    why: str


class VisitMonth(SQLModel, table=True):
    """The figures of a month as they were known on a day: of a community, a sub-district or the district."""

    __tablename__ = "visit_month"
    __table_args__ = (
        UniqueConstraint("district_id", "month", "scope", "code", "as_known"),
        CheckConstraint("scope IN ('community', 'subdistrict', 'district')", name="scope"),
        CheckConstraint("length(month) = 7", name="month"),
        CheckConstraint("numerator BETWEEN 0 AND denominator", name="rate"),
        CheckConstraint("on_time BETWEEN 0 AND due", name="on_time"),
    )
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    month: str = Field(description="such as 2026-03")
    scope: str
    code: str = Field(description="id of the community or sub-district, or the district's code")
    as_known: date = Field(description="recorded before 00:00 of this day")
    denominator: int
    numerator: int
    due: int
    on_time: int
    refused: int
    overdue: int
    median_resolution: float | None = Field(default=None, description="workdays, net of waiting")
    detail: dict[str, Any] = Field(
        sa_column=Column(JSON, nullable=False), description="what was left out and why, more"
    )
    version: date = Field(description="start of the rule book's version that decided")
