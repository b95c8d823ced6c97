"""A joint exam of the made-up district: seven schools -> candidates with abilities -> marks as whole halves -> rows.

Nobody in it is real (flows/sample_names.py). Marks are held doubled, as the tables hold them: 118.5 is 237.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import combinations
from math import exp
from typing import Any

from flows.sample import District
from flows.sample_exam_papers import COMMON, ELECTIVES, FULL, ITEMS, KEY, LINES, TRACKS, Item
from flows.sample_names import DOMAIN, full_names, stream

EXAM, EARLIER = "2026春-高二", "2025秋-高二"
HELD_ON, EARLIER_ON = date(2026, 4, 22), date(2025, 11, 12)
_EXAMS = (
    (EARLIER, "2025 年秋季学期高二期中联考", EARLIER_ON, None),
    (EXAM, "2026 年春季学期高二期中联考", HELD_ON, EARLIER),
)
SEND = ("school", "exam", "student", "paper", "item", "line")
"""The order in which the registers go in; marks follow, a file a school."""
_SCHOOLS = {"望湖": (20, 0.8), "翠林": (18, 0.45), "云岭": (16, 0.15), "滇池路": (14, 0.0), "松坡": (13, -0.25),
            "南桥": (11, -0.5), "红土": (8, -0.8)}  # fmt: skip
"""Share of the candidates in percent, and mean ability in standard deviations; the names are invented."""
_CLASS, _EARLIER_CLASSES = 50, 6
_VERIFIED, _UNVERIFIED = 0.88, 0.95
_ILL, _MISSED, _CHEATED, _EXEMPT = 0.006, 0.003, 0.0002, 0.0004
_CHOICES = tuple(combinations(ELECTIVES, 2))
_WEIGHTS = (30, 9, 12, 8, 16, 25)

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody entered for the exam; `ability` is in standard deviations of the district."""

    number: str
    name: str
    school: str
    class_name: str
    track: str
    electives: tuple[str, ...]
    email: str
    verified: bool
    ability: float

    @property
    def subjects(self) -> tuple[str, ...]:
        """The six papers of the candidate."""
        return (*COMMON, TRACKS[self.track], *self.electives)


@dataclass(frozen=True, slots=True)
class Answer:
    """One paper of one candidate; marks are doubled, None unless valid; `options` are those of the first items."""

    status: str
    mark: int | None = None
    items: tuple[int, ...] = ()
    options: str = ""


@dataclass(frozen=True)
class Exams:
    """The exam: schools by code, candidates, and answers by number and subject, in the order of the candidates."""

    made: District
    schools: dict[str, str]
    candidates: list[Candidate]

    @cached_property
    def answers(self) -> dict[tuple[str, str], Answer]:
        """Everybody's papers; who is ill misses all of them."""
        rng, found = stream(self.made.seed, "answer"), {}
        for one in self.candidates:
            ill = rng.random() < _ILL
            for subject in one.subjects:
                found[one.number, subject] = Answer("absent") if ill else _answer(rng, one, subject)
        return found

    @cached_property
    def earlier(self) -> Rows:
        """The totals of the first classes of each school in the autumn, as one paper."""
        rng, rows = stream(self.made.seed, "earlier"), []
        for one in self._early():
            mark = round(1500 * _logistic(0.75 * one.ability + 0.2 + rng.gauss(0, 0.25)))
            rows.append(
                {"exam": EARLIER, "number": one.number, "school": one.school, "subject": "总成绩", "mark": mark / 2}
            )
        return rows

    def rows(self) -> dict[str, Rows]:
        """Give the rows of each register, in file order, under the English column names."""
        return {
            "school": [
                {"code": code, "name": name, "contact_name": who, "contact_email": f"{code.lower()}@{DOMAIN}"}
                for (code, name), who in zip(self.schools.items(), self._contacts(), strict=True)
            ],
            "exam": [
                {"code": code, "name": name, "date": day, "group": "senior", "compare_with": other}
                for code, name, day, other in _EXAMS
            ],
            "student": [
                _student(exam, one)
                for exam, some in ((EARLIER, self._early()), (EXAM, self.candidates))
                for one in some
            ],
            "paper": [
                {"exam": EARLIER, "subject": "总成绩", "full": 750, "scaled": False},
                *(
                    {"exam": EXAM, "subject": name, "full": full, "scaled": name in ELECTIVES}
                    for name, full in FULL.items()
                ),
            ],
            "item": [
                {"exam": EXAM, "subject": subject, "item": str(n), "max": each.full, "point": each.point}
                for subject, items in ITEMS.items()
                for n, each in enumerate(items, 1)
            ],
            "line": [{"exam": EXAM, "track": t, "name": name, "mark": mark} for (t, name), mark in LINES.items()],
        }  # fmt: skip

    def _early(self) -> Iterator[Candidate]:
        return (one for one in self.candidates if int(one.number[4:6]) <= _EARLIER_CLASSES)

    def _contacts(self) -> list[str]:
        return full_names(stream(self.made.seed, "school contact"), [n % 2 == 0 for n in range(len(self.schools))])


def exams(made: District, students: int = 9000) -> Exams:
    """Make up the candidates of a joint exam of seven senior schools.

    Args:
        made: the district.
        students: how many; each has six of the nine papers.
    """
    rng = stream(made.seed, "student")
    schools = {f"S{n:02d}": f"西山区{name}高级中学" for n, name in enumerate(_SCHOOLS, 1)}
    girls = [rng.random() < 0.5 for _ in range(students)]
    names = iter(full_names(stream(made.seed, "student name"), girls))
    found: list[Candidate] = []
    for code, (share, mean) in zip(schools, _SCHOOLS.values(), strict=True):
        last = code == [*schools][-1]
        size = students - len(found) if last else students * share // 100
        found += (_candidate(rng, code, place, size, mean, next(names)) for place in range(size))
    return Exams(made, schools, found)


def _candidate(rng: random.Random, school: str, place: int, size: int, mean: float, name: str) -> Candidate:
    """Seat somebody: the first three fifths of the classes are of physics, two classes of each are the better ones."""
    at, classes = place // _CLASS + 1, -(-size // _CLASS)
    track = "physics" if at <= max(1, classes * 3 // 5) else "history"
    number = f"26{school[1:]}{at:02d}{place % _CLASS + 1:02d}"
    (electives,) = rng.choices(_CHOICES, _WEIGHTS)
    ability = mean + (0.5 if at <= 2 else 0.0) + rng.gauss(0, 0.85)
    fate = rng.random()
    email = f"jz{number}@{DOMAIN}" if fate < _UNVERIFIED else ""
    return Candidate(number, name, school, f"高二({at})班", track, electives, email, fate < _VERIFIED, ability)


def _student(exam: str, one: Candidate) -> dict[str, Any]:
    own = {"number": one.number, "name": one.name, "school": one.school, "class": one.class_name, "track": one.track}
    return {"exam": exam, **own, "contact_email": one.email or None, "contact_verified": one.verified}


def _answer(rng: random.Random, one: Candidate, subject: str) -> Answer:
    fate = rng.random()
    for share, status in ((_MISSED, "absent"), (_CHEATED, "violation"), (_EXEMPT, "exempt")):
        if fate < share and (status != "exempt" or subject == "英语"):
            return Answer(status)
        fate -= share
    able = 0.8 * one.ability + _bent(one.school, subject) + rng.gauss(0, 0.5)
    if subject not in ITEMS:
        return Answer("valid", round(2 * FULL[subject] * min(1.0, _logistic(0.8 * able + 0.45 + rng.gauss(0, 0.1)))))
    marks = tuple(_item(rng, able + _gap(one.school, subject, at), item) for at, item in enumerate(ITEMS[subject]))
    options = "".join(_option(rng, at, won=marks[at] > 0) for at in range(len(KEY))) if subject == "数学" else ""
    return Answer("valid", sum(marks), marks, options)


def _bent(school: str, subject: str) -> float:
    """How much better a school is at a subject than in general: within a quarter of a standard deviation."""
    return (int(school[1:]) * 5 + [*FULL].index(subject) * 3) % 11 / 20 - 0.25


def _gap(school: str, subject: str, item: int) -> float:
    """The items that a school taught less well; each has its own."""
    return -0.8 if (item + int(school[1:])) % len(ITEMS[subject]) == 2 else 0.0


def _item(rng: random.Random, able: float, item: Item) -> int:
    """Mark one item, doubled: whole or nothing, half for some of several options, or by halves."""
    chance = _logistic(1.1 * able + item.ease)
    if item.kind == "open":
        return round(2 * item.full * min(1.0, max(0.0, chance + rng.gauss(0, 0.12))))
    fate = rng.random()
    won = fate < chance
    return 2 * item.full if won else item.full if item.kind == "some" and fate < chance + 0.3 else 0


def _option(rng: random.Random, at: int, *, won: bool) -> str:
    right = KEY[at]
    wrong = [each for each in "ABCD" if each != right]
    return right if won else rng.choices(wrong, (6, 3, 1))[0]


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-x))
