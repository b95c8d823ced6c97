"""The district's view of an exam: joint and schools by name, small groups hidden with complements, no student at all.

Part of models/exam_views.py. The report is passed on inside the district, so it is read as by who may not see names.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from models.exam_whole import Heading, Whole
from rules.exams import Sheet
from rules.exams_items import ItemSheet, item_figures
from rules.exams_lines import borderline, effective, segments, subject_line
from rules.exams_privacy import suppressed
from rules.exams_progress import value_added
from rules.exams_reliability import reliability
from rules.exams_scope import hidden_parts, quarters
from rules.exams_weaknesses import points, weakest


@dataclass(frozen=True, slots=True)
class DistrictView:
    """What the district may see: schools by name, no student.

    figures: `compared` rows of joint and schools, hidden ones null. segments: subject, track, mark, n, cumulative.
    quartiles: school (joint: null), subject, track, p25, p50, p75. lines: line, track, total_mark, school, n, reached,
    borderline. effective: line, track, subject, mark, single, double, mismatch of the joint exam and of schools.
    added: school, n, change, value_added, low, high. items, reliability, weak: as their rules. changes: school,
    subject, kind, n. Everything hidden is null.
    """

    heading: Heading
    schools: dict[str, str]
    figures: pl.DataFrame
    segments: pl.DataFrame
    quartiles: pl.DataFrame
    lines: pl.DataFrame
    effective: pl.DataFrame
    added: pl.DataFrame
    items: pl.DataFrame
    reliability: pl.DataFrame
    weak: pl.DataFrame
    changes: pl.DataFrame


def district_view(whole: Whole) -> DistrictView:
    """Cut out what the district's report may show."""
    empty = pl.DataFrame()
    if not whole.found.sheets:
        return DistrictView(whole.heading, dict(whole.schools), *[empty] * 10)
    figures = suppressed(whole.figures.filter(pl.col("scope") != "class"), whole.found.policy.suppression)
    hidden = figures.filter(pl.col("hidden").list.contains("group"))
    small = set(hidden.select("school", "subject", "track").iter_rows())
    enough = [answers for answers in whole.answers if len(answers.sheet.total) >= whole.smallest]
    return DistrictView(
        heading=whole.heading,
        schools={code: whole.schools.get(code, code) for code in whole.codes},
        figures=figures,
        segments=_segments(whole, small),
        quartiles=_quartiles(whole, small),
        lines=_lines(whole),
        effective=_effective(whole),
        added=_added(whole),
        items=pl.concat([_mapped(each.sheet) for each in enough]) if enough else empty,
        reliability=pl.concat([reliability(each.sheet) for each in enough]) if enough else empty,
        weak=_weak(whole),
        changes=_changes(whole),
    )


def _mapped(sheet: ItemSheet) -> pl.DataFrame:
    more = pl.DataFrame(
        {"point": [item.point for item in sheet.items], "full": [item.full / sheet.scale for item in sheet.items]}
    )
    return pl.concat([item_figures(sheet).drop("options"), more], how="horizontal")


def _segments(whole: Whole, small: set[Any]) -> pl.DataFrame:
    frames = [
        segments(part).select(
            pl.lit(part.subject).alias("subject"), pl.lit(track).alias("track"), "mark", "n", "cumulative"
        )
        for track, part in whole.parts()
        if (None, part.subject, track) not in small
    ]
    return pl.concat(frames) if frames else pl.DataFrame()


def _quartiles(whole: Whole, small: set[Any]) -> pl.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for track, part in whole.parts():
        for code in (None, *whole.codes):
            group = None if code is None else whole.of_school(code)
            hidden = (code, part.subject, track) in small
            found = [None] * 3 if hidden else quarters(part, group, 4 * whole.smallest)
            rows.append((code, part.subject, track, *found))
    schema = dict.fromkeys(("school", "subject", "track"), pl.String) | dict.fromkeys(("p25", "p50", "p75"), pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def _counted(whole: Whole, flags: Any) -> list[int]:
    """Count joint, then each school."""
    by = np.bincount(whole.found.entered.school[flags], minlength=len(whole.codes))
    return [int(by.sum()), *map(int, by)]


def _lines(whole: Whole) -> pl.DataFrame:
    """Count who reaches each line and who is borderline; counts of 1-4 or their complements are hidden."""
    rows: list[tuple[Any, ...]] = []
    for track, totals, line in whole.lines():
        n = _counted(whole, totals.valid)
        below = whole.found.policy.borderline_marks * totals.scale
        above = _counted(whole, totals.valid & (totals.mark >= line.mark))
        near = _counted(whole, borderline(totals, line, below))
        parts = [(a, b, all_ - a - b) for all_, a, b in zip(n, above, near, strict=True)]
        few = hidden_parts(parts[0], parts[1:], whole.smallest, empty=True)
        for at, code in enumerate((None, *whole.codes)):
            told = (None,) * 3 if at in few else (n[at], above[at], near[at])
            rows.append((line.name, track, line.mark / totals.scale, code, *told))
    schema: dict[str, Any] = {"line": pl.String, "track": pl.String, "total_mark": pl.Float64, "school": pl.String}
    return pl.DataFrame(rows, schema=schema | dict.fromkeys(("n", "reached", "borderline"), pl.Int64), orient="row")


def _effective(whole: Whole) -> pl.DataFrame:
    """Count effective marks; a row is hidden where any of its counts is 1-4."""
    rows: list[tuple[Any, ...]] = []
    for track, totals, line in whole.lines():
        for sheet in whole.sheets_on(track):
            mark = subject_line(sheet, line)
            groups = [None, *(whole.of_school(code) for code in whole.codes)]
            found = [effective(totals, sheet, line, mark, group) for group in groups]
            parts = [(each.single - each.double, each.double, each.mismatch) for each in found]
            few = hidden_parts(parts[0], parts[1:], whole.smallest, empty=True)
            for at, (code, each) in enumerate(zip((None, *whole.codes), found, strict=True)):
                told = (None,) * 3 if at in few or mark is None else (each.single, each.double, each.mismatch)
                rows.append((line.name, track, sheet.subject, _mark(mark, sheet), code, *told))
    schema: dict[str, Any] = {
        "line": pl.String,
        "track": pl.String,
        "subject": pl.String,
        "mark": pl.Float64,
        "school": pl.String,
    }
    return pl.DataFrame(rows, schema=schema | dict.fromkeys(("single", "double", "mismatch"), pl.Int64), orient="row")


def _mark(mark: int | None, sheet: Sheet) -> float | None:
    return None if mark is None else mark / sheet.scale


def _added(whole: Whole) -> pl.DataFrame:
    moved = whole.moved
    if moved is None or moved.height < whole.smallest:
        return pl.DataFrame()
    told = moved.group_by("school").agg(pl.col("change").mean()).join(value_added(moved), on="school").sort("school")
    few = hidden_parts((moved.height,), [(n,) for n in told["n"]], whole.smallest)
    kept = pl.Series([at + 1 not in few for at in range(told.height)], dtype=pl.Boolean)
    return told.filter(kept)


def _weak(whole: Whole) -> pl.DataFrame:
    """Return each school's weak points; of a point a small school's share is hidden, and so are its complements."""
    frames = []
    for each in whole.answers:
        found = points(each.sheet, whole.home(each)[0], whole.codes)
        for part in found.partition_by("point", maintain_order=True):
            few = hidden_parts((part["joint_n"][0],), [(n,) for n in part["n"]], whole.smallest)
            if 0 not in few:
                frames.append(
                    part.filter(pl.Series([at + 1 not in few for at in range(part.height)], dtype=pl.Boolean))
                )
    return weakest(pl.concat(frames), whole.found.policy.weak_points) if frames else pl.DataFrame()


def _changes(whole: Whole) -> pl.DataFrame:
    if whole.changes is None:
        return pl.DataFrame()
    school = pl.coalesce("school_after", "school_before").alias("school")
    return whole.changes.group_by(school, "subject", "kind").len("n").sort("school", "subject", "kind")
