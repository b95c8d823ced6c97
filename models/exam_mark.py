"""Marks 成绩: files as they came, versions of each mark, rows held out. Rows are only added.

A correction is a new version, and of one student's paper the highest holds. What a version says of the items is one
value, two bytes an item: 100,000 students by 25 items are 100,000 rows, not 2,500,000.
"""

import struct
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    select,
)
from sqlalchemy.orm import aliased
from sqlmodel import Field, SQLModel, col

from models.append_only import freeze
from models.db import Instant
from models.messages import one_of
from rules.registers.marks import STATUS_NAMES

SENT = tuple(STATUS_NAMES)
"""What a school may say of a mark."""
REASONS = ("off_roster", "wrong_school", "conflict")
"""Why a row is held out: those of rules/exams_rows.py, which this must not import, for commands pay for its frames."""
BLANK = -1


class ExamFile(SQLModel, table=True):
    """What one school sent of one exam in one file; `school_id` is null where nobody can tell who it is from."""

    __tablename__ = "exam_file"
    __table_args__ = (
        UniqueConstraint("exam_id", "id"),
        CheckConstraint("kept >= 0 AND unchanged >= 0 AND refused >= 0 AND held >= 0", name="counts"),
        Index("ix_exam_file_exam_id_school_id", "exam_id", "school_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    exam_id: int = Field(foreign_key="exam.id")
    school_id: int | None = Field(default=None, foreign_key="school.id")
    sha256: str = Field(description='"" if typed in')
    kept: int
    unchanged: int
    refused: int
    held: int
    at: datetime = Field(sa_type=Instant)
    actor: str


class Mark(SQLModel, table=True):
    """One version of a student's mark in a paper, whole, times the paper's scale; the highest `n` holds."""

    __table_args__ = (
        ForeignKeyConstraint(["exam_id", "paper_id"], ["paper.exam_id", "paper.id"], name="fk_mark_paper"),
        ForeignKeyConstraint(["exam_id", "student_id"], ["student.exam_id", "student.id"], name="fk_mark_student"),
        ForeignKeyConstraint(["exam_id", "file_id"], ["exam_file.exam_id", "exam_file.id"], name="fk_mark_file"),
        CheckConstraint("n > 0", name="n"),
        CheckConstraint(one_of("status", SENT), name="status"),
        CheckConstraint("(status = 'valid') = (mark IS NOT NULL)", name="valid"),
        CheckConstraint("mark >= 0", name="mark"),
        CheckConstraint("status = 'valid' OR (items IS NULL AND options IS NULL)", name="items"),
        {"sqlite_with_rowid": False},
    )
    paper_id: int = Field(primary_key=True)
    student_id: int = Field(primary_key=True)
    n: int = Field(primary_key=True)
    exam_id: int
    file_id: int
    status: str
    mark: int | None = None
    items: bytes | None = Field(default=None, sa_type=LargeBinary, description="see `packed`; none without item marks")
    options: str | None = Field(default=None, description="the option chosen at each item, with commas between")


class MarkHeld(SQLModel, table=True):
    """A row that was held out: it may be right, but not by itself."""

    __tablename__ = "mark_held"
    __table_args__ = (
        ForeignKeyConstraint(["exam_id", "paper_id"], ["paper.exam_id", "paper.id"], name="fk_mark_held_paper"),
        ForeignKeyConstraint(["exam_id", "student_id"], ["student.exam_id", "student.id"], name="fk_mark_held_student"),
        ForeignKeyConstraint(["exam_id", "file_id"], ["exam_file.exam_id", "exam_file.id"], name="fk_mark_held_file"),
        UniqueConstraint("file_id", "row"),
        CheckConstraint(one_of("reason", REASONS), name="reason"),
        CheckConstraint(one_of("status", SENT), name="status"),
        CheckConstraint("(reason = 'off_roster') = (student_id IS NULL)", name="student"),
        Index("ix_mark_held_paper_id_student_id", "paper_id", "student_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    exam_id: int
    file_id: int
    row: int = Field(description="in the file, as Excel counts; rows of later sheets are counted on")
    paper_id: int
    number: str = Field(description="as it was sent")
    student_id: int | None = Field(default=None, description="whose number it is; none: off the roster")
    status: str
    mark: int | None = None
    items: bytes | None = Field(default=None, sa_type=LargeBinary)
    options: str | None = None
    reason: str


def holding() -> ColumnElement[bool]:
    """The condition that a version of a mark is the one that holds."""
    newer = aliased(Mark)
    same = (col(newer.paper_id) == col(Mark.paper_id), col(newer.student_id) == col(Mark.student_id))
    return ~select(col(newer.n)).where(*same, col(newer.n) > col(Mark.n)).exists()


FROZEN = {"exam_file": "", "mark": "", "mark_held": ""}
KNOWN_BY = {
    "exam_file": "id = NEW.id",
    "mark": "paper_id = NEW.paper_id AND student_id = NEW.student_id AND n = NEW.n",
    "mark_held": "id = NEW.id OR (file_id = NEW.file_id AND row = NEW.row)",
}
freeze(FROZEN, KNOWN_BY)


def packed(items: Sequence[int | None]) -> bytes:
    """Put item marks, whole numbers and None for a blank, into the two bytes each of the column."""
    return struct.pack(f"<{len(items)}h", *(BLANK if mark is None else mark for mark in items))
