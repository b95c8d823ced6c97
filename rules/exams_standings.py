"""Standings: one sheet -> how many have each mark -> rank, percentile and T of each mark -> a row for each student.

Every figure is a function of the mark and of whole-number counts, so nothing is sorted. (Summing polars' `rank()`
wraps at 2^32; nothing here does.)
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules.exams import STATUSES, TOTAL, TRACKS, Roster, Sheet

Longs = NDArray[np.int64]
Reals = NDArray[np.float64]


def standings(entered: Roster, sheet: Sheet) -> pl.DataFrame:
    """Say how each student of the roster stands in one subject; totals stand within their track.

    Returns:
        N rows in the roster's order: student, school, class, subject, status; and for valid results, else null:
        mark (in marks), rank (1, 2, 2, 4), percentile (0-100: 100 (below + half of equal) / n), t (50 + 10 z with the
        population's SD; null if that is 0), scaled (whole marks; null unless the paper is grade-scaled).
    """
    cohort = entered.track if sheet.subject == TOTAL else np.zeros(len(entered), np.int8)
    cohorts = len(TRACKS) if sheet.subject == TOTAL else 1
    valid = sheet.valid
    width = int(sheet.mark.max(initial=0)) + 1
    at = np.where(valid, cohort.astype(np.int32) * width + sheet.mark, cohorts * width)
    counts = np.bincount(at[valid], minlength=cohorts * width).reshape(cohorts, width)
    names = pl.Series(STATUSES).gather(sheet.status)
    return pl.concat(
        [
            entered.students.select("student", "school", "class").with_columns(
                pl.lit(sheet.subject).alias("subject"), names.alias("status")
            ),
            _by_mark(counts, sheet.scale)[at],
            pl.DataFrame({"scaled": _scaled(sheet)}, schema={"scaled": pl.Int64}),
        ],
        how="horizontal",
    )


def percentiles(counts: Longs) -> Reals:
    """Return the percentile of each mark: 100 (below + half of equal) / n.

    Args:
        counts: how many have each mark, along the last axis.
    """
    n = counts.sum(axis=-1, keepdims=True)
    up_to = counts.cumsum(axis=-1)
    shares: Reals = np.divide(100 * (2 * up_to - counts), 2 * n, out=np.full(counts.shape, np.nan), where=n > 0)
    return shares


def _by_mark(counts: Longs, scale: int) -> pl.DataFrame:
    """Return mark, rank, percentile and t of each (cohort, mark), and a last row of nulls for those without."""
    cohorts, width = counts.shape
    marks = np.arange(width)
    above = counts[:, ::-1].cumsum(axis=1)[:, ::-1] - counts
    figures = {
        "mark": np.tile(marks / scale, cohorts),
        "percentile": percentiles(counts).ravel(),
        "t": np.concatenate([_t(each, marks) for each in counts]),
    }
    ranked = pl.Series("rank", (above + 1).ravel(), dtype=pl.Int64).extend_constant(None, 1)
    columns = {name: pl.Series(np.append(values, np.nan), nan_to_null=True) for name, values in figures.items()}
    return pl.DataFrame({"mark": columns["mark"], "rank": ranked, **columns})


def _t(counts: Longs, marks: Longs) -> Reals:
    """T = 50 + 10 (x - mean) / SD with n x - sum x over sqrt(n sum x^2 - (sum x)^2), both whole numbers."""
    n, sums = int(counts.sum()), int(counts @ marks)
    spread = n * int(counts @ marks**2) - sums**2
    return 50 + 10 * (n * marks - sums) / spread**0.5 if spread else np.full(marks.shape, np.nan)


def _scaled(sheet: Sheet) -> pl.Series:
    if sheet.scaled is None:
        return pl.Series([None], dtype=pl.Int64).new_from_index(0, len(sheet.mark))
    return pl.select(pl.when(pl.Series(sheet.valid)).then(pl.Series(sheet.scaled, dtype=pl.Int64))).to_series()
