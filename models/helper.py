"""Helpers 帮扶人: the persons of the care teams, their leave, and the dated pairings with elders."""

import secrets
from collections.abc import Collection
from datetime import date

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, select, text
from sqlmodel import Field, Session, SQLModel, col

from models.db import keys_of
from models.district import Contact
from models.elder import batches
from models.messages import one_of
from rules.duty import Leave
from rules.refs import new_ref
from rules.registers.roster import LEAVE_TYPES
from rules.registers.visits import ROLES

SEALED = ("name", "phone", "email")
LASTS = text("is_primary AND until IS NULL")


class Helper(SQLModel, table=True):
    """A person who visits; the number is stable for life, the reference stands for the person everywhere else."""

    __table_args__ = (
        UniqueConstraint("district_id", "number"),
        CheckConstraint(one_of("role", tuple(ROLES)), name="role"),
        CheckConstraint("capacity >= 0", name="capacity"),
    )
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    number: str
    ref: str = Field(unique=True)
    name: bytes = Field(sa_type=LargeBinary, description="sealed")
    phone: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    phone_index: bytes | None = Field(default=None, sa_type=LargeBinary, index=True, description="blind index")
    email: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    community_id: int | None = Field(
        default=None, foreign_key="community.id", index=True, description="none: the whole district"
    )
    role: str
    team: str = ""
    capacity: int = Field(description="most visits a day; 0: none at present")


class HelperLeave(SQLModel, table=True):
    """Leave 请假 of a helper, from the register that cadres have too; a withdrawn leave stays, marked cancelled."""

    __tablename__ = "helper_leave"
    __table_args__ = (
        UniqueConstraint("helper_id", "since"),
        CheckConstraint("until IS NULL OR until >= since", name="dates"),
        CheckConstraint(one_of("kind", tuple(LEAVE_TYPES)), name="kind"),
    )
    id: int | None = Field(default=None, primary_key=True)
    helper_id: int = Field(foreign_key="helper.id")
    since: date
    until: date | None = None
    kind: str
    cancelled: bool = False


class Pairing(SQLModel, table=True):
    """One dated place of a helper in an elder's care team 五帮一; both ends are included."""

    __table_args__ = (
        UniqueConstraint("elder_id", "helper_id", "role", "since"),
        CheckConstraint(one_of("role", tuple(ROLES)), name="role"),
        CheckConstraint("until IS NULL OR until >= since", name="dates"),
        Index("uq_pairing_primary", "elder_id", unique=True, sqlite_where=LASTS, postgresql_where=LASTS),
        Index("ix_pairing_helper_id", "helper_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    elder_id: int = Field(foreign_key="elder.id")
    helper_id: int = Field(foreign_key="helper.id")
    role: str
    is_primary: bool = Field(default=False, description="the one asked first 主责")
    since: date
    until: date | None = None


def helper_ids(session: Session, district: int) -> dict[str, int]:
    """Map the helper numbers of a district to their ids."""
    rows = session.execute(select(col(Helper.number), col(Helper.id)).where(col(Helper.district_id) == district))
    return {number: identity for number, identity in rows if identity is not None}


def helper_leaves(session: Session, district: int) -> list[Leave]:
    """Read every leave of a district's helpers that stands."""
    query = (
        select(col(Helper.number), col(HelperLeave.since), col(HelperLeave.until), col(HelperLeave.kind))
        .join(Helper, col(Helper.id) == col(HelperLeave.helper_id))
        .where(col(Helper.district_id) == district, ~col(HelperLeave.cancelled))
        .order_by(col(Helper.number), col(HelperLeave.since))
    )
    return [Leave(*row) for row in session.execute(query)]


def helper_contacts(session: Session, district: int, numbers: Collection[str]) -> dict[str, Contact]:
    """Open name, phone and e-mail of the helpers with these numbers."""
    keys, found = keys_of(session), {}
    columns = (Helper.number, Helper.ref, Helper.name, Helper.phone, Helper.email)
    query = select(*map(col, columns)).where(col(Helper.district_id) == district)
    for some in batches(sorted(numbers)):
        for number, ref, *sealed in session.execute(query.where(col(Helper.number).in_(some))):
            opened = (keys.open(f"helper.{name}", ref, value) for name, value in zip(SEALED, sealed, strict=True))
            found[number] = Contact(ref, *opened)
    return found


def drawn_refs(prefix: str, count: int) -> list[str]:
    """Draw as many references; that nobody has one of them is for the unique constraint to say."""
    return [new_ref(prefix, secrets.randbits) for _ in range(count)]
