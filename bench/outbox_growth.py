"""The outbox beside a long past and before a long queue: what a chunk costs must not grow with either.

20,000 messages are claimed, chunk by chunk, given back, and drained through a provider in memory beside 20,000, 200,000
and 1,000,000 that are finished (rows of an earlier drain, copied within the database under new keys). With nothing due,
`deliver` is measured without Prefect: the database opened, its version and keys checked, one query, closed. At last
200,000 messages wait, of which a drain of four seconds takes what it can: what a message costs, and the memory, are
compared with the first drain. Ratios are of CPU, to the first line of their kind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Engine, func, select, text
from sqlmodel import SQLModel, col

from bench.databases import KINDS, Store, store
from bench.day_watch import Statements
from bench.outbox import CHUNK, NOW, TEMPLATE, Memory, drained, enqueued_on, one_round
from bench.timing import Cost, Line, best, mb, measured, ratio
from flows.jobs import real_now
from flows.outlets import channels, round_of
from flows.store import opened
from models.db import Database
from models.messages import Message
from notifications.drain import drain
from notifications.parcels import claim, release

_CLAIMS, _SECONDS = 20, 4
_RANDOM = {
    "SQLite": {"text": "lower(hex(randomblob(12)))", "bytes": "randomblob(32)"},
    "PostgreSQL": {"text": "md5(random()::text)", "bytes": "decode(md5(random()::text), 'hex')"},
}


def figures(*, quick: bool) -> list[Line]:
    """Measure on both databases."""
    sizes = (2_000, 20_000) if quick else (20_000, 200_000, 1_000_000)
    return [line for kind in KINDS for line in _on(kind, sizes[0], sizes)]


def _on(kind: str, number: int, finished: Sequence[int]) -> list[Line]:
    with store(kind) as here:
        here.create("empty", 1, 3, kinds=())
        return list(_growth(here, number, finished))


def _growth(here: Store, number: int, finished: Sequence[int]) -> Iterator[Line]:
    first: tuple[Cost, Cost, Cost] | None = None
    with here.copied("empty") as (name, database):
        enqueued_on(here, database, "seed", number)
        drained(database, Memory(), "sms", number, lambda: NOW)
        for size in finished:
            _fill(here, database, size)
            idle, statements = _idle(here, name)
            enqueued_on(here, database, f"beside-{size}", number)
            chunk = measured(lambda: _claims(database), here.server)[0]
            out = measured(lambda: drained(database, Memory(), "sms", number, lambda: NOW), here.server)[0]
            first = first or (idle, chunk, out)
            beside, per = f"beside {size:,} finished", f"{_CLAIMS} chunks of {CHUNK}"
            did = f"{beside}, {statements} statements"
            yield Line(f"idle deliver, {here.kind}", did, idle, first[0], ratio(idle, first[0]))
            yield Line("  claim and give back", f"{beside}, {per}", chunk, first[1], ratio(chunk, first[1]), "1.2")
            yield Line("  drain", f"{beside}, {number}", out, first[2], ratio(out, first[2]), "1.2", mb(out))
        assert first is not None
        yield _queue(here, database, number, first[2])


def _queue(here: Store, database: Database, number: int, first: Cost) -> Line:
    for batch in range(10):
        enqueued_on(here, database, f"queue-{batch}", number)
    one = replace(one_round(database, Memory.provider), budget=timedelta(seconds=_SECONDS))
    cost, tally = measured(lambda: drain(one, {"sms": [Memory()]}), here.server)
    each, before = cost.cpu_s / tally.flown["sms"], first.cpu_s / number
    size = f"{tally.flown['sms']} of {10 * number:,} waiting"
    told = f"{each * 1e6:.0f} us a message", f"{before * 1e6:.0f} us"
    return Line("  drain for four seconds", size, *told, f"{each / before:.2f}", "1.2", mb(cost))


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
            claimed = claim(session, "sms", "bench", pairs=pairs, now=NOW, lease_until=until, limit=CHUNK)
            assert len(claimed) == CHUNK
    with database.write() as session:
        release(session, "bench")
