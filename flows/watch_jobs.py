"""Watching jobs, every five minutes: what must be done -> alarms for what is late -> begin again what nobody is at.

It claims nothing: what it begins again has a key of its own in Prefect, and operators hear of a trouble once in hours.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from prefect import flow
from prefect.context import FlowRunContext

from flows import artifacts, fields
from flows.alarms import Trouble, raise_alarms
from flows.automations import OF_DISTRICT
from flows.districts import child_of
from flows.failures import safely
from flows.job_standings import STATES, WATCHED, command, policy_of, standings
from flows.metrics import write_metrics
from flows.outlets import round_of
from flows.prefect_api import ENDED, PrefectApi
from flows.prefect_home import api_url
from flows.service_errors import Refused, ServiceError
from flows.settings import Settings, settings
from flows.store import opened
from models.db import Database
from rules.errors import TuoqiError, say
from rules.watched import Standing

Result = dict[str, Any]


@flow(name="watch-jobs", retries=0, persist_result=False)
@safely
def watch_jobs(at: fields.At = None) -> Result:
    """See that every job of today is done in time: begin again what nobody is at, tell operators what is late.

    Args:
        at: the moment to look at; now when left open. Of another moment it only tells, and begins nothing.
    """
    chosen = settings().moved_to(at)
    total, failed = Result(watched=0, late=0, again=0, alarms=0), list[TuoqiError]()
    rows: list[Result] = []
    with opened(chosen) as database:
        for code in chosen.all_districts:
            try:
                told = _district(database, chosen.of_district(code), begin=at is None)
            except TuoqiError as error:  # the others are watched all the same
                failed.append(error)
                continue
            rows += told.pop("rows")
            failed += told.pop("refused")
            total = {name: total[name] + told[name] for name in total}
        write_metrics(database, chosen)
    title = say(
        "今日作业 {watched} 项，未按时 {late}，重新启动 {again}，告警 {alarms}",
        "{watched} jobs watched, {late} late, {again} begun again, {alarms} alarms",
    )
    artifacts.table("watch-jobs", title.format(**total), rows)
    if failed:
        raise failed[0]
    return total


def _district(database: Database, chosen: Settings, *, begin: bool) -> Result:
    with database.read() as session:
        found = standings(session, chosen)
    troubles = [trouble_of(one, chosen) for one in found if one.late]
    alarms = raise_alarms(database, chosen, round_of(database, chosen, chosen.now), troubles)
    begun, refused = dict[Standing, int](), list[TuoqiError]()
    if begin and FlowRunContext.get():  # by hand and without a server it only tells
        with closing(PrefectApi(api_url(chosen), chosen.prefect_auth)) as api:
            begun, refused = begin_again(api, chosen, [one for one in found if one.again])
    shown = [one for one in found if one.late or one in begun] if chosen.districts else found  # a city's are too many
    rows = [_row(chosen, one, begun.get(one)) for one in shown]
    counts = {"watched": len(found), "late": len(troubles), "again": len(begun), "alarms": alarms}
    return {**counts, "rows": rows, "refused": refused}


def begin_again(
    api: PrefectApi, chosen: Settings, idle: Sequence[Standing]
) -> tuple[dict[Standing, int], list[TuoqiError]]:
    """Start what nobody is at, at most so often as policy says for one period.

    A run that waits or works already is left alone. A server that is gone, or lacks the deployment, is no error here:
    the deadline tells of it.

    Returns:
        which attempt it is of what was started; what the server did not take, which is our mistake.
    """
    begun, refused = dict[Standing, int](), list[TuoqiError]()
    for one in idle:
        try:
            if attempt := _begin(api, chosen, one):
                begun[one] = attempt
        except Refused as error:
            refused.append(error)
        except ServiceError:
            continue
    return begun, refused


def _begin(api: PrefectApi, chosen: Settings, one: Standing) -> int:
    """Make the first attempt that was not made yet; 0 when a run is under way, all were made, or it is paused.

    Prefect itself remembers them, by their keys.
    """
    job, key, code = one.expected.job, one.expected.key, chosen.district
    if api.deployment(WATCHED[job].deployment)["paused"]:  # by a person; the deadline tells all the same
        return 0
    deployment, form, tags, more = WATCHED[job].deployment, WATCHED[job].form(key), list[str](), Result()
    if chosen.districts:
        child = child_of(deployment, code, form)
        form, tags, deployment = child.form, child.tags, OF_DISTRICT
        more = {"name": child.name, "tags": tags}
    if api.under_way(deployment, tags):
        return 0
    env = {"TUOQI_AT": chosen.at.isoformat()} if chosen.at else None  # a rehearsed day stays that day
    for attempt in range(1, policy_of(chosen).attempts + 1):
        mark = f"again/{code}/{job}/{key}/{attempt}"
        if api.run(api.start(deployment, form, env=env, key=mark, more=more)).state not in ENDED:
            return attempt
    return 0


def trouble_of(one: Standing, chosen: Settings) -> Trouble:
    """What operators are told of a job that is late, since its deadline; short, for an SMS has 35 characters for it."""
    job, key = one.expected.job, one.expected.key
    what = say("{}（{}）未完成：{}", "{} ({}) {}")
    remedy = say(
        "请在运行记录中查看原因（最后一行日志），改正后执行 {}；并用 tuoqi doctor 检查服务。",
        "See why in its runs (the last line of the log), mend it, then `{}`; check the service with tuoqi doctor.",
    )
    whose = f"{chosen.district} " if chosen.districts else ""
    told = whose + what.format(job, key, say(*STATES[one.state]))
    name = f"late-{job}-{key}".replace("/", "-")
    return Trouble(name, told, one.expected.due, remedy.format(command(job, key, chosen)))


def _row(chosen: Settings, one: Standing, attempt: int | None) -> Result:
    again = say("第 {} 次重新启动", "begun again, attempt {}").format(attempt) if attempt else ""
    late = say("未按时", "late") if one.late else ""
    return {
        **({say("区县", "district"): chosen.district} if chosen.districts else {}),
        say("作业", "job"): one.expected.job,
        say("日期、月份或批次", "period"): one.expected.key,
        say("开始", "starts"): f"{chosen.local(one.expected.starts):%m-%d %H:%M}",
        say("时限", "due"): f"{chosen.local(one.expected.due):%m-%d %H:%M}",
        say("状态", "state"): say(*STATES[one.state]),
        say("说明", "note"): say("，", ", ").join(filter(None, [late, again])) or "—",
    }
