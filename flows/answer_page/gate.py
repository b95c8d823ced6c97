"""The gate before every page: known host, bounded and timely body -> the app -> the same strict headers on each answer.

There are no cookies and no sessions: a request carries no right but the code in its address, which a foreign site does
not know. So there is nothing for a forged cross-site request to ride on, and no CSRF token.
"""

import asyncio
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.answer_page.page import STYLE_HASH

FORM_BYTES = 4_096
CALLBACK_BYTES = 1_048_576
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

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in with its whole body read, or turn it away."""
        if scope["type"] != "http":
            return  # no web sockets; uvicorn is told not to send lifespan events
        send = _dressed(send)
        headers = Headers(scope=scope)
        if _host(headers.get("host", "")) not in self.hosts:
            await PlainTextResponse("unknown host\n", 400)(scope, receive, send)
            return
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > PATH_BYTES:
            await PlainTextResponse("address too long\n", 414)(scope, receive, send)
            return
        limit = CALLBACK_BYTES if scope["path"].startswith("/callback/") else FORM_BYTES
        try:
            body = await asyncio.wait_for(_body(headers, receive, limit), BODY_S)
        except TimeoutError:
            await PlainTextResponse("too slow\n", 408, {"Connection": "close"})(scope, receive, send)
            return
        if body is None:
            await PlainTextResponse("too large\n", 413, {"Connection": "close"})(scope, receive, send)
            return
        await self.app(scope, _again(body, receive), send)


def _host(header: str) -> str:
    """The name in a Host header, without port and brackets."""
    name = header.strip().casefold()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


async def _body(headers: Headers, receive: Receive, limit: int) -> bytes | None:
    """Read the body; None when there is more than the limit, or it is said that there will be."""
    said = headers.get("content-length", "0")
    if not said.isdecimal() or int(said) > limit:
        return None
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Callable[[], "asyncio.Future[Message]"] | Receive:
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _dressed(send: Send) -> Send:
    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, text in HEADERS.items():
                headers[name] = text
        await send(message)

    return dressed
