"""Releases of an exam, and their findings: frozen roster, papers and policy -> what was released, to the last bit."""

import hashlib
import json
from datetime import date, datetime
from typing import Any, NamedTuple

import polars as pl
from sqlalchemy import func, insert, literal, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from models.exam import Exam, Sat, SatItem, School, Student, sat_papers
from models.exam_findings import Findings, Known, found_of
from models.exam_line import TENTHS, lines_of
from models.exam_marks import content_hash, exam_roster, release_roster
from models.exam_release import ExamRelease, ExamReleaseStudent
from models.staff import Staff
from policies.exams import ExamsPolicy
from policies.exams_frozen import frozen, thawed
from rules.exam_refusals import NoRelease, ReleaseDiffers
from rules.exams_release import changes, figures_hash


class Release(NamedTuple):
    """A release as it stands; maker and approver are references of staff, `inputs` what `inputs_of` returned then."""

    id: int
    exam_id: int
    version: int
    content_hash: str
    last_file_id: int
    policy_version: date
    policy: dict[str, Any]
    inputs: dict[str, Any]
    students: int
    figures_hash: str
    reason: str
    released_at: datetime
    maker_id: int
    approver_id: int
    maker: str
    approver: str


def releases(session: Session, exam: int) -> list[Release]:
    """Read the releases of an exam, the first one first."""
    maker, approver = aliased(Staff), aliased(Staff)
    own = [col(getattr(ExamRelease, name)) for name in Release._fields[:-2]]
    query = (
        select(*own, col(maker.ref), col(approver.ref))
        .join(maker, col(maker.id) == col(ExamRelease.maker_id))
        .join(approver, col(approver.id) == col(ExamRelease.approver_id))
        .where(col(ExamRelease.exam_id) == exam)
        .order_by(col(ExamRelease.version))
    )
    return [Release(*row) for row in session.execute(query)]


def latest_release(session: Session, exam: int) -> Release | None:
    """Read the release that holds; None before the first."""
    return next(reversed(releases(session, exam)), None)


def release_of(session: Session, exam: int, version: int) -> Release:
    """Read one release.

    Raises:
        NoRelease: there is none of this version.
    """
    for each in releases(session, exam):
        if each.version == version:
            return each
    raise NoRelease(session.scalar(select(col(Exam.code)).where(col(Exam.id) == exam)) or "", version)


def released_findings(session: Session, exam: int, version: int, *, check: bool = True) -> Findings:
    """Work out a release again, from what was frozen with it; nothing that came later is seen.

    Args:
        session: reading.
        exam: its id.
        version: of the release.
        check: see that the figures are those that were released; costs as much as working them out.

    Raises:
        NoRelease: there is none of this version.
        ReleaseDiffers: what comes out is not what was released.
    """
    kept = release_of(session, exam, version)
    entered = release_roster(session, kept.id)
    known = Known(exam, kept.last_file_id, thawed(kept.policy), entered, papers_in(kept.inputs))
    found = found_of(session, known, version)
    if check and (len(entered) != kept.students or figures_of(found) != kept.figures_hash):
        raise ReleaseDiffers(kept.inputs["exam"]["code"], version)
    return found


def release_changes(session: Session, exam: int, before: int, after: int, *, check: bool = True) -> pl.DataFrame:
    """Compare two releases of an exam: rules.exams_release.changes, `student` the key that Findings.entered knows.

    Raises:
        NoRelease, ReleaseDiffers: of either.
    """
    found = (released_findings(session, exam, version, check=check) for version in (before, after))
    return changes(*(pl.concat(each.standings()) for each in found))


def figures_of(found: Findings) -> str:
    """Return the digest of all figures of findings: stats and standings."""
    if not found.sheets:
        return figures_hash([])
    return figures_hash(frame for frames in ([found.stats()], found.standings()) for frame in frames)


def inputs_of(session: Session, exam: int) -> dict[str, Any]:
    """Return what a release comes from beside students, marks and policy, and the names on it, as plain JSON.

    Returns:
        exam (code, name, date, group), compare_with (null, or exam: its id, code, release: that which held, or null:
        then nothing is compared), schools (code to name), papers (as models.exam.Sat, items as lists), and lines (as
        models.exam_line.Drawn, marks in tenths).
    """
    columns = (Exam.code, Exam.name, Exam.held_on, Exam.school_group, Exam.district_id)
    code, name, day, group, district = session.execute(select(*map(col, columns)).where(col(Exam.id) == exam)).one()
    there = select(col(Student.school_id)).where(col(Student.exam_id) == exam)
    schools = select(col(School.code), col(School.name)).where(
        col(School.district_id) == district, col(School.id).in_(there)
    )
    return {
        "exam": {"code": code, "name": name, "date": day.isoformat(), "group": group},
        "compare_with": earlier_of(session, exam),
        "schools": {row.code: row.name for row in session.execute(schools.order_by(col(School.code)))},
        "papers": [[*sat[:-1], [list(item) for item in sat.items]] for sat in sat_papers(session, exam)],
        "lines": [list(line) for line in lines_of(session, exam, TENTHS)],
    }


def papers_in(inputs: dict[str, Any]) -> list[Sat]:
    """Return the papers of a release's inputs."""
    return [
        Sat(number, subject, full, scale, scaled, [SatItem(*item) for item in items])
        for number, subject, full, scale, scaled, items in inputs["papers"]
    ]


def exam_content(session: Session, exam: int, policy: ExamsPolicy, inputs: dict[str, Any]) -> str:
    """Return the digest of all that a release made now would come from."""
    told = {"inputs": inputs, "policy": frozen(policy), "marks": content_hash(session, exam)}
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Figures(NamedTuple):
    """How many students an exam has, and the digest of its figures."""

    students: int
    hash: str


def figures_now(session: Session, exam: int, policy: ExamsPolicy, sat: list[Sat], last_file: int) -> Figures:
    """Work out what a release made now would come to; most of its cost."""
    known = Known(exam, last_file, policy, exam_roster(session, exam), sat)
    return Figures(len(known.entered), figures_of(found_of(session, known)))


def add_release(
    session: Session,
    exam: int,
    policy: ExamsPolicy,
    inputs: dict[str, Any],
    columns: dict[str, Any],
    figures: Figures | None = None,
) -> int:
    """Freeze an exam, as it is in this transaction, as a release; return how many students are in it.

    Args:
        session: writing, with the exam locked.
        exam: its id.
        policy: by which it is judged.
        inputs: of `inputs_of`, read in this transaction.
        columns: version, proposal_id, content_hash, last_file_id, reason, path, maker_id, approver_id, released_at.
        figures: of the exam as it is in this transaction, if they were worked out before it was locked.
    """
    figures = figures or figures_now(session, exam, policy, papers_in(inputs), columns["last_file_id"])
    values = {
        **columns, "exam_id": exam, "policy_version": policy.since, "policy": frozen(policy), "inputs": inputs,
        "students": figures.students, "figures_hash": figures.hash,
    }  # fmt: skip
    release = session.execute(insert(ExamRelease).values(values).returning(col(ExamRelease.id))).scalar_one()
    assert release is not None
    there = (col(Student.id), col(Student.exam_id), col(School.code), col(Student.class_name), col(Student.track))
    entered = select(literal(release), *there).join(School, col(School.id) == col(Student.school_id))
    names = ["release_id", "student_id", "exam_id", "school", "class_name", "track"]
    session.execute(insert(ExamReleaseStudent).from_select(names, entered.where(col(Student.exam_id) == exam)))
    return figures.students


def earlier_of(session: Session, exam: int) -> dict[str, Any] | None:
    """Return `compare_with` of `inputs_of`."""
    mine = select(col(Exam.compare_with_id)).where(col(Exam.id) == exam).scalar_subquery()
    found = session.execute(select(col(Exam.id), col(Exam.code)).where(col(Exam.id) == mine)).first()
    if found is None:
        return None
    version = session.scalar(select(func.max(col(ExamRelease.version))).where(col(ExamRelease.exam_id) == found.id))
    return {"exam": found.id, "code": found.code, "release": version}
