"""Watching messages: what waits too long, which provider is in trouble, what nobody can send -> alarms to operators.

Operators are told once for each trouble and again after some hours; alarms fly at once, in the round that raises them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flows.message_figures import channel_name
from flows.outlets import channels
from flows.settings import Settings
from models.db import Database
from models.drafts import Draft, Route
from models.message_views import due_by_channel, oldest_pending, told_lately
from models.messages import ChannelKind
from models.providers import WHOLE, Health, health
from models.successors import base_of
from notifications.drain import drain
from notifications.duty import fitted
from notifications.outbox import address_of, enqueue
from notifications.round import Round
from rules.errors import TuoqiError, say

_TEMPLATE = "alarm"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something operators must look at.

    Attributes:
        name: stable while it lasts; letters, digits and - only.
        what: it is, in the language of this run.
        since: the business clock; what was raised before is another one.
        remedy: what to do.
        pending: messages that wait there.
    """

    name: str
    what: str
    since: datetime
    remedy: str
    pending: int


@dataclass(eq=False)
class BadOperator(TuoqiError):
    """TUOQI_OPERATORS names somebody who cannot be reached."""

    place: int
    zh = "TUOQI_OPERATORS 的第 {place} 项无效；请写邮箱、手机号或 robot:名称，用逗号分隔。"
    en = "item {place} of TUOQI_OPERATORS is no e-mail address, mobile number or robot:NAME; correct it."


def raise_alarms(database: Database, chosen: Settings, one: Round) -> int:
    """Tell operators of troubles, each once in `repeat`; return how many messages are new."""
    troubles = find_troubles(database, chosen, one)
    if not troubles:
        return 0
    with database.write() as session:
        told = told_lately(session, chosen.district, _TEMPLATE, one.now() - one.policy.alarm.repeat)
        drafts = [draft for trouble in troubles for draft in _drafts(chosen, one, trouble, told)]
        fresh = enqueue(session, drafts, one.now())
    if fresh:
        drain(one, channels(chosen))  # `deliver` itself may be what does not run
    return fresh


def find_troubles(database: Database, chosen: Settings, one: Round) -> list[Trouble]:
    """Look for messages that wait too long and providers that are in trouble."""
    limits, now = one.policy.alarm, one.now()
    with database.read() as session:
        oldest = oldest_pending(session, now, chosen.district)
        waiting = due_by_channel(session, now, chosen.district)
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


def _long(age: timedelta) -> str:
    minutes = max(int(age.total_seconds() // 60), 0)
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return say("{}天", "{} days").format(hours // 24)
    return say("{}小时{}分", "{} h {} min").format(hours, rest) if hours else say("{}分钟", "{} min").format(rest)


def _drafts(chosen: Settings, one: Round, trouble: Trouble, told: Mapping[str, datetime]) -> Iterator[Draft]:
    """One message for each operator who has not heard of this trouble lately."""
    now = one.now()
    for place, route in _operators(chosen):
        prefix, suffix = f"{_TEMPLATE}:{trouble.name}:", f":{place}"
        heard = [at for key, at in told.items() if key.startswith(prefix) and base_of(key).endswith(suffix)]
        if route is None or any(at >= trouble.since for at in heard):
            continue
        channel, address = route
        yield Draft(
            key=f"{prefix}{int(now.timestamp())}{suffix}",
            template=_TEMPLATE,
            channel=channel,
            recipient=f"OPERATOR-{place}",
            address=address,
            variables=fitted(
                _TEMPLATE,
                {
                    "what": trouble.what,
                    "pending": trouble.pending,
                    "oldest": _long(now - trouble.since),
                    "remedy": trouble.remedy,
                },
            ),
            district=chosen.district,
            language="en" if chosen.lang == "en" else "zh-CN",
            priority=0,
            expires_at=now + max(one.policy.alarm.repeat, timedelta(hours=1)),
        )


def operators(chosen: Settings) -> list[Route]:
    """Return channel and address of each operator.

    Raises:
        BadOperator: one cannot be reached.
    """
    found = []
    for place, route in _operators(chosen):
        if route is None:
            raise BadOperator(place)
        found.append(route)
    return found


def reachable(chosen: Settings) -> list[tuple[int, Route]]:
    """Return those operators who can be reached, each with its place; the doctor names the others."""
    return [(place, route) for place, route in _operators(chosen) if route is not None]


def _operators(chosen: Settings) -> Iterator[tuple[int, Route | None]]:
    """Each operator by place; None where nobody can be reached, which must not keep the others from hearing."""
    for place, text in enumerate(filter(None, (part.strip() for part in chosen.operators.split(","))), start=1):
        kind, colon, name = text.partition(":")
        channel: ChannelKind = "robot" if kind == "robot" and colon else "email" if "@" in text else "sms"
        address = address_of(channel, name if channel == "robot" else text)
        yield place, None if address is None else (channel, address)
