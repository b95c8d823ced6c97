import csv
import stat
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from flows.forms import safe_text, write_errors, write_form, write_register, write_rows
from flows.tables import Table, read_table
from rules.errors import LANGUAGE
from rules.registers import REGISTERS, CellError, Lang, Register, header_key, parse

LEAVE, CADRE = REGISTERS["leave"], REGISTERS["cadre"]
HEAD = ["人员编号", "起始日期", "截止日期", "请假类型"]
LANGS: tuple[Lang, ...] = ("zh", "en")
DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", "  =1", "\u3000＝1"]


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
    for at, value in enumerate(["K1", date(2026, 3, 2), "2026年3月6日", "病假"], start=1):
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
        "*截止日期",
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
    assert sheet["A5"].hyperlink.location == "'请假'!B3" or sheet["A5"].hyperlink.location == "请假!B3"
    assert sheet["E6"].value == "请填：年假、病假、事假、公差、产假"


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


@pytest.mark.parametrize("text", DANGEROUS)
def test_what_could_start_a_formula_is_neutralised(text: str) -> None:
    assert safe_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "张三", "a=b", "29人中25人可排; 应值余额+0.83", "1-2"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert safe_text(text) == text


def cells_of(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f" not in sheet.replace("<formatCode", "")
    yield from (cell for row in read_table(path).grid for cell in row)


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.one_of(st.sampled_from(DANGEROUS), st.text(max_size=20)), min_size=1, max_size=30))
def test_no_text_becomes_a_formula_in_either_kind_of_export(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("export")
    write_rows(folder / "a.xlsx", ["标题", *texts[:2]], [[text] for text in texts])
    write_rows(folder / "a.csv", ["标题", *texts[:2]], [[text] for text in texts])
    with (folder / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        written = [cell for row in csv.reader(file) for cell in row]
    for cell in [*written, *cells_of(folder / "a.xlsx")]:
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
        assert not cell.startswith(("\t", "\r", "\n"))


ROWS = [
    ["C01", 3, 2.5, Decimal("0.1"), True, date(2026, 3, 1), datetime(2026, 3, 1, 0, 30, tzinfo=UTC), ("a", "b"), None]
]
HEADERS = ["centre", "int", "float", "decimal", "yes", "day", "at", "several", "blank"]


def test_an_xlsx_export_keeps_numbers_days_and_wall_time(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.xlsx", HEADERS, ROWS)
    row = [cell.value for cell in first(tmp_path / "a.xlsx")[2]]
    assert row[:5] == ["C01", 3, 2.5, 0.1, "yes"]
    assert [str(value) for value in row[5:8]] == ["2026-03-01 00:00:00", "2026-03-01 08:30:00", "a; b"]


def test_a_csv_export_opens_in_excel_and_reads_back(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", HEADERS, ROWS, "zh")
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    grid = read_table(tmp_path / "a.csv").grid
    assert grid[1] == ["C01", "3", "2.5", "0.1", "是", "2026-03-01", "2026-03-01 08:30:00", "a、b", ""]


@pytest.mark.parametrize("number", [10**17 + 1, Decimal("0.12345678901234567891"), Decimal(10**20)])
def test_a_number_excel_would_round_is_written_as_text(tmp_path: Path, number: int | Decimal) -> None:
    write_rows(tmp_path / "a.xlsx", ["n"], [[number]])
    assert first(tmp_path / "a.xlsx")["A2"].value == str(number)


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_a_file_with_personal_data_is_readable_by_its_owner_only(tmp_path: Path, name: str) -> None:
    write_rows(tmp_path / name, ["x"], [["y"]])
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_an_export_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, name: str) -> None:
    def rows() -> Iterator[list[str]]:
        yield ["y"]
        raise RuntimeError

    write_rows(tmp_path / name, ["x"], [["old"]])
    before = (tmp_path / name).read_bytes()
    with pytest.raises(RuntimeError):
        write_rows(tmp_path / name, ["x"], rows())
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
@pytest.mark.parametrize("lang", LANGS)
def test_a_register_exported_and_imported_is_the_same(tmp_path: Path, name: str, lang: Lang) -> None:
    head = [column.name for column in CADRE.columns]
    grid = [head, ["007", "张三", "13800138000", "a@b.cn", "C01", "2026-01-01", "", "是", ""]]
    rows = [row.values for row in parse(CADRE, grid).rows]
    write_register(tmp_path / name, CADRE, rows, lang, reveal=True)
    again = parse(CADRE, read_table(tmp_path / name, CADRE).grid)
    assert again.errors == ()
    assert [row.values for row in again.rows] == rows


def test_a_register_exported_without_reveal_has_no_personal_column(tmp_path: Path) -> None:
    write_register(tmp_path / "a.csv", CADRE, [{"number": "1", "name": "张三", "phone": "13800138000"}])
    text = (tmp_path / "a.csv").read_text(encoding="utf-8-sig")
    assert "张三" not in text
    assert header_key("姓名") not in text
