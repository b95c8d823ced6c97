"""An exam office with staff: M1 and A2 may make and approve, A1 only approves."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import SQLModel

from flows.allowance_approve import Yes
from flows.exam_release import approve, put_forward
from models.db import Database
from models.exam_proposals import latest_proposal
from models.one_time import code_at, new_secret, step_of
from models.staff import add_staff, enrol_staff
from rules.allowances_approval import confirmation_code
from tests.flows.exams import NOW, exam_office, give_marks, mark

BOTH = ("语文", "物理")


class Releasing:
    """The two schools of tests/flows/exams.py, and their releases."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.office = database, exam_office(database, folder)
        self.secrets = {number: new_secret() for number in ("M1", "A1", "A2")}
        self.steps = 0
        now = self.office.at(NOW).now()
        with database.write() as session:
            for number, role in (("M1", "both"), ("A1", "approver"), ("A2", "both")):
                values = {"number": number, "name": "王", "role": role, "phone": "", "email": f"{number}@example.com"}
                add_staff(session, 1, f"T-{number}", values)
                enrol_staff(session, 1, number, self.secrets[number], step_of(now) - 10, now)

    def marks(self, said: dict[str, Any], subject: str = "语文") -> None:
        """A file of each student's mark, by number; each file of its own school."""
        give_marks(self.office, [mark(number, each, subject, school=f"S{number[0]}") for number, each in said.items()])

    def all_in(self) -> None:
        """Languages 120, 90, 90, 60; physics 60 of everybody, so that its SD is 0."""
        self.marks(dict(zip(("101", "102", "103", "201"), (120, 90, 90, 60), strict=True)))
        self.marks(dict.fromkeys(("101", "102", "103", "201"), 60), "物理")

    def put(self, reason: str = "", staff: str = "M1", **more: Any) -> dict[str, Any]:
        return put_forward(self.database, self.office.at(NOW), "E1", staff, reason, **more)

    def code(self) -> str:
        with self.database.read() as session:
            proposal = latest_proposal(session, 1)
        assert proposal
        return confirmation_code(proposal.hash)

    def yes(self, staff: str = "A1", confirmation: str | None = None, once: str | None = None) -> dict[str, Any]:
        """Approve with a fresh one-time code, a little later each time."""
        self.steps += 1
        base = self.office.at(NOW)
        assert base.at is not None
        later = base.model_copy(update={"at": base.at + timedelta(seconds=30 * self.steps)})
        fresh = once or code_at(self.secrets[staff], step_of(later.now()))
        return approve(self.database, later, "E1", Yes(staff, confirmation or self.code(), fresh, "cli"))

    def release(self, reason: str = "") -> dict[str, Any]:
        self.put(reason, despite_held=True)
        return self.yes()

    def count(self, table: type[SQLModel]) -> int:
        with self.database.read() as session:
            return len(session.execute(select(table)).all())
