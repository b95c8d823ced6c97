"""The outbox without a network: messages enqueued, drained, and their receipts.

Enqueueing: `enqueue` of 20,000 drafts in one transaction, as jobs do it. Floor: the very rows that it wrote, read back,
sealed and all, and inserted with SQLAlchemy Core, one `insert()` with a list of rows, in one transaction, into a copy
of the same empty database; it checks, renders, seals and indexes nothing and forbids no key twice.

Draining: `drain` of these messages through a provider in memory that accepts at once, with a token bucket that is never
empty, and the caps, quiet hours and leases of the policy: claim, recheck, render, freeze, record, three transactions a
chunk of 100. The bar is what such an outbox reaches where it was measured before: 3,200 messages a second.

Receipts: a provider tells of each of these messages, 100 at a time, as a callback or a poll does, each time in one
transaction: kept once, and taken up by its message.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select
from sqlmodel import SQLModel, col

from bench.databases import KINDS, Store, store
from bench.timing import Cost, Line, best, mb, measured, ratio
from flows.jobs import real_now
from models.db import Database
from models.drafts import Draft
from models.messages import Message
from models.receipts import Report
from notifications.channels.contract import Channel, Letter, Outcome, Request
from notifications.drain import drain
from notifications.outbox import enqueue
from notifications.receipts import store_reports
from notifications.rendering import Sms
from notifications.round import Round
from policies.messages import messages
from rules.messages import Rate

NOW = datetime(2026, 7, 13, 1, 0, tzinfo=UTC)  # a Monday, 09:00 in the district
ZONE = ZoneInfo("Asia/Shanghai")
TEMPLATE = "duty-released"
CHUNK = 100
_ALL = 10**9
_BAR = 3_200


def figures(*, quick: bool) -> list[Line]:
    """Measure on both databases."""
    number, repeats = (2_000, 1) if quick else (20_000, 3)
    return [line for kind in KINDS for line in _on(kind, number, repeats)]


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
    batch = CHUNK

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


def _on(kind: str, number: int, repeats: int) -> list[Line]:
    with store(kind) as here:
        here.create("empty", 1, 3, kinds=())
        rounds = [_round(here, number) for _ in range(repeats)]
    enqueued, bare, out, told = (best(costs) for costs in zip(*rounds, strict=True))
    size = f"{number} messages"
    return [
        Line(f"enqueue, {kind}", size, enqueued, bare, ratio(enqueued, bare, wall=True), "", mb(enqueued)),
        Line(f"drain in memory, {kind}", f"{size}; {_pace(number, out)}", out, bar=f"{_BAR:,}/s wall", memory=mb(out)),
        Line(f"receipts, {kind}", f"{number}, 100 at a time; {_pace(number, told)}", told, memory=mb(told)),
    ]


def _pace(number: int, cost: Cost) -> str:
    return f"{number / cost.cpu_s:,.0f}/s of CPU, {number / cost.wall_s:,.0f}/s wall"


def _round(here: Store, number: int) -> tuple[Cost, Cost, Cost, Cost]:
    """Enqueue, the floor of it, drain, receipts."""
    with here.copied("empty") as (_, database):
        enqueued = enqueued_on(here, database, "bench", number)
        bare = _floor(here, database)
        out, _ = measured(lambda: drained(database, Memory(), "sms", number, lambda: NOW), here.server)
        return enqueued, bare, out, _receipts(here, database)


def enqueued_on(here: Store, database: Database, prefix: str, number: int) -> Cost:
    """Enqueue so many messages in one transaction, and say what it cost."""
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


def _receipts(here: Store, database: Database) -> Cost:
    query = select(col(Message.dedupe_key), col(Message.address), col(Message.provider_ref))
    with database.read() as session:
        sent = session.execute(query).all()
    told = [
        Report(reference, database.keys.open("message.address", key, phone), "delivered", at=NOW)
        for key, phone, reference in sent
    ]

    def take() -> None:
        for start in range(0, len(told), CHUNK):
            with database.write() as session:
                moved = store_reports(session, Memory.provider, told[start : start + CHUNK], NOW)
            assert moved == {("sms", TEMPLATE, "delivered"): CHUNK}, moved

    return measured(take, here.server)[0]
