"""Watching visits: each step of an issue's ladder is told once to each, attempts of today are acted on today."""

from pathlib import Path
from typing import Any

import pytest

from flows.visit_desk import record
from flows.visits_watch import watch
from models.db import Database
from models.issue import IssueEscalation
from tests.flows.elders import stored
from tests.flows.visits import Visits


@pytest.fixture
def visits(database: Database, tmp_path: Path) -> Visits:
    made = Visits(database, tmp_path, ("red", "yellow"))
    made.send("cadre", [{"number": "K9", "name": "陈主任", "centre": "C1", "from": "2020-01-01", "head": "yes"}])
    return made


def event(visits: Visits, kind: str, at: str, actor: str = "H1", **more: Any) -> None:
    """An event of the one issue, raised on Monday 9 March: 3 workdays end on Thursday 12 March at 09:00 + 0."""
    first = {"elder": visits.refs[0], "kind": "help"} if kind == "open" else {}
    values = {"number": "S2026-0001", "event": kind, "at": at, "actor": actor, **first, **more}
    record(visits.database, visits.office.at(at), "issue", "office", values)


def look(visits: Visits, moment: str) -> dict[str, Any]:
    return watch(visits.database, visits.office.at(moment))


def test_the_ladder_is_told_step_by_step_and_each_step_once(visits: Visits) -> None:
    event(visits, "open", "2026-03-09 09:00")
    event(visits, "assign", "2026-03-09 10:00")
    steps = []
    for moment in ("2026-03-09T15:00", "2026-03-11T15:00", "2026-03-11T18:05", "2026-03-12T09:00"):
        steps.append(look(visits, moment)["levels"])
        assert look(visits, moment)["levels"] == {}
    steps += [look(visits, moment)["levels"] for moment in ("2026-03-13T18:05", "2026-03-18T18:05")]
    assert steps == [{}, {"owner": 1}, {"lead": 1}, {}, {"subdistrict": 1}, {}]
    assert [row["level"] for row in look(visits, "2026-03-19T18:05")["list"]] == ["district"]  # the page alone tells it
    assert [key.split(":")[0] for key in visits.keys("issue-due")] == ["issue-due"]
    assert [key.split(":")[2] for key in visits.keys("issue-overdue")] == ["lead", "subdistrict"]
    assert [row[0] for row in stored(visits.office, IssueEscalation.level)] == ["owner", "lead", "subdistrict"]


def test_an_outage_tells_every_step_that_was_reached_meanwhile(visits: Visits) -> None:
    event(visits, "open", "2026-03-09 09:00")
    event(visits, "assign", "2026-03-09 10:00")
    assert look(visits, "2026-03-13T18:05")["levels"] == {"owner": 1, "lead": 1, "subdistrict": 1}


def test_an_issue_that_nobody_has_goes_to_the_lead(visits: Visits) -> None:
    event(visits, "open", "2026-03-09 09:00")
    assert look(visits, "2026-03-11T15:00")["list"][0]["owner"] == ""
    (key,) = visits.keys("issue-due")
    assert key.split(":")[2].startswith("C-")


def test_a_new_owner_hears_of_what_is_nearly_due(visits: Visits) -> None:
    event(visits, "open", "2026-03-09 09:00")
    event(visits, "assign", "2026-03-09 10:00")
    look(visits, "2026-03-11T15:00")
    event(visits, "assign", "2026-03-11 15:30", "H2")
    assert look(visits, "2026-03-11T16:00")["levels"] == {"owner": 1}
    assert len(visits.keys("issue-due")) == 2


def test_a_resolved_issue_is_told_to_nobody_and_waiting_messages_are_not_sent(visits: Visits) -> None:
    event(visits, "open", "2026-03-09 09:00")
    event(visits, "assign", "2026-03-09 10:00")
    look(visits, "2026-03-11T15:00")
    event(visits, "resolve", "2026-03-11 15:05")
    assert visits.drain("2026-03-11T15:10") == {"cancelled": 1}
    assert look(visits, "2026-03-20T15:00")["levels"] == {}


def test_approved_waiting_puts_the_ladder_off(visits: Visits) -> None:
    event(visits, "open", "2026-03-09 09:00")
    event(visits, "assign", "2026-03-09 10:00")
    event(visits, "wait", "2026-03-09 11:00")
    event(visits, "approve", "2026-03-09 12:00")
    assert look(visits, "2026-03-12T15:00")["levels"] == {}


def test_the_family_of_a_red_elder_is_asked_on_the_day_of_the_attempt(visits: Visits) -> None:
    visits.contact(visits.refs[0], "2026-03-09 10:00", "NO_ANSWER", "2026-03-09T10:05")
    look(visits, "2026-03-09T11:00")
    look(visits, "2026-03-09T12:00")
    visits.morning("2026-03-10")
    assert visits.keys("visit-contact-family") == [f"visit-contact-family:{visits.refs[0]}:2026-03-09"]


def test_a_family_is_not_asked_about_an_elder_who_died_or_was_met_meanwhile(visits: Visits) -> None:
    red, yellow = visits.refs
    for who in visits.refs:
        visits.contact(who, "2026-03-09 10:00", "NO_ANSWER", "2026-03-09T10:05")
    look(visits, "2026-03-09T11:00")
    visits.status(red, "2026-03-09", "DEAD", "2026-03-09T11:01")
    visits.contact(yellow, "2026-03-09 11:00", "PHONE", "2026-03-09T11:02")
    visits.drain("2026-03-09T11:05")
    assert visits.states("visit-contact-family") == {"cancelled": 2}


def test_a_third_attempt_raises_the_check_within_the_hour_and_the_office_hears_if_it_is_late(visits: Visits) -> None:
    who = visits.refs[0]
    visits.pair(who, "H2")
    for day in (5, 6, 9):
        visits.contact(who, f"2026-03-{day:02} 10:00", "NO_ANSWER")
    assert look(visits, "2026-03-09T19:00")["checks"] == 1
    assert len(visits.keys("visit-wellness")) == 2
    visits.morning("2026-03-10")
    assert len(visits.keys("visit-wellness")) == 2
    assert look(visits, "2026-03-10T11:00")["checks_overdue"] == 1
    look(visits, "2026-03-10T12:00")
    assert len(visits.keys("visit-wellness")) == 2
    assert len(visits.keys("visit-wellness-late")) == 1
    visits.contact(who, "2026-03-10 12:30", "MET", "2026-03-10T12:40")
    assert look(visits, "2026-03-10T13:00")["checks"] == 0


def test_nothing_of_a_person_is_in_the_result(visits: Visits) -> None:
    event(visits, "open", "2026-03-09 09:00", note="家中水管爆裂")
    visits.contact(visits.refs[0], "2026-03-09 10:00", "NO_ANSWER")
    result = str(look(visits, "2026-03-13T18:05"))
    assert not [word for word in ("王", "李四", "陈主任", "水管", "1380000") if word in result]
