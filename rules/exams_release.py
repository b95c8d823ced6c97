"""What a new release changes 复核: the standings of two releases -> the rows that differ, and whose own mark it was."""

import polars as pl

FIGURES = ("status", "mark", "rank", "percentile", "t", "scaled")
_KEY = ("student", "subject")


def changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Compare two releases of one exam: one rescore moves other ranks too.

    Args:
        before: rows of `standings`, all subjects and the totals.
        after: the same of the new release.

    Returns:
        A row for each student and subject that differs, by subject and student: student, subject, kind (own: status or
        mark; moved: only what follows from others' marks; added, removed: in one release only), then school and the
        figures as X_before and X_after.
    """
    shown = ("school", *FIGURES)
    old = before.select(*_KEY, *(pl.col(name).alias(f"{name}_before") for name in shown))
    new = after.select(*_KEY, *(pl.col(name).alias(f"{name}_after") for name in shown))
    both = old.join(new, on=_KEY, how="full", coalesce=True)
    kind = (
        pl.when(pl.col("status_before").is_null())
        .then(pl.lit("added"))
        .when(pl.col("status_after").is_null())
        .then(pl.lit("removed"))
        .when(pl.any_horizontal(_differs(name) for name in ("status", "mark")))
        .then(pl.lit("own"))
        .when(pl.any_horizontal(_differs(name) for name in shown))
        .then(pl.lit("moved"))
    )
    pairs = [f"{name}_{when}" for name in shown for when in ("before", "after")]
    return both.select(*_KEY, kind.alias("kind"), *pairs).drop_nulls("kind").sort("subject", "student")


def _differs(name: str) -> pl.Expr:
    return pl.col(f"{name}_before").ne_missing(pl.col(f"{name}_after"))
