"""Who lives where and who looks after them: registers as of a day -> residents and helpers for coverage and map."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from models.db import keys_of
from models.elder import Elder, batches
from models.helper import Helper
from models.helper import Pairing as PairingRow
from models.visit_facts import standing_facts
from models.visit_month import Home, categories_on
from rules.five_helps import Carer
from rules.visits_facts import GONE, Status, Tier
from rules.visits_list import Pairing


class Resident(NamedTuple):
    """One elder who lives in the district on a day.

    `special` says that a special difficulty is on record, which one is nobody's business here; then a care team is
    owed, of which `roles` are filled.
    """

    ref: str
    community_id: int
    building: str
    tier: Tier
    status: Status
    last_contact: date | None
    special: bool
    roles: frozenset[str]


def residents(session: Session, district: int, day: date) -> Iterator[Resident]:
    """Yield the elders who live at home, or will be back, on a day; not those dead, moved away or in a care home."""
    special, teams = categories_on(session, district, day), defaultdict(set)
    for pairing in pairings_on(session, district, day):
        teams[pairing.elder].add(pairing.role)
    for one in standing_facts(session, district, day):
        facts = one.facts
        if facts.status not in GONE and facts.status != "INSTITUTION":
            yield Resident(
                one.ref,
                one.community_id,
                one.building,
                facts.grades[-1].tier,
                facts.status,
                facts.last_effective,
                one.elder_id in special,
                frozenset(teams.get(one.ref, ())),
            )


def pairings_on(session: Session, district: int, day: date) -> list[Pairing]:
    """Return the pairings that hold on a day, by elder reference and helper number."""
    query = (
        select(col(Elder.ref), col(Helper.number), col(PairingRow.role), col(PairingRow.is_primary))
        .join(Elder, col(Elder.id) == col(PairingRow.elder_id))
        .join(Helper, col(Helper.id) == col(PairingRow.helper_id))
        .where(col(Elder.district_id) == district, col(PairingRow.since) <= day)
        .where(col(PairingRow.until).is_(None) | (col(PairingRow.until) >= day))
    )
    return [Pairing(*row) for row in session.execute(query)]


def carers(session: Session, district: int) -> list[Carer]:
    """Return the helpers of a district by number; `community` is the id of the community they serve, as text."""
    columns = (Helper.number, Helper.community_id, Helper.role, Helper.capacity)
    query = select(*map(col, columns)).where(col(Helper.district_id) == district).order_by(col(Helper.number))
    return [Carer(number, str(home or ""), role, capacity) for number, home, role, capacity in session.execute(query)]


def elder_names(session: Session, refs: Collection[str]) -> dict[str, str]:
    """Open the names of elders by reference."""
    keys, found = keys_of(session), {}
    for some in batches(sorted(refs)):
        for ref, sealed in session.execute(select(col(Elder.ref), col(Elder.name)).where(col(Elder.ref).in_(some))):
            found[ref] = keys.open("elder.name", ref, sealed)
    return found


def place_of(home: Home) -> str:
    """Name a community with its sub-district, which tells namesakes apart."""
    return f"{home.office} · {home.community}"
