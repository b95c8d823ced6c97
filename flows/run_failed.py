"""A run that failed or crashed, told by Prefect's automation: job, run, state -> an alarm, one a job and hour."""

from datetime import timedelta
from typing import Any

from prefect import flow

from flows import fields
from flows.alarms import Trouble, raise_alarms
from flows.automations import OF_DISTRICT
from flows.failures import safely
from flows.outlets import round_of
from flows.run import JOBS
from flows.settings import settings
from flows.store import opened
from rules.errors import say

Result = dict[str, Any]

_HOUR = timedelta(hours=1)
_STATES = {"failed": ("失败", "failed"), "crashed": ("中断", "was cut off")}


@flow(name="run-failed", retries=0, persist_result=False)
@safely
def run_failed(
    job: fields.FailedJob,
    run: fields.FailedRun,
    state: fields.FailedState = "failed",
    number: fields.FailedNumber = "",
) -> Result:
    """Tell operators of a run that failed or was cut off; nothing of what it was about is passed on.

    Args:
        job: its deployment.
        run: its name in Prefect.
        state: how it ended.
        number: its id, by which the UI finds it under any name.
    """
    chosen, name = settings(), job
    if job == OF_DISTRICT:  # its runs are named for what they run, unless a person named them otherwise
        name, _, district = run.partition(" ")
        if name not in JOBS or district not in chosen.all_districts:
            name, district = job, chosen.district
        chosen = chosen.of_district(district)
    elif job not in JOBS:
        name = "unknown"
    what = say("{} {}，运行 {}", "{} {}, run {}").format(name, say(*_STATES[state]), run)
    remedy = say(
        "请打开该运行记录{}，按日志最后一行的提示改正后再运行一次；中断的请用 tuoqi doctor 检查服务。",
        "Open the run{}, follow the last line of its log, run it again; of one cut off, run `tuoqi doctor`.",
    ).format(say("（{}）", " ({})").format(f"/runs/flow-run/{number}") if number else "")
    with opened(chosen) as database:
        one = round_of(database, chosen, chosen.now)
        alarms = raise_alarms(database, chosen, one, [Trouble(f"failed-{name}", what, one.now(), remedy, every=_HOUR)])
    return {"job": name, "alarms": alarms}
