"""What an exam comes to: roster, sheets and answers read, absences decided, marks scaled and added up.

Everything that is published of an exam - exports, artifacts, workbooks, slips - is worked out from these findings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl
from sqlmodel import Session

from models.exam import Sat, sat_papers
from models.exam_marks import Answers, answers, exam_roster, measured, sheets
from policies.exams import ExamsPolicy
from rules.exams import Roster, Sheet, graded, settled, total
from rules.exams_figures import stats
from rules.exams_standings import standings


@dataclass(frozen=True, slots=True)
class Findings:
    """An exam as it is known; `sheets` are those of `sat`, settled and scaled, and the totals last.

    An exam without papers has no sheets. `release`: the version of the release they are of; none: as it is now.
    """

    exam: int
    last_file: int | None
    policy: ExamsPolicy
    entered: Roster
    sat: list[Sat]
    sheets: list[Sheet]
    release: int | None = None

    def stats(self) -> pl.DataFrame:
        """Return the figures of each group: rules.exams_figures.stats, nothing hidden."""
        return stats(self.entered, self.sheets, self.policy.lines)

    def standings(self) -> Iterator[pl.DataFrame]:
        """Yield how everybody stands, a subject at a time and the totals last: rules.exams_standings.standings."""
        for sheet in self.sheets:
            yield standings(self.entered, sheet)


def findings(session: Session, exam: int, policy: ExamsPolicy, last_file: int | None = None) -> Findings:
    """Read an exam.

    Args:
        session: reading.
        exam: its id.
        policy: by which it is judged.
        last_file: leave out what came in later files.
    """
    known = Known(exam, last_file, policy, exam_roster(session, exam), sat_papers(session, exam))
    return found_of(session, known)


class Known(NamedTuple):
    """What an exam is worked out from, but for its marks; as Findings has it."""

    exam: int
    last_file: int | None
    policy: ExamsPolicy
    entered: Roster
    sat: list[Sat]


def found_of(session: Session, known: Known, release: int | None = None) -> Findings:
    """Read the marks of `known` that came until its last file, and work out what they come to."""
    papers, entered, policy = measured(known.sat), known.entered, known.policy
    laid = list(sheets(session, entered, known.sat, known.last_file))
    found = graded(papers, settled(entered, papers, laid, policy.choice), policy.scaling)
    return Findings(*known, [*found, total(found)] if found else [], release)


def item_answers(session: Session, found: Findings) -> Iterator[Answers]:
    """Yield the answers of each paper that has items, one in memory at a time."""
    for sat in found.sat:
        if sat.items:
            yield answers(session, sat, found.last_file)
