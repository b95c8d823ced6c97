"""Who lives in the district on a day, and which places of the care team are filled: for coverage report and map."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from models.care import care_teams
from models.db import keys_of
from models.elder import Elder, batches
from models.visit_facts import standing_facts
from models.visit_month import Home, categories_on
from rules.visits_facts import GONE, Status, Tier


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
    for pairing in care_teams(session, district, day):
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
