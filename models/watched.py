"""What a watched job is about in a district: whether there is anything to do, and what job_run says of each period."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Select, func
from sqlmodel import Session, col, select

from models.allowance import AllowanceCycle
from models.audit import first_at
from models.db import Instant
from models.district import District
from models.duty_facts import anyone_serves
from models.elder import Elder
from models.exam import exams_of
from models.exam_release import latest_versions
from models.jobs import JobRun
from rules.watched import Seen

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Subjects:
    """What a district has that a job could be about.

    Attributes:
        since: when its first entry was written; None while it has none.
        duty: centres with cadres.
        elders: anybody on the register.
        cycles: allowance was planned before.
        exams: codes of those that were held and are not released.
    """

    since: datetime | None
    duty: bool = False
    elders: bool = False
    cycles: bool = False
    exams: tuple[str, ...] = ()


def subjects(session: Session, district: str, today: date) -> Subjects:
    """Look at what there is; nothing of a district that nobody registered."""
    known = session.exec(select(col(District.id)).where(col(District.code) == district)).first()
    if known is None:
        return Subjects(None)
    held = [exam for exam in exams_of(session, known) if exam.held_on <= today]
    released = latest_versions(session, {exam.id for exam in held})
    return Subjects(
        since=first_at(session, district),
        duty=anyone_serves(session, known),
        elders=_any(session, select(col(Elder.id)).where(col(Elder.district_id) == known)),
        cycles=_any(session, select(col(AllowanceCycle.id)).where(col(AllowanceCycle.district_id) == known)),
        exams=tuple(exam.code for exam in held if exam.id not in released),
    )


def _any(session: Session, query: Select[Any]) -> bool:
    return session.execute(query.limit(1)).first() is not None


def seen(
    session: Session, district: str, keys: Collection[str], dead: Callable[[str], bool]
) -> dict[tuple[str, str], Seen]:
    """Return what job_run says of a district's jobs for these periods, by job and run_key.

    Args:
        session: reading.
        district: its code.
        keys: dates, months, cycles, exams.
        dead: tells owners known to be dead, whose lease counts as lapsed.
    """
    columns = (JobRun.job, JobRun.run_key, JobRun.state, JobRun.owner, JobRun.lease_until, JobRun.finished_at)
    mine = (col(JobRun.partition) == district, col(JobRun.run_key).in_(sorted(keys)))
    rows = session.execute(select(*map(col, columns)).where(*mine))
    return {
        (job, key): Seen(state, _NEVER if state == "running" and dead(owner) else until, ended)
        for job, key, state, owner, until, ended in rows
    }


def last_ends(session: Session) -> dict[tuple[str, str], datetime]:
    """Return when each job was last done, by job and partition."""
    last = func.max(col(JobRun.finished_at), type_=Instant)
    query = select(col(JobRun.job), col(JobRun.partition), last).where(col(JobRun.state) == "done")
    rows = session.execute(query.group_by(col(JobRun.job), col(JobRun.partition)))
    return {(job, partition): at for job, partition, at in rows if at is not None}
