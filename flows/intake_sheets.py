"""A file of several sheets -> each parsed against its register -> rows numbered through, and back to sheet and row."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from flows.tables import read_tables
from rules.errors import say
from rules.registers import CellError, Register, Row, parse
from rules.registers.grid import find_header, positions
from rules.registers.spelling import plain


class Sheets:
    """The sheets of one file; a row of the second is numbered after the last of the first, so that numbers are single.

    Raises:
        FileRefused: from flows.tables.
    """

    def __init__(self, path: Path, form: Register) -> None:
        self.tables = read_tables(path, form)
        self._parsed = [parse(form, table.grid) for table in self.tables]
        self._columns = [_columns(form, table.grid) for table in self.tables]
        self._starts = [0, *accumulate(len(table.grid) for table in self.tables)][:-1]
        self.unknown_columns = dict(
            enumerate(dict.fromkeys(name for one in self._parsed for name in one.unknown_columns.values()))
        )

    @property
    def rows(self) -> list[Row]:
        """The good rows of every sheet."""
        pairs = zip(self._parsed, self._starts, strict=True)
        return [Row(row.number + start, row.values) for one, start in pairs for row in one.rows]

    @property
    def errors(self) -> list[CellError]:
        """The bad cells of every sheet, numbered as `rows`."""
        pairs = zip(self._parsed, self._starts, strict=True)
        return [replace(error, row=error.row + start) for one, start in pairs for error in one.errors]

    def placed(self, errors: Iterable[CellError]) -> list[CellError]:
        """Say of errors where they stand: the row as Excel counts, and the sheet where there are several."""
        several = len(self.tables) > 1
        found = []
        for error in sorted(errors, key=lambda each: each.row):
            at = bisect_right(self._starts, error.row - 1) - 1
            name = self.tables[at].sheet if several else ""
            found.append(replace(error, row=error.row - self._starts[at], sheet=name))
        return found

    def cell(self, number: int, column: str) -> str:
        """What a row says in a column, in the one spelling; for rows that could not be parsed. "" where nothing is."""
        at = bisect_right(self._starts, number - 1) - 1
        place, grid, row = self._columns[at].get(column), self.tables[at].grid, number - self._starts[at] - 1
        cells = grid[row] if row < len(grid) else []
        return plain(cells[place]).strip() if place is not None and place < len(cells) else ""

    def showing(self, numbers: Collection[int]) -> Callable[[str, int], bool]:
        """Tell of a sheet's row, as Excel counts, whether it is one of these; for write_left_out."""
        starts = {table.sheet: start for table, start in zip(self.tables, self._starts, strict=True)}
        return lambda sheet, row: starts[sheet] + row in numbers

    @property
    def remark(self) -> str:
        """How the file was read: sheets without headers and hidden ones were not."""
        first = self.tables[0]
        remarks = [replace(first, other_sheets=()).remark] if len(self.tables) > 1 else [first.remark]
        if first.other_sheets and len(self.tables) > 1:
            zh, en = "、".join(first.other_sheets), ", ".join(first.other_sheets)
            remarks.append(say(f"没有表头、未读取的工作表：{zh}。", f"sheets without headers were not read: {en}."))
        if first.hidden_sheets:
            zh, en = "、".join(first.hidden_sheets), ", ".join(first.hidden_sheets)
            remarks.append(say(f"隐藏的工作表没有读取：{zh}。", f"hidden sheets were not read: {en}."))
        return " ".join(filter(None, remarks))


def _columns(form: Register, grid: list[list[str]]) -> dict[str, int]:
    header = find_header(form, grid)
    return positions(form, grid[header]) if header is not None else {}
