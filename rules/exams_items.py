"""Items 小题: one paper's item marks -> difficulty, discrimination, item-rest correlation, blanks, options of each.

A blank is absent from its item's figures: each item has its own n. Sums are whole numbers, divided once at the end.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Marks = NDArray[np.int32]
Longs = NDArray[np.int64]
BLANK = -1
TAIL_PERCENT = 27
"""The share of candidates in the upper and in the lower group. Source: Kelley 1939."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a paper: `full` marks times the paper's scale, and its knowledge point 知识点."""

    item: str
    full: int
    point: str = ""


@dataclass(frozen=True, slots=True)
class ItemSheet:
    """The item marks of a paper's valid candidates: row i is candidate i, column j item j, whole numbers or BLANK.

    `total` is each candidate's mark of the paper, with blanks as 0.
    """

    subject: str
    scale: int
    items: Sequence[Item]
    marks: Marks
    total: Marks


def item_sheet(subject: str, scale: int, items: Sequence[Item], marks: Marks) -> ItemSheet:
    """Make the sheet of a paper whose marks are the sums of its items; blanks count 0 in the sum."""
    return ItemSheet(subject, scale, items, marks, np.where(marks == BLANK, 0, marks).sum(axis=1, dtype=np.int32))


def item_figures(sheet: ItemSheet, options: Mapping[str, Sequence[str | None]] | None = None) -> pl.DataFrame:
    """Work out the figures of each item over the candidates who did not leave it blank.

    Args:
        sheet: n candidates by k items.
        options: for items with options 选项, the option that each candidate of the sheet chose, null if none.

    Returns:
        k rows: subject, item, n, mean (in marks), difficulty (mean / full), discrimination27 (P of the upper 27 % less
        P of the lower, candidates tied at the boundary weighing a fraction), item_rest_r (null if item or rest do not
        vary), blank, options (a list of option and n, most chosen first; null if not given). Null where n is 0.
    """
    chosen = {item: _options(answers) for item, answers in (options or {}).items()}
    rows = [
        (sheet.subject, item.item, *_figures(item, sheet.scale, marks, sheet.total), chosen.get(item.item))
        for item, marks in zip(sheet.items, np.ascontiguousarray(sheet.marks.T), strict=True)
    ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


COLUMNS: dict[str, Any] = {
    "subject": pl.String,
    "item": pl.String,
    "n": pl.Int64,
    "mean": pl.Float64,
    "difficulty": pl.Float64,
    "discrimination27": pl.Float64,
    "item_rest_r": pl.Float64,
    "blank": pl.Int64,
    "options": pl.List(pl.Struct({"option": pl.String, "n": pl.Int64})),
}


def _figures(item: Item, scale: int, marks: Marks, total: Marks) -> Iterator[float | None]:
    """Yield n, mean, difficulty, discrimination, item-rest correlation and blanks."""
    there = marks != BLANK
    blank = len(marks) - int(there.sum())
    mark, whole = (marks[there], total[there]) if blank else (marks, total)
    n, points = len(mark), int(mark.sum(dtype=np.int64))
    yield n
    if n:
        yield points / (n * scale)
        yield points / (n * item.full)
        yield float(discrimination(mark, whole) / item.full)
        yield item_rest(mark, whole)
    else:
        yield from (None,) * 4
    yield blank


def discrimination(mark: Marks, total: Marks) -> Fraction:
    """Return the upper group's mean item mark less the lower group's, each group weighing exactly 0.27 n.

    Candidates at the boundary score weigh the fraction that fills the group: with file order in their place the
    result moves by up to 0.078 of full marks.
    """
    n = len(mark)
    heads = np.bincount(total)
    points = np.bincount(total, mark).astype(np.int64)  # whole numbers far below 2^53
    upper, lower = _tail(heads[::-1], points[::-1], n), _tail(heads, points, n)
    return (upper - lower) / Fraction(TAIL_PERCENT * n, 100)


def _tail(heads: Longs, points: Longs, n: int) -> Fraction:
    """Add up the points of the first 0.27 n heads, the last score taken in part."""
    reached = heads.cumsum()
    last = int(np.searchsorted(100 * reached, TAIL_PERCENT * n))
    before = int(reached[last] - heads[last])
    part = Fraction(TAIL_PERCENT * n - 100 * before, 100 * int(heads[last]))
    return int(points[:last].sum()) + part * int(points[last])


def item_rest(mark: Marks, total: Marks) -> float | None:
    """Return r between an item and the rest of the paper: (c - v) / sqrt(v (V - 2 c + v)); None if either is fixed."""
    n = len(mark)
    x, t = mark.astype(np.int64), total.astype(np.int64)
    sum_x, sum_t = int(x.sum()), int(t.sum())
    v = n * int(x @ x) - sum_x**2
    whole = n * int(t @ t) - sum_t**2
    c = n * int(x @ t) - sum_x * sum_t
    rest = whole - 2 * c + v
    return (c - v) / (sqrt(v) * sqrt(rest)) if v and rest else None


def _options(answers: Sequence[str | None]) -> list[dict[str, str | int]]:
    counted = pl.Series("option", answers, pl.String).drop_nulls().value_counts(name="n")
    return counted.sort(["n", "option"], descending=[True, False]).to_dicts()
