"""Names of elders and of their emergency contacts 紧急联系人, opened for the moment of telling only."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from models.db import keys_of
from models.elder import Elder, batches


class Family(NamedTuple):
    """Whom to ask about an elder; the texts are "" where the register has none."""

    elder: str
    name: str
    phone: str


def elder_names(session: Session, refs: Collection[str]) -> dict[str, str]:
    """Open the names of these elders."""
    keys, found = keys_of(session), {}
    for some in batches(sorted(refs)):
        for ref, name in session.execute(select(col(Elder.ref), col(Elder.name)).where(col(Elder.ref).in_(some))):
            found[ref] = keys.open("elder.name", ref, name)
    return found


def elder_buildings(session: Session, refs: Collection[str]) -> dict[str, str]:
    """Return the buildings of these elders, "" where the register has none."""
    found: dict[str, str] = {}
    for some in batches(sorted(refs)):
        rows = session.execute(select(col(Elder.ref), col(Elder.building)).where(col(Elder.ref).in_(some)))
        found |= dict(rows.tuples().all())
    return found


def families(session: Session, refs: Collection[str]) -> dict[str, Family]:
    """Open the emergency contacts of these elders."""
    keys, found = keys_of(session), {}
    names = ("name", "emergency_name", "emergency_phone")
    query = select(col(Elder.ref), *(col(getattr(Elder, name)) for name in names))
    for some in batches(sorted(refs)):
        for ref, *sealed in session.execute(query.where(col(Elder.ref).in_(some))):
            opened = (keys.open(f"elder.{name}", ref, value) for name, value in zip(names, sealed, strict=True))
            found[ref] = Family(*opened)
    return found
