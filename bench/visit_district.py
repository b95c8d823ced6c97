"""A whole district's follow-up visits, straight into the tables: the sample's people and contacts -> bulk rows.

The importer's checks are not what is measured here (bench/elders.py measures those), so rows are copied in without it:
ID numbers with right check characters, blind indexes, every column sealed for real under its own reference, contacts of
262 days with those entered twice marked void. Beyond 160,000 elders the same people come again under other references,
in other communities, with other helpers. One elder in a hundred is re-graded in the last two months.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, islice
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, SQLModel, col

from bench.databases import Store, settle
from flows.sample import district
from flows.sample_visits import Visits, visit_rows, visits
from flows.settings import Settings
from models.db import Database
from models.district import Community, Subdistrict, district_id
from models.elder import Elder, ElderCategory, ElderStatus, ElderTier, id_index
from models.helper import Helper, Pairing
from models.seal import KeyRing
from models.staging import fill
from models.visit import VisitContact
from rules.refs import new_ref
from rules.registers.days import SHANGHAI
from rules.visits_facts import EFFECTIVE

Rows = Iterator[dict[str, Any]]
BLOCK, HELPERS, CENTRES, CADRES = 160_000, 985, 33, 985
LAST, DAYS = date(2026, 3, 9), 262
"""The last day of contacts, a Monday, and how many days of them make a million for 160,000 elders."""
_FLOW = 20_000


@dataclass(frozen=True, slots=True)
class _Copy:
    """The sample's people once more: what their ids, helpers and communities begin at."""

    number: int
    elders: int
    helpers: int
    homes: dict[tuple[str, str], int]


def create(here: Store, name: str, elders: int) -> None:
    """Make the places and cadres of a district of this size; `people` fills it."""
    centres = max(3, CENTRES * elders // BLOCK)
    here.create(name, centres, max(3 * centres, CADRES * elders // BLOCK), kinds=("subdistrict", "centre", "cadre"))


def people(chosen: Settings, elders: int) -> int:
    """Fill a district with elders, helpers and their contacts; return how many contacts. Runs in a child."""
    share = min(elders, BLOCK)
    centres = max(3, CENTRES * share // BLOCK)
    cadres = max(3 * centres, CADRES * share // BLOCK)
    made = visits(district(centres=centres, cadres=cadres), share, HELPERS * share // BLOCK, DAYS, LAST)
    database = Database(chosen.url, chosen.keys())
    with database.write() as session:
        mine = district_id(session, chosen.district)
        refs = _refs("E", elders)
        for copy in _copies(session, made, elders // share):
            mine_refs = refs[copy.elders : copy.elders + share]
            for table, rows in _tables(made, copy, mine, database.keys, mine_refs).items():
                _fill(session, table, rows())
    with database.write() as session:
        contacts: int = session.execute(select(func.count()).select_from(VisitContact)).scalar_one()
    settle(database)
    database.close()
    return contacts


def _refs(prefix: str, count: int) -> list[str]:
    """Draw as many references, each once: among 160,000 of 35 bits two are often the same."""
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        drawn[new_ref(prefix, secrets.randbits)] = None
    return list(drawn)


def _copies(session: Session, made: Visits, count: int) -> Iterator[_Copy]:
    """Yield each copy with communities of its own."""
    query = select(col(Community.id), col(Subdistrict.name), col(Community.name)).order_by(col(Community.id))
    rows = list(session.execute(query.join(Subdistrict, col(Subdistrict.id) == col(Community.subdistrict_id))))
    homes = list(dict.fromkeys((each.subdistrict, each.community) for each in made.made.centres))
    for number in range(count):
        some = rows[number * len(homes) :] + rows
        ids = [identity for identity, _, _ in some[: len(homes)]]
        yield _Copy(number, number * len(made.elders), number * len(made.helpers), dict(zip(homes, ids, strict=True)))


def _tables(
    made: Visits, copy: _Copy, mine: int, keys: KeyRing, refs: list[str]
) -> dict[type[SQLModel], Callable[[], Rows]]:
    numbers = {each.id_number: copy.elders + place for place, each in enumerate(made.elders, 1)}
    helpers = {each.number: copy.helpers + place for place, each in enumerate(made.helpers, 1)}
    return {
        Helper: lambda: _helpers(made, copy, mine, keys),
        Elder: lambda: _elders(made, copy, mine, keys, refs),
        ElderTier: lambda: _tiers(made, copy),
        ElderCategory: lambda: _categories(made, copy),
        ElderStatus: lambda: _statuses(made, copy, numbers),
        Pairing: lambda: _pairings(made, numbers, helpers),
        VisitContact: lambda: _contacts(made, numbers, helpers, refs, keys),
    }


def _fill(session: Session, table: type[SQLModel], rows: Rows) -> None:
    while some := list(islice(rows, _FLOW)):
        fill(session, SQLModel.metadata.tables[str(table.__tablename__)], some)


def _helpers(made: Visits, copy: _Copy, mine: int, keys: KeyRing) -> Rows:
    ids = {community: identity for (_, community), identity in copy.homes.items()}
    for place, each in enumerate(made.helpers, copy.helpers + 1):
        ref = new_ref("H", secrets.randbits)
        sealed = {name: keys.seal(f"helper.{name}", ref, getattr(each, name)) for name in ("name", "phone", "email")}
        plain = {"role": each.role, "team": each.team, "capacity": each.capacity}
        told = {"id": place, "district_id": mine, "number": f"H{place:05d}", "ref": ref}
        yield {**told, **sealed, "phone_index": None, "community_id": ids.get(each.community), **plain}


def _elders(made: Visits, copy: _Copy, mine: int, keys: KeyRing, refs: list[str]) -> Rows:
    texts = ("name", "phone", "address", "emergency_name", "emergency_phone", "id_number")
    for place, (each, ref) in enumerate(zip(made.elders, refs, strict=True), copy.elders + 1):
        index = id_index(keys, each.id_number if not copy.number else f"{each.id_number}/{copy.number}")
        yield {
            "id": place,
            "district_id": mine,
            "ref": ref,
            **{name: keys.seal(f"elder.{name}", ref, getattr(each, name)) for name in texts},
            "id_index": index,
            "sex": "female" if each.woman else "male",
            "birth_date": each.birth_date,
            "community_id": copy.homes[each.subdistrict, each.community],
            "building": each.building,
            "hukou": each.hukou or None,
            "registered_on": each.registered_on,
            "recorded_at": _morning(each.registered_on),
        }


def _tiers(made: Visits, copy: _Copy) -> Rows:
    for place, each in enumerate(made.elders, copy.elders + 1):
        row = {"elder_id": place, "actor": "bench"}
        yield {**row, "since": each.registered_on, "tier": each.tier, "recorded_at": _morning(each.registered_on)}
        again = LAST - timedelta(days=place % 60)
        if place % 100 == 0 and again > each.registered_on:
            tier = "yellow" if each.tier == "green" else "green" if each.tier == "yellow" else "yellow"
            yield {**row, "since": again, "tier": tier, "recorded_at": _morning(again)}


def _categories(made: Visits, copy: _Copy) -> Rows:
    for place, each in enumerate(made.elders, copy.elders + 1):
        for category in each.categories:
            yield {"elder_id": place, "category": category, "since": each.registered_on, "ended_on": None}


def _statuses(made: Visits, copy: _Copy, numbers: dict[str, int]) -> Rows:
    for row in chain.from_iterable(made.fates.values()):
        inside = row["community"] is not None
        yield {
            "elder_id": numbers[row["elder"]],
            "since": row["from"],
            "status": row["status"],
            "community_id": copy.homes[row["subdistrict"], row["community"]] if inside else None,
            "reoffer_on": row["reoffer_on"],
            "recorded_at": row["recorded_at"].replace(tzinfo=SHANGHAI).astimezone(UTC),
            "source": "status",
            "actor": "bench",
        }


def _pairings(made: Visits, numbers: dict[str, int], helpers: dict[str, int]) -> Rows:
    for row in visit_rows(made)["pairing"]:
        dates = {"since": row["from"], "until": row["until"]}
        place = {"elder_id": numbers[row["elder"]], "helper_id": helpers[row["helper"]]}
        yield {**place, "role": row["role"], "is_primary": row["primary"], **dates}


def _contacts(made: Visits, numbers: dict[str, int], helpers: dict[str, int], refs: list[str], keys: KeyRing) -> Rows:
    """Yield the contacts elder by elder; of one date, channel and helper one stands, an effective one first."""
    own: dict[tuple[date, str, int], dict[str, Any]] = {}
    last, first = "", min(numbers.values())
    for said in visit_rows(made)["contact"]:
        if said["elder"] != last:
            yield from own.values()
            own, last = {}, said["elder"]
        elder = numbers[last]
        row = _contact(said, elder, helpers[said["helper"]])
        row["note"] = keys.seal("visit_contact.note", refs[elder - first], said["note"]) if said["note"] else None
        key = row["occurred_on"], row["channel"], row["helper_id"]
        stands = own.setdefault(key, row)
        if stands is not row:
            better = row["outcome"] in EFFECTIVE and stands["outcome"] not in EFFECTIVE
            own[key] = row if better else stands
            yield (stands if better else row) | {
                "voided_at": _morning(LAST), "voided_by": "bench", "void_reason": "duplicate"
            }  # fmt: skip
    yield from own.values()


def _contact(said: dict[str, Any], elder: int, helper: int) -> dict[str, Any]:
    at = said["occurred_at"]
    clock = at.replace(tzinfo=SHANGHAI).astimezone(UTC) if isinstance(at, datetime) else None
    return {
        "elder_id": elder,
        "helper_id": helper,
        "channel": said["channel"],
        "occurred_on": at.date() if isinstance(at, datetime) else at,
        "occurred_at": clock,
        "outcome": said["outcome"],
        "recorded_at": said["recorded_at"].replace(tzinfo=SHANGHAI).astimezone(UTC),
        "recorded_by": "bench",
        "voided_at": None,
        "voided_by": None,
        "void_reason": None,
    }


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(1), UTC)
