"""Job runs: who works on which job and period now, and what is done already.

claim -> work in batches, each commit guarded by the fencing token -> finish. A lease that ran out is taken over with a
higher token, so a kill never blocks and a sleeper that wakes up late cannot commit.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint, or_, update
from sqlmodel import JSON, Column, Field, Session, SQLModel, col, select

from models.db import Instant, insert_for
from rules.errors import TuoqiError


class JobRun(SQLModel, table=True):
    """One job, for one period, in one partition."""

    __tablename__ = "job_run"
    __table_args__ = (
        UniqueConstraint("job", "run_key", "partition"),
        CheckConstraint("state IN ('running', 'done', 'failed')", name="state"),
    )
    id: int | None = Field(default=None, primary_key=True)
    job: str
    run_key: str = Field(description="the date of a daily job; month, cycle or exam of others")
    partition: str = Field(description="district code, or a part of it")
    state: str = "running"
    token: int = Field(default=1, description="rises with every take-over")
    owner: str = Field(description="host:pid:start of the process at work")
    lease_until: datetime = Field(sa_type=Instant)
    started_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    result: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))


@dataclass(eq=False)
class LostLease(TuoqiError):
    """Another process took this job over while we slept; nothing of this batch was written."""

    job: str
    run_key: str
    zh = "作业 {job}({run_key})已由另一进程接手，本进程未写入任何数据；无需处理。"
    en = "another process took over {job} ({run_key}); this one wrote nothing more. Nothing to do."


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job, until the lease ends or somebody takes over."""

    run_id: int
    job: str
    run_key: str
    partition: str
    token: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a job stands that could not be claimed: `running` elsewhere, or `done` with its result."""

    state: str
    owner: str
    result: dict[str, Any] | None


def claim(  # noqa: PLR0913 - a claim is made of these facts
    session: Session,
    job: str,
    run_key: str,
    partition: str,
    *,
    owner: str,
    now: datetime,
    lease_until: datetime,
    dead: str | None = None,
    again: bool = True,
) -> Claim | Standing:
    """Claim a job for one period, or tell where it stands.

    Args:
        session: a writing session.
        job: deployment name.
        run_key: the period.
        partition: the part of the province.
        owner: the process that asks.
        now: real time, not the replaced clock, for leases are about processes.
        lease_until: when the claim lapses unless renewed.
        dead: an owner known to be dead, whose lease need not be waited for.
        again: claim a finished period once more (derived jobs); False for once-only steps.
    """
    times = {"owner": owner, "lease_until": lease_until, "started_at": now}
    fresh = insert_for(session, JobRun).values(job=job, run_key=run_key, partition=partition, state="running", token=1)
    row = session.execute(fresh.values(**times).on_conflict_do_nothing().returning(col(JobRun.id))).first()
    if row:
        return Claim(row[0], job, run_key, partition, 1)
    where = (col(JobRun.job) == job, col(JobRun.run_key) == run_key, col(JobRun.partition) == partition)
    free = [col(JobRun.state) == "failed", col(JobRun.lease_until) <= now, col(JobRun.owner) == (dead or "")]
    takeable = or_(*free) if again else or_(*free) & (col(JobRun.state) != "done")
    if again:
        takeable = or_(takeable, col(JobRun.state) == "done")
    taken = (
        update(JobRun)
        .where(*where, takeable)
        .values(state="running", token=col(JobRun.token) + 1, finished_at=None, **times)
        .returning(col(JobRun.id), col(JobRun.token))
    )
    got = session.execute(taken).first()
    if got:
        return Claim(got[0], job, run_key, partition, got[1])
    found = session.exec(select(JobRun).where(*where)).one()
    return Standing(found.state, found.owner, found.result)


def renew(session: Session, held: Claim, lease_until: datetime) -> None:
    """Check the fencing token and prolong the lease, inside the transaction of a batch.

    Raises:
        LostLease: somebody took over; the caller's transaction rolls back.
    """
    mine = (col(JobRun.id) == held.run_id, col(JobRun.token) == held.token, col(JobRun.state) == "running")
    if not session.execute(update(JobRun).where(*mine).values(lease_until=lease_until)).rowcount:  # type: ignore[attr-defined]
        raise LostLease(held.job, held.run_key)


def finish(session: Session, held: Claim, state: str, now: datetime, result: dict[str, Any] | None) -> None:
    """Record the end of a run, `done` with its result or `failed`; what is recorded already stays.

    After a lost lease the new owner's record stays too. A step that is done once calls it in the transaction of its
    work, so that nothing between the two can make it be done again.
    """
    mine = (col(JobRun.id) == held.run_id, col(JobRun.token) == held.token, col(JobRun.state) == "running")
    session.execute(update(JobRun).where(*mine).values(state=state, finished_at=now, result=result))


def last_done(session: Session, job: str, partition: str) -> str | None:
    """Return the greatest run_key of the job that is done, or None."""
    query = select(col(JobRun.run_key)).where(
        col(JobRun.job) == job, col(JobRun.partition) == partition, col(JobRun.state) == "done"
    )
    return session.exec(query.order_by(col(JobRun.run_key).desc()).limit(1)).first()


def latest(session: Session, jobs: Collection[str], partitions: Sequence[str]) -> dict[str, JobRun]:
    """Return the run of these jobs that began last in each partition; those without one are left out."""
    query = select(JobRun).where(col(JobRun.job).in_(jobs), col(JobRun.partition).in_(partitions))
    return {run.partition: run for run in session.exec(query.order_by(col(JobRun.started_at), col(JobRun.id)))}


def done_results(session: Session, job: str, partition: str, before: str, number: int) -> list[dict[str, Any]]:
    """Return the results of the last runs of the job that are done for a period before this one, newest first."""
    query = select(col(JobRun.result)).where(
        col(JobRun.job) == job,
        col(JobRun.partition) == partition,
        col(JobRun.state) == "done",
        col(JobRun.run_key) < before,
    )
    rows = session.exec(query.order_by(col(JobRun.run_key).desc()).limit(number)).all()
    return [row for row in rows if row is not None]
