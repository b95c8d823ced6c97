"""The worked cases of tests/cases/duty.yaml, decided by `plan`."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.calendar import Day, DayKind
from rules.duty import Centre, Leave, Membership, Policy, Slot, plan

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "duty.yaml").read_text(encoding="utf-8"))
START = date(2020, 1, 1)


def dates(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def memberships(case: dict[str, Any]) -> Iterator[Membership]:
    joined, exempt = case.get("joined", {}), case.get("exempt", [])
    for centre, cadres in case["rosters"].items():
        for cadre in cadres:
            yield Membership(cadre, centre, joined.get(cadre, START), None, rest_day_exempt=cadre in exempt)


def slots(case: dict[str, Any]) -> Iterator[Slot]:
    for centre, day, said in entries(case, "past"):
        cadre, *came = said.split(" came ")
        missed = cadre.endswith(" missed")
        state = "missed" if missed else "handed_over"
        yield Slot(centre, day, cadre.removesuffix(" missed"), state, False, came[0] if came else None, published=True)
    for centre, day, cadre in entries(case, "pinned"):
        yield Slot(centre, day, cadre, "draft", pinned=True)
    for centre, day, cadre in entries(case, "published"):
        gap = cadre == "GAP"
        yield Slot(centre, day, None if gap else cadre, "gap" if gap else "published", published=True)


def entries(case: dict[str, Any], name: str) -> Iterator[tuple[str, date, str]]:
    for centre, days in case.get(name, {}).items():
        for day, said in days.items():
            yield centre, day, said


def calendar(case: dict[str, Any], days: list[date]) -> dict[date, Day]:
    kinds: dict[date, DayKind] = dict.fromkeys(case.get("rest", []), "rest")
    kinds |= dict.fromkeys(case.get("statutory", []), "statutory")
    return {day: Day(day, kinds.get(day, "work")) for day in dates(days[0] - timedelta(days=40), days[-1])}


@pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in CASES])
def test_a_worked_case_is_decided_as_by_hand(case: dict[str, Any]) -> None:
    days = dates(*case["days"])
    closed = case.get("closed_on_rest_days", [])
    plans = plan(
        [Centre(code, code not in closed) for code in case["rosters"]],
        list(memberships(case)),
        [Leave(**leave) for leave in case.get("leave", [])],
        list(slots(case)),
        days,
        calendar(case, days),
        Policy(case.get("gap", 3), frozenset(case.get("accruing", []))),
    )
    decided: dict[str, dict[date, str]] = {}
    for new in plans:
        decided.setdefault(new.centre, {})[new.date] = (new.cadre or "GAP") + "!" * new.rest_relaxed
    assert decided == case["expect"]
