"""Papers of exams from their register; once marks are in, what they were counted by stays."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlmodel import Session, col

from models.exam import SCALES, Paper, PaperItem, exam_ids, lock_exam
from models.exam_mark import Mark, holding
from models.intake import Refused, Scope, Taken
from rules.registers import Row
from rules.registers.amounts import MOST_MARKS


def store_papers(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store papers by exam and subject; columns the file lacks are kept."""
    taken, exams = Taken(), exam_ids(session, scope.district)
    for exam in sorted({exams[str(row.values["exam"])] for row in rows if str(row.values["exam"]) in exams}):
        lock_exam(session, exam)
    for row in rows:
        try:
            _store(session, scope, row, exams.get(str(row.values["exam"])), taken)
        except Refused as refusal:
            taken.errors.append(refusal.error)
    return taken


def whole_marks(scope: Scope, row: Row, column: str, scale: int) -> int:
    """Return what a cell says of marks as a whole number, times scale.

    Raises:
        Refused: it is no mark, or finer than the paper's scale.
    """
    said = row.values[column]
    assert isinstance(said, Decimal)
    marks = said * scale
    if marks != marks.to_integral_value() or not 0 < said <= MOST_MARKS:
        finest = {2: "0.5", 10: "0.1"}[scale]
        problem = (f"须大于 0，且是 {finest} 的倍数", f"must be above 0 and a multiple of {finest}")
        raise Refused(scope.wrong(row, column, problem, ("请核对", "check it")))
    return int(marks)


def _store(session: Session, scope: Scope, row: Row, exam: int | None, taken: Taken) -> None:
    if exam is None:
        raise Refused(scope.unknown(row, "exam"))
    subject = str(row.values["subject"])
    known = session.execute(
        select(Paper).where(col(Paper.exam_id) == exam, col(Paper.subject) == subject)
    ).scalar_one_or_none()
    scale = row.values.get("scale", known.scale if known else 2)
    if scale not in SCALES:
        problem = ("只能是 2 或 10", "must be 2 or 10")
        raise Refused(scope.wrong(row, "scale", problem, ("请改正", "correct it")))
    assert isinstance(scale, int)
    columns: dict[str, Any] = {"full_marks": whole_marks(scope, row, "full", scale), "scale": scale}
    if "scaled" in row.values:
        columns["scaled"] = row.values["scaled"]
    if known is None:
        taken.add()
        session.execute(insert(Paper).values(exam_id=exam, subject=subject, **columns))
        return
    differing = [name for name, value in columns.items() if getattr(known, name) != value]
    if differing and known.id is not None:
        _check_marks(session, scope, row, known.id, columns["full_marks"], rescaled="scale" in differing)
    names = {"full_marks": "full"}
    if taken.compare(row, subject, [names.get(name, name) for name in differing]):
        session.execute(update(Paper).where(col(Paper.id) == known.id).values(**columns))


def _check_marks(session: Session, scope: Scope, row: Row, paper: int, full: int, *, rescaled: bool) -> None:
    """Refuse another scale where items or marks are counted by the present one, and full marks below a mark."""
    items = session.scalar(select(func.count()).where(col(PaperItem.paper_id) == paper)) or 0
    query = select(func.count(), func.max(col(Mark.mark))).where(col(Mark.paper_id) == paper, holding())
    marks, highest = session.execute(query).one()
    if rescaled and (items or marks):
        problem = ("已有题目或成绩，不能再改", "there are items or marks counted by it")
        raise Refused(scope.wrong(row, "scale", problem, ("请保持原值", "leave it as it was")))
    if full < (highest or 0):
        problem = ("低于已收到的成绩", "is below marks already received")
        raise Refused(scope.wrong(row, "full", problem, ("请核对满分", "check the full marks")))
