"""What a release says, what the next changes 复核: figures -> their digest; two standings -> the rows that differ."""

import hashlib
from collections.abc import Iterable

import polars as pl

FIGURES = ("status", "mark", "rank", "percentile", "t", "scaled")
KINDS = ("own", "moved", "added", "removed")
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


def figures_hash(frames: Iterable[pl.DataFrame]) -> str:
    """Return the SHA-256, in hex, of figures: what a release shall come to whenever it is worked out again.

    Every value counts, and the names and the order of columns and rows; numbers by their exact values, null as null.
    """
    digest = hashlib.sha256()
    for frame in frames:
        for column in frame.iter_columns():
            nulls = column.is_null().to_numpy().tobytes()
            digest.update(f"{column.name}\n{len(column)}\n".encode() + nulls)
            digest.update(_bytes(column))
    return digest.hexdigest()


def _bytes(column: pl.Series) -> bytes:
    if column.dtype.is_float():
        return column.cast(pl.Float64).fill_null(0.0).to_numpy().astype("<f8").tobytes()
    if column.dtype.is_integer():
        return column.cast(pl.Int64).fill_null(0).to_numpy().astype("<i8").tobytes()
    return column.cast(pl.String).to_frame().write_csv(include_header=False, quote_style="always").encode()


def _differs(name: str) -> pl.Expr:
    return pl.col(f"{name}_before").ne_missing(pl.col(f"{name}_after"))


def counted(changed: pl.DataFrame) -> pl.DataFrame:
    """Count the rows of `changes`: school (where they are now), subject, own, moved, added, removed; nobody named."""
    school = pl.coalesce("school_after", "school_before").alias("school")
    return (
        changed.group_by(school, "subject")
        .agg((pl.col("kind") == kind).sum().cast(pl.Int64).alias(kind) for kind in KINDS)
        .sort("school", "subject")
    )
