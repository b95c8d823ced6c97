"""A vetted workbook -> its first visible sheet with the right headers -> rows of text cells."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from posixpath import join, normpath
from xml.etree import ElementTree as ET

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from rules.registers.grid import HEADER_DEPTH, header_key

OWN_SHEETS = frozenset({"填写说明", "Notes", "问题汇总", "Problems"})  # of our forms and error workbooks
EXACT = 10**15  # Excel keeps 15 digits
FAILED = "#N/A"

Value = str | float | bool | date | datetime | time | timedelta
Spans = dict[int, list[tuple[int, int]]]

_ADDRESS = re.compile(r"([A-Z]+)([0-9]+)")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True)
class Sheet:
    """One sheet as it comes off the file: its size and its rows, which can be walked once."""

    name: str
    height: int
    width: int
    rows: Iterator[list[str]]
    others: list[str]
    hidden: list[str]


def choose(path: Path, needed: list[list[str]], failed: dict[str, set[str]]) -> Sheet | None:
    """Open the first visible sheet whose top rows have every needed header, else the first with any cell.

    Args:
        path: an xlsx or xls file.
        needed: accepted spellings of each needed header; empty if any sheet will do.
        failed: by part of the zip, cells whose formula has no result.

    Returns:
        None if no visible sheet has a cell.

    Raises:
        CalamineError: the file is damaged or locked.
    """
    workbook = CalamineWorkbook.from_path(path)
    names = [
        meta.name
        for meta in workbook.sheets_metadata
        if meta.typ == SheetTypeEnum.WorkSheet and meta.visible == SheetVisibleEnum.Visible
    ]
    names = [name for name in names if name not in OWN_SHEETS]
    filled = []
    for name in names:
        sheet = workbook.get_sheet_by_name(name)
        if sheet.start is None:
            continue
        filled.append(name)
        if len(names) == 1 or _has_headers(sheet, needed):
            return _open(path, sheet, names, failed)
    return _open(path, workbook.get_sheet_by_name(filled[0]), names, failed) if filled else None


def choose_all(path: Path, needed: list[list[str]], failed: dict[str, set[str]]) -> list[Sheet]:
    """Open every visible sheet that is a table of the kind: most of the needed headers are in its top rows.

    One header of several may be missing: then it is for the parser to say which. If no sheet is such a table, the one
    that `choose` picks is opened. `others` are the sheets that no table was found on, `hidden` those that nobody sees.
    """
    workbook = CalamineWorkbook.from_path(path)
    sheets = [meta for meta in workbook.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    hidden = [meta.name for meta in sheets if meta.visible != SheetVisibleEnum.Visible]
    names = [meta.name for meta in sheets if meta.name not in OWN_SHEETS and meta.name not in hidden]
    filled = [sheet for sheet in map(workbook.get_sheet_by_name, names) if sheet.start is not None]
    chosen = [sheet for sheet in filled if _has_headers(sheet, needed, max(len(needed) - 1, 1))] or filled[:1]
    others = [sheet.name for sheet in filled if sheet not in chosen]
    opened = [_open(path, sheet, [], failed) for sheet in chosen]
    return [replace(sheet, others=others, hidden=hidden) for sheet in opened]


def has_headers(rows: list[list[str]], needed: list[list[str]], least: int | None = None) -> bool:
    """Whether one of the rows has every needed header, or at least so many of them."""
    keys = [{header_key(cell) for cell in row} for row in rows]
    wanted = len(needed) if least is None else least
    return any(sum(not found.isdisjoint(spellings) for spellings in needed) >= wanted for found in keys)


def cell_text(value: Value) -> str:
    """A cell as text; a number Excel has already rounded shows as 5.30102196501011E+17, as Excel shows it."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number_text(value)
    if isinstance(value, datetime):
        return (value + timedelta(microseconds=500_000)).replace(microsecond=0).isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _number_text(value: float) -> str:
    if abs(value) >= EXACT:
        return f"{value:.14E}"
    return str(int(value)) if value == int(value) else f"{value:.15g}"


def _has_headers(sheet: CalamineSheet, needed: list[list[str]], least: int | None = None) -> bool:
    top = [[cell_text(cell) for cell in row] for row in islice(sheet.iter_rows(), HEADER_DEPTH)]
    return has_headers(top, needed, least)


def _open(path: Path, sheet: CalamineSheet, names: list[str], failed: dict[str, set[str]]) -> Sheet:
    others = [name for name in names if name != sheet.name]
    rows = _texts(sheet)
    if spans := _tall_spans(sheet):
        rows = _fill_down(rows, spans)
    if marks := _failed_cells(path, sheet.name, failed):
        rows = _mark_failed(rows, marks)
    return Sheet(sheet.name, sheet.total_height, sheet.total_width, rows, others, [])


def _texts(sheet: CalamineSheet) -> Iterator[list[str]]:
    """Rows of text from the first row and column of the sheet; equal texts share one object, which frames fast."""
    left = [""] * (sheet.start[1] if sheet.start else 0)
    for row in sheet.iter_rows():
        yield left + [cell if cell.__class__ is str else cell_text(cell) for cell in row]


def _tall_spans(sheet: CalamineSheet) -> Spans:
    """By first row: last row and column of each merged range over several rows."""
    spans: Spans = {}
    for (top, left), (bottom, _right) in sheet.merged_cell_ranges or []:
        if bottom > top:
            spans.setdefault(top, []).append((bottom, left))
    return spans


def _fill_down(rows: Iterator[list[str]], spans: Spans) -> Iterator[list[str]]:
    """Repeat a vertically merged value in each of its rows that says anything else."""
    active: dict[int, tuple[int, str]] = {}
    for number, row in enumerate(rows):
        active = {column: span for column, span in active.items() if span[0] >= number}
        if active and any(row):
            for column, (_bottom, text) in active.items():
                row[column] = row[column] or text
        active |= {column: (bottom, row[column]) for bottom, column in spans.get(number, []) if column < len(row)}
        yield row


def _failed_cells(path: Path, sheet: str, failed: dict[str, set[str]]) -> dict[int, list[int]]:
    """By row: the columns of this sheet whose formula has no result."""
    marks: dict[int, list[int]] = {}
    for cell in failed.get(_part_of(path, sheet), ()) if failed else ():
        match = _ADDRESS.fullmatch(cell)
        assert match is not None
        column = 0
        for letter in match[1]:
            column = column * 26 + ord(letter) - 64
        marks.setdefault(int(match[2]) - 1, []).append(column - 1)
    return marks


def _part_of(path: Path, sheet: str) -> str:
    """The part of the zip that holds a sheet; vetting has found no declaration in its XML."""
    with zipfile.ZipFile(path) as archive:
        book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - vetted: no DOCTYPE, bounded
        relations = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - vetted
    target = {each.get("Id"): each.get("Target", "") for each in relations}
    for each in book.iter():
        if each.tag.endswith("}sheet") and each.get("name") == sheet:
            return normpath(join("xl", target.get(each.get(_RELATION), ""))).lstrip("/")
    return ""


def _mark_failed(rows: Iterator[list[str]], marks: dict[int, list[int]]) -> Iterator[list[str]]:
    for number, row in enumerate(rows):
        for column in marks.get(number, ()):
            if column < len(row) and not row[column]:
                row[column] = FAILED
        yield row
