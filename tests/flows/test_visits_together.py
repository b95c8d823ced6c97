"""The morning and the watch at once: every change of a task is one step, everybody is told once, nobody fails."""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

import flows.visits_day
import flows.visits_plan
import flows.visits_watch
import notifications.visits
from flows.visit_desk import record
from flows.visits_watch import watch
from models.db import Database
from models.visit import VisitStep
from tests.flows.visits import Visits


@pytest.fixture
def visits(database: Database, tmp_path: Path) -> Visits:
    """The red elder has a wellness check since Sunday, and was met on Monday at seven."""
    made = Visits(database, tmp_path, ("red", "yellow"))
    for day in (6, 7, 8):
        made.contact(made.refs[0], f"2026-03-0{day} 10:00", "NO_ANSWER")
    made.morning("2026-03-08", "19:00")
    return made


def meet(module: Any, name: str, patch: pytest.MonkeyPatch, *, when: Callable[..., bool] = lambda **_: True) -> None:
    """Let two threads wait for each other right after they read, as they would if nothing kept one of them out."""
    barrier, whole = threading.Barrier(2), getattr(module, name)

    def waiting(*args: Any, **kwargs: Any) -> Any:
        found = whole(*args, **kwargs)
        if when(**kwargs):
            with suppress(threading.BrokenBarrierError):  # the other is kept out until this one is done
                barrier.wait(0.5)
        return found

    patch.setattr(module, name, waiting)


def both(*jobs: Callable[[], Any]) -> list[BaseException]:
    failed: list[BaseException] = []

    def run(job: Callable[[], Any]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - for the test to see
            failed.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def steps(visits: Visits) -> Counter[Any]:
    with visits.database.read() as session:
        columns = (VisitStep.task_id, VisitStep.before, VisitStep.after)
        return Counter(tuple(row) for row in session.execute(select(*map(col, columns))))


def look(visits: Visits, moment: str) -> None:
    watch(visits.database, visits.office.at(moment))


def test_a_task_that_both_close_has_one_step(visits: Visits, monkeypatch: pytest.MonkeyPatch) -> None:
    visits.contact(visits.refs[0], "2026-03-09 07:00", "MET", "2026-03-09T07:05")
    meet(flows.visits_plan, "stored_tasks", monkeypatch, when=lambda to_change=False, **_: to_change)
    assert both(lambda: visits.morning("2026-03-09", "08:00"), lambda: look(visits, "2026-03-09T08:00")) == []
    closed = {key: count for key, count in steps(visits).items() if key[2] == "DONE"}
    assert len(closed) == 2  # the check and the first visit
    assert set(closed.values()) == {1}


def test_a_task_closed_while_the_list_was_thought_out_is_given_to_nobody(
    visits: Visits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """06:00 the list has the red elder; before it is stored the watch learns that they were met."""
    visits.morning("2026-03-08", "19:30")
    listed = flows.visits_day._list

    def thought(*args: Any, **kwargs: Any) -> Any:
        found = listed(*args, **kwargs)
        visits.contact(visits.refs[0], "2026-03-09 05:30", "MET", "2026-03-09T06:00")
        look(visits, "2026-03-09T06:00")
        return found

    monkeypatch.setattr(flows.visits_day, "_list", thought)
    visits.morning("2026-03-09")
    assert visits.of(visits.refs[0])["FIRST", "2026-03-02"] == ("DONE", None)
    assert visits.of(visits.refs[0])["WELLNESS_CHECK", "2026-03-08"] == ("DONE", None)


def test_two_looks_at_once_tell_everybody_once(visits: Visits, monkeypatch: pytest.MonkeyPatch) -> None:
    who = visits.refs[1]
    for said, at in (("open", "2026-03-04 09:00"), ("assign", "2026-03-04 10:00")):
        values = {"number": "S1", "elder": who, "kind": "help", "event": said, "at": at, "actor": "H1"}
        record(visits.database, visits.office.at(at), "issue", "office", values)
    for day in (8, 9):
        visits.contact(who, f"2026-03-0{day} 07:00", "NO_ANSWER", f"2026-03-0{day}T07:05")
    meet(notifications.visits, "known_keys", monkeypatch)
    assert both(*[lambda: look(visits, "2026-03-09T18:00")] * 2) == []
    told = [visits.keys(name) for name in ("issue-due", "issue-overdue", "visit-ask-neighbour", "visit-contact-family")]
    assert [len(keys) for keys in told] == [1, 1, 1, 2]


def test_two_who_would_tell_different_people_of_one_check_do_not_fail(
    visits: Visits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The morning tells who has the visit, the watch the primary helper: whoever is first has told it."""
    who = visits.refs[1]
    visits.pair(who, "H2")
    for day in (6, 7, 8):
        visits.contact(who, f"2026-03-0{day} 11:00", "NO_ANSWER", "2026-03-09T05:00")
    meet(notifications.visits, "known_keys", monkeypatch)
    assert both(lambda: visits.morning("2026-03-09"), lambda: look(visits, "2026-03-09T06:00")) == []
    assert len({key.split(":")[1] for key in visits.keys("visit-wellness")}) == 2
