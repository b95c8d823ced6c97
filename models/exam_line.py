"""Lines of an exam 上线: what the district calls a line of totals, by a mark or by a number of places."""

from typing import NamedTuple

from sqlalchemy import CheckConstraint, UniqueConstraint, select
from sqlmodel import Field, Session, SQLModel, col

from models.messages import one_of
from rules.registers.exams import TRACK_NAMES

TENTHS = 10
"""A line's mark is kept in tenths, whatever the scales of the papers: they may come after it."""


class ExamLine(SQLModel, table=True):
    """One line of one track; exactly one of mark and places says where it lies."""

    __tablename__ = "exam_line"
    __table_args__ = (
        UniqueConstraint("exam_id", "track", "name"),
        CheckConstraint(one_of("track", tuple(TRACK_NAMES)), name="track"),
        CheckConstraint("(tenths IS NULL) <> (places IS NULL)", name="one_of_two"),
        CheckConstraint("tenths > 0", name="tenths"),
        CheckConstraint("places > 0", name="places"),
    )
    id: int | None = Field(default=None, primary_key=True)
    exam_id: int = Field(foreign_key="exam.id")
    track: str
    name: str
    tenths: int | None = Field(default=None, description="the mark times 10")
    places: int | None = None


class Drawn(NamedTuple):
    """A line as it was registered: `mark` times the scale asked for, else None and `places` say it."""

    name: str
    track: str
    mark: int | None
    places: int | None


def lines_of(session: Session, exam: int, scale: int) -> list[Drawn]:
    """Return the lines of an exam, by track and as they were registered.

    Args:
        session: reading.
        exam: its id.
        scale: of the totals (rules.exams.total). A mark between two that they can have is the higher: who has at least
            430.3 has at least 430.5 where marks are halves.
    """
    columns = (col(ExamLine.name), col(ExamLine.track), col(ExamLine.tenths), col(ExamLine.places))
    query = select(*columns).where(col(ExamLine.exam_id) == exam).order_by(col(ExamLine.track), col(ExamLine.id))
    return [
        Drawn(name, track, None if tenths is None else -(-tenths * scale // TENTHS), places)
        for name, track, tenths, places in session.execute(query)
    ]
