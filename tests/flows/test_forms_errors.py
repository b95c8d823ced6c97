from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from flows.forms_errors import write_errors
from flows.tables import Table, read_table
from rules.errors import LANGUAGE
from rules.registers import REGISTERS, CellError, parse

LEAVE = REGISTERS["leave"]
HEAD = ["人员编号", "起始日期", "截止日期", "请假类型"]


def first(path: Path) -> Worksheet:
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert isinstance(sheet, Worksheet)
    return sheet


def comment(sheet: Worksheet, cell: str) -> str:
    found = sheet[cell].comment
    return str(found.text) if found else ""


BAD = [
    ["2026年请假表"],
    HEAD,
    ["K1", "2026-2-30", "2026-03-06", "婚假"],
    ["K2", "2026-03-02", "2026-03-06", "病假"],
    ["", "2026-03-02", "2026-03-06", "=cmd|' /C calc'!A0"],
]


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    parsed = parse(LEAVE, BAD)
    write_errors(tmp_path / "a.errors.xlsx", LEAVE, Table("a.xlsx", "xlsx", "请假", BAD), parsed.errors)
    return tmp_path / "a.errors.xlsx"


def test_an_error_workbook_keeps_the_whole_table_and_explains_each_bad_row(refused: Path) -> None:
    sheet = first(refused)
    assert sheet.title == "请假"
    assert [cell.value for cell in sheet[2]] == [*HEAD, "问题"]
    assert [cell.value for cell in sheet[4]] == [*BAD[3], None]
    assert sheet["E3"].value.split("\n")[0].startswith("第 3 行“起始日期”")
    assert len(sheet["E3"].value.split("\n")) == 2
    assert "“人员编号”：不能为空" in sheet["E5"].value


def test_bad_cells_are_red_and_explained_and_good_ones_are_not(refused: Path) -> None:
    sheet = first(refused)
    red = {cell.coordinate for row in sheet.iter_rows(max_col=4) for cell in row if cell.fill.fgColor.rgb == "FFFBE3E4"}
    assert red == {"B3", "D3", "A5", "D5"}
    assert all(comment(sheet, cell) for cell in red)
    assert "没有这个日期" in comment(sheet, "B3")


def test_the_second_sheet_sums_the_problems_up_and_links_to_each(refused: Path) -> None:
    sheet = openpyxl.load_workbook(refused)["问题汇总"]
    assert sheet["A1"].value == "共 4 处问题，文件没有导入"
    assert sheet["B5"].hyperlink.location == "'请假'!B3" or sheet["B5"].hyperlink.location == "请假!B3"
    assert sheet["F6"].value == "请填：年假、病假、事假、公差、产假"


def test_a_corrected_error_workbook_can_be_imported(refused: Path) -> None:
    corrected = openpyxl.load_workbook(refused)
    sheet = corrected.worksheets[0]
    for cell, value in (("B3", "2026-03-01"), ("D3", "年假"), ("A5", "K3"), ("D5", "病假")):
        sheet[cell] = value
    corrected.save(refused)
    parsed = parse(LEAVE, read_table(refused, LEAVE).grid)
    assert parsed.errors == ()
    assert len(parsed.rows) == 3


def test_a_second_error_workbook_has_one_problem_column(refused: Path) -> None:
    table = read_table(refused, LEAVE)
    write_errors(refused, LEAVE, table, parse(LEAVE, table.grid).errors)
    assert [cell.value for cell in first(refused)[2]] == [*HEAD, "问题"]
    assert parse(LEAVE, read_table(refused, LEAVE).grid).errors == parse(LEAVE, table.grid).errors


@pytest.mark.parametrize(
    "grid",
    [
        pytest.param([["姓名"], ["张三"]], id="headers missing"),
        pytest.param([["x"]], id="no headers"),
        pytest.param([], id="nothing"),
        pytest.param([[*HEAD, "person"], ["K1"]], id="a column twice"),
    ],
)
def test_an_error_of_the_whole_file_is_told_in_the_workbook_too(tmp_path: Path, grid: list[list[str]]) -> None:
    errors = parse(LEAVE, grid).errors
    write_errors(tmp_path / "a.xlsx", LEAVE, Table("a.csv", "csv UTF-8", "", grid), errors)
    said = "".join(str(cell.value) for row in first(tmp_path / "a.xlsx").iter_rows() for cell in row)
    assert all(error.sentence in said for error in errors)


def test_an_error_of_the_store_marks_a_row_or_a_column(tmp_path: Path) -> None:
    errors = [
        CellError(4, LEAVE.column("person"), "K2", "没有这个干部", "请先导入干部"),
        CellError(5, None, "", "与系统里的请假重叠", "请核对"),
    ]
    write_errors(tmp_path / "a.xlsx", LEAVE, Table("a.xlsx", "xlsx", "a/b[c]'", BAD), errors)
    sheet = first(tmp_path / "a.xlsx")
    assert "没有这个干部" in comment(sheet, "A4")
    assert sheet["E5"].value == "第 5 行：与系统里的请假重叠；请核对。"


def test_an_error_workbook_can_be_had_in_english(tmp_path: Path) -> None:
    token = LANGUAGE.set("en")
    try:
        write_errors(tmp_path / "a.xlsx", LEAVE, Table("a.xlsx", "xlsx", "x", BAD), parse(LEAVE, BAD).errors)
    finally:
        LANGUAGE.reset(token)
    made = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert made.sheetnames == ["x", "Problems"]
    assert made["x"]["E2"].value == "Problem"
