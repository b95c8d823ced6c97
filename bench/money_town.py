"""A district of registered elders for the figures of allowances, straight into the tables, nothing read from files.

Twelve in seventy are 80 or older. Of all, some have died (a few within the month), moved away, inside, or away and
back, have their household elsewhere or unknown, were registered too late; of the old, some are not certified or have no
good account, and a third has an older account too. What stands sealed of an elder is opened by none of the jobs
measured, so all elders share one envelope of the usual length; accounts are sealed for real, under each reference.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from random import Random
from typing import Any

from sqlalchemy import select, text
from sqlmodel import SQLModel, col

from bench.databases import Store, settle
from flows.settings import Settings
from models.account import Certification, PayeeAccount
from models.db import Database
from models.district import Community, district_id
from models.elder import Elder, ElderStatus
from models.seal import KeyRing
from models.staging import fill
from rules.refs import ALPHABET

Rows = Iterator[dict[str, Any]]
AS_OF, PLANNED = date(2026, 10, 31), date(2026, 10, 10)
BLOCK = 70_000
"""So many are made one by one; PostgreSQL repeats them, with other references and ID numbers, for a larger district."""
_LENGTHS = {"id_number": 18, "name": 9, "phone": 11, "address": 60, "emergency_name": 9, "emergency_phone": 11}
_FLOW, _YEAR = 20_000, 365.2425
_UNCHECKED = "SET LOCAL session_replication_role = replica"
"""Foreign keys are right by construction, and checking them takes longer than the rows."""


def create(here: Store, name: str) -> None:
    """Make the places of a district; `people` fills it."""
    here.create(name, 330, 990, kinds=("subdistrict", "centre"))


def people(chosen: Settings, elders: int) -> None:
    """Fill a district with elders, statuses, certifications and accounts. Runs in a child."""
    database = Database(chosen.url, chosen.keys())
    with database.write() as session:
        mine = district_id(session, chosen.district)
        homes = list(session.scalars(select(col(Community.id)).order_by(col(Community.id))))
    share = min(elders, BLOCK) if chosen.url.startswith("postgresql") else elders
    makers: dict[type[SQLModel], Callable[[], Rows]] = {
        Elder: lambda: _elders(share, mine, homes, database.keys),
        ElderStatus: lambda: _statuses(share, homes),
        Certification: lambda: _certifications(share),
    }
    for table, rows in makers.items():
        _pour(database, table, rows())
    if share < elders:
        _repeat(database, share, elders // share)
    _pour(database, PayeeAccount, _accounts(elders, database.keys))
    settle(database)
    database.close()


def _pour(database: Database, table: type[SQLModel], rows: Rows) -> None:
    with database.write() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text(_UNCHECKED))
        while some := list(islice(rows, _FLOW)):
            fill(session, SQLModel.metadata.tables[str(table.__tablename__)], some)


def _repeat(database: Database, share: int, times: int) -> None:
    """Repeat the elders of ids up to `share` with their statuses and certifications until there are `times` as many."""
    letters = (f"substr('{ALPHABET}', (((number >> {shift}) & 31) + 1)::int, 1)" for shift in range(30, -1, -5))
    first = [*letters]
    ref = f"'E-' || {' || '.join(first[:4])} || '-' || {' || '.join(first[4:])} || '0'"
    own = {"ref": ref, "id": "number", "id_index": "sha256(id_index || number::text::bytea)"}
    with database.write() as session:
        session.execute(text(_UNCHECKED))
        for table in (Certification, ElderStatus, Elder):
            names = [each.name for each in SQLModel.metadata.tables[str(table.__tablename__)].columns]
            key, values = ("id", own) if table is Elder else ("elder_id", {"elder_id": "number"})
            names = names if table is Elder else [name for name in names if name != "id"]
            taken = ", ".join(values.get(name, name) for name in names)
            session.execute(text(
                f"INSERT INTO {table.__tablename__} ({', '.join(names)}) SELECT {taken} "
                f"FROM (SELECT block.*, {key}::bigint + {share}::bigint * times AS number "
                f"FROM generate_series(1, {times - 1}) AS times, {table.__tablename__} AS block) AS again"
            ))  # fmt: skip


def ref_of(place: int) -> str:
    """A reference of the usual length, each once."""
    digits = "".join(ALPHABET[(place >> shift) & 31] for shift in range(30, -1, -5))
    return f"E-{digits[:4]}-{digits[4:]}0"


def is_old(place: int) -> bool:
    """Whether this elder is 80 or older, but for some who died before."""
    return place % 70 < 12


def _elders(count: int, mine: int, homes: list[int | None], keys: KeyRing) -> Rows:
    sealed = {name: keys.seal(f"elder.{name}", "E-0000-0000", "x" * length) for name, length in _LENGTHS.items()}
    rng, early = Random(1), date(2024, 5, 6)
    at = _morning(early)
    for place in range(1, count + 1):
        years = 80 + min(rng.expovariate(0.2), 29) if is_old(place) else rng.uniform(60, 80)
        draw = rng.random()
        yield {
            "id": place, "district_id": mine, "ref": ref_of(place), **sealed, "id_index": rng.randbytes(32),
            "sex": "female" if draw < 0.55 else "male",
            "birth_date": AS_OF - timedelta(days=int(years * _YEAR)),
            "community_id": homes[place * len(homes) // (count + 1)], "building": f"{place % 40 + 1}栋",
            "hukou": "other" if draw < 0.03 else None if draw < 0.04 else "district",
            "registered_on": date(2026, 11, 1) if 0.5 < draw < 0.502 else early, "recorded_at": at,
        }  # fmt: skip


def _statuses(count: int, homes: list[int | None]) -> Rows:
    rng = Random(2)
    for place in range(1, count + 1):
        draw, row = rng.random(), {"elder_id": place, "reoffer_on": None, "source": "status", "actor": "bench"}
        since = date(2025, 3, 1) + timedelta(days=rng.randrange(580))
        common = {**row, "since": since, "community_id": None, "recorded_at": _morning(since)}
        if draw < 0.03:
            yield {**common, "status": "DEAD"}
        elif draw < 0.032:
            yield {**common, "since": date(2026, 10, 1 + place % 31), "status": "DEAD"}
        elif draw < 0.05:
            yield {**common, "status": "MOVED"}
            if draw < 0.035:
                back = since + timedelta(days=20)
                yield {**common, "since": back, "status": "ACTIVE", "recorded_at": _morning(back)}
        elif draw < 0.08:
            yield {**common, "status": "MOVED", "community_id": homes[rng.randrange(len(homes))]}
        elif draw < 0.10:
            yield {**common, "status": "HOSPITAL"}


def _certifications(count: int) -> Rows:
    rng = Random(3)
    for place in filter(is_old, range(1, count + 1)):
        seen = date(2025, 11, 1) + timedelta(days=rng.randrange(330))
        row = {"elder_id": place, "method": "上门", "actor": "bench"}
        yield {**row, "certified_on": seen - timedelta(days=365), "recorded_at": _morning(seen)}
        if rng.random() > 0.04:
            yield {**row, "certified_on": seen, "recorded_at": _morning(seen)}


def _accounts(count: int, keys: KeyRing) -> Rows:
    rng = Random(4)
    nobody = dict.fromkeys(("proxy_name", "proxy_reason", "proxy_document", "proxy_until"))
    for place in filter(is_old, range(1, count + 1)):
        draw, ref = rng.random(), ref_of(place)
        if draw < 0.02:
            continue
        for since in (date(2024, 6, 1), date(2026, 2, 1))[: 2 if draw > 0.66 else 1]:
            card = f"62220200{place:09d}{since.month % 10}"
            proxy = nobody
            if draw < 0.05:
                sealed = keys.seal("payee_account.proxy_name", ref, "王小明")
                until = date(2026, 6, 30) if draw < 0.025 else date(2027, 6, 30)
                proxy = {"proxy_name": sealed, "proxy_reason": "卧床", "proxy_document": sealed, "proxy_until": until}
            yield {
                "elder_id": place, "since": since, "bank": "示例银行", "tail": card[-4:],
                "account": keys.seal("payee_account.account", ref, card),
                "holder": keys.seal("payee_account.holder", ref, "王桂兰"),
                "account_index": keys.blind("account", card), "card_index": keys.blind("card", card),
                **proxy, "recorded_at": _morning(since), "actor": "bench",
            }  # fmt: skip


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(1), UTC)
