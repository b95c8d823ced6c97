"""Issues from files: a log that must hold as a whole, late events included; hand-overs open tickets once."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows.exports import Wish, export_file
from flows.intake import FileHasErrors
from models.db import Database
from models.issue import Issue, IssueEvent, issue_ids, logs
from rules.issues_log import read_log
from tests.flows.elders import NOW, elder, number, ref, stored, take, visits_office
from tests.flows.test_duty import Office

COLUMNS = ("number", "elder", "centre", "kind", "event", "at", "actor", "satisfied", "note")


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    office = visits_office(database, tmp_path)
    office.send("elder", [elder()], "2026-02-01T09:00")
    return office


def event(said: str, at: str = "", **more: Any) -> dict[str, Any]:
    when = f"2026-03-{at}" if at else ""
    return {**dict.fromkeys(COLUMNS, ""), "number": "S1", "event": said, "at": when, **more}


def opening(at: str = "02 09:00", **more: Any) -> dict[str, Any]:
    return event("open", at, **{"elder": number(), "kind": "help", "note": "要求加装扶手", **more})


def state(office: Office, of: str = "S1") -> str:
    with office.database.read() as session:
        issue = issue_ids(session, 1, {of})[of]
        assert issue.id is not None
        return read_log(logs(session, [issue.id])[issue.id]).state


def test_an_issue_goes_from_opening_to_closing(office: Office) -> None:
    rows = [
        opening(),
        event("assign", "02 10:00", actor="K1"),
        event("wait", "03 09:00", actor="K1"),
        event("approve", "03 10:00"),
        event("resume", "05 09:00"),
        event("resolve", "05 17:00", actor="K1"),
        event("verify", "06 09:00", satisfied="是"),
        event("close", "06 09:30"),
    ]
    assert office.send("issue", rows, NOW) == 8
    assert state(office) == "CLOSED"
    assert office.send("issue", rows, "2026-03-11T09:00") == 0


def test_a_dissatisfied_elder_reopens_the_issue(office: Office) -> None:
    rows = [opening(), event("assign", "02 10:00", actor="K1"), event("resolve", "03 10:00")]
    office.send("issue", [*rows, event("verify", "04 10:00", satisfied="否")], NOW)
    assert state(office) == "REOPENED"


def test_a_late_event_is_checked_by_the_whole_log(office: Office) -> None:
    office.send("issue", [opening(), event("assign", "02 10:00", actor="K1"), event("resolve", "06 10:00")], NOW)
    assert office.send("issue", [event("wait", "03 09:00", actor="K1")], NOW) == 1
    with pytest.raises(FileHasErrors, match="不能“恢复办理”"):
        office.send("issue", [event("resume", "07 09:00")], NOW)
    assert state(office) == "RESOLVED"


def test_events_of_one_moment_without_a_time_are_taken_in_an_order_that_can_be(office: Office) -> None:
    rows = [event("assign", actor="K1"), opening("")]
    assert office.send("issue", rows, NOW) == 2
    assert office.send("issue", rows, "2026-03-12T09:00") == 0
    assert state(office) == "ASSIGNED"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param([event("assign", "02 09:00")], "登记诉求时必填|不能“派单”", id="assigned before it is open"),
        pytest.param([opening(kind="")], "登记诉求时必填", id="no kind"),
        pytest.param([opening(elder="")], "老人和中心只填一项", id="nobody's"),
        pytest.param([opening(centre="C1")], "老人和中心只填一项", id="two subjects"),
        pytest.param([opening(elder=number(serial=4))], "没有登记这位老人", id="unknown elder"),
        pytest.param([opening(elder="", centre="C9")], "没有这个编号的中心", id="unknown centre"),
        pytest.param([opening("10 09:01")], "时间在将来", id="tomorrow"),
        pytest.param([opening(), event("close", "03 09:00")], "不能“办结”", id="closed at once"),
        pytest.param([opening(satisfied="是")], "只在回访时填", id="satisfied at opening"),
    ],
)
def test_a_log_that_cannot_be_is_refused_and_nothing_of_the_file_is_kept(
    office: Office, rows: list[dict[str, Any]], told: str
) -> None:
    with pytest.raises(FileHasErrors, match=told):
        office.send("issue", [opening(number="S0"), *rows], NOW)
    assert stored(office, Issue.id) == []


@pytest.mark.parametrize(
    "more", [pytest.param({"kind": "urgent"}, id="kind"), pytest.param({"elder": "", "centre": "C1"}, id="subject")]
)
def test_a_known_issue_keeps_its_subject_and_kind(office: Office, more: dict[str, str]) -> None:
    office.send("issue", [opening()], NOW)
    with pytest.raises(FileHasErrors, match="与登记时不同"):
        office.send("issue", [event("assign", "03 09:00", **more)], NOW)


@pytest.mark.parametrize("secret", [pytest.param(True, id="revealed"), pytest.param(False, id="not revealed")])
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_an_export_can_be_imported_again_and_changes_nothing(
    office: Office, tmp_path: Path, suffix: str, secret: bool
) -> None:
    rows = [opening(), event("assign", "02 10:00", actor="K1"), event("resolve", "03 10:00:05")]
    office.send("issue", [*rows, event("verify", "04 10:00", satisfied="否")], NOW)
    office.send("issue", [opening(number="S2", elder="", centre="C1", kind="other")], NOW)
    wish, path = Wish.read("2026-03-04", None, None, None, None, reveal=secret), tmp_path / f"i.{suffix}"
    assert export_file(office.database, office.at(NOW), "issue", wish, path)["rows"] == 4
    taken = take(office, "issue", path, "2026-03-12T09:00").taken
    assert (taken.added, taken.changed, taken.unchanged) == (0, 0, 4)
    if suffix == "csv":
        told = path.read_text("utf-8-sig")
        assert (ref(office) in told, number() in told, "扶手" in told) == (True, False, secret)


def handed_over(office: Office, **items: str) -> int:
    duty = {"date": "2026-03-09", "centre": "C1"}
    office.send("slot", [{**duty, "cadre": "K1", "state": "published"}], "2026-03-08T08:00")
    office.send("checkin", [{**duty, "at": "2026-03-09 08:30"}], "2026-03-09T09:00")
    fine = dict.fromkeys(("rooms", "meals", "cleaning", "facilities"), "ok")
    return office.send("handover", [{**duty, "at": "2026-03-09 18:05", **fine, **items}], "2026-03-09T18:10")


def test_a_hand_over_with_problems_opens_a_ticket_for_each_with_a_stable_number(office: Office) -> None:
    handed_over(office, facilities="problem", rooms="problem", note="二楼空调不制冷")
    assert stored(office, Issue.number, Issue.kind, Issue.item) == [
        ("F-C1-20260309-rooms", "other", "rooms"), ("F-C1-20260309-facilities", "other", "facilities"),
    ]  # fmt: skip
    keys = office.database.keys
    (sealed,), *_ = stored(office, IssueEvent.note)
    assert keys.open("issue_event.note", "F-C1-20260309-rooms", sealed) == "二楼空调不制冷"
    assert state(office, "F-C1-20260309-facilities") == "NEW"


def test_a_hand_over_without_problems_opens_none_and_the_same_again_none_more(office: Office) -> None:
    handed_over(office)
    assert stored(office, Issue.id) == []


def test_a_ticket_is_worked_on_like_any_issue(office: Office) -> None:
    handed_over(office, facilities="problem", note="灯不亮")
    ticket = "F-C1-20260309-facilities"
    assert office.send("issue", [event("assign", "10 08:00", number=ticket, actor="K1")], NOW) == 1
    assert state(office, ticket) == "ASSIGNED"


def test_notes_of_issues_are_sealed(office: Office) -> None:
    office.send("issue", [opening()], NOW)
    with office.database.read() as session:
        (note,) = session.execute(select(col(IssueEvent.note))).scalars()
    assert note is not None
    assert "扶手".encode() not in note
