"""The gate before every page: known host, bounded and timely body -> the app -> the same strict headers on each answer.

What goes wrong inside becomes a number, so that no log of the server quotes it.

There are no cookies and no sessions: a request carries no right but the code in its address, which a foreign site does
not know. So there is nothing for a forged cross-site request to ride on, and no CSRF token.
"""

import asyncio
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.answer_page.page import STYLE_HASH
from flows.failures import incident

PATH_BYTES = 300
BODY_S = 10.0

_POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Gate:
    """ASGI middleware, the outermost layer."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], most: Callable[[str], int]) -> None:
        """`most` says how many bytes of body a path takes."""
        self.app, self.hosts, self.most = app, hosts, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in with its whole body read, or turn it away."""
        if scope["type"] != "http":
            return  # no web sockets; uvicorn is told not to send lifespan events
        send, started = _dressed(send)
        try:
            body = await self._checked(scope, receive)
            await self.app(scope, _again(body, receive), send)
        except _Gone:
            return
        except _TurnedAway as refused:
            await PlainTextResponse(f"{refused}\n", refused.status, {"Connection": "close"})(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the border: its text stays in our log
            number = incident(error).incident
            if not started:
                await PlainTextResponse(f"incident {number}\n", 500)(scope, receive, send)

    async def _checked(self, scope: Scope, receive: Receive) -> bytes:
        headers = Headers(scope=scope)
        if _host(headers.get("host", "")) not in self.hosts:
            raise _TurnedAway(400, "unknown host")
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > PATH_BYTES:
            raise _TurnedAway(414, "address too long")
        most, said = self.most(scope["path"]), headers.get("content-length", "0")
        if not said.isdecimal() or int(said) > most:
            raise _TurnedAway(413, "too large")
        try:
            return await asyncio.wait_for(_body(receive, most), BODY_S)
        except TimeoutError:
            raise _TurnedAway(408, "too slow") from None


class _Gone(Exception):
    """The client hung up: half a form must not be taken for a whole one."""


class _TurnedAway(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def _host(header: str) -> str:
    """The name in a Host header, without port and brackets."""
    name = header.strip().casefold()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


async def _body(receive: Receive, most: int) -> bytes:
    """Read the whole body, as long as it stays within bounds."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        body += message.get("body", b"")
        if len(body) > most:
            raise _TurnedAway(413, "too large")
        if not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the body to the app as if it were read for the first time."""
    told: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return told.pop() if told else await receive()

    return replay


def _dressed(send: Send) -> tuple[Send, list[int]]:
    """Put the headers on whatever is sent; the list tells whether an answer has begun."""
    started: list[int] = []

    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message["status"])
            headers = MutableHeaders(scope=message)
            for name, text in HEADERS.items():
                headers[name] = text
        await send(message)

    return dressed, started
