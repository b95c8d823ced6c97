"""Progress 进退步 and value added 增值: percentiles in two exams -> matched students -> change, residuals by school.

A percentile is always that of the full cohort of its own exam; only then are students matched.
"""

from math import fsum, sqrt
from typing import Any

import polars as pl

from rules.exams_intervals import mean_interval


def progress(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Match the students of two exams and say how their percentile moved.

    Args:
        before: columns student, percentile; of one subject or the total, null without a valid result.
        after: the same and school.

    Returns:
        A row for each student with a percentile in both, by student: student, school, before, after, change.
    """
    then = before.select("student", pl.col("percentile").alias("before")).drop_nulls()
    now = after.select("student", "school", pl.col("percentile").alias("after")).drop_nulls("after")
    matched = now.join(then, on="student").select("student", "school", "before", "after").sort("student")
    return matched.with_columns((pl.col("after") - pl.col("before")).alias("change"))


def value_added(matched: pl.DataFrame) -> pl.DataFrame:
    """Say how far each school's students are above the least-squares line on their prior percentile.

    Args:
        matched: rows of `progress`.

    Returns:
        A row for each school, by school: school, n, value_added (mean residual, in percentile points), low, high (its
        95 % t interval; null below two students). Empty where prior percentiles do not vary: there is no line.
    """
    line = _least_squares(matched["before"].to_list(), matched["after"].to_list())
    if line is None:
        return pl.DataFrame(schema=COLUMNS)
    constant, slope = line
    residual = pl.col("after") - constant - slope * pl.col("before")
    grouped = matched.select("school", residual.alias("residual")).group_by("school").agg("residual").sort("school")
    return pl.DataFrame([_added(*row) for row in grouped.iter_rows()], schema=COLUMNS, orient="row")


COLUMNS: dict[str, Any] = {
    "school": pl.String,
    "n": pl.Int64,
    "value_added": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}


def _least_squares(x: list[float], y: list[float]) -> tuple[float, float] | None:
    """Return constant and slope; None if x does not vary."""
    if not x or min(x) == max(x):
        return None
    mean_x, mean_y = fsum(x) / len(x), fsum(y) / len(y)
    across = fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    slope = across / fsum((a - mean_x) ** 2 for a in x)
    return mean_y - slope * mean_x, slope


def _added(school: str, residuals: list[float]) -> tuple[str, int, float, float | None, float | None]:
    n = len(residuals)
    mean = fsum(residuals) / n
    sd = sqrt(fsum((each - mean) ** 2 for each in residuals) / (n - 1)) if n > 1 else 0.0
    low, high = mean_interval(mean, sd, n) or (None, None)
    return school, n, mean, low, high
