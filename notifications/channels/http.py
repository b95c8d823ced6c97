"""The only door to HTTP: a gateway from the settings -> checked -> its addresses checked -> one request, never repeated.

Host allow-list, https, public addresses, no redirects, nothing from the environment. What goes wrong is told apart: nothing
left the house (`NotSent`), or it may have arrived (`InDoubt`).
"""

import ipaddress
import logging
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from notifications.channels.contract import ChannelDown

BODY_CAP = 1 << 20
"""No answer of a gateway is longer, in bytes; the rest is not read."""

LONGEST_WAIT = 24 * 3600.0
"""A gateway that wants us to wait longer, in seconds, is asked again after this."""

_LOOPBACK_NAMES = ("localhost",)
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_ADDRESSES_TRIED = 3


@dataclass(eq=False)
class NotSent(ChannelDown):
    """Nothing was sent: no name, no connection, no TLS."""


@dataclass(eq=False)
class BadGateway(NotSent):
    """The gateway of the settings may not be called."""

    setting: str
    zh = "消息通道 {provider} 的网关地址不可用（{code}）；请更正设置 {setting}，消息保留待发。"
    en = "channel {provider}: its gateway may not be called ({code}); correct the setting {setting}. Messages stay pending."


@dataclass(eq=False)
class InDoubt(ChannelDown):
    """The request may have arrived; there is no answer that could be read."""

    zh = "消息通道 {provider} 没有给出可读的答复（{code}）；请求可能已送达，请先核对，不要重发。"
    en = "channel {provider} gave no answer that could be read ({code}); it may have taken the request: check, do not resend."


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where a provider listens, and what may be called.

    Attributes:
        provider: name stored on messages.
        setting: name of the setting that holds `url`, for whoever must correct it.
        url: https://host, or with a path; http only to a loopback.
        hosts: the names that may be called, exactly.
        development: a loopback may be called, when it is listed in `hosts` too.
        connect_s: longest wait for a connection, for each of at most 3 addresses.
        answer_s: longest wait for the next byte, and for the whole answer once it has begun.
        trust: certificates to trust instead of the public ones.
    """

    provider: str
    setting: str
    url: str
    hosts: frozenset[str]
    development: bool = False
    connect_s: float = 5
    answer_s: float = 20
    trust: ssl.SSLContext | None = field(default=None, repr=False)

    def check(self) -> httpx.URL:
        """Return the URL.

        Raises:
            BadGateway: it may not be called.
        """
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise self.bad("not a URL") from error
        if url.userinfo or url.query or url.fragment:
            raise self.bad("more than a host and a path")
        if url.host not in self.hosts:
            raise self.bad("host not listed")
        if _is_loopback(url.host) and not self.development:
            raise self.bad("loopback")
        if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.host)):
            raise self.bad("not https")
        return url

    def bad(self, code: str) -> BadGateway:
        """Return the error that names the setting."""
        return BadGateway(self.provider, code, self.setting)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway answered, read to its end."""

    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> Mapping[str, Any] | None:
        """Return the JSON object of the body; None when it is none."""
        try:
            told = httpx.Response(200, content=self.body).json()
        except (ValueError, RecursionError):
            return None
        return told if isinstance(told, dict) else None

    def retry_after(self, now: datetime) -> float | None:
        """Return how many seconds the gateway wants us to stay away; None when it does not say."""
        told = self.headers.get("Retry-After", "")
        try:
            seconds = float(told) if told.isdecimal() else (parsedate_to_datetime(told) - now).total_seconds()
        except (TypeError, ValueError):
            return None
        return min(max(seconds, 0.0), LONGEST_WAIT)
