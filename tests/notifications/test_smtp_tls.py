"""SMTP over TLS: a server that cannot prove who it is, or will not encrypt, gets no mail and no password."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

from notifications.channels.contract import ChannelDown, Letter, Request
from notifications.channels.email import Smtp
from notifications.rendering import Mail
from tests.notifications.mail_end import end

NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)
AUTHORITY = trustme.CA()
STRANGER = trustme.CA()
GOOD = {"authority": AUTHORITY, "host": "localhost"}
BAD = [
    pytest.param({**GOOD, "authority": STRANGER}, id="nobody vouches for it"),
    pytest.param({**GOOD, "host": "mail.example.org"}, id="another host"),
    pytest.param({**GOOD, "not_after": datetime(2026, 1, 1, tzinfo=UTC)}, id="expired"),
]


class Server:
    """Keeps what it was told, passwords too."""

    def __init__(self) -> None:
        self.got: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.got += envelope.rcpt_tos
        return "250 OK"

    def authenticate(self, *args: Any) -> AuthResult:
        self.got.append(args[-1].password)
        return AuthResult(success=True)


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Start a server that offers STARTTLS, speaks TLS from the first byte, or neither; return its port."""
    running: list[tuple[Controller, bool]] = []

    def start(server: Server, security: str, **certificate: Any) -> int:
        tls: dict[str, Any] = {}
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority, host = certificate.pop("authority"), certificate.pop("host")
            authority.issue_cert(host, **certificate).configure_cert(context)
            tls = {"tls_context": context} if security == "starttls" else {"ssl_context": context}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        unsafe: dict[str, Any] = {"authenticator": server.authenticate, "auth_require_tls": False}
        controller = Controller(server, hostname="127.0.0.1", port=port, **tls, **unsafe)
        controller.start()
        running.append((controller, bool(tls)))
        return port

    yield start
    for controller, secured in running:
        end(controller, secured=secured)


def _smtp(port: int, security: Any) -> Smtp:
    trust = ssl.create_default_context()
    AUTHORITY.configure_trust(trust)
    login = {"user": "tuoqi", "password": "right"}
    return Smtp("localhost", port, security, "tuoqi@xishan.example.cn", trust=trust, timeout_s=5, **login)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_that_proves_who_it_is_gets_the_mail(serve: Callable[..., int], security: str) -> None:
    server = Server()
    channel = _smtp(serve(server, security, **GOOD), security)
    letter = Letter("id", "li@example.org", "l", "duty-notice", "zh-CN", Mail("a", "b", "c"), NOW)
    frozen = Request("id", letter.address, letter.label, letter.template, letter.language, channel.compose(letter))
    channel.open()
    assert [outcome.verdict for outcome in channel.send("call", [frozen])] == ["accepted"]
    channel.close()
    assert server.got == [b"right", "li@example.org"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("certificate", BAD)
def test_a_certificate_that_proves_nothing_is_refused_before_the_password_is_told(
    serve: Callable[..., int], certificate: dict[str, Any], security: str
) -> None:
    server = Server()
    with pytest.raises(ChannelDown, match="tls"):
        _smtp(serve(server, security, **certificate), security).open()
    assert server.got == []


def test_a_server_without_starttls_is_refused_before_the_password_is_told(serve: Callable[..., int]) -> None:
    server = Server()
    with pytest.raises(ChannelDown, match="SMTPNotSupportedError"):
        _smtp(serve(server, "none"), "starttls").open()
    assert server.got == []


def test_a_server_that_takes_tls_back_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ChannelDown, match="SMTPResponseException"):
            _against(listener, [b"220 ready", b"250-a\r\n250 STARTTLS", b"454 not now"], _smtp(port, "starttls"))


def _against(listener: socket.socket, answers: list[bytes], channel: Smtp) -> None:
    """Open the channel against a server that says only these lines."""

    def serve_once() -> None:
        line, _ = listener.accept()
        with line:
            for answer in answers:
                line.sendall(answer + b"\r\n")
                line.recv(1000)

    thread = threading.Thread(target=serve_once)
    thread.start()
    try:
        channel.open()
    finally:
        thread.join(timeout=10)
