"""Weak points 薄弱知识点: item marks by knowledge point -> each school beside the joint exam -> what to improve.

A candidate's share of a point is the marks won of the marks possible in its items; who left one of them blank is not
counted for that point.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules.exams_intervals import mean_interval
from rules.exams_items import BLANK, ItemSheet

COLUMNS: dict[str, Any] = {
    "school": pl.String,
    "subject": pl.String,
    "point": pl.String,
    "n": pl.Int64,
    "share": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "joint_n": pl.Int64,
    "joint": pl.Float64,
    "gap": pl.Float64,
}


def points(sheet: ItemSheet, school: NDArray[np.int32], schools: Sequence[str]) -> pl.DataFrame:
    """Compare each school with the joint exam in each knowledge point of a paper.

    Args:
        sheet: item marks of the n valid candidates.
        school: the school of each candidate, as a place in `schools`.
        schools: their codes.

    Returns:
        A row for each school and point with candidates: school, subject, point, n, share (mean, 0-1), low, high (95 %
        t interval; null below two candidates), joint_n, joint (mean of all candidates), gap (share - joint).
    """
    rows: list[tuple[Any, ...]] = []
    for point in dict.fromkeys(item.point for item in sheet.items):
        columns = [at for at, item in enumerate(sheet.items) if item.point == point]
        full = sum(sheet.items[at].full for at in columns)
        marks = sheet.marks[:, columns]
        there = (marks != BLANK).all(axis=1)
        won = marks[there].sum(axis=1, dtype=np.int64)
        n, sums, squares = _sums(school[there], won, len(schools))
        joint_n, joint_won = int(n.sum()), int(sums.sum())
        for code, heads, total, square in zip(schools, n.tolist(), sums.tolist(), squares.tolist(), strict=True):
            if heads:
                share, bounds = total / (heads * full), _interval(heads, total, square, full)
                gap = (total * joint_n - joint_won * heads) / (heads * joint_n * full)  # whole numbers: no gap is 0
                rows.append(
                    (code, sheet.subject, point, heads, share, *bounds, joint_n, joint_won / (joint_n * full), gap)
                )
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def weakest(found: pl.DataFrame, count: int) -> pl.DataFrame:
    """Keep for each school the `count` points furthest below the joint mean, furthest first; none that is not below."""
    below = found.filter(pl.col("gap") < 0).sort("school", "gap", "subject", "point")
    return below.group_by("school", maintain_order=True).head(count)


def _sums(school: NDArray[np.int32], won: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Return heads, sum and sum of squares of each school; whole numbers far below 2^53."""
    weights = (np.ones(len(won)), won, won * won)
    return [np.bincount(school, weight, size).astype(np.int64) for weight in weights]


def _interval(n: int, total: int, square: int, full: int) -> tuple[float | None, float | None]:
    if n < 2:
        return None, None
    sd = sqrt((n * square - total * total) / (n * (n - 1))) / full
    return mean_interval(total / (n * full), sd, n) or (None, None)
