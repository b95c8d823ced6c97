"""Files built to harm: each is refused in time and memory, with a sentence, and no row comes out."""

import contextlib
import os
import resource
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest

from flows.tables import MB, Limits, Table, read_table
from rules.registers import REGISTERS, Register
from rules.registers.refusals import FileDamaged, FileRefused, FileTooBig, SuspiciousFile

pytestmark = pytest.mark.child
HEAD = ["人员编号", "起始日期", "截止日期", "请假类型"]
ROW = ["K1", "2026-03-02", "2026-03-06", "病假"]
SAMPLE = Path(__file__).parent.parent / "data" / "sample.xls"
LEAVE = REGISTERS["leave"]
SHEET = "xl/worksheets/sheet1.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


@contextlib.contextmanager
def within_limits() -> Iterator[None]:
    """Whatever comes of it must take less than 10 s and 512 MB, and not swell this process.

    Seconds are of CPU, for a busy machine is no fault of a file; what waits for ever takes none, hence the clock too.
    A child is counted with what its parent held when it was begun, which is no more than the parent holds in the end.
    """
    own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    start, cpu = time.monotonic(), sum(os.times()[:4])
    try:
        yield
    finally:
        assert sum(os.times()[:4]) - cpu < 10
        assert time.monotonic() - start < 50
        ended = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert ended - own < 64 * 1024
        assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(ended, children, 512 * 1024)


def attempt(path: Path, register: Register | None = LEAVE, limits: Limits | None = None) -> Table:
    """Read a file within the limits of this machine."""
    with within_limits():
        return read_table(path, register, limits)


def book(path: Path) -> Path:
    made = openpyxl.Workbook()
    for row in (HEAD, ROW):
        made.worksheets[0].append(row)
    made.save(path)
    return path


def hostile(path: Path, parts: dict[str, bytes | Callable[[], Iterator[bytes]]]) -> Path:
    """A workbook with some of its parts replaced."""
    source = book(path.with_name("good.xlsx"))
    with zipfile.ZipFile(source) as good, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bad:
        for name in [*good.namelist(), *(set(parts) - set(good.namelist()))]:
            with bad.open(name, "w") as part:
                content = parts.get(name) or good.read(name)
                for piece in content() if callable(content) else [content]:
                    part.write(piece)
    return path


def sheet(rows: str, before: str = "") -> bytes:
    return f'<?xml version="1.0"?>{before}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'.encode()


def zeros(megabytes: int) -> Callable[[], Iterator[bytes]]:
    return lambda: (b"<" + b" " * (MB - 1) for _ in range(megabytes))


def test_a_bomb_of_spaces_is_refused(tmp_path: Path) -> None:
    path = hostile(tmp_path / "a.xlsx", {"xl/sharedStrings.xml": zeros(300)})
    with pytest.raises(SuspiciousFile, match="100 倍"):
        attempt(path, LEAVE)


def test_a_bomb_that_declares_its_size_is_refused_by_it(tmp_path: Path) -> None:
    path = hostile(tmp_path / "a.xlsx", {"xl/sharedStrings.xml": zeros(400)})
    with pytest.raises(FileTooBig, match="解压后"):
        attempt(path, LEAVE)


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = hostile(tmp_path / "a.xlsx", {SHEET: sheet("<row><c><v>1</v></c></row>" * 2_000_000)})
    content = path.read_bytes()
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(SHEET.encode()))
    path.write_bytes(content[: at + 24] + struct.pack("<I", 1000) + content[at + 28 :])
    with pytest.raises(FileRefused):
        attempt(path, LEAVE)


def test_many_small_bombs_add_up(tmp_path: Path) -> None:
    limits = Limits(unpacked=20 * MB)
    path = hostile(
        tmp_path / "a.xlsx", {f"xl/worksheets/s{n}.xml": b"<x>" + b" " * (MB - 9) + b"</x>" for n in range(30)}
    )
    with pytest.raises(FileTooBig):
        attempt(path, LEAVE, limits)


def test_a_zip_of_many_parts_is_refused(tmp_path: Path) -> None:
    path = hostile(tmp_path / "a.xlsx", {f"xl/media/{n}": b"x" for n in range(3000)})
    with pytest.raises(FileTooBig, match="内部文件数"):
        attempt(path, LEAVE)


ENTITY = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>'
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "part", [SHEET, "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml", "[Content_Types].xml"]
)
@pytest.mark.parametrize("declaration", [pytest.param(ENTITY, id="billion laughs"), pytest.param(OUTSIDE, id="XXE")])
def test_a_declaration_in_any_part_is_refused(tmp_path: Path, part: str, declaration: str) -> None:
    entity = "&secret;" if "secret" in declaration else "&c;"
    cell = f'<row r="1"><c r="A1" t="inlineStr"><is><t>{entity}</t></is></c></row>'
    path = hostile(tmp_path / "a.xlsx", {part: sheet(cell, f"<!--{'x' * 2_000_000}-->{declaration}")})
    with pytest.raises(SuspiciousFile) as refused:
        attempt(path, LEAVE)
    assert "root:" not in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_declaration_in_another_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    path = hostile(tmp_path / "a.xlsx", {SHEET: sheet("", OUTSIDE).decode().encode(encoding)})
    with pytest.raises(SuspiciousFile):
        attempt(path, LEAVE)


@pytest.mark.parametrize("cell", ["XFD1048576", "XFD1", "A1048576", "xfd1048576"])
def test_a_cell_at_the_far_end_is_refused(tmp_path: Path, cell: str) -> None:
    rows = f'<row r="1"><c r="A1"><v>1</v></c></row><row><c r="{cell}"><v>1</v></c></row>'
    with pytest.raises(SuspiciousFile, match=cell.upper()):
        attempt(hostile(tmp_path / "a.xlsx", {SHEET: sheet(rows)}), LEAVE)


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param('<c r="IV200000"><v>1</v></c>', id="far, within two letters"),
        pytest.param('<c  r = "XFD1048576" ><v>1</v></c>', id="far, oddly spaced"),
        pytest.param('<c r="ZZZZZZ4000000000"><v>1</v></c>', id="beyond any sheet"),
    ],
)
def test_a_far_cell_that_escapes_the_search_dies_in_the_child(tmp_path: Path, cell: str) -> None:
    rows = f'<row r="1"><c r="A1"><v>1</v></c></row><row r="200000">{cell}</row>'
    with pytest.raises(FileRefused):
        attempt(hostile(tmp_path / "a.xlsx", {SHEET: sheet(rows)}), LEAVE)


def test_empty_cells_formatted_to_the_far_end_do_no_harm(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c><c r="XFD1" s="1"/></row>'
        '<row r="1048576"><c r="A1048576" s="1"/></row>'
    )
    assert attempt(hostile(tmp_path / "a.xlsx", {SHEET: sheet(rows)}), None).grid == [["x"]]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_workbook_is_refused(tmp_path: Path, share: float) -> None:
    content = book(tmp_path / "good.xlsx").read_bytes()
    (tmp_path / "a.xlsx").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FileDamaged):
        attempt(tmp_path / "a.xlsx", LEAVE)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.95])
def test_a_truncated_xls_is_refused_or_read_without_harm(tmp_path: Path, share: float) -> None:
    content = SAMPLE.read_bytes()
    (tmp_path / "a.xls").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FileRefused):
        attempt(tmp_path / "a.xls", LEAVE)


@pytest.mark.parametrize("at", range(0, 5600, 700))
def test_an_xls_with_flipped_bytes_is_refused_or_read(tmp_path: Path, at: int) -> None:
    content = bytearray(SAMPLE.read_bytes())
    content[at : at + 40] = bytes(255 - byte for byte in content[at : at + 40])
    (tmp_path / "a.xls").write_bytes(content)
    with contextlib.suppress(FileRefused):
        attempt(tmp_path / "a.xls", LEAVE)


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"])
@pytest.mark.parametrize(
    "content", [b"<", b"<a><b></a>", b"<a>" * 200_000, b"not xml at all"], ids=["open", "crossed", "deep", "text"]
)
def test_broken_xml_is_refused_or_read_without_harm(tmp_path: Path, part: str, content: bytes) -> None:
    with contextlib.suppress(FileRefused):
        attempt(hostile(tmp_path / "a.xlsx", {part: content}), LEAVE)


def test_a_csv_of_a_gigabyte_is_refused_by_its_size(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(FileTooBig):
        attempt(tmp_path / "a.csv", LEAVE)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a," * 5_000_000, id="five million columns"),
        pytest.param(b"\n" * 5_000_000, id="five million lines"),
        pytest.param(b'"' + b"x" * 5_000_000, id="a quote that never ends"),
    ],
)
def test_a_csv_of_an_absurd_shape_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(FileRefused):
        attempt(tmp_path / "a.csv", LEAVE)


def test_a_file_that_takes_too_long_is_refused(tmp_path: Path) -> None:
    row = "".join(f"<c><v>{n}</v></c>" for n in range(20))
    path = hostile(tmp_path / "a.xlsx", {SHEET: sheet(f"<row>{row}</row>" * 30_000)})
    with pytest.raises(SuspiciousFile, match="内存或时间"):
        attempt(path, LEAVE, Limits(wall_seconds=0, ratio=1000))


def test_a_file_that_takes_too_much_memory_is_refused(tmp_path: Path) -> None:
    row = "".join(f"<c><v>{n}</v></c>" for n in range(20))
    path = hostile(tmp_path / "a.xlsx", {SHEET: sheet(f"<row>{row}</row>" * 60_000)})
    with pytest.raises(SuspiciousFile, match="内存或时间"):
        attempt(path, LEAVE, Limits(memory=60 * MB, memory_most=60 * MB, ratio=1000))


def test_merged_ranges_without_number_cost_no_more_than_the_limit(tmp_path: Path) -> None:
    spans = "".join(f'<mergeCell ref="A1:A{200000 - n}"/>' for n in range(40_000))
    body = "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(1, 40_001))
    content = sheet(body).replace(b"</sheetData>", f"</sheetData><mergeCells>{spans}</mergeCells>".encode())
    assert len(attempt(hostile(tmp_path / "a.xlsx", {SHEET: content})).grid) == 40_000


def test_two_parts_of_one_name_are_both_searched(tmp_path: Path) -> None:
    path = hostile(tmp_path / "a.xlsx", {})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(SHEET, sheet("", ENTITY))
    with pytest.raises(SuspiciousFile):
        attempt(path, LEAVE)


def test_a_deflated_part_cut_short_is_refused(tmp_path: Path) -> None:
    path = hostile(tmp_path / "a.xlsx", {})
    content = path.read_bytes()
    middle = content.index(b"PK\x01\x02") // 2
    path.write_bytes(content[:middle] + zlib.compress(b"?")[:8] + content[middle + 8 :])
    with pytest.raises(FileRefused):
        attempt(path, LEAVE)
