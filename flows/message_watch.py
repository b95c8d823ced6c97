"""Watching messages: what waits too long, which provider is in trouble, what nobody can send -> troubles to tell."""

from collections import Counter
from datetime import datetime

from flows.alarms import Trouble
from flows.message_figures import channel_name
from flows.settings import Settings
from models.db import Database
from models.message_views import due_by_channel, oldest_pending
from models.providers import WHOLE, Health, health
from notifications.round import Round
from rules.errors import say


def find_troubles(database: Database, chosen: Settings, one: Round) -> list[Trouble]:
    """Look for messages that wait too long, in any district of a city, and providers that are in trouble."""
    limits, now = one.policy.alarm, one.now()
    oldest: dict[str, datetime] = {}
    waiting: Counter[str] = Counter()
    with database.read() as session:
        for code in chosen.all_districts:
            for kind, since in oldest_pending(session, now, code).items():
                oldest[kind] = min(since, oldest.get(kind, since))
            waiting += due_by_channel(session, now, code)
        states = [state for state in health(session) if state.since and state.failures]
    found = [
        _backlog(chosen, kind, since, waiting[kind])
        for kind, since in sorted(oldest.items())
        if kind != "call" and now - since >= limits.pending
    ]
    for state in states:
        lasts = one.real_now() - (state.since or one.real_now())
        if lasts >= limits.stopped:
            found.append(_stopped(state, now - lasts, waiting[state.provider.partition(":")[0]]))
    return found


def _backlog(chosen: Settings, kind: str, since: datetime, waiting: int) -> Trouble:
    what = say("{}积压，自 {} 起没有发出", "{}: nothing has left since {}")
    remedy = say(
        "请运行 tuoqi doctor，并查看 deliver 的运行记录；消息没有丢失，恢复后会继续发送。",
        "Run tuoqi doctor and look at the runs of deliver; no message is lost, sending will go on.",
    )
    told = what.format(channel_name(kind), f"{chosen.local(since):%m-%d %H:%M}")
    return Trouble(f"pending-{kind}", told, since, remedy, waiting)


def _stopped(state: Health, since: datetime, waiting: int) -> Trouble:
    name = f"{state.provider}:{state.template}" if state.template != WHOLE else state.provider
    what = say("通道 {} 连续失败 {} 次，代码 {}", "{} failed {} times in a row, code {}")
    remedy = say(
        "请核对余额、签名、模板、设置与网络；消息没有丢失，恢复后会继续发送。",
        "Check balance, sign, templates, settings and network; no message is lost, sending will go on.",
    )
    told = what.format(name, state.failures, state.code)
    return Trouble(f"stopped-{name.replace(':', '-')}", told, since, remedy, waiting)
