"""Planning and publishing a month as the job does it, database included.

Floor: the very rows that ours wrote - duty_slot for the draft; duty_slot, slot_transition and message for the
publishing - read back and inserted with SQLAlchemy Core, one `insert()` with a list of rows a table, in one
transaction, into a copy of the same database before the job: same indexes, constraints and settings. The floor decides
nothing, seals nothing and reads nothing. SQLAlchemy sends such an insert as executemany on both databases.

Ours is flows.duty_plan.plan_month: the draft on a district without slots, then the publishing of that draft, which
decides every unpublished day once more. CPU is ours and the PostgreSQL server's.

The phases are the wall clock of the calls that the job makes, batch by batch, in the same run: facts read (and the
counts of the result), month planned, slots stored, messages written.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Self

from sqlalchemy import insert, select
from sqlmodel import SQLModel

from bench.databases import KINDS, Store, store
from bench.timing import Cost, Line, best, mb, measured, ratio
from flows import duty_plan
from flows.duty_plan import plan_month
from models.db import Database
from models.duty import DutySlot, SlotTransition
from models.messages import Message

DRAFT, PUBLISH, MONTH = "2026-02-20T08:00", "2026-02-25T08:00", "2026-03"
TABLES: tuple[type[SQLModel], ...] = (DutySlot, SlotTransition, Message)
PHASES = {
    "read": ("facts", "groups_of_centres", "centre_ids", "serving_ids", "held_slots", "calendar", "month_counts"),
    "plan": ("draft",),
    "store": ("store_drafts", "publish_slots"),
    "tell": ("tell_months", "tell_gaps"),
}
Rows = list[tuple[Any, list[dict[str, Any]]]]


def figures(*, quick: bool) -> list[Line]:
    """Compare draft and publishing with bulk inserts, on both databases."""
    centres, repeats = (100, 1) if quick else (3300, 1)
    return [line for kind in KINDS for line in _on(kind, centres, repeats)]


def _on(kind: str, centres: int, repeats: int) -> list[Line]:
    with store(kind) as here:
        here.create("registers", centres, centres * 30)
        rounds = [_round(here, "registers") for _ in range(repeats)]
        lines = []
        for job, ours, floor in (("draft", 0, 1), ("publish", 2, 3)):
            mine, bare = (best(each[at][0] for each in rounds) for at in (ours, floor))
            size = f"{centres} x 30 x 31, {rounds[0][floor][1]} rows"
            name = f"{job} on {kind}"
            lines.append(Line(name, size, mine, bare, ratio(mine, bare, wall=True), "5", mb(mine)))
            lines.append(Line("  phases, wall", rounds[0][ours][1], ""))
        return lines


def _round(here: Store, name: str) -> list[tuple[Cost, str]]:
    """Draft, the floor of the draft, publish, the floor of the publishing."""
    told: list[tuple[Cost, str]] = []
    with here.copied(name) as (copy, database):
        for moment, publish in ((DRAFT, False), (PUBLISH, True)):
            chosen = here.settings(copy, moment)
            job = partial(plan_month, database, chosen, MONTH, chosen.today(), publish=publish)
            with Phases() as phases:
                cost, result = measured(job, here.server)
            assert result["slots"] > 0
            told += [(cost, str(phases)), _floor(here, name, _written(database))]
    return told


def _written(database: Database) -> Rows:
    with database.read() as session:
        tables = [SQLModel.metadata.tables[str(table.__tablename__)] for table in TABLES]
        return [(table, [dict(row) for row in session.execute(select(table)).mappings()]) for table in tables]


def _floor(here: Store, name: str, rows: Rows) -> tuple[Cost, str]:
    def write() -> None:
        with database.write() as session:
            for table, each in rows:
                if each:
                    session.connection().execute(insert(table), each)

    with here.copied(name) as (_, database):
        return measured(write, here.server)[0], str(sum(len(each) for _, each in rows))


class Phases:
    """Times the calls that flows.duty_plan makes, by phase, on the wall clock; they do not nest."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(PHASES, 0.0)
        self._kept: dict[str, Callable[..., Any]] = {}

    def __enter__(self) -> Self:
        for phase, names in PHASES.items():
            for name in names:
                self._kept[name] = getattr(duty_plan, name)
                setattr(duty_plan, name, self._timed(phase, self._kept[name]))
        return self

    def __exit__(self, *_: object) -> None:
        for name, call in self._kept.items():
            setattr(duty_plan, name, call)

    def __str__(self) -> str:
        return ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in self.spent.items())

    def _timed(self, phase: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            started, before = time.perf_counter(), sum(self.spent.values())
            try:
                return call(*given, **named)
            finally:
                nested = sum(self.spent.values()) - before
                self.spent[phase] += time.perf_counter() - started - nested

        return timed
