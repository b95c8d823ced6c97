"""The nightly job of follow-up visits and the monthly report, for 160,000 elders and a million contacts.

Due list: ours is the statement of models/visit_facts.py and the rules over every elder, event-free, sorted into list
order; the floor is one statement by hand (bench/visits_floor.py says what it leaves out). Both end with a Python list,
and the bench fails if they differ for any elder but a re-graded one. The district is made by bench/visit_district.py.

Whole job: three mornings of `visits-day` in a row on a copy, tasks, lists and messages stored (sending them is
bench/outbox.py): the first plans everybody and stores their past; the second looks at everybody's past once more, for
the run that might have been under way; the third is what every later night costs. Between them the helpers visit four
of five on their lists. Then `visits-month` for the month before. No floor: nobody's statement does these.

Growth: the same with 16,000 and 160,000 elders on PostgreSQL, the due list with 1,600,000 too, ten districts in one.
The exponent is that of CPU from the size before (1 is linear).
"""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from functools import partial
from itertools import chain, pairwise
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from bench.databases import Store, store
from bench.elders import longest_write
from bench.timing import Cost, Line, best, mb, measured, power, ratio
from bench.visit_district import LAST, create, people
from bench.visits_floor import Due, due_by_hand, lay_workdays
from flows.settings import Settings
from flows.visit_month_report import report_month
from flows.visits_day import visits_morning
from models.db import Database
from models.district import district_id
from models.visit_book import visit_book
from models.visit_facts import standing_facts
from policies.visits import VisitsPolicy, visits
from rules.visits_list import Candidate, class_of
from rules.visits_owed import Book
from rules.visits_standing import standing

DAYS = [LAST + timedelta(days=number) for number in (1, 2, 3)]
BAR, MEMORY = 3, 600
JOBS = 160_000  # with more elders only the due list
_VISITED = """
INSERT INTO visit_contact (elder_id, helper_id, channel, occurred_on, outcome, recorded_at, recorded_by)
SELECT elder_id, list.helper_id, 'home', list.day, 'MET', :at, 'bench'
FROM visit_list AS list JOIN visit_task AS task ON task.id = list.task_id
WHERE list.day = :day AND list.helper_id IS NOT NULL AND list.id % 5 <> 0
"""
"""Four of five on the list are met."""

Told = tuple[str, Cost, str]
"""A job, what it cost, and what it did."""


def figures(*, quick: bool) -> list[Line]:
    """Compare the due list with its floor on both databases, run the jobs, and let PostgreSQL grow."""
    lines: list[Line] = []
    grown: dict[int, dict[str, Cost]] = {}
    for kind, elders in _sizes(quick=quick):
        with store(kind) as here:
            contacts = _district(here, elders)
            told = list(_figures(here, elders, contacts))
            lines += told
            if quick or kind == "PostgreSQL":
                grown[elders] = {line.job: line.ours for line in told if isinstance(line.ours, Cost)}
    return [*lines, *_growth(grown)]


def _sizes(*, quick: bool) -> list[tuple[str, int]]:
    if quick:
        return [("SQLite", 4_000), ("SQLite", 16_000)]
    return [("SQLite", 160_000), *(("PostgreSQL", elders) for elders in (16_000, 160_000, 1_600_000))]


def _district(here: Store, elders: int) -> int:
    create(here, "district", elders)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as apart:
        return apart.submit(people, here.settings("district", _at(DAYS[0])), elders).result()


def _figures(here: Store, elders: int, contacts: int) -> Iterator[Line]:
    size = f"{here.kind}, {elders:,} elders, {contacts:,} contacts"
    yield _due(here, size)
    if elders > JOBS:
        return
    with here.copied("district") as (copy, database):
        for job, cost, did in chain(_mornings(here, copy, database), _month(here, copy, database)):
            yield Line(job, f"{size}; {did}", cost, bar=f"{MEMORY} MB", memory=mb(cost))


def _due(here: Store, size: str) -> Line:
    day, chosen = DAYS[0], here.settings("district")
    with here.opened("district") as database:
        policy = visits(day)
        with database.read() as session:
            district = district_id(session, chosen.district)
            book = visit_book(session, district, day, None)
        dates = book.workdays.dates
        assert policy.clock.green.grace_workdays is not None
        lay_workdays(database, book.workdays, dates[0], day + timedelta(days=200), policy.clock.green.grace_workdays)
        ours, by_hand, owed, wanted = [], [], list[Due](), list[Due]()
        for _ in range(3):
            cost, owed = measured(partial(_owed, database, district, day, policy), here.server)
            ours.append(cost)
            cost, wanted = measured(partial(_wanted, database, district, day, policy), here.server)
            by_hand.append(cost)
        _check(database, owed, wanted)
    mine, theirs = best(ours), best(by_hand)
    return Line("due list", f"{size}; {len(owed):,} due", mine, theirs, ratio(mine, theirs), str(BAR), mb(mine))


def _owed(database: Database, district: int, day: date, policy: VisitsPolicy) -> list[Due]:
    """Ours: the facts of everybody, what the rules make of them, in list order."""
    with database.read() as session:
        return sorted(_listed(session, district, day, policy, visit_book(session, district, day, None)))


def _listed(session: Session, district: int, day: date, policy: VisitsPolicy, book: Book) -> Iterator[Due]:
    for one in standing_facts(session, district, day):
        tier = one.facts.grades[-1].tier
        for task in standing(one.facts, day, book.clocks, book.workdays):
            term = task.plan_on, task.deadline, task.through
            wanted = Candidate(one.ref, "", "", tier, task.kind, task.cycle, *term)
            kind = class_of(wanted, day, policy.clock, policy.list)
            if kind is not None:
                yield kind, task.deadline, one.ref, task.kind, task.cycle, task.plan_on, task.through


def _wanted(database: Database, district: int, day: date, policy: VisitsPolicy) -> list[Due]:
    return list(due_by_hand(database, district, day, policy.clock, policy.list))


def _check(database: Database, owed: list[Due], wanted: list[Due]) -> None:
    """Hold both lists to the same visits in the same order, but for elders with more than one tier."""
    several = (
        "SELECT ref FROM elder WHERE id IN (SELECT elder_id FROM elder_tier GROUP BY elder_id HAVING count(*) > 1)"
    )
    with database.read() as session:
        regraded = set(session.execute(text(several)).scalars())
    ours, theirs = ([tuple(map(str, due)) for due in dues if due[2] not in regraded] for dues in (owed, wanted))
    assert ours == theirs, sorted(set(ours) ^ set(theirs))[:3]


def _mornings(here: Store, copy: str, database: Database) -> Iterator[Told]:
    for day, name in zip(DAYS, ("first morning", "second morning", "every later morning"), strict=True):
        result, cost, longest = _run(here, database, partial(visits_morning, as_of=day), here.settings(copy, _at(day)))
        counts = ", ".join(f"{result[what]:,} {what}" for what in ("new", "changed", "visits", "messages"))
        yield name, cost, f"{counts}; longest transaction {longest:.1f} s"
        with database.write() as session:
            session.execute(text(_VISITED), {"day": day.isoformat(), "at": f"{day} 10:00:00"})


def _month(here: Store, copy: str, database: Database) -> Iterator[Told]:
    month = f"{LAST.replace(day=1) - timedelta(days=1):%Y-%m}"
    chosen = here.settings(copy, _at(DAYS[-1]))
    result, cost, longest = _run(here, database, partial(report_month, month=month), chosen)
    counts = f"{result['known_visited']:,} of {result['known_counted']:,} visited, {result['letters']} letters"
    yield "visits-month", cost, f"{counts}; longest transaction {longest:.1f} s"


def _run(
    here: Store, database: Database, job: Callable[..., dict[str, Any]], chosen: Settings
) -> tuple[dict[str, Any], Cost, float]:
    with longest_write(database) as longest:
        cost, result = measured(partial(job, database, chosen), here.server)
    return result, cost, longest[0]


def _at(day: date) -> str:
    return f"{day}T06:00"


def _growth(grown: dict[int, dict[str, Cost]]) -> list[Line]:
    """Say by which power of the elders each job's CPU grew."""
    lines = []
    for before, after in pairwise(sorted(grown)):
        for job, cost in grown[after].items():  # the largest has fewer jobs
            size = f"{before:,} to {after:,} elders"
            lines.append(Line(f"  growth of {job}", size, "", growth=power(grown[before][job], cost, after / before)))
    return lines
