"""Lines of exams from their register: known by exam, track and name; given again they are changed."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from models.exam import exam_ids
from models.exam_line import TENTHS, ExamLine
from models.intake import Refused, Scope, Taken
from rules.registers import Row
from rules.registers.amounts import MOST_MARKS

_MOST_SUBJECTS = 20
_EITHER = ("分数和名额应当只填一个", "give either mark or places, not both")


def store_lines(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store lines by exam, track and name."""
    taken, exams = Taken(), exam_ids(session, scope.district)
    for row in rows:
        try:
            _store(session, scope, row, exams.get(str(row.values["exam"])), taken)
        except Refused as refusal:
            taken.errors.append(refusal.error)
    return taken


def _store(session: Session, scope: Scope, row: Row, exam: int | None, taken: Taken) -> None:
    if exam is None:
        raise Refused(scope.unknown(row, "exam"))
    key: dict[str, Any] = {"exam_id": exam, "track": str(row.values["track"]), "name": str(row.values["name"])}
    said = {"tenths": _tenths(scope, row), "places": _places(scope, row)}
    if (said["tenths"] is None) == (said["places"] is None):
        where = "places" if said["places"] is not None or "mark" not in row.values else "mark"
        raise Refused(scope.wrong(row, where if where in row.values else "name", _EITHER, ("请核对", "check it")))
    query = select(ExamLine).where(*(col(getattr(ExamLine, name)) == value for name, value in key.items()))
    known = session.execute(query).scalar_one_or_none()
    if known is None:
        taken.add()
        session.execute(insert(ExamLine).values(**key, **said))
        return
    names = {"tenths": "mark", "places": "places"}
    differing = [names[name] for name, value in said.items() if getattr(known, name) != value]
    if taken.compare(row, key["name"], differing):
        session.execute(update(ExamLine).where(col(ExamLine.id) == known.id).values(**said))


def _tenths(scope: Scope, row: Row) -> int | None:
    given: Any = row.values.get("mark")
    if given is None:
        return None
    assert isinstance(given, Decimal)
    tenths = given * TENTHS
    if tenths != tenths.to_integral_value() or not 0 < given <= MOST_MARKS * _MOST_SUBJECTS:
        problem = ("须大于 0，最多一位小数", "must be above 0, with one decimal at most")
        raise Refused(scope.wrong(row, "mark", problem, ("请核对", "check it")))
    return int(tenths)


def _places(scope: Scope, row: Row) -> int | None:
    given: Any = row.values.get("places")
    if given is not None and given < 1:
        raise Refused(scope.wrong(row, "places", ("须大于 0", "must be above 0"), ("请核对", "check it")))
    return given if given is None else int(given)
