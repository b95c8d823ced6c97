"""The child of flows/tables.py: one file in, frames of text cells out, under limits of memory and CPU.

Light on purpose: no Prefect, no database, no settings. Frames are a 4-byte length and marshalled data: one
dict that says what was read or why it was refused, lists of rows, and None as the last word.
"""

import contextlib
import csv
import gc
import json
import marshal
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from python_calamine import CalamineError, PasswordError

from flows.tables import MB, Limits
from flows.tables_sheets import Sheet, choose, choose_all, has_headers
from flows.tables_vetting import vet
from rules.registers.grid import HEADER_DEPTH
from rules.registers.refusals import FileDamaged, FileEmpty, FileLocked, FileRefused, FileTooBig, NotATable

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
    _set_limits(limits)
    gc.disable()  # a short life, and rows have no cycles
    out = sys.stdout.buffer
    try:
        for frame in _read(path, limits, request["needed"], every=request["every"]):
            _say(out, frame)
    except FileRefused as refused:
        fields = {key: value for key, value in vars(refused).items() if key != "name"}
        _say(out, {"refused": type(refused).__name__, "fields": fields})
    _say(out, None)


def _say(out: IO[bytes], frame: Any) -> None:
    packed = marshal.dumps(frame)
    out.write(len(packed).to_bytes(4) + packed)
    out.flush()


def _set_limits(limits: Limits) -> None:
    """Bound this process; macOS refuses some limits, there the parent's clock remains."""
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_AS, limits.memory, max(limits.memory, limits.memory_most))
    _limit(resource.RLIMIT_CPU, limits.seconds, _seconds(limits.unpacked, limits))


def _allow_more(unpacked: int, limits: Limits) -> None:
    """A large file that passed the checks may take more time and memory, in proportion."""
    most = max(limits.memory, limits.memory_most)
    _limit(resource.RLIMIT_AS, max(limits.memory, min(4 * unpacked, most)), most)
    _limit(resource.RLIMIT_CPU, _seconds(unpacked, limits), _seconds(limits.unpacked, limits))


def _seconds(unpacked: int, limits: Limits) -> int:
    return limits.seconds + unpacked // BYTES_A_SECOND


def _limit(what: int, soft: int, hard: int) -> None:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (soft, hard))


def _read(path: Path, limits: Limits, needed: list[list[str]], *, every: bool = False) -> Iterator[Any]:
    """Frames of the file, by what its first bytes say it is; with `every` all its tables, each with a head."""
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.strip():
        raise FileEmpty(path.name)
    if start.startswith((ZIP, OLE)):
        kind, sheets = _open_workbook(path, start, limits, needed, every=every)
    else:
        kind, sheets = _open_csv(path, start, limits, needed)
    _check_shape(path.name, sum(sheet.height for sheet in sheets), max(sheet.width for sheet in sheets), limits)
    count, filled = 0, False
    for sheet in sheets:
        yield {"kind": kind, "sheet": sheet.name, "others": sheet.others, "hidden": sheet.hidden}
        while frame := list(islice(sheet.rows, ROWS_A_FRAME)):
            count += len(frame)
            filled = filled or any(map(any, frame))
            _check_shape(path.name, count, max(map(len, frame)), limits)
            yield frame
    if not filled:
        raise FileEmpty(path.name)


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
    _allow_more(path.stat().st_size, limits)
    delimiter = _delimiter(path, ENCODINGS[encoding], needed)
    rows = _csv_rows(path, ENCODINGS[encoding], delimiter)
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


def _delimiter(path: Path, encoding: str, needed: list[list[str]]) -> str:
    """The delimiter that makes the headers appear, else the most frequent one at the top."""
    tops = {each: list(islice(_csv_rows(path, encoding, each), HEADER_DEPTH)) for each in DELIMITERS}
    right = [each for each, rows in tops.items() if needed and has_headers(rows, needed)]
    return right[0] if right else max(DELIMITERS, key=lambda each: sum(map(len, tops[each])))


def _csv_rows(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    with path.open(encoding=encoding, newline="") as text:
        try:
            yield from csv.reader(text, delimiter=delimiter)
        except csv.Error:
            raise FileDamaged(path.name) from None


if __name__ == "__main__":
    main()
