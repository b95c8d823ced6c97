"""Joint exams from the database to every figure, and from a school's file into the database.

*exam from database*: roster, papers and marks read, absences decided, marks scaled and added up, all standings and all
groups' figures - models.exam_findings. The floor is a bare script: two plain statements a paper off the driver's own
cursor into polars, then the bare figures of bench/exams.py. Both read the same rows in the same run, take turns, and
must find the same figures. PostgreSQL's CPU counts on both sides. *Items* are 100,000 candidates by 25.

*exam, file*: one school's xlsx of 9,000 marks beside python-calamine reading its cells.
"""

import hashlib
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from python_calamine import CalamineWorkbook
from sqlmodel import Session
from xlsxwriter import Workbook

from bench import exam_rows, exams
from bench.databases import KINDS, Store, settle, store
from bench.timing import Cost, Line, best, mb, measured, power, ratio
from flows.intake_store import register, store_rows
from flows.tables import read_table
from models.db import Database
from models.exam_findings import findings, item_answers
from policies.exams import exams as policy_of
from rules.exams import Paper
from rules.exams_items import item_sheet
from rules.registers import parse

POLICY = policy_of(exam_rows.HELD_ON)
Found = tuple[pl.DataFrame, list[Any]]


def figures(*, quick: bool) -> list[Line]:
    """Measure both databases, then the file."""
    sizes = (4_000, 40_000) if quick else (4_000, 40_000, 400_000)
    lines: list[Line] = []
    for kind in KINDS:
        with store(kind) as here:
            lines += _grown(here, sizes)
            lines += _items(here, 10_000 if quick else 100_000)
            lines += _file(here, 100 if quick else 1000)
    return lines


def _grown(here: Store, sizes: tuple[int, ...]) -> Iterator[Line]:
    before: tuple[int, Cost, Cost] | None = None
    for size in sizes:
        name = f"exam{size}"
        exam_rows.create(here, name)
        made = exams.made_exam(size)
        with here.opened(name) as database:
            exam_rows.exam_of(database, here.settings(name).district, made.students, exams.PAPERS)
            for at, rows in enumerate(made.rows, 1):
                exam_rows.marks_of(database, at, rows)
            settle(database)
            del made
            assert exams.alike(_bare(database), _ours(database)), "the bare script must find the same figures"
            ours, bare = _in_turn(3, here, lambda: _ours(database), lambda: _bare(database))
        growth = ""
        if before:
            times = size / before[0]
            growth = f"{power(before[1], ours, times)}, floor {power(before[2], bare, times)}"
        told = ratio(ours, bare, wall=True)
        yield Line(f"exam from {here.kind}", f"{size} x 9", ours, bare, told, "2; 1200 MB", mb(ours), growth)
        before = size, ours, bare
        here.drop(name)


def _in_turn(repeats: int, here: Store, *works: Any) -> list[Cost]:
    rounds = [[measured(work, here.server)[0] for work in works] for _ in range(repeats)]
    return [best(costs) for costs in zip(*rounds, strict=True)]


def _ours(database: Database) -> Found:
    with database.read() as session:
        found = findings(session, 1, POLICY)
        sums: dict[str, Any] = {}
        for rows in found.standings():
            sums[rows["subject"][0]] = exams.checksum(rows)
        order = [*(paper.subject for paper in exams.PAPERS), "total"]
        ranked = pl.DataFrame({"subject": order}).with_row_index("place")
        told = found.stats().with_row_index("at").join(ranked, on="subject").sort("place", "at")
        return told.drop("at", "place"), [sums[each] for each in order]


def _bare(database: Database) -> Found:
    with database.read() as session:
        students = _read(
            session,
            "SELECT student.id, school.code, class_name, track FROM student JOIN school ON school.id = school_id "
            "WHERE exam_id = 1 ORDER BY student.id",
            ("student", "school", "class", "track"),
        )
        rows = [
            _read(
                session,
                f"SELECT student_id, status, mark FROM mark WHERE paper_id = {at} ORDER BY student_id",
                ("student", "status", "mark"),
            )
            for at in range(1, len(exams.PAPERS) + 1)
        ]
    return exams.bare_figures(exams.Exam(students, rows))


def _read(session: Session, statement: str, names: tuple[str, ...]) -> pl.DataFrame:
    kinds = {"student": pl.Int64, "mark": pl.Int32, "items": pl.Binary}
    with closing(session.connection().connection.cursor()) as cursor:
        cursor.execute(statement)
        return pl.DataFrame(cursor.fetchall(), {name: kinds.get(name, pl.String) for name in names}, orient="row")


def _items(here: Store, candidates: int) -> Iterator[Line]:
    sheet = exams.made_items(candidates, 25)
    students = pl.DataFrame({
        "student": np.arange(candidates) + 530_100_000_000, "school": ["S1"] * candidates, "class": [""] * candidates,
        "track": ["none"] * candidates,
    })  # fmt: skip
    paper = Paper(sheet.subject, sum(item.full for item in sheet.items), sheet.scale)
    exam_rows.create(here, "items")
    with here.opened("items") as database:
        exam_rows.exam_of(database, here.settings("items").district, students, (paper,))
        exam_rows.items_of(database, sheet)
        settle(database)
        with database.read() as session:
            found = findings(session, 1, POLICY)

        def ours() -> Any:
            with database.read() as session:
                return next(exams.our_items(told.sheet) for told in item_answers(session, found))

        def bare() -> Any:
            with database.read() as session:
                rows = _read(session, "SELECT items FROM mark WHERE paper_id = 1 ORDER BY student_id", ("items",))
            flat = np.frombuffer(b"".join(rows["items"].to_list()), "<i2").reshape(-1, 25).astype(np.int32)
            return exams.bare_items(item_sheet(sheet.subject, sheet.scale, sheet.items, flat))

        (items, whole), (rows, _) = ours(), bare()
        columns = ("n", "mean", "difficulty", "discrimination27", "item_rest_r")
        assert whole.height == 1
        assert np.allclose(items.select(columns).to_numpy(), rows, rtol=1e-9)
        mine, plain = _in_turn(5, here, ours, bare)
    yield Line(f"exam items from {here.kind}", f"{candidates} x 25", mine, plain, ratio(mine, plain), "2", mb(mine))


def _file(here: Store, candidates: int) -> Iterator[Line]:
    made, path = exams.made_exam(candidates), here.folder / "marks.xlsx"
    students = made.students.with_columns(pl.lit("S000").alias("school"))
    with Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["exam", "number", "school", "subject", "status", "mark"])
        at = 0
        for paper, rows in zip(exams.PAPERS, made.rows, strict=True):
            for number, status, mark in rows.iter_rows():
                at += 1
                said = "" if mark is None else mark / paper.scale
                sheet.write_row(at, 0, ["E1", str(number), "S000", paper.subject, status, said])
    exam_rows.create(here, "file")
    with here.opened("file") as database:
        exam_rows.exam_of(database, here.settings("file").district, students, exams.PAPERS)
    form, rounds = register("mark"), []
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for _ in range(3):
        cells, _ = measured(lambda: CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python())
        parsed, found = measured(lambda: parse(form, read_table(path, form).grid))
        assert not found.errors, found.errors[0]
        with here.copied("file") as (copy, database):
            chosen = here.settings(copy, "2026-04-25T09:00")
            stored, taken = measured(
                partial(store_rows, database, chosen, "mark", found.rows, "bench", digest=digest), here.server
            )
        assert taken.added == at, (taken.added, taken.left_out[:1])
        rounds.append((cells, parsed, stored))
    cells, parsed, stored = (best(costs) for costs in zip(*rounds, strict=True))
    for job, cost in (("read in the child, and parse", parsed), (f"store_marks, {here.kind}", stored)):
        speed = f"{at} rows, {at / cost.cpu_s:,.0f} a CPU second"
        yield Line(f"exam, file: {job}", speed, cost, cells, ratio(cost, cells), "", mb(cost))
