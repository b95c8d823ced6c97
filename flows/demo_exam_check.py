"""What the demo's exam must come to, worked out again from the sample alone: plain sums, fractions and sorting."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import floor

from flows.sample_exam_files import rescored
from flows.sample_exam_papers import ELECTIVES, FULL
from flows.sample_exams import Answer, Exams

Answers = Mapping[tuple[str, str], Answer]
_BANDS = ((15, 100, 86), (50, 85, 71), (85, 70, 56), (98, 55, 41), (100, 40, 30))
"""The five grades: the share of candidates until whom each reaches, in percent, and its highest and lowest mark."""


def rescored_answers(made: Exams) -> Answers:
    """Everybody's papers after the second marking."""
    return {**made.answers, **{which: Answer("valid", mark) for which, mark in rescored(made).items()}}


def totals(made: Exams, said: Answers) -> dict[str, int]:
    """Give the doubled total of everybody whose papers are all valid, but for those they are exempt from."""
    graded = {
        name: _graded([a.mark for (_, s), a in said.items() if s == name and a.mark is not None]) for name in FULL
    }
    found = {}
    for one in made.candidates:
        taken = {s: said[one.number, s] for s in one.subjects if said[one.number, s].status != "exempt"}
        if taken and all(each.mark is not None for each in taken.values()):
            marks = ((s, each.mark or 0) for s, each in taken.items())
            found[one.number] = sum(2 * graded[s][mark] if s in ELECTIVES else mark for s, mark in marks)
    return found


def ranks(made: Exams, of: Mapping[str, int]) -> dict[str, int]:
    """Give everybody's place within their track, 1, 2, 2, 4."""
    found: dict[str, int] = {}
    for track in ("physics", "history"):
        mine = {one.number: of[one.number] for one in made.candidates if one.track == track and one.number in of}
        order = sorted(-total for total in mine.values())
        found |= {number: bisect_left(order, -total) + 1 for number, total in mine.items()}
    return found


def own_changes(made: Exams) -> set[tuple[str, str]]:
    """Say whose mark or total the second marking changes: numbers with subjects, `total` among them."""
    before, after = totals(made, made.answers), totals(made, rescored_answers(made))
    moved = {(number, "total") for number in before if before[number] != after[number]}
    return {*rescored(made), *moved}


def _graded(marks: Sequence[int]) -> dict[int, int]:
    """Scale raw marks, doubled, to grade marks 等级赋分: a band by the share strictly above, then in proportion."""
    above, bands = 0, dict[int, list[int]]()
    for mark, count in sorted(Counter(marks).items(), reverse=True):
        band = next(at for at, (until, _, _) in enumerate(_BANDS) if 100 * above < until * len(marks))
        bands.setdefault(band, []).append(mark)
        above += count
    found = {}
    for band, some in bands.items():
        (_, top, bottom), best, worst = _BANDS[band], max(some), min(some)
        for mark in some:
            share = Fraction(mark - worst, best - worst) if best > worst else Fraction(1, 2)
            found[mark] = floor(bottom + share * (top - bottom) + Fraction(1, 2))
    return found
