"""Issues of an elder who died: open as before, tagged wherever they are shown, and nobody telephones the elder."""

from pathlib import Path
from typing import Any

import pytest

from flows.exports import Wish, export_file
from flows.intake import take_file
from flows.visit_desk import record
from flows.visits_callback import call_back
from flows.visits_watch import watch
from models.db import Database
from models.district import district_id
from models.elder_sheets import elder_sheets
from tests.flows.test_visits_day import outbox
from tests.flows.visits import MONDAY, Visits

DEATH = "2026-03-10T12:00"


@pytest.fixture
def visits(database: Database, tmp_path: Path) -> Visits:
    """The red elder dies on the 10th with an issue open since the 9th; the yellow one has an issue, too."""
    made = Visits(database, tmp_path, ("red", "yellow"))
    head = {"number": "K9", "name": "陈主任", "centre": "C1", "from": "2020-01-01", "head": "yes"}
    made.send("cadre", [{**head, "email": "k9@example.com"}])
    for who, number in zip(made.refs, ("S1", "S2"), strict=True):
        made.pair(who, "H2")
        event(made, "open", "2026-03-09 09:00", number, elder=who, kind="help")
        event(made, "assign", "2026-03-09 10:00", number)
    made.status(made.refs[0], "2026-03-10", "DEAD", DEATH)
    return made


def event(visits: Visits, said: str, at: str, number: str, **more: Any) -> dict[str, Any]:
    values = {"number": number, "event": said, "at": at, "actor": "H1", **more}
    return record(visits.database, visits.office.at(at), "issue", "office", values)


def test_the_ladder_goes_on_and_says_so(visits: Visits) -> None:
    listed = watch(visits.database, visits.office.at("2026-03-11T18:05"))["list"]
    assert {row["issue"]: row["tag"] for row in listed} == {"S1": "亡后", "S2": ""}
    visits.drain("2026-03-11T18:10")
    text = outbox(visits)
    assert ("求助（亡后）" in text, "S1" in text, "S2" in text) == (True, True, True)


def test_nobody_is_asked_to_telephone_the_dead(visits: Visits) -> None:
    """H2 asks the living one; the dead one's issue is the lead's, to be closed without an answer."""
    for number in ("S1", "S2"):
        event(visits, "resolve", "2026-03-11 10:00", number)
    rows = call_back(visits.database, visits.office.at("2026-03-16T08:00"), MONDAY.replace(day=16))["list"]
    assert {row["issue"]: (row["tag"], row["asks"][:2]) for row in rows} == {"S1": ("亡后", "C-"), "S2": ("", "H-")}
    visits.drain("2026-03-16T08:10")
    assert "标有“亡后”的1件，老人已经去世：请勿给老人打电话" in outbox(visits)
    assert event(visits, "verify", "2026-03-16 10:00", "S1")["recorded"]  # without an answer
    assert event(visits, "close", "2026-03-16 10:00", "S1")["recorded"]


def test_a_death_after_the_list_was_made_takes_the_issue_off_the_helper_s_message(visits: Visits) -> None:
    event(visits, "resolve", "2026-03-11 10:00", "S2")
    call_back(visits.database, visits.office.at("2026-03-16T08:00"), MONDAY.replace(day=16))
    visits.status(visits.refs[1], "2026-03-16", "DEAD", "2026-03-16T08:05")
    visits.drain("2026-03-16T08:10")
    assert visits.states("issue-callback") == {"cancelled": 1}


def test_the_command_line_the_export_and_the_elder_s_file_show_the_tag(visits: Visits, tmp_path: Path) -> None:
    assert event(visits, "resolve", "2026-03-11 10:00", "S1")["flagged"] == ["亡后"]
    assert "flagged" not in event(visits, "resolve", "2026-03-11 10:00", "S2")
    path = tmp_path / "issue.csv"
    wish, chosen = Wish(MONDAY, MONDAY.replace(day=31)), visits.office.at("2026-03-12T10:00")
    export_file(visits.database, chosen, "issue", wish, path)
    lines = path.read_text("utf-8-sig").splitlines()
    assert lines[0].endswith(",tag")
    assert {line.partition(",")[0] for line in lines if line.endswith(",亡后")} == {"S1"}
    again = take_file(visits.database, visits.office.at("2026-03-12T11:00"), "issue", path).taken
    assert (again.added, again.changed) == (0, 0)
    with visits.database.read() as session:
        sheets = elder_sheets(session, district_id(session, "530112"), visits.refs[0]) or []
    (issues,) = [sheet for sheet in sheets if sheet.name == "issues"]
    assert {row[issues.columns.index("tag")] for row in issues.rows} == {"亡后"}


def test_a_death_that_was_a_mistake_takes_the_tag_back(visits: Visits) -> None:
    visits.status(visits.refs[0], "2026-03-10", "ACTIVE", "2026-03-10T15:00")
    assert "flagged" not in event(visits, "resolve", "2026-03-11 10:00", "S1")
