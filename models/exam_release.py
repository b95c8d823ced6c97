"""Releases 发布 of exams: what a maker put forward, what became a release of it, and who was then entered where.

Rows are only added. Whatever the figures of a release come from stands in it, or in marks, which are only added too:
a report of an old release can be made again after transfers, corrections, other papers and other policies.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint, func, select
from sqlmodel import JSON, Column, Field, Session, SQLModel, col

from models.append_only import freeze
from models.db import Instant
from models.messages import one_of
from rules.registers.exams import TRACK_NAMES


class ExamProposal(SQLModel, table=True):
    """What a maker put forward for release; the latest of an exam is the one that can be approved."""

    __tablename__ = "exam_proposal"
    __table_args__ = (
        UniqueConstraint("id", "exam_id", "version", "maker_id", "content_hash", name="uq_exam_proposal_content"),
        ForeignKeyConstraint(
            ["exam_id", "last_file_id"], ["exam_file.exam_id", "exam_file.id"], name="fk_exam_proposal_file"
        ),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("reason <> ''", name="reason"),
    )
    id: int | None = Field(default=None, primary_key=True)
    exam_id: int = Field(foreign_key="exam.id")
    version: int = Field(description="that it is to become")
    content_hash: str = Field(description="of roster, papers, items, marks, names and policy")
    last_file_id: int = Field(description="the last file whose marks are in it")
    policy_version: date
    reason: str
    despite_held: bool = Field(description="said by the maker, though rows are held out or schools are missing")
    waiting: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False), description="rules.exams_approval.waiting")
    maker_id: int = Field(foreign_key="staff.id")
    at: datetime = Field(sa_type=Instant)


class ExamRelease(SQLModel, table=True):
    """A release of an exam: a proposal that somebody else has approved, and all it was made from but students, marks.

    The key to its proposal holds version, content and maker, so no other content than what was put forward can be
    released, nor by who put it forward.
    """

    __tablename__ = "exam_release"
    __table_args__ = (
        UniqueConstraint("exam_id", "version"),
        UniqueConstraint("exam_id", "id"),
        UniqueConstraint("proposal_id"),
        ForeignKeyConstraint(
            ["proposal_id", "exam_id", "version", "maker_id", "content_hash"],
            [f"exam_proposal.{name}" for name in ("id", "exam_id", "version", "maker_id", "content_hash")],
            name="fk_exam_release_proposal",
        ),
        ForeignKeyConstraint(
            ["exam_id", "last_file_id"], ["exam_file.exam_id", "exam_file.id"], name="fk_exam_release_file"
        ),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("approver_id <> maker_id", name="two_people"),
    )
    id: int | None = Field(default=None, primary_key=True)
    exam_id: int = Field(foreign_key="exam.id")
    version: int
    proposal_id: int
    content_hash: str
    last_file_id: int = Field(description="the last file whose marks are in it")
    policy_version: date
    policy: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False), description="its values, all of them")
    inputs: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False), description="models.exam_releases.inputs_of")
    students: int = Field(description="how many were entered")
    figures_hash: str = Field(description="of its stats and standings: rules.exams_release.figures_hash")
    reason: str
    path: str = Field(description="by which it was approved")
    maker_id: int = Field(foreign_key="staff.id")
    approver_id: int = Field(foreign_key="staff.id")
    released_at: datetime = Field(sa_type=Instant)


class ExamReleaseStudent(SQLModel, table=True):
    """Where a student was entered when a release was made; number and reference never change."""

    __tablename__ = "exam_release_student"
    __table_args__ = (
        ForeignKeyConstraint(
            ["exam_id", "release_id"],
            ["exam_release.exam_id", "exam_release.id"],
            name="fk_exam_release_student_release",
        ),
        ForeignKeyConstraint(
            ["exam_id", "student_id"], ["student.exam_id", "student.id"], name="fk_exam_release_student_student"
        ),
        CheckConstraint(one_of("track", tuple(TRACK_NAMES)), name="track"),
        {"sqlite_with_rowid": False},
    )
    release_id: int = Field(primary_key=True)
    student_id: int = Field(primary_key=True)
    exam_id: int
    school: str = Field(description="its code")
    class_name: str
    track: str


FROZEN = {"exam_proposal": "", "exam_release": "", "exam_release_student": ""}
KNOWN_BY = {
    "exam_proposal": "id = NEW.id",
    "exam_release": "id = NEW.id OR (exam_id = NEW.exam_id AND version = NEW.version)",
    "exam_release_student": "release_id = NEW.release_id AND student_id = NEW.student_id",
}
freeze(FROZEN, KNOWN_BY)


def latest_versions(session: Session, exams: set[int]) -> dict[int, int]:
    """Map exams to their latest release; one without is left out."""
    query = select(col(ExamRelease.exam_id), func.max(col(ExamRelease.version)))
    chosen = query.where(col(ExamRelease.exam_id).in_(sorted(exams))).group_by(col(ExamRelease.exam_id))
    return dict(session.execute(chosen).tuples().all())
