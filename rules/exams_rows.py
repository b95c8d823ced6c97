"""Checking mark rows: rows as sent -> refused, held, duplicate or kept, with its reason -> the school's list.

Refused: the row cannot be (over full marks, items that do not add up). Held: it may be right, but not by itself (not on
the roster, another school's student, two rows that disagree). Everything else is kept; nothing is decided silently.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from rules.exams import STATUSES, Paper, Roster

REFUSED = ("unknown_subject", "unknown_status", "mark_unless_valid", "items_differ", "item_impossible", "no_mark",
           "sum_differs", "over_full")  # fmt: skip
HELD_OUT = ("off_roster", "wrong_school", "conflict")
_BLANK_ITEMS = pl.col("items").is_null() | (pl.col("items").list.drop_nulls().list.len() == 0)


def checked(
    rows: pl.DataFrame, entered: Roster, papers: Sequence[Paper], item_full: Mapping[str, Sequence[int]]
) -> pl.DataFrame:
    """Judge every row of the mark files of an exam, all schools together.

    Args:
        rows: columns student, school (that sent it), subject, status, mark (whole, times scale; null if none), items
            (list of whole item marks in the order of the paper's items, null where blank; null without item marks).
        entered: the roster.
        papers: the exam's papers.
        item_full: full marks of each item, times scale, by subject; none for papers without items.

    Returns:
        The rows in their order with mark completed from the items where only those were sent, blanks (how many items
        are blank), and verdict: kept, duplicate (of
        a kept row), or one of REFUSED or HELD_OUT.
    """
    limits = pl.DataFrame(
        [(paper.subject, paper.full, list(item_full.get(paper.subject, ()))) for paper in papers],
        schema={"subject": pl.String, "_full": pl.Int64, "_items": pl.List(pl.Int64)},
        orient="row",
    )
    homes = entered.students.select("student", pl.col("school").alias("_home"))
    wide = rows.with_row_index("_at").join(limits, on="subject", how="left").join(homes, on="student", how="left")
    completed = _completed(wide.sort("_at"))
    judged = completed.with_columns(pl.coalesce(_refusals(), _strangers(), pl.lit("kept")).alias("verdict"))
    return _doubles(judged).drop("_at", "_full", "_items", "_home")


def accepted(judged: pl.DataFrame) -> pl.DataFrame:
    """Return the rows to lay on the roster: student, subject, status, mark, items; who is held out has status held."""
    kept = judged.filter(pl.col("verdict") == "kept").select("student", "subject", "status", "mark", "items")
    held = held_rows(judged).with_columns(pl.lit("held").alias("status"))
    return pl.concat([kept, held], how="diagonal")


def held_rows(judged: pl.DataFrame) -> pl.DataFrame:
    """Return student, subject of those who are neither kept nor absent because a row of theirs is held out.

    A kept row stands, whatever another school has sent under the same number.
    """
    kept = judged.filter(pl.col("verdict") == "kept").select("student", "subject")
    held = judged.filter(pl.col("verdict").is_in(("wrong_school", "conflict"))).select("student", "subject")
    return held.unique().join(kept, on=["student", "subject"], how="anti").sort("student", "subject")


def _completed(wide: pl.DataFrame) -> pl.DataFrame:
    sums = pl.when(~_BLANK_ITEMS).then(pl.col("items").list.sum())
    return wide.with_columns(
        sums.alias("_sum"),
        pl.coalesce("mark", pl.when(pl.col("status") == "valid").then(sums)).alias("mark"),
        pl.col("items").list.eval(pl.element().is_null()).list.sum().fill_null(0).cast(pl.Int64).alias("blanks"),
    )


def _refusals() -> pl.Expr:
    """Name the first reason for which a row cannot be."""
    mark, valid = pl.col("mark"), pl.col("status") == "valid"
    return (
        pl.when(pl.col("_full").is_null())
        .then(pl.lit("unknown_subject"))
        .when(~pl.col("status").is_in(STATUSES[:4]).fill_null(value=False))
        .then(pl.lit("unknown_status"))
        .when(~valid & (mark.is_not_null() | ~_BLANK_ITEMS))
        .then(pl.lit("mark_unless_valid"))
        .when(valid & ~_BLANK_ITEMS & ~_counted())
        .then(pl.lit("items_differ"))
        .when(valid & ~_BLANK_ITEMS & _impossible_item())
        .then(pl.lit("item_impossible"))
        .when(valid & mark.is_null())
        .then(pl.lit("no_mark"))
        .when(valid & (pl.col("_sum") != mark))
        .then(pl.lit("sum_differs"))
        .when(valid & ((mark > pl.col("_full")) | (mark < 0)))
        .then(pl.lit("over_full"))
    )


def _counted() -> pl.Expr:
    return pl.col("items").list.len() == pl.col("_items").list.len()


def _impossible_item() -> pl.Expr:
    """Say that an item is above its full marks or below 0."""
    items = pl.when(_counted()).then(pl.col("items"))
    over = (pl.when(_counted()).then(pl.col("_items")) - items).list.min() < 0
    return (over | (items.list.min() < 0)).fill_null(value=False)


def _strangers() -> pl.Expr:
    """Hold out rows of students who are not on the roster, or on another school's."""
    home = pl.col("_home")
    return (
        pl.when(home.is_null()).then(pl.lit("off_roster")).when(home != pl.col("school")).then(pl.lit("wrong_school"))
    )


def _doubles(judged: pl.DataFrame) -> pl.DataFrame:
    """Keep one of the rows that agree, with item marks if any has them; hold all that disagree."""
    key = ["student", "subject"]
    spelt = pl.col("items").list.eval(pl.element().cast(pl.String).fill_null("")).list.join(",")
    several = judged.filter(pl.col("verdict") == "kept").filter(pl.struct(key).is_duplicated())
    kept = several.with_columns(
        pl.when(~_BLANK_ITEMS).then(spelt).alias("_spelt"),
        pl.concat_str("status", pl.col("mark").cast(pl.String).fill_null("")).alias("_result"),
    )
    told = kept.select(
        "_at",
        pl.when((pl.col("_result").n_unique() > 1) | (pl.col("_spelt").drop_nulls().n_unique() > 1))
        .then(pl.lit("conflict"))
        .when(pl.col("_at") != pl.col("_at").sort_by(pl.col("_spelt").is_null(), "_at").first())
        .then(pl.lit("duplicate"))
        .over(key)
        .alias("_told"),
    )
    joined = judged.join(told, on="_at", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("_told", "verdict").alias("verdict")).drop("_told")
