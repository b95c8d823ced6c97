"""Running a job by name in this process, with the parameters its form would have taken."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from rules.errors import TuoqiError

JOBS = {
    "duty-plan": "flows.duty:duty_plan",
    "duty-day": "flows.duty:duty_day",
    "duty-watch": "flows.duty:duty_watch",
    "duty-report": "flows.duty:duty_report",
    "duty-record": "flows.duty_record:duty_record",
    "deliver": "flows.deliver:deliver",
}


@dataclass(eq=False)
class UnknownJob(TuoqiError):
    """No deployment has this name."""

    job: str
    zh = "没有名为 {job} 的作业;可用:" + ", ".join(JOBS) + "。"
    en = "there is no job {job!r}; choose one of: " + ", ".join(JOBS) + "."


@dataclass(eq=False)
class BadParameter(TuoqiError):
    """A parameter the job does not have, or a value it cannot take."""

    job: str
    problem: str
    zh = "作业 {job} 的参数有误:{problem};请核对 --param。"
    en = "wrong parameters for {job}: {problem}; check --param."


def run_job(job: str, on: str | None, params: list[str]) -> Any:
    """Run a job without a server; `on` is its business date, params are NAME=VALUE.

    Raises:
        UnknownJob, BadParameter: before anything is done.
    """
    if job not in JOBS:
        raise UnknownJob(job)
    module, _, name = JOBS[job].partition(":")
    job_flow = getattr(import_module(module), name)
    values: dict[str, Any] = dict(_split(job, param) for param in params)
    if on is not None:
        values["as_of"] = on
    known = set(job_flow.parameters.properties)
    if values.keys() - known:
        raise BadParameter(job, ", ".join(sorted(values.keys() - known)))
    return job_flow.fn(**_checked(job, job_flow, values))


def _split(job: str, param: str) -> tuple[str, str]:
    name, equals, value = param.partition("=")
    if not equals:
        raise BadParameter(job, param)
    return name.strip().replace("-", "_"), value.strip()


def _checked(job: str, job_flow: Any, values: dict[str, Any]) -> dict[str, Any]:
    from prefect.exceptions import ParameterTypeError

    try:
        checked: dict[str, Any] = job_flow.validate_parameters(values)
    except ParameterTypeError as error:
        raise BadParameter(job, " ".join(str(error).split())) from error
    return checked
