"""An exam office with staff: M1 and A2 may make and approve, A1 only approves."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlmodel import SQLModel, col

from flows.allowance_approve import Yes
from flows.exam_release import approve, put_forward
from flows.settings import Settings
from models.audit import AuditEntry
from models.db import Database
from models.exam import exam_named
from models.exam_proposals import add_proposal, content_now, latest_proposal
from models.exam_releases import add_release, latest_release
from models.one_time import code_at, new_secret, step_of
from models.staff import add_staff, enrol_staff
from policies.exams import exams
from rules.allowances_approval import confirmation_code
from tests.flows.exams import EXAM, NOW, exam_office, give, give_marks, mark, student

BOTH = ("语文", "物理")
NUMBERS = ("101", "102", "103", "201")


class Releasing:
    """The two schools of tests/flows/exams.py, and their releases."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.office = database, exam_office(database, folder)
        self.secrets = {number: new_secret() for number in ("M1", "A1", "A2")}
        self.steps = 0
        self.overlay: Path | None = None
        now = self.now.now()
        with database.write() as session:
            for number, role in (("M1", "both"), ("A1", "approver"), ("A2", "both")):
                values = {"number": number, "name": "王", "role": role, "phone": "", "email": f"{number}@example.com"}
                add_staff(session, 1, f"T-{number}", values)
                enrol_staff(session, 1, number, self.secrets[number], step_of(now) - 10, now)

    @property
    def now(self) -> Settings:
        """The settings of a job at NOW, with the policy laid over the book, if any."""
        return self.office.at(NOW).model_copy(update={"policy": self.overlay})

    def marks(self, said: dict[str, Any], subject: str = "语文") -> None:
        """A file of each student's mark, by number; each file of its own school."""
        give_marks(self.office, [mark(number, each, subject, school=f"S{number[0]}") for number, each in said.items()])

    def all_in(self, first: int = 0) -> None:
        """Languages 120, 90, 90, 60; physics 60 of everybody, so that its SD is 0; `first`: the row on top."""
        rows = [mark(n, each, school=f"S{n[0]}") for n, each in zip(NUMBERS, (120, 90, 90, 60), strict=True)]
        rows += [mark(n, 60, "物理", school=f"S{n[0]}") for n in NUMBERS]
        give_marks(self.office, rows[first:] + rows[:first])

    def earlier(self) -> None:
        """E0 of January, with which E1 compares: languages 60, 90, 80, 70."""
        give(self.office, "exam", [EXAM | {"code": "E0", "date": "2026-01-10"}, EXAM | {"compare_with": "E0"}])
        give(self.office, "paper", [{"exam": "E0", "subject": "语文", "full": 150}])
        give(self.office, "student", [student(n, f"S{n[0]}", f"名{n}", exam="E0") for n in NUMBERS])
        marks = zip(NUMBERS, (60, 90, 80, 70), strict=True)
        give_marks(self.office, [mark(n, said, exam="E0", school=f"S{n[0]}") for n, said in marks])

    def put(self, reason: str = "", staff: str = "M1", exam: str = "E1", **more: Any) -> dict[str, Any]:
        return put_forward(self.database, self.now, exam, staff, reason, **more)

    def code(self, exam: str = "E1") -> str:
        """The confirmation code of what was put forward last."""
        with self.database.read() as session:
            entry = exam_named(session, 1, exam)
            proposal = latest_proposal(session, entry.id) if entry else None
        assert proposal
        return confirmation_code(proposal.hash)

    def once(self, staff: str = "A1") -> tuple[datetime, str]:
        """A fresh one-time code, and the moment, a little later each time, at which it holds."""
        self.steps += 1
        at = self.now.at
        assert at is not None
        later = at + timedelta(seconds=30 * self.steps)
        return later, code_at(self.secrets[staff], step_of(self.now.model_copy(update={"at": later}).now()))

    def yes(
        self, staff: str = "A1", confirmation: str | None = None, once: str | None = None, exam: str = "E1"
    ) -> dict[str, Any]:
        """Approve with a fresh one-time code."""
        at, fresh = self.once(staff)
        chosen = self.now.model_copy(update={"at": at})
        return approve(self.database, chosen, exam, Yes(staff, confirmation or self.code(exam), once or fresh, "cli"))

    def release(self, reason: str = "", exam: str = "E1") -> dict[str, Any]:
        self.put(reason, exam=exam, despite_held=True)
        return self.yes(exam=exam)

    def freeze(self) -> int:
        """Make the next release of E1 without people, their codes and mails; return its version."""
        with self.database.write() as session:
            policy = exams(self.now.today())
            last, now = latest_release(session, 1), content_now(session, 1, policy)
            both: dict[str, Any] = {
                "version": last.version + 1 if last else 1, "content_hash": now.hash, "last_file_id": now.last_file_id,
                "reason": "x", "maker_id": 1,
            }  # fmt: skip
            more = {"policy_version": policy.since, "despite_held": True, "waiting": now.waiting, "at": self.now.now()}
            proposal = add_proposal(session, 1, both | more)
            own = {"proposal_id": proposal, "path": "cli", "approver_id": 2, "released_at": self.now.now()}
            add_release(session, 1, policy, now.inputs, both | own)
            return int(both["version"])

    def count(self, table: type[SQLModel]) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def audited(self) -> list[str]:
        """The actions of releases in the audit, the first one first."""
        with self.database.read() as session:
            query = select(col(AuditEntry.action)).where(col(AuditEntry.action).startswith("exam."))
            return list(session.scalars(query.order_by(col(AuditEntry.seq))))
