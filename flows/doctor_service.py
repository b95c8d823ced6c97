"""The doctor looks at Prefect: server, workers, automations, runs that nobody is at, the size of its database."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import httpx

from flows import automations, keep, ringer
from flows.finding import Finding, bad, ok, warn
from flows.jobs import real_now
from flows.lost_runs import ECHO, never_begun, silent
from flows.prefect_api import QUEUES, PrefectApi, instant
from flows.prefect_home import api_url
from flows.service_errors import ServiceError
from flows.settings import Settings
from rules.errors import say

_ECHO_S = 10
_QUEUE_SILENT = timedelta(minutes=5)
_WORKER_SILENT = timedelta(seconds=90)  # a worker reports every 30 s
_LARGE = 2_000_000_000
"""Bytes of Prefect's SQLite after 31 days of a run per minute, three times over."""


def service(settings: Settings) -> Iterator[Finding]:
    """Ask the server of these settings; elsewhere or on this machine."""
    running = bool(settings.prefect_url) or keep.service_running(settings)
    url = api_url(settings)
    with closing(PrefectApi(url, settings.prefect_auth)) as api:
        healthy = api.healthy()
        again = say("请查看 logs 文件夹，然后重启 tuoqi up。", "See the logs folder, then restart `tuoqi up`.")
        if not running:
            other = say("（{} 上是另一个服务）", " ({} is another's)").format(url) if healthy else ""
            start = say("执行 tuoqi up 启动。", "Start it with `tuoqi up`.")
            make = bad if settings.environment == "production" else warn  # no alarm comes while it is down
            yield make("service", say("服务未运行{}。", "not running{}.").format(other), start)
        elif not healthy:
            yield bad("service", say("{} 没有应答。", "{} does not answer.").format(url), again)
        else:
            yield ok("service", say("{} 正常", "{} answers").format(url))
            try:
                yield from _workers(api, again)
                yield from _queues(api, again)
                yield from _automations(api)
                yield from _lost(api)
                yield from _bell(settings, again)
            except (ServiceError, httpx.HTTPStatusError):
                yield bad("service", say("{} 应答有误。", "{} answers with an error.").format(url), again)
    yield from _size(settings)


def _workers(api: PrefectApi, again: str) -> Iterator[Finding]:
    since = real_now() - _WORKER_SILENT
    beats = [instant(worker.get("last_heartbeat_time")) for worker in api.workers()]
    online = sum(beat is not None and beat >= since for beat in beats)
    if online:
        yield ok("worker", say("{} 个执行器在线", "{} workers report").format(online))
    else:
        yield bad("worker", say("执行器没有心跳，任务不会执行。", "no worker reports; no job will run."), again)


def _queues(api: PrefectApi, again: str) -> Iterator[Finding]:
    """Each queue that somebody must look at: without the one of the watches no message leaves and no alarm comes."""
    since = real_now() - _QUEUE_SILENT
    for queue in api.queues():
        looked = instant(queue.get("last_polled"))
        if queue["name"] in QUEUES and (looked is None or looked < since):
            told = say("没有执行器查看队列 {}，其中的任务不会执行。", "no worker looks at the queue {}; its jobs wait.")
            yield bad("worker", told.format(queue["name"]), again)


def _automations(api: PrefectApi) -> Iterator[Finding]:
    missing = sorted(set(automations.NAMES) - automations.present(api))
    if not missing:
        yield ok("automations", say("中断和失败的运行会被发现并告警", "runs cut off or failed are found and told"))
        return
    told = say("缺少或停用了自动规则 {}。", "the automations {} are missing or off.").format(", ".join(missing))
    remedy = say("重启 tuoqi up，或执行 tuoqi register。", "Restart `tuoqi up`, or run `tuoqi register`.")
    yield bad("automations", told, remedy)


def _lost(api: PrefectApi) -> Iterator[Finding]:
    """Runs that are called under way and have said nothing for long."""
    now, under_way = api.now(), api.unfinished()
    quiet = silent(api, under_way, now)
    if quiet and not _heard(api):
        told = say("运行的心跳没有送达（Redis 或 services 有问题）。", "heartbeats do not arrive in the record.")
        remedy = say("请检查 Redis 和 tuoqi up services 的日志。", "Look at Redis and at the log of its services.")
        yield bad("heartbeats", told, remedy)
        return
    lost = [*never_begun(under_way, now), *quiet]
    for run in lost:
        told = say("运行 {} 无人执行，却仍显示进行中。", "nobody is at run {}, and it is still called under way.")
        remedy = say(
            "请检查发件铃（ringer）是否在运行；也可在页面上将该运行设为 Crashed。",
            "See that the ringer works, which ends such runs; or set it to Crashed in the UI.",
        )
        yield bad("heartbeats", told.format(run["name"]), remedy)
    if not lost:
        yield ok("heartbeats", say("没有无人执行的运行", "somebody is at every run that is under way"))


def _heard(api: PrefectApi) -> bool:
    """Whether an event of ours comes into the record."""
    echo, end = api.say_event(ECHO), time.monotonic() + _ECHO_S
    while not api.has_event(echo):
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


def _bell(settings: Settings, again: str) -> Iterator[Finding]:
    if ringer.silent(settings, needed=bool(settings.prefect_url)):
        told = say(
            "发件铃没有动静：消息最多迟 10 分钟发出，中断的运行不会被发现。",
            "the bell is silent: messages leave up to 10 minutes late, and runs that are lost are not ended.",
        )
        yield warn("ringer", told, again)


def _size(settings: Settings) -> Iterator[Finding]:
    file = settings.var_dir.absolute() / "prefect" / "prefect.db"
    if settings.prefect_database_url or not file.is_file():
        return
    size = file.stat().st_size
    told = say("Prefect 数据库 {:.1f} GB", "Prefect's database has {:.1f} GB").format(size / 1e9)
    if size <= _LARGE:
        yield ok("prefect-database", told)
        return
    remedy = say(
        "运行记录保留 31 天、事件 3 天，由服务自动清理；仍增大时请查看 server.log，或改用 PostgreSQL。",
        "Runs are kept 31 days, events 3; if it grows on, see server.log, or use PostgreSQL.",
    )
    yield warn("prefect-database", told + say("。", "."), remedy)
