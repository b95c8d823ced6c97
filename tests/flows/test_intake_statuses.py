"""Statuses from files: a correction is a new row of the same date, late news counts, the same news changes nothing."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.exports import Wish, export_file
from flows.intake import FileHasErrors
from models.db import Database
from models.elder import ElderStatus
from tests.flows.elders import NOW, elder, number, stored, take, visits_office
from tests.flows.test_duty import Office


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    office = visits_office(database, tmp_path)
    office.send("elder", [elder()], "2026-02-01T09:00")
    return office


def status(said: str, since: str = "2026-03-02", **more: Any) -> dict[str, Any]:
    return {"elder": number(), "from": since, "status": said, **more}


def rows(office: Office) -> list[tuple[Any, ...]]:
    return stored(office, ElderStatus.since, ElderStatus.status)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        pytest.param("住院", "HOSPITAL", id="hospital"),
        pytest.param("外出", "AWAY", id="away"),
        pytest.param("出院", "ACTIVE", id="back"),
        pytest.param("去世", "DEAD", id="death recorded late"),
        pytest.param("迁出", "MOVED", id="moved out"),
        pytest.param("INSTITUTION", "INSTITUTION", id="institution"),
    ],
)
def test_a_status_is_kept_once_with_its_date(office: Office, said: str, kept: str) -> None:
    assert office.send("status", [status(said)], NOW) == 1
    assert office.send("status", [status(said)], "2026-03-11T09:00") == 0
    assert rows(office) == [(date(2026, 3, 2), kept)]


def test_a_correction_is_a_new_row_and_may_be_corrected_back(office: Office) -> None:
    for said, moment in (("住院", "10T09:00"), ("外出", "10T10:00"), ("住院", "10T11:00")):
        assert office.send("status", [status(said)], f"2026-03-{moment}") == 1
    assert [said for _, said in rows(office)] == ["HOSPITAL", "AWAY", "HOSPITAL"]


def test_a_move_inside_names_its_community_and_is_no_status(office: Office) -> None:
    assert office.send("status", [status("迁出", community="普坪社区")], NOW) == 1
    assert office.send("status", [status("住院", community="")], NOW) == 1
    assert office.send("status", [status("迁出", community="普坪社区")], NOW) == 0
    assert stored(office, ElderStatus.status, ElderStatus.community_id) == [("MOVED", 2), ("HOSPITAL", None)]


def test_a_return_may_be_announced(office: Office) -> None:
    assert office.send("status", [status("外出"), status("返家", "2026-04-01")], NOW) == 2


def test_a_refusal_may_agree_on_a_date(office: Office) -> None:
    assert office.send("status", [status("拒绝探访", reoffer_on="2026-06-01")], NOW) == 1
    assert stored(office, ElderStatus.reoffer_on) == [(date(2026, 6, 1),)]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        pytest.param({"elder": number(serial=4)}, "没有登记这位老人", id="unknown elder"),
        pytest.param({"status": "去世", "from": "2026-03-11"}, "晚于今天", id="death tomorrow"),
        pytest.param({"community": "普坪社区"}, "只有迁居才填社区", id="community of a hospital stay"),
        pytest.param({"status": "迁出", "community": "无名"}, "没有这个社区", id="unknown community"),
        pytest.param({"reoffer_on": "2026-06-01"}, "只用于拒绝探访", id="date of a hospital stay"),
        pytest.param({"status": "拒绝", "reoffer_on": ""}, "不在可填内容之中", id="unknown status"),
        pytest.param({"status": "REFUSED", "reoffer_on": "2026-03-02"}, "晚于起始日期", id="asked again the same day"),
        pytest.param({"recorded_at": "2026-03-11 09:00"}, "登记时间在将来", id="recorded tomorrow"),
    ],
)
def test_a_bad_row_is_refused_and_nothing_of_the_file_is_kept(office: Office, row: dict[str, str], told: str) -> None:
    good = {**dict.fromkeys(row, ""), **status("外出", "2026-03-01")}
    with pytest.raises(FileHasErrors, match=told):
        office.send("status", [good, {**status("住院"), **row}], NOW)
    assert rows(office) == []


def test_two_statuses_of_one_date_in_one_file_are_an_error(office: Office) -> None:
    with pytest.raises(FileHasErrors, match="与第 2 行是同一位老人、同一日期"):
        office.send("status", [status("住院"), status("外出")], NOW)


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_an_export_with_corrections_can_be_imported_again_and_changes_nothing(
    office: Office, tmp_path: Path, suffix: str
) -> None:
    for said, moment in (("住院", "09:00"), ("外出", "09:30:01")):
        office.send("status", [status(said)], f"2026-03-10T{moment}")
    office.send("status", [status("迁出", community="普坪社区")], NOW)
    wish, path = Wish.read(None, None, None, None, None, reveal=False), tmp_path / f"s.{suffix}"
    assert export_file(office.database, office.at(NOW), "status", wish, path)["rows"] == 3
    taken = take(office, "status", path, "2026-03-12T09:00").taken
    assert (taken.added, taken.changed, taken.unchanged) == (0, 0, 3)


def test_an_export_taken_into_a_fresh_district_says_the_same(office: Office, tmp_path: Path) -> None:
    for said, moment in (("住院", "09:00"), ("外出", "09:30:01")):
        office.send("status", [status(said)], f"2026-03-10T{moment}")
    history = stored(office, ElderStatus.since, ElderStatus.status, ElderStatus.recorded_at)
    wish = Wish.read(None, None, None, None, None, reveal=False)
    export_file(office.database, office.at(NOW), "status", wish, tmp_path / "s.csv")
    office.send("elder", [elder(serial=4)])
    told = (tmp_path / "s.csv").read_text("utf-8-sig").splitlines()
    again = [told[0], *(number(serial=4) + line[line.index(",") :] for line in told[1:])]
    (tmp_path / "again.csv").write_text("\n".join(again), "utf-8")
    assert take(office, "status", tmp_path / "again.csv", "2026-03-12T09:00").taken.added == 2
    assert stored(office, ElderStatus.since, ElderStatus.status, ElderStatus.recorded_at)[2:] == history
