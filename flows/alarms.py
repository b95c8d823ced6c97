"""Alarms: troubles -> a message to each operator who has not heard of it lately -> sent in the round that raised it.

Operators are told once for each trouble and again after some hours.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flows.outlets import channels
from flows.settings import Settings
from models.db import Database
from models.drafts import Draft, Route
from models.message_views import told_lately
from models.messages import ChannelKind
from models.successors import base_of
from notifications.drain import drain
from notifications.duty import fitted
from notifications.outbox import address_of, enqueue
from notifications.round import Round
from rules.errors import TuoqiError, say


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something operators must look at.

    Attributes:
        name: stable while it lasts; letters, digits and - only.
        what: it is, in the language of this run.
        since: the business clock; what was raised before is another one.
        remedy: what to do.
        pending: messages that wait there; None where the trouble is about no messages.
        every: told once in this span, for what happens rather than lasts; None goes by `since` and by policy.
    """

    name: str
    what: str
    since: datetime
    remedy: str
    pending: int | None = None
    every: timedelta | None = None

    @property
    def template(self) -> str:
        """The message that tells it."""
        return "alarm-job" if self.pending is None else "alarm"


@dataclass(eq=False)
class BadOperator(TuoqiError):
    """TUOQI_OPERATORS names somebody who cannot be reached."""

    place: int
    zh = "TUOQI_OPERATORS 的第 {place} 项无效；请写邮箱、手机号或 robot:名称，用逗号分隔。"
    en = "item {place} of TUOQI_OPERATORS is no e-mail address, mobile number or robot:NAME; correct it."


def raise_alarms(database: Database, chosen: Settings, one: Round, troubles: Sequence[Trouble]) -> int:
    """Tell operators of troubles, each once in a while; return how many messages are new."""
    if not troubles:
        return 0
    longest = max(_span(one, trouble) for trouble in troubles)
    with database.write() as session:
        told: dict[str, datetime] = {}
        for template in {trouble.template for trouble in troubles}:
            told |= told_lately(session, chosen.district, template, one.now() - longest)
        drafts = [draft for trouble in troubles for draft in _drafts(chosen, one, trouble, told)]
        fresh = enqueue(session, drafts, one.now())
    if fresh:
        drain(one, channels(chosen))  # `deliver` itself may be what does not run
    return fresh


def _span(one: Round, trouble: Trouble) -> timedelta:
    return one.policy.alarm.repeat if trouble.every is None else trouble.every


def _drafts(chosen: Settings, one: Round, trouble: Trouble, told: Mapping[str, datetime]) -> Iterator[Draft]:
    """One message for each operator who has not heard of this trouble lately."""
    now, span = one.now(), _span(one, trouble)
    first = now - span if trouble.every else max(now - span, trouble.since)
    for place, route in _operators(chosen):
        prefix, suffix = f"{trouble.template}:{trouble.name}:", f":{place}"
        heard = [at for key, at in told.items() if key.startswith(prefix) and base_of(key).endswith(suffix)]
        if route is None or any(at >= first for at in heard):
            continue
        channel, address = route
        yield Draft(
            key=f"{prefix}{int(now.timestamp())}:{chosen.district}{suffix}",
            template=trouble.template,
            channel=channel,
            recipient=f"OPERATOR-{place}",
            address=address,
            variables=fitted(trouble.template, _variables(chosen, trouble, now)),
            district=chosen.district,
            language="en" if chosen.lang == "en" else "zh-CN",
            priority=0,
            expires_at=now + max(span, timedelta(hours=1)),
        )


def _variables(chosen: Settings, trouble: Trouble, now: datetime) -> dict[str, str | int]:
    told: dict[str, str | int] = {"what": trouble.what, "remedy": trouble.remedy}
    if trouble.pending is None:
        return told | {"since": f"{chosen.local(trouble.since):%m-%d %H:%M}"}
    return told | {"pending": trouble.pending, "oldest": _long(now - trouble.since)}


def _long(age: timedelta) -> str:
    minutes = max(int(age.total_seconds() // 60), 0)
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return say("{}天", "{} days").format(hours // 24)
    return say("{}小时{}分", "{} h {} min").format(hours, rest) if hours else say("{}分钟", "{} min").format(rest)


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
