"""The rule book of jobs: when each begins, by when it must be done, how often it is started again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from policies.book import BadPolicy, check_names, in_force, whole
from rules.watched import PERIODS, Deadline

_KEYS = ("since", "source", "grace_minutes", "attempts", "jobs")
_LAST_DAY = {"week": 7, "last month": 28, "next month": 28}


@dataclass(frozen=True, slots=True)
class JobPolicy:
    """One version of policies/jobs.yaml."""

    since: date
    source: str
    grace: timedelta
    attempts: int
    deadlines: tuple[Deadline, ...]


def jobs(day: date, overlay: Path | None = None) -> JobPolicy:
    """Return the deadlines in force on `day`.

    Raises:
        NoPolicyInForce: no version covers the day.
        BadPolicy: the version cannot be understood; file, version and job are named.
    """
    version = in_force("jobs", day, overlay)
    try:
        check_names("version", version, _KEYS)
        return JobPolicy(
            since=version["since"],
            source=version["source"],
            grace=timedelta(minutes=whole(version["grace_minutes"])),
            attempts=whole(version["attempts"]),
            deadlines=tuple(_deadline(job, given) for job, given in version["jobs"].items()),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        files = f"jobs.yaml + {overlay}" if overlay else "jobs.yaml"
        raise BadPolicy("jobs", f"{files}, since {version['since']}: {error}") from error


def _deadline(job: str, given: Mapping[str, Any]) -> Deadline:
    if job not in PERIODS:
        raise ValueError(f"{job} is none of {sorted(PERIODS)}")
    last = _LAST_DAY.get(PERIODS[job])
    check_names(job, given, ("starts", "due", *(["day"] if last else [])))
    found = Deadline(job, _clock(given["starts"]), _clock(given["due"]), whole(given["day"]) if last else None)
    if found.starts >= found.due:
        raise ValueError(f"{job}: it starts before it is due, on the same day")
    if last and not 1 <= (found.day or 0) <= last:
        raise ValueError(f"{job}: day is 1 to {last}")
    return found


def _clock(given: str) -> time:
    clock = time.fromisoformat(given)
    if clock.tzinfo is not None:
        raise ValueError(f"{given!r}: the wall clock is the district's, without an offset")
    return clock
