"""The door to HTTP: which gateways may be called, and what is known of a request when something goes wrong."""

import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from threading import Thread
from typing import Any

import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels.contract import ChannelDown
from notifications.channels.gateway import BadGateway, Gateway, NotSent, is_public
from notifications.channels.http import BODY_CAP, Answer, InDoubt, Line
from rules.errors import LANGUAGE

NOW = datetime(2026, 7, 12, 1, 0, tzinfo=UTC)
PUBLIC = Gateway("aliyun", "TUOQI_ALIYUN_URL", "https://sms.example.cn", frozenset({"sms.example.cn"}))
LOCAL = Gateway(
    "aliyun", "TUOQI_ALIYUN_URL", "http://127.0.0.1:9", frozenset({"127.0.0.1", "localhost"}), development=True
)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Reads one request on each connection, then does what `answer` says, and closes."""

    def __init__(self, answer: Callable[[socket.socket], object], trust: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.answer, self.trust = answer, trust
        self.requests: list[bytes] = []
        self.thread = Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self.socket.accept()
            except OSError:
                return
            with line:
                self._one(line)

    def _one(self, line: socket.socket) -> None:
        try:
            line = self.trust.wrap_socket(line, server_side=True) if self.trust else line
            with line:
                self.requests.append(_request(line))
                self.answer(line)
        except OSError:
            return

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)


def _request(line: socket.socket) -> bytes:
    """Read a request to the end of its body."""
    with line.makefile("rb", buffering=0) as file:
        head = [b"", *iter(file.readline, b"\r\n")]
        length = next((int(row.split(b":")[1]) for row in head if row.lower().startswith(b"content-length:")), 0)
        body = b"".join(file.read(1) for _ in range(length))
    return b"".join((*head, b"\r\n", body))


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every line is closed: whether a server's goodbye was heard before that is a matter of timing."""
    opened: list[Line] = []
    original = Line.open

    def noted(line: Line) -> None:
        opened.append(line)
        original(line)

    monkeypatch.setattr(Line, "open", noted)
    yield
    for line in opened:
        line.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(*args: Any) -> Server:
        running.append(Server(*args))
        return running[-1]

    yield start
    for server in running:
        server.close()


def _local(port: int, **rest: Any) -> Line:
    line = Line(replace(LOCAL, url=f"http://127.0.0.1:{port}", **rest))
    line.open()
    return line


def _say(text: bytes) -> Callable[[socket.socket], None]:
    return lambda line: line.sendall(text)


def _hold(line: socket.socket) -> None:
    line.recv(1)  # until the client has had enough


def _resolve(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let names stand for these addresses, another list at each question; return whom was asked for."""
    asked: list[str] = []

    def fake(host: str, port: int | None, **_: Any) -> list[Any]:
        asked.append(host)
        addresses = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 443)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", fake)
    return asked


def _recorder(seen: list[httpx.Request]) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    return httpx.MockTransport(handle)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"url": "http://sms.example.cn"}, "not https", id="plain http"),
        pytest.param({"url": "ftp://sms.example.cn"}, "not https", id="ftp"),
        pytest.param({"url": "sms.example.cn"}, "host not listed", id="no scheme"),
        pytest.param({"url": "https://evil.example"}, "host not listed", id="another host"),
        pytest.param({"url": "https://sms.example.cn.evil.example"}, "host not listed", id="a longer name"),
        pytest.param({"url": "https://sms.example.cn."}, "host not listed", id="a trailing dot"),
        pytest.param({"url": "https://sms.example.cn@evil.example"}, "name or fragment in the URL", id="user name"),
        pytest.param({"url": "https://sms.example.cn#x"}, "name or fragment in the URL", id="fragment"),
        pytest.param({"url": "https://[::1"}, "not a URL", id="garbage"),
        pytest.param({"url": "http://127.0.0.1:8080"}, "host not listed", id="loopback, not listed"),
        pytest.param(
            {"url": "http://127.0.0.1:8080", "hosts": frozenset({"127.0.0.1"})}, "loopback", id="loopback in production"
        ),
        pytest.param(
            {"url": "http://localhost", "hosts": frozenset({"localhost"})}, "loopback", id="localhost in production"
        ),
        pytest.param(
            {"url": "http://10.0.0.1", "hosts": frozenset({"10.0.0.1"}), "development": True},
            "not https",
            id="private and plain, in development",
        ),
    ],
)
def test_a_gateway_that_may_not_be_called_is_refused_at_once(change: dict[str, Any], code: str) -> None:
    with pytest.raises(BadGateway) as caught:
        Line(replace(PUBLIC, **change))
    assert caught.value.code == code
    assert "TUOQI_ALIYUN_URL" in str(caught.value)


def test_the_refusal_names_the_setting_in_both_languages_and_shows_no_token() -> None:
    gateway = replace(PUBLIC, url="http://sms.example.cn/?access_token=s3cret")
    with pytest.raises(BadGateway) as caught:
        Line(gateway)
    assert str(caught.value) == (
        "消息通道 aliyun 的网关地址不可用（not https）；请更正设置 TUOQI_ALIYUN_URL，消息保留待发。"
    )
    token = LANGUAGE.set("en")
    assert "correct TUOQI_ALIYUN_URL" in str(caught.value)
    LANGUAGE.reset(token)
    assert "s3cret" not in f"{caught.value!r} {gateway!r}"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fd00::1", "fec0::1", "ff02::1",
        "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::a00:1", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["106.11.45.35", "240e:f7::1", "::ffff:106.11.45.35", "64:ff9b::6a0b:2d23"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)


@given(address=st.ip_addresses())
def test_every_address_is_judged(address: Any) -> None:
    assert is_public(str(address)) in (True, False)


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param(["10.0.0.1"], id="private"),
        pytest.param(["106.11.45.35", "127.0.0.1"], id="public and loopback"),
    ],
)
def test_a_listed_name_with_an_address_that_is_not_public_is_refused(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    _resolve(monkeypatch, addresses)
    with pytest.raises(BadGateway, match="address not public"):
        Line(PUBLIC).open()


def test_a_name_that_stands_for_a_loopback_is_refused_in_development_too(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve(monkeypatch, ["127.0.0.1"])
    with pytest.raises(BadGateway, match="address not public"):
        Line(replace(PUBLIC, development=True)).open()


def test_a_name_that_changes_its_address_after_the_check_is_caught_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _resolve(monkeypatch, ["106.11.45.35"], ["127.0.0.1"])
    seen: list[httpx.Request] = []
    line = Line(PUBLIC, transport=_recorder(seen))
    line.open()
    with pytest.raises(BadGateway):
        line.post({}, {}, b"")
    assert not seen


def test_the_connection_goes_to_the_address_that_was_checked_under_the_name_that_was_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = _resolve(monkeypatch, ["106.11.45.35"])
    seen: list[httpx.Request] = []
    line = Line(PUBLIC, transport=_recorder(seen))
    line.open()
    line.post({"a": "1"}, {}, b"x")
    assert (seen[0].url.scheme, seen[0].url.host, seen[0].url.raw_path) == ("https", "106.11.45.35", b"/?a=1")
    assert seen[0].headers["Host"] == "sms.example.cn"
    assert seen[0].extensions["sni_hostname"] == "sms.example.cn"
    assert set(asked) == {"sms.example.cn"}


@pytest.mark.parametrize(
    ("failure", "tried", "error"),
    [
        pytest.param(httpx.ConnectError("x"), 3, NotSent, id="cannot connect: three addresses"),
        pytest.param(httpx.ConnectTimeout("x"), 3, NotSent, id="no connection in time: three addresses"),
        pytest.param(httpx.PoolTimeout("x"), 1, NotSent, id="no free line"),
        pytest.param(httpx.ReadTimeout("x"), 1, InDoubt, id="no answer: never again"),
        pytest.param(httpx.WriteTimeout("x"), 1, InDoubt, id="half written: never again"),
        pytest.param(httpx.ReadError("x"), 1, InDoubt, id="line lost"),
        pytest.param(httpx.RemoteProtocolError("x"), 1, InDoubt, id="answer cut"),
        pytest.param(OSError("x"), 1, InDoubt, id="anything else"),
    ],
)
def test_only_what_surely_did_not_leave_counts_as_not_sent(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, tried: int, error: type[ChannelDown]
) -> None:
    _resolve(monkeypatch, [f"106.11.45.{number}" for number in range(1, 6)])
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        raise failure

    line = Line(PUBLIC, transport=httpx.MockTransport(handle))
    line.open()
    with pytest.raises(error) as caught:
        line.post({}, {}, b"")
    assert type(caught.value) is error
    assert len(seen) == tried


def test_the_address_that_served_us_is_kept_while_the_name_still_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve(monkeypatch, ["106.11.45.1"], ["106.11.45.1"], ["106.11.45.2", "106.11.45.1"])
    seen: list[httpx.Request] = []
    line = Line(PUBLIC, transport=_recorder(seen))
    line.open()
    line.post({}, {}, b"")
    line.post({}, {}, b"")
    assert [request.url.host for request in seen] == ["106.11.45.1"] * 2


def test_a_name_without_address_is_found_out_before_anything_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(NotSent, match="dns"):
        Line(PUBLIC).open()


def test_a_request_reaches_a_loopback_that_development_lists(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server = serve(_say(OK))
    answer = _local(server.port).post({"值": "a b"}, {"X-A": "b"}, b"body")
    assert (answer.status, answer.json()) == (200, {})
    assert server.requests[0].startswith(b"POST /?%E5%80%BC=a+b HTTP/1.1\r\n")
    assert server.requests[0].endswith(b"body")


def test_a_redirect_is_not_followed(serve: Callable[..., Server]) -> None:
    server = serve(_say(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"))
    assert _local(server.port).post({}, {}, b"").status == 302
    assert len(server.requests) == 1


def test_a_gateway_that_refuses_connections_was_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NotSent, match="ConnectError"):
        _local(port).post({}, {}, b"")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(lambda line: line.shutdown(socket.SHUT_RDWR), "RemoteProtocolError", id="closes"),
        pytest.param(_hold, "ReadTimeout", id="says nothing"),
        pytest.param(_say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), "RemoteProtocolError", id="cut body"),
        pytest.param(_say(b"SSH-2.0-OpenSSH\r\n"), "RemoteProtocolError", id="no HTTP"),
        pytest.param(_say(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (BODY_CAP + 1)), "answer too long", id="endless body"),
    ],
)
def test_a_gateway_that_took_the_request_and_did_not_answer_leaves_it_in_doubt(
    serve: Callable[..., Server], answer: Callable[[socket.socket], object], code: str
) -> None:
    server = serve(answer)
    with pytest.raises(InDoubt) as caught:
        _local(server.port, answer_s=0.5).post({}, {}, b"body")
    assert caught.value.code == code
    assert len(server.requests) == 1


def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 15))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    seen = httpx.MockTransport(lambda _: httpx.Response(200, content=iter([b"{"] * 10)))
    line = Line(LOCAL, transport=seen)
    line.open()
    with pytest.raises(InDoubt, match="answer too slow"):
        line.post({}, {}, b"")


def test_a_certificate_is_verified_against_the_name_not_the_address(serve: Callable[..., Server]) -> None:
    authority, server_side, trust = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server_side)
    authority.configure_trust(trust)
    port = serve(_say(OK), server_side).port
    line = Line(replace(LOCAL, url=f"https://localhost:{port}", trust=trust))
    line.open()
    assert line.post({}, {}, b"").status == 200
    line.close()
    line = Line(replace(LOCAL, url=f"https://127.0.0.1:{port}", trust=trust))
    line.open()
    with pytest.raises(NotSent, match="tls"):
        line.post({}, {}, b"")
    line.close()


def test_a_certificate_nobody_vouches_for_is_refused_before_anything_is_sent(serve: Callable[..., Server]) -> None:
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(server_side)
    line = Line(replace(LOCAL, url=f"https://localhost:{serve(_say(OK), server_side).port}"))
    line.open()
    with pytest.raises(NotSent, match="tls"):
        line.post({}, {}, b"")


def test_what_httpx_logs_has_no_query(caplog: pytest.LogCaptureFixture) -> None:
    line = Line(LOCAL, transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    line.open()
    with caplog.at_level(logging.DEBUG):
        line.post({"PhoneNumbers": "13800000001", "access_token": "s3cret"}, {}, b"")
    assert "127.0.0.1:9" in caplog.text
    assert "13800000001" not in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("0", 0.0, id="at once"),
        pytest.param("9" * 400, 86400.0, id="for ever"),
        pytest.param(format_datetime(NOW.replace(minute=2), usegmt=True), 120.0, id="an instant"),
        pytest.param(format_datetime(NOW.replace(year=2025), usegmt=True), 0.0, id="an instant gone by"),
        pytest.param("soon", None, id="no time"),
        pytest.param("-5", None, id="negative"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="not there"),
    ],
)
def test_how_long_a_gateway_wants_to_be_left_alone(header: str | None, seconds: float | None) -> None:
    headers = httpx.Headers({} if header is None else {"Retry-After": header})
    assert Answer(429, headers, b"").retry_after(NOW) == seconds


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="HTML"),
        pytest.param(b'{"Code":"OK"', id="cut"),
        pytest.param(b"[1]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"[" * 100_000, id="nested"),
    ],
)
def test_a_body_that_is_no_json_object_is_none(body: bytes) -> None:
    assert Answer(200, httpx.Headers(), body).json() is None
