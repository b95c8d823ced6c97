"""Figures of each group 一分三率: one sheet -> sorted within each group -> counts and sums -> mean, median, SD, rates.

Joint, school and class are the groups; counts and sums are whole numbers, and each figure is divided once, at the end.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules.exams import ABSENT, STATUSES, VALID, VIOLATION, Roster, Sheet, by_track
from rules.exams_policy import Lines

Longs = NDArray[np.int64]
RATES = ("excellent", "pass", "low")
"""The three rates; `X_rate` is of the valid, `X_rate_enrolled` of the enrolled, `X_count` the count of both."""
JOINT = "joint"


class _Groups(NamedTuple):
    """A scope: the group of each student, and the columns that name group 0, 1, 2, ..."""

    scope: str
    of: NDArray[np.int32]
    names: pl.DataFrame


def stats(entered: Roster, sheets: Iterable[Sheet], lines: Lines) -> pl.DataFrame:
    """Work out the figures of each subject for the joint exam, each school and each class; totals by track.

    Returns:
        A row for each group that has somebody enrolled, and for every joint group: scope (joint/school/class), code
        (a class: school/class), school, class, subject, track (of totals, else none), enrolled, n, absent, violation,
        mean, median, max, min, sd (ddof 0), the rates as fractions of n and of enrolled, and their counts.
        Null: no valid result, or for rates of the enrolled nobody enrolled.
    """
    scopes = list(_scopes(entered))
    return pl.concat(
        _figures(part, groups, lines, track)
        for sheet in sheets
        for track, part in by_track(entered, sheet)
        for groups in scopes
    )


def _scopes(entered: Roster) -> Iterator[_Groups]:
    null = pl.lit(None, pl.String)
    everyone = pl.DataFrame({"code": [JOINT]}).with_columns(null.alias("school"), null.alias("class"))
    yield _Groups(JOINT, np.zeros(len(entered), np.int32), everyone)
    school = pl.col("school")
    yield _Groups("school", entered.school, entered.schools.select(school.alias("code"), school, null.alias("class")))
    code = pl.concat_str("school", pl.col("class").fill_null(""), separator="/").alias("code")
    yield _Groups("class", entered.class_, entered.classes.select(code, "school", "class"))


def _figures(sheet: Sheet, groups: _Groups, lines: Lines, track: str) -> pl.DataFrame:
    size, valid = groups.names.height, sheet.valid
    kinds = len(STATUSES) + 1
    status = np.bincount(groups.of * kinds + sheet.status, minlength=size * kinds).reshape(size, kinds)
    n, enrolled = status[:, VALID], status[:, [VALID, ABSENT, VIOLATION]].sum(axis=1)
    mark, group = sheet.mark[valid], groups.of[valid]
    counted = {"enrolled": enrolled, "n": n, "absent": status[:, ABSENT], "violation": status[:, VIOLATION]}
    measured = _measured(mark, group, n, sheet.scale)
    full = sheet.full if isinstance(sheet.full, int) else sheet.full[valid]
    counts = dict(zip(RATES, _counts(mark, group, full, size, lines), strict=True))
    rates = {f"{name}_rate": _share(count, n) for name, count in counts.items()}
    of_enrolled = {f"{name}_rate_enrolled": _share(count, enrolled) for name, count in counts.items()}
    kept = {f"{name}_count": count for name, count in counts.items()}
    columns: dict[str, Any] = counted | measured | rates | of_enrolled | kept
    named = groups.names.select(
        pl.lit(groups.scope).alias("scope"), "code", "school", "class",
        pl.lit(sheet.subject).alias("subject"), pl.lit(track).alias("track"),
    )  # fmt: skip
    frame = named.with_columns(pl.Series(name, values, nan_to_null=True) for name, values in columns.items())
    return frame.filter((pl.col("enrolled") > 0) | (pl.col("scope") == JOINT))


def _measured(mark: NDArray[np.int32], group: NDArray[np.int32], n: Longs, scale: int) -> dict[str, Any]:
    """Sort once within groups; read extremes and medians from their places, mean and SD from whole sums."""
    width = int(mark.max(initial=0)) + 1
    keys = group * np.int32(width) + mark if len(n) * width < 2**31 else group.astype(np.int64) * width + mark
    ordered = np.sort(keys) % keys.dtype.type(width)
    ends = n.cumsum()
    some, first, last = n > 0, ends - n, ends - 1

    def at(place: Longs) -> NDArray[np.float64]:
        found = np.full(len(n), np.nan)
        found[some] = ordered[place[some]]
        return found

    real = mark.astype(np.float64)
    sums = np.bincount(group, real, len(n)).astype(np.int64)  # whole numbers far below 2^53
    squares = np.bincount(group, real * real, len(n)).astype(np.int64)
    spread = n.astype(object) * squares - sums.astype(object) ** 2  # may exceed 2^63
    root = np.sqrt(spread.astype(np.float64))
    return {
        "mean": _share(sums, n * scale),
        "median": (at(first + (n - 1) // 2) + at(first + n // 2)) / (2 * scale),
        "max": at(last) / scale,
        "min": at(first) / scale,
        "sd": _share(root, n * scale),
    }


def _counts(
    mark: NDArray[np.int32], group: NDArray[np.int32], full: int | NDArray[np.int32], size: int, lines: Lines
) -> Iterator[Longs]:
    """Count who is at least excellent, who passes, who is low: percent of full marks, compared as whole numbers."""
    of_100 = mark * np.int32(100)
    for reached in (of_100 >= lines.excellent * full, of_100 >= lines.passing * full, of_100 < lines.low * full):
        yield np.bincount(group[reached], minlength=size)


def _share(part: NDArray[Any], whole: Longs) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return shares
