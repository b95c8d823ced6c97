"""The worked cases of tests/cases/allowances: each person in each period, then what a death or a late paper changes."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.calendar import festival_day
from rules.allowances import (
    Band,
    Decision,
    Entitled,
    Excluded,
    Person,
    Tariff,
    check_period,
    decide,
    departure,
    owed_after_death,
)
from rules.periods import is_month, month_end, read_period
from rules.visits_facts import StatusRow

FOLDER = Path(__file__).parents[1] / "cases" / "allowances"
STATUS = re.compile(r"([A-Z]+)(?: to (\S+))?(?: recorded (\S+))?")
ALWAYS = [date(year, month, 1) for year in range(2020, 2036) for month in (1, 7)]


def _read(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))


def _notices() -> Iterator[Tariff]:
    for stated in _read("notices"):
        bands = tuple(
            Band(**{"zh": each["code"], "en": each["code"], **each, "festivals": _tuple(each.get("festivals"))})
            for each in stated["bands"]
        )
        festivals = _tuple(stated.get("festivals")) or ()
        yield Tariff(**{**stated, "zh": "", "en": "", "source": "", "bands": bands, "festivals": festivals})


def _tuple(words: list[str] | None) -> tuple[str, ...] | None:
    return None if words is None else tuple(words)


NOTICES = list(_notices())
CASES = [
    pytest.param(case, id=case["case"])
    for name in ("ages", "deaths", "residence", "certification")
    for case in _read(name)
]


def as_of(period: str) -> date:
    return month_end(period) if is_month(period) else festival_day(int(period[:4]), period[5:])


def tariff_of(case: dict[str, Any], day: date) -> Tariff:
    mine = [each for each in NOTICES if each.programme == case.get("programme", "longevity") and each.since <= day]
    changes: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in case.get("notice", {}).items()}
    return replace(mine[-1], **changes)


def statuses(case: dict[str, Any]) -> Iterator[StatusRow]:
    for since, said in case.get("status", {}).items():
        for line in said.split(" then "):
            found = STATUS.fullmatch(line)
            assert found, line
            recorded = date.fromisoformat(found[3]) if found[3] else since
            yield StatusRow(since, found[1], datetime.combine(recorded, time(18)), found[2])  # type: ignore[arg-type]


def standing(case: dict[str, Any], day: date) -> frozenset[str]:
    found = set()
    for category, said in case.get("categories", {}).items():
        since, _, until = str(said).partition(" until ")
        if date.fromisoformat(since) <= day and (not until or day < date.fromisoformat(until)):
            found.add(category)
    return frozenset(found)


def person_of(case: dict[str, Any], period: str) -> Person:
    day = as_of(period)
    gone = departure(statuses(case), day)
    seen = [one for one in case.get("certified", ALWAYS) if gone.died_on is None or one <= gone.died_on]
    hukou = case.get("hukou", "district")
    return Person(
        elder_id=1,
        birth_date=case["born"],
        hukou=None if hukou == "unknown" else hukou,
        categories=standing(case, day),
        registered_on=case.get("registered", date(2020, 1, 1)),
        died_on=gone.died_on,
        moved_out_on=gone.moved_out_on,
        certified_on=max(seen, default=None),
        account=case.get("account", "ok"),
        elsewhere=frozenset(case.get("elsewhere", {}).get(period, ())),
    )


def line_of(decision: Decision) -> str:
    if isinstance(decision, Entitled):
        assert decision.fen == decision.band.fen
        return f"{decision.fen} {decision.band.code}"
    return f"{decision.reason} {decision.band.code}" if isinstance(decision, Excluded) else "not of age"


@pytest.mark.parametrize("case", CASES)
def test_a_worked_case_is_decided_as_by_hand(case: dict[str, Any]) -> None:
    for period, wanted in case["expect"].items():
        tariff, day = tariff_of(case, as_of(period)), as_of(period)
        assert read_period(period) == period
        check_period(tariff, period, day)
        assert (period, line_of(decide(person_of(case, period), tariff, period, day))) == (period, wanted)


@pytest.mark.parametrize("case", [case for case in CASES if "after_death" in case.values[0]])  # type: ignore[operator]
def test_a_period_owes_after_a_death_what_was_worked_out_by_hand(case: dict[str, Any]) -> None:
    for period, wanted in case["after_death"].items():
        day = as_of(period)
        band = owed_after_death(person_of(case, period), tariff_of(case, day), period, day)
        assert (period, f"{band.fen} {band.code}" if band else "nothing") == (period, wanted)


@pytest.mark.parametrize("case", [case for case in CASES if "later" in case.values[0]])  # type: ignore[operator]
def test_a_late_paper_lifts_the_exclusions_worked_out_by_hand(case: dict[str, Any]) -> None:
    later = {**case, **case["later"]}
    if "certified" in case["later"]:
        later["certified"] = [*case["certified"], case["later"]["certified"]]
    excluded = [period for period, said in case["expect"].items() if not said[0].isdigit()]
    again = {p: decide(person_of(later, p), tariff_of(case, as_of(p)), p, as_of(p)) for p in excluded}
    assert {p: line_of(owed) for p, owed in again.items() if isinstance(owed, Entitled)} == case["back_pay"]
