"""What a reader may learn of others 知情范围: joint figures less what the reader knows -> the rest -> shown or hidden.

A school knows its own students, a family one. Whatever joint figure they read, they can take their own from it; so
what must not be small is never the joint group but the *rest*. A rest of nobody hides nothing: joint is then their own.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules.exams import Sheet
from rules.exams_figures import JOINT, RATES
from rules.exams_policy import Suppression
from rules.exams_privacy import GROUP, suppressed
from rules.exams_suppression import Cells, Parts, hidden_cells, tree

QUARTERS = (0.25, 0.5, 0.75)
STEPS = (1, 2, 5, 10, 25)
"""A percentile is rounded to the first of these that is worth a group of others, in percentile points."""
_FAMILY = ["subject", "track"]
_COUNTS = ("enrolled", "n", *(f"{name}_count" for name in RATES))
_OWN_ONLY = ("max", "min", "absent", "violation")
"""Of joint figures a school does not get these: one student's mark, and who was caught elsewhere."""


def joint_for(figures: pl.DataFrame, school: str, rule: Suppression) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Say what one school may read of the joint exam and of the other schools.

    Args:
        figures: rows of `compared`, all schools.
        school: the reader's code.
        rule: the smallest group shown.

    Returns:
        The joint rows and the other schools' rows, hidden figures null, `hidden` naming what is (group, excellent,
        pass, low), and `rest`, how many valid results others have. Extremes, absences and violations are null.
    """
    sides = figures.filter(pl.col("scope") != "class")
    own = sides.filter(pl.col("school") == school).select(
        *_FAMILY, *(pl.col(name).alias(f"_{name}") for name in _COUNTS)
    )
    paired = sides.join(own, on=_FAMILY, how="left", maintain_order="left").filter(pl.col("school").ne_missing(school))
    known = pl.when(pl.col("scope") == JOINT)
    less = paired.with_columns(
        (pl.col(name) - known.then(pl.col(f"_{name}").fill_null(0)).otherwise(0)).alias(name) for name in _COUNTS
    )
    judged = suppressed(less.select(figures.columns), rule)
    alone = (less["scope"] == JOINT) & (less["n"] == 0)
    hidden = pl.when(alone).then(pl.lit([], pl.List(pl.String))).otherwise(judged["hidden"])
    told = paired.select(figures.columns).with_columns(hidden.alias("hidden"), less["n"].alias("rest"))
    blanked = told.with_columns(_blanked(column) for column in figures.columns if column not in _KEPT)
    return blanked.filter(pl.col("scope") == JOINT), blanked.filter(pl.col("scope") == "school")


_KEPT = ("scope", "code", "school", "class", *_FAMILY)


def _blanked(column: str) -> pl.Expr:
    if column in _OWN_ONLY:
        return pl.lit(None).cast(pl.Float64 if column in {"max", "min"} else pl.Int64).alias(column)
    rate = column.split("_", maxsplit=1)[0]
    names = [GROUP, rate] if rate in RATES else [GROUP]
    return pl.when(~pl.col("hidden").list.set_intersection(names).list.len().cast(pl.Boolean)).then(pl.col(column))


def coarse(others: pl.DataFrame) -> pl.DataFrame:
    """Leave of other schools what does not name them: mean to 0.1, rates to whole percent, no n and no interval.

    The size of a school is known all over the district; an n, an interval or a long fraction would be its name.
    """
    rates = (pl.col(f"{name}_rate").round(2).alias(name) for name in RATES)
    return others.select("letter", *_FAMILY, pl.col("mean").round(1), *rates).sort(*_FAMILY, "letter")


def is_safe(rest: int, smallest: int) -> bool:
    """Say whether a figure of a group may be read by who can take all but `rest` of it away."""
    return rest == 0 or rest >= smallest


def share_is_safe(rest: int, part: float, smallest: int) -> bool:
    """Say whether a share may be read: the rest, its part and the remainder are each nobody or not small."""
    return is_safe(rest, smallest) and not 0 < part < smallest and not 0 < rest - part < smallest


def percentile_step(rest: int, smallest: int) -> int | None:
    """Return to what a percentile is rounded, so that between two marks others are not counted one by one.

    1 where there are no others; None where they are too few for any step.
    """
    return 1 if rest == 0 else next((step for step in STEPS if step * rest >= 100 * smallest), None)


def rounded(percentile: pl.Expr, step: int | None) -> pl.Expr:
    """Round a percentile to its step, whole; null without one."""
    if step is None:
        return pl.lit(None, pl.Int64).alias(percentile.meta.output_name())
    return ((percentile / step).round(0) * step).cast(pl.Int64)


def quarters(sheet: Sheet, group: NDArray[np.bool_] | None, needed: int) -> list[float | None]:
    """Return the quartiles of a group (None: everybody), in marks; null with fewer valid results than `needed`."""
    marks = sheet.mark[sheet.valid if group is None else sheet.valid & group]
    if len(marks) < max(needed, 1):
        return [None] * len(QUARTERS)
    found = np.quantile(marks, QUARTERS, method="averaged_inverted_cdf") / sheet.scale
    return [float(each) for each in found]


def tenths(sheet: Sheet, group: NDArray[np.bool_] | None = None) -> list[int]:
    """Count a group by tenths of full marks, from below; full marks belong to the last."""
    inside = sheet.valid if group is None else sheet.valid & group
    full = sheet.full if isinstance(sheet.full, int) else sheet.full[inside]
    at = np.minimum(10 * sheet.mark[inside] // np.maximum(full, 1), 9)
    return [int(each) for each in np.bincount(at, minlength=10)]


def hidden_parts(root: Parts, leaves: Sequence[Parts], smallest: int, *, empty: bool = False) -> frozenset[int]:
    """Say which groups of a joint one must not be read, complements among them; 0 is the joint one, 1 the first leaf.

    Args:
        root: what adds up over the joint group, such as (n,) or (count, n - count).
        leaves: the same of each group.
        smallest: no part may be below it.
        empty: whether a part of nobody may be read; a rate of nobody may, a group of nobody says nothing.
    """
    if not leaves:
        return frozenset()

    def small(parts: Parts) -> bool:
        return any((not empty or part > 0) and part < smallest for part in parts)

    groups = tree([None, *[0] * len(leaves)])
    return hidden_cells(groups, Cells([root, *leaves], small, small, lambda parts: (min(parts) == 0, *parts)))
