"""A job's right to work: claim the period, do the work, record the end; a dead owner here is not waited for."""

import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy.exc import DBAPIError

from models.db import Database
from models.jobs import Claim, Standing, claim, finish
from rules.errors import say

Result = dict[str, Any]
_LEASE = timedelta(minutes=10)
_PROC = Path("/proc")
_numbers = count(1)
_under_way: set[str] = set()
"""The names of this process's own runs; a claim of ours under another one was left when the database went away."""


def real_now() -> datetime:
    """The real instant, for leases: they are about processes, so `--at` does not move them."""
    return datetime.now(UTC)  # noqa: TID251 - see above


def lease_end() -> datetime:
    """When a claim taken or renewed now lapses."""
    return real_now() + _LEASE


@cache
def _here() -> str:
    """Name the place in which a pid means something: containers may share a host name, not their processes."""
    try:
        return f"{socket.gethostname()}/{_PROC.joinpath('self/ns/pid').stat().st_ino}"
    except OSError:
        return socket.gethostname()


def _born(pid: int) -> str | None:
    """Return the start of a process, None when it is no more; a killed one that nobody has buried is no more.

    Linux counts the start from boot: the wall-clock time of it, as psutil gives it, moves when the clock is set.
    """
    try:
        if sys.platform == "linux":
            told = _PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()
            return None if told[0] in {"Z", "X"} else told[19]
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None


@cache
def _me(pid: int) -> str:
    return f"{_here()}:{pid}:{_born(pid)}"


def owner() -> str:
    """Name this process: place, pid and start, so that a re-used pid is not taken for it."""
    return _me(os.getpid())


def is_dead(other: str) -> bool:
    """Tell whether an owner was a process of this machine that is no more, or a run of this one that has ended.

    A run that could not record its end, for the database was away, must not keep its own second try waiting.
    """
    place, _, rest = other.partition(":")
    pid, started, number = (*rest.split(":"), "", "")[:3]
    if place != _here() or not pid.isdigit():
        return False
    if _born(int(pid)) != started:
        return True
    return bool(number) and int(pid) == os.getpid() and other not in _under_way


def at_work(
    database: Database,
    job: str,
    run_key: str,
    partition: str,
    work: Callable[[Claim], Result],
    *,
    again: bool = True,
) -> Result:
    """Do `work` under a claim; when it is running elsewhere or done for good, tell so instead.

    Args:
        database: where job_run lives.
        job: deployment name.
        run_key: date, month or cycle.
        partition: district code, or a part of it.
        work: does the job, renews the claim in each of its transactions, returns counts.
        again: False for once-only steps, whose first result is returned.
    """
    mine = f"{owner()}:{next(_numbers)}"
    _under_way.add(mine)
    try:
        held = _claim(database, mine, (job, run_key, partition), again=again)
        return _told(held, job, run_key) if isinstance(held, Standing) else _worked(database, held, work)
    finally:
        _under_way.discard(mine)


def _worked(database: Database, held: Claim, work: Callable[[Claim], Result]) -> Result:
    try:
        result = work(held)
    except BaseException:
        with suppress(DBAPIError):  # what failed may be the database: its error, or the disk's, is the one to tell
            _finish(database, held, "failed", None)
        raise
    _finish(database, held, "done", result)
    return result


def _claim(database: Database, mine: str, period: tuple[str, str, str], *, again: bool) -> Claim | Standing:
    dead: str | None = None
    while True:
        with database.write() as session:
            times = {"owner": mine, "now": real_now(), "lease_until": lease_end()}
            held = claim(session, *period, dead=dead, again=again, **times)  # type: ignore[arg-type]
        if isinstance(held, Claim) or held.state != "running" or held.owner == dead or not is_dead(held.owner):
            return held
        dead = held.owner


def _finish(database: Database, held: Claim, state: str, result: Result | None) -> None:
    with database.write() as session:
        finish(session, held, state, real_now(), result)


def _told(standing: Standing, job: str, run_key: str) -> Result:
    if standing.state == "done":
        note = say("此前已完成，未重复执行", "done before; not done again")
        return {**(standing.result or {}), "already": True, "note": note}
    note = say("{} {} 正由另一进程执行，本次不重复", "{} {} is running in another process; not started twice")
    return {"busy": True, "note": note.format(job, run_key)}
