"""Joint exams 联考: schools, exams, who sits them (names and contacts sealed), papers and their items.

A student is one person in one exam, known by an exam number that is unique in it. Marks are in models/exam_mark.py.
"""

import re
from collections.abc import Collection
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, func, select, update
from sqlmodel import Field, Session, SQLModel, col

from models.db import keys_of
from models.elder import batches
from models.messages import one_of
from rules.exam_refusals import NoExam
from rules.registers.exams import GROUPS, TRACK_NAMES

SCHOOL_SEALED = ("contact_name", "contact_email")
"""Columns of a school that are sealed under school.COLUMN and its reference."""
STUDENT_SEALED = ("name", "contact_email")
"""Columns of a student that are sealed under student.COLUMN and the reference."""
SCALES = (2, 10)
_DIGITS = re.compile(r"(\d+)")


class School(SQLModel, table=True):
    """A school that sends marks, and the one person there who hears of them."""

    __table_args__ = (UniqueConstraint("district_id", "code"),)
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    ref: str = Field(unique=True)
    code: str
    name: str
    contact_name: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    contact_email: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")


class Exam(SQLModel, table=True):
    """One joint exam."""

    __table_args__ = (
        UniqueConstraint("district_id", "code"),
        CheckConstraint(one_of("school_group", tuple(GROUPS)), name="school_group"),
        CheckConstraint("compare_with_id <> id", name="compare_with"),
    )
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    code: str
    name: str
    held_on: date = Field(description="its first day, whose policy holds")
    school_group: str
    compare_with_id: int | None = Field(default=None, foreign_key="exam.id")


class Student(SQLModel, table=True):
    """A person entered for an exam, in the school where they are now."""

    __table_args__ = (
        UniqueConstraint("exam_id", "number"),
        UniqueConstraint("exam_id", "id"),
        CheckConstraint(one_of("track", tuple(TRACK_NAMES)), name="track"),
        CheckConstraint("NOT contact_verified OR contact_email IS NOT NULL", name="contact_verified"),
        Index("ix_student_school_id", "school_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    exam_id: int = Field(foreign_key="exam.id")
    number: str
    ref: str = Field(unique=True)
    name: bytes = Field(sa_type=LargeBinary, description="sealed")
    school_id: int = Field(foreign_key="school.id")
    class_name: str = ""
    track: str = "none"
    contact_email: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    contact_verified: bool = False


class Paper(SQLModel, table=True):
    """One subject of an exam; marks are stored as integers times `scale`."""

    __table_args__ = (
        UniqueConstraint("exam_id", "subject"),
        UniqueConstraint("exam_id", "id"),
        CheckConstraint("full_marks > 0", name="full_marks"),
        CheckConstraint("scale IN (2, 10)", name="scale"),
    )
    id: int | None = Field(default=None, primary_key=True)
    exam_id: int = Field(foreign_key="exam.id")
    subject: str
    full_marks: int = Field(description="times scale")
    scaled: bool = False
    scale: int = 2


class PaperItem(SQLModel, table=True):
    """One item of a paper; `place` is its position among them, from 1, and its number in mark files."""

    __tablename__ = "paper_item"
    __table_args__ = (
        UniqueConstraint("paper_id", "code"),
        UniqueConstraint("paper_id", "place"),
        CheckConstraint("full_marks > 0 AND full_marks <= 30000", name="full_marks"),
        CheckConstraint("place > 0", name="place"),
    )
    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id")
    code: str
    place: int
    full_marks: int = Field(description="times the paper's scale")
    point: str = ""


class SatItem(NamedTuple):
    """An item; `full` is times the paper's scale."""

    item: str
    full: int
    point: str


class Sat(NamedTuple):
    """A paper with its items in their order; `full` is times scale."""

    id: int
    subject: str
    full: int
    scale: int
    scaled: bool
    items: list[SatItem]


def exam_ids(session: Session, district: int) -> dict[str, int]:
    """Map the codes of a district's exams to their ids."""
    query = select(col(Exam.code), col(Exam.id)).where(col(Exam.district_id) == district)
    return {code: number for code, number in session.execute(query) if number is not None}


class Named(NamedTuple):
    """An exam of a district."""

    id: int
    code: str
    name: str
    held_on: date


_NAMED = (col(Exam.id), col(Exam.code), col(Exam.name), col(Exam.held_on))


def exam_named(session: Session, district: int, code: str) -> Named:
    """Find an exam of the district by its code.

    Raises:
        NoExam: there is none.
    """
    found = session.execute(select(*_NAMED).where(col(Exam.district_id) == district, col(Exam.code) == code)).first()
    if found is None:
        raise NoExam(code)
    return Named(*found)


def exams_of(session: Session, district: int) -> list[Named]:
    """Return the exams of the district, by day."""
    query = select(*_NAMED).where(col(Exam.district_id) == district).order_by(col(Exam.held_on), col(Exam.code))
    return [Named(*row) for row in session.execute(query)]


def lock_exam(session: Session, exam: int) -> None:
    """Let one file of an exam in at a time, until the transaction ends."""
    session.execute(update(Exam).where(col(Exam.id) == exam).values(code=col(Exam.code)))


def school_codes(session: Session, district: int) -> dict[int, str]:
    """Map the ids of a district's schools to their codes."""
    query = select(col(School.id), col(School.code)).where(col(School.district_id) == district)
    return dict(session.execute(query).tuples().all())


def school_ids(session: Session, district: int) -> dict[str, int]:
    """Map what files call the district's schools to their ids: codes, and names that are no other school's code."""
    query = select(col(School.code), col(School.name), col(School.id)).where(col(School.district_id) == district)
    rows = session.execute(query).all()
    named: dict[str, list[int]] = {}
    for _, name, number in rows:
        named.setdefault(name, []).append(number)
    unique = {name: ids[0] for name, ids in named.items() if len(ids) == 1}  # namesakes are known by their codes only
    return unique | {code: number for code, _, number in rows}


def sat_papers(session: Session, exam: int) -> list[Sat]:
    """Read the papers of an exam with their items, by subject."""
    columns = (col(Paper.id), col(Paper.subject), col(Paper.full_marks), col(Paper.scale), col(Paper.scaled))
    query = select(*columns).where(col(Paper.exam_id) == exam).order_by(col(Paper.subject))
    papers = {
        number: Sat(number, subject, full, scale, scaled, [])
        for number, subject, full, scale, scaled in session.execute(query)
    }
    items = select(col(PaperItem.paper_id), col(PaperItem.code), col(PaperItem.full_marks), col(PaperItem.point))
    mine = items.where(col(PaperItem.paper_id).in_(list(papers))).order_by(
        col(PaperItem.paper_id), col(PaperItem.place)
    )
    for number, *rest in session.execute(mine):
        papers[number].items.append(SatItem(*rest))
    return list(papers.values())


def entered(session: Session, exam: int, numbers: Collection[str]) -> dict[str, tuple[int, int]]:
    """Map those exam numbers that are on the roster to the ids of student and school."""
    columns = (col(Student.number), col(Student.id), col(Student.school_id))
    found: dict[str, tuple[int, int]] = {}
    for some in batches(numbers):
        query = select(*columns).where(col(Student.exam_id) == exam, col(Student.number).in_(some))
        found |= {number: (student, school) for number, student, school in session.execute(query)}
    return found


def entered_by_school(session: Session, exam: int) -> dict[int, int]:
    """Count the students of an exam by school id."""
    query = select(col(Student.school_id), func.count()).where(col(Student.exam_id) == exam)
    return dict(session.execute(query.group_by(col(Student.school_id))).tuples().all())


def student_behind(session: Session, district: int, ref: str) -> dict[str, Any] | None:
    """Open who has a reference, for staff who look it up; None if there is nobody."""
    query = (
        select(col(Exam.code), col(School.code), col(Student.number), col(Student.name))
        .join(Exam, col(Exam.id) == col(Student.exam_id))
        .join(School, col(School.id) == col(Student.school_id))
        .where(col(Student.ref) == ref, col(Exam.district_id) == district)
    )
    found = session.execute(query).first()
    if found is None:
        return None
    exam, school, number, name = found
    opened = keys_of(session).open("student.name", ref, name)
    return {"ref": ref, "kind": "student", "exam": exam, "school": school, "number": number, "name": opened}


def by_number(code: str) -> list[tuple[int, str]]:
    """The order of item codes as people read them: 2 before 10, 13-1 before 13-2."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(code) if part]
