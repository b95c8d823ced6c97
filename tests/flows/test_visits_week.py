"""The weekly page: one a sub-district and ISO week, whichever morning comes first; it is read when it is sent."""

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.call_list import write_call_list
from flows.visit_desk import record
from models.db import Database
from tests.flows.test_visits_day import outbox
from tests.flows.visits import Visits, helper

PAGE = "visit-escalation"


@pytest.fixture
def visits(database: Database, tmp_path: Path) -> Visits:
    """Red, yellow and green of 翠湖社区; nobody lives in the other sub-district."""
    made = Visits(database, tmp_path)
    made.send("subdistrict", [{"name": "翠湖街道", "email": "cuihu@example.cn"}])
    return made


def weeks(visits: Visits) -> list[str]:
    return sorted({key.split(":")[1] for key in visits.keys(PAGE)})


def test_each_sub_district_has_one_page_a_week_whichever_morning_comes_first(visits: Visits) -> None:
    for day in ("2026-03-06", "2026-03-11", "2026-03-12", "2026-03-15", "2026-03-16"):
        visits.morning(day)
        visits.morning(day, "09:00")
    assert weeks(visits) == ["2026-W10", "2026-W11", "2026-W12"]
    assert len(visits.keys(PAGE)) == 3 * 2  # two sub-districts


def test_weeks_that_passed_without_a_morning_are_never_told(visits: Visits) -> None:
    visits.morning("2026-03-06")
    visits.morning("2026-03-25")
    assert weeks(visits) == ["2026-W10", "2026-W13"]


def test_the_week_of_new_year_is_the_one_of_its_thursday(visits: Visits) -> None:
    """29 December 2025 to 4 January 2026 are one ISO week: the first of 2026."""
    assert [date(2025, 12, 29).isocalendar()[:2], date(2026, 1, 4).isocalendar()[:2]] == [(2026, 1), (2026, 1)]
    visits.morning("2026-12-31")
    visits.morning("2027-01-03")
    assert weeks(visits) == ["2026-W53"]


def test_a_page_that_waited_past_its_week_is_not_sent(visits: Visits) -> None:
    visits.morning("2026-03-11")
    visits.drain("2026-03-16T08:00")
    assert visits.states(PAGE)["expired"] == 2


def test_the_page_tells_what_stands_when_it_is_sent(visits: Visits) -> None:
    """Registered on Monday 2 March: red was due on the 4th, yellow and green on the 9th. Nobody has hands.

    On the 11th red is 7 days late, yellow and green two. Yellow is met
    before the page leaves on the 12th, and the page is of the 12th: red 8 days.
    """
    visits.send("helper", [helper("H1", capacity=0), helper("H2", capacity=0)])
    red, yellow, green = visits.refs
    visits.morning("2026-03-11")
    visits.contact(yellow, "2026-03-11 10:00", moment="2026-03-11T10:00")
    visits.status(green, "2026-03-11", "DEAD", "2026-03-11T11:00")
    visits.drain("2026-03-12T09:00")
    text = outbox(visits)
    assert "截至3月12日，翠湖街道探访逾期1人" in text
    assert "近七天无人可派、至今未访1人" in text
    assert f"- {red}，翠湖社区，逾期8天" in text
    page = text[text.index("截至3月12日") :]
    assert yellow not in page
    assert green not in page


def test_checks_and_issues_past_the_sub_district_are_on_the_page(visits: Visits) -> None:
    red, yellow, _ = visits.refs
    for day in (5, 6, 7):
        visits.contact(yellow, f"2026-03-0{day} 10:00", "NO_ANSWER")
    said = {"number": "S1", "elder": red, "kind": "help"}
    event(visits, "open", "2026-03-03 09:00", **said)
    event(visits, "assign", "2026-03-03 10:00", number="S1")
    event(visits, "open", "2026-03-09 09:00", **{**said, "number": "S2"})
    visits.morning("2026-03-11")
    visits.drain("2026-03-11T08:00")
    text = outbox(visits)
    assert f"待上门核实1人：\n- {yellow}，翠湖社区，3月8日10:00前" in text
    assert "超期已报街道的诉求1件：\n- S1，求助，翠湖社区，应于3月5日18:00前办结" in text
    assert "- S2，" not in text  # the letters alone may stand in a reference


def event(visits: Visits, said: str, at: str, **more: Any) -> None:
    record(visits.database, visits.office.at(at), "issue", "office", {"event": said, "at": at, "actor": "H1", **more})


def test_an_office_that_need_not_worry_is_not_written_to(visits: Visits) -> None:
    for who in visits.refs:
        visits.contact(who, "2026-03-04")
    visits.morning("2026-03-09")
    visits.drain("2026-03-09T08:00")
    assert visits.states(PAGE) == {"cancelled": 1, "pending": 1}  # the other has no address: it is on the call list


def test_an_office_without_an_address_is_told_by_telephone(database: Database, tmp_path: Path) -> None:
    visits = Visits(database, tmp_path)
    visits.morning("2026-03-11")
    path = tmp_path / "calls.csv"
    with visits.database.read() as session:
        write_call_list(session, visits.office.at("2026-03-11T09:00"), path, reveal=True)
    with path.open(encoding="utf-8-sig", newline="") as file:
        said = [row["say"] for row in csv.DictReader(file) if row["key"].startswith(PAGE)]
    assert len(said) == 1
    assert "逾期" in said[0]
