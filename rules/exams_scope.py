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
from rules.exams_lines import segments
from rules.exams_policy import Suppression
from rules.exams_privacy import GROUP, suppressed
from rules.exams_suppression import Cells, Parts, hidden_cells, tree

QUARTERS = (0.25, 0.5, 0.75)
STEPS = (1, 2, 5, 10, 25)
"""A percentile is rounded to the first of these that is worth a group of others, in percentile points."""
BANDS = (10, 25)
"""Widths of a band of percentiles as a family reads it; the first that is worth a group of others."""
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
        *_FAMILY, *(pl.col(name).alias(f"_{name}") for name in (*_COUNTS, "mean"))
    )
    paired = sides.join(own, on=_FAMILY, how="left", maintain_order="left").filter(pl.col("school").ne_missing(school))
    known = pl.when(pl.col("scope") == JOINT)
    less = paired.with_columns(
        (pl.col(name) - known.then(pl.col(f"_{name}").fill_null(0)).otherwise(0)).alias(name) for name in _COUNTS
    )
    judged = suppressed(_rest_means(less, paired).select(figures.columns), rule)
    alone = (less["scope"] == JOINT) & (less["n"] == 0)
    hidden = pl.when(alone).then(pl.lit([], pl.List(pl.String))).otherwise(judged["hidden"])
    told = paired.select(figures.columns).with_columns(hidden.alias("hidden"), less["n"].alias("rest"))
    blanked = told.with_columns(_blanked(column) for column in figures.columns if column not in _KEPT)
    return blanked.filter(pl.col("scope") == JOINT), blanked.filter(pl.col("scope") == "school")


def _rest_means(less: pl.DataFrame, paired: pl.DataFrame) -> pl.DataFrame:
    """Put the means of the rest in place of the joint ones, for papers add up to totals over the rest too."""
    joint = pl.col("n") * pl.col("mean") - pl.col("_n").fill_null(0) * pl.col("_mean").fill_null(0)
    sums = paired.select(joint.alias("sum"))["sum"]
    rest = pl.when(pl.col("n") > 0).then(sums / pl.col("n"))
    return less.with_columns(pl.when(pl.col("scope") == JOINT).then(rest).otherwise("mean").alias("mean"))


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
    return bool(shares_safe(rest, np.array([part]), smallest)[0])


def shares_safe(rest: int, parts: NDArray[np.float64], smallest: int) -> NDArray[np.bool_]:
    """Say of each part of the same rest whether its share may be read."""
    few = [(part > 0) & (part < smallest) for part in (parts, rest - parts)]
    return is_safe(rest, smallest) & ~few[0] & ~few[1]


def items_shown(rest: Sequence[int], won: Sequence[float], point: Sequence[str], smallest: int) -> list[bool]:
    """Say which items of a paper may be read by who can take its own away.

    Items add up to the paper's mean, so none is hidden alone: it takes along one of its point, else the least answered.

    Args:
        rest: how many others answered each item.
        won: the marks they won, in full marks of the item.
        point: the knowledge point of each item.
        smallest: the smallest group shown.
    """
    safe = [each == 0 or share_is_safe(each, part, smallest) for each, part in zip(rest, won, strict=True)]
    if safe.count(False) == 1 and len(safe) > 1:
        alone = safe.index(False)
        others = [at for at in range(len(safe)) if at != alone]
        safe[min(others, key=lambda at: (point[at] != point[alone], rest[at]))] = False
    return safe


def steps(sheet: Sheet, smallest: int, known: Sequence[int]) -> pl.DataFrame:
    """Count a joint exam in steps of marks 分段表: single marks where many have them, wider where few do.

    Args:
        sheet: the marks; half marks belong to the whole mark below.
        smallest: no step but an empty one counts fewer.
        known: counts of "that mark and above" told elsewhere; between one and a step there is nobody or no few.

    Returns:
        From the highest: mark (the step's lowest), top (its highest), n, cumulative (mark and above). Empty where all
        are few.
    """
    rows: list[tuple[int, int, int, int]] = []
    counted = segments(sheet).rows()
    told, start, top = {0, counted[-1][2] if counted else 0, *known}, 0, None
    for mark, _, reached in counted:
        top = mark if top is None else top
        if all(is_safe(abs(reached - each), smallest) for each in told):
            rows.append((mark, top, reached - start, reached))
            told.add(reached)
            start, top = reached, None
    if rows and top is not None:
        _, first, n, before = rows.pop()
        rows.append((counted[-1][0], first, n + counted[-1][2] - before, counted[-1][2]))
    return pl.DataFrame(rows, schema=dict.fromkeys(("mark", "top", "n", "cumulative"), pl.Int64), orient="row")


def band_step(rest: int, smallest: int) -> int:
    """Return the width of a band in which a family reads its place; 0 where others are too few for any."""
    return next((step for step in BANDS if step * rest >= 100 * smallest), 0)


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


def hidden_parts(
    root: Parts, leaves: Sequence[Parts], smallest: int, *, empty: bool = False, forced: frozenset[int] = frozenset()
) -> frozenset[int]:
    """Say which groups of a joint one must not be read, complements among them; 0 is the joint one, 1 the first leaf.

    Args:
        root: what adds up over the joint group, such as (n,) or (count, n - count).
        leaves: the same of each group.
        smallest: no part may be below it.
        empty: whether a part of nobody may be read; a rate of nobody may, a group of nobody says nothing.
        forced: groups that are hidden for another reason.
    """
    if not leaves:
        return frozenset()

    def few(part: int) -> bool:
        return (not empty or part > 0) and part < smallest

    def small(parts: Parts) -> bool:
        return any(map(few, parts))

    groups = tree([None, *[0] * len(leaves)])
    return hidden_cells(groups, Cells([root, *leaves], small, few, lambda parts: (min(parts) == 0, *parts)), forced)
