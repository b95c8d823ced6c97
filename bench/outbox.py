"""The outbox without a network: messages enqueued, drained, idle, and claimed beside a million finished ones.

Enqueueing: `enqueue` of 20,000 drafts in one transaction, as jobs do it. Floor: the very rows that it wrote, read back,
sealed and all, and inserted with SQLAlchemy Core, one `insert()` with a list of rows, in one transaction, into a copy
of the same empty database; it checks, renders, seals and indexes nothing and forbids no key twice.

Draining: `drain` of these messages through a provider in memory that accepts at once, with a token bucket that is never
empty, and the caps, quiet hours and leases of the policy: claim, recheck, render, freeze, record, three transactions a
chunk of 100. The bar is what such an outbox reaches where it was measured before: 3,200 messages a second.

Growth: 20,000 messages are claimed, chunk by chunk, and drained beside 20,000, 200,000 and 1,000,000 that are finished
(rows of an earlier drain, copied within the database under new keys). The cost of a chunk must not grow. With nothing
due, `deliver` is measured without Prefect: the database opened, its version and keys checked, one query, closed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, insert, select, text
from sqlmodel import SQLModel, col

from bench.databases import KINDS, Store, store
from bench.day_watch import Statements
from bench.timing import Cost, Line, best, mb, measured, ratio
from flows.jobs import real_now
from flows.outlets import channels, round_of
from flows.store import opened
from models.db import Database
from models.drafts import Draft
from models.messages import Message
from notifications.channels.contract import Channel, Letter, Outcome, Request
from notifications.drain import drain
from notifications.outbox import enqueue
from notifications.parcels import claim, release
from notifications.rendering import Sms
from notifications.round import Round
from policies.messages import messages
from rules.messages import Rate

NOW = datetime(2026, 7, 13, 1, 0, tzinfo=UTC)  # a Monday, 09:00 in the district
ZONE = ZoneInfo("Asia/Shanghai")
TEMPLATE = "duty-released"
_ALL, _CHUNK, _CLAIMS = 10**9, 100, 20
_FLOOR_A_SECOND = 3_200
_RANDOM = {
    "SQLite": {"text": "lower(hex(randomblob(12)))", "bytes": "randomblob(32)"},
    "PostgreSQL": {"text": "md5(random()::text)", "bytes": "decode(md5(random()::text), 'hex')"},
}


def figures(*, quick: bool) -> list[Line]:
    """Measure on both databases."""
    number, finished, repeats = (2_000, (2_000, 20_000), 1) if quick else (20_000, (20_000, 200_000, 1_000_000), 3)
    return [line for kind in KINDS for line in _on(kind, number, finished, repeats)]


def drafts(number: int, *, prefix: str = "bench", channel: Any = "sms") -> list[Draft]:
    """Write messages to as many people, each with a name of their own."""
    told = {"date": "2026-07-14", "weekday": "周二", "centre": "马街街道养老服务中心"}
    return [
        Draft(
            f"{prefix}:{n}",
            TEMPLATE,
            channel,
            "C-7K3Q-9XM2",
            f"138{n:08}" if channel == "sms" else f"li{n}@example.org",
            {"name": f"李建国{n}", **told},
            "530112",
        )
        for n in range(number)
    ]


def one_round(database: Database, provider: str, now: Callable[[], datetime] = lambda: NOW) -> Round:
    """Return a round by the policy, but with a bucket that is never empty and time enough."""
    policy = messages(NOW.date())
    policy = replace(policy, rates={provider: Rate(_ALL, _ALL)}, caps=replace(policy.caps, run=_ALL, day=_ALL))
    return Round(database, policy, ZONE, now, real_now, "bench:1:0", budget=timedelta(hours=1))


class Memory:
    """A provider that accepts at once."""

    provider = "memory"
    batch = _CHUNK

    def open(self) -> None:
        """Nothing to open."""

    def carries(self, _template: str, _language: str) -> bool:
        """Anything."""
        return True

    def compose(self, letter: Letter) -> str:
        """Freeze the text."""
        assert isinstance(letter.content, Sms)
        return letter.content.text

    def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        """Accept."""
        return [Outcome(request.out_id, "accepted", call_id) for request in requests]

    def close(self) -> None:
        """Nothing to close."""


def drained(database: Database, channel: Channel, kind: str, number: int, now: Callable[[], datetime]) -> None:
    """Drain, and see that everything was accepted."""
    tally = drain(one_round(database, channel.provider, now), {kind: [channel]})
    assert tally.states == {"accepted": number}, tally.states


def _on(kind: str, number: int, finished: Sequence[int], repeats: int) -> list[Line]:
    with store(kind) as here:
        here.create("empty", 1, 3, kinds=())
        rounds = [_round(here, number) for _ in range(repeats)]
        enqueued, bare, out = (best(costs) for costs in zip(*rounds, strict=True))
        size = f"{number} messages"
        return [
            Line(f"enqueue, {kind}", size, enqueued, bare, ratio(enqueued, bare, wall=True), "", mb(enqueued)),
            Line(f"drain in memory, {kind}", size, out, _pace(number, out), "", f"{_FLOOR_A_SECOND}/s wall", mb(out)),
            *_growth(here, number, finished),
        ]


def _pace(number: int, cost: Cost) -> str:
    return f"{number / cost.cpu_s:,.0f}/s of CPU, {number / cost.wall_s:,.0f}/s wall"


def _round(here: Store, number: int) -> tuple[Cost, Cost, Cost]:
    """Enqueue, the floor of it, drain."""
    with here.copied("empty") as (_, database):
        enqueued = _enqueue(here, database, "bench", number)
        bare = _floor(here, database)
        return enqueued, bare, measured(lambda: drained(database, Memory(), "sms", number, lambda: NOW), here.server)[0]


def _enqueue(here: Store, database: Database, prefix: str, number: int) -> Cost:
    news = drafts(number, prefix=prefix)

    def write() -> None:
        with database.write() as session:
            assert enqueue(session, news, NOW) == number

    return measured(write, here.server)[0]


def _floor(here: Store, written: Database) -> Cost:
    table = SQLModel.metadata.tables["message"]
    with written.read() as session:
        rows = [dict(row) for row in session.execute(select(table)).mappings()]

    def write() -> None:
        with database.write() as session:
            session.connection().execute(insert(table), rows)

    with here.copied("empty") as (_, database):
        return measured(write, here.server)[0]


def _growth(here: Store, number: int, finished: Sequence[int]) -> Iterator[Line]:
    first: tuple[Cost, Cost, Cost] | None = None
    with here.copied("empty") as (name, database):
        _enqueue(here, database, "seed", number)
        drained(database, Memory(), "sms", number, lambda: NOW)
        for size in finished:
            _fill(here, database, size)
            idle, statements = _idle(here, name)
            _enqueue(here, database, f"beside-{size}", number)
            chunk = measured(lambda: _claims(database), here.server)[0]
            out = measured(lambda: drained(database, Memory(), "sms", number, lambda: NOW), here.server)[0]
            first = first or (idle, chunk, out)
            beside, per = f"beside {size:,} finished", f"{_CLAIMS} chunks of {_CHUNK}"
            yield Line(f"idle deliver, {here.kind}", beside, idle, f"{statements} statements", ratio(idle, first[0]))
            yield Line("  claim and give back", f"{beside}, {per}", chunk, first[1], ratio(chunk, first[1]), "1.2")
            yield Line("  drain", f"{beside}, {number}", out, first[2], ratio(out, first[2]), "1.2", mb(out))


def _fill(here: Store, database: Database, size: int) -> None:
    """Copy finished messages within the database until there are so many."""
    made = {"dedupe_key": "text", "out_id": "text", "provider_ref": "text", "address_index": "bytes"}
    names = [column.name for column in SQLModel.metadata.tables["message"].columns if column.name != "id"]
    chosen = ", ".join(_RANDOM[here.kind][made[name]] if name in made else name for name in names)
    copy = f"INSERT INTO message ({', '.join(names)}) SELECT {chosen} FROM message ORDER BY id LIMIT :most"
    with database.write() as session:
        session.connection().execute(text("UPDATE message SET state = 'delivered'"))
    while missing := size - _rows(database):
        with database.write() as session:
            session.connection().execute(text(copy), {"most": max(missing, 0)})
    if here.server:  # which its autovacuum would do in a minute or two
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE message"))


def _rows(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(select(func.count(col(Message.id)))).scalar_one())


def _idle(here: Store, name: str) -> tuple[Cost, int]:
    """What `deliver` does when nothing is due."""
    chosen = here.settings(name, NOW.isoformat())

    def deliver() -> None:
        with opened(chosen) as database:
            assert not drain(round_of(database, chosen, chosen.now), channels(chosen))

    deliver()
    with Statements(Engine) as sent:
        deliver()
    return best(measured(deliver, here.server)[0] for _ in range(5)), sent.count


def _claims(database: Database) -> None:
    pairs, until = [(TEMPLATE, "zh-CN")], real_now() + timedelta(minutes=5)
    for _ in range(_CLAIMS):
        with database.write() as session:
            claimed = claim(session, "sms", "bench", pairs=pairs, now=NOW, lease_until=until, limit=_CHUNK)
            assert len(claimed) == _CHUNK
    with database.write() as session:
        release(session, "bench")
