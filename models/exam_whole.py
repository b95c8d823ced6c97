"""The whole of an exam as reports know it: findings, answers, lines, an earlier exam. Nobody reads it.

Only the views take it apart (models/exam_views.py, exam_view_*.py); workbooks and mails are made from them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.exam_findings import Findings
from models.exam_line import TENTHS
from models.exam_marks import Answers
from policies.exams import ExamsPolicy
from rules.exams import ELSEWHERE, TOTAL, TRACKS, Sheet, by_track
from rules.exams_comparison import compared
from rules.exams_lines import Line, line_at_mark, line_at_places
from rules.exams_policy import Lines
from rules.exams_progress import progress


@dataclass(frozen=True, slots=True)
class Heading:
    """What every report says first; `release` is None while marks still come in 阶段性, `at` its or the run's time.

    smallest, lines and borderline (whole marks) are what its policy states and readers must know.
    """

    exam: str
    name: str
    held_on: date
    release: int | None
    at: datetime
    policy_since: date
    smallest: int
    lines: Lines
    borderline: int


class AskedLine(NamedTuple):
    """A line as the district asks for it: a mark of totals in tenths at the finest, or a number of places.

    Between two marks that totals can have it is the higher: who has at least 430.3 has at least 430.5 of halves.
    """

    track: str
    name: str
    mark: float | None = None
    places: int | None = None


@dataclass(frozen=True)
class Whole:
    """An exam with all that its reports are made from; `schools` are names by code."""

    found: Findings
    heading: Heading
    schools: Mapping[str, str]
    answers: Sequence[Answers] = ()
    asked: Sequence[AskedLine] = ()
    before: Findings | None = None
    changes: pl.DataFrame | None = None

    @property
    def smallest(self) -> int:
        """The smallest group shown to readers outside the circle entitled to names."""
        return self.found.policy.suppression.smallest

    @property
    def codes(self) -> list[str]:
        """The schools of the roster, in the order of the sheets' codes."""
        return self.found.entered.schools["school"].to_list()

    @cached_property
    def figures(self) -> pl.DataFrame:
        """The figures of joint, schools and classes with their intervals, nothing hidden."""
        return compared(self.found.stats()) if self.found.sheets else pl.DataFrame()

    @cached_property
    def moved(self) -> pl.DataFrame | None:
        """How totals moved since the earlier exam; the same person has the same number in both."""
        if self.before is None or not self.before.sheets or not self.found.sheets:
            return None
        then, now = (_totals(each) for each in (self.before, self.found))
        return progress(then, now)

    def parts(self) -> Iterator[tuple[str, Sheet]]:
        """Yield each sheet, the totals by track."""
        for sheet in self.found.sheets:
            yield from by_track(self.found.entered, sheet)

    def of_school(self, code: str) -> NDArray[np.bool_]:
        """Return who of the roster is in a school."""
        at = self.codes.index(code) if code in self.codes else -1
        return np.equal(self.found.entered.school, at)

    def home(self, answers: Answers) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the school and the class of each row of answers, as codes of the roster."""
        ids = self.found.entered.students["student"].to_numpy()
        order = np.argsort(ids)
        at = order[np.searchsorted(ids, answers.students, sorter=order)]
        return self.found.entered.school[at], self.found.entered.class_[at]

    def lines(self) -> Iterator[tuple[str, Sheet, Line]]:
        """Yield track, totals and line of every line that can be drawn."""
        if not self.found.sheets:
            return
        tracks = dict(by_track(self.found.entered, self.found.sheets[-1]))
        for asked in self.asked:
            totals = tracks.get(asked.track)
            if totals is None:
                continue
            line = (
                line_at_mark(asked.name, totals, -(-round(asked.mark * TENTHS) * totals.scale // TENTHS))
                if asked.mark is not None
                else line_at_places(asked.name, totals, asked.places or 0)
            )
            if line is not None:
                yield asked.track, totals, line

    def sheets_on(self, track: str) -> Iterator[Sheet]:
        """Yield the papers as if only students of the track sat them."""
        here = self.found.entered.track == TRACKS.index(track)
        for sheet in self.found.sheets[:-1]:
            yield replace(sheet, status=np.where(here, sheet.status, ELSEWHERE).astype(np.int8))


def heading_of(policy: ExamsPolicy, exam: tuple[str, str, date], release: int | None, at: datetime) -> Heading:
    """Return the heading of reports of an exam (code, name, date), with what its policy states."""
    smallest, borderline = policy.suppression.smallest, policy.borderline_marks
    return Heading(*exam, release, at, policy.since, smallest, policy.lines, borderline)


def _totals(found: Findings) -> pl.DataFrame:
    last: pl.DataFrame = pl.DataFrame()
    for each in found.standings():
        if each["subject"].first() == TOTAL:
            last = each
    numbers = found.entered.students.select("student", "number")
    return last.join(numbers, on="student").select(pl.col("number").alias("student"), "school", "percentile")
