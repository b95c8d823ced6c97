"""Where the watched jobs of a district stand: policy, its registers, job_run, the time -> one standing for each."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlmodel import Session

from flows.allowance_due import due_on
from flows.jobs import is_dead, real_now
from flows.settings import Settings
from models.watched import Subjects, seen, subjects
from policies.jobs import JobPolicy, jobs
from rules.errors import TuoqiError
from rules.watched import Period, Standing, expected, standing

Form = dict[str, Any]


class Watched(NamedTuple):
    """How a watched job is begun again: its deployment, what fills its form for a period, and whom it is for.

    `needs` is what the district must have for the job to be about anything: a field of Subjects, or "" for none.
    """

    deployment: str
    needs: str
    form: Callable[[str], Form]


def _nothing(_key: str) -> Form:
    return {}


def _of_month(key: str) -> Form:
    return {"month": key}


def _of_day(key: str) -> Form:
    return {"as_of": key}


WATCHED: Mapping[str, Watched] = {
    "duty-day": Watched("duty-day", "duty", _nothing),
    "duty-publish": Watched("duty-plan", "duty", lambda key: {"month": key, "publish": True}),
    "duty-report": Watched("duty-report", "duty", _of_month),
    "visits-day": Watched("visits-day", "elders", _nothing),
    "visits-callback": Watched("visits-callback", "elders", _of_day),
    "visits-month": Watched("visits-month", "elders", _of_month),
    "allowance-stop": Watched("allowance-stop", "cycles", _nothing),
    "allowance-plan": Watched("allowance-plan", "elders", _nothing),
    "allowance-report": Watched("allowance-report", "cycles", _nothing),
    "exam-aggregate": Watched("exam-aggregate", "", _nothing),
    "message-report": Watched("message-report", "", _of_day),
}
"""A cycle and an exam need no more than to be there; allowance-plan does all cycles that are due."""


STATES = {
    "done": ("已完成", "is done"),
    "ahead": ("未到时间", "is not due yet"),
    "running": ("仍在执行", "still runs"),
    "failed": ("失败", "failed"),
    "stuck": ("执行中断", "was cut off"),
    "absent": ("没有开始", "has not begun"),
}


def standings(session: Session, settings: Settings) -> list[Standing]:
    """Return where each job stands that must be done in the district of these settings, in the order of policy.

    Nothing is expected of a district that holds no data yet, nor from before its first entry.

    Raises:
        NoPolicyInForce, BadPolicy: of jobs or allowances.
    """
    now, real, policy = settings.local(settings.now()), real_now(), policy_of(settings)
    known = subjects(session, settings.district, now.date())
    if known.since is None:
        return []
    found = [
        one
        for one in expected(policy.deadlines, now, _opened(settings, known, now.date()), known.since)
        if not (needs := WATCHED[one.job].needs) or getattr(known, needs)
    ]
    rows = seen(session, settings.district, {one.key for one in found}, is_dead)
    return [standing(one, rows.get((one.job, one.key)), now, real, policy.grace) for one in found]


def policy_of(settings: Settings) -> JobPolicy:
    """Return the deadlines in force today."""
    return jobs(settings.today(), settings.policy)


def _opened(settings: Settings, known: Subjects, today: date) -> dict[Period, dict[str, date]]:
    """The periods that no calendar tells: cycles by policy, exams by the register."""
    try:
        due, _ = due_on(settings, today) if known.elders else ([], [])
    except TuoqiError:  # allowance-plan fails by it, which is told; the other jobs are watched all the same
        due = []
    cycles = {f"{each.programme}/{each.period}": each.opens_on for each in due}
    return {"cycle": cycles, "exam": dict.fromkeys(known.exams, today)}


def command(job: str, key: str, chosen: Settings) -> str:
    """Say how a person runs this job for this period; in a city, for the district of these settings."""
    return _command(job, key) + (f" --param district={chosen.district}" if chosen.districts else "")


def _command(job: str, key: str) -> str:
    if job == "rotate-keys":
        return "tuoqi keys rotate"
    if job not in WATCHED:
        return f"tuoqi run {job} " + (f"--param month={key}" if len(key) == 7 else f"--on {key}")
    deployment, _, form_of = WATCHED[job]
    form = {name: str(value).lower() for name, value in form_of(key).items()}
    day = form.pop("as_of", key if job in {"duty-day", "visits-day"} else "")
    words = ["tuoqi run", deployment, *([f"--on {day}"] if day else [])]
    return " ".join([*words, *(f"--param {name}={value}" for name, value in form.items())])
