"""A refused file and what is wrong with it -> the same table with each bad cell marked and explained, and a summary."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import quote_sheetname, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from flows.forms_rows import (
    ACCENT,
    BAD_INK,
    BAD_SHADE,
    FONT,
    LINE,
    SAMPLE,
    SHADE,
    page,
    safe_text,
    set_widths,
    style,
    text_width,
    workbook_at,
)
from flows.tables import Table
from rules.errors import say
from rules.registers import CellError, Register
from rules.registers.grid import find_header, positions

MOST_COMMENTS = 1000  # more make Excel slow; the problem column has every sentence
PROBLEM_TITLES = ("问题", "Problem")
MOST_SUMMARY = 5000
TOLD_WIDTH = 80
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'"))
_SUMMARY_WIDTHS = (16, 8, 18, 26, 44, 52)


def write_errors(path: Path, register: Register, table: Table, errors: Sequence[CellError]) -> None:
    """Write FILE.errors.xlsx: the table as it came, bad cells red with a comment, the sentences in a last column.

    Args:
        path: an .xlsx file, replaced if it is there. It holds what the refused file held: personal data too.
        register: what the file should have been.
        table: the file as read.
        errors: of the parser or the store. The corrected workbook can be imported as it is.
    """
    write_left_out(path, register, [table], errors, None)


def write_left_out(
    path: Path,
    register: Register,
    tables: Sequence[Table],
    errors: Sequence[CellError],
    kept: int | None,
    shown: Callable[[str, int], bool] = lambda _sheet, _row: True,
) -> None:
    """Write the workbook of a file of one or several sheets, each of them on a sheet of its own.

    Args:
        path: as write_errors.
        register: what the file should have been.
        tables: its sheets as read; one without an error is left out, unless it is the only one.
        errors: with the name of their sheet, where there are several.
        kept: how many rows were taken all the same; None if nothing of the file was.
        shown: whether a row of a sheet, as Excel counts, may be seen; others are blank and folded away, so that rows
            keep their numbers.
    """
    by_sheet: dict[str, list[CellError]] = {}
    for error in errors:
        by_sheet.setdefault(error.sheet if len(tables) > 1 else tables[0].sheet, []).append(error)
    with workbook_at(path) as book:
        looks, places = _looks(book), {}
        for table in tables:
            if table.sheet in by_sheet or len(tables) == 1:
                places[table.sheet] = _write_table(book, looks, register, table, by_sheet, shown)
        _write_summary(book, book.add_worksheet(say("问题汇总", "Problems")), errors, places, kept)


def _write_table(
    book: Workbook,
    looks: dict[str, Format],
    register: Register,
    table: Table,
    by_sheet: dict[str, list[CellError]],
    shown: Callable[[str, int], bool],
) -> "_Place":
    """Write one sheet with its marks; return where its columns are."""
    header_at = find_header(register, table.grid)
    grid = _without_problems(table.grid, header_at)
    places = positions(register, grid[header_at]) if header_at is not None else {}
    above = header_at if header_at is not None else -1
    folded = {row for row in range(above + 1, len(grid)) if not shown(table.sheet, row + 1)}
    grid = [[] if row in folded else cells for row, cells in enumerate(grid)]
    name = table.sheet.translate(_FORBIDDEN)[:31] or register.title_zh
    sheet = book.add_worksheet(name)
    marked = _Marked(sheet, looks, places, max(map(len, grid), default=0), folded)
    set_widths(sheet, [[cell[:40] for cell in row] for row in grid[header_at or 0 : SAMPLE]])
    sheet.set_column(marked.last, marked.last, TOLD_WIDTH)
    marked.write(grid, header_at, _by_row(by_sheet.get(table.sheet, [])))
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    if header_at is not None:
        sheet.freeze_panes(header_at + 1, 0)
        sheet.autofilter(header_at, 0, max(len(grid) - 1, header_at), marked.last)
    page(sheet, header_at or 0)
    return _Place(name, places)


class _Place(NamedTuple):
    """A sheet of ours: its name, and the positions of its columns."""

    name: str
    columns: dict[str, int]


def _without_problems(grid: Sequence[Sequence[str]], header_at: int | None) -> Sequence[Sequence[str]]:
    """The grid without the last column of an earlier error workbook, corrected in part and sent again."""
    titles = [cell.split("\n")[0] for cell in grid[header_at]] if header_at is not None else []
    if not titles or titles[-1] not in PROBLEM_TITLES:
        return grid
    return [row[: len(titles) - 1] for row in grid]


def _by_row(errors: Sequence[CellError]) -> dict[int, list[CellError]]:
    rows: dict[int, list[CellError]] = {}
    for error in errors:
        rows.setdefault(error.row - 1, []).append(error)
    return rows


def _looks(book: Workbook) -> dict[str, Format]:
    ruled = {"border": 1, "border_color": LINE}
    return {
        "title": book.add_format(style(bold=True)),
        "cell": book.add_format(style(num_format="@", **ruled)),
        "head": book.add_format(style(bold=True, bg_color=SHADE, font_color=ACCENT, text_wrap=True, **ruled)),
        "bad": book.add_format(
            style(num_format="@", bg_color=BAD_SHADE, font_color=BAD_INK, border=1, border_color=BAD_INK)
        ),
        "told": book.add_format(style(font_color=BAD_INK, text_wrap=True, **ruled)),
    }


@dataclass
class _Marked:
    """The sheet of the original table; `last` is the column of the sentences."""

    sheet: Worksheet
    looks: dict[str, Format]
    places: dict[str, int]
    last: int
    folded: set[int]
    comments: int = 0

    def write(self, grid: Sequence[Sequence[str]], header_at: int | None, errors: dict[int, list[CellError]]) -> None:
        """Every row as it came; a row with errors gets its marks and, in the last column, its sentences."""
        for row in range(max(len(grid), max(errors, default=-1) + 1)):
            cells = grid[row] if row < len(grid) else []
            if row in self.folded:
                self.sheet.set_row(row, None, None, {"hidden": True})
                continue
            kind = "head" if row == header_at else "cell" if header_at is None or row > header_at else "title"
            self._write_cells(row, cells, kind)
            told = [say(*PROBLEM_TITLES)] if row == header_at else []
            if wrong := errors.get(row):
                self._mark(row, cells, wrong)
                told += [error.sentence for error in wrong]
                self.sheet.set_row(row, 5 + 14 * sum(-(-text_width(line) // (TOLD_WIDTH - 4)) for line in told))
            if told:
                self.sheet.write_string(row, self.last, "\n".join(told), self.looks["told" if wrong else "head"])

    def _write_cells(self, row: int, cells: Sequence[str], kind: str) -> None:
        for at in range(self.last):
            if at < len(cells) and cells[at]:
                self.sheet.write_string(row, at, safe_text(cells[at]), self.looks[kind])
            elif kind != "title":
                self.sheet.write_blank(row, at, None, self.looks[kind])

    def _mark(self, row: int, cells: Sequence[str], errors: Sequence[CellError]) -> None:
        """Redden each bad cell and hang its sentences on it."""
        told: dict[int, list[str]] = {}
        for error in errors:
            if error.column is not None and error.column.name in self.places:
                told.setdefault(self.places[error.column.name], []).append(error.sentence)
        for at, sentences in told.items():
            text = cells[at] if at < len(cells) else ""
            if text:
                self.sheet.write_string(row, at, safe_text(text), self.looks["bad"])
            else:
                self.sheet.write_blank(row, at, None, self.looks["bad"])
            self.comments += 1
            if self.comments <= MOST_COMMENTS:
                self.sheet.write_comment(row, at, "\n".join(sentences), {"x_scale": 2, "font_name": FONT})


def _write_summary(
    book: Workbook, sheet: Worksheet, errors: Sequence[CellError], places: dict[str, _Place], kept: int | None
) -> None:
    """One line for each problem, with a link to its cell."""
    sheet.set_row(0, 32)
    sheet.write_string(
        0, 0, _headline(errors, kept), book.add_format(style(bold=True, font_size=16, font_color=BAD_INK))
    )
    hint = say(
        "请改正前面工作表里的红色单元格，保存后重新报送；“问题”列不用删除。",
        "Correct the red cells on the sheets before this one, save and send it again.",
    )
    sheet.write_string(1, 0, hint, book.add_format(style(font_color="#5B6B79")))
    head = book.add_format(style(bold=True, bg_color=SHADE, font_color=ACCENT, border=1, border_color=LINE))
    cell = book.add_format(style(border=1, border_color=LINE, text_wrap=True))
    link = book.add_format(style(border=1, border_color=LINE, font_color=ACCENT, underline=1, align="center"))
    headers = say("工作表,行,列,内容,问题,怎么改", "Sheet,Row,Column,Content,Problem,What to do").split(",")
    for at, (header, width) in enumerate(zip(headers, _SUMMARY_WIDTHS, strict=True)):
        sheet.set_column(at, at, width)
        sheet.write_string(3, at, header, head)
    for row, error in enumerate(errors[:MOST_SUMMARY], start=4):
        place = places[error.sheet] if error.sheet in places else next(iter(places.values()))
        at = place.columns.get(error.column.name, 0) if error.column else 0
        target = f"internal:{quote_sheetname(place.name)}!{xl_rowcol_to_cell(error.row - 1, at)}"
        sheet.write_string(row, 0, safe_text(place.name), cell)
        sheet.write_url(row, 1, target, link, str(error.row))
        column = say(error.column.header, error.column.name) if error.column else ""
        for spot, text in enumerate((column, error.text[:200], error.problem, error.remedy), start=2):
            sheet.write_string(row, spot, safe_text(text), cell)
    sheet.freeze_panes(4, 0)
    page(sheet, header_row=3)


def _headline(errors: Sequence[CellError], kept: int | None) -> str:
    count = len(errors)
    if kept is None:
        return say(f"共 {count} 处问题，文件没有导入", f"{count} problems; nothing was imported")
    left = len({(error.sheet, error.row) for error in errors})
    return say(f"已收下 {kept} 行，{left} 行未收下", f"{kept} rows were taken, {left} were not")
