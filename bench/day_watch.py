"""The morning and the watch, for 33, 330 and 3,300 centres: CPU, and how many statements the database was sent.

There is no cheaper job to be the floor; the figures are how cost and statements grow with the number of centres. A
statement is one call of the driver; an executemany is one, and so is a BEGIN on SQLite. The bar is that no job sends a
statement per centre: the count may rise by a few per batch (50 centres to mend, 500 ids or 1,000 rows in a statement).
The growth exponent is the log of the CPU's ratio over the log of the ratio of centres, from one size to the next: 1 is
linear.

The story, on a copy of a published month whose past days were all served: Tuesday 10 March 2026, 12:15, nothing is due
(`idle`); 17:00, tomorrow's cadre of every centre gets a notice (`notice`); overnight 1 % of the cadres fall ill for
three days; Wednesday 06:00, the morning mends their duties and lists the day (`morning`); 08:50, nobody has come to 1 %
of the centres, and the office hears of it, with a substitute proposed (`office`).
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Self

from sqlalchemy import Engine, event, insert, select, update
from sqlmodel import col

from bench.databases import KINDS, Store, store
from bench.timing import Cost, Line, best, mb, measured, power
from flows.duty_day import duty_morning
from flows.duty_plan import plan_month
from flows.duty_watch import watch
from models.cadre import Cadre, Leave
from models.db import Database
from models.duty import DutySlot

TODAY, TOMORROW = date(2026, 3, 10), date(2026, 3, 11)
BAR = "no statement per centre"
A_BATCH = 30  # statements of one batch of mending, which a smaller district may not need
Run = tuple[Cost, int, str]
"""What it cost, statements sent, what it did."""


def figures(*, quick: bool) -> list[Line]:
    """Run the story at three sizes on both databases."""
    sizes, repeats = ((10, 33), 1) if quick else ((33, 330, 3300), 2)
    return [line for kind in KINDS for line in _on(kind, sizes, repeats)]


def _on(kind: str, sizes: tuple[int, ...], repeats: int) -> list[Line]:
    told: dict[str, list[tuple[int, Run]]] = {}
    with store(kind) as here:
        for centres in sizes:
            name = f"d{centres}"
            here.create(name, centres, centres * 30)
            _published(here, name)
            rounds = [_story(here, name, centres) for _ in range(repeats)]
            for job in rounds[0]:
                cheapest = best(each[job][0] for each in rounds)
                told.setdefault(job, []).append((centres, (cheapest, *rounds[0][job][1:])))
    return [line for job, runs in told.items() for line in _lines(f"{job} on {kind}", runs)]


def _lines(job: str, runs: list[tuple[int, Run]]) -> list[Line]:
    lines, before = [], runs[0]
    for centres, (cost, statements, did) in runs:
        more = statements - before[1][1]
        assert more <= A_BATCH + (centres - before[0]) / 10, f"{job}: {more} statements more for {centres} centres"
        growth = power(before[1][0], cost, centres / before[0]) if centres != before[0] else ""
        size = f"{centres} centres: {did}, {statements} statements"
        lines.append(Line(job, size, cost, bar=BAR, memory=mb(cost), growth=growth))
        before = (centres, (cost, statements, did))
    return lines


def _published(here: Store, name: str) -> None:
    """Publish the month, and let everybody serve up to today."""
    chosen = here.settings(name, "2026-02-25T08:00")
    with here.opened(name) as database:
        plan_month(database, chosen, "2026-03", chosen.today(), publish=True)
        _served(database, until=TODAY, but=0)


def _served(database: Database, until: date, but: int) -> None:
    """Let the cadre of every slot up to a date check in, but for some centres of the last date."""
    with database.write() as session:
        absent = select(col(DutySlot.id)).where(col(DutySlot.day) == until).order_by(col(DutySlot.id)).limit(but)
        ids = list(session.execute(absent).scalars()) if but else []
        came = update(DutySlot).where(col(DutySlot.day) <= until, col(DutySlot.state) == "published")
        at = datetime.fromisoformat(f"{until}T00:30+00:00")
        on_duty = {"state": "on_duty", "checkin_cadre_id": col(DutySlot.cadre_id), "checkin_at": at}
        session.execute(came.where(col(DutySlot.id).not_in(ids)).values(on_duty))


def _story(here: Store, name: str, centres: int) -> dict[str, Run]:
    with here.copied(name) as (copy, database):

        def at(moment: str, job: Callable[..., dict[str, Any]], told: str, *day: date) -> Run:
            chosen = here.settings(copy, moment)
            with Statements(database) as sent:
                cost, result = measured(lambda: job(database, chosen, *day), here.server)
            counted = result[told]
            return cost, sent.count, f"{counted if isinstance(counted, int) else len(counted)} {told}"

        runs = {"idle": at(f"{TODAY}T12:15", watch, "notice"), "notice": at(f"{TODAY}T17:00", watch, "notice")}
        _fall_ill(database)
        runs["morning"] = at(f"{TOMORROW}T06:00", duty_morning, "changes", TOMORROW)
        _served(database, until=TOMORROW, but=max(1, centres // 100))
        runs["office"] = at(f"{TOMORROW}T08:50", watch, "office")
        return runs


def _fall_ill(database: Database) -> None:
    """Send every hundredth cadre on sick leave for three days, unless they have asked for leave on just that day."""
    with database.write() as session:
        ids = session.execute(select(col(Cadre.id)).order_by(col(Cadre.id))).scalars().all()[::100]
        busy = set(session.execute(select(col(Leave.cadre_id)).where(col(Leave.since) == TOMORROW)).scalars())
        days = {"since": TOMORROW, "until": date(2026, 3, 13), "kind": "sick", "cancelled": False}
        session.execute(insert(Leave), [{"cadre_id": cadre, **days} for cadre in ids if cadre not in busy])


class Statements:
    """Counts what the driver is asked to execute while it is open, by one database or, with `Engine`, by all."""

    def __init__(self, watched: Database | type[Engine]) -> None:
        self.engine = watched.engine if isinstance(watched, Database) else watched
        self.count = 0

    def __enter__(self) -> Self:
        event.listen(self.engine, "before_cursor_execute", self._one)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._one)

    def _one(self, *_: object) -> None:
        self.count += 1
