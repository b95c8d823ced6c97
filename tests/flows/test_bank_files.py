"""Bank files as they leave: xlsx cells are data, and whatever is made is read back before it counts."""

import zipfile
from dataclasses import replace
from io import BytesIO

import pytest
from openpyxl import load_workbook

from flows import bank_files
from flows.bank_files import bank_bytes, read_bank_bytes
from flows.bank_xlsx import read_xlsx, xlsx_bytes
from rules.bank import MOST_FEN, NotOurFile
from rules.bank_checks import PayListRefused
from tests.rules.pay_lists import form_of, pay_list

XLSX = form_of("xlsx")


def test_accounts_and_keys_are_text_and_amounts_are_numbers() -> None:
    sheet = load_workbook(BytesIO(xlsx_bytes(pay_list(2), XLSX))).active
    assert sheet is not None
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["收款账号", "收款户名", "金额(元)", "备注"],
        ["6222020000000000001", "张三", 61.01, "F7K3Q9XM1-0000001"],
        ["6222020000000000002", "李𠮷祥", 62.02, "F7K3Q9XM1-0000002"],
    ]
    assert [cell.data_type for cell in sheet[2]] == ["s", "s", "n", "s"]
    assert sheet["A2"].number_format == "@"
    assert sheet["C2"].number_format == "0.00"


@pytest.mark.parametrize("fen", [1, 10, 110, 77507, 123456789, 999_999_999_999_9, MOST_FEN])
@pytest.mark.parametrize("unit", ["yuan", "fen"])
def test_an_amount_in_a_workbook_has_no_exponent_and_comes_back_exactly(fen: int, unit: str) -> None:
    listed = pay_list(1)
    form = form_of("xlsx", unit=unit)
    content = xlsx_bytes(replace(listed, lines=[replace(listed.lines[0], fen=fen)]), form)
    cells = zipfile.ZipFile(BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    assert "E+" not in cells
    assert [line.fen for line in read_xlsx(content, form)] == [fen]


def test_a_workbook_is_the_same_each_time_wherever_the_clock_stands() -> None:
    content = xlsx_bytes(pay_list(), XLSX)
    assert content == xlsx_bytes(pay_list(), XLSX)
    book = zipfile.ZipFile(BytesIO(content))
    assert {part.date_time[0] for part in book.infolist()} == {1980}
    core = book.read("docProps/core.xml").decode()
    assert core.count("2026-10-12T02:30:00Z") == 2


def test_no_formula_gets_into_a_workbook() -> None:
    listed = pay_list(1)
    with pytest.raises(PayListRefused):
        xlsx_bytes(replace(listed, lines=[replace(listed.lines[0], name="=1+1")]), XLSX)


@pytest.mark.parametrize("form", ["csv", "xlsx", "pain.001"])
def test_every_format_reads_back_as_it_was_meant(form: str) -> None:
    chosen = form_of(form)
    content = bank_bytes(pay_list(), chosen)
    back = read_bank_bytes(content, chosen)
    assert [(line.key, line.name, line.account, line.fen) for line in back] == [
        (line.key, line.name, line.account, line.fen) for line in pay_list().lines
    ]


def test_totals_of_a_workbook_are_checked() -> None:
    form = form_of("xlsx", totals=["合计 {count}", "{count}", "{amount}"])
    content = bank_bytes(pay_list(3), form)
    assert len(read_xlsx(content, form)) == 3
    with pytest.raises(NotOurFile):
        read_xlsx(content, replace(form, totals=("合计", "{count}", "{amount}")))


def test_what_reads_back_otherwise_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt = pay_list(2)
    spoilt = replace(spoilt, lines=[spoilt.lines[0], replace(spoilt.lines[1], fen=1)])
    written = bank_files._WRITERS["csv"]
    monkeypatch.setitem(bank_files._WRITERS, "csv", lambda _, form: written(spoilt, form))
    with pytest.raises(NotOurFile):
        bank_bytes(pay_list(2), form_of("csv"))


def test_what_is_no_workbook_is_refused() -> None:
    with pytest.raises(NotOurFile):
        read_xlsx(b"PK\x03\x04 nothing", XLSX)


def test_a_fraction_of_a_fen_in_a_workbook_is_refused() -> None:
    book = load_workbook(BytesIO(xlsx_bytes(pay_list(1), XLSX)))
    sheet, touched = book.active, BytesIO()
    assert sheet is not None
    sheet["C2"] = 61.014
    book.save(touched)
    with pytest.raises(NotOurFile):
        read_xlsx(touched.getvalue(), XLSX)
