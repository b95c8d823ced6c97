"""Two mornings at once, and kill -9 in the middle of one: one plan, one list, everybody told once."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

import flows.visits_day
import flows.visits_plan
from flows.visits_day import visits_morning
from models.db import Database
from tests.flows.test_duty_kills import ended, in_child
from tests.flows.visits import MONDAY, Visits


@pytest.fixture
def visits(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Visits:
    monkeypatch.setattr(flows.visits_plan, "BATCH", 2)  # a transaction for two elders, so that there is a middle
    made = Visits(database, tmp_path, ("red", "yellow", "green", "yellow", "green"))
    for day in (5, 6, 7):
        made.contact(made.refs[3], f"2026-03-0{day} 10:00", "NO_ANSWER")
    return made


def complete_once(visits: Visits) -> None:
    """What is stored is what one undisturbed run stores; nobody hears anything twice."""
    before = visits.snapshot()
    again = visits.morning("2026-03-09")
    assert (again["new"], again["changed"], again["superseded"], again["list_changed"], again["messages"]) == (0,) * 5
    assert visits.snapshot() == before
    assert len(visits.tasks()) == len({row[:3] for row in visits.tasks()}) == 6
    listed = visits.listed()
    assert sorted(who for who, _ in listed) == sorted(visits.refs)
    assert len(visits.keys("visit-digest")) == len({number for _, number in listed})
    assert len(visits.keys("visit-contact-family")) == 1
    assert len({key.split(":")[1] for key in visits.keys("visit-wellness")}) == 1


def dies_at(module: Any, name: str, call: int) -> None:
    """Kill this process when a function is called for the n-th time."""
    whole, calls = getattr(module, name), iter(range(1, 1000))

    def deadly(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*args, **kwargs)

    setattr(module, name, deadly)


POINTS = [
    pytest.param(flows.visits_plan, "store_tasks", 1, id="before the first batch is written"),
    pytest.param(flows.visits_plan, "renew", 2, id="before the token of the second batch is checked"),
    pytest.param(flows.visits_day, "open_tasks", 1, id="between planning and the list"),
    pytest.param(flows.visits_day, "store_list", 1, id="before the list is written"),
    pytest.param(flows.visits_day, "tell_checks", 1, id="between digests and wellness checks"),
    pytest.param(flows.visits_day, "renew", 1, id="before the token of the list is checked"),
]


@pytest.mark.parametrize(("module", "name", "call"), POINTS)
def test_a_kill_in_the_morning_is_made_good_by_the_next_run(visits: Visits, module: Any, name: str, call: int) -> None:
    base = visits.office.at("2026-03-09T06:00")
    visits.database.engine.dispose()

    def work() -> None:
        dies_at(module, name, call)
        visits_morning(Database(base.url, base.keys()), base, MONDAY)

    assert ended(in_child(work)) == -signal.SIGKILL
    visits.morning("2026-03-09")
    complete_once(visits)


def test_mornings_at_once_leave_one_plan(visits: Visits) -> None:
    base = visits.office.at("2026-03-09T06:00")
    visits.database.engine.dispose()

    def work() -> None:
        visits_morning(Database(base.url, base.keys()), base, MONDAY)

    assert [ended(pid) for pid in [in_child(work) for _ in range(4)]] == [0, 0, 0, 0]
    complete_once(visits)
