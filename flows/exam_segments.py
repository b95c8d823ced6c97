"""一分段表: how many have each mark (or step) and that mark or more -> subjects side by side, totals by hundreds."""

from collections.abc import Sequence

import polars as pl
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from flows.duty_sheets import Looks, Piece, put
from flows.exam_sheets import HEAD, HEAD_LOOK, Column, Titles, named, ordered, piece, top
from flows.forms_rows import ACCENT, LINE, page
from rules.errors import say
from rules.exams import TOTAL

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
    note = say(
        "半分计入其下整数分；累计为该分及以上人数；不足5人的分数不单列，计入其下最近有数的一行。",
        "Half marks count below; that mark and above; marks of a few count in the next filled line below.",
    )
    top(sheet, looks, Titles(say("一分段表（单科）", "Segments of subjects"), stand, note))
    sheet.set_column(0, 2 * len(parts), 7)
    _heads(looks, sheet, 0, [part["subject"][0] for part in parts])
    counted = [_by_mark(part) for part in parts]
    highest, lowest = int(rows["mark"].max()), int(rows["mark"].min())  # type: ignore[arg-type]
    for row, mark in enumerate(range(highest, lowest - 1, -1), start=HEAD + 2):
        put(sheet, row, 0, _line(mark, counted), looks)
    sheet.freeze_panes(HEAD + 2, 1)


def total_segments(book: Workbook, looks: Looks, stand: str, segments: pl.DataFrame) -> None:
    """Write the totals, a sheet a track: hundreds side by side, so that a mark is found by its last two digits."""
    rows = ordered(segments.filter(pl.col("subject") == TOTAL), pl.col("mark"))
    for part in named(rows).partition_by("subject", maintain_order=True) if rows.height else ():
        name = part["subject"][0]
        sheet = book.add_worksheet(say(f"一分段表 {name}", f"Segments {name}"))
        page(sheet, header_row=HEAD)
        sheet.set_portrait()
        note = say(
            "一列一百分，自上而下读；累计为该分及以上人数；不足5人的分数计入其下最近有数的一行。",
            "A hundred marks a column; that mark and above; marks of a few count in the next filled line below.",
        )
        top(sheet, looks, Titles(say(f"一分段表（{name}）", f"Segments of {name}"), stand, note))
        counted = _by_mark(part)
        hundreds = range(max(counted) // 100, min(counted) // 100 - 1, -1)
        for block in range(len(hundreds)):
            sheet.set_column(4 * block, 4 * block + 2, 6.5)
            sheet.set_column(4 * block + 3, 4 * block + 3, 1)
        heads = (say("分数", "Mark"), say("人数", "n"), say("累计", "cum."))
        gap: Piece = (1, "", {})
        put(
            sheet, HEAD, 0, [each for _ in hundreds for each in (*((1, head, HEAD_LOOK) for head in heads), gap)], looks
        )
        for row, digits in enumerate(range(99, -1, -1), start=HEAD + 1):
            marks = [100 * hundred + digits for hundred in hundreds]
            put(sheet, row, 0, [each for mark in marks for each in (*_line(mark, [counted]), gap)], looks)
        sheet.freeze_panes(HEAD + 1, 0)


def _heads(looks: Looks, sheet: Worksheet, column: int, names: Sequence[str]) -> None:
    put(sheet, HEAD, column, [(1, say("分数", "Mark"), HEAD_LOOK), *((2, name, HEAD_LOOK) for name in names)], looks)
    counts = (say("人数", "n"), say("累计", "cum."))
    second: list[Piece] = [(1, "", HEAD_LOOK), *((1, each, HEAD_LOOK) for _ in names for each in counts)]
    put(sheet, HEAD + 1, column, second, looks)


def _by_mark(part: pl.DataFrame) -> dict[int, tuple[int, int]]:
    return {mark: (n, up) for mark, n, up in part.select("mark", "n", "cumulative").iter_rows()}


_COUNT = Column("", "", "count")


def _line(mark: int, counted: Sequence[dict[int, tuple[int, int]]]) -> list[Piece]:
    """A line of marks, tens parted to lead the eye; nothing above the highest mark of a subject or below the lowest."""
    ten = {"top": 1, "top_color": ACCENT} if mark % 10 == 9 else {}
    pieces = [piece(mark, _COUNT, {"bold": True, "num_format": "0", **ten})]
    for by_mark in counted:
        pair: tuple[int | str, int | str] = by_mark.get(mark, ("", ""))
        pieces += [piece(pair[0] or "", _COUNT, ten), piece(pair[1], _COUNT, ten | {"right": 1, "right_color": LINE})]
    return pieces
