"""The child of flows/tables.py: one file in, frames of text cells out, under limits of memory and CPU.

Light on purpose: no Prefect, no database, no settings. Its frames (flows/frames.py) are one dict for each sheet that
says what is read, lists of rows, or one dict that says why the file is refused.
"""

import contextlib
import csv
import gc
import json
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from python_calamine import CalamineError, PasswordError

from flows.frames_child import bound, limit, speak
from flows.steady import open_regular
from flows.tables import MB, Limits
from flows.tables_sheets import Sheet, choose, choose_all, has_headers
from flows.tables_vetting import vet
from rules.registers.grid import HEADER_DEPTH
from rules.registers.refusals import FileDamaged, FileEmpty, FileLocked, FileTooBig, FileTooHeavy, NotATable

ROWS_A_FRAME = 4000
BYTES_A_SECOND = 16 * MB  # a third of the speed measured
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OTHERS = (
    (b"%PDF", " PDF 文件", "a PDF file"),
    (b"\x89PNG", "图片", "a picture"),
    (b"\xff\xd8\xff", "图片", "a picture"),
    (b"Rar!", " RAR 压缩包", "a RAR archive"),
    (b"7z\xbc\xaf", " 7z 压缩包", "a 7z archive"),
    (b"\x1f\x8b", " gzip 压缩包", "a gzip archive"),
    (b"{\\rtf", " RTF 文档", "an RTF document"),
)
ENCODINGS = {"UTF-8": "utf-8-sig", "UTF-16": "utf-16", "GB18030": "gb18030"}
DELIMITERS = (",", "\t", ";")


def main() -> None:
    """Read the file of the request in argv[1] and say what it holds."""
    request = json.loads(sys.argv[1])
    path, limits = Path(request["path"]), Limits(**request["limits"])
    bound(limits.memory, max(limits.memory, limits.memory_most), limits.seconds, _seconds(limits.unpacked, limits))
    gc.disable()  # a short life, and rows have no cycles
    read = _read(path, limits, request["needed"], every=request["every"])
    speak(read, lambda: FileTooHeavy(path.name))


def _allow_more(unpacked: int, limits: Limits) -> None:
    """A large file that passed the checks may take more time and memory, in proportion."""
    most = max(limits.memory, limits.memory_most)
    limit(resource.RLIMIT_AS, max(limits.memory, min(4 * unpacked, most)), most)
    limit(resource.RLIMIT_CPU, _seconds(unpacked, limits), _seconds(limits.unpacked, limits))


def _seconds(unpacked: int, limits: Limits) -> int:
    return limits.seconds + unpacked // BYTES_A_SECOND


def _read(path: Path, limits: Limits, needed: list[list[str]], *, every: bool = False) -> Iterator[Any]:
    """Frames of the file, by what its first bytes say it is; with `every` all its tables, each with a head."""
    with open_regular(path, limits.size) as file:
        start = file.read(4096)
    if not start.strip():
        raise FileEmpty(path.name)
    if start.startswith((ZIP, OLE)):
        kind, sheets = _open_workbook(path, start, limits, needed, every=every)
    else:
        kind, sheets = _open_csv(path, start, limits, needed)
    _check_shape(path.name, sum(sheet.height for sheet in sheets), max(sheet.width for sheet in sheets), limits)
    count = cells = 0
    for sheet in sheets:
        yield {"kind": kind, "sheet": sheet.name, "others": sheet.others, "hidden": sheet.hidden}
        while frame := list(islice(map(_without_blanks, sheet.rows), ROWS_A_FRAME)):
            count += len(frame)
            cells += sum(map(len, frame))
            _check_shape(path.name, count, max(map(len, frame)), limits)
            if cells > limits.cells:
                raise FileTooBig(path.name, "单元格数", "cells", cells, limits.cells)
            yield frame
    if not cells:
        raise FileEmpty(path.name)


def _without_blanks(row: list[str]) -> list[str]:
    """Drop the blank cells at the end of a row: they say nothing, and may be most of a file."""
    end = len(row)
    while end and (not row[end - 1] or row[end - 1].isspace()):
        end -= 1
    return row if end == len(row) else row[:end]


def _check_shape(name: str, rows: int, columns: int, limits: Limits) -> None:
    if rows > limits.rows:
        raise FileTooBig(name, "行数", "rows", rows, limits.rows)
    if columns > limits.columns:
        raise FileTooBig(name, "列数", "columns", columns, limits.columns)


def _open_workbook(
    path: Path, start: bytes, limits: Limits, needed: list[list[str]], *, every: bool
) -> tuple[str, list[Sheet]]:
    kind, unpacked, failed = "xls", path.stat().st_size, {}
    if start.startswith(ZIP):
        with path.open("rb") as file:
            found = vet(file, path.name, limits)
        kind, unpacked, failed = "xlsx", found.unpacked, found.failed
    _allow_more(unpacked, limits)
    try:
        one = None if every else choose(path, needed, failed)
        sheets = choose_all(path, needed, failed) if every else [one] if one else []
    except PasswordError:
        raise FileLocked(path.name) from None
    except CalamineError:
        raise FileDamaged(path.name) from None
    if not sheets:
        raise FileEmpty(path.name)
    return kind, sheets


def _open_csv(path: Path, start: bytes, limits: Limits, needed: list[list[str]]) -> tuple[str, list[Sheet]]:
    _refuse_others(path.name, start)
    encoding = _encoding(path, start)
    csv.field_size_limit(limits.line)  # read with a delimiter it does not have, a line is one field
    _allow_more(path.stat().st_size, limits)
    delimiter = _delimiter(path, ENCODINGS[encoding], needed, limits)
    rows = _csv_rows(path, ENCODINGS[encoding], delimiter, limits)
    return f"csv {encoding}", [Sheet("", 0, 0, rows, [], [])]


def _refuse_others(name: str, start: bytes) -> None:
    for sign, zh, en in OTHERS:
        if start.startswith(sign):
            raise NotATable(name, zh, en)
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        raise NotATable(name, "网页（HTML 或 XML）", "a web page (HTML or XML)")
    if b"\x00" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotATable(name, "二进制数据", "binary data")


def _encoding(path: Path, start: bytes) -> str:
    """The first encoding that the whole file is valid in; GB18030 accepts almost anything and comes last."""
    names = ["UTF-16"] if start.startswith((b"\xff\xfe", b"\xfe\xff")) else ["UTF-8", "GB18030"]
    for name in names:
        with contextlib.suppress(UnicodeError), path.open(encoding=ENCODINGS[name], newline="") as text:
            while piece := text.read(1 << 20):
                if "\x00" in piece:
                    break
            else:
                return name
    raise NotATable(path.name, "二进制数据", "binary data")


def _delimiter(path: Path, encoding: str, needed: list[list[str]], limits: Limits) -> str:
    """The delimiter that makes the headers appear, else the most frequent one at the top."""
    tops = {each: list(islice(_csv_rows(path, encoding, each, limits), HEADER_DEPTH)) for each in DELIMITERS}
    right = [each for each, rows in tops.items() if needed and has_headers(rows, needed)]
    return right[0] if right else max(DELIMITERS, key=lambda each: sum(map(len, tops[each])))


def _csv_rows(path: Path, encoding: str, delimiter: str, limits: Limits) -> Iterator[list[str]]:
    with path.open(encoding=encoding, newline="") as text:
        try:
            yield from csv.reader(_lines(path.name, text, limits.line), delimiter=delimiter)
        except csv.Error:
            raise FileDamaged(path.name) from None


def _lines(name: str, text: IO[str], most: int) -> Iterator[str]:
    """Lines of bounded length: one of 50 MB would become 25 million cells before anybody could count them."""
    while line := text.readline(most + 1):
        if len(line) > most:
            raise FileTooBig(name, "一行的字符数", "characters in one line", len(line), most)
        yield line


if __name__ == "__main__":
    main()
