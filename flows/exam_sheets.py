"""What the workbooks of an exam share: a workbook, words for subjects and releases, tables from frames of a view."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from flows.duty_sheets import QUIET, WHITE, Looks, Piece, put
from flows.forms_rows import ACCENT, LINE, SHADE, page, workbook_at
from models.exam_whole import Heading
from rules.errors import say
from rules.exams import TOTAL, TRACKS
from rules.exams_subjects import in_order
from rules.registers.days import SHANGHAI

SHAPES = {
    "text": "@",
    "count": "#,##0",
    "mark": "0.0",
    "mean": "0.00",
    "rate": "0.0%",
    "share": "0.00",
    "signed": "+0.0;-0.0;0.0",
    "gap": "+0.0%;-0.0%;0.0%",
}
HEAD = 2
"""The row of the heads, under the title and the note."""
HIDDEN = "—"
STRONG = "strong"
"""A column of a frame: whether its row, such as that of the whole exam, stands out."""
PORTRAIT = 110
"""A table that is not wider (in characters) prints upright, where more rows fit on a page."""
_DIGITS = re.compile(r"\d+")
_BARS = {"type": "data_bar", "data_bar_2010": True, "bar_solid": True, "bar_color": "#A9C3D6"}
_WHOLE = {"min_type": "num", "min_value": 0, "max_type": "num", "max_value": 1}


class Column(NamedTuple):
    """A column of a table: head, column of the frame, how it is written and how wide, whether bars are drawn."""

    head: str
    name: str
    shape: str = "text"
    width: float = 10
    bar: bool = False


class Titles(NamedTuple):
    """What stands above a table: what it is, of which release, how to read it."""

    title: str
    stand: str
    note: str


class Told(NamedTuple):
    """A sheet to be written: its name, how to read it, its columns, the rows."""

    name: str
    note: str
    columns: Sequence[Column]
    rows: pl.DataFrame


@contextmanager
def exam_book(path: Path, heading: Heading) -> Iterator[tuple[Workbook, Looks]]:
    """A workbook whose bytes depend on what is in it only: it was created when the release was made.

    Its first sheet 说明 is there; flows.exam_notes.explain fills it last, when it is known which sheets follow.
    """
    with workbook_at(path) as book:
        book.set_properties({"created": heading.at.replace(tzinfo=None), "title": heading.name})
        book.add_worksheet(say("说明", "Notes"))
        yield book, Looks(book)


def stand(heading: Heading) -> str:
    """Say which release this is, or that marks still come in, and as of when."""
    at = f"{heading.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    if heading.release is None:
        return say(f"阶段性 {at}", f"provisional {at}")
    return say(f"第{heading.release}次发布 {at}", f"release {heading.release}, {at}")


def track_name(track: str | None) -> str:
    """Name a track; nothing where there is none."""
    names = {"physics": say("物理类", "physics"), "history": say("历史类", "history")}
    return names.get(track or "", "")


def subject_name(subject: str, track: str | None = None) -> str:
    """Name a subject, and of totals the track."""
    name = say("总分", "total") if subject == TOTAL else subject
    return f"{name} {track_name(track)}".strip()


def ordered(rows: pl.DataFrame, *more: pl.Expr | str, first: Sequence[str] = ()) -> pl.DataFrame:
    """Sort rows by the columns `first`, then by subject as school reports do, the totals last, then by `more`."""
    if rows.is_empty():
        return rows
    known = in_order(rows["subject"])
    at = pl.col("subject").replace_strict(known, range(len(known)), return_dtype=pl.Int32)
    tracks = [pl.col("track").replace_strict(TRACKS, range(len(TRACKS)), default=None, return_dtype=pl.Int8)]
    tracks = tracks if "track" in rows.columns else []
    return rows.sort(*first, at, *tracks, *more, maintain_order=True)


def natural(column: str) -> pl.Expr:
    """Order texts as people count: class 2 before class 10."""
    return pl.col(column).map_elements(lambda text: _DIGITS.sub(lambda found: found[0].zfill(6), text), pl.String)


def named(rows: pl.DataFrame, schools: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Put people's words for school (none: the joint exam), subject and track."""
    told, joint = rows, say("联考", "joint")
    if schools is not None and "school" in rows.columns:
        school = pl.col("school").replace_strict(schools, default=joint, return_dtype=pl.String).fill_null(joint)
        told = told.with_columns(school, pl.col("school").is_null().alias(STRONG))
    if {"subject", "track"} <= set(rows.columns):
        track = pl.when(pl.col("subject") == TOTAL).then("track")
        label = pl.struct("subject", track).map_elements(lambda row: subject_name(**row), pl.String)
        told = told.with_columns(label.alias("subject"))
    elif "subject" in rows.columns:
        told = told.with_columns(pl.col("subject").map_elements(subject_name, pl.String))
    return told.with_columns(pl.col("track").map_elements(track_name, pl.String)) if "track" in rows.columns else told


def top(sheet: Worksheet, looks: Looks, titles: Titles) -> None:
    """Write the first two rows; both run on over the cells to their right, so that a narrow sheet shows them too."""
    sheet.hide_gridlines(2)
    sheet.set_row(0, 32)
    put(sheet, 0, 0, [(1, titles.title, {"bold": True, "font_size": 16, "font_color": ACCENT})], looks)
    put(sheet, 1, 0, [(1, f"{titles.stand}　{titles.note}", {"font_size": 9, "font_color": QUIET})], looks)


HEAD_LOOK = {"bold": True, "font_color": WHITE, "bg_color": ACCENT, "align": "center", "text_wrap": True}


def table(
    sheet: Worksheet, looks: Looks, titles: Titles, columns: Sequence[Column], rows: pl.DataFrame
) -> tuple[int, int]:
    """Write a table under its titles, ready to print; a line parts the values of the first column.

    Args:
        sheet: an empty one.
        looks: formats.
        titles: above it.
        columns: what is shown; a column that `rows` does not have is left blank.
        rows: of a view.

    Returns:
        The first and the last row of the body.
    """
    page(sheet, header_row=HEAD)
    if sum(each.width for each in columns) <= PORTRAIT:
        sheet.set_portrait()
    for at, each in enumerate(columns):
        sheet.set_column(at, at, each.width)
    top(sheet, looks, titles)
    sheet.set_row(HEAD, 32)
    put(sheet, HEAD, 0, [(1, each.head, HEAD_LOOK) for each in columns], looks)
    first, last = HEAD + 1, HEAD + rows.height
    before: Any = None
    for row, values in enumerate(rows.iter_rows(named=True), start=first):
        key = values.get(columns[0].name)
        apart = {"top": 1, "top_color": ACCENT} if before not in {None, key} else {}
        strong = {"bold": True, "bg_color": SHADE} if values.get(STRONG) else {}
        put(sheet, row, 0, [piece(values.get(each.name), each, apart | strong) for each in columns], looks)
        before = key
    sheet.freeze_panes(first, 2 if columns[1].shape == "text" else 1)
    bars(sheet, (first, last), columns)
    return first, last


def bars(sheet: Worksheet, rows: tuple[int, int], columns: Sequence[Column]) -> None:
    """Draw bars into the cells of the columns that have them; those of rates reach from 0 to 100 %."""
    for at, each in enumerate(columns):
        if each.bar and rows[1] >= rows[0]:
            ends = _WHOLE if each.shape == "rate" else {}
            sheet.conditional_format(rows[0], at, rows[1], at, {**_BARS, **ends, "bar_negative_color": "#F2B8AC"})


def piece(value: Any, column: Column, more: Mapping[str, Any]) -> Piece:
    """Return a cell: a text as it is, a number in its shape, a mark for what is hidden or not defined."""
    look = {"bottom": 1, "bottom_color": LINE, "num_format": SHAPES[column.shape], **more}
    if column.shape == "text" or isinstance(value, str):
        centre = {} if column.shape == "text" else {"align": "center"}
        return 1, "" if value is None else str(value), look | centre
    return 1, HIDDEN if value is None else float(value), look | {"align": "center"}
