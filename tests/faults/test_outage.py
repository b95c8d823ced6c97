"""Nobody there for three days, and a server that is down when a run begins: what is made up, and what is not.

schedules and people of twelve days -> the same without 20 to 22 October -> equal, but for what only they could do.
Job by job: duty and turns of planning tests/flows/test_duty.py, visits tests/flows/test_visits_watch.py, months
tests/flows/test_visit_month.py, late messages tests/notifications/test_late.py.
"""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Collection
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows.prefect_home import environment, free_port
from flows.visits_watch import watch as visits_watch
from models.jobs import JobRun
from tests.faults.whole import MONTH, Whole, ended

FIRST, LAST = date(2026, 10, 17), date(2026, 10, 28)
DOWN = frozenset({date(2026, 10, 20), date(2026, 10, 21), date(2026, 10, 22)})
OCTOBER = (date(2026, 10, 1), date(2026, 10, 31))
Act = tuple[date, Callable[[date], Any]]


def people_s_acts(whole: Whole) -> deque[Act]:
    """What people do, each on its day or, when nothing can be done then, on the first day on which it can."""

    def correct(day: date) -> None:
        rows = [whole.account(ref, 77 + n, "2026-09-22") for n, ref in enumerate(whole.refs[2:4])]
        whole.send("account", rows, f"{day}T09:10")

    return deque([
        (date(2026, 10, 20), lambda day: whole.approve_all(f"{day}T09:00")),
        (date(2026, 10, 21), lambda day: whole.visited(whole.refs[0], f"{min(day, date(2026, 10, 21))} 08:00", "MET")),
        (date(2026, 10, 24), correct),
        (date(2026, 10, 24), lambda day: whole.reissue(f"{day}T09:20")),
        (date(2026, 10, 26), lambda day: whole.approve_all(f"{day}T09:30", reissue=True)),
    ])  # fmt: skip


def live_by_calendar(whole: Whole, down: Collection[date] = (), last: date = LAST) -> None:
    """Twelve days of schedules; the bank works on all of them, we do not work on those that are `down`."""
    whole.office.plan("2026-10", publish=True, moment="2026-09-25T08:00")
    for step in whole.walk(MONTH)[:2]:
        step()
    ill = next(slot.cadre for slot in whole.office.slots(*OCTOBER) if slot.day == date(2026, 10, 21))
    away = {"person": ill, "from": "2026-10-21", "until": "2026-10-21", "type": "sick"}
    acts = people_s_acts(whole)
    for day in (FIRST + timedelta(days=n) for n in range((last - FIRST).days + 1)):
        if day not in down:
            in_the_morning(whole, day)
            while acts and acts[0][0] <= day:
                acts.popleft()[1](day)
            whole.release(moment=f"{day}T10:00")
            whole.stop(f"{day}T10:30")
        whole.now = f"{day}T14:00"
        whole.bank.take_all()
        whole.bank.reply("pain.002")
        whole.carry(sorted(whole.bank.returns.glob("*.xml")))
        if day not in down:
            in_the_afternoon(whole, day)
        if day == date(2026, 10, 19):
            whole.office.send("leave", [away], f"{day}T20:00")


def in_the_morning(whole: Whole, day: date) -> None:
    whole.duty_day(f"{day}")
    whole.visits_day(f"{day}")
    whole.morning(f"{day}T07:00")
    whole.drain(f"{day}T08:30")
    whole.duty_watch(f"{day}T08:45")


def in_the_afternoon(whole: Whole, day: date) -> None:
    whole.reconcile(f"{day}T15:00")
    whole.duty_watch(f"{day}T17:00")
    visits_watch(whole.database, whole.at(f"{day}T18:00"))
    whole.drain(f"{day}T18:30")


KINDS = [pytest.param("sqlite"), pytest.param("postgresql", marks=pytest.mark.proof)]


@pytest.mark.parametrize("kind", KINDS)
def test_after_three_days_without_anybody_the_district_ends_like_one_that_was_never_down(
    copied: Callable[[str], Whole], kind: str
) -> None:
    whole, hurt = copied(kind), copied(kind)
    live_by_calendar(whole)
    live_by_calendar(hurt, DOWN)
    never, after = ended(whole), ended(hurt)
    assert after.money == never.money, "everybody has everything, to the fen"
    assert after.visits == never.visits, "planning is derived: the first morning makes up for all"
    assert {row[0] for row in never.lists} - {row[0] for row in after.lists} <= DOWN, "no list for a day gone by"
    assert {row[1] for row in after.lists} == {row[1] for row in never.lists}, "who was to be visited is, later"
    differ = {a[:2] for a, b in zip(roster(hurt), roster(whole), strict=True) if a != b}
    assert {date(2026, 10, 21)} <= {day for _, day in differ} <= DOWN, "nobody finds a substitute for a day gone by"
    differing = {template for template, *_ in (never.told - after.told) + (after.told - never.told)}
    assert {name.partition("-")[0] for name in differing} <= {"duty", "visit"}, "all of the money is told"


def roster(whole: Whole) -> list[tuple[Any, ...]]:
    return [(slot.centre, slot.day, slot.ref, slot.state) for slot in whole.office.slots(*OCTOBER)]


@pytest.mark.proof
def test_a_run_whose_server_is_down_does_nothing_and_the_next_day_makes_up_for_it(
    copied: Callable[[str], Whole],
) -> None:
    """Prefect cannot even fetch the run; it ends in error, and the business date does the rest."""
    whole = copied("sqlite")
    whole.office.plan("2026-10", publish=True, moment="2026-09-25T08:00")
    whole.duty_day("2026-10-18")
    nobody = free_port()
    env = {**os.environ, **environment(whole.office.base, nobody), "PREFECT_CLIENT_MAX_RETRIES": "0"}
    env |= {"PREFECT_API_URL": f"http://127.0.0.1:{nobody}/api", "TUOQI_DATABASE_URL": whole.office.base.url}
    before = runs(whole)
    command = [sys.executable, "-m", "prefect.engine", str(uuid4())]
    failed = subprocess.run(
        command, env=env, cwd=Path(__file__).parents[2], capture_output=True, timeout=120, check=False
    )
    assert failed.returncode != 0
    assert runs(whole) == before
    closed = whole.duty_day("2026-10-21")["missed"]
    assert closed == len([slot for slot in whole.office.slots(date(2026, 10, 18), date(2026, 10, 20)) if slot.cadre])


def runs(whole: Whole) -> list[Any]:
    with whole.database.read() as session:
        return list(session.execute(select(col(JobRun.job), col(JobRun.run_key), col(JobRun.state))).tuples())
