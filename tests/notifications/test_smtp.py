"""SMTP against a real server on loopback: refusals, and lines that are cut at the worst moment."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from notifications.channels.contract import ChannelDown, Letter, Request
from notifications.channels.email import Smtp
from notifications.rendering import Enclosure, Mail
from tests.notifications.mail_end import end

NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)
AUTHORITY = trustme.CA()


class Server:
    """What the mail server does, by the local part of the recipient."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.peers: set[Any] = set()
        self.secure: set[bool] = set()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name and order
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.peers.add(session.peer)
        self.secure.add(session.ssl is not None)
        if address.startswith("nobody"):
            return f"550 5.1.1 no such user {address}"
        if address.startswith("later"):
            return "450 4.7.1 greylisted"
        if address.startswith("closing"):
            return "421 4.3.2 shutting down"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        to = envelope.rcpt_tos[0]
        if to.startswith("spam"):
            return "554 5.7.1 refused"
        if to.startswith("full"):
            return "452 4.3.1 no room"
        assert isinstance(envelope.content, bytes)
        self.got.append((to, envelope.content))
        if to.startswith("cut"):
            assert server.transport is not None
            server.transport.close()
        return "250 2.0.0 Ok: queued as 4F1A"


def _authenticate(*args: Any) -> AuthResult:
    return AuthResult(success=args[-1].password == b"right", handled=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., Controller]]:
    running: list[Controller] = []

    def start(handler: Server, **rest: Any) -> Controller:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert("localhost").configure_cert(context)
        secure: dict[str, Any] = {"tls_context": context, "require_starttls": True}
        controller = Controller(handler, hostname="127.0.0.1", port=_free_port(), **secure, **rest)
        controller.start()
        running.append(controller)
        return controller

    yield start
    for controller in running:
        end(controller, secured=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _smtp(port: int, security: Any = "starttls", **rest: Any) -> Smtp:
    trust = ssl.create_default_context()
    AUTHORITY.configure_trust(trust)
    return Smtp("localhost", port, security, "tuoqi@xishan.example.cn", trust=trust, timeout_s=5, **rest)


def _requests(channel: Smtp, *local: str) -> list[Request]:
    mail = Mail("值班通知", ".点开头的一行\n您好\n", "<p>您好</p>\n")
    letters = [
        Letter(f"id{n}", f"{name}@example.org", "duty-notice", "duty-notice", "zh-CN", mail, NOW)
        for n, name in enumerate(local)
    ]
    return [_frozen(channel, one) for one in letters]


def _frozen(channel: Smtp, one: Letter) -> Request:
    return Request(one.out_id, one.address, one.label, one.template, one.language, channel.compose(one))


def _verdicts(channel: Smtp, *local: str) -> list[tuple[str, str | None]]:
    channel.open()
    try:
        return [(outcome.verdict, outcome.code) for outcome in channel.send("call", _requests(channel, *local))]
    finally:
        channel.close()


def test_mails_go_over_one_encrypted_connection_exactly_as_frozen(serve: Callable[..., Controller]) -> None:
    server = Server()
    channel = _smtp(serve(server).port)
    requests = _requests(channel, "li", "wang", "zhang")
    channel.open()
    outcomes = channel.send("call", requests)
    channel.close()
    assert [(outcome.verdict, outcome.provider_ref) for outcome in outcomes] == [("accepted", "4F1A")] * 3
    assert [content for _, content in server.got] == [request.body.encode() for request in requests]
    assert (len(server.peers), server.secure) == (1, {True})
    assert message_from_bytes(server.got[0][1], policy=default)["Subject"] == "值班通知"


def test_a_refused_recipient_is_final_a_greylisted_one_waits_and_the_others_get_theirs(
    serve: Callable[..., Controller],
) -> None:
    server = Server()
    assert _verdicts(_smtp(serve(server).port), "nobody", "later", "spam", "full", "li") == [
        ("rejected", "550 5.1.1"),
        ("defer", "450 4.7.1"),
        ("rejected", "554 5.7.1"),
        ("defer", "452 4.3.1"),
        ("accepted", None),
    ]
    assert [to for to, _ in server.got] == ["li@example.org"]


def test_a_line_cut_after_the_text_is_unknown_and_the_next_mail_dials_again(serve: Callable[..., Controller]) -> None:
    server = Server()
    assert _verdicts(_smtp(serve(server).port), "li", "cut", "wang") == [
        ("accepted", None),
        ("unknown", "no answer to DATA"),
        ("accepted", None),
    ]
    assert len(server.peers) == 2


def test_an_idle_line_that_was_cut_is_dialled_again_and_nothing_is_sent_twice(serve: Callable[..., Controller]) -> None:
    server = Server()
    channel = _smtp(serve(server).port)
    channel.open()
    assert channel.line is not None
    assert channel.line.sock is not None
    channel.line.sock.shutdown(socket.SHUT_RDWR)
    assert [outcome.verdict for outcome in channel.send("call", _requests(channel, "li"))] == ["accepted"]
    assert len(server.got) == 1
    channel.close()


def test_a_server_that_goes_away_amid_a_chunk_stops_the_channel(serve: Callable[..., Controller]) -> None:
    controller = serve(Server())
    channel = _smtp(controller.port)
    requests = _requests(channel, "cut", "li", "wang")
    channel.open()
    send = channel._hand_over

    def last(request: Request) -> Any:
        outcome = send(request)
        channel.port = _free_port()
        return outcome

    channel._hand_over = last  # type: ignore[method-assign]
    assert [outcome.verdict for outcome in channel.send("call", requests)] == ["unknown", "stop", "stop"]


def test_a_server_that_is_down_says_so_before_anything_is_claimed() -> None:
    with pytest.raises(ChannelDown, match="ConnectionRefusedError"):
        _smtp(_free_port()).open()


@pytest.mark.parametrize(
    ("password", "down"), [pytest.param("right", None, id="right"), pytest.param("wrong", "auth 535", id="wrong")]
)
def test_a_wrong_password_stops_the_channel(serve: Callable[..., Controller], password: str, down: str | None) -> None:
    controller = serve(Server(), authenticator=_authenticate, auth_required=True)
    channel = _smtp(controller.port, user="tuoqi", password=password)
    if down is None:
        assert _verdicts(channel, "li") == [("accepted", None)]
    else:
        with pytest.raises(ChannelDown, match=down):
            channel.open()


def test_a_server_that_wants_a_login_we_lack_stops_the_channel(serve: Callable[..., Controller]) -> None:
    controller = serve(Server(), authenticator=_authenticate, auth_required=True)
    assert _verdicts(_smtp(controller.port), "li", "wang") == [("stop", "530 5.7.0")] * 2


def test_a_server_that_closes_amid_a_chunk_stops_the_rest(serve: Callable[..., Controller]) -> None:
    server = Server()
    assert _verdicts(_smtp(serve(server).port), "li", "closing", "wang") == [
        ("accepted", None),
        ("stop", "421 4.3.2"),
        ("stop", "421 4.3.2"),
    ]
    assert [to for to, _ in server.got] == ["li@example.org"]


def test_a_mail_larger_than_the_server_takes_is_refused_alone_and_before_it_is_sent(
    serve: Callable[..., Controller],
) -> None:
    server = Server()
    channel = _smtp(serve(server, data_size_limit=20_000).port)
    large, small = _requests(channel, "li", "wang")
    channel.open()
    outcomes = channel.send("call", [replace(large, body=large.body + "x" * 30_000), small])
    channel.close()
    assert [(outcome.verdict, outcome.code) for outcome in outcomes] == [("rejected", "552"), ("accepted", None)]
    assert [to for to, _ in server.got] == ["wang@example.org"]


@pytest.fixture
def breaking() -> Iterator[tuple[int, list[bytes]]]:
    """A server that resets the line amid DATA; its port, and what it had read by then."""
    read: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve_once() -> None:
        line, _ = listener.accept()
        with line:
            line.sendall(b"220 ready\r\n")
            for answer in (b"250 ok", b"250 ok", b"250 ok", b"354 go on"):
                line.recv(1000)
                line.sendall(answer + b"\r\n")
            read.append(line.recv(5000))
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    thread = threading.Thread(target=serve_once)
    thread.start()
    yield listener.getsockname()[1], read
    thread.join(timeout=10)
    listener.close()


def test_a_line_cut_amid_the_text_is_unknown(breaking: tuple[int, list[bytes]]) -> None:
    port, read = breaking
    channel = _smtp(port, "none")
    enclosed = (Enclosure("名单.zip", "application/zip", bytes(3_000_000)),)
    letter = Letter("id", "li@example.org", "l", "duty-notice", "zh-CN", Mail("值班", "a", "<p>", enclosed), NOW)
    channel.open()
    (outcome,) = channel.send("call", [_frozen(channel, letter)])
    assert (outcome.verdict, outcome.code) == ("unknown", "no answer to DATA")
    assert read[0].startswith(b"From: ")
