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

from flows.forms_rows import Cell, safe_text, write_register, write_rows
from flows.tables import read_table
from rules.registers import REGISTERS, Lang, header_key, parse

CADRE = REGISTERS["cadre"]
LANGS: tuple[Lang, ...] = ("zh", "en")
DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", "  =1", "\u3000＝1"]


def first(path: Path) -> Worksheet:
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert isinstance(sheet, Worksheet)
    return sheet


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


ROWS: list[list[Cell]] = [
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
    assert grid[1] == ["C01", "3", "2.5", "0.1", "是", "2026-03-01", "2026-03-01 08:30:00", "a、b"]


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
