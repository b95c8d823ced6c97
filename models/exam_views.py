"""Who may see what of an exam 知情范围: the whole -> what one reader may see, and nothing else.

Writers of workbooks and mails take views only, slips rules/exams_slips.py, and both ask rules/exams_scope.py. A school
sees its own students in full and others only as joint figures and anonymous comparators.
"""

from dataclasses import dataclass

import polars as pl
from sqlalchemy import select
from sqlmodel import Session, col

from models.db import keys_of
from models.exam import School, Student
from models.exam_view_items import joint_items
from models.exam_view_lines import added_value, borderline_students, corrections, effective_counts, named_students
from models.exam_whole import Heading, Whole
from rules.exams import TOTAL, TRACKS, Sheet
from rules.exams_figures import JOINT
from rules.exams_scope import coarse, is_safe, joint_for, percentile_step, quarters, rounded, share_is_safe, tenths
from rules.exams_standings import standings
from rules.exams_weaknesses import points, weakest

LETTERS = "甲乙丙丁戊己庚辛壬癸"
_FAMILY = ["subject", "track"]


@dataclass(frozen=True, slots=True)
class SchoolView:
    """What a school may see: its own in full, of others what joint figures and letters may tell.

    students: by class and number, a row a subject: number, name, class, track, subject, status, mark, scaled,
    percentile (rounded, see step), t, change (of the total's percentile). own: `compared` rows of school and classes;
    joint: the same, hidden figures null, and hidden, rest; others: letter, subject, track, mean, rates, coarse.
    quartiles: who (own/joint), subject, track, p25, p50, p75. tenths: subject, track, band, n: own.
    weak: rules.exams_weaknesses. effective: track, line, total_mark, subject, mark, reached, single, double, mismatch.
    borderline: track, line, number, name, class, total, short. added: n, value_added, low, high. changes: own.
    """

    heading: Heading
    code: str
    name: str
    students: pl.DataFrame
    own: pl.DataFrame
    joint: pl.DataFrame
    others: pl.DataFrame
    quartiles: pl.DataFrame
    tenths: pl.DataFrame
    weak: pl.DataFrame
    effective: pl.DataFrame
    borderline: pl.DataFrame
    added: pl.DataFrame
    changes: pl.DataFrame


def school_view(session: Session, whole: Whole, code: str) -> SchoolView:
    """Cut out what the school `code` may see; the names of its own students are opened here."""
    names = _names(session, whole, code)
    figures = whole.figures
    if figures.is_empty():
        empty = [pl.DataFrame()] * 11
        return SchoolView(whole.heading, code, whole.schools.get(code, code), *empty)
    joint, beside = joint_for(figures, code, whole.found.policy.suppression)
    rest = {(row["subject"], row["track"]): (row["rest"], "group" not in row["hidden"]) for row in joint.to_dicts()}
    mine = pl.col("school") == code
    return SchoolView(
        heading=whole.heading,
        code=code,
        name=whole.schools.get(code, code),
        students=_students(whole, code, names, rest),
        own=figures.filter(mine),
        joint=joint,
        others=_lettered(session, whole, code, beside),
        quartiles=_quartiles(whole, code, rest),
        tenths=_tenths(whole, code),
        weak=_weak(whole, code),
        effective=effective_counts(whole, code),
        borderline=borderline_students(whole, code, named_students(whole, code, names)),
        added=added_value(whole, code),
        changes=corrections(whole, code, named_students(whole, code, names)),
    )


def _names(session: Session, whole: Whole, code: str) -> dict[int, str]:
    """Open the names of a school's own students."""
    keys = keys_of(session)
    query = select(col(Student.id), col(Student.ref), col(Student.name)).join(
        School, col(School.id) == col(Student.school_id)
    )
    own = query.where(col(Student.exam_id) == whole.found.exam, col(School.code) == code)
    here = set(whole.found.entered.students.filter(pl.col("school") == code)["student"])
    return {
        number: keys.open("student.name", ref, name) for number, ref, name in session.execute(own) if number in here
    }


def _students(
    whole: Whole, code: str, names: dict[int, str], rest: dict[tuple[str, str], tuple[int, bool]]
) -> pl.DataFrame:
    own = named_students(whole, code, names)
    frames = []
    for sheet in whole.found.sheets:
        stand = standings(whole.found.entered, sheet).select(
            "student", "subject", "status", "mark", "scaled", "percentile", "t"
        )
        rows = own.join(stand, on="student").with_columns(_family_track(sheet).alias("_of"))
        for (track,), part in rows.group_by("_of", maintain_order=True):
            others, shown = rest.get((sheet.subject, str(track)), (0, True))
            step = percentile_step(others, whole.smallest)
            frames.append(
                part.with_columns(
                    rounded(pl.col("percentile"), step), pl.col("t") if shown else pl.lit(None, pl.Float64).alias("t")
                )
            )
    told = pl.concat(frames).drop("student", "_of")
    return _with_change(whole, code, told).sort("class", "number", maintain_order=True)


def _family_track(sheet: Sheet) -> pl.Expr:
    return pl.col("track") if sheet.subject == TOTAL else pl.lit(TRACKS[0])


def _with_change(whole: Whole, code: str, told: pl.DataFrame) -> pl.DataFrame:
    """Add the change of the total's percentile, rounded as percentiles are."""
    moved = whole.moved
    if moved is None:
        return told.with_columns(pl.lit(None, pl.Int64).alias("change"))
    step = percentile_step(moved.filter(pl.col("school") != code).height, whole.smallest)
    own = moved.filter(pl.col("school") == code).select(
        pl.col("student").alias("number"), rounded(pl.col("change"), step)
    )
    total = own.with_columns(pl.lit(TOTAL).alias("subject"))
    return told.join(total, on=["number", "subject"], how="left", maintain_order="left")


def _lettered(session: Session, whole: Whole, code: str, beside: pl.DataFrame) -> pl.DataFrame:
    """Name the other schools 甲, 乙, ... in an order that only our key can tell; a single other has none."""
    keys = keys_of(session)
    codes = [each for each in whole.codes if each != code]
    secret = sorted(codes, key=lambda other: keys.blind("exam-comparator", f"{whole.heading.exam}|{code}|{other}"))
    letters = {
        other: LETTERS[at % 10] + (str(at // 10 + 1) if at >= 10 else "") + "校" for at, other in enumerate(secret)
    }
    shown = beside.filter(~pl.col("hidden").list.contains("group")) if len(codes) > 1 else beside.clear()
    return coarse(shown.with_columns(pl.col("school").replace_strict(letters, return_dtype=pl.String).alias("letter")))


def _quartiles(whole: Whole, code: str, rest: dict[tuple[str, str], tuple[int, bool]]) -> pl.DataFrame:
    group, rows = whole.of_school(code), []
    for track, part in whole.parts():
        others, _ = rest.get((part.subject, track), (0, True))
        rows.append(("own", part.subject, track, *quarters(part, group, 1)))
        if is_safe(others, 4 * whole.smallest):
            rows.append((JOINT, part.subject, track, *quarters(part, None, 1)))
    schema = {"who": pl.String, "subject": pl.String, "track": pl.String} | dict.fromkeys(
        ("p25", "p50", "p75"), pl.Float64
    )
    return pl.DataFrame(rows, schema=schema, orient="row")


def _tenths(whole: Whole, code: str) -> pl.DataFrame:
    group = whole.of_school(code)
    rows = [
        (part.subject, track, 10 * at, n) for track, part in whole.parts() for at, n in enumerate(tenths(part, group))
    ]
    return pl.DataFrame(
        rows, schema={"subject": pl.String, "track": pl.String, "band": pl.Int64, "n": pl.Int64}, orient="row"
    )


def _weak(whole: Whole, code: str) -> pl.DataFrame:
    """Return the weak points of a school, where the joint share does not give a few others away."""
    frames = []
    for each in whole.answers:
        own = points(each.sheet, whole.home(each)[0], whole.codes).filter(pl.col("school") == code)
        told = joint_items(whole, each, whole.codes.index(code)) if own.height else []
        apart = {item.point for item, shown in zip(each.sheet.items, told, strict=bool(told)) if not shown}
        frames.append(own.filter(~pl.col("point").is_in(sorted(apart))))
    found = pl.concat(frames) if frames else pl.DataFrame()
    if found.is_empty():
        return found
    safe = [
        share_is_safe(
            row["joint_n"] - row["n"], row["joint"] * row["joint_n"] - row["share"] * row["n"] + 1e-9, whole.smallest
        )
        or row["joint_n"] == row["n"]
        for row in found.to_dicts()
    ]
    return weakest(found.filter(pl.Series(safe, dtype=pl.Boolean)), whole.found.policy.weak_points)
