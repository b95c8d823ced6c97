"""The only door to HTTP: a checked gateway -> one request, never repeated, never redirected -> its whole answer.

What goes wrong is told apart: nothing left the house (`NotSent`), or the request may have arrived (`InDoubt`). Nothing
is taken from the environment, and no query of ours - it may hold a phone number or a token - reaches a log.
"""

import json
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from notifications.channels.contract import ChannelDown
from notifications.channels.gateway import Gateway, NotSent, Pinned

BODY_CAP = 1 << 20
"""No answer is longer, in bytes; the rest is not read."""

LONGEST_WAIT = 24 * 3600.0
"""A gateway that wants us to stay away longer, in seconds, is asked again after this."""

_BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(eq=False)
class InDoubt(ChannelDown):
    """The request may have arrived; there is no answer that could be read."""

    zh = "消息通道 {provider} 没有给出可读的答复（{code}）；请求可能已送达，请先核对，不要重发。"
    en = "channel {provider} gave no readable answer ({code}); it may have taken the request: check, do not resend."


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway answered, read to its end."""

    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> Mapping[str, Any] | None:
        """Return the JSON object of the body; None when it is none."""
        try:
            told = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return told if isinstance(told, dict) else None

    def retry_after(self, now: datetime) -> float | None:
        """Return for how many seconds the gateway wants to be left alone; None when it does not say."""
        told = self.headers.get("Retry-After", "").strip()
        try:
            seconds = float(told) if told.isdecimal() else (parsedate_to_datetime(told) - now).total_seconds()
        except (TypeError, ValueError):
            return None
        return min(max(seconds, 0.0), LONGEST_WAIT)


class Line:
    """The line to one provider.

    Args:
        gateway: where to, and what is allowed.
        auth: signs each request.
        transport: stands in for the network in tests; addresses are checked all the same.

    Raises:
        BadGateway: the gateway of the settings may not be called.
    """

    def __init__(
        self, gateway: Gateway, auth: httpx.Auth | None = None, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._url = gateway.check()
        self._gateway, self._auth, self._transport = gateway, auth, transport
        self._client: httpx.Client | None = None

    def open(self) -> None:
        """Look whether the gateway has addresses that may be called, and get ready; nothing is sent.

        Raises:
            NotSent: it has none; BadGateway, when one of them is not public.
        """
        self.close()
        self._gateway.addresses(self._url.host, self._url.port)
        wait = httpx.Timeout(self._gateway.answer_s, connect=self._gateway.connect_s, pool=self._gateway.connect_s)
        inner = self._transport or httpx.HTTPTransport(
            verify=self._gateway.trust or True,
            trust_env=False,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
        )
        headers = {"User-Agent": "tuoqi", "Accept": "application/json", "Accept-Encoding": "identity"}
        self._client = httpx.Client(
            transport=Pinned(self._gateway, inner), auth=self._auth, timeout=wait, headers=headers, trust_env=False
        )

    def post(self, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one request, once.

        Args:
            query: added to the gateway's own.
            headers: of this request.
            body: as it leaves.

        Raises:
            NotSent: it did not leave.
            InDoubt: it may have arrived: no answer, or one cut short, too long or too slow.
        """
        assert self._client is not None, "open the line first"
        url, provider = self._url.copy_merge_params(query), self._gateway.provider
        try:
            with self._client.stream("POST", url, headers=headers, content=body) as response:
                return Answer(response.status_code, response.headers, self._read(response))
        except _BEFORE_SENDING as error:
            raise NotSent(provider, _why(error)) from error
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise InDoubt(provider, type(error).__name__) from error

    def _read(self, response: httpx.Response) -> bytes:
        body, until = bytearray(), time.monotonic() + self._gateway.answer_s
        for piece in response.iter_bytes():
            body += piece
            if len(body) > BODY_CAP:
                raise InDoubt(self._gateway.provider, "answer too long")
            if time.monotonic() > until:
                raise InDoubt(self._gateway.provider, "answer too slow")
        return bytes(body)

    def close(self) -> None:
        """Let go of the connection."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _why(error: BaseException) -> str:
    """Name the kind of failure: tls where that is at its root, else the exception."""
    root: BaseException | None = error
    while root is not None:
        if isinstance(root, ssl.SSLError):
            return "tls"
        root = root.__cause__ or root.__context__
    return type(error).__name__


class _WithoutQuery(logging.Filter):
    """Httpx logs every URL at INFO: ours leave without their query."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(arg.copy_with(query=None) if isinstance(arg, httpx.URL) else arg for arg in record.args)
        return True


logging.getLogger("httpx").addFilter(_WithoutQuery())
