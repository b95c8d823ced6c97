"""prefect.yaml and a city's deploy/city.yaml by themselves: each job once, with all that a clerk and the worker need.

Their effect: test_cron.py.
"""

import ast
import re
from typing import Any

import pytest
import yaml

from flows.child import ROOT
from flows.prefect_api import POOL, QUEUES
from flows.registering import CITY_JOBS
from flows.run import JOBS

KEYS = {
    "name",
    "version",
    "entrypoint",
    "tags",
    "description",
    "parameters",
    "schedules",
    "concurrency_limit",
    "work_pool",
}
"""test_cron.py reads each of these back from the server; a key that is not here would be ignored silently."""
SCHEDULE_KEYS = {"slug", "cron", "timezone", "parameters"}
WATCHES = {"duty-watch", "visits-watch", "deliver", "reconcile-messages", "watch-jobs"}
URGENT = {"run-failed", "allowance-hold", "allowance-settle"}
"""Never behind a long job, and none of two is dropped."""
DISTRICTS = {"district-run"}
"""As many at once as the workers of the city take; one in a district by its claim."""

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
CITY: dict[str, Any] = yaml.safe_load(CITY_JOBS.read_text("utf-8"))
DECLARED = [*DOCUMENT["deployments"], *CITY["deployments"]]
JOB = pytest.mark.parametrize("job", [pytest.param(each, id=each["name"]) for each in DECLARED])


@pytest.mark.parametrize("document", [pytest.param(DOCUMENT, id="prefect.yaml"), pytest.param(CITY, id="city.yaml")])
def test_the_file_has_no_key_that_prefect_would_ignore(document: dict[str, Any]) -> None:
    assert document.keys() | {"definitions"} == {"name", "pull", "definitions", "deployments"}
    assert (document["name"], document["pull"]) == ("tuoqi", [])


def test_every_job_of_the_command_line_is_a_deployment_and_back() -> None:
    entrypoints = {each["name"]: each["entrypoint"] for each in DOCUMENT["deployments"]}
    assert entrypoints == {name: path.replace(":", ".") for name, path in JOBS.items()}


def test_every_flow_in_the_code_is_a_deployment_under_its_own_name() -> None:
    assert dict(_flows()) == {each["entrypoint"]: each["name"] for each in DECLARED}


@JOB
def test_a_deployment_has_every_key_and_no_other(job: dict[str, Any]) -> None:
    assert job.keys() <= KEYS
    assert job.keys() >= KEYS - {"parameters", *(["concurrency_limit"] if job["name"] in DISTRICTS else [])}
    for schedule in job["schedules"]:
        assert schedule.keys() <= SCHEDULE_KEYS
    assert job["work_pool"].keys() == {"name", "work_queue_name"}


@JOB
def test_schedules_are_crons_of_the_district_s_time_with_a_slug(job: dict[str, Any]) -> None:
    slugs = [schedule["slug"] for schedule in job["schedules"]]
    assert len(set(slugs)) == len(slugs)
    for schedule in job["schedules"]:
        assert schedule["timezone"] == "Asia/Shanghai"
        assert len(schedule["cron"].split()) == 5
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", schedule["slug"])


@JOB
def test_a_watch_has_its_own_queue_and_drops_a_second_run(job: dict[str, Any]) -> None:
    watch, district = job["name"] in WATCHES, job["name"] in DISTRICTS
    urgent = job["name"] in URGENT
    queue = "urgent" if urgent else "watch" if watch else "district" if district else "default"
    assert job["work_pool"] == {"name": POOL, "work_queue_name": queue}
    assert queue in QUEUES
    in_turn = {"limit": 1, "collision_strategy": "CANCEL_NEW" if watch else "ENQUEUE"}
    assert job.get("concurrency_limit") == (None if district else in_turn)


@JOB
def test_a_clerk_reads_what_it_does_when_it_runs_and_what_to_do(job: dict[str, Any]) -> None:
    assert "**做什么**" in job["description"]
    assert "**什么时候**" in job["description"] or "| 时间 |" in job["description"]
    assert "**失败怎么办**" in job["description"]
    assert "{{" not in job["description"]  # Prefect would take it for a template
    assert any(tag.isascii() for tag in job["tags"])
    assert any(not tag.isascii() for tag in job["tags"])


def _flows() -> list[tuple[str, str]]:
    """Every `@flow(name=...)` under flows/: (module.function, name)."""
    found = []
    for path in sorted((ROOT / "flows").glob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                names = [_name(each) for each in node.decorator_list]
                found += [(f"flows.{path.stem}.{node.name}", name) for name in names if name]
    return found


def _name(decorator: ast.expr) -> str | None:
    if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "flow":
        return next(word.value.value for word in decorator.keywords if word.arg == "name")  # type: ignore[attr-defined,no-any-return]
    return None
