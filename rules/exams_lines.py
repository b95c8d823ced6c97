"""Lines 上线与一分段表: totals and a line -> who is above -> effective marks 有效分, borderline students.

Everything concerns one cohort: of totals, one track (`by_track`). A subject's marks are the raw ones, which order its
students as scaled ones do, with fewer ties.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules.exams import Flags, Sheet

Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of totals, such as 特控线 or 本科线: `mark` times the totals' scale, that `reached` of `n` reach."""

    name: str
    mark: int
    reached: int
    n: int


class Effective(NamedTuple):
    """How the students of a group stand to a line in one subject 有效分.

    `single` reach the subject's line, `double` the total's too, of `reached` who reach the total's.
    """

    mark: int | None
    single: int
    double: int
    reached: int

    @property
    def mismatch(self) -> int:
        """Who reaches the total's line without the subject's."""
        return self.reached - self.double


def line_at_mark(name: str, totals: Sheet, mark: int) -> Line:
    """Draw a line at a mark, given times the totals' scale."""
    valid = totals.valid
    return Line(name, mark, int((totals.mark[valid] >= mark).sum()), int(valid.sum()))


def line_at_places(name: str, totals: Sheet, places: int) -> Line | None:
    """Draw a line at the total of the last of `places` places; who ties with it is above it too.

    With fewer totals than places the line is the lowest total. None without a total or a place.
    """
    best = np.sort(totals.mark[totals.valid])[::-1]
    return line_at_mark(name, totals, int(best[min(places, len(best)) - 1])) if len(best) and places > 0 else None


def subject_line(sheet: Sheet, line: Line) -> int | None:
    """Return the subject's mark at position floor(n_subject k / n) from the top; None at position 0: no line."""
    marks = np.sort(sheet.mark[sheet.valid])[::-1]
    position = len(marks) * line.reached // line.n if line.n else 0
    return int(marks[position - 1]) if position else None


def effective(totals: Sheet, sheet: Sheet, line: Line, mark: int | None, group: Flags | None = None) -> Effective:
    """Count a group (None: the cohort) at the total's `line` and the subject's line `mark`, drawn for the cohort."""
    inside = np.ones_like(totals.valid) if group is None else group
    above = totals.valid & (totals.mark >= line.mark) & inside
    single = sheet.valid & (sheet.mark >= mark) & inside if mark is not None else np.zeros_like(above)
    return Effective(mark, int(single.sum()), int((single & above).sum()), int(above.sum()))


def with_rates(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the rates 命中率 and 贡献率 to counts of effective marks that may be read.

    Args:
        rows: single, double and mismatch; null where a count is hidden.

    Returns:
        The same rows with hit (double of single) and contribution (double of those who reach the total's line); null
        where nobody could, or a count is hidden.
    """
    above = pl.col("double") + pl.col("mismatch")
    return rows.with_columns(
        pl.when(pl.col("single") > 0).then(pl.col("double") / pl.col("single")).alias("hit"),
        pl.when(above > 0).then(pl.col("double") / above).alias("contribution"),
    )


def borderline(totals: Sheet, line: Line, below: int) -> Flags:
    """Say who is borderline 临界生: line - below <= total < line, `below` times the totals' scale."""
    return totals.valid & (totals.mark >= line.mark - below) & (totals.mark < line.mark)


def segments(sheet: Sheet) -> pl.DataFrame:
    """Count the students mark by mark 一分段表; half marks belong to the whole mark below.

    Returns:
        A row for each whole mark from the highest down to the lowest: mark, n, cumulative (that mark and above).
    """
    whole = sheet.mark[sheet.valid] // sheet.scale
    lowest = int(whole.min(initial=0)) if not len(whole) else int(whole.min())
    counts = np.bincount(whole - lowest)[::-1]
    marks = np.arange(lowest + len(counts) - 1, lowest - 1, -1)
    return pl.DataFrame({"mark": marks, "n": counts, "cumulative": counts.cumsum()}, schema=SEGMENTS)


SEGMENTS = {"mark": pl.Int64, "n": pl.Int64, "cumulative": pl.Int64}
