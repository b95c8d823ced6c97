"""Pairings and helpers from files: care teams with dates, one primary at a time; leave of cadres and helpers."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows.exports import Wish, export_file
from flows.intake import FileHasErrors
from models.cadre import Leave
from models.db import Database
from models.helper import Helper, HelperLeave, Pairing, helper_contacts, helper_leaves
from tests.flows.elders import NOW, elder, number, stored, take, visits_office
from tests.flows.test_duty import Office


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    office = visits_office(database, tmp_path)
    office.send("elder", [elder(), elder(serial=4)], "2026-02-01T09:00")
    return office


def pair(helper: str = "H1", role: str = "building", **more: Any) -> dict[str, Any]:
    return {"elder": number(), "helper": helper, "role": role, **more}


def places(office: Office) -> list[tuple[Any, ...]]:
    return stored(office, Pairing.helper_id, Pairing.is_primary, Pairing.since, Pairing.until)


def test_a_pairing_without_dates_begins_today_and_the_same_again_changes_nothing(office: Office) -> None:
    assert office.send("pairing", [pair(primary="是")], NOW) == 1
    assert places(office) == [(1, True, date(2026, 3, 10), None)]
    assert office.send("pairing", [pair(primary="是")], "2026-03-20T09:00") == 0


def test_a_pairing_is_ended_and_begun_again(office: Office) -> None:
    office.send("pairing", [pair(**{"from": "2026-01-01"})])
    ended = {"from": "2026-01-01", "until": "2026-02-28"}
    assert office.send("pairing", [pair(**ended)], NOW) == 1
    assert office.send("pairing", [pair(**{"from": "2026-03-01"})], NOW) == 1
    assert places(office) == [
        (1, False, date(2026, 1, 1), date(2026, 2, 28)), (1, False, date(2026, 3, 1), None),
    ]  # fmt: skip


def test_the_primary_changes_hands_in_one_file(office: Office) -> None:
    office.send("pairing", [pair(primary="yes", **{"from": "2026-01-01"})])
    rows = [pair("H2", primary="yes", **{"from": "2026-03-01"}), pair(primary="no", **{"from": "2026-01-01"})]
    assert office.send("pairing", rows, NOW) == 2
    assert [place[:2] for place in places(office)] == [(1, False), (2, True)]


def test_two_primaries_change_places(office: Office) -> None:
    office.send("pairing", [pair(primary="yes"), pair("H2", primary="no")], NOW)
    assert office.send("pairing", [pair("H2", primary="yes"), pair(primary="no")], NOW) == 2
    assert [place[1] for place in places(office)] == [False, True]


def test_who_is_primary_in_one_role_may_have_another_too(office: Office) -> None:
    assert office.send("pairing", [pair(primary="yes"), pair(role="party", primary="no")], NOW) == 2


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param([pair("H2", primary="yes")], "H1 自 2026-01-01 起已是主责", id="second primary"),
        pytest.param([pair(**{"from": "2026-02-01"})], "重叠", id="overlap with what is stored"),
        pytest.param(
            [pair("H2", **{"from": "2026-02-01"}), pair("H2", **{"from": "2026-03-01"})],
            "重叠",
            id="overlap in the file",
        ),
        pytest.param([pair("H9")], "没有这个编号的帮扶人", id="unknown helper"),
        pytest.param([{**pair(), "elder": number(serial=6)}], "没有登记这位老人", id="unknown elder"),
        pytest.param([pair(until="2025-12-31")], "早于起始日期", id="ends before it began"),
        pytest.param([pair(role="cook")], "不在可填内容之中", id="unknown role"),
    ],
)
def test_a_bad_pairing_is_refused_and_nothing_of_the_file_is_kept(
    office: Office, rows: list[dict[str, Any]], told: str
) -> None:
    office.send("pairing", [pair(primary="yes", **{"from": "2026-01-01"})])
    good = {**dict.fromkeys(rows[0], ""), "elder": number(serial=4), "helper": "H1", "role": "gate"}
    with pytest.raises(FileHasErrors, match=told):
        office.send("pairing", [good, *rows], NOW)
    assert len(places(office)) == 1


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
@pytest.mark.parametrize("kind", ["pairing", "helper"])
def test_an_export_can_be_imported_again_and_changes_nothing(
    office: Office, tmp_path: Path, kind: str, suffix: str
) -> None:
    intervals = ({"from": "2026-01-01", "until": "2026-01-31"}, {"from": "2026-02-01", "until": ""})
    office.send("pairing", [pair(primary="yes", **each) for each in intervals])
    wish, path = Wish.read(None, None, None, None, None, reveal=True), tmp_path / f"{kind}.{suffix}"
    assert export_file(office.database, office.at(NOW), kind, wish, path)["rows"] == 2
    taken = take(office, kind, path, "2026-03-12T09:00").taken
    assert (taken.added, taken.changed, taken.unchanged) == (0, 0, 2)


def test_a_helper_is_sealed_and_changes_only_what_the_file_says(office: Office) -> None:
    row = {"number": "H1", "name": "王五", "phone": "13800138000", "role": "police", "capacity": "0"}
    assert office.send("helper", [row], NOW) == 1
    assert office.send("helper", [row], NOW) == 0
    with office.database.read() as session:
        stored_row = session.execute(select(Helper).where(col(Helper.number) == "H1")).scalar_one()
        found = helper_contacts(session, 1, {"H1"})["H1"]
    assert (found.name, found.phone) == ("王五", "13800138000")
    assert (stored_row.role, stored_row.capacity, stored_row.community_id) == ("police", 0, 1)
    assert "王五".encode() not in stored_row.name


@pytest.mark.parametrize(
    ("row", "told"),
    [
        pytest.param({"capacity": "-1"}, "不能小于 0", id="negative capacity"),
        pytest.param({"community": "无名"}, "没有这个社区", id="unknown community"),
    ],
)
def test_a_bad_helper_is_refused(office: Office, row: dict[str, str], told: str) -> None:
    good = {"number": "H3", "name": "赵六", "role": "gate", "capacity": "3", "community": ""}
    with pytest.raises(FileHasErrors, match=told):
        office.send("helper", [good, {**good, "number": "H4", **row}], NOW)
    assert len(stored(office, Helper.id)) == 2


def test_leave_of_a_helper_is_kept_apart_from_that_of_cadres(office: Office) -> None:
    rows = [{"person": who, "from": "2026-03-12", "until": "2026-03-13", "type": "病假"} for who in ("H1", "K1")]
    assert office.send("leave", rows, NOW) == 2
    assert office.send("leave", rows, NOW) == 0
    assert len(stored(office, Leave.id)) == len(stored(office, HelperLeave.id)) == 1
    assert office.send("leave", [{"person": "H1", "from": "2026-03-12", "cancelled": "是"}], NOW) == 1
    with office.database.read() as session:
        assert helper_leaves(session, 1) == []


def test_leave_of_a_cadre_who_visits_too_counts_for_both_and_is_exported_once(office: Office, tmp_path: Path) -> None:
    office.send("helper", [{"number": "K1", "name": "张三", "role": "party", "capacity": "2"}])
    assert office.send("leave", [{"person": "K1", "from": "2026-03-12"}], NOW) == 1
    assert len(stored(office, Leave.id)) == len(stored(office, HelperLeave.id)) == 1
    wish = Wish.read(None, None, None, None, None, reveal=False)
    assert export_file(office.database, office.at(NOW), "leave", wish, tmp_path / "l.csv")["rows"] == 1


def test_leave_of_nobody_is_refused(office: Office) -> None:
    with pytest.raises(FileHasErrors, match="没有这个编号的干部或帮扶人"):
        office.send("leave", [{"person": "X1", "from": "2026-03-12"}], NOW)
