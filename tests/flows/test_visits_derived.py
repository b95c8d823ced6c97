"""Whatever happens between mornings, in whatever order it comes in: stored tasks are those of a fresh reckoning."""

import random
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.visit_desk import NotRecorded
from models.db import Database
from models.district import district_id
from models.visit_book import visit_book
from models.visit_histories import histories
from models.visit_tasks import stored_tasks
from rules.visits_owed import owed
from tests.flows.visits import Visits

STATUSES = ("HOSPITAL", "AWAY", "ACTIVE", "ACTIVE", "REFUSED", "DEAD", "INSTITUTION")
OUTCOMES = ("MET", "MET", "PHONE", "NO_ANSWER", "NO_ANSWER", "NO_ANSWER", "REFUSED", "AWAY")


def stored_and_fresh(visits: Visits, day: date, moment: str) -> tuple[Any, Any]:
    """Tasks by elder, kind and cycle: as they are stored, but for superseded ones, and as the rules derive them now."""
    now = datetime.fromisoformat(moment)
    with visits.database.read() as session:
        district = district_id(session, "530112")
        book = visit_book(session, district, day, None)
        known = {read.elder_id: owed(read.history, day, now, book) for read in histories(session, district)}
        rows = stored_tasks(session, list(known))
    fresh = {
        (elder, one.task.kind, one.task.cycle): (one.task, one.due_at) for elder, some in known.items() for one in some
    }
    kept = {(elder, *key): task.owed for elder, tasks in rows.items() for key, task in tasks.items()}
    stored = {
        key: (one.task._replace(state="PLANNED") if one.task.state == "ASSIGNED" else one.task, one.due_at)
        for key, one in kept.items()
        if one.task.reason != "superseded" or key in fresh
    }
    return stored, fresh


def something_happens(visits: Visits, dice: random.Random, day: date) -> None:
    """A contact or a status of one of the last days, recorded today; what cannot follow is refused, as in real life."""
    who, back = dice.choice(visits.refs), day - timedelta(days=dice.choice((0, 0, 0, 1, 2, 9)))
    moment = f"{day}T{dice.randint(8, 17):02}:30"
    if back < date(2026, 3, 2):
        return
    try:
        if dice.random() < 0.85:
            visits.contact(who, back.isoformat(), dice.choice(OUTCOMES), moment, dice.choice(("H1", "H2")))
        else:
            visits.status(who, back.isoformat(), dice.choice(STATUSES), moment)
    except NotRecorded:
        return


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.proof) for seed in range(2, 10))])
def test_mornings_in_any_order_of_news_store_what_a_fresh_reckoning_gives(
    database: Database, tmp_path: Path, seed: int
) -> None:
    visits, dice = Visits(database, tmp_path, ("red", "yellow", "green", "yellow", "red")), random.Random(seed)
    day = date(2026, 3, 2)
    for _ in range(16):
        for _ in range(dice.randint(0, 5)):
            something_happens(visits, dice, day)
        day += timedelta(days=dice.choice((1, 1, 1, 2, 5)))
        visits.morning(day.isoformat())
        stored, fresh = stored_and_fresh(visits, day, f"{day}T06:00")
        assert stored == fresh, (seed, day)
