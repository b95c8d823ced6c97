"""Figures of messages: what became of them, what they cost, what waits; and the names of states and channels."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from models.message_views import InDoubt, Volume
from models.providers import Health
from notifications.catalogue import catalogue
from rules.errors import say

CHANNELS = {
    "email": ("邮件", "e-mail"),
    "sms": ("短信", "SMS"),
    "robot": ("群机器人", "robot"),
    "call": ("电话", "call"),
}
STATES = {
    "pending": ("待发", "waiting"),
    "claimed": ("发送中", "being sent"),
    "sending": ("发送中", "being sent"),
    "accepted": ("已发出", "sent"),
    "delivered": ("已送达", "delivered"),
    "undeliverable": ("未送达", "not delivered"),
    "unknown": ("结果不明", "unknown"),
    "dead": ("无法发送", "cannot be sent"),
    "suppressed": ("对方已退订", "opted out"),
    "expired": ("过期未发", "expired"),
    "cancelled": ("情况已变，未发", "no longer true"),
    "held": ("暂缓（免打扰或上限）", "held (quiet hours or a cap)"),
}
PROVIDERS = {
    "aliyun": ("阿里云短信", "Alibaba Cloud"),
    "tencent": ("腾讯云短信", "Tencent Cloud"),
    "smtp": ("邮件服务器", "mail server"),
    "robot": ("群机器人", "robot"),
    "file": ("本机文件", "files here"),
}
_PAID = {"accepted", "delivered", "undeliverable", "unknown"}
FAILED = ("undeliverable", "dead", "suppressed", "expired")


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the report tells of [first, last], in the district's days.

    Attributes:
        volumes: by template, channel, provider and state, with paid parts.
        doubt: unknown messages that a person has to look into.
        oldest: since when the oldest message that might leave has been waiting, by channel.
        patience: how long one may wait before it is a trouble.
        calls: people on the call list.
        troubles: providers left alone for now.
    """

    first: date
    last: date
    at: datetime
    volumes: list[Volume]
    doubt: list[InDoubt]
    oldest: Mapping[str, datetime]
    patience: timedelta
    calls: int
    troubles: list[Health]

    def states(self) -> Counter[str]:
        """Messages by state."""
        total: Counter[str] = Counter()
        for each in self.volumes:
            total[each.state] += each.messages
        return total

    @property
    def paid(self) -> list[Volume]:
        """The SMS that are paid for: what was accepted, and what may have been."""
        return [each for each in self.volumes if each.channel == "sms" and each.state in _PAID]

    @property
    def parts(self) -> int:
        """SMS parts that are paid for."""
        return sum(each.parts for each in self.paid)

    @property
    def overdue(self) -> dict[str, datetime]:
        """Of `oldest`, what has been waiting too long."""
        return {kind: since for kind, since in self.oldest.items() if self.at - since >= self.patience}


def state_name(state: str) -> str:
    """The name of a message's state in the language of this run."""
    return say(*STATES.get(state, (state, state)))


def channel_name(channel: str) -> str:
    """The name of a channel in the language of this run."""
    return say(*CHANNELS.get(channel, (channel, channel)))


def provider_name(provider: str | None) -> str:
    """The name of a provider in the language of this run; a city's own gateway has the one of its file."""
    return say(*PROVIDERS.get(provider or "", (provider or "—", provider or "—")))


def message_name(template: str) -> str:
    """The short title of a template in the language of this run."""
    known = catalogue()
    return known[template].title.partition("（")[0].partition(" (")[0] if template in known else template
