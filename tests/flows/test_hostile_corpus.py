"""Files built to harm, taken as a clerk would: refused or harmless, in time and memory, and no row in the database."""

import contextlib
import socket
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select

from flows.allowance_reconcile import _take_inbox
from flows.bank_returns import ReturnReport
from flows.bank_returns_child import ReportLimits
from flows.frames import ROOT
from flows.intake import FileHasErrors, take_file
from flows.settings import Settings, settings
from flows.tables import MB, Limits
from models.cadre import Leave
from models.db import Database
from models.intake import ImportLog
from models.payment import BankLine
from rules.bank_pain002 import BankReportRefused
from rules.bank_xml import XmlDamaged, XmlSuspicious
from rules.errors import TuoqiError
from rules.registers.refusals import (
    FileDamaged,
    FileEmpty,
    FileLocked,
    FileRefused,
    FileTooBig,
    FileTooHeavy,
    SuspiciousFile,
)
from tests.flows.test_tables_hostile import HEAD, ROW, SHEET, attempt, hostile, sheet, within_limits
from tests.rules.test_bank_pain002 import HEAD as REPORT
from tests.rules.test_bank_pain002 import line, report, stated

pytestmark = [pytest.mark.child, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
TOP = ",".join(HEAD)


def rows(database: Database) -> int:
    with database.read() as session:
        return sum(session.scalar(select(func.count()).select_from(each)) or 0 for each in (Leave, BankLine, ImportLog))


def compound(*names: str) -> bytes:
    """An OLE file of streams of 4096 zeros: sector 0 its table, sector 1 its folder, then the streams."""
    chain = [0xFFFFFFFD, 0xFFFFFFFE]
    entries = [("Root Entry", 5, 0xFFFFFFFE, 0, 1)]
    for name in names:
        first = len(chain)
        chain += [*range(first + 1, first + 8), 0xFFFFFFFE]
        entries.append((name, 2, first, 4096, 0xFFFFFFFF))
    table = struct.pack("<128I", *chain, *[0xFFFFFFFF] * (128 - len(chain)))
    folder = b"".join(
        _entry(*each, right=n + 1 if 0 < n < len(names) else 0xFFFFFFFF) for n, each in enumerate(entries)
    )
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack(
        "<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0
    )
    header += struct.pack("<108I", *[0xFFFFFFFF] * 108)
    return header + table + folder.ljust(512, b"\0") + bytes(4096 * len(names))


def _entry(name: str, kind: int, first: int, size: int, child: int, right: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    left = 0xFFFFFFFF
    links = struct.pack("<HBBIII", len(text), kind, 1, left, right, child)
    return text.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", first, size)


def overlapping(path: Path) -> None:
    """Two parts that unpack the same bytes: a bomb whose zip stays small."""
    hostile(path, {"xl/media/a.xml": b"<a>" + b"x" * 1000 + b"</a>", "xl/media/b.xml": b"<a/>"})
    content = bytearray(path.read_bytes())
    heads = [content.rindex(b"PK\x01\x02", 0, content.rindex(name)) for name in (b"xl/media/a.xml", b"xl/media/b.xml")]
    content[heads[1] + 42 : heads[1] + 46] = content[heads[0] + 42 : heads[0] + 46]
    path.write_bytes(content)


def shared_strings(path: Path) -> None:
    """One string of 32,767 letters in 60,000 cells: 2 GB of text from a few kilobytes."""
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 60_001))
    text = (
        f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>{"x" * 32_767}</t></si></sst>'
    )
    made = openpyxl.Workbook()
    made.worksheets[0].append(["x"])
    made.save(path.with_name("good.xlsx"))
    with zipfile.ZipFile(path.with_name("good.xlsx")) as good, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bad:
        for name in good.namelist():
            new = {SHEET: sheet(cells), "xl/sharedStrings.xml": text.encode()}
            bad.writestr(name, new.get(name, good.read(name)))


def parts(**named: Any) -> Callable[[Path], object]:
    return lambda path: hostile(path, dict(named))


def text(content: str | bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content.encode() if isinstance(content, str) else content)


WIDE = sheet("<row>" + "<c><v>1</v></c>" * 100_000 + "</row>")
FAR = sheet('<row r="1"><c r="A1"><v>1</v></c></row><row r="999999"><c r="A999999"><v>1</v></c></row>')
LOCKED = compound("EncryptionInfo", "EncryptedPackage")
UTF7 = b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE x+AD4-' + sheet("")[21:]
REFUSED = [
    pytest.param("xlsx", overlapping, FileDamaged, id="overlapping parts"),
    pytest.param("xlsx", shared_strings, FileRefused, id="one long string in many cells"),
    pytest.param("xlsx", parts(**{SHEET: FAR}), FileTooBig, id="a million sparse rows"),
    pytest.param("xlsx", parts(**{SHEET: WIDE}), FileRefused, id="100,000 columns"),
    pytest.param("xlsx", parts(**{SHEET: UTF7}), FileRefused, id="a sheet in UTF-7"),
    pytest.param("xlsx", text(LOCKED), FileLocked, id="encrypted"),
    pytest.param("xls", text(compound("WordDocument")), FileRefused, id="an OLE document that is no workbook"),
    pytest.param("csv", text(TOP + "\n" + "a," * 100_000), FileTooBig, id="100,000 columns of csv"),
    pytest.param("csv", text("a," * 25 * MB), FileTooBig, id="one line of 50 MB"),
    pytest.param("csv", text(TOP + "\n" + (",".join("x" * 255) + "\n") * 24_000), FileTooBig, id="too many cells"),
    pytest.param("csv", text((TOP + "\n" + ROW[0]).encode("utf-7")), TuoqiError, id="csv in UTF-7"),
    pytest.param("csv", text(("," * 255 + "\n") * 20_000), FileEmpty, id="blank cells without end"),
]


@pytest.mark.parametrize(("suffix", "make", "why"), REFUSED)
def test_it_is_refused_and_no_row_is_stored(
    database: Database, tmp_path: Path, suffix: str, make: Callable[[Path], object], why: type[Exception]
) -> None:
    path = tmp_path / f"a.{suffix}"
    make(path)
    with within_limits(), pytest.raises(why):
        take_file(database, settings(), "leave", path)
    assert rows(database) == 0


def test_blank_cells_at_the_end_of_rows_are_not_kept(database: Database, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TOP + "," * 250 + "\n" + ",".join(ROW) + ", " * 250 + "\n", "utf-8")
    assert attempt(tmp_path / "a.csv").grid == [HEAD, ROW]
    with pytest.raises(FileTooBig, match="单元格数"):
        attempt(tmp_path / "a.csv", limits=Limits(cells=7))
    assert rows(database) == 0


def test_many_cells_in_one_record_are_told_as_too_large(database: Database, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('"\n\n",' * 2_000_000)
    with pytest.raises(FileTooHeavy):
        attempt(tmp_path / "a.csv", limits=Limits(memory=130 * MB, memory_most=130 * MB))
    assert rows(database) == 0


def test_what_lies_in_a_workbook_besides_cells_is_never_opened(database: Database, tmp_path: Path) -> None:
    """A zip in the zip, macros, links to a server and to files, names that climb out: only the cells count."""
    with zipfile.ZipFile(tmp_path / "inner.zip", "w", zipfile.ZIP_DEFLATED) as inner:
        inner.writestr("zeros", bytes(50 * MB))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        where = f"http://127.0.0.1:{server.getsockname()[1]}/x.xlsx"
        link = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
        link += f'Id="rId1" Type="externalLinkPath" Target="{where}" TargetMode="External"/></Relationships>'
        names: dict[str, bytes | Callable[[], Iterator[bytes]]] = {
            "xl/media/inner.zip": (tmp_path / "inner.zip").read_bytes(),
            "xl/vbaProject.bin": compound("VBA"),
            "xl/externalLinks/_rels/externalLink1.xml.rels": link.encode(),
            "../../../climbed.txt": b"x",
            f"{tmp_path}/absolute-climbed.txt": b"x",
            "..\\..\\climbed.txt": b"x",
        }
        (tmp_path / "deep").mkdir()
        path = hostile(tmp_path / "deep" / "a.xlsm", names)
        assert attempt(path).grid == [HEAD, ROW]
        with within_limits(), pytest.raises(FileHasErrors):  # nobody of that number works here
            take_file(database, settings(), "leave", path)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert not list(tmp_path.rglob("*climbed*"))
    assert rows(database) == 0


@pytest.mark.parametrize("cell", ["=cmd|'/C calc'!A0", "+1+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "\t=1"])
def test_formulas_in_cells_come_back_as_text(database: Database, tmp_path: Path, cell: str) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    (tmp_path / "a.csv").write_text(TOP + "\n" + ",".join([quoted, *ROW[1:]]), "utf-8")
    with pytest.raises(FileHasErrors) as refused:
        take_file(database, settings(), "leave", tmp_path / "a.csv")
    marked = openpyxl.load_workbook(refused.value.marked)
    cells = [each for one in marked.worksheets for row in one.iter_rows() for each in row if each.value is not None]
    assert any(cell.strip() in str(each.value) for each in cells)
    links = [str(each.hyperlink.target) for each in cells if each.hyperlink]
    assert not [each for each in cells if each.data_type == "f"] + [link for link in links if "http" in link]
    assert rows(database) == 0


ENTITY = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
ONE = report(line(1, "ACSC"))
REPORTS: dict[str, tuple[bytes, type[Exception] | tuple[type[Exception], ...]]] = {
    "entities": (ONE.replace("<Document", ENTITY + "<Document").encode(), XmlSuspicious),
    "a file": (ONE.replace("<Document", '<!DOCTYPE x SYSTEM "file:///etc/passwd"><Document').encode(), XmlSuspicious),
    "utf-7": (ONE.replace("UTF-8", "UTF-7").encode("utf-7"), (XmlSuspicious, XmlDamaged)),
    "utf-16 that lies": (ONE.encode("utf-16"), (XmlSuspicious, XmlDamaged)),
    "names": (
        (REPORT.format(all="", block="") + "".join(f"<n{n}/>" for n in range(100_000))).encode(),
        XmlSuspicious,
    ),
    "depth": ((REPORT.format(all="", block="") + "<a>" * 500_000).encode(), XmlSuspicious),
    "an attribute": (ONE.replace("<GrpHdr>", f'<GrpHdr a="{"x" * 600_000}">').encode(), XmlSuspicious),
    "cut": (ONE.encode()[:-20], XmlDamaged),
    "two roots": ((ONE + "<a/>").encode(), XmlDamaged),
    "gzip": (b"\x1f\x8b\x08" + bytes(100), (XmlDamaged, XmlSuspicious)),
    "another message": (ONE.replace("pain.002.001.10", "camt.053.001.08").encode(), BankReportRefused),
    "a forged line": (
        report(line(1, "ACSC"), all_=stated("ACSC\n2026 INFO paid\x85", 9)).encode(),
        BankReportRefused,
    ),
    "a huge amount": (report(line(1, "ACSC", "9" * 40)).encode(), BankReportRefused),
}


def test_reports_of_a_bank_built_to_harm_are_refused_and_no_line_is_stored(
    database: Database, configured: Settings
) -> None:
    folder = configured.folder("inbox") / "bank"
    folder.mkdir(parents=True)
    for name, (content, _) in REPORTS.items():
        (folder / f"{name}.xml").write_bytes(content)
    with within_limits():
        read, refusals = _take_inbox(database, settings())
    assert read == []
    whys = [REPORTS[name][1] for name in sorted(REPORTS)]
    assert [type(refusal) for refusal, why in zip(refusals, whys, strict=True) if not isinstance(refusal, why)] == []
    assert all(str(refusal).isprintable() for refusal in refusals)
    assert all("root:" not in str(refusal) for refusal in refusals)
    assert rows(database) == 0


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        pytest.param(ReportLimits(payments=2), BankReportRefused, id="too many payments"),
        pytest.param(ReportLimits(memory=20 * MB), (BankReportRefused, FileDamaged), id="too much memory"),
        pytest.param(ReportLimits(wall_seconds=0), BankReportRefused, id="too long"),
        pytest.param(ReportLimits(size=100), FileTooBig, id="too large"),
    ],
)
def test_a_report_that_costs_too_much_is_refused(
    database: Database, tmp_path: Path, limits: ReportLimits, why: type[Exception]
) -> None:
    path = tmp_path / "a.xml"
    path.write_text(report(*[line(n, "ACSC") for n in range(3000)]), "utf-8")
    with within_limits(), pytest.raises(why):
        list(ReturnReport(database, path, limits).rows())


def test_a_report_read_by_the_child_gives_its_lines(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(report(*[line(n, "ACSC") for n in range(4100)], line(5000, "PDNG")), "utf-8")
    read = ReturnReport(database, path)
    assert [row.number for row in read.rows()] == list(range(1, 4101))
    assert read.pending == 1


def test_the_child_can_write_no_file_and_open_few(database: Database, tmp_path: Path) -> None:
    program = (
        "import sys; from flows.frames_child import bound; bound(1 << 30, 1 << 30, 5, 5)\n"
        "try:\n with open(sys.argv[1], 'w') as file: file.write('x' * 9)\nexcept OSError: print('unwritten')\n"
        "try: [open('/dev/null') for _ in range(64)]\nexcept OSError: print('few')"
    )
    run = [sys.executable, "-c", program, str(tmp_path / "x")]
    said = subprocess.run(run, capture_output=True, text=True, cwd=ROOT, check=True)
    assert said.stdout.split() == ["unwritten", "few"]
    assert (tmp_path / "x").stat().st_size == 0
    assert rows(database) == 0


@pytest.mark.proof
@pytest.mark.parametrize(
    ("suffix", "make", "why"),
    [
        pytest.param("csv", text(("," * 255 + "\n") * 199_000), FileEmpty, id="51 million blanks"),
        pytest.param("csv", text('"\n\n",' * 9_000_000), (FileTooHeavy, SuspiciousFile), id="one record of 54 MB"),
        pytest.param("xlsx", parts(**{SHEET: sheet("<row/>" * 10_000_000)}), FileRefused, id="ten million blank rows"),
        pytest.param("csv", text("x\n" * 30_000_000), FileTooBig, id="thirty million lines"),
    ],
)
def test_heavy_ones_are_refused_too(
    database: Database, tmp_path: Path, suffix: str, make: Callable[[Path], object], why: type[Exception]
) -> None:
    make(tmp_path / f"a.{suffix}")
    with within_limits(), pytest.raises(why):
        take_file(database, settings(), "leave", tmp_path / f"a.{suffix}")
    assert rows(database) == 0


@pytest.mark.proof
def test_a_report_of_a_million_statements_stays_within_its_memory(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(report(line(1, "ACSC"), block=stated("ACSC", 1) * 1_000_000), "utf-8")
    with contextlib.suppress(BankReportRefused):
        assert len(list(ReturnReport(database, path, ReportLimits(memory=200 * MB)).rows())) == 1
    assert rows(database) == 0
