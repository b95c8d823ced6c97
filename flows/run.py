"""Running a job by name in this process, with the parameters its form would have taken."""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from rules.errors import TuoqiError, say
from rules.registers.days import day_of
from rules.registers.spelling import BadCell

_QUOTED = re.compile("'([^']*)'")

JOBS = {
    "duty-plan": "flows.duty:duty_plan",
    "duty-day": "flows.duty:duty_day",
    "duty-watch": "flows.duty:duty_watch",
    "duty-report": "flows.duty:duty_report",
    "duty-record": "flows.duty_record:duty_record",
    "visits-month": "flows.visit_month:visits_month",
    "visits-day": "flows.visits:visits_day",
    "visits-watch": "flows.visits:visits_watch",
    "visits-callback": "flows.visits:visits_callback",
    "visit-record": "flows.visit_record:visit_record",
    "status-record": "flows.visit_record:status_record",
    "issue-record": "flows.visit_record:issue_record",
    "allowance-plan": "flows.allowances:allowance_plan",
    "allowance-notice": "flows.allowances:allowance_notice",
    "allowance-approve": "flows.allowances:allowance_approve",
    "allowance-release": "flows.allowances:allowance_release",
    "allowance-reconcile": "flows.allowances:allowance_reconcile",
    "allowance-reissue": "flows.allowances:allowance_reissue",
    "allowance-settle": "flows.allowance_settling:allowance_settle",
    "allowance-hold": "flows.allowance_settling:allowance_hold",
    "allowance-stop": "flows.allowances:allowance_stop",
    "allowance-report": "flows.allowances:allowance_report",
    "exam-import": "flows.exam_import:exam_import",
    "exam-aggregate": "flows.exam_aggregate:exam_aggregate",
    "exam-put-forward": "flows.exam_releasing:exam_put_forward",
    "exam-release": "flows.exam_releasing:exam_release",
    "exam-report": "flows.exam_report:exam_report",
    "watch-jobs": "flows.watch_jobs:watch_jobs",
    "run-failed": "flows.run_failed:run_failed",
    "rotate-keys": "flows.keys:rotate_keys",
    "deliver": "flows.deliver:deliver",
    "reconcile-messages": "flows.messages:reconcile_messages",
    "message-report": "flows.messages:message_report",
    "message-gallery": "flows.messages:message_gallery",
    "redact-messages": "flows.messages:redact",
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
    zh = "作业 {job} 的参数有误：{problem}。"
    en = "wrong parameters for {job}: {problem}."


_ACCEPTED = {
    "date_": ("不是日期，请写成 2026-03-01", "not a date; write it like 2026-03-01"),
    "datetime_": ("不是时刻，请写成 2026-03-01T07:30", "not a moment; write it like 2026-03-01T07:30"),
    "string_pattern": ("不是月份，请写成 2026-03", "not a month; write it like 2026-03"),
    "bool_": ("请写 yes 或 no", "write yes or no"),
}
"""What to say for pydantic's kinds of error, by how their names begin; months are the only patterns of our forms."""


def run_job(job: str, on: str | None, params: list[str]) -> Any:
    """Run a job without a server; `on` is its business date, params are NAME=VALUE.

    Raises:
        UnknownJob, BadParameter: before anything is done.
    """
    form = _form(job)
    values: dict[str, Any] = dict(_split(job, param) for param in params)
    if on is not None:
        values["as_of"] = _business_date(job, form, on)
    return call(job, values)


def call(job: str, values: Mapping[str, Any], *, quoted: bool = True) -> Any:
    """Call a job with the values of its form as JSON has them.

    Args:
        job: its deployment's name.
        values: by field.
        quoted: a refusal repeats the value; not where Prefect keeps what is said.

    Raises:
        UnknownJob, BadParameter: before anything is done.
    """
    form = _form(job)
    return _flow(job).fn(**_checked(job, form, values, quoted=quoted))


def tries(job: str) -> tuple[int, float]:
    """Return how often a run of the job is tried again when it fails, and the seconds between.

    Raises:
        UnknownJob: there is none.
    """
    found = _flow(job)
    return found.retries or 0, float(found.retry_delay_seconds or 0)


def _flow(job: str) -> Any:
    if job not in JOBS:
        raise UnknownJob(job)
    module, _, name = JOBS[job].partition(":")
    return getattr(import_module(module), name)


def _form(job: str) -> inspect.Signature:
    return inspect.signature(_flow(job).fn)


def _split(job: str, param: str) -> tuple[str, str]:
    name, equals, value = param.partition("=")
    if not equals:
        told = say(f"{param}：请写成“名称=值”，如 month=2026-03", f"{param}: write NAME=VALUE, such as month=2026-03")
        raise BadParameter(job, told)
    return name.strip().replace("-", "_"), value.strip()


def _business_date(job: str, form: inspect.Signature, on: str) -> date:
    if "as_of" not in form.parameters:
        at = say("，请用 --at 指定时刻，如 --at 2026-03-01T07:30", "; name the moment: --at 2026-03-01T07:30")
        told = say("该作业没有业务日期，不能用 --on", "it has no business date, so --on cannot be used")
        raise BadParameter(job, told + (at if "at" in form.parameters else ""))
    try:
        return day_of(on)
    except BadCell as bad:
        raise BadParameter(
            job, say(f"--on {on}：{bad.problem}，{bad.remedy}", f"--on {on}: {bad}; {bad.remedy}")
        ) from bad


def _checked(job: str, form: inspect.Signature, values: Mapping[str, Any], *, quoted: bool = True) -> dict[str, Any]:
    unknown = sorted(values.keys() - form.parameters.keys())
    missing = [name for name, field in form.parameters.items() if field.default is field.empty and name not in values]
    if unknown:
        told = say("没有参数 {}，可用：{}", "there is no parameter {}; there are: {}")
        raise BadParameter(job, told.format(_listed(unknown), _listed(form.parameters)))
    if missing:
        raise BadParameter(job, say("缺少参数 {}", "these parameters are missing: {}").format(_listed(missing)))
    checked = {}
    for name, value in values.items():
        try:
            checked[name] = TypeAdapter(form.parameters[name].annotation).validate_python(value)
        except ValidationError as error:
            problem = _problem(error.errors(include_url=False)[0])
            said = f"{name}={value}" if quoted else name
            raise BadParameter(job, say(f"{said}：{problem}", f"{said}: {problem}")) from None
    return checked


def _problem(error: ErrorDetails) -> str:
    if error["type"] == "literal_error":
        choices = _QUOTED.findall(error["ctx"]["expected"])
        return say("请从中选择：{}", "choose one of: {}").format(_listed(choices))
    for kind, told in _ACCEPTED.items():
        if error["type"].startswith(kind):
            return say(*told)
    return say("该值不可用，请核对", "it cannot be used; check it")


def _listed(names: Iterable[str]) -> str:
    return say("、", ", ").join(names)
