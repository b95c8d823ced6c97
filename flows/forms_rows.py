"""Values -> cells of an export, xlsx or csv, none of which can start a formula; only the owner can read the file."""

import csv
import os
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.worksheet import Worksheet

from flows.failures import writing
from rules.registers import Lang, Register
from rules.registers.days import SHANGHAI

FONT = "Microsoft YaHei"
INK, LINE, SHADE, ACCENT = "#1F2D3A", "#B8C4CE", "#E9EFF4", "#24506B"
BAD_INK, BAD_SHADE = "#9B1C1C", "#FBE3E4"
A4 = 9
STARTERS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
    "<r>",
)  # xlsxwriter copies <r>...</r> unescaped
SAMPLE = 200  # rows that decide the widths
NARROWEST, WIDEST = 8, 48
EXACT = 10**15  # Excel keeps 15 digits

Cell = str | int | float | Decimal | bool | date | datetime | tuple[str, ...] | None


def safe_text(text: str) -> str:
    """The text, with an apostrophe first if a spreadsheet could take it for a formula; imports take it off again."""
    return f"'{text}" if text.startswith(STARTERS) or text.lstrip().startswith(STARTERS) else text


def write_rows(path: Path, headers: Sequence[str], rows: Iterable[Sequence[Cell]], lang: Lang = "en") -> None:
    """Write an export: csv if the path ends so, else xlsx.

    Args:
        path: written as a whole or not at all, readable by its owner only.
        headers: one for each column.
        rows: text, numbers, days, aware instants (shown as Shanghai wall time), yes/no, several texts, None for blank.
        lang: the language of yes and no.
    """
    if path.suffix.lower() == ".csv":
        write_csv(path, headers, rows, lang)
        return
    with workbook_at(path) as book:
        write_sheet(book, book.add_worksheet("Sheet1"), headers, rows, lang)


def write_sheet(
    book: Workbook, sheet: Worksheet, headers: Sequence[str], rows: Iterable[Sequence[Cell]], lang: Lang
) -> None:
    """Write one sheet of an export."""
    head = book.add_format(style(bold=True, bg_color=SHADE, font_color=ACCENT, border=1, border_color=LINE))
    formats = {kind: book.add_format(style(num_format=shape)) for kind, shape in _NUMBER_FORMATS.items()}
    for column, header in enumerate(headers):
        sheet.write_string(0, column, safe_text(header), head)
    sample, rest = _sampled(rows)
    for number, row in enumerate(chain(sample, rest), start=1):
        for column, value in enumerate(row):
            _write(sheet, number, column, _shown(value, lang), formats)
    set_widths(sheet, [headers, *([str(_shown(cell, lang)) for cell in row] for row in sample)])
    sheet.freeze_panes(1, 0)
    page(sheet, header_row=0)


def write_csv(path: Path, headers: Sequence[str], rows: Iterable[Sequence[Cell]], lang: Lang = "en") -> None:
    """The same as csv: UTF-8 with the mark that lets Excel know it, days and instants in ISO form."""
    with whole_file(path) as part, part.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([safe_text(header) for header in headers])
        for row in rows:
            shown = (_shown(value, lang) for value in row)
            writer.writerow([safe_text(value) if isinstance(value, str) else value for value in shown])


def write_register(
    path: Path,
    register: Register,
    rows: Iterable[Mapping[str, Any]],
    lang: Lang = "zh",
    *,
    reveal: bool = False,
    told: Mapping[str, str] | None = None,
) -> None:
    """Export a register so that it can be imported again; personal columns only if revealed.

    Args:
        path: .csv or .xlsx.
        register: what the rows are.
        rows: values by column name, as `parse` gives them.
        lang: of headers and labels.
        reveal: write the personal columns too.
        told: further columns by name and Chinese header, for people; an import leaves them alone.
    """
    columns = register.shown(reveal=reveal)
    shown = [(column, column.stand_in if column.stand_in and not reveal else column.name) for column in columns]
    cells = (
        [
            *(column.label(row.get(name), lang) if column.options else row.get(name) for column, name in shown),
            *(row.get(name) for name in told or {}),
        ]
        for row in rows
    )
    heads = [header if lang == "zh" else name for name, header in (told or {}).items()]
    write_rows(path, [*(column.title(lang) for column in columns), *heads], cells, lang)


def style(**more: Any) -> dict[str, Any]:
    """The one look of all our sheets, plus what is special."""
    return {"font_name": FONT, "font_size": 10, "font_color": INK, "valign": "vcenter", **more}


def page(sheet: Worksheet, header_row: int) -> None:
    """Print on A4, the whole width on one page, headers on each."""
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0, header_row)
    sheet.center_horizontally()
    sheet.set_footer("&C&8&P / &N")


def text_width(text: str) -> int:
    """Columns of a text on screen: a Chinese character is two wide."""
    lines = text.splitlines() or [""]
    return max(sum(2 if unicodedata.east_asian_width(each) in "WFA" else 1 for each in line) for line in lines)


def set_widths(sheet: Worksheet, rows: Sequence[Sequence[str]]) -> None:
    """Widths that show the sampled rows, within reason."""
    for column in range(max(map(len, rows), default=0)):
        widest = max(text_width(row[column]) for row in rows if column < len(row))
        sheet.set_column(column, column, min(max(widest + 2, NARROWEST), WIDEST))


@contextmanager
def workbook_at(path: Path) -> Iterator[Workbook]:
    """A workbook that appears at `path` when it is complete; nothing in it is ever a formula or a link from data."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with whole_file(path) as part, TemporaryDirectory(prefix="tuoqi-") as scratch:
        book = Workbook(str(part), {"constant_memory": True, "tmpdir": scratch, **options})
        try:
            yield book
        finally:
            _close(book)  # also after a failure, for its scratch files hold the rows


def _close(book: Workbook) -> None:
    try:
        book.close()
    except FileCreateError as error:  # its way to say OSError
        raise OSError(*error.args[0].args) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place at the end, or is removed.

    Raises:
        CannotWrite: there is no such folder, it may not be written, the disk is full.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")  # two runs at once write each their own
    with writing(path):
        part.touch(mode=0o600)
        try:
            yield part
            part.chmod(0o600)
            os.replace(part, path)  # noqa: PTH105 - replaces in one step, which is the point
        finally:
            part.unlink(missing_ok=True)


_NUMBER_FORMATS = {"text": "@", "number": "General", "date": "yyyy-mm-dd", "instant": "yyyy-mm-dd hh:mm:ss"}


def _shown(value: Cell, lang: Lang) -> str | int | float | Decimal | date | datetime:
    """A value as an export shows it."""
    if isinstance(value, bool):
        zh, en = ("是", "yes") if value else ("否", "no")
        return zh if lang == "zh" else en
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, tuple):
        return ("、" if lang == "zh" else "; ").join(value)
    return "" if value is None else value


def _write(sheet: Worksheet, row: int, column: int, value: Any, formats: Mapping[str, Any]) -> None:
    if isinstance(value, str):
        if value:
            sheet.write_string(row, column, safe_text(value), formats["text"])
    elif isinstance(value, date):
        moment, kind = (
            (value, "instant") if isinstance(value, datetime) else (datetime.combine(value, time.min), "date")
        )
        sheet.write_datetime(row, column, moment, formats[kind])
    elif abs(value) >= EXACT or (isinstance(value, Decimal) and Decimal(repr(float(value))) != value):
        sheet.write_string(row, column, str(value), formats["text"])  # Excel would round it
    else:
        sheet.write_number(row, column, float(value), formats["number"])


def _sampled(rows: Iterable[Sequence[Cell]]) -> tuple[list[Sequence[Cell]], Iterator[Sequence[Cell]]]:
    walk = iter(rows)
    return list(islice(walk, SAMPLE)), walk
