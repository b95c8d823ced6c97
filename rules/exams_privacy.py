"""Figures for readers outside the circle entitled to names: rows of `stats` -> small groups and rates left blank.

A hidden group shows nothing, not even n; a hidden rate shows neither of its two forms nor its count.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from rules.exams_figures import JOINT, RATES
from rules.exams_policy import Suppression
from rules.exams_suppression import Cells, Parts, Tree, hidden_cells, tree

KEYS = ("scope", "code", "school", "class", "subject", "track")
GROUP = "group"


def suppressed(figures: pl.DataFrame, rule: Suppression) -> pl.DataFrame:
    """Blank what must not be read, with complements, so that no total gives it away.

    Args:
        figures: rows of `stats`; joint, schools and classes of a subject and track belong together.
        rule: the smallest group shown.

    Returns:
        The rows in their order, hidden figures null, and a last column `hidden`: the names of what is (group, or some
        of excellent, pass, low).
    """
    marked = figures.with_row_index("at")
    hidden: dict[str, set[int]] = {name: set() for name in (GROUP, *RATES)}
    for family in marked.partition_by("subject", "track", maintain_order=True):
        for name, rows in _hidden(family, rule):
            hidden[name] |= rows
    at = pl.col("at")
    listed = pl.concat_list(
        pl.when(at.is_in(sorted(hidden[name]))).then(pl.lit(name)) for name in (GROUP, *RATES)
    ).list.drop_nulls()
    blanked = marked.with_columns(
        pl.when(~at.is_in(sorted(rows))).then(pl.col(column)).alias(column)
        for column, rows in _columns(figures.columns, hidden)
    )
    return blanked.with_columns(listed.alias("hidden")).drop("at")


def few_hidden(figures: pl.DataFrame, rule: Suppression) -> pl.DataFrame:
    """Blank the figures of items or papers that rest on a few candidates; what they are called stays.

    Args:
        figures: rows of `item_figures` or `reliability`, which are joint: no other row is a part of them.
        rule: the smallest group shown.
    """
    few = pl.col("n") < rule.smallest
    names = [name for name in figures.columns if name not in ("subject", "item", "items")]
    return figures.with_columns(pl.when(~few).then(pl.col(name)).alias(name) for name in names)


def _columns(columns: Sequence[str], hidden: dict[str, set[int]]) -> Iterator[tuple[str, set[int]]]:
    for column in columns:
        if column not in KEYS:
            rate = column.split("_")[0]
            yield column, hidden[rate if rate in RATES else GROUP]


def _hidden(family: pl.DataFrame, rule: Suppression) -> Iterator[tuple[str, set[int]]]:
    """Yield the places of hidden rows of one subject and track: of groups, then of each rate."""
    ordered = family.sort(pl.col("scope").replace_strict({JOINT: 0, "school": 1, "class": 2}), maintain_order=True)
    rows = ordered.to_dicts()
    groups = _tree(rows)
    small = hidden_cells(groups, _group_cells(rows, rule.smallest))
    yield GROUP, {rows[node]["at"] for node in small}
    for name in RATES:
        cells = hidden_cells(groups, _rate_cells(rows, name, rule.smallest), small)
        yield name, {rows[node]["at"] for node in cells}


def _tree(rows: Sequence[dict[str, Any]]) -> Tree:
    schools = {row["school"]: node for node, row in enumerate(rows) if row["scope"] == "school"}
    parent_of = {JOINT: None, "school": 0}
    return tree([parent_of[row["scope"]] if row["scope"] in parent_of else schools[row["school"]] for row in rows])


def _group_cells(rows: Sequence[dict[str, Any]], smallest: int) -> Cells:
    def small(parts: Parts) -> bool:
        return parts[0] < smallest

    return Cells([(row["n"],) for row in rows], small, small, lambda parts: parts)


def _rate_cells(rows: Sequence[dict[str, Any]], name: str, smallest: int) -> Cells:
    """A rate's count, its complement and the enrolled's complement may be 0 or at least `smallest`.

    A complement is taken first from rates that are neither 0 nor 1: those are often known from another rate.
    """
    counts = [(row[f"{name}_count"], row["n"], row["enrolled"]) for row in rows]
    return Cells(
        [(count, n - count, enrolled - count) for count, n, enrolled in counts],
        unsafe=lambda parts: any(0 < part < smallest for part in parts),
        told=lambda parts: min(parts[:2]) < smallest,
        cost=lambda parts: (min(parts[:2]) == 0, parts[0] + parts[1]),
    )
