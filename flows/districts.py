"""A city's districts: one run of a job -> one child run for each district -> one page of how they all stand.

With TUOQI_DISTRICTS set, a job that was started without a district starts `district-run` once for each of them and is
done: nobody waits, so no run can wait for a place that it holds itself, and nothing is lost with a run that is killed.
What became of the children stands in job_run; each child, when it ends, leaves the page anew.
"""

import inspect
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec

from prefect import flow
from prefect.context import FlowRunContext
from prefect.deployments import run_deployment

from flows import artifacts, fields
from flows.automations import OF_DISTRICT
from flows.failures import safely
from flows.in_turn import in_turn
from flows.job_standings import WATCHED
from flows.run import BadParameter, call, tries
from flows.settings import Settings, in_city, in_district, settings, working_for
from flows.store import opened
from models.jobs import JobRun, latest
from rules.errors import TuoqiError, say

P = ParamSpec("P")
Result = dict[str, Any]
_OF_ONE = frozenset({"batch", "centre", "exam", "file", "staff", "cadre", "elder"})
"""Fields that name something of one district."""


@dataclass(frozen=True, slots=True)
class Child:
    """A run of one job for one district: what fills its form, its name, its tags."""

    form: Result
    name: str
    tags: list[str]


@dataclass(eq=False)
class WhichDistrict(TuoqiError):
    """A form in a city was sent without saying whose it is."""

    known: str
    zh = "请选择区县（{known}）：所填内容属于某一个区县。"
    en = "choose a district ({known}): what was entered belongs to one."


def by_district(job: Callable[P, Result]) -> Callable[P, Result]:
    """Let a job of one district run in a city: its form gets the field `district`. Put this under @flow.

    Where no city is set the job is as it was.
    """
    return _in_city(job) if in_city() else job


def _in_city(job: Callable[P, Result]) -> Callable[P, Result]:
    form = inspect.signature(job)
    needs_one = any(field.default is field.empty for field in form.parameters.values())

    @wraps(job)
    def run(*args: P.args, **kwargs: P.kwargs) -> Result:
        given = dict(kwargs)
        code = given.pop("district", None)
        given = form.bind(*args, **given).arguments
        if code:
            with in_district(str(code)):
                return job(**given)  # type: ignore[arg-type,call-arg]
        if working_for():
            return job(**given)  # type: ignore[arg-type,call-arg]
        if needs_one or any(given.get(name) is not None for name in _OF_ONE):
            raise WhichDistrict(settings().districts)
        return start_all(given) if FlowRunContext.get() else _in_turn(job, given)

    field = inspect.Parameter("district", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=fields.District)
    run.__signature__ = form.replace(parameters=[*form.parameters.values(), field])  # type: ignore[attr-defined]
    run.__annotations__ = {**job.__annotations__, "district": fields.District}
    return run


def start_all(given: Mapping[str, Any]) -> Result:
    """Start a child run for each district from within the job's own run; again, after a kill, starts no second one."""
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow is not None
    assert context.flow_run is not None
    name, own = context.flow.name, context.flow_run
    plain = {field: _as_json(value) for field, value in given.items() if value is not None}
    queue = "district-watch" if own.work_queue_name == "watch" else "district"
    for code in settings().all_districts:
        start(name, code, plain, f"{own.id}", queue, own.expected_start_time)
    told = say("已为 {} 个区县各启动一次 {}。", "{} district runs of {} were started.").format(
        len(settings().all_districts), name
    )
    artifacts.markdown(f"{name}-districts", told)
    return {"districts": len(settings().all_districts), "note": told}


def start(job: str, district: str, given: Mapping[str, Any], key: str, queue: str, at: datetime | None = None) -> None:
    """Start one job for one district as a run of its own, once for a key; do not wait for its end.

    Args:
        job: deployment name.
        district: its code.
        given: the form's other values, as JSON.
        key: a second start with the same job, district and key is the same run.
        queue: district-watch or district.
        at: the instant that the job was scheduled for; now when left open.
    """
    clock = settings().at  # a replaced clock is the children's too
    child = child_of(job, district, given)
    run_deployment(
        f"{OF_DISTRICT}/{OF_DISTRICT}",
        parameters=child.form,
        flow_run_name=child.name,
        tags=child.tags,
        idempotency_key=f"{key}:{job}:{district}",
        work_queue_name=queue,
        scheduled_time=at,
        timeout=0,
        job_variables={"env": {"TUOQI_AT": clock.isoformat()}} if clock else None,
    )


def child_of(job: str, district: str, given: Mapping[str, Any]) -> Child:
    """Say what Prefect is told of a run of one job for one district, whoever starts it."""
    form = {"job": job, "district": fields.district_label(district), "given": dict(given)}
    return Child(form, f"{job} {district}", [district, job])


def _as_json(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _in_turn(job: Callable[..., Result], given: Mapping[str, Any]) -> Result:
    """Without a server: one district after the other."""

    def done(own: Settings) -> Result:
        with in_district(own.district):
            return _brief(job(**given))

    return {"districts": in_turn(settings(), done)}


def _brief(result: Result) -> Result:
    return {name: value for name, value in result.items() if not isinstance(value, list | Mapping)}


@flow(name="district-run", retries=0, persist_result=False)
@safely
def district_run(job: fields.JobName, district: fields.OneDistrict, given: fields.Given = None) -> Result:
    """Do one job for one district of the city; it is tried again as the job itself would be.

    Args:
        job: its deployment's name.
        district: code.
        given: the form's other values, as JSON.
    """
    try:
        with in_district(district):
            return dict(_tried(job, given or {}))
    finally:
        with suppress(TuoqiError):
            _show(job)


def _tried(job: str, given: Mapping[str, Any]) -> Any:
    """Call a job, again where its own run would be tried again; a release that was refused is not."""
    left, pause_s = tries(job)
    while True:
        try:
            return call(job, given, quoted=False)
        except BadParameter:  # as Prefect refuses a form: no later try could be better
            raise
        except Exception as error:
            if not left:
                raise
            left -= 1
            logging.getLogger(__name__).warning("%s: %s, again in %.0f s", job, type(error).__name__, pause_s)
            time.sleep(pause_s)


def _show(job: str) -> None:
    """Leave the page of how all districts stand, as job_run knows it."""
    chosen = settings()
    with opened(chosen) as database, database.read() as session:
        names = {job, *(name for name, watched in WATCHED.items() if watched.deployment == job)}
        found = latest(session, names, list(chosen.all_districts))
    if not found:
        return
    states = {"done": say("完成", "done"), "running": say("进行中", "running"), "failed": say("失败", "failed")}
    rows = [
        {
            say("区县", "district"): f"{code} {name}",
            say("期次", "period"): _period(found[code], job) if code in found else "—",
            say("状态", "state"): states[found[code].state] if code in found else say("尚未开始", "not begun"),
            say("开始", "began"): f"{chosen.local(found[code].started_at):%m-%d %H:%M}" if code in found else "—",
        }
        for code, name in chosen.all_districts.items()
    ]
    done = sum(run.state == "done" for run in found.values())
    title = say("{}：{} 个区县中 {} 个完成", "{}: of {} districts {} are done").format(job, len(rows), done)
    artifacts.table(f"{job}-city", title, rows)


def _period(run: JobRun, job: str) -> str:
    """Its month, day or batch; a deployment may do two jobs, as duty-plan drafts and publishes."""
    return run.run_key if run.job == job else f"{run.run_key} {run.job}"
