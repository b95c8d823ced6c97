"""Running a job by name in this process, with the parameters its form would have taken."""

import inspect
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pydantic import TypeAdapter, ValidationError

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
    zh = "没有名为 {job} 的作业；可用：" + ", ".join(JOBS) + "。"
    en = "there is no job {job!r}; choose one of: " + ", ".join(JOBS) + "."


@dataclass(eq=False)
class BadParameter(TuoqiError):
    """A parameter the job does not have, or a value it cannot take."""

    job: str
    problem: str
    zh = "作业 {job} 的参数有误：{problem}；请核对 --param。"
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
    return job_flow.fn(**_checked(job, inspect.signature(job_flow.fn), values))


def _split(job: str, param: str) -> tuple[str, str]:
    name, equals, value = param.partition("=")
    if not equals:
        raise BadParameter(job, param)
    return name.strip().replace("-", "_"), value.strip()


def _checked(job: str, form: inspect.Signature, values: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(values.keys() - form.parameters.keys())
    missing = [name for name, field in form.parameters.items() if field.default is field.empty and name not in values]
    if unknown or missing:
        raise BadParameter(job, ", ".join([*unknown, *missing]))
    checked = {}
    for name, value in values.items():
        try:
            checked[name] = TypeAdapter(form.parameters[name].annotation).validate_python(value)
        except ValidationError as error:
            raise BadParameter(job, f"{name}={value}: {error.errors()[0]['msg']}") from error
    return checked
