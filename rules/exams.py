"""Marks of a joint exam 联考: the roster in order + accepted rows -> one sheet a paper -> the sheet of totals.

A sheet holds the marks of one paper, entry i for student i of the roster, as whole numbers: marks times `scale`.
A mark counts only where the status is VALID; elsewhere it is 0 and means nothing: absent is never 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules import exams_subjects
from rules.exams_policy import Choice, Scaling
from rules.exams_scaling import scaled_marks

Ints: TypeAlias = NDArray[np.int32]
Codes: TypeAlias = NDArray[np.int8]
Flags: TypeAlias = NDArray[np.bool_]

STATUSES = ("valid", "absent", "violation", "exempt", "held")
VALID, ABSENT, VIOLATION, EXEMPT, HELD = range(len(STATUSES))
"""Codes of a sheet. Held: a row of the student was held out, who is so neither absent nor counted."""
ELSEWHERE = len(STATUSES)
"""The code of who is no part of a sheet: no row as yet, or of another track."""
TRACKS = ("none", "physics", "history")
TOTAL = exams_subjects.TOTAL
SCALED_FULL = 100
"""Full marks of a grade-scaled paper, which a total takes in place of the raw ones."""
_WORST_FIRST = (HELD, VIOLATION, ABSENT, VALID)


@dataclass(frozen=True, slots=True)
class Paper:
    """One subject of an exam; `full` is full marks times `scale` (2: half marks, 10: tenths)."""

    subject: str
    full: int
    scale: int = 2
    scaled: bool = False


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is entered, in the order of every sheet; codes count from 0 in the order of `schools` and `classes`."""

    students: pl.DataFrame
    school: Ints
    class_: Ints
    track: Codes
    schools: pl.DataFrame
    classes: pl.DataFrame

    def __len__(self) -> int:
        return self.students.height


@dataclass(frozen=True, slots=True)
class Sheet:
    """The marks of one paper, or totals; `full` is an array where students took papers of different full marks.

    `scaled` are the grade-scaled marks of a scaled paper, whole marks.
    """

    subject: str
    scale: int
    full: int | Ints
    status: Codes
    mark: Ints
    scaled: Ints | None = None

    @property
    def valid(self) -> Flags:
        """Whose mark counts."""
        return np.equal(self.status, VALID)


def roster(students: pl.DataFrame) -> Roster:
    """Put the students in order, each in one school and class: where they are when the release is made.

    Args:
        students: columns student (unique: an exam number or a key), school, class, track (physics/history/none).

    Raises:
        ValueError: a student is there twice or a track is unknown; intake holds such rows out.
    """
    if students["student"].is_duplicated().any() or not students["track"].is_in(TRACKS).all():
        raise ValueError("roster: every student once, and every track one of none, physics, history")
    schools = students.select("school").unique().sort("school")
    classes = students.select("school", "class").unique().sort("school", "class")
    return Roster(
        students,
        _codes(students, schools),
        _codes(students, classes),
        _codes(students, pl.DataFrame({"track": TRACKS})).astype(np.int8),
        schools,
        classes,
    )


def laid(entered: Roster, paper: Paper, rows: pl.DataFrame) -> Sheet:
    """Lay the rows of one paper on the roster; `settled` then decides what a missing row means.

    Args:
        entered: the students, N.
        paper: the subject.
        rows: at most one a student; columns student, status (valid/absent/violation/exempt/held), mark (whole, times
            the paper's scale; null unless valid). Rows of students who are not on the roster are left out.
    """
    known = entered.students.select("student").with_row_index("at")
    placed = rows.join(known, on="student", how="inner")
    at = placed["at"].to_numpy()
    status = np.full(len(entered), ELSEWHERE, np.int8)
    mark = np.zeros(len(entered), np.int32)
    coded = placed["status"].replace_strict(STATUSES, range(len(STATUSES)), return_dtype=pl.Int8).to_numpy()
    status[at] = coded
    mark[at] = np.where(coded == VALID, placed["mark"].fill_null(0).to_numpy(), 0)
    return Sheet(paper.subject, paper.scale, paper.full, status, mark)


def settled(entered: Roster, papers: Sequence[Paper], sheets: Sequence[Sheet], choice: Choice) -> list[Sheet]:
    """Decide what a missing row means: an absence, unless 3+1+2 shows that the paper is not taken; see `Choice`."""
    listed = [sheet.status != ELSEWHERE for sheet in sheets]
    chosen = np.zeros(len(entered), np.int8)
    for paper, sheet, there in zip(papers, sheets, listed, strict=True):
        chosen += paper.scaled & there & (sheet.status != EXEMPT)
    on_track = entered.track != TRACKS.index("none")
    result = []
    for paper, sheet, there in zip(papers, sheets, listed, strict=True):
        owner = choice.track_subjects.get(paper.subject)
        if owner:
            spared = on_track & (entered.track != TRACKS.index(owner))
        else:
            spared = on_track & (chosen >= choice.electives) & paper.scaled
        missing = np.where(spared, EXEMPT, ABSENT)
        result.append(replace(sheet, status=np.where(there, sheet.status, missing).astype(np.int8)))
    return result


def graded(papers: Sequence[Paper], sheets: Sequence[Sheet], scaling: Scaling) -> list[Sheet]:
    """Give the sheets of scaled papers their grade-scaled marks; the base is the paper's valid candidates."""
    return [
        replace(sheet, scaled=scaled_marks(sheet.mark, sheet.valid, scaling)) if paper.scaled else sheet
        for paper, sheet in zip(papers, sheets, strict=True)
    ]


def total(sheets: Sequence[Sheet]) -> Sheet:
    """Add up each student's papers: scaled marks where scaled, else raw, over the subjects taken (not exempt).

    Valid only if all are. Otherwise held before violation before absent says why not; exempt from all is exempt.
    """
    unit = lcm(*(sheet.scale for sheet in sheets))
    status = np.full(sheets[0].status.shape, EXEMPT, np.int8)
    mark, full = np.zeros_like(sheets[0].mark), np.zeros_like(sheets[0].mark)
    for code in reversed(_WORST_FIRST):
        for sheet in sheets:
            status[sheet.status == code] = code
    for sheet in sheets:
        times = unit // sheet.scale
        full += (sheet.status != EXEMPT) * _full(sheet, unit, times)
        mark += sheet.valid * (sheet.mark * times if sheet.scaled is None else sheet.scaled * unit)
    mark[status != VALID] = 0
    same = full[status == VALID]
    return Sheet(TOTAL, unit, int(same[0]) if same.size and (same == same[0]).all() else full, status, mark)


def by_track(entered: Roster, sheet: Sheet) -> Iterator[tuple[str, Sheet]]:
    """Divide totals by track, as if nobody of another track were on the roster; a subject is one, of track none."""
    if sheet.subject != TOTAL:
        yield TRACKS[0], sheet
        return
    for code in np.unique(entered.track):
        status = np.where(entered.track == code, sheet.status, ELSEWHERE).astype(np.int8)
        yield TRACKS[code], replace(sheet, status=status)


def _full(sheet: Sheet, unit: int, times: int) -> int | Ints:
    return sheet.full * times if sheet.scaled is None else SCALED_FULL * unit


def _codes(students: pl.DataFrame, named: pl.DataFrame) -> Ints:
    found = students.select(named.columns).join(
        named.with_row_index("code"), on=named.columns, how="left", maintain_order="left", nulls_equal=True
    )
    return found["code"].to_numpy().astype(np.int32)
