"""Releases as reports read them: the latest of an exam, and what its figures are worked out from."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from models.exam_release import ExamRelease
from rules.errors import TuoqiError


@dataclass(eq=False)
class NotReleased(TuoqiError):
    """Nothing of this exam may leave the house yet."""

    code: str
    zh = "考试 {code} 还没有发布，未发送任何内容；请先由审批人批准发布（exam-release），再运行本作业。"
    en = "{code} is not released, so nothing was sent; have it approved first (exam-release), then run this again."


@dataclass(eq=False)
class Superseded(TuoqiError):
    """A later release exists; what an older one says is no longer sent."""

    code: str
    version: int
    latest: int
    zh = "考试 {code} 的第 {version} 版不是最新发布（最新为第 {latest} 版），未发送；请把版本留空或填 {latest}。"
    en = "release {version} of {code} is not the latest, which is {latest}; nothing was sent. Leave the version open."


@dataclass(frozen=True, slots=True)
class Released:
    """One release of an exam: why and when it was made, and who made and approved it."""

    version: int
    reason: str
    at: datetime
    last_file: int
    officers: tuple[int, int]


def releases(session: Session, exam: int) -> dict[int, Released]:
    """Return the releases of an exam by version."""
    columns = (
        ExamRelease.version, ExamRelease.reason, ExamRelease.released_at, ExamRelease.last_file_id,
        ExamRelease.maker_id, ExamRelease.approver_id,
    )  # fmt: skip
    query = select(*map(col, columns)).where(col(ExamRelease.exam_id) == exam).order_by(col(ExamRelease.version))
    return {row[0]: Released(row[0], row[1], row[2], row[3], (row[4], row[5])) for row in session.execute(query)}


def latest_versions(session: Session, exams: set[int]) -> dict[int, int]:
    """Map exams to their latest release; one without is left out."""
    query = select(col(ExamRelease.exam_id), func.max(col(ExamRelease.version)))
    chosen = query.where(col(ExamRelease.exam_id).in_(sorted(exams))).group_by(col(ExamRelease.exam_id))
    return dict(session.execute(chosen).tuples().all())
