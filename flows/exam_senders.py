"""Whose a row of a mark file is, also one that cannot be read: the school it names -> its number -> the file's school.

What nobody can tell is nobody's, and no school is shown it.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sqlmodel import Session

from flows.intake_sheets import Sheets
from models.exam import entered, exam_ids, school_ids
from models.intake import Taken


class Owner(NamedTuple):
    """The ids of the exam and the school of a row; None where nobody can tell."""

    exam: int | None
    school: int | None


def owners(session: Session, district: int, sheets: Sheets, taken: Taken, bad: Collection[int]) -> dict[int, Owner]:
    """Return the owner of each row, by number.

    Args:
        session: of the transaction that stored the good rows.
        district: its id.
        sheets: the file.
        taken: what became of the rows that could be read.
        bad: the numbers of all rows with errors.
    """
    found = {row: Owner(exam, taken.senders.get(row)) for row, exam in taken.exams.items()}
    unread = sorted(set(bad) - found.keys())
    exams, schools = exam_ids(session, district), school_ids(session, district)
    whole = _only(taken.exams.values())
    of_exam = {row: exams.get(sheets.cell(row, "exam"), whole) for row in unread}
    homes = _homes(session, sheets, of_exam)
    named = {row: schools.get(sheets.cell(row, "school"), homes.get(row)) for row in unread}
    placed = [each.school for each in found.values()] + list(named.values())
    most, lost = _only(each for each in placed if each is not None), placed.count(None)
    if 2 * lost >= len(placed):  # too few are known to take the others for theirs
        most = None
    return found | {row: Owner(exam, named[row] or most) for row, exam in of_exam.items()}


def _homes(session: Session, sheets: Sheets, of_exam: Mapping[int, int | None]) -> dict[int, int]:
    """The schools of those rows whose number is on the roster."""
    homes: dict[int, int] = {}
    for exam in {each for each in of_exam.values() if each is not None}:
        numbers = {row: sheets.cell(row, "number") for row, mine in of_exam.items() if mine == exam}
        known = entered(session, exam, {number for number in numbers.values() if number})
        homes |= {row: known[number][1] for row, number in numbers.items() if number in known}
    return homes


def _only(values: Iterable[int]) -> int | None:
    several = set(values)
    return several.pop() if len(several) == 1 else None
