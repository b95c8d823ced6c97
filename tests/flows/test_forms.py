from datetime import date
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from flows.forms import write_form
from flows.tables import read_table
from rules.registers import REGISTERS, Lang, Register, parse

LEAVE, CADRE = REGISTERS["leave"], REGISTERS["cadre"]
LANGS: tuple[Lang, ...] = ("zh", "en")


def first(path: Path) -> Worksheet:
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert isinstance(sheet, Worksheet)
    return sheet


def comment(sheet: Worksheet, cell: str) -> str:
    found = sheet[cell].comment
    return str(found.text) if found else ""


@pytest.mark.parametrize("register", REGISTERS.values(), ids=REGISTERS)
@pytest.mark.parametrize("lang", LANGS)
def test_an_empty_form_is_a_file_without_rows_or_errors(tmp_path: Path, register: Register, lang: Lang) -> None:
    write_form(register, tmp_path / "a.xlsx", lang)
    table = read_table(tmp_path / "a.xlsx", register)
    parsed = parse(register, table.grid)
    assert (parsed.rows, parsed.errors, parsed.unknown_columns) == ((), (), {})
    assert set(parsed.mapping) == {column.name for column in register.columns}
    assert table.remark == ""


@pytest.mark.parametrize("register", REGISTERS.values(), ids=REGISTERS)
@pytest.mark.parametrize("lang", LANGS)
def test_a_form_filled_with_the_examples_is_read_without_errors(tmp_path: Path, register: Register, lang: Lang) -> None:
    path = tmp_path / "a.xlsx"
    write_form(register, path, lang)
    filled = openpyxl.load_workbook(path)
    for at, column in enumerate(register.columns, start=1):
        filled.worksheets[0].cell(4, at, column.example)
    filled.save(path)
    parsed = parse(register, read_table(path, register).grid)
    assert parsed.errors == ()
    assert len(parsed.rows) == 1
    assert all(parsed.rows[0].values[name] is not None for name in register.keys)


def test_dates_typed_into_a_form_as_dates_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_form(LEAVE, path)
    filled = openpyxl.load_workbook(path)
    values: tuple[str | date, ...] = ("K1", date(2026, 3, 2), "2026年3月6日", "病假")
    for at, value in enumerate(values, start=1):
        filled.worksheets[0].cell(4, at, value)
    filled.save(path)
    (row,) = parse(LEAVE, read_table(path, LEAVE).grid).rows
    assert row.values["from"] == date(2026, 3, 2)


def test_a_form_marks_required_columns_and_explains_each_header(tmp_path: Path) -> None:
    write_form(LEAVE, tmp_path / "a.xlsx")
    sheet = first(tmp_path / "a.xlsx")
    assert [sheet.cell(3, at).value for at in range(1, 6)] == [
        "*人员编号",
        "*起始日期",
        "截止日期",
        "请假类型",
        "是否销假",
    ]
    assert "可填：年假、病假、事假、公差、产假" in comment(sheet, "D3")
    assert "空白视为“否”" in comment(sheet, "E3")
    assert sheet.freeze_panes == "A4"


def test_a_form_has_drop_downs_for_choices_in_its_language(tmp_path: Path) -> None:
    for lang, lists in (
        ("zh", ['"年假,病假,事假,公差,产假"', '"是,否"']),
        ("en", ['"annual,sick,personal,official,maternity"', '"yes,no"']),
    ):
        write_form(LEAVE, tmp_path / "a.xlsx", "zh" if lang == "zh" else "en")
        rules = first(tmp_path / "a.xlsx").data_validations.dataValidation
        assert [rule.formula1 for rule in rules] == lists


def test_a_form_keeps_numbers_as_text_and_dates_as_dates(tmp_path: Path) -> None:
    write_form(CADRE, tmp_path / "a.xlsx")
    sheet = first(tmp_path / "a.xlsx")
    formats = {str(sheet.cell(3, at).value).lstrip("*"): sheet.cell(4, at).number_format for at in range(1, 10)}
    assert formats["干部编号"] == formats["手机"] == formats["中心编号"] == "@"
    assert formats["起始日期"] == "yyyy-mm-dd"


def test_a_form_prints_on_a4_with_its_headers_on_every_page(tmp_path: Path) -> None:
    write_form(CADRE, tmp_path / "a.xlsx")
    sheet = first(tmp_path / "a.xlsx")
    assert (sheet.page_setup.paperSize, sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == (
        9,
        "landscape",
        0,
    )
    assert sheet.print_title_rows == "$1:$3"


def test_the_second_sheet_explains_each_column_with_an_example(tmp_path: Path) -> None:
    write_form(LEAVE, tmp_path / "a.xlsx")
    notes = openpyxl.load_workbook(tmp_path / "a.xlsx")["填写说明"]
    rows = [[cell.value for cell in row] for row in notes.iter_rows(min_row=3)]
    assert [row[1] for row in rows] == [column.name for column in LEAVE.columns]
    assert [row[6] for row in rows] == [column.example for column in LEAVE.columns]
    assert rows[3][5] == "年假（annual）、病假（sick）、事假（personal）、公差（official）、产假（maternity）"
