"""Elders from files: one person a number however it is written, nothing by half, nothing of the past rewritten."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from flows.exports import Wish, export_file
from flows.intake import FileHasErrors
from models.db import Database
from models.elder import Elder, ElderCategory, ElderStatus, ElderTier
from models.elder_known import known_elders
from tests.flows.elders import NOW, elder, number, ref, refs, stored, take, visits_office
from tests.flows.test_duty import Office

RARE = ("龚䶮", "李𠮷祥", "杨㛃")


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return visits_office(database, tmp_path)


def opened(office: Office, said: str) -> dict[str, Any]:
    """The columns of an elder, opened."""
    with office.database.read() as session:
        known = known_elders(session, 1, {said}, date(2026, 3, 10))[said]
        keys = office.database.keys
        texts = ("id_number", "name", "phone", "address", "emergency_name", "emergency_phone")
        return {**known.columns, **{n: keys.open(f"elder.{n}", known.ref, known.columns[n]) for n in texts}}


def reveal(office: Office, path: Path, *, reveal: bool) -> int:
    wish = Wish.read(None, None, None, None, None, reveal=reveal)
    return int(export_file(office.database, office.at(NOW), "elder", wish, path)["rows"])


def test_a_new_elder_gets_a_reference_and_what_the_id_number_says(office: Office) -> None:
    assert office.send("elder", [elder("1940-02-29", 2, phone="13800138000", building="3 栋")]) == 1
    found = opened(office, number("1940-02-29", 2))
    assert (found["birth_date"], found["sex"], found["registered_on"]) == (
        date(1940, 2, 29), "female", date(2026, 1, 5),
    )  # fmt: skip
    assert (found["name"], found["phone"], found["building"], found["hukou"]) == ("龚䶮", "13800138000", "3 栋", None)
    assert ref(office).startswith("E-")


@pytest.mark.parametrize(
    "born", ["1940-06-01", "1941-03-15", "1986-05-04", "1988-04-17", "1990-09-16", "1991-04-14", "1991-09-15"]
)
def test_a_birth_on_a_day_on_which_clocks_changed_stays_that_day(office: Office, born: str) -> None:
    """China had summer time in 1940, 1941 and from 1986 to 1991: a midnight that never was is still a birthday."""
    assert office.send("elder", [elder(born, 2)]) == 1
    assert opened(office, number(born, 2))["birth_date"] == date.fromisoformat(born)


def test_nothing_personal_is_stored_in_plain(office: Office) -> None:
    row = elder(phone="13800138000", address="翠湖南路 1 号", emergency_name="王五", emergency_phone="13900139000")
    office.send("elder", [row])
    with office.database.read() as session:
        told = str(session.execute(select(Elder.__table__)).mappings().all())  # type: ignore[attr-defined]
    assert not any(
        text in told for text in (row["id_number"], "龚䶮", "13800138000", "翠湖南路", "王五", "13900139000")
    )


@pytest.mark.parametrize("name", RARE)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_rare_characters_survive_every_encoding(office: Office, tmp_path: Path, name: str, encoding: str) -> None:
    path = tmp_path / "老人.csv"
    path.write_text(f"姓名,身份证号码,社区,等级\n{name},{number()},翠湖社区,红\n", encoding)
    assert take(office, "elder", path).taken.added == 1
    assert opened(office, number())["name"] == name


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(f"{number()[:6]} {number()[6:14]} {number()[14:]}", id="spaces"),
        pytest.param(number("1949-12-31", 5).lower(), id="lower-case x or digit"),
        pytest.param("".join(chr(ord(c) + 0xFEE0) for c in number()), id="full width"),
        pytest.param("130503670401001", id="15 digits"),
    ],
)
def test_the_same_number_in_another_spelling_is_the_same_elder(office: Office, written: str) -> None:
    office.send("elder", [{**elder(), "id_number": written}])
    office.send("elder", [{**elder(), "id_number": f" {written} "}])
    assert len(refs(office)) == 1


def test_the_same_file_twice_changes_nothing(office: Office) -> None:
    rows = [elder(serial=serial, categories="独居、失能", building="1 栋") for serial in range(2, 40)]
    assert office.send("elder", rows) == 38
    before = [stored(office, *columns) for columns in ((Elder.ref, Elder.name), (ElderTier.since, ElderTier.tier))]
    assert office.send("elder", rows, "2026-03-11T09:00") == 0
    assert [stored(office, *c) for c in ((Elder.ref, Elder.name), (ElderTier.since, ElderTier.tier))] == before


def test_the_same_elder_twice_in_one_file_is_one(office: Office) -> None:
    assert office.send("elder", [elder(), elder()]) == 1


def test_two_rows_of_one_elder_that_contradict_are_an_error_naming_both(office: Office) -> None:
    with pytest.raises(FileHasErrors, match=r"第 3 行.*第 2 行"):
        office.send("elder", [elder(tier="red"), elder(tier="green")])
    assert refs(office) == []


def test_one_elder_by_number_and_by_reference_in_one_file_is_an_error(office: Office) -> None:
    office.send("elder", [elder()])
    rows = [{"id_number": number(), "tier": "red"}, {"id_number": ref(office), "tier": "green"}]
    with pytest.raises(FileHasErrors, match="与第 2 行是同一位老人"):
        office.send("elder", rows)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        pytest.param({"id_number": number()[:17] + "0"}, "校验码", id="check character"),
        pytest.param({"id_number": "5.30112E+17"}, "科学计数", id="mangled by Excel"),
        pytest.param({"id_number": number("2026-03-11")}, "晚于登记当日", id="born tomorrow"),
        pytest.param({"id_number": "E-7K3Q-9XM1"}, "没有登记这位老人|没有这个编号", id="unknown reference"),
        pytest.param({"id_number": "E-7K3Q-9XM2"}, "校验码不符", id="misspelt reference"),
        pytest.param({"birth_date": "1949-12-30"}, "与身份证号中的出生日期不同", id="another birth date"),
        pytest.param({"sex": "男"}, "与身份证号中的性别不同", id="another sex"),
        pytest.param({"name": ""}, "新登记的老人不能缺这一项", id="no name"),
        pytest.param({"tier": ""}, "新登记的老人不能缺这一项", id="no tier"),
        pytest.param({"community": ""}, "新登记的老人不能缺这一项", id="no community"),
        pytest.param({"community": "无名社区"}, "没有这个社区", id="unknown community"),
        pytest.param({"community": "新社区", "subdistrict": "无名街道"}, "没有这个街道", id="unknown sub-district"),
        pytest.param({"registered_on": "2026-03-11"}, "今天之前", id="registered tomorrow"),
        pytest.param({"registered_on": "1949-12-30"}, "出生之后", id="registered before birth"),
        pytest.param({"ref": "E-7K3Q-9XM1"}, "没有这个系统编号的老人", id="reference of nobody"),
    ],
)
def test_a_bad_row_is_refused_with_its_remedy_and_nothing_of_the_file_is_kept(
    office: Office, row: dict[str, str], told: str
) -> None:
    good = elder(serial=4)
    with pytest.raises(FileHasErrors, match=told) as refused:
        office.send("elder", [{**dict.fromkeys(row, ""), **good}, {**elder(), **row}], NOW)
    assert "第 3 行" in refused.value.first
    assert number() not in str(refused.value)
    assert refs(office) == []


def test_every_bad_row_of_a_file_is_marked_at_once(office: Office) -> None:
    rows = [elder(), elder(serial=4, sex="男"), elder(serial=6, community="无名"), {**elder(), "id_number": "123"}]
    with pytest.raises(FileHasErrors) as refused:
        office.send("elder", [{"sex": "", **row} for row in rows])
    assert refused.value.count == 3


def test_a_birth_date_and_sex_that_agree_are_accepted(office: Office) -> None:
    assert office.send("elder", [elder(birth_date="1949年12月31日", sex="女")]) == 1


def test_a_changed_tier_begins_on_the_day_of_the_import(office: Office) -> None:
    office.send("elder", [elder()])
    assert office.send("elder", [{"id_number": number(), "tier": "red"}], NOW) == 1
    assert stored(office, ElderTier.since, ElderTier.tier) == [
        (date(2026, 1, 5), "yellow"), (date(2026, 3, 10), "red"),
    ]  # fmt: skip
    assert office.send("elder", [{"id_number": number(), "tier": "red"}], "2026-03-20T09:00") == 0


def test_a_tier_changed_and_changed_back_on_one_day_is_three_rows_and_the_last_holds(office: Office) -> None:
    office.send("elder", [elder()])
    for tier, moment in (("red", "2026-03-10T09:00"), ("yellow", "2026-03-10T10:00")):
        assert office.send("elder", [{"id_number": number(), "tier": tier}], moment) == 1
    assert office.send("elder", [{"id_number": number(), "tier": "yellow"}], "2026-03-10T11:00") == 0
    assert len(stored(office, ElderTier.tier)) == 3


def test_another_community_is_a_move_inside_on_the_day_of_the_import(office: Office) -> None:
    office.send("elder", [elder()])
    assert office.send("elder", [{"id_number": number(), "community": "普坪社区"}], NOW) == 1
    assert stored(office, ElderStatus.since, ElderStatus.status) == [(date(2026, 3, 10), "MOVED")]
    assert office.send("elder", [{"id_number": number(), "community": "普坪社区"}], "2026-03-11T09:00") == 0
    assert office.send("elder", [{"id_number": number(), "community": "翠湖社区"}], "2026-03-12T09:00") == 1


def test_a_file_from_before_a_recorded_move_moves_nobody_back(office: Office, tmp_path: Path) -> None:
    office.send("elder", [elder()])
    move = {"elder": number(), "from": "2026-02-10", "status": "迁出", "community": "普坪社区"}
    office.send("status", [move], "2026-02-11T09:00")
    path = tmp_path / "old.csv"
    path.write_text(f"id_number,community\n{number()},翠湖社区\n", "utf-8")
    taken = take(office, "elder", path)
    assert (taken.taken.changed, taken.taken.unchanged) == (0, 1)
    assert "迁居之前" in taken.remark
    assert len(stored(office, ElderStatus.since)) == 1


def test_a_new_community_needs_its_sub_district_and_is_made_with_the_elder(office: Office) -> None:
    rows = [elder(serial=n, community="新社区", subdistrict="翠湖街道") for n in (2, 4)]
    assert office.send("elder", rows) == 2
    homes = stored(office, Elder.community_id)
    assert homes[0] == homes[1]
    assert office.send("elder", [elder(serial=6, community="新社区")]) == 1


def test_namesakes_need_the_sub_district(office: Office) -> None:
    office.send("elder", [elder(community="普坪社区", subdistrict="翠湖街道")])
    with pytest.raises(FileHasErrors, match="翠湖街道、马街街道都有这个社区"):
        office.send("elder", [elder(serial=4, community="普坪社区")])


def test_categories_come_and_go_and_their_days_are_kept(office: Office) -> None:
    office.send("elder", [elder(categories="独居、失独")], "2026-02-01T09:00")
    assert office.send("elder", [{"id_number": number(), "categories": "独居，失能"}], NOW) == 1
    rows = stored(office, ElderCategory.category, ElderCategory.since, ElderCategory.ended_on)
    assert set(rows) == {
        ("alone", date(2026, 2, 1), None),
        ("bereaved_family", date(2026, 2, 1), date(2026, 3, 10)),
        ("disabled", date(2026, 3, 10), None),
    }
    assert office.send("elder", [{"id_number": number(), "categories": "失能、独居"}], "2026-03-11T09:00") == 0


def test_columns_the_file_lacks_are_kept_and_blank_ones_are_cleared(office: Office) -> None:
    office.send("elder", [elder(phone="13800138000", address="翠湖南路", hukou="本区")])
    assert office.send("elder", [{"id_number": number(), "name": "", "phone": "", "tier": ""}], NOW) == 1
    found = opened(office, number())
    assert (found["name"], found["phone"], found["address"], found["hukou"]) == ("龚䶮", "", "翠湖南路", "district")


def test_a_wrong_id_number_is_corrected_by_reference_and_name(office: Office) -> None:
    office.send("elder", [elder()])
    right = number("1949-12-13", 3)
    assert office.send("elder", [{"id_number": right, "ref": ref(office), "name": "龚䶮"}], NOW) == 1
    found = opened(office, right)
    assert (found["birth_date"], found["sex"]) == (date(1949, 12, 13), "male")
    assert len(refs(office)) == 1


@pytest.mark.parametrize(
    ("row", "told"),
    [
        pytest.param({"id_number": number("1950-01-01")}, "对不上", id="no name"),
        pytest.param({"id_number": number("1950-01-01"), "name": "王五"}, "对不上", id="another name"),
        pytest.param({"id_number": number(serial=4), "name": "龚䶮"}, "不是同一位老人", id="somebody else's number"),
    ],
)
def test_a_shifted_column_of_references_exchanges_nobody(office: Office, row: dict[str, str], told: str) -> None:
    office.send("elder", [elder(), elder(serial=4)])
    with pytest.raises(FileHasErrors, match=told):
        office.send("elder", [{**row, "ref": refs(office)[0]}], NOW)


def test_an_area_nobody_lives_in_is_a_remark_only(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text(f"id_number,name,community,tier\n{number()},张三,翠湖社区,red\n", "utf-8")
    assert "地区代码不在名录中(第 2 行)" in take(office, "elder", path).remark


@pytest.fixture(params=["csv", "xlsx"])
def exported(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"out.{request.param}"


@pytest.mark.parametrize("secret", [pytest.param(True, id="revealed"), pytest.param(False, id="not revealed")])
def test_an_export_can_be_imported_again_and_changes_nothing(office: Office, exported: Path, secret: bool) -> None:
    rows = [elder(serial=n, phone="13800138000", categories="空巢、重残", hukou="外地") for n in range(2, 6)]
    office.send("elder", rows)
    office.send("elder", [{"id_number": number(), "community": "普坪社区", "tier": "green"}], "2026-03-01T09:00")
    assert reveal(office, exported, reveal=secret) == 4
    taken = take(office, "elder", exported).taken
    assert (taken.added, taken.changed, taken.unchanged) == (0, 0, 4)


def test_an_export_without_reveal_says_references_where_id_numbers_were(office: Office, tmp_path: Path) -> None:
    office.send("elder", [elder(address="翠湖南路")])
    reveal(office, tmp_path / "e.csv", reveal=False)
    told = (tmp_path / "e.csv").read_text("utf-8-sig")
    assert told.count(ref(office)) == 2
    assert not any(text in told for text in (number(), "龚䶮", "翠湖南路"))


def test_a_file_of_headers_alone_changes_nothing(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("id_number,name\n", "utf-8")
    assert take(office, "elder", path).rows == 0


def test_a_dry_run_writes_nothing(office: Office, tmp_path: Path) -> None:
    from flows.intake import take_file  # noqa: PLC0415 - beside its one use

    path = tmp_path / "e.csv"
    path.write_text(f"id_number,name,community,tier\n{number()},张三,翠湖社区,red\n", "utf-8")
    taken = take_file(office.database, office.at(NOW), "elder", path, dry_run=True)
    assert (taken.taken.added, refs(office)) == (1, [])


@pytest.mark.child
def test_a_large_file_is_staged_in_pieces_and_counted_as_a_whole(office: Office) -> None:
    born = [f"19{y}-{m:02}-{d:02}" for y in range(30, 36) for m in range(1, 13) for d in range(1, 29)]
    rows = [elder(day, serial) for day in born for serial in (2, 3, 4)]
    assert len(rows) > 6000
    assert office.send("elder", [*rows, rows[0]]) == len(rows)
    with office.database.read() as session:
        assert session.execute(select(func.count(col(ElderTier.id)))).scalar_one() == len(rows)
    with pytest.raises(FileHasErrors, match=f"第 {len(rows) + 2} 行.*第 2 行"):
        office.send("elder", [*rows, {**rows[0], "tier": "red"}])
