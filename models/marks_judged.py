"""Rows of a mark file, read -> who sent each -> the verdict on each -> the version that a kept row makes.

A file is one school's if most of its rows are, by the school they name or else by their numbers: a number of another
school in it is then held out. But a file may be of several: a school at least half of whose students are in it sends
them itself.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from models.exam import Sat
from models.exam_mark import packed
from models.exam_marks import measured
from models.marks_read import Said
from rules.exams import roster
from rules.exams_rows import checked

Entered = Mapping[str, tuple[int, int]]
"""Exam number to the ids of student and school."""
_COLUMNS: dict[str, Any] = {
    "student": pl.String,
    "school": pl.String,
    "subject": pl.String,
    "status": pl.String,
    "mark": pl.Int64,
    "items": pl.List(pl.Int64),
}


class Version(NamedTuple):
    """What holds of one student's paper."""

    n: int
    status: str
    mark: int | None
    items: bytes | None
    options: str | None


def sender_of_most(said: Sequence[Said], students: Entered) -> int | None:
    """Whose file this is: the school of more than half the rows, named or else by their numbers; None if none is."""
    homes = (one.school if one.school is not None else students.get(one.number, (0, None))[1] for one in said)
    votes = Counter(each for each in homes if each is not None)
    most, count = votes.most_common(1)[0] if votes else (None, 0)
    return most if 2 * count > sum(votes.values()) else None


def senders_of(said: Sequence[Said], students: Entered, entered: Mapping[int, int]) -> list[int | None]:
    """Who sent each row: the school it names, else the one whose file this is, else each student's own.

    Args:
        said: the rows of the file.
        students: those of its numbers that are on the roster.
        entered: how many students of each school are on it.
    """
    whose, homes = sender_of_most(said, students), {number: school for number, (_, school) in students.items()}
    there = Counter(homes.values())
    themselves = {school for school, count in there.items() if 2 * count >= entered[school]}

    def sender(one: Said) -> int | None:
        home = homes.get(one.number)
        if one.school is not None:
            return one.school
        return home if whose is None or home in themselves else whose

    return [sender(one) for one in said]


def judged(said: Sequence[Said], senders: Sequence[int | None], students: Entered, papers: Sequence[Sat]) -> list[str]:
    """Return the verdict of each row: kept, duplicate, or one of rules.exams_rows.REFUSED or HELD_OUT."""
    on_roster = pl.DataFrame(
        [(number, str(school), "", "none") for number, (_, school) in students.items()],
        schema=dict.fromkeys(("student", "school", "class", "track"), pl.String),
        orient="row",
    )
    full = {sat.subject: [item.full for item in sat.items] for sat in papers if sat.items}
    verdicts: list[str] = checked(_framed(said, senders), roster(on_roster), measured(papers), full)[
        "verdict"
    ].to_list()
    return verdicts


def _framed(said: Sequence[Said], schools: Iterable[int | None]) -> pl.DataFrame:
    """Lay the rows out for the rules; schools, those that sent each row, by their ids as text."""
    rows = [
        (
            each.number,
            None if school is None else str(school),
            each.sat.subject,
            each.status,
            each.mark,
            each.items,
        )
        for each, school in zip(said, schools, strict=True)
    ]
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row")


def version_of(one: Said, before: Version | None) -> Version:
    """What a row makes of what held: items and options that it does not tell stay if they still fit."""
    mark = one.mark
    if mark is None and one.items is not None:
        mark = sum(each or 0 for each in one.items)
    items = packed(one.items) if one.items is not None else None
    options = one.options
    if before is not None and before.status == one.status == "valid" and items is None and before.mark == mark:
        items = before.items
    if before is not None and before.status == one.status == "valid" and options is None:
        options = before.options
    return Version(before.n if before else 0, one.status, mark, items, options)
