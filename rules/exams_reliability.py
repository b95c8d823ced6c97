"""Reliability 信度: the candidates without a blank -> Cronbach's alpha, alpha without each item, SEM.

Variances are n sum(x^2) - (sum x)^2 in whole numbers: the common divisor cancels out of alpha.
"""

from fractions import Fraction
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules.exams_items import BLANK, ItemSheet

COLUMNS: dict[str, Any] = {
    "subject": pl.String,
    "items": pl.Int64,
    "n": pl.Int64,
    "alpha": pl.Float64,
    "sem": pl.Float64,
    "alpha_if_deleted": pl.List(pl.Float64),
}


class _Spread(NamedTuple):
    """n times n variances: of the sum, of each item, and the covariances of each with the sum."""

    whole: int
    own: list[int]
    shared: list[int]


def reliability(sheet: ItemSheet) -> pl.DataFrame:
    """Work out the reliability of a paper over the candidates who left no item blank (listwise).

    Returns:
        One row: subject, items, n, alpha (null below two items, two candidates or without spread), sem (marks: SD with
        ddof 1 times sqrt(1 - alpha)), alpha_if_deleted (one entry an item, in order; null below three items).
    """
    complete = sheet.marks[(sheet.marks != BLANK).all(axis=1)]
    n, k = complete.shape
    found = _spread(complete)
    whole = alpha(k, found.whole, sum(found.own)) if n > 1 else None
    sem = None if whole is None else sqrt(Fraction(found.whole, n * (n - 1)) * (1 - whole)) / sheet.scale
    without = [
        alpha(k - 1, found.whole - 2 * c + v, sum(found.own) - v) if n > 1 else None
        for v, c in zip(found.own, found.shared, strict=True)
    ]
    row = (sheet.subject, k, n, _real(whole), sem, [_real(each) for each in without])
    return pl.DataFrame([row], schema=COLUMNS, orient="row")


def alpha(k: int, whole: int, own: int) -> Fraction | None:
    """Return k / (k - 1) (1 - sum v / V), with V and sum v on any common scale; None if undefined."""
    return Fraction(k, k - 1) * (1 - Fraction(own, whole)) if k > 1 and whole else None


def _spread(complete: NDArray[np.int32]) -> _Spread:
    columns = np.ascontiguousarray(complete.T).astype(np.int64)
    n, sums = complete.shape[0], columns.sum(axis=0)
    total = int(sums.sum())
    own, shared = [], []
    for column in columns:  # whole-number dot products: no BLAS, no threads
        points = int(column.sum())
        own.append(n * int(column @ column) - points**2)
        shared.append(n * int(column @ sums) - points * total)
    return _Spread(n * int(sums @ sums) - total**2, own, shared)


def _real(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
