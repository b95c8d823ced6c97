"""A file somebody sent -> a child process with limits reads it -> a grid of text cells, or a refusal.

The limits, and why they stand where they do (one machine with 2 cores, python-calamine 0.9):
- `size` 64 MB: 160,000 rows x 20 columns are 15-25 MB as xlsx and about 40 MB as csv.
- `unpacked` 384 MB in all and `ratio` 100 for any part over 1 MB: the same file unpacks to 190-260 MB.
- `rows` 200,000, `columns` 256: the elder register of a district, and a mark sheet of 200 items.
  `cells` 6 million: those with a value in a workbook, and in any file those up to the last filled one of each row.
- `line` 256 Ki characters of a csv: 256 columns of a thousand.
- `memory` 512 MB and `seconds` of CPU for the child, which alone touches the file. A large file that passed
  the checks gets one more second for each 16 MB it unpacks to, and 4 times its unpacked size up to `memory_most`.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows.frames import Died, frames
from flows.steady import open_regular
from rules.collector import collector_paused
from rules.errors import say, shown
from rules.registers import Register
from rules.registers.grid import accepted_headers
from rules.registers.refusals import REFUSALS, FileDamaged, FileRefused, SuspiciousFile

MB = 1024 * 1024
SUFFIXES = {"xlsx": {".xlsx", ".xlsm"}, "xls": {".xls", ".et"}, "csv": {".csv", ".txt", ".tsv"}}


@dataclass(frozen=True)
class Limits:
    """What a file may cost; see the module for the reasons."""

    size: int = 64 * MB
    unpacked: int = 384 * MB
    ratio: int = 100
    parts: int = 2000
    rows: int = 200_000
    columns: int = 256
    cells: int = 6_000_000
    line: int = 256 * 1024
    memory: int = 512 * MB
    memory_most: int = 1024 * MB
    seconds: int = 6
    wall_seconds: int = 60


@dataclass(frozen=True)
class Table:
    """One sheet as text: row 1 of the file is `grid[0]`.

    Attributes:
        name: the file's name without its folder.
        kind: what the content really is: xlsx, xls, or csv with its encoding.
        sheet: the sheet that was read; "" for csv.
        grid: text cells. Numbers have no needless ".0"; one of 16 digits or more, which Excel has already
            rounded, reads 5.30102196501011E+17. Days are ISO. Vertically merged cells repeat their value. A row ends
            with its last filled cell.
        other_sheets: visible sheets that were not read.
        hidden_sheets: told where every sheet with the headers is read; none of them was.
    """

    name: str
    kind: str
    sheet: str
    grid: list[list[str]]
    other_sheets: tuple[str, ...] = ()
    hidden_sheets: tuple[str, ...] = ()

    @property
    def remark(self) -> str:
        """What the user should know of how the file was read; "" if nothing."""
        suffix, remarks = Path(self.name).suffix.lower(), []
        if suffix not in SUFFIXES[self.kind.split()[0]]:
            remarks.append(
                say(
                    f"{shown(self.name)} 的实际内容是 {self.kind}，已按此读取。",
                    f"{shown(self.name)} really is {self.kind} and was read so.",
                )
            )
        if self.other_sheets:
            zh, en = "、".join(self.other_sheets), ", ".join(self.other_sheets)
            remarks.append(
                say(f"只读取了工作表“{self.sheet}”，没有读取：{zh}。", f"only sheet {self.sheet!r} was read, not {en}.")
            )
        return " ".join(remarks)


def read_table(path: str | os.PathLike[str], register: Register | None = None, limits: Limits | None = None) -> Table:
    """Read an xlsx, xls or csv file by its content, whatever its name, in a child process with limits.

    Args:
        path: the file.
        register: picks the first visible sheet with its headers; without it, the first visible sheet with any cell.
        limits: what the file may cost.

    Raises:
        FileRefused: one of its subclasses in rules/registers/refusals.py, each saying what to do.
    """
    with collector_paused():
        first, *rest = table_frames(path, register, limits)
        for frame in rest:
            first.grid.extend(frame.grid)
    return first


def read_tables(path: str | os.PathLike[str], register: Register, limits: Limits | None = None) -> list[Table]:
    """Read every visible sheet that has the register's headers, in the order of the workbook.

    Raises:
        FileRefused: as read_table.
    """
    tables: list[Table] = []
    with collector_paused():
        for piece in table_frames(path, register, limits, every=True):
            if tables and tables[-1].sheet == piece.sheet:
                tables[-1].grid.extend(piece.grid)
            else:
                tables.append(piece)
    return tables


def table_frames(
    path: str | os.PathLike[str], register: Register | None = None, limits: Limits | None = None, *, every: bool = False
) -> Iterator[Table]:
    """Read the same file piece by piece, a few thousand rows at a time, each piece with what is known of the file.

    A refusal may come after some rows; who reads so keeps nothing before the end.

    Raises:
        FileRefused: as read_table.
    """
    file, limits = Path(path), limits or Limits()
    open_regular(file, limits.size).close()
    needed = accepted_headers(register) if register else []
    request = json.dumps({"path": str(file.resolve()), "limits": asdict(limits), "needed": needed, "every": every})
    head: dict[str, Any] = {}
    try:
        for frame in _frames(request, limits.wall_seconds):
            if isinstance(frame, list):
                yield Table(file.name, head["kind"], head["sheet"], frame, tuple(head["others"]), tuple(head["hidden"]))
            elif "refused" in frame:
                raise REFUSALS[frame["refused"]](name=file.name, **frame["fields"])
            else:
                head = frame
    except Died as died:
        raise _died(file.name, died) from None


def _frames(request: str, wall_seconds: int) -> Iterator[Any]:
    return frames("flows.tables_child", request, wall_seconds)


def _died(name: str, died: Died) -> FileRefused:
    if not died.by_limit:
        return FileDamaged(name)
    return SuspiciousFile(
        name,
        "读取它需要的内存或时间超出上限，常见原因是最右或最下方有零散的单元格",
        "it needs more memory or time than any register, often for a stray cell at the far end of the sheet",
    )
