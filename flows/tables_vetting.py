"""The parts of a workbook -> unpacked once, counted and searched -> fit to be read, or refused.

An xlsx file is a zip of XML. Sizes are counted while unpacking, for headers can lie; nothing is kept.
"""

import re
import zipfile
import zlib
from dataclasses import dataclass, field
from itertools import islice
from typing import IO

from flows.tables import MB, Limits
from rules.registers.refusals import FileDamaged, FileLocked, FileTooBig, NotATable, SuspiciousFile

PIECE = MB
OVERLAP = 1024  # longer than any tag we look for
SMALL = MB  # a part below this may be as repetitive as it likes

_DECLARATION = re.compile(rb"<!(?!--|\[CDATA\[)")
_FAR_CELL = re.compile(rb"""<c r=["']([A-Za-z]{3}[0-9]+|[A-Za-z]+[0-9]{7,})["'][^>/]*>""")
_FAILED = re.compile(rb'<c r="([A-Z]+[0-9]+)"[^>]* t="e"')
_NEVER_CALCULATED = re.compile(
    rb'<c r="([A-Z]+[0-9]+)"(?: s="[0-9]+")?><f[^>]*(?:/>|>[^<]*</f>)(?:<v></v>|<v ?/>)?</c>'
)
_EMPTY_RESULTS = (b"</f></c>", b"</f><v></v>", b"</f><v/>", b"</f><v />")
MOST_FAILED = 10_000


@dataclass
class Parts:
    """What vetting found: bytes, cells with a value, and by part the cells whose formula has no result."""

    unpacked: int = 0
    cells: int = 0
    failed: dict[str, set[str]] = field(default_factory=dict)


def vet(file: IO[bytes], name: str, limits: Limits) -> Parts:
    """Unpack every part once.

    Raises:
        FileRefused: a bomb, a declaration, a far cell, too many parts, a password, damage, or no workbook at all.
    """
    found = Parts()
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _check_contents(name, entries, limits)
            for entry in entries:
                _unpack(archive, entry, name, limits, found)
    except RuntimeError:
        raise FileLocked(name) from None
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, zlib.error, NotImplementedError):
        raise FileDamaged(name) from None
    return found


def _check_contents(name: str, entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(entries) > limits.parts:
        raise FileTooBig(name, "内部文件数", "parts", len(entries), limits.parts)
    declared = sum(entry.file_size for entry in entries)
    if declared > limits.unpacked:
        raise FileTooBig(name, "解压后字节数", "bytes unpacked", declared, limits.unpacked)
    names = {entry.filename for entry in entries}
    if "xl/workbook.xml" not in names:
        raise NotATable(name, *_what_else(names))


def _what_else(names: set[str]) -> tuple[str, str]:
    for sign, zh, en in (
        ("word/document.xml", " Word 文档", "a Word document"),
        ("ppt/presentation.xml", " PowerPoint 演示", "a PowerPoint presentation"),
        ("xl/workbook.bin", " xlsb 二进制工作簿", "a binary workbook (xlsb)"),
        ("content.xml", " OpenDocument 文件", "an OpenDocument file"),
    ):
        if sign in names:
            return zh, en
    return "压缩包", "a zip archive"


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, limits: Limits, found: Parts) -> None:
    """Count and search one part; the declared size is not believed."""
    entry.file_size = limits.unpacked + 1
    size, kept = 0, b""
    with archive.open(entry) as part:
        while piece := part.read(PIECE):
            size += len(piece)
            found.unpacked += len(piece)
            _check_growth(name, size, entry.compress_size, found.unpacked, limits)
            if size == len(piece) and not _is_xml(name, entry.filename, piece):
                return
            window = kept + piece
            found.cells += piece.count(b"</c>")
            if found.cells > limits.cells:
                raise FileTooBig(name, "单元格数", "cells", found.cells, limits.cells)
            _search(name, window)
            _note_failed(window, entry.filename, found)
            kept = window[-OVERLAP:]


def _check_growth(name: str, size: int, packed: int, total: int, limits: Limits) -> None:
    if total > limits.unpacked:
        raise FileTooBig(name, "解压后字节数", "bytes unpacked", total, limits.unpacked)
    if size > SMALL and size > limits.ratio * packed:
        raise SuspiciousFile(
            name, f"解压后超过原来的 {limits.ratio} 倍", f"it unpacks to over {limits.ratio} times its size"
        )


def _is_xml(name: str, part: str, start: bytes) -> bool:
    """Whether a part is XML in UTF-8; XML in another encoding would slip past the search."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<") and b"\x00" not in start[:OVERLAP]:
        return True
    if part.lower().endswith((".xml", ".rels")):
        raise SuspiciousFile(name, "内部文件不是 UTF-8 编码的 XML", "a part of it is not XML in UTF-8")
    return False


def _search(name: str, window: bytes) -> None:
    if _DECLARATION.search(window):
        raise SuspiciousFile(name, "含有 DOCTYPE 或 ENTITY 声明", "it declares a DOCTYPE or ENTITY")
    if far := _FAR_CELL.search(window):
        cell = far[1].decode().upper()
        raise SuspiciousFile(name, f"单元格 {cell} 在表格最远处", f"cell {cell} is at the far end of the sheet")


def _note_failed(window: bytes, part: str, found: Parts) -> None:
    """Note cells that calamine shows as empty although a formula should have filled them."""
    patterns = [_FAILED] if b't="e"' in window else []
    patterns += [_NEVER_CALCULATED] if any(sign in window for sign in _EMPTY_RESULTS) else []
    for pattern in patterns:
        cells = (match[1].decode() for match in pattern.finditer(window))
        found.failed.setdefault(part, set()).update(islice(cells, MOST_FAILED))
