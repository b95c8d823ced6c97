"""What a family may see of an exam: its own student's marks beside joint means and quartiles, and nobody else's.

Part of models/exam_views.py: the recipient's scope is enforced here, writers take views only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from models.exam_whole import Heading, Whole
from rules.exams import TOTAL, TRACKS, Sheet
from rules.exams_scope import is_safe, percentile_step, quarters
from rules.exams_standings import standings


@dataclass(frozen=True, slots=True)
class FamilyView:
    """What a student and the family may see: own marks, beside joint means and quartiles; nobody's rank.

    subjects: subject, status, mark, scaled, percentile, joint_n, joint_mean, p25, p50, p75.
    """

    heading: Heading
    number: str
    ref: str
    subjects: pl.DataFrame


def family_view(whole: Whole, number: str) -> FamilyView:
    """Cut out what one student and the family may see.

    Raises:
        KeyError: nobody has the number in this exam.
    """
    students = whole.found.entered.students
    own = students.filter(pl.col("number") == number)
    if own.is_empty():
        raise KeyError(number)
    return next(family_views(whole, own["school"].item(), number))


def family_views(whole: Whole, code: str, number: str | None = None) -> Iterator[FamilyView]:
    """Yield the view of every family of a school (or of one number), by number, each holding one student only."""
    students = whole.found.entered.students
    chosen = pl.col("school") == code if number is None else pl.col("number") == number
    ids = students.filter(chosen).sort("number")
    rows: dict[int, list[dict[str, Any]]] = {each: [] for each in ids["student"]}
    for sheet in whole.found.sheets:
        stand = standings(whole.found.entered, sheet).with_columns(students["track"])
        near = {track: _near(part) for track, part in _tracks(whole, sheet)}
        for row in stand.filter(pl.col("student").is_in(ids["student"].to_list())).to_dicts():
            if row["status"] != "exempt":
                rows[row["student"]].append(
                    _family(row, near[row["track"] if sheet.subject == TOTAL else TRACKS[0]], whole.smallest)
                )
    for student, number_, ref in ids.select("student", "number", "ref").iter_rows():
        yield FamilyView(whole.heading, number_, ref, pl.DataFrame(rows[student], schema=_FAMILY_ROW))


_FAMILY_ROW = {
    "subject": pl.String, "status": pl.String, "mark": pl.Float64, "scaled": pl.Int64, "percentile": pl.Int64,
    "joint_n": pl.Int64, "joint_mean": pl.Float64, "p25": pl.Float64, "p50": pl.Float64, "p75": pl.Float64,
}  # fmt: skip


def _near(part: Sheet) -> tuple[int, float | None, list[float | None]]:
    marks = part.mark[part.valid]
    mean = float(marks.sum(dtype=np.int64)) / (len(marks) * part.scale) if len(marks) else None
    return len(marks), mean, quarters(part, None, 1)


def _family(row: dict[str, Any], near: tuple[int, float | None, list[float | None]], smallest: int) -> dict[str, Any]:
    n, mean, (p25, p50, p75) = near
    rest = n - (row["mark"] is not None)
    told = {name: row[name] for name in ("subject", "status", "mark", "scaled")}
    step = percentile_step(rest, smallest)
    told["percentile"] = (
        None if step is None or row["percentile"] is None else int(round(row["percentile"] / step) * step)
    )
    if n and is_safe(rest, smallest):
        told |= {"joint_n": n, "joint_mean": mean}
        if is_safe(rest, 4 * smallest):
            told |= {"p25": p25, "p50": p50, "p75": p75}
    return dict.fromkeys(_FAMILY_ROW) | told


def _tracks(whole: Whole, sheet: Sheet) -> Iterator[tuple[str, Sheet]]:
    return ((track, part) for track, part in whole.parts() if part.subject == sheet.subject)
