"""The duty workbooks, read back by openpyxl: the right cells on the right days, and nothing that could run."""

import time
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook

from flows.duty_holiday_workbook import holidays, write_holidays
from flows.duty_report import Load
from flows.duty_report_workbook import write_report
from flows.duty_sheets import tab_names
from flows.duty_workbook import Cell, CentreMonth, write_month
from models.calendar import year_days
from rules.calendar import Day, dates_between, month_dates
from rules.duty import DayNotInCalendar
from rules.duty_book import U
from rules.errors import LANGUAGE

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")  # openpyxl drops data bars

HOLIDAY, REST, RED = "FFFDE4DC", "FFE6F1EA", "FFC62828"
INJECTIONS = ["=1+1", "+86", "-2", "@SUM(A1)", " =1", "＝1", "<r>&</r>"]


def calendar_of(year: int) -> dict[date, Day]:
    return {day.date: day for day in year_days(year)}


def centre_month(
    month: str,
    *,
    code: str = "XS-01",
    name: str = "马街社区居家养老服务中心",
    state: str = "published",
    changed: Sequence[Cell] = (),
) -> CentreMonth:
    """Every day served by one of ten; `changed` stands in the place of what it dates."""
    days = dates_between(*month_dates(month))
    cells = {day: Cell(day, f"K{day.day % 10:04d}", state) for day in days}
    cells |= {cell.date: cell for cell in changed}
    return CentreMonth(code, name, calendar_of(int(month[:4])), cells)


def written(path: Path, month: str, *sheets: CentreMonth) -> Any:
    write_month(path, month, sheets, "zh")
    return load_workbook(path)


def blocks(sheet: Any) -> dict[int, tuple[Any, Any, Any, Any, Any]]:
    """Day number -> its cells: number, kind, cadre, state, leader."""
    found = {}
    for row in range(4, sheet.max_row, 3):
        for column in range(1, 29, 4):
            number = sheet.cell(row, column)
            if isinstance(number.value, int) and number.font.sz == 16:
                at = ((row, column + 1), (row + 1, column), (row + 2, column), (row + 2, column + 2))
                found[number.value] = (number, *(sheet.cell(*place) for place in at))
    return found


def column_of(cell: Any) -> int:
    return int((cell.column - 1) // 4)


def test_each_day_stands_under_its_weekday_with_its_cadre(tmp_path: Path) -> None:
    book = written(tmp_path / "m.xlsx", "2026-02", centre_month("2026-02"))
    days = blocks(book["XS-01 马街"])
    assert sorted(days) == list(range(1, 29))
    for number, (at, _, who, state, _) in days.items():
        assert column_of(at) == date(2026, 2, number).weekday()
        assert (who.value, state.value) == (f"K{number % 10:04d}", "○ 已发布")


def test_kinds_of_day_are_coloured_and_named(tmp_path: Path) -> None:
    book = written(tmp_path / "m.xlsx", "2026-02", centre_month("2026-02"))
    days = blocks(book["XS-01 马街"])
    looks = {number: (at.fill.fgColor.rgb, kind.value) for number, (at, kind, *_) in days.items()}
    assert looks[16] == (HOLIDAY, "除夕")
    assert looks[17] == looks[19] == (HOLIDAY, "春节")
    assert looks[20] == (REST, "春节假期")
    assert looks[7] == (REST, None)
    assert looks[14] == looks[28] == ("FFFFFFFF", "班")
    assert looks[2] == ("FFFFFFFF", None)


def test_gap_is_red_and_counted(tmp_path: Path) -> None:
    sheet = centre_month("2026-03", changed=[Cell(date(2026, 3, 3), "", "gap")])
    book = written(tmp_path / "m.xlsx", "2026-03", sheet, centre_month("2026-03", code="XS-02"))
    gap = blocks(book["XS-01 马街"])[3][2]
    assert (gap.value, gap.fill.fgColor.rgb) == ("空缺", RED)
    assert [row[4].value for row in book["目录"].iter_rows(min_row=4, max_row=5)] == [1, 0]
    assert book["目录"]["E4"].fill.fgColor.rgb == RED
    assert book["XS-01 马街"].sheet_properties.tabColor.rgb == RED


def test_relaxed_rest_leader_and_missed_are_marked(tmp_path: Path) -> None:
    first, second = date(2026, 10, 1), date(2026, 10, 2)
    sheet = centre_month(
        "2026-10",
        changed=[
            Cell(first, "李红", "acknowledged", rest_relaxed=True, leader="王建国"),
            Cell(second, "周英", "missed"),
        ],
    )
    days = blocks(written(tmp_path / "m.xlsx", "2026-10", sheet)["XS-01 马街"])
    assert [cell.value for cell in days[1][1:]] == ["国庆节", "李红", "◎ 已确认 △", "带班 王建国"]
    assert days[2][3].value == "× 缺岗"


def test_days_without_a_slot_show_a_dash(tmp_path: Path) -> None:
    sheet = centre_month("2026-03")
    open_days = {day: cell for day, cell in sheet.cells.items() if sheet.days[day].kind == "work"}
    closed = CentreMonth(sheet.code, sheet.name, sheet.days, open_days)
    book = written(tmp_path / "m.xlsx", "2026-03", closed)
    assert blocks(book["XS-01 马街"])[1][2].value == "—"
    assert book["目录"]["D4"].value == len(open_days)


def test_counts_per_person_leave_out_missed_duties(tmp_path: Path) -> None:
    days = [date(2026, 10, 1), date(2026, 10, 4), date(2026, 10, 8), date(2026, 10, 9)]
    states = ["handed_over", "handed_over", "handed_over", "missed"]
    cells = {day: Cell(day, "李红", state) for day, state in zip(days, states, strict=True)}
    book = written(tmp_path / "m.xlsx", "2026-10", CentreMonth("XS-01", "马街", calendar_of(2026), cells))
    rows = [[cell.value for cell in row if cell.value is not None] for row in book["XS-01 马街"].iter_rows()]
    assert rows[-1] == ["李红", 3, 2, 1]


@pytest.mark.parametrize(
    ("month", "days", "weeks"),
    [
        pytest.param("2027-02", 28, 4, id="28 days from a Monday"),
        pytest.param("2026-02", 28, 5, id="28 days from a Sunday"),
        pytest.param("2026-03", 31, 6, id="31 days from a Sunday"),
        pytest.param("2028-02", 29, 5, id="leap year"),
        pytest.param("2026-12", 31, 5, id="end of the year"),
    ],
)
def test_month_has_as_many_weeks_as_it_needs(tmp_path: Path, month: str, days: int, weeks: int) -> None:
    sheet = written(tmp_path / "m.xlsx", month, centre_month(month))["XS-01 马街"]
    found = blocks(sheet)
    assert sorted(found) == list(range(1, days + 1))
    assert len({at.row for at, *_ in found.values()}) == weeks
    assert {column_of(found[n][0]) for n in found if date.fromisoformat(f"{month}-{n:02d}").weekday() == 6} == {6}


@pytest.mark.parametrize(
    ("month", "state", "stamps"),
    [
        pytest.param("2026-03", "published", ["已发布"], id="published"),
        pytest.param("2026-03", "draft", ["草稿"], id="draft"),
        pytest.param("2029-10", "draft", ["暂定", "草稿"], id="provisional"),
    ],
)
def test_header_tells_how_far_the_month_is(tmp_path: Path, month: str, state: str, stamps: list[str]) -> None:
    sheet = written(tmp_path / "m.xlsx", month, centre_month(month, state=state))["XS-01 马街"]
    year, number = month.split("-")
    title = ["XS-01 马街社区居家养老服务中心", f"{year}年{int(number)}月"]
    assert [cell.value for cell in sheet[1] if cell.value] == title + stamps


def test_month_of_drafts_and_published_days_is_part_published(tmp_path: Path) -> None:
    sheet = centre_month("2026-03", changed=[Cell(date(2026, 3, 3), "K0003", "draft")])
    assert written(tmp_path / "m.xlsx", "2026-03", sheet)["目录"]["H4"].value == "部分发布"


def test_day_that_the_calendar_lacks_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    sheet = centre_month("2026-03")
    days = {day: kind for day, kind in sheet.days.items() if day != date(2026, 3, 9)}
    with pytest.raises(DayNotInCalendar):
        write_month(tmp_path / "m.xlsx", "2026-03", [CentreMonth(sheet.code, sheet.name, days, sheet.cells)], "zh")
    assert list(tmp_path.iterdir()) == []


def test_index_links_to_every_sheet(tmp_path: Path) -> None:
    centres = [centre_month("2026-03", code="A'1", name="幸福/里 O'Hara"), centre_month("2026-03", code="B")]
    book = written(tmp_path / "m.xlsx", "2026-03", *centres)
    links = [book["目录"].cell(row, 3).hyperlink.location for row in (4, 5)]
    assert [link.replace("''", "'").removesuffix("'!A1")[1:] for link in links] == book.sheetnames[1:]
    assert book[book.sheetnames[1]]["AB2"].hyperlink.location == "'目录'!A1"


@pytest.mark.parametrize(
    ("labels", "tabs"),
    [
        pytest.param([("XS-01", "马街社区居家养老服务中心")], ["XS-01 马街"], id="short name"),
        pytest.param([("A/1", "甲[乙]:丙*?\\")], ["A 1 甲 乙 丙"], id="forbidden"),
        pytest.param([("A", "x\x07y\nz")], ["A x y z"], id="control characters"),
        pytest.param([("a", "X"), ("A", "x"), ("A", "X")], ["a X", "A x (2)", "A X (3)"], id="same but for case"),
        pytest.param([("'A", "B'")], ["A B"], id="apostrophes at the ends"),
        pytest.param([("", "目录")], ["目录 (2)"], id="name of the index"),
        pytest.param([("", "History")], ["History (2)"], id="reserved by Excel"),
        pytest.param([("/", "?")], ["-"], id="nothing left"),
        pytest.param([("C", "长" * 40)] * 2, ["C " + "长" * 29, "C " + "长" * 23 + " (2)"], id="long"),
        pytest.param([("C", "𠮷" * 20)], ["C " + "𠮷" * 14], id="two units a character"),
        pytest.param([("A", "服务中心")], ["A"], id="nothing but a suffix"),
    ],
)
def test_sheet_names_are_what_excel_takes(labels: list[tuple[str, str]], tabs: list[str]) -> None:
    assert tab_names(labels) == tabs


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_text_becomes_a_formula(tmp_path: Path, text: str) -> None:
    day = date(2026, 10, 1)
    sheet = centre_month("2026-10", code=text, name=text, changed=[Cell(day, text, "published", leader=text)])
    write_month(tmp_path / "m.xlsx", "2026-10", [sheet], "zh")
    write_holidays(tmp_path / "h.xlsx", [sheet], "zh")
    load = Load(text, text, text, 1, 1, 1, 0, 0, U)
    write_report(tmp_path / "r.xlsx", "2026-10", {(text, text): load}, {text: text}, {"工作日": 1})
    for path in tmp_path.iterdir():
        with ZipFile(path) as parts:
            sheets = [parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        assert not any(b"<f>" in content for content in sheets)
        values = [cell.value for sheet in load_workbook(path) for row in sheet.iter_rows() for cell in row]
        assert f"'{text}" in values
        assert text not in values


def test_control_characters_in_a_name_leave_a_readable_file(tmp_path: Path) -> None:
    sheet = centre_month("2026-03", name="马\x0b街", changed=[Cell(date(2026, 3, 1), "李\x00红<&>", "published")])
    book = written(tmp_path / "m.xlsx", "2026-03", sheet)
    assert blocks(book["XS-01 马 街"])[1][2].value == "李 红<&>"
    assert book["目录"]["C4"].value == "马 街"


def test_every_page_is_a4_landscape_and_one_page(tmp_path: Path) -> None:
    setup = written(tmp_path / "m.xlsx", "2026-03", centre_month("2026-03"))["XS-01 马街"].page_setup
    assert (setup.orientation, int(setup.paperSize), setup.fitToWidth or 1, setup.fitToHeight or 1) == (
        "landscape",
        9,
        1,
        1,
    )


def test_33_sheets_take_less_than_a_second(tmp_path: Path) -> None:
    sheets = [centre_month("2026-03", code=f"XS-{n:02d}") for n in range(33)]
    path = tmp_path / "m.xlsx"
    took = []
    for _ in range(2):  # the first also fills caches
        started = time.process_time()
        write_month(path, "2026-03", sheets, "zh")
        took.append(time.process_time() - started)
    assert min(took) < 1
    assert len(load_workbook(path).sheetnames) == 34
    assert path.stat().st_mode & 0o777 == 0o600


def test_english_is_available_and_the_language_is_put_back(tmp_path: Path) -> None:
    write_month(tmp_path / "m.xlsx", "2026-03", [centre_month("2026-03")], "en")
    book = load_workbook(tmp_path / "m.xlsx")
    assert book.sheetnames == ["Index", "XS-01 马街"]
    assert blocks(book["XS-01 马街"])[2][3].value == "○ published"
    assert book["XS-01 马街"]["A3"].value == "Monday"
    assert LANGUAGE.get() == "zh"


def test_no_centres_give_an_index_only(tmp_path: Path) -> None:
    assert written(tmp_path / "m.xlsx", "2026-03").sheetnames == ["目录"]


def test_holidays_are_runs_of_days_off_around_a_statutory_day() -> None:
    runs = holidays(calendar_of(2026))
    spans = [(run[0].date, run[-1].date) for run in runs]
    assert (date(2026, 2, 15), date(2026, 2, 23)) in spans
    assert (date(2026, 10, 1), date(2026, 10, 7)) in spans
    assert all(any(day.kind == "statutory" for day in run) for run in runs)
    assert all(b.date - a.date == timedelta(days=1) for run in runs for a, b in pairwise(run))


def test_holiday_table_has_days_across_and_cadre_over_leader(tmp_path: Path) -> None:
    first, fourth = date(2026, 10, 1), date(2026, 10, 4)
    changed = [Cell(first, "李红", "published", leader="王建国"), Cell(fourth, "", "gap")]
    centres = [centre_month("2026-10", changed=changed), centre_month("2026-10", code="XS-02", name="普坪")]
    write_holidays(tmp_path / "h.xlsx", centres, "zh")
    book = load_workbook(tmp_path / "h.xlsx")
    sheet = book["国庆节 2026-10-01"]
    assert book.sheetnames == ["国庆节 2026-10-01"]
    assert [cell.value for cell in sheet[2]][:3] == ["服务中心", "10.1 周四", "10.2 周五"]
    assert [cell.value for cell in sheet[3]][1:5] == ["国庆节", "国庆节", "国庆节", "国庆假期"]
    assert [sheet[at].value for at in ("A4", "B4", "B5", "E4")] == [
        "XS-01 马街社区居家养老服务中心",
        "李红",
        "王建国",
        "空缺",
    ]
    assert sheet["E4"].fill.fgColor.rgb == RED
    assert sheet["A6"].value == "XS-02 普坪"


def test_holiday_of_a_provisional_calendar_says_so(tmp_path: Path) -> None:
    write_holidays(tmp_path / "h.xlsx", [centre_month("2029-10", state="draft")], "zh")
    assert load_workbook(tmp_path / "h.xlsx").worksheets[0]["A1"].value.endswith("（暂定）")


def test_dates_without_a_holiday_say_so(tmp_path: Path) -> None:
    write_holidays(tmp_path / "h.xlsx", [centre_month("2026-03")], "zh")
    assert "没有法定节假日" in load_workbook(tmp_path / "h.xlsx").worksheets[0]["A1"].value


def load(centre: str, number: str, duties: int, balance: float, **more: int) -> Load:
    return Load(centre, f"C-{number}", number, duties, balance=round(balance * U), **more)


def report(path: Path, *loads: Load) -> Any:
    names = {"XS-01": "马街中心", "XS-02": "普坪中心"}
    by_key = {(each.centre, each.number): each for each in loads}
    write_report(path, "2026-03", by_key, names, {"工作日": 22, "休息日": 9, "法定节假日": 0})
    return load_workbook(path)


def test_report_lists_every_cadre_by_centre_and_number(tmp_path: Path) -> None:
    book = report(
        tmp_path / "r.xlsx",
        load("XS-02", "K3", 2, -0.5, rest=1),
        load("XS-01", "K10", 1, 0.25, missed=1),
        load("XS-01", "K9", 3, -0.123, rest=2, statutory=1, relaxed=1),
    )
    rows = [[cell.value for cell in row] for row in book["每人明细"].iter_rows(min_row=4)]
    assert rows == [
        ["XS-01", "马街中心", "C-K9", "K9", 3, 2, 1, 0, 1, -0.12],
        ["XS-01", "马街中心", "C-K10", "K10", 1, 0, 0, 1, 0, 0.25],
        ["XS-02", "普坪中心", "C-K3", "K3", 2, 1, 0, 0, 0, -0.5],
    ]


def test_report_counts_per_centre_and_how_duties_are_spread(tmp_path: Path) -> None:
    book = report(
        tmp_path / "r.xlsx",
        load("XS-01", "K9", 3, -0.5, rest=2, statutory=1),
        load("XS-01", "K10", 1, 0.25),
        load("XS-02", "K3", 1, 0.1, missed=1),
    )
    rows = [[cell.value for cell in row] for row in book["概览"].iter_rows(min_row=33)]
    assert rows[0][:12] == ["XS-01", "马街中心", 2, 1, 1, 4, 2, 0, 0, 0.25, -0.5, -0.12]
    assert [row[13:15] for row in rows] == [[1, 2], [2, 0], [3, 1]]


def test_report_draws_three_charts_from_its_own_cells(tmp_path: Path) -> None:
    report(tmp_path / "r.xlsx", load("XS-01", "K9", 3, -0.5), load("XS-02", "K3", 1, 0.1))
    with ZipFile(tmp_path / "r.xlsx") as parts:
        charts = [parts.read(name).decode() for name in sorted(parts.namelist()) if "charts/chart" in name]
    assert len(charts) == 3
    assert 'c:grouping val="stacked"' in charts[0]
    assert all("概览" in chart for chart in charts)


def test_report_of_a_month_without_duties_has_no_charts(tmp_path: Path) -> None:
    book = report(tmp_path / "r.xlsx")
    assert book["概览"]["A3"].value == 0
    assert not book["概览"]._charts
