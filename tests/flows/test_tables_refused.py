import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from flows.tables import Limits, read_table
from rules.registers import REGISTERS
from rules.registers.refusals import FileEmpty, FileLocked, FileMissing, FileRefused, FileTooBig, NotATable

pytestmark = pytest.mark.child
LEAVE = REGISTERS["leave"]
HEAD = ["人员编号", "起始日期", "截止日期", "请假类型"]
ROW = ["K1", "2026-03-02", "2026-03-06", "病假"]


def book(path: Path, rows: Iterable[Sequence[Any]], title: str = "Sheet") -> Path:
    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    made.save(path)
    return path


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"%PDF-1.7\n", "PDF", id="pdf"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00", "图片", id="png"),
        pytest.param(b"<html><table><tr><td>x</td></tr></table></html>", "网页", id="web page named xls"),
        pytest.param(b"\xef\xbb\xbf\n<?xml version='1.0'?><Workbook/>", "网页", id="XML spreadsheet 2003"),
        pytest.param(b"\x7fELF\x02\x01\x01\x00\x00", "二进制", id="program"),
        pytest.param(b"Rar!\x1a\x07", "RAR", id="rar"),
        pytest.param(b"a,b\n\xff\xff\xff\xff\n", "二进制", id="no known encoding"),
        pytest.param(b"a" * 5000 + b"\x00", "二进制", id="NUL far in"),
    ],
)
def test_what_is_no_table_is_refused_by_its_content(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(content)
    with pytest.raises(NotATable) as refused:
        read_table(path)
    assert says in str(refused.value)
    assert "另存为 .xlsx" in str(refused.value)


@pytest.mark.parametrize(
    ("part", "says"),
    [("word/document.xml", "Word"), ("xl/workbook.bin", "xlsb"), ("content.xml", "OpenDocument"), ("a.txt", "压缩包")],
)
def test_other_zipped_documents_are_refused_by_name(tmp_path: Path, part: str, says: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr(part, "<x/>")
    with pytest.raises(NotATable, match=says):
        read_table(tmp_path / "a.xlsx")


@pytest.mark.parametrize("content", [b"", b"\n \n", b",,,\n,,,\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(FileEmpty):
        read_table(tmp_path / "a.csv")


def test_an_empty_workbook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileEmpty):
        read_table(book(tmp_path / "a.xlsx", []), LEAVE)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        read_table(tmp_path / "nobody.xlsx")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotATable):
        read_table(tmp_path)


def test_a_workbook_with_a_password_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    content = bytearray(path.read_bytes())
    for at in (content.index(b"PK\x03\x04") + 6, content.index(b"PK\x01\x02") + 8):
        content[at] |= 1  # the flag of an encrypted part
    path.write_bytes(content)
    with pytest.raises(FileLocked, match="去掉密码"):
        read_table(path)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        pytest.param(Limits(rows=100), "行数是 101", id="rows"),
        pytest.param(Limits(columns=3), "列数是 4", id="columns"),
        pytest.param(Limits(size=100), "字节数", id="bytes"),
        pytest.param(Limits(cells=50), "单元格数", id="cells"),
        pytest.param(Limits(parts=3), "内部文件数", id="parts"),
        pytest.param(Limits(unpacked=2000), "解压后字节数", id="unpacked"),
    ],
)
def test_a_workbook_over_a_limit_is_refused_with_the_number(tmp_path: Path, limits: Limits, says: str) -> None:
    path = book(tmp_path / "a.xlsx", [HEAD, *[ROW] * 100])
    with pytest.raises(FileTooBig) as refused:
        read_table(path, LEAVE, limits)
    assert says in str(refused.value)


@pytest.mark.parametrize("limits", [Limits(rows=100), Limits(columns=3), Limits(size=100)])
def test_a_csv_over_a_limit_is_refused(tmp_path: Path, limits: Limits) -> None:
    (tmp_path / "a.csv").write_text("\n".join([",".join(ROW)] * 101), encoding="utf-8")
    with pytest.raises(FileTooBig):
        read_table(tmp_path / "a.csv", None, limits)


@pytest.mark.parametrize("refusal", [FileTooBig, NotATable, FileEmpty, FileLocked, FileMissing])
def test_every_refusal_ends_with_what_to_do(refusal: type[FileRefused]) -> None:
    assert "请" in refusal.zh
    assert refusal.zh.endswith("。")
    assert ";" in refusal.en
