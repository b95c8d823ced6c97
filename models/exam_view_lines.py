"""What a school may see of lines, progress and corrections: its own students by name, others in no count that is small.

Part of models/exam_views.py, from which alone it is called.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from models.exam_whole import Whole
from rules.exams import Sheet
from rules.exams_lines import Line, borderline, effective, subject_line
from rules.exams_progress import value_added
from rules.exams_scope import is_safe


def named_students(whole: Whole, code: str, names: dict[int, str]) -> pl.DataFrame:
    """Return a school's students with their opened names: student, number, class, track, name."""
    own = whole.found.entered.students.filter(pl.col("school") == code).select("student", "number", "class", "track")
    return own.with_columns(pl.Series("name", [names.get(each, "") for each in own["student"]], pl.String))


def _lines(whole: Whole, code: str) -> Iterator[tuple[str, Sheet, Line]]:
    """Yield the lines a school may know: one drawn at a number of places is a mark, and may be that of one of a few."""
    given = {(asked.track, asked.name) for asked in whole.asked if asked.mark is not None}
    group = whole.of_school(code)
    for track, totals, line in whole.lines():
        if (track, line.name) in given or is_safe(line.n - int((totals.valid & group).sum()), whole.smallest):
            yield track, totals, line


def effective_counts(whole: Whole, code: str) -> pl.DataFrame:
    """Count the school's own at each line; subject lines only where others are nobody or not few."""
    group, rows = whole.of_school(code), []
    for track, totals, line in _lines(whole, code):
        own = int((totals.valid & group).sum())
        safe = is_safe(line.n - own, whole.smallest)
        for sheet in whole.sheets_on(track):
            others = int((sheet.valid & ~group).sum())
            mark = subject_line(sheet, line) if safe and is_safe(others, whole.smallest) else None
            it = effective(totals, sheet, line, mark, group)
            known = (it.single, it.double, it.mismatch) if mark is not None else (None, None, None)
            shown = None if mark is None else mark / sheet.scale
            rows.append((track, line.name, line.mark / totals.scale, own, sheet.subject, shown, it.reached, *known))
    schema: dict[str, Any] = {
        "track": pl.String, "line": pl.String, "total_mark": pl.Float64, "n": pl.Int64, "subject": pl.String,
        "mark": pl.Float64, "reached": pl.Int64, "single": pl.Int64, "double": pl.Int64, "mismatch": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def borderline_students(whole: Whole, code: str, own: pl.DataFrame) -> pl.DataFrame:
    """List the school's own students not far below a line, by class and number."""
    group, rows = whole.of_school(code), []
    ids = whole.found.entered.students["student"].to_numpy()
    who = {row["student"]: row for row in own.to_dicts()}
    for track, totals, line in _lines(whole, code):
        near = borderline(totals, line, whole.found.policy.borderline_marks * totals.scale) & group
        for student, mark in zip(ids[near].tolist(), totals.mark[near].tolist(), strict=True):
            row, scale = who[student], totals.scale
            rows.append(
                (track, line.name, row["number"], row["name"], row["class"], mark / scale, (line.mark - mark) / scale)
            )
    names_ = ("track", "line", "number", "name", "class")
    schema = dict.fromkeys(names_, pl.String) | dict.fromkeys(("total", "short"), pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row").sort("track", "line", "class", "number", maintain_order=True)


def added_value(whole: Whole, code: str) -> pl.DataFrame:
    """Return the school's value added, where those it is compared with are not few."""
    moved = whole.moved
    if moved is None or not is_safe(moved.filter(pl.col("school") != code).height, whole.smallest):
        return pl.DataFrame()
    return value_added(moved).filter(pl.col("school") == code)


def corrections(whole: Whole, code: str, own_students: pl.DataFrame) -> pl.DataFrame:
    """Return the corrections of the school's own students' marks; what moved only because of others is left out."""
    if whole.changes is None:
        return pl.DataFrame()
    own = whole.changes.filter((pl.col("school_after") == code) & (pl.col("kind") == "own"))
    who = own_students.select("student", "number", "name", "class")
    columns = ("subject", "status_before", "mark_before", "status_after", "mark_after")
    return who.join(own, on="student").select("class", "number", "name", *columns).sort("class", "number", "subject")
