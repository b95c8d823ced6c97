"""The slip of one student 成绩单: sheets -> the student's own lines, each beside what a family may know of the others.

A family knows one mark, its own. The joint mean and the place among all are shown only where enough others stand
behind them (rules/exams_scope.py says when); the place is a band, so that nobody is counted between two marks.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.exams import EXEMPT, STATUSES, TOTAL, Roster, Sheet
from rules.exams_items import BLANK, ItemSheet
from rules.exams_scope import band_step, is_safe, shares_safe
from rules.exams_standings import standings

WEAK = 3
"""So many weak points are named to a family."""
Reals = NDArray[np.float64]


class Line(NamedTuple):
    """One subject of a student: mark and full in marks, scaled in whole marks, the band in percentile points.

    Nothing but the status where it is not valid; mean, low and high are None where they would tell of too few others.
    """

    subject: str
    status: str
    mark: float | None
    full: float | None
    scaled: int | None
    mean: float | None
    low: int | None
    high: int | None

    @property
    def own(self) -> tuple[Any, ...]:
        """What is the student's: a change of it is told, a new mean of all is not."""
        return self.subject, self.status, self.mark, self.full, self.scaled, self.low, self.high


class Weak(NamedTuple):
    """A knowledge point in which a student won less than all did; shares 0 to 1."""

    subject: str
    point: str
    own: float
    joint: float


@dataclass(frozen=True, slots=True)
class Column:
    """One sheet as slips need it; `mean` and `step` by cohort, NaN and 0 where they are hidden."""

    sheet: Sheet
    percentile: Reals
    cohort: NDArray[np.int64]
    mean: Reals
    step: NDArray[np.int64]

    def line(self, at: int) -> Line:
        """Return the line of the student at a place of the roster."""
        sheet, among = self.sheet, int(self.cohort[at])
        status = STATUSES[sheet.status[at]]
        if not sheet.valid[at]:
            return Line(sheet.subject, status, None, None, None, None, None, None)
        full = int(sheet.full if isinstance(sheet.full, int) else sheet.full[at])
        scaled = None if sheet.scaled is None else int(sheet.scaled[at])
        mean, step = float(self.mean[among]), int(self.step[among])
        low = int(self.percentile[at] // step) * step if step else None
        high = None if low is None else low + step
        hidden = np.isnan(mean)
        own = sheet.mark[at] / sheet.scale, full / sheet.scale
        return Line(sheet.subject, status, float(own[0]), float(own[1]), scaled, None if hidden else mean, low, high)


@dataclass(slots=True)
class Slips:
    """The slips of everybody entered, by place in the roster."""

    columns: list[Column]
    weak: "WeakPoints"

    def lines(self, at: int) -> list[Line]:
        """Return a student's subjects, the total last; a paper that is not taken has none."""
        taken = (each for each in self.columns if each.sheet.status[at] != EXEMPT)
        return [each.line(at) for each in taken]


def columns(entered: Roster, sheets: Sequence[Sheet], smallest: int) -> list[Column]:
    """Prepare the sheets of an exam, the totals last."""
    return [_column(entered, sheet, smallest) for sheet in sheets]


def _column(entered: Roster, sheet: Sheet, smallest: int) -> Column:
    cohort = entered.track.astype(np.int64) if sheet.subject == TOTAL else np.zeros(len(entered), np.int64)
    valid, size = sheet.valid, int(cohort.max(initial=0)) + 1
    n = np.bincount(cohort[valid], minlength=size)
    sums = np.bincount(cohort[valid], sheet.mark[valid], minlength=size)
    others = [int(each) - 1 for each in n]  # whose slip it is knows one mark
    shown = np.array([rest > 0 and is_safe(rest, smallest) for rest in others])
    mean = np.divide(sums, n * sheet.scale, out=np.full(size, np.nan), where=shown)
    percentile = standings(entered, sheet)["percentile"].to_numpy()
    return Column(sheet, percentile, cohort, mean, np.array([band_step(rest, smallest) for rest in others]))


@dataclass(slots=True)
class WeakPoints:
    """The weakest points of each student, kept while one paper after another goes by.

    Row 0 is the furthest below all candidates; `which` is a place in `points`, -1 for none.
    """

    size: int
    points: list[tuple[str, str, float]] = field(default_factory=list)
    gap: Reals = field(init=False)
    own: Reals = field(init=False)
    which: NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        self.gap = np.zeros((WEAK, self.size))
        self.own = np.zeros((WEAK, self.size))
        self.which = np.full((WEAK, self.size), -1, np.int32)

    def add(self, sheet: ItemSheet, at: NDArray[np.int64], smallest: int) -> None:
        """Take in a paper; `at` is the place of each candidate in the roster. A blank is no sign of weakness."""
        for point in dict.fromkeys(item.point for item in sheet.items if item.point):
            chosen = [place for place, item in enumerate(sheet.items) if item.point == point]
            full = sum(sheet.items[place].full for place in chosen)
            marks = sheet.marks[:, chosen]
            there = (marks != BLANK).all(axis=1)
            won = marks[there].sum(axis=1, dtype=np.int64)
            rest = len(won) - 1
            safe = shares_safe(rest, (won.sum() - won) / full, smallest)
            if rest > 0 and safe.any():
                joint = int(won.sum()) / (len(won) * full)
                self.points.append((sheet.subject, point, joint))
                self._rank(at[there][safe], won[safe] / full, joint)

    def _rank(self, at: NDArray[np.int64], own: Reals, joint: float) -> None:
        gap, share = np.zeros(self.size), np.zeros(self.size)
        gap[at], share[at] = own - joint, own
        which = np.full(self.size, len(self.points) - 1, np.int32)
        for row in range(WEAK):  # whoever is further below takes the row, and the one that stood there moves on
            worse = gap < self.gap[row]
            for kept, new in ((self.gap, gap), (self.own, share), (self.which, which)):
                kept[row][worse], new[worse] = new[worse], kept[row][worse].copy()

    def of(self, at: int) -> Iterator[Weak]:
        """Yield the weakest points of the student at a place of the roster, the weakest first."""
        for row in range(WEAK):
            if self.which[row, at] >= 0:
                subject, point, joint = self.points[self.which[row, at]]
                yield Weak(subject, point, float(self.own[row, at]), joint)


def slips(
    entered: Roster, sheets: Sequence[Sheet], answers: Iterable[tuple[ItemSheet, NDArray[np.int64]]], smallest: int
) -> Slips:
    """Prepare the slips of an exam.

    Args:
        entered: N students; `student` is an integer key.
        sheets: settled and scaled, the totals last.
        answers: item sheets, each with the keys of its candidates; one is in memory at a time.
        smallest: the fewest others behind a joint figure.
    """
    weak = WeakPoints(len(entered))
    keys = entered.students["student"].to_numpy()
    order = np.argsort(keys)
    for sheet, students in answers:
        if len(students):
            weak.add(sheet, order[np.searchsorted(keys, students, sorter=order)], smallest)
    return Slips(columns(entered, sheets, smallest), weak)
