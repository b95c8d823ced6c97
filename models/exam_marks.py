"""What the statistics of an exam are worked out from: roster, sheets and item sheets, read without ORM objects.

One paper at a time is in memory, as columns: 400,000 students by 9 papers are 9 times 400,000 rows.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Select, select
from sqlmodel import Session, col

from models.exam import Sat, School, Student, sat_papers
from models.exam_mark import Mark, MarkHeld
from models.exam_release import ExamReleaseStudent
from rules.exams import Paper, Roster, Sheet, laid, roster
from rules.exams_items import Item, ItemSheet

_FLOW = 50_000
_STUDENTS = {"student": pl.Int64, "number": pl.String, "ref": pl.String, "school": pl.String, "class": pl.String,
             "track": pl.String}  # fmt: skip
_MARKS = {"student": pl.Int64, "n": pl.Int32, "status": pl.String, "mark": pl.Int32}


class Answers(NamedTuple):
    """The items of one paper: its sheet, whose rows they are, and the options chosen (null: none told)."""

    sheet: ItemSheet
    students: NDArray[np.int64]
    options: pl.Series


def exam_roster(session: Session, exam: int) -> Roster:
    """Read who is entered, in the order of numbers; `student` is the key of marks, and number and ref go with it.

    Nobody's name is read.
    """
    columns = (Student.id, Student.number, Student.ref, School.code, Student.class_name, Student.track)
    query = select(*map(col, columns)).join(School, col(School.id) == col(Student.school_id))
    return roster(_frame(session, query.where(col(Student.exam_id) == exam).order_by(col(Student.number)), _STUDENTS))


def release_roster(session: Session, release: int) -> Roster:
    """Read who was entered where when a release was made: exam_roster as it was then."""
    there = ExamReleaseStudent
    columns = (Student.id, Student.number, Student.ref, there.school, there.class_name, there.track)
    query = select(*map(col, columns)).join(Student, col(Student.id) == col(there.student_id))
    return roster(
        _frame(session, query.where(col(there.release_id) == release).order_by(col(Student.number)), _STUDENTS)
    )


def mark_rows(session: Session, paper: int, last_file: int | None = None) -> pl.DataFrame:
    """Read what holds of one paper: student, n, status, mark (whole, times the scale); held where a row is held out.

    Args:
        session: reading.
        paper: its id.
        last_file: leave out what came in later files, as a release does that was made before them.
    """
    columns = (Mark.student_id, Mark.n, Mark.status, Mark.mark)
    query = select(*map(col, columns)).where(col(Mark.paper_id) == paper)
    held = select(col(MarkHeld.student_id)).where(
        col(MarkHeld.paper_id) == paper, col(MarkHeld.student_id).is_not(None)
    )
    if last_file is not None:
        query = query.where(col(Mark.file_id) <= last_file)
        held = held.where(col(MarkHeld.file_id) <= last_file)
    versions = _frame(session, query.order_by(col(Mark.student_id), col(Mark.n)), _MARKS)
    marks = versions.unique("student", keep="last", maintain_order=True)
    waiting = pl.DataFrame(
        {"student": sorted({each for each in session.scalars(held) if each is not None})}, schema={"student": pl.Int64}
    )
    waiting = waiting.join(marks, on="student", how="anti").with_columns(pl.lit("held").alias("status"))
    return pl.concat([marks, waiting], how="diagonal")


def measured(sat: Iterable[Sat]) -> list[Paper]:
    """Return papers as the rules know them."""
    return [Paper(each.subject, each.full, each.scale, each.scaled) for each in sat]


def sheets(session: Session, entered: Roster, sat: list[Sat], last_file: int | None = None) -> Iterator[Sheet]:
    """Yield the sheet of each paper in turn; rules.exams.settled then decides what a missing row means."""
    for each, paper in zip(sat, measured(sat), strict=True):
        yield laid(entered, paper, mark_rows(session, each.id, last_file))


def answers(session: Session, sat: Sat, last_file: int | None = None) -> Answers:
    """Read the item marks of those whose mark in the paper is valid and came with items, in the order of ids."""
    columns = (Mark.student_id, Mark.status, Mark.mark, Mark.items, Mark.options)
    query = select(*map(col, columns)).where(col(Mark.paper_id) == sat.id)
    if last_file is not None:
        query = query.where(col(Mark.file_id) <= last_file)
    query = query.order_by(col(Mark.student_id), col(Mark.n))
    schema = {"student": pl.Int64, "status": pl.String, "mark": pl.Int32, "items": pl.Binary, "options": pl.String}
    latest = _frame(session, query, schema).unique("student", keep="last", maintain_order=True)
    told = latest.filter(pl.col("items").is_not_null())
    marks = np.frombuffer(b"".join(told["items"].to_list()), "<i2").reshape(-1, len(sat.items) or 1).astype(np.int32)
    items = [Item(*each) for each in sat.items]
    sheet = ItemSheet(sat.subject, sat.scale, items, marks, told["mark"].to_numpy().astype(np.int32))
    return Answers(sheet, told["student"].to_numpy(), told["options"])


def content_hash(session: Session, exam: int, last_file: int | None = None) -> str:
    """Return a digest of all that the figures of an exam come from; a mark's version stands for its items too."""
    digest = hashlib.sha256()
    digest.update(exam_roster(session, exam).students.write_csv().encode())
    for sat in sat_papers(session, exam):
        digest.update(repr(sat).encode())
        digest.update(mark_rows(session, sat.id, last_file).sort("student").write_csv().encode())
    return digest.hexdigest()


def _frame(session: Session, query: Select[Any], schema: dict[str, Any]) -> pl.DataFrame:
    """Read a query of plain columns, some thousand rows at a time, off the driver's own cursor.

    400,000 marks take 0.4 s of CPU so, and 1.9 s as rows of SQLAlchemy.
    """
    frames = [pl.DataFrame(schema=schema)]
    connection = session.connection()
    statement = str(query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))  # ids only
    named = {"name": "exam_marks"} if connection.dialect.name == "postgresql" else {}  # else all rows come at once
    with closing(connection.connection.cursor(**named)) as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(_FLOW):
            frames.append(pl.DataFrame(rows, schema=schema, orient="row"))
    return pl.concat(frames)
