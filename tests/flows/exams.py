"""What the tests of joint exams share: two schools, one exam with two papers, four students."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col
from xlsxwriter import Workbook

from flows.intake_store import store_rows
from flows.settings import settings
from models.db import Database
from models.exam import Student, sat_papers
from models.exam_mark import Mark
from models.intake import Taken
from rules.registers import REGISTERS, parse
from tests.flows.test_duty import Office

NOW = "2026-04-25T09:00"
LATER = "2026-04-26T09:00"
EXAM = {"code": "E1", "name": "高二期中联考", "date": "2026-04-22", "group": "senior"}
STUDENTS = [("101", "S1", "㐂一"), ("102", "S1", "张二"), ("103", "S1", "李三"), ("201", "S2", "王四")]
"""Number, school, name; the first character of the first name is in GB18030 but not in GBK."""
ITEMS = [("1", 40), ("2", 30), ("10", 30)]


def exam_office(database: Database, folder: Path) -> Office:
    """Languages 语文 of 150 without items, physics 物理 of 100 with three."""
    office = Office(database, settings(), folder)
    schools = [
        {"code": c, "name": f"第{n}中学", "contact_email": f"{c}@example.cn"} for c, n in (("S1", "一"), ("S2", "二"))
    ]
    give(office, "school", schools, NOW)
    give(office, "exam", [EXAM], NOW)
    give(office, "student", [student(*each) for each in STUDENTS], NOW)
    give(office, "paper", [{"exam": "E1", "subject": s, "full": f} for s, f in (("语文", 150), ("物理", 100))], NOW)
    give(
        office,
        "item",
        [{"exam": "E1", "subject": "物理", "item": i, "max": m, "point": f"点{i}"} for i, m in ITEMS],
        NOW,
    )
    return office


def student(number: str, school: str, name: str, **more: Any) -> dict[str, Any]:
    """A row of the roster."""
    return {"exam": "E1", "number": number, "name": name, "school": school, **more}


def mark(number: str, said: Any, subject: str = "语文", **more: Any) -> dict[str, Any]:
    """A row of a mark file."""
    return {"exam": "E1", "number": number, "subject": subject, "mark": said, **more}


def give(office: Office, kind: str, rows: Sequence[dict[str, Any]], moment: str = NOW) -> Taken:
    """Store rows of a register as from a file, but parsed here: no child process."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    grid = [names, *([str(row.get(name, "")) for name in names] for row in rows)]
    parsed = parse(REGISTERS[kind], grid)
    digest = hashlib.sha256(repr(grid).encode()).hexdigest()
    taken = store_rows(office.database, office.at(moment), kind, parsed.rows, "t", digest=digest)
    left_out = taken.left_out if REGISTERS[kind].by_row else taken.errors
    left_out += parsed.errors
    return taken


def give_marks(office: Office, rows: Sequence[dict[str, Any]], moment: str = NOW) -> Taken:
    """A mark file; what was not taken is in `left_out`."""
    return give(office, "mark", rows, moment)


def workbook(path: Path, sheets: dict[str, Sequence[Sequence[Any]]], hidden: Sequence[str] = ()) -> Path:
    """An xlsx file as schools make them: a merged title of two rows over everything on each sheet."""
    with Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.merge_range(0, 0, 1, 5, "昆明市某某中学高二期中成绩")
            for at, row in enumerate(rows, start=2):
                sheet.write_row(at, 0, row)
            if name in hidden:
                sheet.hide()
            else:
                sheet.activate()
    return path


def told(office: Office, subject: str = "语文") -> dict[str, list[tuple[str, int | None]]]:
    """Every version of each student's mark, by number."""
    with office.database.read() as session:
        paper = paper_id(session, subject)
        query = select(col(Student.number), col(Mark.status), col(Mark.mark))
        query = query.join(Student, col(Student.id) == col(Mark.student_id)).where(col(Mark.paper_id) == paper)
        found: dict[str, list[tuple[str, int | None]]] = {}
        for number, status, whole in session.execute(query.order_by(col(Mark.student_id), col(Mark.n))):
            found.setdefault(number, []).append((status, whole))
        return found


def paper_id(session: Session, subject: str) -> int:
    """The id of a paper of the only exam."""
    return next(sat.id for sat in sat_papers(session, 1) if sat.subject == subject)
