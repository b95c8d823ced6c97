"""Schools side by side 校际比较: rows of figures -> means with t intervals, rates with Wilson intervals, n always.

Schools and classes only, in the order given: there is no league table of students, and none of schools either.
"""

from math import sqrt
from typing import Any

import polars as pl

from rules.exams_figures import RATES
from rules.exams_intervals import mean_interval, wilson

_BOUNDS = [f"{name}_{end}" for name in ("mean", *(f"{rate}_rate" for rate in RATES)) for end in ("low", "high")]


def compared(figures: pl.DataFrame) -> pl.DataFrame:
    """Add 95 % intervals to rows of `stats`.

    Returns:
        The rows with mean_low, mean_high (t interval with the group's own SD, ddof 1) and excellent_rate_low, ...,
        low_rate_high (Wilson, of the valid); null below two valid results for means, without any for rates.
    """
    needed = figures.select("n", "mean", "sd", *(f"{rate}_count" for rate in RATES))
    rows = [_bounds(*row) for row in needed.iter_rows()]
    bounds = pl.DataFrame(rows, schema=dict.fromkeys(_BOUNDS, pl.Float64), orient="row")
    return pl.concat([figures, bounds], how="horizontal")


def _bounds(n: int, mean: float | None, sd: float | None, *counts: int) -> list[Any]:
    found: list[Any] = [None, None]
    if mean is not None and sd is not None and n > 1:
        found = list(mean_interval(mean, sd * sqrt(n / (n - 1)), n) or found)
    for count in counts:
        found += wilson(count, n) or (None, None)
    return found
