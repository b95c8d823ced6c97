"""What a version of the exam policy states: lines of the rates, bands of 赋分, ties, smallest groups; no arrays here.

Everything is whole numbers: shares are percent, so that a boundary is compared exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Ties = Literal["tie-lifts", "nearest", "sequential"]
"""How a band ends in a tie. tie-lifts: the share strictly above the mark decides. nearest: the share above plus half of
the tied. sequential: each band takes floor(N share) candidates after the true end of the one before, ties included."""
OneMark = Literal["top", "mid", "bottom"]
TIES: tuple[Ties, ...] = get_args(Ties)
ONE_MARK: tuple[OneMark, ...] = get_args(OneMark)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of 一分三率 in percent of full marks: excellent and pass are at least, low is below."""

    excellent: int = 80
    passing: int = 60
    low: int = 40


@dataclass(frozen=True, slots=True)
class Band:
    """One band of 赋分: `percent` of the candidates, who get `top` to `bottom`."""

    name: str
    percent: int
    top: int
    bottom: int


FIVE_BANDS = (
    Band("A", 15, 100, 86),
    Band("B", 35, 85, 71),
    Band("C", 35, 70, 56),
    Band("D", 13, 55, 41),
    Band("E", 2, 40, 30),
)


@dataclass(frozen=True, slots=True)
class Scaling:
    """How raw marks of 再选科目 become grade-scaled marks: bands from the best, and what the notices leave open."""

    bands: tuple[Band, ...] = FIVE_BANDS
    ties: Ties = "tie-lifts"
    one_mark: OneMark = "mid"


_TRACK_SUBJECTS = {"物理": "physics", "历史": "history", "physics": "physics", "history": "history"}


@dataclass(frozen=True, slots=True)
class Choice:
    """3+1+2: the subject of each track, and how many scaled subjects a candidate takes.

    A paper that the scheme shows not to be taken needs no row: the other track's subject, and the scaled papers
    without a row once a candidate has rows of `electives` others. Any other missing row is an absence.
    """

    track_subjects: Mapping[str, str] = field(default_factory=lambda: dict(_TRACK_SUBJECTS))
    electives: int = 2


@dataclass(frozen=True, slots=True)
class Suppression:
    """Groups with fewer than `smallest` valid results are hidden, and rates whose count or complement is below it."""

    smallest: int = 5
