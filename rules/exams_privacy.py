"""Figures for readers outside the circle entitled to names: rows of `stats` -> small groups and rates left blank.

A hidden group shows nothing, not even n; a hidden rate shows neither of its two forms nor its count, and the row no
extremes, which would tell a rate of nobody or of all. What lies between two shown rates is never a few either.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from rules.exams import TOTAL
from rules.exams_figures import JOINT, RATES
from rules.exams_policy import Suppression
from rules.exams_suppression import Cells, Parts, Tree, hidden_cells, tree

KEYS = ("scope", "code", "school", "class", "subject", "track")
GROUP = "group"
EXTREMES = ("max", "min")
_ORDER = ("pass", "excellent", "low")
"""Rates are judged in this order, each beside those before it, so that the pass rate is the last to be given up."""


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
    hidden, forced = _judged(marked, rule, set()), set[int]()
    while more := _open_sums(marked, hidden[GROUP]):
        forced |= more
        hidden = _judged(marked, rule, forced)
    at = pl.col("at")
    listed = pl.concat_list(
        pl.when(at.is_in(sorted(hidden[name]))).then(pl.lit(name)) for name in (GROUP, *RATES)
    ).list.drop_nulls()
    blanked = marked.with_columns(
        pl.when(~at.is_in(sorted(rows))).then(pl.col(column)).alias(column)
        for column, rows in _columns(figures.columns, hidden)
    )
    return blanked.with_columns(listed.alias("hidden")).drop("at")


def _judged(marked: pl.DataFrame, rule: Suppression, forced: set[int]) -> dict[str, set[int]]:
    hidden: dict[str, set[int]] = {name: set() for name in (GROUP, *RATES)}
    for family in marked.partition_by("subject", "track", maintain_order=True):
        for name, rows in _hidden(family, rule, forced):
            hidden[name] |= rows
    return hidden


def _open_sums(marked: pl.DataFrame, hidden: set[int]) -> set[int]:
    """Return one more row of each group of which only papers or only totals are hidden, where papers add up to totals.

    They add up in groups where nobody is valid in some papers only and none is scaled; a reader sees that from the
    counts, and takes such groups from the joint sums of both.
    """
    if TOTAL not in marked["subject"]:
        return set()
    at, total = pl.col("at"), pl.col("subject") == TOTAL
    touched = marked.filter(at.is_in(sorted(hidden)))["code"].unique().to_list()
    sums = pl.col("n") * pl.col("mean").fill_null(0)
    signed = pl.when(total).then(-sums).otherwise(sums).alias("sum")
    left = marked.filter(pl.col("n") > 0).group_by("scope", "code").agg(signed.sum())
    if left.filter(pl.col("sum").abs() < 0.01).is_empty():
        return set()
    rows = marked.filter(pl.col("code").is_in(touched), pl.col("n") > 0).select(
        "at", "scope", "code", "n", total.alias("total"), at.is_in(sorted(hidden)).alias("hidden")
    )
    found = set()
    for group in rows.partition_by("scope", "code"):
        if group.filter("hidden")["total"].n_unique() == 1:
            others = group.filter(pl.col("total") != group.filter("hidden")["total"][0])
            found |= set(others.sort("n", "at")["at"].head(1).to_list())
    return found


def few_hidden(figures: pl.DataFrame, rule: Suppression) -> pl.DataFrame:
    """Blank the figures of items or papers that rest on a few candidates; what they are called stays.

    Items add up to the mean of the paper, so a single hidden item takes the one with the fewest candidates along.

    Args:
        figures: rows of `item_figures` or `reliability`, which are joint: no other row is a part of them.
        rule: the smallest group shown.
    """
    few = figures["n"].fill_null(0) < rule.smallest
    if "item" in figures.columns:
        for part in figures.with_row_index("at").partition_by("subject"):
            inside = few.gather(part["at"])
            if inside.sum() == 1 and part.height > 1:
                few[int(part.filter(~inside).sort("n")["at"][0])] = True
    names = [name for name in figures.columns if name not in ("subject", "item", "items", "point", "full")]
    return figures.with_columns(pl.when(~few).then(pl.col(name)).alias(name) for name in names)


def _columns(columns: Sequence[str], hidden: dict[str, set[int]]) -> Iterator[tuple[str, set[int]]]:
    for column in columns:
        if column not in KEYS:
            rate = column.split("_")[0]
            rates = set().union(*(hidden[name] for name in RATES)) if column in EXTREMES else set()
            yield column, hidden[rate if rate in RATES else GROUP] | rates


def _hidden(family: pl.DataFrame, rule: Suppression, forced: set[int]) -> Iterator[tuple[str, set[int]]]:
    """Yield the places of hidden rows of one subject and track: of groups, then of each rate."""
    ordered = family.sort(pl.col("scope").replace_strict({JOINT: 0, "school": 1, "class": 2}), maintain_order=True)
    rows = ordered.to_dicts()
    groups = _tree(rows)
    also = frozenset(node for node, row in enumerate(rows) if row["at"] in forced)
    small = hidden_cells(groups, _group_cells(rows, also, rule.smallest), also)
    yield GROUP, {rows[node]["at"] for node in small}
    done: dict[str, frozenset[int]] = {}
    for name in _ORDER:
        kept = [{each for each, cells in done.items() if node not in cells} for node in range(len(rows))]
        telling = {node for node, row in enumerate(rows) if _tells(row, name, set(done) - kept[node])}
        known = {node for node, row in enumerate(rows) if node not in small and _known(row, name, kept[node])}
        cells = _rate_cells(rows, name, rule.smallest)
        done[name] = hidden_cells(groups, cells, small | telling, frozenset(known) - telling)
        yield name, {rows[node]["at"] for node in done[name]}


def _tells(row: dict[str, Any], name: str, hidden: set[str]) -> bool:
    """Say whether a rate would tell a hidden one: who is excellent passes, who passes is not low."""
    n, excellent, low = row["n"], row["excellent_count"], row["low_count"]
    if name == "excellent":
        return "pass" in hidden and excellent == n
    return name == "low" and ((bool(hidden) and low == n) or ("pass" in hidden and excellent + low == n))


def _known(row: dict[str, Any], name: str, shown: set[str]) -> bool:
    """Say whether a rate follows from the mean and SD or from the rates shown: nobody, or everybody."""
    if row["sd"] == 0:
        return True
    if name == "excellent":
        return "pass" in shown and row["pass_count"] == 0
    everybody = "pass" in shown and row["pass_count"] == row["n"]
    return name == "low" and (everybody or ("excellent" in shown and row["excellent_count"] == row["n"]))


def _tree(rows: Sequence[dict[str, Any]]) -> Tree:
    schools = {row["school"]: node for node, row in enumerate(rows) if row["scope"] == "school"}
    parent_of = {JOINT: None, "school": 0}
    return tree([parent_of[row["scope"]] if row["scope"] in parent_of else schools[row["school"]] for row in rows])


def _group_cells(rows: Sequence[dict[str, Any]], forced: frozenset[int], smallest: int) -> Cells:
    """A group is its n; one that is hidden for its sums counts as nobody, so that no difference is it alone."""
    schools = {rows[node]["code"] for node in forced if rows[node]["scope"] == "school"}

    def small(parts: Parts) -> bool:
        return parts[0] < smallest

    n = [0 if node in forced or row["school"] in schools else row["n"] for node, row in enumerate(rows)]
    return Cells([(each,) for each in n], small, lambda part: part < smallest, lambda parts: parts)


def _rate_cells(rows: Sequence[dict[str, Any]], name: str, smallest: int) -> Cells:
    """A rate's count, its complements and what lies between it and another rate may be 0 or at least `smallest`.

    A complement is taken first from rates that are neither 0 nor 1: those are often known from another rate.
    """
    return Cells(
        [_parts(row, name) for row in rows],
        unsafe=lambda parts: any(0 < part < smallest for part in parts),
        told=lambda part: part < smallest,
        cost=lambda parts: (min(parts[1:]) == 0, parts[1] + parts[2]),
    )


def _parts(row: dict[str, Any], name: str) -> Parts:
    """Return the enrolled beside the count, the count, the valid beside it, and those between it and earlier rates."""
    n, passing, excellent, count = row["n"], row["pass_count"], row["excellent_count"], row[f"{name}_count"]
    between = {
        "pass": (),
        "excellent": (passing - count,),
        "low": (n - passing - count, n - excellent - count),
    }
    return row["enrolled"] - count, count, n - count, *between[name]
