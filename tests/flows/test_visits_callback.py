"""Call-backs: resolved issues are asked about by somebody else than who resolved them, and told once a week's list."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.visit_desk import record
from flows.visit_record import issue_record, status_record, visit_record
from flows.visits_callback import call_back
from models.db import Database
from models.visit import VisitContact
from tests.flows.elders import stored
from tests.flows.visits import Visits


@pytest.fixture
def visits(database: Database, tmp_path: Path) -> Visits:
    made = Visits(database, tmp_path, ("red", "yellow"))
    made.send("cadre", [{"number": "K9", "name": "陈主任", "centre": "C1", "from": "2020-01-01", "head": "yes"}])
    made.pair(made.refs[0], "H2")
    return made


def event(visits: Visits, kind: str, at: str, actor: str = "H1", **more: Any) -> None:
    first = {"elder": visits.refs[0], "kind": "help"} if kind == "open" else {}
    values = {"number": "S2026-0001", "event": kind, "at": at, "actor": actor, **first, **more}
    record(visits.database, visits.office.at(at), "issue", "office", values)


def monday(visits: Visits, day: str = "2026-03-16") -> dict[str, Any]:
    return call_back(visits.database, visits.office.at(f"{day}T08:00"), date.fromisoformat(day))


def resolved(visits: Visits, owner: str = "H1") -> None:
    event(visits, "open", "2026-03-09 09:00")
    event(visits, "assign", "2026-03-09 10:00", owner)
    event(visits, "resolve", "2026-03-10 10:00", owner)


def test_a_resolved_issue_is_asked_about_by_the_elder_s_helper_once_a_list(visits: Visits) -> None:
    resolved(visits)
    assert [(row["issue"], row["days"], row["asks"][:2]) for row in monday(visits)["list"]] == [("S2026-0001", 6, "H-")]
    assert monday(visits)["messages"] == 0
    assert visits.drain("2026-03-16T08:10") == {"accepted": 1}
    monday(visits, "2026-03-23")
    assert len(visits.keys("issue-callback")) == 2


def test_who_resolved_it_does_not_ask(visits: Visits) -> None:
    resolved(visits, "H2")
    assert monday(visits)["list"][0]["asks"].startswith("C-")


def test_what_is_verified_or_open_is_not_on_the_list(visits: Visits) -> None:
    event(visits, "open", "2026-03-09 09:00")
    assert monday(visits)["due"] == 0
    event(visits, "assign", "2026-03-17 10:00")
    event(visits, "resolve", "2026-03-17 11:00")
    event(visits, "verify", "2026-03-17 12:00", satisfied="yes")
    assert monday(visits, "2026-03-23")["due"] == 0


def test_a_list_is_not_sent_once_everybody_was_asked(visits: Visits) -> None:
    resolved(visits)
    monday(visits)
    event(visits, "verify", "2026-03-16 08:05", satisfied="yes")
    assert visits.drain("2026-03-16T08:10") == {"cancelled": 1}


def test_the_form_records_a_visit_as_the_command_line_does(visits: Visits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUOQI_AT", "2026-03-16T10:00")
    form = visit_record.fn
    told = form(visits.refs[0], "H1", "home", "MET", None, None)
    assert (told["recorded"], told["elder"]) == (True, visits.refs[0])
    assert stored(visits.office, VisitContact.outcome, VisitContact.recorded_by) == [("MET", "H1")]


def test_forms_record_statuses_and_issues_too(visits: Visits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUOQI_AT", "2026-03-16T10:00")
    away = status_record.fn(visits.refs[0], "HOSPITAL", date(2026, 3, 15), "office", None)
    assert (away["recorded"], away["status"]) == (True, "HOSPITAL")
    opened = issue_record.fn("open", "office", elder=visits.refs[1], kind="help")
    given = issue_record.fn("assign", "office", number=opened["number"], to="H1")
    assert (given["number"], given["event"], given["recorded"]) == (opened["number"], "assign", True)
