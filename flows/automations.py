"""Prefect's automations, as we want them -> made or brought up to date in the server, by name.

A run that stops reporting is called crashed: its process or its machine is gone, and it would hold its place for ever.
So is a run that a worker took and never began: two of them hold the whole queue of the watches, and no message leaves.
Both wait for events; where those are lost, flows/lost_runs.py ends such runs.
A run that failed or crashed starts run-failed, which tells operators; the first of a job in an hour, so that a job that
fails every minute does not start a process every minute. Of itself it does not tell.
"""

from datetime import timedelta
from typing import Any

from flows.prefect_api import PrefectApi
from flows.prefect_home import HEARTBEAT_S
from rules.errors import say

SILENCE = timedelta(seconds=3 * HEARTBEAT_S)
BIRTH = timedelta(minutes=5)
"""A run that was taken begins within this time, on a slow machine too: it takes a process and its imports."""
QUIET = timedelta(hours=1)
ALARM, OF_DISTRICT = "run-failed", "district-run"
_ENDS = [f"prefect.flow-run.{name}" for name in ("Completed", "Failed", "TimedOut", "Crashed", "Cancelled")]
_BEAT, _TAKEN = "prefect.flow-run.heartbeat", "prefect.flow-run.Pending"
_BEGUN = [f"prefect.flow-run.{name}" for name in ("Running", "Scheduled", "AwaitingConcurrencySlot", "Cancelling")]
_RUNS = {"prefect.resource.id": "prefect.flow-run.*"}
ZOMBIES, UNBORN = "tuoqi-zombies", "tuoqi-never-begun"
FAILURES, DISTRICT_FAILURES = "tuoqi-failures", "tuoqi-district-failures"
NAMES = (ZOMBIES, UNBORN, FAILURES, DISTRICT_FAILURES)


def automations(alarm: str, silence: timedelta = SILENCE, birth: timedelta = BIRTH) -> list[dict[str, Any]]:
    """Return what the server should have.

    Args:
        alarm: id of the deployment that tells operators.
        silence: so long after its last heartbeat a run counts as gone.
        birth: so long after a worker took it a run must have begun.
    """
    plain = [_of_deployment(f"!{ALARM}"), _of_deployment(f"!{OF_DISTRICT}")]
    return [
        _zombies(silence),
        _unborn(birth),
        _failures(FAILURES, alarm, plain, "related:deployment:prefect.resource.id"),
        # in a city one deployment runs all jobs: its runs are named for job and district
        _failures(DISTRICT_FAILURES, alarm, [_of_deployment(OF_DISTRICT)], "prefect.resource.name"),
    ]


def ensure(api: PrefectApi, silence: timedelta = SILENCE) -> None:
    """Make the automations, or bring them up to date; call it after the deployments are registered.

    Raises:
        NoSuchJob: run-failed is not registered.
        Unanswered: the server is gone or stays busy.
    """
    found = {each["name"]: each["id"] for each in api.ask("POST", "/automations/filter", {})}
    for each in automations(api.deployment(ALARM)["id"], silence):
        if each["name"] in found:
            api.ask("PUT", f"/automations/{found[each['name']]}", each)
        else:
            api.ask("POST", "/automations/", each)


def present(api: PrefectApi) -> set[str]:
    """Return which of ours the server has and heeds."""
    return {each["name"] for each in api.ask("POST", "/automations/filter", {}) if each["enabled"]} & set(NAMES)


def _zombies(silence: timedelta) -> dict[str, Any]:
    message = say("运行进程没有心跳，视为中断", "no heartbeat from its process: taken for cut off")
    told = say("没有心跳的运行记为中断", "runs without a heartbeat are called crashed")
    return {"name": ZOMBIES, "description": told, **_crashes([_BEAT], [_BEAT, *_ENDS], silence, message)}


def _unborn(birth: timedelta) -> dict[str, Any]:
    message = say("执行器领取后没有开始，视为中断", "a worker took it and never began it: taken for cut off")
    told = say("领取后没有开始的运行记为中断", "runs that were taken and never began are called crashed")
    return {"name": UNBORN, "description": told, **_crashes([_TAKEN], [*_BEGUN, *_ENDS], birth, message)}


def _crashes(after: list[str], expect: list[str], within: timedelta, message: str) -> dict[str, Any]:
    """Call a run crashed when one event of it was not followed by another in time."""
    return {
        "enabled": True,
        "trigger": {
            "type": "event",
            "posture": "Proactive",
            "match": _RUNS,
            "for_each": ["prefect.resource.id"],
            "after": after,
            "expect": expect,
            "threshold": 1,
            "within": within.total_seconds(),
        },
        "actions": [{"type": "change-flow-run-state", "state": "CRASHED", "message": message}],
    }


def _of_deployment(name: str) -> dict[str, str]:
    return {"prefect.resource.role": "deployment", "prefect.resource.name": name}


def _failures(name: str, alarm: str, of: list[dict[str, str]], each: str) -> dict[str, Any]:
    told = {"job": "deployment.name", "run": "flow_run.name", "state": "flow_run.state.name"}
    told["number"] = "flow_run.id|string"  # Prefect cannot write a UUID as JSON
    return {
        "name": name,
        "description": say("运行失败或中断时告警", "tells operators of runs that failed or crashed"),
        "enabled": True,
        "trigger": {
            "type": "event",
            "posture": "Reactive",
            "match": _RUNS,
            "match_related": of,
            "for_each": [each],
            "expect": [f"prefect.flow-run.{name}" for name in ("Failed", "TimedOut", "Crashed")],
            "threshold": 1,
            "within": QUIET.total_seconds(),
        },
        "actions": [
            {
                "type": "run-deployment",
                "source": "selected",
                "deployment_id": alarm,
                "parameters": {field: f"{{{{ {path} }}}}" for field, path in told.items()},
            }
        ],
    }
