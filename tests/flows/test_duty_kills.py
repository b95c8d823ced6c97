"""Two triggers at once, and kill -9 in the middle of publishing: one complete roster, everybody told once."""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col

import flows.duty_plan
from flows.sample import district, register_rows
from flows.settings import Settings, settings
from models.db import Database
from models.duty import DutySlot, SlotTransition
from models.jobs import JobRun
from models.messages import Message
from tests.flows.test_duty import Office


@pytest.fixture
def office(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(flows.duty_plan, "BATCH", 1)  # a transaction per centre, so that there is a middle
    office = Office(database, settings(), tmp_path)
    rows = register_rows(district(centres=4, cadres=24))
    for kind in ("subdistrict", "centre", "cadre", "leave"):
        office.send(kind, rows[kind])
    return office


def in_child(work: Callable[[], Any]) -> int:
    """Fork, run `work` in the child without any connection of ours, return the child's pid."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def alone(office: Office, base: Settings) -> Office:
    """The same office with a database of its own, for a child."""
    return Office(Database(base.url, base.keys()), base, office.folder)


def dies_at(call: int, name: str) -> None:
    """Kill this process when the function of flows.duty_plan is called for the n-th time."""
    whole, calls = getattr(flows.duty_plan, name), iter(range(1, 1000))

    def deadly(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*args, **kwargs)

    setattr(flows.duty_plan, name, deadly)


def complete_once(office: Office) -> None:
    """Every centre has every day, published once, everybody told once."""
    slots = office.slots()
    assert len(slots) == len({(slot.centre, slot.day) for slot in slots})
    assert {slot.state for slot in slots} <= {"published", "gap"}
    assert all(slot.published for slot in slots)
    with office.database.read() as session:
        published = select(col(SlotTransition.slot_id)).where(col(SlotTransition.after) == "published")
        assert set(Counter(session.execute(published).scalars()).values()) == {1}
        runs = session.execute(select(col(JobRun.state), col(JobRun.job))).tuples().all()
        told = session.execute(select(col(Message.recipient)).where(col(Message.template) == "duty-published"))
        people = Counter(told.scalars())
        count = session.execute(select(text("count(*)")).select_from(DutySlot)).scalar_one()
    assert ("done", "duty-publish") in runs
    assert people == Counter({slot.ref: 1 for slot in slots if slot.ref} | dict.fromkeys(shared(slots), 2))
    assert count == len(slots)


def shared(slots: Any) -> set[str]:
    centres: dict[str, set[str]] = {}
    for slot in slots:
        if slot.ref:
            centres.setdefault(slot.ref, set()).add(slot.centre)
    return {ref for ref, codes in centres.items() if len(codes) > 1}


POINTS = [
    pytest.param("facts", 1, id="before the first centre is read"),
    pytest.param("store_drafts", 2, id="before the second centre is written"),
    pytest.param("publish_slots", 1, id="between drafts and publishing of one centre"),
    pytest.param("tell_months", 3, id="between publishing and telling"),
    pytest.param("renew", 2, id="before the fencing token is checked"),
    pytest.param("month_counts", 1, id="after the last centre, before the run is recorded"),
]


@pytest.mark.parametrize(("name", "call"), POINTS)
def test_a_kill_while_publishing_is_made_good_by_the_next_run(office: Office, name: str, call: int) -> None:
    base = office.base
    office.database.engine.dispose()

    def work() -> None:
        dies_at(call, name)
        alone(office, base).publish()

    assert ended(in_child(work)) == -signal.SIGKILL
    result = office.publish()
    assert result["published"] == result["slots"]
    complete_once(office)


def kill_at_random(office: Office, times: int, seed: int) -> int:
    """Start publishing `times` times, each killed at a random place; return how many kills hit."""
    base, dice = office.base, random.Random(seed)
    office.database.engine.dispose()
    killed = 0
    for _ in range(times):
        name, call = dice.choice(["facts", "store_drafts", "publish_slots", "tell_months", "renew"]), dice.randint(1, 3)

        def work(name: str = name, call: int = call) -> None:
            dies_at(call, name)
            alone(office, base).publish()

        killed += ended(in_child(work)) == -signal.SIGKILL
    return killed


def test_random_kills_in_a_row_still_end_in_one_roster(office: Office) -> None:
    assert kill_at_random(office, 6, seed=7)
    office.publish()
    complete_once(office)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(50))
def test_many_random_kills_still_end_in_one_roster(office: Office, seed: int) -> None:
    kill_at_random(office, 5, seed)
    office.publish()
    complete_once(office)


def test_two_triggers_at_once_leave_one_roster(office: Office) -> None:
    base = office.base
    office.database.engine.dispose()
    children = [in_child(lambda: alone(office, base).publish()) for _ in range(4)]
    assert [ended(pid) for pid in children] == [0, 0, 0, 0]
    complete_once(office)
    assert office.publish()["already"]


def test_two_watches_at_once_tell_everybody_once(office: Office) -> None:
    office.publish()
    base = office.base
    office.database.engine.dispose()
    children = [in_child(lambda: alone(office, base).watch("2026-03-09T17:00")) for _ in range(4)]
    assert [ended(pid) for pid in children] == [0, 0, 0, 0]
    notices = office.messages("duty-notice")
    assert len(notices) == len([slot for slot in office.slots() if slot.day.day == 10 and slot.cadre])
