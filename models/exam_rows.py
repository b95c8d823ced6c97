"""Registers of exams on the way out, ready to be imported again; exams, and what is theirs, by the date of the exam."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from models.db import keys_of
from models.exam import SCHOOL_SEALED, STUDENT_SEALED, Exam, Paper, PaperItem, School, Student
from models.exam_line import TENTHS, ExamLine

Rows = Iterator[dict[str, Any]]
_FLOW = 5000


def school_rows(session: Session, district: int, _first: date, _last: date) -> Rows:
    """Yield the schools by code."""
    keys = keys_of(session)
    query = select(School).where(col(School.district_id) == district).order_by(col(School.code))
    for school in session.execute(query).scalars():
        opened = {name: keys.open(f"school.{name}", school.ref, getattr(school, name)) for name in SCHOOL_SEALED}
        yield {"code": school.code, "name": school.name, **opened}


def exam_rows(session: Session, district: int, first: date, last: date) -> Rows:
    """Yield the exams by date."""
    earlier = aliased(Exam)
    query = (
        select(col(Exam.code), col(Exam.name), col(Exam.held_on), col(Exam.school_group), col(earlier.code))
        .outerjoin(earlier, col(earlier.id) == col(Exam.compare_with_id))
        .where(col(Exam.district_id) == district, col(Exam.held_on).between(first, last))
        .order_by(col(Exam.held_on), col(Exam.code))
    )
    names = ("code", "name", "date", "group", "compare_with")
    yield from (dict(zip(names, row, strict=True)) for row in session.execute(query))


def student_rows(session: Session, district: int, first: date, last: date) -> Rows:
    """Yield who is entered, by exam and number."""
    keys = keys_of(session)
    columns = (
        *(Exam.code, Student.ref, Student.number, School.code, Student.class_name, Student.track),
        *(Student.contact_verified, Student.name, Student.contact_email),
    )
    query = (
        select(*map(col, columns))
        .join(Exam, col(Exam.id) == col(Student.exam_id))
        .join(School, col(School.id) == col(Student.school_id))
        .where(col(Exam.district_id) == district, col(Exam.held_on).between(first, last))
        .order_by(col(Exam.held_on), col(Exam.code), col(Student.number))
    )
    names = ("exam", "ref", "number", "school", "class", "track", "contact_verified", *STUDENT_SEALED)
    for row in session.execute(query.execution_options(yield_per=_FLOW)):
        told = dict(zip(names, row, strict=True))
        yield told | {name: keys.open(f"student.{name}", told["ref"], told[name]) for name in STUDENT_SEALED}


def paper_rows(session: Session, district: int, first: date, last: date) -> Rows:
    """Yield the papers by exam and subject."""
    query = (
        select(col(Exam.code), col(Paper.subject), col(Paper.full_marks), col(Paper.scaled), col(Paper.scale))
        .join(Exam, col(Exam.id) == col(Paper.exam_id))
        .where(col(Exam.district_id) == district, col(Exam.held_on).between(first, last))
        .order_by(col(Exam.held_on), col(Exam.code), col(Paper.subject))
    )
    for exam, subject, full, scaled, scale in session.execute(query):
        yield {"exam": exam, "subject": subject, "full": Decimal(full) / scale, "scaled": scaled, "scale": scale}


def item_rows(session: Session, district: int, first: date, last: date) -> Rows:
    """Yield the items by exam, subject and place."""
    columns = (Exam.code, Paper.subject, PaperItem.code, PaperItem.full_marks, Paper.scale, PaperItem.point)
    query = (
        select(*map(col, columns))
        .join(Paper, col(Paper.id) == col(PaperItem.paper_id))
        .join(Exam, col(Exam.id) == col(Paper.exam_id))
        .where(col(Exam.district_id) == district, col(Exam.held_on).between(first, last))
        .order_by(col(Exam.held_on), col(Exam.code), col(Paper.subject), col(PaperItem.place))
    )
    for exam, subject, code, full, scale, point in session.execute(query):
        yield {"exam": exam, "subject": subject, "item": code, "max": Decimal(full) / scale, "point": point}


def line_rows(session: Session, district: int, first: date, last: date) -> Rows:
    """Yield the lines by exam, track and as they were registered."""
    query = (
        select(col(Exam.code), col(ExamLine.track), col(ExamLine.name), col(ExamLine.tenths), col(ExamLine.places))
        .join(Exam, col(Exam.id) == col(ExamLine.exam_id))
        .where(col(Exam.district_id) == district, col(Exam.held_on).between(first, last))
        .order_by(col(Exam.held_on), col(Exam.code), col(ExamLine.track), col(ExamLine.id))
    )
    for exam, track, name, tenths, places in session.execute(query):
        mark = None if tenths is None else Decimal(tenths) / TENTHS
        yield {"exam": exam, "track": track, "name": name, "mark": mark, "places": places}
