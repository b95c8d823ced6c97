"""The worked cases of tests/cases/visits.yaml, decided by `tasks`, `standing` and `checks`."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.calendar import year_days
from rules.visits import tasks
from rules.visits_clock import Clock, Clocks, TierClock
from rules.visits_facts import Contact, History, StatusRow, TierRow, flag_of, known, spans
from rules.visits_standing import facts_of, standing
from rules.visits_task import Task, days_late, is_open
from rules.visits_unreachable import Unreachable, checks
from rules.workdays import Workdays

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "visits.yaml").read_text(encoding="utf-8"))
WORKDAYS = Workdays({day.date: day for year in range(2024, 2028) for day in year_days(year)})
CONTACT = re.compile(r"(\S+) ([A-Z_]+)(?: at (\S+))?(?: recorded (\S+))?")
STATUS = re.compile(r"([A-Z]+)(?: to (\S+))?(?: until (\S+))?(?: recorded (\S+))?")


def evening(day: date) -> datetime:
    return datetime.combine(day, time(18))


def contacts(case: dict[str, Any]) -> Iterator[Contact]:
    for number, line in enumerate(case.get("contacts", [])):
        found = CONTACT.fullmatch(str(line))
        assert found, line
        day = date.fromisoformat(found[1])
        recorded = evening(date.fromisoformat(found[4]) if found[4] else day)
        at = time.fromisoformat(found[3]) if found[3] else None
        yield Contact(day, found[2], recorded, "home", f"H{number}", at)  # type: ignore[arg-type]


def statuses(case: dict[str, Any]) -> Iterator[StatusRow]:
    for since, said in case.get("status", {}).items():
        for line in said.split(" then "):
            found = STATUS.fullmatch(line)
            assert found, line
            recorded = evening(date.fromisoformat(found[4]) if found[4] else since)
            agreed = date.fromisoformat(found[3]) if found[3] else None
            yield StatusRow(since, found[1], recorded, found[2], agreed)  # type: ignore[arg-type]


def history_of(case: dict[str, Any]) -> History:
    registered = case["registered"]
    tiers = case.get("tiers", {registered: case.get("tier")})
    rows = [TierRow(since, tier, evening(since)) for since, tier in tiers.items()]
    history = History(registered, evening(registered), rows, list(statuses(case)), list(contacts(case)))
    then = known(history, case.get("known_before", date.max))
    assert then
    return then


def clocks_of(case: dict[str, Any]) -> Clocks:
    book = [Clock(date(2025, 1, 1))]
    for since, days in case.get("red_every", {}).items():
        book.append(replace(book[-1], since=since, red=TierClock(2, 2, 2, days)))
    return Clocks(book)


def line_of(task: Task, day: date) -> str:
    late = days_late(task, day)
    outcome = {
        "DONE": f"DONE {task.ended_on} {'on time' if task.on_time else 'late'}",
        "MISSED": f"MISSED {task.ended_on}",
        "CANCELLED": f"CANCELLED {task.reason} {task.ended_on}",
        "PLANNED": "open" if task.reason is None else "suspended",
    }[task.state]
    delay = f", {late} day{'s' * (late > 1)} late" if late and is_open(task) else ""
    return f"{task.kind} {task.cycle} due {task.deadline} {outcome}{delay}"


@pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in CASES])
def test_a_worked_case_is_decided_as_by_hand(case: dict[str, Any]) -> None:
    history, clocks, day = history_of(case), clocks_of(case), case["as_of"]
    found = tasks(history, day, clocks, WORKDAYS)
    lines = [line_of(task, day) for task in found]
    raised = checks(history, evening(day) + timedelta(hours=1), Unreachable())
    lines += [f"CHECK {check.cycle} due {check.due_at:%Y-%m-%dT%H:%M} {check.state}" for check in raised]
    assert sorted(lines) == sorted(re.sub(r" planned \S+", "", line) for line in case["expect"])
    planned = {f"{t.kind} {t.cycle}": f"{t.plan_on}" for t in found}
    for line in case["expect"]:
        if wanted := re.search(r" planned (\S+)", line):
            assert planned[" ".join(line.split()[:2])] == wanted[1]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in CASES])
def test_a_worked_case_has_the_same_open_tasks_from_aggregated_facts(case: dict[str, Any]) -> None:
    history, clocks, day = history_of(case), clocks_of(case), case["as_of"]
    facts = facts_of(history, day)
    assert facts
    whole = [task for task in tasks(history, day, clocks, WORKDAYS) if is_open(task)]
    assert sorted(standing(facts, day, clocks, WORKDAYS)) == sorted(whole)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in CASES if "flags" in case])
def test_contacts_after_a_death_or_a_move_are_flagged(case: dict[str, Any]) -> None:
    history = history_of(case)
    flags = {contact.occurred_on: flag_of(contact, spans(history)) for contact in history.contacts}
    assert {day: flag for day, flag in flags.items() if flag} == case["flags"]
