"""Cadres 社区干部: the persons, their dated places on rosters, and their leave."""

import secrets
from datetime import date

from sqlalchemy import CheckConstraint, LargeBinary, UniqueConstraint
from sqlmodel import Field, Session, SQLModel, col, select

from models.db import keys_of
from models.district import Centre, Contact
from models.seal import KeyRing
from rules.duty import Leave as DutyLeave
from rules.duty import Membership
from rules.refs import new_ref


class Cadre(SQLModel, table=True):
    """A person who serves; the number is stable for life, the reference stands for the person everywhere else."""

    __table_args__ = (UniqueConstraint("district_id", "number"),)
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    number: str
    ref: str = Field(unique=True)
    name: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    phone: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    phone_index: bytes | None = Field(default=None, sa_type=LargeBinary, index=True, description="blind index")
    email: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")


class Roster(SQLModel, table=True):
    """One dated place of a cadre on a centre's roster; both ends are included, no end means until further notice."""

    __table_args__ = (
        UniqueConstraint("cadre_id", "centre_id", "since"),
        CheckConstraint("until IS NULL OR until >= since", name="dates"),
    )
    id: int | None = Field(default=None, primary_key=True)
    cadre_id: int = Field(foreign_key="cadre.id")
    centre_id: int = Field(foreign_key="centre.id", index=True)
    since: date
    until: date | None = None
    head: bool = False
    rest_day_exempt: bool = False


class Leave(SQLModel, table=True):
    """Leave 请假 of a cadre; both ends are included. A withdrawn leave stays, marked cancelled."""

    __table_args__ = (
        UniqueConstraint("cadre_id", "since"),
        CheckConstraint("until IS NULL OR until >= since", name="dates"),
        CheckConstraint("kind IN ('annual', 'sick', 'personal', 'official', 'maternity')", name="kind"),
    )
    id: int | None = Field(default=None, primary_key=True)
    cadre_id: int = Field(foreign_key="cadre.id")
    since: date
    until: date | None = None
    kind: str
    cancelled: bool = False


def cadre_ids(session: Session, district: int) -> dict[str, int]:
    """Map the cadre numbers of a district to their ids."""
    rows = session.exec(select(col(Cadre.number), col(Cadre.id)).where(col(Cadre.district_id) == district))
    return {number: identity for number, identity in rows if identity is not None}


def cadre_refs(session: Session, district: int) -> dict[str, str]:
    """Map the cadre numbers of a district to their references."""
    return dict(session.exec(select(col(Cadre.number), col(Cadre.ref)).where(col(Cadre.district_id) == district)).all())


def memberships(session: Session, district: int) -> list[Membership]:
    """Read every roster place of a district, past and future, as the duty rules want it."""
    columns = (Cadre.number, Centre.code, Roster.since, Roster.until, Roster.head, Roster.rest_day_exempt)
    query = (
        select(*map(col, columns))
        .join(Cadre, col(Cadre.id) == col(Roster.cadre_id))
        .join(Centre, col(Centre.id) == col(Roster.centre_id))
        .where(col(Cadre.district_id) == district)
        .order_by(col(Centre.code), col(Cadre.number), col(Roster.since))
    )
    return [Membership(*row) for row in session.execute(query)]


def leaves(session: Session, district: int) -> list[DutyLeave]:
    """Read every leave of a district that stands."""
    query = (
        select(col(Cadre.number), col(Leave.since), col(Leave.until), col(Leave.kind))
        .join(Cadre, col(Cadre.id) == col(Leave.cadre_id))
        .where(col(Cadre.district_id) == district, ~col(Leave.cancelled))
        .order_by(col(Cadre.number), col(Leave.since))
    )
    return [DutyLeave(*row) for row in session.execute(query)]


def open_any(session: Session) -> None:
    """Open one cadre's name, if there is any cadre.

    Raises:
        WrongSeal: the keys are not those of this database.
    """
    row = session.execute(select(col(Cadre.ref), col(Cadre.name)).limit(1)).first()
    if row:
        keys_of(session).open("cadre.name", *row)


def contacts_by_id(session: Session, ids: set[int]) -> dict[int, Contact]:
    """Open name, phone and e-mail of the cadres with these ids."""
    keys, wanted = keys_of(session), sorted(ids)
    found: dict[int, Contact] = {}
    columns = (Cadre.id, Cadre.ref, Cadre.name, Cadre.phone, Cadre.email)
    for start in range(0, len(wanted), 5000):
        query = select(*map(col, columns)).where(col(Cadre.id).in_(wanted[start : start + 5000]))
        found |= {row[0]: _opened(keys, *row[1:]) for row in session.execute(query)}
    return found


def _opened(keys: KeyRing, ref: str, name: bytes | None, phone: bytes | None, email: bytes | None) -> Contact:
    return Contact(
        ref,
        keys.open("cadre.name", ref, name),
        keys.open("cadre.phone", ref, phone),
        keys.open("cadre.email", ref, email),
    )


def contacts(session: Session, district: int, numbers: set[str]) -> dict[str, Contact]:
    """Open name, phone and e-mail of the cadres with these numbers."""
    keys = keys_of(session)
    columns = (Cadre.number, Cadre.ref, Cadre.name, Cadre.phone, Cadre.email)
    found: dict[str, Contact] = {}
    wanted = sorted(numbers)
    for start in range(0, len(wanted), 5000):
        query = select(*map(col, columns)).where(
            col(Cadre.district_id) == district, col(Cadre.number).in_(wanted[start : start + 5000])
        )
        found |= {row[0]: _opened(keys, *row[1:]) for row in session.execute(query)}
    return found


def fresh_refs(session: Session, prefix: str, count: int) -> list[str]:
    """Draw references that no cadre has yet; the unique constraint still decides."""
    refs: set[str] = set()
    while len(refs) < count:
        refs |= {new_ref(prefix, secrets.randbits) for _ in range(count - len(refs))}
        drawn = sorted(refs)
        for start in range(0, len(drawn), 5000):
            taken = select(col(Cadre.ref)).where(col(Cadre.ref).in_(drawn[start : start + 5000]))
            refs -= set(session.exec(taken).all())
    return sorted(refs, key=lambda _: secrets.randbits(32))


def heads(session: Session, district: int, day: date, codes: set[str]) -> dict[str, list[str]]:
    """Return the numbers of the heads of these centres on a day, by centre code; more than one is allowed."""
    query = (
        select(col(Centre.code), col(Cadre.number))
        .join(Roster, col(Roster.centre_id) == col(Centre.id))
        .join(Cadre, col(Cadre.id) == col(Roster.cadre_id))
        .where(col(Centre.district_id) == district, col(Roster.head), col(Roster.since) <= day)
        .where(col(Roster.until).is_(None) | (col(Roster.until) >= day))
        .order_by(col(Centre.code), col(Cadre.number))
    )
    found: dict[str, list[str]] = {}
    for centre, number in session.execute(query):
        if centre in codes:
            found.setdefault(centre, []).append(number)
    return found
