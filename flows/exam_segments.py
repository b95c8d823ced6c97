"""一分段表: how many have each mark and that mark or more -> subjects side by side, totals in columns down each page."""

from collections.abc import Iterator, Sequence

import polars as pl
from xlsxwriter import Workbook

from flows.duty_sheets import Looks, Piece, put
from flows.exam_sheets import HEAD, HEAD_LOOK, Column, Titles, named, ordered, piece, top
from flows.forms_rows import ACCENT, LINE, page
from rules.errors import say
from rules.exams import TOTAL

DOWN = 50
"""Rows of totals on a printed page."""
_COLUMNS = 16
"""Columns of a printed page of totals."""
_BANDS = {True: 20, False: 5}


def band_rows(segments: pl.DataFrame) -> pl.DataFrame:
    """Add marks up to bands from below: subject (in words), label, n; totals by 20 marks, subjects by 5."""
    total = pl.col("subject") == TOTAL
    width = pl.when(total).then(_BANDS[True]).otherwise(_BANDS[False]).cast(pl.Int64)
    banded = ordered(segments.with_columns((pl.col("mark") // width * width).alias("low"), width.alias("width")), "low")
    counted = named(banded).group_by("subject", "low", "width", maintain_order=True).agg(pl.col("n").sum())
    return counted.with_columns(pl.format("{}–{}", "low", pl.col("low") + pl.col("width") - 1).alias("label"))


def subject_segments(book: Workbook, looks: Looks, stand: str, segments: pl.DataFrame) -> None:
    """Write the subjects of an exam beside one column of marks."""
    rows = ordered(segments.filter(pl.col("subject") != TOTAL), pl.col("mark"))
    if rows.is_empty():
        return
    parts = named(rows).partition_by("subject", maintain_order=True)
    sheet = book.add_worksheet(say("一分段表", "Segments"))
    page(sheet, header_row=HEAD + 1)
    sheet.set_portrait()
    note = say("半分计入其下整数分；累计为该分及以上人数。", "Half marks count below; that mark and above.")
    top(sheet, looks, Titles(say("一分段表（单科）", "Segments of subjects"), stand, note))
    sheet.set_column(0, 2 * len(parts), 7)
    _heads(looks, sheet, 0, [part["subject"][0] for part in parts])
    counted = [_by_mark(part) for part in parts]
    highest, lowest = int(rows["mark"].max()), int(rows["mark"].min())  # type: ignore[arg-type]
    for row, mark in enumerate(range(highest, lowest - 1, -1), start=HEAD + 2):
        put(sheet, row, 0, _line(mark, counted), looks)
    sheet.freeze_panes(HEAD + 2, 1)


def total_segments(book: Workbook, looks: Looks, stand: str, segments: pl.DataFrame) -> None:
    """Write the totals of the tracks, as many marks side by side as a page is wide, page by page."""
    rows = ordered(segments.filter(pl.col("subject") == TOTAL), pl.col("mark"))
    if rows.is_empty():
        return
    parts = named(rows).partition_by("subject", maintain_order=True)
    sheet = book.add_worksheet(say("总分一分段表", "Segments of totals"))
    page(sheet, header_row=HEAD + 1)
    sheet.set_portrait()
    sheet.set_print_scale(84)
    note = say("每页自上而下、自左而右读；累计为该分及以上人数。", "Read down, then right; that mark and above.")
    top(sheet, looks, Titles(say("一分段表（总分）", "Segments of totals"), stand, note))
    each = 2 * len(parts) + 1
    blocks = max(_COLUMNS // each, 1)
    sheet.set_column(0, blocks * (each + 1), 7)
    for block in range(1, blocks):
        sheet.set_column(block * (each + 1) - 1, block * (each + 1) - 1, 1.5)
    for row in (HEAD, HEAD + 1):
        for block in range(blocks):
            _heads(looks, sheet, block * (each + 1), [part["subject"][0] for part in parts], only=row)
    counted = [_by_mark(part) for part in parts]
    marks = range(int(rows["mark"].max()), int(rows["mark"].min()) - 1, -1)  # type: ignore[arg-type]
    for row, column, mark in _placed(marks, blocks):
        put(sheet, HEAD + 2 + row, column * (each + 1), _line(mark, counted), looks)
    sheet.set_h_pagebreaks([HEAD + 2 + DOWN * at for at in range(1, -(-len(marks) // (DOWN * blocks)))])
    sheet.freeze_panes(HEAD + 2, 0)


def _placed(marks: Sequence[int], blocks: int) -> Iterator[tuple[int, int, int]]:
    """Yield row, block and mark, row by row: each page holds marks that follow one another."""
    on_page = DOWN * blocks
    for first in range(0, len(marks), on_page):
        there = marks[first : first + on_page]
        for row in range(min(DOWN, len(there))):
            for block, mark in enumerate(there[row::DOWN]):
                yield first // blocks + row, block, mark


def _heads(looks: Looks, sheet: object, column: int, names: Sequence[str], only: int | None = None) -> None:
    first: list[Piece] = [(1, say("分数", "Mark"), HEAD_LOOK), *((2, name, HEAD_LOOK) for name in names)]
    counts = (say("人数", "n"), say("累计", "cum."))
    second: list[Piece] = [(1, "", HEAD_LOOK), *((1, each, HEAD_LOOK) for _ in names for each in counts)]
    for row, pieces in ((HEAD, first), (HEAD + 1, second)):
        if only in {None, row}:
            put(sheet, row, column, pieces, looks)  # type: ignore[arg-type]


def _by_mark(part: pl.DataFrame) -> dict[int, tuple[int, int]]:
    return {mark: (n, up) for mark, n, up in part.select("mark", "n", "cumulative").iter_rows()}


_COUNT = Column("", "", "count")


def _line(mark: int, counted: Sequence[dict[int, tuple[int, int]]]) -> list[Piece]:
    """A line of marks: shaded lines at tens lead the eye; nothing above the highest mark of a subject or below."""
    ten = {"top": 1, "top_color": ACCENT} if mark % 10 == 9 else {}
    pieces = [piece(mark, _COUNT, {"bold": True, "num_format": "0", **ten})]
    for by_mark in counted:
        pair: tuple[int | str, int | str] = by_mark.get(mark, ("", ""))
        pieces += [piece(pair[0] or "", _COUNT, ten), piece(pair[1], _COUNT, ten | {"right": 1, "right_color": LINE})]
    return pieces
