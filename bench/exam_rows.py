"""A province's exam in a database: made-up marks -> tables, filled by bulk statements, nothing read from files.

The exam is the one of bench/exams.py. No names are opened by the jobs measured, so all students share one envelope.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import islice

import polars as pl
from sqlalchemy import insert, text
from sqlmodel import SQLModel

from bench.databases import Store
from bench.money_town import ref_of
from models.db import Database
from models.district import district_id
from models.exam import Exam, Paper, PaperItem, School, Student
from models.exam_mark import ExamFile, Mark
from models.staging import fill
from rules.exams import Paper as Sat
from rules.exams_items import ItemSheet

HELD_ON = date(2026, 4, 22)
AT = datetime(2026, 4, 25, tzinfo=UTC)
_FLOW = 20_000
_UNCHECKED = "SET LOCAL session_replication_role = replica"


def create(here: Store, name: str) -> None:
    """Make a migrated database with a district and nothing else."""
    here.create(name, 33, 99, kinds=("subdistrict", "centre"))


def exam_of(database: Database, district: str, students: pl.DataFrame, papers: tuple[Sat, ...]) -> None:
    """Store an exam, its schools, roster and papers; student i of the frame has id i + 1, paper i the same."""
    schools = students["school"].unique().sort().to_list()
    with database.write() as session:
        mine = district_id(session, district)
        session.execute(insert(Exam).values(
            id=1, district_id=mine, code="E1", name="联考", held_on=HELD_ON, school_group="senior"))  # fmt: skip
        session.execute(insert(School), [
            {"id": at, "district_id": mine, "ref": f"X-{at}", "code": code, "name": code}
            for at, code in enumerate(schools, 1)
        ])  # fmt: skip
        session.execute(insert(Paper), [
            {"id": at, "exam_id": 1, "subject": each.subject, "full_marks": each.full, "scale": each.scale,
             "scaled": each.scaled} for at, each in enumerate(papers, 1)
        ])  # fmt: skip
        session.execute(insert(ExamFile).values(
            exam_id=1, school_id=None, sha256="", kept=0, unchanged=0, refused=0, held=0, at=AT,
            actor="bench"))  # fmt: skip
    ids = {code: at for at, code in enumerate(schools, 1)}
    sealed = database.keys.seal("student.name", "T-0000-0000", "x" * 9)
    rows = enumerate(students.select("student", "school", "class", "track").iter_rows(), 1)
    _pour(database, Student, (
        {"id": at, "exam_id": 1, "number": str(number), "ref": ref_of(at), "name": sealed, "school_id": ids[school],
         "class_name": name, "track": track, "contact_verified": False}
        for at, (number, school, name, track) in rows
    ))  # fmt: skip


def marks_of(database: Database, paper: int, rows: pl.DataFrame) -> None:
    """Store the marks of one paper: row i is of student i + 1."""
    told = enumerate(rows.select("status", "mark").iter_rows(), 1)
    _pour(database, Mark, (
        {"paper_id": paper, "student_id": at, "n": 1, "exam_id": 1, "file_id": 1, "status": status, "mark": mark,
         "items": None, "options": None} for at, (status, mark) in told
    ))  # fmt: skip


def items_of(database: Database, sheet: ItemSheet) -> None:
    """Store a paper's items and everybody's item marks."""
    with database.write() as session:
        session.execute(insert(PaperItem), [
            {"paper_id": 1, "place": at, "code": item.item, "full_marks": item.full, "point": "点"}
            for at, item in enumerate(sheet.items, 1)
        ])  # fmt: skip
    packed = sheet.marks.astype("<i2")
    _pour(database, Mark, (
        {"paper_id": 1, "student_id": at + 1, "n": 1, "exam_id": 1, "file_id": 1, "status": "valid",
         "mark": int(total), "items": packed[at].tobytes(), "options": None} for at, total in enumerate(sheet.total)
    ))  # fmt: skip


def _pour(database: Database, table: type[SQLModel], rows: Iterator[dict[str, object]]) -> None:
    with database.write() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text(_UNCHECKED))
        while some := list(islice(rows, _FLOW)):
            fill(session, SQLModel.metadata.tables[str(table.__tablename__)], some)
