"""Completeness 报送进度: roster and sheets -> how much of each paper each school still owes."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from rules.exams import ABSENT, ELSEWHERE, EXEMPT, HELD, Paper, Roster, Sheet, settled
from rules.exams_policy import Choice


def completeness(entered: Roster, papers: Sequence[Paper], sheets: Sequence[Sheet], choice: Choice) -> pl.DataFrame:
    """Count students by school and paper.

    Args:
        entered: the roster.
        papers: the exam's papers.
        sheets: of each paper, as laid and not yet settled.
        choice: what a candidate need not have a row for.

    Returns:
        One row a school and paper: school, subject, expected (all who take it; of electives nobody knows until rows
        come), received, held, missing; expected = received + held + missing.
    """
    rows = []
    for sheet, after in zip(sheets, settled(entered, papers, sheets, choice), strict=True):
        there = sheet.status != ELSEWHERE
        taken = there | (after.status != EXEMPT)
        held = there & (sheet.status == HELD)
        counts = [
            np.bincount(entered.school[which], minlength=entered.schools.height)
            for which in (taken, there & ~held, held, ~there & (after.status == ABSENT))
        ]
        names = ("expected", "received", "held", "missing")
        columns = {name: count.astype(np.int64) for name, count in zip(names, counts, strict=True)}
        rows.append(
            entered.schools.with_columns(pl.lit(sheet.subject).alias("subject")).with_columns(
                *(pl.Series(name, count) for name, count in columns.items())
            )
        )
    empty = {"school": pl.String, "subject": pl.String} | dict.fromkeys(
        ("expected", "received", "held", "missing"), pl.Int64
    )
    return pl.concat(rows).sort("school", "subject") if rows else pl.DataFrame(schema=empty)
