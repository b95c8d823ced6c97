"""What is put forward for release: an exam as it is, under its lock -> a proposal; the latest can be approved."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select
from sqlmodel import Session, col

from models.exam_board import board
from models.exam_mark import ExamFile, Mark
from models.exam_marks import exam_roster
from models.exam_release import ExamProposal
from models.exam_releases import exam_content, inputs_of
from policies.exams import ExamsPolicy
from policies.exams_frozen import frozen
from rules.exams_approval import release_hash, waiting


class Proposal(NamedTuple):
    """A proposal as it stands."""

    id: int
    version: int
    content_hash: str
    last_file_id: int
    reason: str
    despite_held: bool
    waiting: dict[str, Any]
    maker_id: int

    @property
    def hash(self) -> str:
        """What an approval of it binds."""
        return release_hash(self.content_hash, self.version, self.reason, self.waiting)


class Content(NamedTuple):
    """An exam as it is now: what a release of it would come from, and what is not settled; `stamp` as of `stamp_of`."""

    stamp: str
    inputs: dict[str, Any]
    hash: str
    waiting: dict[str, Any]
    last_file_id: int | None


def content_now(session: Session, exam: int, policy: ExamsPolicy) -> Content:
    """Read what an exam is now; the caller has locked it, or sees one moment of the database.

    `last_file_id` is None where no mark has come.
    """
    inputs = inputs_of(session, exam)
    papers = [number for number, *_ in inputs["papers"]]
    some = session.execute(select(col(Mark.n)).where(col(Mark.paper_id).in_(papers)).limit(1)).first()
    rows = board(session, exam, policy.choice).to_dicts() if papers else []
    content = exam_content(session, exam, policy, inputs)
    last = _last_file(session, exam) if some else None
    return Content(_stamp(session, exam, policy, inputs), inputs, content, waiting(rows), last)


def stamp_of(session: Session, exam: int, policy: ExamsPolicy) -> str:
    """Return a digest that is another one after whatever may change `content_now`, at a small part of its cost.

    Marks are not read: they are only added, and with a file of their exam each time. So another stamp may have the
    same content, but not the other way round.
    """
    return _stamp(session, exam, policy, inputs_of(session, exam))


def _stamp(session: Session, exam: int, policy: ExamsPolicy, inputs: dict[str, Any]) -> str:
    told = json.dumps([inputs, frozen(policy), _last_file(session, exam)], sort_keys=True)
    return hashlib.sha256(told.encode() + exam_roster(session, exam).students.write_csv().encode()).hexdigest()


def _last_file(session: Session, exam: int) -> int | None:
    return session.scalar(select(func.max(col(ExamFile.id))).where(col(ExamFile.exam_id) == exam))


def latest_proposal(session: Session, exam: int) -> Proposal | None:
    """Read what was put forward last, released or not."""
    columns = [col(getattr(ExamProposal, name)) for name in Proposal._fields]
    query = select(*columns).where(col(ExamProposal.exam_id) == exam).order_by(col(ExamProposal.id).desc()).limit(1)
    found = session.execute(query).first()
    return Proposal(*found) if found else None


def add_proposal(session: Session, exam: int, columns: Mapping[str, Any]) -> int:
    """Write down what a maker puts forward; return its id."""
    made = insert(ExamProposal).values({"exam_id": exam, **columns}).returning(col(ExamProposal.id))
    return int(session.execute(made).scalar_one() or 0)
