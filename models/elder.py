"""Elders 老人: who they are (sealed), where they live, their categories, and the dated rows of tier and status.

Tier and status rows are only added: a correction is a new row of the same date, and the one recorded last holds
(rules/visits_facts.py reads them so). A move inside the district is a status row with the new community.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from typing import TypeVar, get_args

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, select, text
from sqlmodel import Field, Session, SQLModel, col

from models.db import Instant, keys_of
from models.messages import BATCH, one_of
from models.seal import KeyRing
from rules.identity import Sex
from rules.registers.elders import CATEGORIES
from rules.visits_facts import STATUSES, TIERS

SEALED = ("id_number", "name", "phone", "address", "emergency_name", "emergency_phone")
"""Columns of an elder that are sealed under elder.COLUMN and the reference."""
STANDS = text("ended_on IS NULL")
Key = TypeVar("Key")


class Elder(SQLModel, table=True):
    """One person on the register; found again by the blind index of the normalised ID number."""

    __table_args__ = (
        UniqueConstraint("district_id", "id_index"),
        CheckConstraint(one_of("sex", get_args(Sex)), name="sex"),
        CheckConstraint("hukou IN ('district', 'other')", name="hukou"),
        CheckConstraint("registered_on >= birth_date", name="registered"),
        Index("ix_elder_district_id", "district_id"),  # all elders of a district in the order of ids
        Index("ix_elder_community_id_building", "community_id", "building"),
    )
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    ref: str = Field(unique=True)
    id_number: bytes = Field(sa_type=LargeBinary, description="sealed, 18 characters")
    id_index: bytes = Field(sa_type=LargeBinary, description="blind index of the normalised number")
    name: bytes = Field(sa_type=LargeBinary, description="sealed")
    phone: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    address: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    emergency_name: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    emergency_phone: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    sex: str
    birth_date: date
    community_id: int = Field(foreign_key="community.id", description="where registered; later moves are status rows")
    building: str = ""
    hukou: str | None = Field(default=None, description="household registration; none: not known")
    registered_on: date
    recorded_at: datetime = Field(sa_type=Instant)


class ElderCategory(SQLModel, table=True):
    """A special difficulty 特殊困难 of an elder, from the day it was recorded until the register no longer named it."""

    __tablename__ = "elder_category"
    __table_args__ = (
        CheckConstraint(one_of("category", tuple(CATEGORIES)), name="category"),
        CheckConstraint("ended_on IS NULL OR ended_on >= since", name="dates"),
        Index(
            "uq_elder_category_standing",
            "elder_id",
            "category",
            unique=True,
            sqlite_where=STANDS,
            postgresql_where=STANDS,
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    elder_id: int = Field(foreign_key="elder.id")
    category: str
    since: date
    ended_on: date | None = None


class ElderTier(SQLModel, table=True):
    """A grade 分级 from a date on."""

    __tablename__ = "elder_tier"
    __table_args__ = (
        UniqueConstraint("elder_id", "since", "recorded_at"),
        CheckConstraint(one_of("tier", TIERS), name="tier"),
    )
    id: int | None = Field(default=None, primary_key=True)
    elder_id: int = Field(foreign_key="elder.id")
    since: date
    tier: str
    recorded_at: datetime = Field(sa_type=Instant)
    actor: str


class ElderStatus(SQLModel, table=True):
    """A status from a date on; MOVED with a community is a move inside the district, which is a place and no status."""

    __tablename__ = "elder_status"
    __table_args__ = (
        UniqueConstraint("elder_id", "since", "status", "recorded_at"),
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint("community_id IS NULL OR status = 'MOVED'", name="community"),
        CheckConstraint("source IN ('status', 'elder')", name="source"),
        CheckConstraint("reoffer_on IS NULL OR (status = 'REFUSED' AND reoffer_on > since)", name="reoffer"),
    )
    id: int | None = Field(default=None, primary_key=True)
    elder_id: int = Field(foreign_key="elder.id")
    since: date
    status: str
    community_id: int | None = Field(default=None, foreign_key="community.id", description="of a move inside")
    reoffer_on: date | None = Field(default=None, description="when to ask again, as agreed with who refused")
    recorded_at: datetime = Field(sa_type=Instant)
    source: str = Field(description="the register that said so; of elder it is a move only")
    actor: str


def id_index(keys: KeyRing, number: str) -> bytes:
    """Return the blind index of a normalised ID number."""
    return keys.blind("id_number", number)


def elder_ids(session: Session, district: int, said: Collection[str]) -> dict[str, tuple[int, str]]:
    """Map what registers say of elders, normalised ID numbers or references, to their ids and references."""
    keys = keys_of(session)
    numbers = {id_index(keys, each): each for each in said if not is_elder_ref(each)}
    columns = (col(Elder.id), col(Elder.ref))
    mine = select(*columns).where(col(Elder.district_id) == district)
    found: dict[str, tuple[int, str]] = {}
    for some in batches([each for each in said if is_elder_ref(each)]):
        found |= {ref: (number, ref) for number, ref in session.execute(mine.where(col(Elder.ref).in_(some)))}
    indexed = select(col(Elder.id_index), *columns).where(col(Elder.district_id) == district)
    for known in batches(list(numbers)):
        rows = session.execute(indexed.where(col(Elder.id_index).in_(known)))
        found |= {numbers[index]: (number, ref) for index, number, ref in rows}
    return found


def is_elder_ref(said: str) -> bool:
    """Tell a reference from an ID number, once the register's parser has read it."""
    return said.startswith("E-")


def batches(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """Cut keys into the lists that one IN takes."""
    listed = list(keys)
    return (listed[start : start + BATCH] for start in range(0, len(listed), BATCH))
