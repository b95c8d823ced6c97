"""A district of registered elders for the figures of allowances, straight into the tables, nothing read from files.

One in six is 80 or older; of these some have died (a few within the month), moved away, moved inside, came back, have
their household elsewhere or unknown, were registered too late, are not certified, or have no good account; a third has
an older account too. What stands sealed of an elder is opened by none of the jobs measured, so all elders share one
envelope of the usual length; accounts are sealed for real, each under its elder's reference.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from random import Random
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, SQLModel, col

from bench.databases import Store
from flows.settings import Settings
from models.account import Certification, PayeeAccount
from models.db import Database
from models.district import Community, District, district_id
from models.elder import Elder, ElderStatus
from models.seal import KeyRing
from models.staging import fill
from rules.refs import ALPHABET

Rows = Iterator[dict[str, Any]]
AS_OF, PLANNED = date(2026, 10, 31), date(2026, 10, 10)
OLD = 6
"""One in so many is 80 or older."""
_LENGTHS = {"id_number": 18, "name": 9, "phone": 11, "address": 60, "emergency_name": 9, "emergency_phone": 11}
_FLOW, _YEAR = 20_000, 365.2425


def create(here: Store, name: str) -> None:
    """Make the places of a district; `people` fills it."""
    here.create(name, 330, 990, kinds=("subdistrict", "centre"))


def people(chosen: Settings, elders: int) -> None:
    """Fill a district with elders, statuses, certifications and accounts. Runs in a child."""
    database = Database(chosen.url, chosen.keys())
    with database.write() as session:
        mine = district_id(session, chosen.district)
        homes = list(session.scalars(select(col(Community.id)).order_by(col(Community.id))))
    makers: dict[type[SQLModel], Callable[[], Rows]] = {
        Elder: lambda: _elders(elders, mine, homes, database.keys),
        ElderStatus: lambda: _statuses(elders, homes),
        Certification: lambda: _certifications(elders),
        PayeeAccount: lambda: _accounts(elders, database.keys),
    }
    for table, rows in makers.items():
        walk = rows()
        while some := list(islice(walk, 25 * _FLOW)):
            with database.write() as session:
                _fill(session, table, some)
    settle(database)
    database.close()


def settle(database: Database) -> None:
    """Give the database the statistics that a month of autovacuum would have given it."""
    with database.engine.connect() as connection:
        postgres = connection.dialect.name == "postgresql"
        plain = connection.execution_options(isolation_level="AUTOCOMMIT") if postgres else connection
        plain.exec_driver_sql("VACUUM ANALYZE" if postgres else "ANALYZE")
        if not postgres:
            plain.commit()


def districts(session: Session) -> int:
    """Count the districts; the figures are of one."""
    return session.scalar(select(func.count()).select_from(District)) or 0


def _fill(session: Session, table: type[SQLModel], rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _FLOW):
        fill(session, SQLModel.metadata.tables[str(table.__tablename__)], rows[start : start + _FLOW])


def ref_of(place: int) -> str:
    """A reference of the usual length, each once."""
    digits = "".join(ALPHABET[(place >> shift) & 31] for shift in range(30, -1, -5))
    return f"E-{digits[:4]}-{digits[4:]}0"


def is_old(place: int) -> bool:
    """Whether this elder is 80 or older, but for some who died before."""
    return place % OLD == 0


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
    for place in range(OLD, count + 1, OLD):
        seen = date(2025, 11, 1) + timedelta(days=rng.randrange(330))
        row = {"elder_id": place, "method": "上门", "actor": "bench"}
        yield {**row, "certified_on": seen - timedelta(days=365), "recorded_at": _morning(seen)}
        if rng.random() > 0.04:
            yield {**row, "certified_on": seen, "recorded_at": _morning(seen)}


def _accounts(count: int, keys: KeyRing) -> Rows:
    rng = Random(4)
    nobody = dict.fromkeys(("proxy_name", "proxy_reason", "proxy_document", "proxy_until"))
    for place in range(OLD, count + 1, OLD):
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
