import csv
import datetime as dt
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from flows.tables import Table, read_table
from rules.registers import REGISTERS, parse

pytestmark = pytest.mark.child
CADRE, LEAVE = REGISTERS["cadre"], REGISTERS["leave"]
HEAD = ["人员编号", "起始日期", "截止日期", "请假类型"]
ROW = ["K1", "2026-03-02", "2026-03-06", "病假"]
SAMPLE = Path(__file__).parent.parent / "data" / "sample.xls"


def book(path: Path, rows: Iterable[Sequence[Any]], title: str = "Sheet") -> Path:
    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    made.save(path)
    return path


def rewrite(path: Path, part: str, old: str, new: str) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old.encode() in parts[part]
    parts[part] = parts[part].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def test_cells_of_every_kind_become_text(tmp_path: Path) -> None:
    moment = dt.datetime(2026, 3, 1, 8, 30)  # noqa: DTZ001 - a spreadsheet cell has no zone
    row = ["文字", 12, 3.5, -5, True, dt.date(2026, 3, 1), moment, dt.time(8, 30), 0.1 + 0.2, None]
    table = read_table(book(tmp_path / "a.xlsx", [row]))
    assert table.grid == [
        ["文字", "12", "3.5", "-5", "TRUE", "2026-03-01", "2026-03-01 08:30:00", "08:30:00", "0.3"],
    ]


def test_a_number_excel_has_rounded_shows_as_a_power(tmp_path: Path) -> None:
    table = read_table(book(tmp_path / "a.xlsx", [[530102196501011234, 13800138000, "530102196501011000"]]))
    assert table.grid == [["5.30102196501011E+17", "13800138000", "530102196501011000"]]


def test_dates_in_chinese_formats_are_dates(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    for row, shape in enumerate(['yyyy"年"m"月"d"日"', "[$-804]yyyy/m/d;@", "yyyy-mm-dd"], start=1):
        sheet.cell(row, 1, 46082).number_format = shape
    made.save(tmp_path / "a.xlsx")
    assert read_table(tmp_path / "a.xlsx").grid == [["2026-03-01"]] * 3


def test_rows_and_columns_keep_their_place_when_the_corner_is_empty(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.worksheets[0]["C3"] = "x"
    made.save(tmp_path / "a.xlsx")
    assert read_table(tmp_path / "a.xlsx").grid[2] == ["", "", "x"]


def test_a_vertically_merged_cell_speaks_for_each_of_its_rows(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    rows = [["请假表"], [], HEAD, ROW, ["", "2026-04-01", "2026-04-02", ""], [], ["K2", "2026-05-01", "2026-05-02", ""]]
    for row in rows:
        sheet.append(row)
    sheet["A5"] = None
    sheet.merge_cells("A1:D1")
    sheet.merge_cells("A4:A6")
    made.save(tmp_path / "a.xlsx")
    parsed = parse(LEAVE, read_table(tmp_path / "a.xlsx", LEAVE).grid)
    assert parsed.errors == ()
    assert [(row.number, row.values["person"]) for row in parsed.rows] == [(4, "K1"), (5, "K1"), (7, "K2")]


def test_headers_merged_over_two_rows_are_found(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    for row in [["人员编号", "时间", "", "请假类型"], ["", "起始日期", "截止日期", ""], ROW]:
        sheet.append(row)
    for span in ("A1:A2", "B1:C1", "D1:D2"):
        sheet.merge_cells(span)
    made.save(tmp_path / "a.xlsx")
    parsed = parse(LEAVE, read_table(tmp_path / "a.xlsx", LEAVE).grid)
    assert (parsed.errors, len(parsed.rows), parsed.header_row) == ((), 1, 2)


def test_an_old_xls_is_read() -> None:
    table = read_table(SAMPLE, CADRE)
    parsed = parse(CADRE, table.grid)
    assert (table.kind, table.sheet, table.remark) == ("xls", "干部", "")
    assert parsed.errors == ()
    assert [row.values["number"] for row in parsed.rows] == ["12", "K0013"]
    assert {row.values["centre"] for row in parsed.rows} == {"C01"}


def test_the_first_visible_sheet_with_the_headers_is_read(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.worksheets[0].append(["说明", "随便写写"])
    hidden = made.create_sheet("旧表")
    hidden.sheet_state = "hidden"
    hidden.append(HEAD)
    made.create_sheet("空表")
    right = made.create_sheet("请假")
    right.append(HEAD)
    right.append(ROW)
    made.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx", LEAVE)
    assert table.sheet == "请假"
    assert table.other_sheets == ("Sheet", "空表")
    assert "没有读取：Sheet、空表" in table.remark


def test_without_the_headers_the_first_filled_sheet_is_read_so_that_the_parser_can_say_what_is_missing(
    tmp_path: Path,
) -> None:
    table = read_table(book(tmp_path / "a.xlsx", [["姓名"], ["张三"]]), LEAVE)
    assert table.grid == [["姓名"], ["张三"]]
    assert parse(LEAVE, table.grid).errors


@pytest.mark.parametrize(
    ("formula", "cell"),
    [
        pytest.param('<c r="D2"><f>1/0</f><v></v></c>', "#N/A", id="never calculated"),
        pytest.param('<c r="D2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "#N/A", id="failed"),
        pytest.param('<c r="D2" t="str"><f>IF(1,"","")</f><v></v></c>', "", id="rightly empty"),
        pytest.param('<c r="D2" t="str"><f>"病"&amp;"假"</f><v>病假</v></c>', "病假", id="with a result"),
    ],
)
def test_a_formula_without_a_result_is_not_taken_for_a_blank_cell(tmp_path: Path, formula: str, cell: str) -> None:
    path = book(tmp_path / "a.xlsx", [HEAD, [*ROW[:3], 987]])
    rewrite(path, "xl/worksheets/sheet1.xml", '<c r="D2" t="n"><v>987</v></c>', formula)
    table = read_table(path, LEAVE)
    assert (table.grid[1] + [""])[3] == cell
    assert bool(parse(LEAVE, table.grid).errors) == (cell == "#N/A")


@pytest.mark.parametrize(
    ("encoding", "kind"),
    [
        pytest.param("utf-8", "csv UTF-8", id="UTF-8"),
        pytest.param("utf-8-sig", "csv UTF-8", id="UTF-8 with its mark"),
        pytest.param("gb18030", "csv GB18030", id="GB18030"),
        pytest.param("utf-16", "csv UTF-16", id="Excel's Unicode text"),
    ],
)
@pytest.mark.parametrize(
    "delimiter", [pytest.param(",", id="comma"), pytest.param("\t", id="tab"), pytest.param(";", id="semicolon")]
)
def test_csv_is_read_in_any_usual_encoding_and_delimiter(
    tmp_path: Path, encoding: str, kind: str, delimiter: str
) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(
            [HEAD, ["𠮷1", *ROW[1:3], "病假"], ["说\n明", "a,b;c", '引"号', ""]]
        )
    table = read_table(path, LEAVE)
    assert table.kind == kind
    assert table.grid == [HEAD, ["𠮷1", *ROW[1:]], ["说\n明", "a,b;c", '引"号']]
    assert table.remark == ""


def test_blank_csv_lines_keep_the_row_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n\n" + ",".join(HEAD) + "\n\n" + ",".join(ROW) + "\n", encoding="utf-8")
    parsed = parse(LEAVE, read_table(path, LEAVE).grid)
    assert [row.number for row in parsed.rows] == [5]


def test_a_renamed_workbook_is_read_as_what_it_is_and_the_remark_says_so(tmp_path: Path) -> None:
    table = read_table(book(tmp_path / "a.xlsx", [HEAD, ROW]).rename(tmp_path / "a.csv"), LEAVE)
    assert table.kind == "xlsx"
    assert table.remark == "a.csv 的实际内容是 xlsx，已按此读取。"


def test_a_renamed_csv_is_read_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_text(",".join(HEAD), encoding="gb18030")
    assert "csv GB18030" in read_table(path, LEAVE).remark


def test_a_workbook_of_shared_texts_and_one_of_inline_texts_read_alike(tmp_path: Path) -> None:
    tables: list[Table] = []
    for constant in (True, False):
        path = tmp_path / f"{constant}.xlsx"
        with xlsxwriter.Workbook(path, {"constant_memory": constant}) as made:
            sheet = made.add_worksheet("请假")
            for number, row in enumerate([HEAD, ROW]):
                sheet.write_row(number, 0, row)
        tables.append(read_table(path, LEAVE))
    assert tables[0].grid == tables[1].grid == [HEAD, ROW]


def test_the_child_sees_neither_settings_nor_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "csv.py").write_text("raise SystemExit(3)")  # a module beside the file must not be imported
    (tmp_path / "a.csv").write_text("a,b\n", encoding="utf-8")
    assert read_table(Path("a.csv")).grid == [["a", "b"]]
