"""A grid of text cells -> find the headers -> read columns -> check rows -> rows, or every error at once."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date

from rules.collector import collector_paused
from rules.errors import say
from rules.registers.cells import read_cell
from rules.registers.misspelt import misspelt
from rules.registers.shape import CellError, Column, Parsed, Register, Row
from rules.registers.spelling import BadCell

HEADER_DEPTH = 10  # titles, letterheads and remarks above the headers

Grid = Sequence[Sequence[str]]

_DECORATION = re.compile(r"\(.*?\)|\[.*?\]|【.*?】|[\s*_:※★●#]")


def parse(register: Register, grid: Grid) -> Parsed:
    """Read a file's cells against a register; never raises, whatever the cells say.

    Args:
        register: what the file should be.
        grid: rows of text cells, the first row being row 1 of the file; rows may differ in length.

    Returns:
        The rows and every error. A file with errors is refused as a whole.
    """
    at = find_header(register, grid)
    if at is None:
        return Parsed((), (_no_header(register),))
    mapping, unknown, errors = _map_columns(register, grid[at], at + 1)
    if errors:
        return Parsed((), tuple(errors), at + 1, mapping, unknown)
    with collector_paused():
        numbers, data = _data_rows(register, grid, at, mapping)
        rows, errors = _read_columns(register, numbers, data, mapping)
        rows, more = _check_rows(register, rows)
    errors = sorted([*errors, *more], key=lambda error: error.row)
    return Parsed(tuple(rows), tuple(errors), at + 1, mapping, unknown)


def header_key(text: str) -> str:
    """A header as it is compared: without brackets and what is in them, stars, spaces, line breaks and case."""
    return _DECORATION.sub("", unicodedata.normalize("NFKC", text)).casefold()


def find_header(register: Register, grid: Grid) -> int | None:
    """Position of the first of the top rows with every needed header, else of the one with most headers, else None."""
    known = _known_headers(register)
    needed = {column.name for column in register.needed}
    best, most = None, 0
    for at, cells in enumerate(grid[:HEADER_DEPTH]):
        found = {known[key] for key in map(header_key, cells) if key in known}
        if needed <= found:
            return at
        if len(found) > most:
            best, most = at, len(found)
    return best


def positions(register: Register, header: Sequence[str]) -> dict[str, int]:
    """Column name to its first position in a header row."""
    return _map_columns(register, header, 0)[0]


def accepted_headers(register: Register) -> list[list[str]]:
    """For each needed column every spelling of its header, as compared: what makes a row of a file its headers."""
    known = _known_headers(register)
    return [[key for key, name in known.items() if name == column.name] for column in register.needed]


def _known_headers(register: Register) -> dict[str, str]:
    """Every accepted header, as compared, to the column's name; names and headers win over other spellings."""
    known = {header_key(spelling): column.name for column in register.columns for spelling in column.also}
    known |= {header_key(column.header): column.name for column in register.columns}
    return known | {header_key(column.name): column.name for column in register.columns}


def _no_header(register: Register) -> CellError:
    zh = "、".join(column.header for column in register.needed)
    en = ", ".join(column.name for column in register.needed)
    return CellError(
        row=1,
        column=None,
        text="",
        problem=say(f"前 {HEADER_DEPTH} 行里没有找到表头", f"no headers in the first {HEADER_DEPTH} rows"),
        remedy=say(f"请用模板，或在表头写上：{zh}", f"use the form, or head the columns: {en}"),
    )


def _map_columns(
    register: Register, header: Sequence[str], number: int
) -> tuple[dict[str, int], dict[int, str], list[CellError]]:
    """Where each column stands, what is unknown, and which columns are missing or there twice."""
    known = _known_headers(register)
    mapping: dict[str, int] = {}
    unknown: dict[int, str] = {}
    errors = []
    for at, text in enumerate(header):
        key = header_key(text)
        name = known.get(key) or register.numbered(key)
        if name is None:
            unknown |= {at: text.strip()} if text.strip() else {}
        elif name in mapping:
            problem = say("这一列出现了两次", "this column is there twice")
            errors.append(
                CellError(number, register.column(name), text, problem, say("请只留一列", "keep only one of them"))
            )
        else:
            mapping[name] = at
    errors += [_missing(column, number) for column in register.needed if column.name not in mapping]
    errors += misspelt(register, {text: header_key(text) for text in unknown.values()}, _left(known, mapping), number)
    return mapping, unknown, errors


def _left(known: Mapping[str, str], mapping: Mapping[str, int]) -> dict[str, str]:
    """The accepted headers of the columns that were not found."""
    return {key: name for key, name in known.items() if name not in mapping}


def _missing(column: Column, number: int) -> CellError:
    problem = say("缺少这一列", "this column is missing")
    remedy = say(f"请在表头加上“{column.header}”", f"add the header {column.name!r} (or {column.header!r})")
    return CellError(number, column, "", problem, remedy)


def _data_rows(
    register: Register, grid: Grid, header_at: int, mapping: dict[str, int]
) -> tuple[list[int], list[Sequence[str]]]:
    """Row numbers and cells below the headers, without blank rows and repeated headers, padded to full width."""
    width = max(mapping.values()) + 1
    first = next(iter(mapping.values()))
    known = _known_headers(register)
    numbers: list[int] = []
    data: list[Sequence[str]] = []
    for number, cells in enumerate(grid[header_at + 1 :], start=header_at + 2):
        if not any(cells) or "".join(cells).isspace():
            continue
        full = cells if len(cells) >= width else [*cells, *[""] * (width - len(cells))]
        if full[first] and header_key(full[first]) in known and _repeats_header(register, full, mapping):
            continue
        numbers.append(number)
        data.append(full)
    return numbers, data


def _repeats_header(register: Register, cells: Sequence[str], mapping: dict[str, int]) -> bool:
    """Whether a row says the headers again, as merged two-row headers and page breaks do."""
    known, keys = _known_headers(register), {name: header_key(cells[at]) for name, at in mapping.items()}
    return all((known.get(key) or register.numbered(key)) == name for name, key in keys.items())


class _Memo(dict[str, object]):
    """Each distinct text of a column read once: dates, centres and yes/no repeat thousands of times."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self.column = column
        self.failed = False

    def __missing__(self, text: str) -> object:
        try:
            value = read_cell(self.column, text)
        except BadCell as bad:
            value = bad
            self.failed = True
        self[text] = value
        return value


def _read_columns(
    register: Register, numbers: list[int], data: list[Sequence[str]], mapping: dict[str, int]
) -> tuple[list[Row], list[CellError]]:
    """Read the cells column by column; a row with a bad cell is left out."""
    errors: list[CellError] = []
    values: list[list[object]] = []
    for name, at in mapping.items():
        column = register.column(name)
        texts = [cells[at] for cells in data]
        memo = _Memo(column)
        read = list(map(memo.__getitem__, texts))
        if memo.failed:
            errors += [
                CellError(number, column, text, value.problem, value.remedy)
                for number, text, value in zip(numbers, texts, read, strict=True)
                if isinstance(value, BadCell)
            ]
        values.append(read)
    bad = {error.row for error in errors}
    names = tuple(mapping)
    by_row = zip(numbers, zip(*values, strict=True), strict=True)
    rows = [Row(number, dict(zip(names, cells, strict=True))) for number, cells in by_row if number not in bad]
    return rows, errors


def _check_rows(register: Register, rows: list[Row]) -> tuple[list[Row], list[CellError]]:
    """Refuse backward periods and one key with two meanings; collapse identical rows, unless every row counts."""
    if register.every:
        return rows, []
    kept, errors = [], []
    seen: dict[tuple[object, ...], Row] = {}
    identity = register.identity
    for row in rows:
        key = tuple([row.values.get(name) for name in identity])
        first = seen.setdefault(key, row)
        if first is not row and first.values != row.values:
            errors.append(_twice(register, first, row))
        elif _backwards(row):
            errors.append(_ends_early(register, row))
        elif first is row:
            kept.append(row)
    return kept, errors


def _backwards(row: Row) -> bool:
    start, end = row.values.get("from"), row.values.get("until")
    return isinstance(start, date) and isinstance(end, date) and start > end


def _ends_early(register: Register, row: Row) -> CellError:
    return CellError(
        row=row.number,
        column=register.column("until"),
        text=str(row.values["until"]),
        problem=say(f"早于起始日期 {row.values['from']}", f"before the first day {row.values['from']}"),
        remedy=say("请改正其中一个日期", "correct one of the two days"),
    )


def _twice(register: Register, first: Row, row: Row) -> CellError:
    zh = "、".join(register.column(name).header for name in register.identity)
    differing = next(name for name in row.values if row.values[name] != first.values[name])
    column = register.column(differing)
    return CellError(
        row=row.number,
        column=column,
        text="" if not column.quotable else column.label(row.values[differing], "zh"),
        problem=say(
            f"与第 {first.number} 行的{zh}相同，内容却不同", f"row {first.number} has the same key but differs here"
        ),
        remedy=say(f"请只保留第 {first.number} 行或第 {row.number} 行", f"keep row {first.number} or row {row.number}"),
    )
