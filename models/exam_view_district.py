"""The district's view of an exam: joint and schools by name, small groups hidden with complements, no student at all.

Part of models/exam_views.py. The district's officers are entitled to names, and have them by an audited export; this
report is a file that is passed on, so it is made as for readers outside that circle. docs/decisions/0034.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from models.exam_whole import Heading, Whole
from rules.exams import TOTAL, TRACKS, Sheet
from rules.exams_items import ItemSheet, item_figures
from rules.exams_line_scope import above, counted, cut_parts, rate_cuts
from rules.exams_lines import Effective, borderline, effective, subject_line
from rules.exams_privacy import few_hidden, suppressed
from rules.exams_progress import value_added
from rules.exams_reliability import reliability
from rules.exams_scope import hidden_parts, quarters, steps
from rules.exams_suppression import Parts
from rules.exams_weaknesses import points, weakest


@dataclass(frozen=True, slots=True)
class DistrictView:
    """What the district may see: schools by name, no student.

    figures: `compared` rows of joint and schools, hidden ones null. segments: subject, track, mark, top, n, cumulative.
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
    few = _few_at_lines(whole)
    lines, scored = _lines(whole, few), _effective(whole, few)
    return DistrictView(
        heading=whole.heading,
        schools={code: whole.schools.get(code, code) for code in whole.codes},
        figures=figures,
        segments=_segments(whole, figures, lines, scored),
        quartiles=_quartiles(whole, small),
        lines=lines,
        effective=scored,
        added=_added(whole),
        items=pl.concat([few_hidden(_mapped(each.sheet), whole.found.policy.suppression) for each in enough])
        if enough
        else empty,
        reliability=pl.concat([few_hidden(reliability(each.sheet), whole.found.policy.suppression) for each in enough])
        if enough
        else empty,
        weak=_weak(whole),
        changes=_changes(whole),
    )


def _mapped(sheet: ItemSheet) -> pl.DataFrame:
    more = pl.DataFrame(
        {"point": [item.point for item in sheet.items], "full": [item.full / sheet.scale for item in sheet.items]}
    )
    return pl.concat([item_figures(sheet).drop("options"), more], how="horizontal")


def _segments(whole: Whole, figures: pl.DataFrame, lines: pl.DataFrame, scored: pl.DataFrame) -> pl.DataFrame:
    """Count the joint exam in steps of marks; what the other sheets tell of it at rates and lines is not cut anew."""
    frames = []
    for track, part in whole.parts():
        of = (pl.col("subject") == part.subject, pl.col("track") == track, pl.col("school").is_null())
        row = figures.filter(*of).to_dicts()[0]
        if row["n"] is None:
            continue
        known = [row["excellent_count"], row["pass_count"], _less(row["n"], row["low_count"])]
        if part.subject == TOTAL:
            for told in lines.filter(*of[1:]).drop_nulls("reached").to_dicts():
                known += [told["reached"], told["reached"] + told["borderline"]]
        if track == TRACKS[0]:
            known += scored.filter(*of)["single"].to_list()
        counted = steps(part, whole.smallest, [each for each in known if each is not None])
        frames.append(counted.select(pl.lit(part.subject).alias("subject"), pl.lit(track).alias("track"), pl.all()))
    return pl.concat(frames) if frames else pl.DataFrame()


def _less(whole: int, part: int | None) -> int | None:
    return None if part is None else whole - part


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


def _few_at_lines(whole: Whole) -> dict[tuple[str, str], frozenset[int]]:
    """Say of each line which groups are hidden (0: the joint exam, 1: the first school), lines before it counted in."""
    entered, found = whole.found.entered, {}
    drawn: dict[str, list[int]] = {}
    for track, totals, line in whole.lines():
        cuts = drawn.setdefault(track, [])
        cuts += [line.mark, line.mark - whole.found.policy.borderline_marks * totals.scale]
        parts = cut_parts(totals, cuts, rate_cuts(totals, whole.found.policy.lines), entered.school, len(whole.codes))
        found[track, line.name] = hidden_parts(parts[0], parts[1:], whole.smallest, empty=True)
    return found


def _lines(whole: Whole, few: dict[tuple[str, str], frozenset[int]]) -> pl.DataFrame:
    """Count who reaches each line and who is borderline; counts of 1-4 or their complements are hidden."""
    rows: list[tuple[Any, ...]] = []
    school, size = whole.found.entered.school, len(whole.codes)
    for track, totals, line in whole.lines():
        below = whole.found.policy.borderline_marks * totals.scale
        n, reached = counted(totals.valid, school, size), above(totals, line.mark, school, size)
        near = counted(borderline(totals, line, below), school, size)
        for at, code in enumerate((None, *whole.codes)):
            told = (None,) * 3 if at in few[track, line.name] else (n[at], reached[at], near[at])
            rows.append((line.name, track, line.mark / totals.scale, code, *told))
    schema: dict[str, Any] = {"line": pl.String, "track": pl.String, "total_mark": pl.Float64, "school": pl.String}
    return pl.DataFrame(rows, schema=schema | dict.fromkeys(("n", "reached", "borderline"), pl.Int64), orient="row")


def _effective(whole: Whole, few: dict[tuple[str, str], frozenset[int]]) -> pl.DataFrame:
    """Count effective marks; a row is hidden where any of its counts is 1-4, or who reaches the line is hidden."""
    rows: list[tuple[Any, ...]] = []
    drawn: dict[tuple[str, str], list[list[Parts]]] = {}
    for track, totals, line in whole.lines():
        for sheet in whole.sheets_on(track):
            mark = subject_line(sheet, line)
            groups = [None, *(whole.of_school(code) for code in whole.codes)]
            found = [effective(totals, sheet, line, mark, group) for group in groups]
            earlier = drawn.setdefault((track, sheet.subject), [])
            parts = _scored(whole, track, sheet, found, earlier)
            hidden = hidden_parts(
                parts[0], parts[1:], whole.smallest, empty=True, forced=few[track, line.name]
            )  # fmt: skip
            earlier.append([(each.single, each.double) for each in found])
            for at, (code, each) in enumerate(zip((None, *whole.codes), found, strict=True)):
                told = (None,) * 3 if at in hidden or mark is None else (each.single, each.double, each.mismatch)
                rows.append((line.name, track, sheet.subject, _mark(mark, sheet), code, *told))
    schema = dict.fromkeys(("line", "track", "subject"), pl.String) | {"mark": pl.Float64, "school": pl.String}
    return pl.DataFrame(rows, schema=schema | dict.fromkeys(("single", "double", "mismatch"), pl.Int64), orient="row")


def _scored(
    whole: Whole, track: str, sheet: Sheet, found: Sequence[Effective], earlier: Sequence[Sequence[Parts]]
) -> list[Parts]:
    """Return the parts of each group at a subject's line: single and double and who is between them and other marks."""
    school, size, mark = whole.found.entered.school, len(whole.codes), found[0].mark
    cuts = rate_cuts(sheet, whole.found.policy.lines) if track == TRACKS[0] else []
    apart = cut_parts(sheet, [] if mark is None else [mark], cuts, school, size)
    return [
        (
            each.single - each.double, each.double, each.mismatch, *apart[at],
            *(abs(now - then) for before in earlier for now, then in zip(each[1:3], before[at], strict=True)),
        )
        for at, each in enumerate(found)
    ]  # fmt: skip


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
