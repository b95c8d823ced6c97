"""Group robots against a real server on loopback: what they say, how long, and what their answers mean."""

import base64
import hmac
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels import robots as module
from notifications.channels.contract import Channel, Letter, Outcome, Request
from notifications.channels.robots import NoSuchRobot, Robot, Robots
from notifications.rendering import Enclosure, Mail, Sms

NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)
KEY, SECRET = "693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa", "SEC0f1e2d3c"


class Server(ThreadingHTTPServer):
    """Says what it is told to say, and keeps what it got."""

    def __init__(self) -> None:
        self.answer: tuple[int, bytes, dict[str, str]] = (200, b'{"errcode": 0, "errmsg": "ok"}', {})
        self.got: list[tuple[str, bytes]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    def says(self, errcode: Any) -> None:
        self.answer = (200, json.dumps({"errcode": errcode, "errmsg": "for 13800138000"}).encode(), {})


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.server.got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        status, body, headers = self.server.answer
        if not status:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def _robots(server: Server, clock: Callable[[], datetime] = lambda: NOW) -> Robots:
    base = f"http://127.0.0.1:{server.server_port}"
    robots = {
        "duty-office": Robot("wecom", f"{base}/cgi-bin/webhook/send?key={KEY}"),
        "majie": Robot("dingtalk", f"{base}/robot/send?access_token={KEY}", SECRET),
        "plain": Robot("dingtalk", f"{base}/robot/send?access_token={KEY}"),
    }
    return Robots(robots, clock, hosts=frozenset({"127.0.0.1"}), development=True)


def _request(robots: Robots, name: str, content: Mail | Sms = Sms("【托起】您好", 1)) -> Request:  # noqa: B008 - frozen
    letter = Letter(f"id-{name}", name, "alarm-S-1", "alarm", "zh-CN", content, NOW)
    return Request(letter.out_id, name, letter.label, letter.template, letter.language, robots.compose(letter))


def _body(name: str, content: Mail | Sms) -> Any:
    robots = Robots({name: Robot("dingtalk" if name == "majie" else "wecom", "https://x/?key=1")}, lambda: NOW)
    return json.loads(_request(robots, name, content).body)


def _send(server: Server, name: str = "duty-office") -> Outcome:
    robots = _robots(server)
    robots.open()
    (outcome,) = robots.send("call", [_request(robots, name)])
    robots.close()
    return outcome


def test_robots_are_a_channel() -> None:
    channel: Channel = Robots({}, lambda: NOW)
    assert (channel.provider, channel.batch, channel.carries("alarm", "en")) == ("robot", 20, True)


def test_wecom_shows_a_mail_as_markdown() -> None:
    assert _body("duty-office", Mail("值班空缺", "马街街道\n今天无人值班\n", "<p>")) == {
        "msgtype": "markdown",
        "markdown": {"content": "**值班空缺**\n\n马街街道\n今天无人值班"},
    }


def test_dingtalk_needs_two_spaces_before_a_line_break() -> None:
    assert _body("majie", Mail("值班空缺", "马街街道\n今天无人值班\n", "<p>")) == {
        "msgtype": "markdown",
        "markdown": {"title": "值班空缺", "text": "**值班空缺**  \n  \n马街街道  \n今天无人值班"},
    }


@pytest.mark.parametrize("name", ["duty-office", "majie"])
def test_an_sms_is_shown_as_text(name: str) -> None:
    assert _body(name, Sms("【托起】您好", 1)) == {"msgtype": "text", "text": {"content": "【托起】您好"}}


def test_a_masked_name_is_not_bold_and_a_name_is_no_link_or_mention() -> None:
    shown = _body("duty-office", Mail("李**", "[点这里](http://evil) <@all> `x`", "<p>"))["markdown"]["content"]
    assert shown == "**李＊＊**\n\n［点这里］(http://evil) ＜@all＞ ｀x｀"


@pytest.mark.parametrize(
    ("name", "content", "limit"),
    [
        pytest.param("duty-office", Mail("题", "值班" * 4000, ""), 4096, id="WeCom markdown"),
        pytest.param("duty-office", Sms("值班" * 4000, 1), 2048, id="WeCom text"),
        pytest.param("majie", Mail("题" * 500, '"\n' * 20_000, ""), 20_000, id="DingTalk markdown, all escapes"),
        pytest.param("majie", Sms("👵" * 20_000, 1), 20_000, id="DingTalk text, emoji"),
    ],
)
def test_a_long_message_is_cut_after_a_whole_character_and_says_so(name: str, content: Mail | Sms, limit: int) -> None:
    robots = Robots({name: Robot("dingtalk" if name == "majie" else "wecom", "https://x/?key=1")}, lambda: NOW)
    body = _request(robots, name, content).body
    message = json.loads(body)
    shown = message[message["msgtype"]].get("content") or message["markdown"]["text"]
    size = len(body.encode()) if name == "majie" else len(shown.encode())
    assert 0.9 * limit < size <= limit
    assert shown.endswith("…")


@given(st.text(st.characters(), max_size=300), st.integers(3, 400))
def test_shortening_keeps_the_beginning_and_the_limit(text: str, limit: int) -> None:
    clean = text.encode("utf-8", "replace").decode()
    short = module._shortened(text, limit)
    assert module._weight(short) <= limit
    assert short == clean or (short.endswith("…") and clean.startswith(short[:-1]))
    if short != clean and len(short) <= len(clean):
        assert module._weight(clean[: len(short)] + "…") > limit


def test_a_message_goes_to_the_webhook_of_its_robot(server: Server) -> None:
    assert _send(server) == Outcome("id-duty-office", "accepted")
    ((path, body),) = server.got
    assert path == f"/cgi-bin/webhook/send?key={KEY}"
    assert json.loads(body) == {"msgtype": "text", "text": {"content": "【托起】您好"}}


def test_dingtalk_signs_the_moment_with_its_secret(server: Server) -> None:
    _send(server, "majie")
    query = parse_qs(urlsplit(server.got[0][0]).query)
    stamp = str(int(NOW.timestamp() * 1000))
    mac = hmac.digest(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), "sha256")
    assert query == {"access_token": [KEY], "timestamp": [stamp], "sign": [base64.b64encode(mac).decode()]}


def test_a_robot_without_a_secret_signs_nothing(server: Server) -> None:
    _send(server, "plain")
    assert server.got[0][0] == f"/robot/send?access_token={KEY}"


@pytest.mark.parametrize(
    ("name", "errcode", "verdict", "wait"),
    [
        pytest.param("duty-office", 45009, "stop", 60, id="WeCom: too often"),
        pytest.param("duty-office", 93000, "stop", None, id="WeCom: no such webhook"),
        pytest.param("duty-office", 40058, "rejected", None, id="WeCom: not allowed"),
        pytest.param("duty-office", -1, "defer", 60, id="WeCom: busy"),
        pytest.param("majie", 130101, "stop", 60, id="DingTalk: too often"),
        pytest.param("majie", 300001, "stop", None, id="DingTalk: no such token"),
        pytest.param("majie", 310000, "stop", None, id="DingTalk: wrong signature"),
        pytest.param("majie", 430104, "rejected", None, id="DingTalk: content"),
        pytest.param("majie", 987654, "defer", None, id="a code that nobody knows"),
    ],
)
def test_http_200_with_an_errcode_is_a_failure(
    server: Server, name: str, errcode: int, verdict: str, wait: float | None
) -> None:
    server.says(errcode)
    outcome = _send(server, name)
    assert (outcome.verdict, outcome.code, outcome.wait) == (verdict, str(errcode), wait)


@pytest.mark.parametrize(
    ("answer", "verdict", "code", "wait"),
    [
        pytest.param((500, b"", {}), "unknown", "http 500", None, id="server error"),
        pytest.param((0, b"", {}), "unknown", "RemoteProtocolError", None, id="no answer"),
        pytest.param((200, b"<html>", {}), "unknown", "no errcode", None, id="not JSON"),
        pytest.param((200, b'{"errcode": "0"}', {}), "unknown", "no errcode", None, id="not a number"),
        pytest.param((404, b"", {}), "stop", "http 404", None, id="wrong address"),
        pytest.param((302, b"", {"Location": "https://evil"}), "stop", "http 302", None, id="sent elsewhere"),
        pytest.param((429, b"", {"Retry-After": "30"}), "stop", "http 429", 30, id="told when to come back"),
        pytest.param((429, b"", {}), "stop", "http 429", 60, id="told to stay away"),
    ],
)
def test_other_answers(
    server: Server, answer: tuple[int, bytes, dict[str, str]], verdict: str, code: str, wait: float | None
) -> None:
    server.answer = answer
    outcome = _send(server)
    assert (outcome.verdict, outcome.code, outcome.wait) == (verdict, code, wait)
    assert len(server.got) == 1


def test_one_robot_that_is_down_does_not_keep_the_others_from_theirs(server: Server) -> None:
    robots = _robots(server)
    robots._robots["duty-office"] = Robot("wecom", "https://elsewhere.example.org/?key=1")
    outcomes = robots.send("call", [_request(robots, "duty-office"), _request(robots, "majie")])
    robots.close()
    assert [(one.verdict, one.code) for one in outcomes] == [("stop", "host not listed"), ("accepted", None)]


def test_the_twenty_first_message_of_a_minute_waits_for_the_first_to_be_a_minute_old(server: Server) -> None:
    clock = Clock()
    robots = _robots(server, clock)
    request = _request(robots, "duty-office")
    for _ in range(20):
        assert [one.verdict for one in robots.send("call", [request])] == ["accepted"]
        clock.now += timedelta(seconds=1)
    (outcome,) = robots.send("call", [request])
    assert (outcome.verdict, outcome.code, outcome.wait) == ("stop", "20 a minute", 40)
    assert [one.verdict for one in robots.send("call", [_request(robots, "majie")])] == ["accepted"]
    clock.now += timedelta(seconds=40)
    assert [one.verdict for one in robots.send("call", [request])] == ["accepted"]
    robots.close()
    assert len(server.got) == 22


def test_an_address_that_is_no_robot_is_refused_by_name() -> None:
    with pytest.raises(NoSuchRobot, match="TUOQI_ROBOTS"):
        _request(Robots({}, lambda: NOW), "nobody")


def test_a_robot_that_is_gone_from_the_settings_gets_nothing(server: Server) -> None:
    request = _request(_robots(server), "duty-office")
    assert Robots({}, lambda: NOW).send("call", [request]) == [
        Outcome("id-duty-office", "rejected", code="no such robot")
    ]


def test_the_webhook_is_in_no_log_repr_request_or_outcome(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    robots = _robots(server)
    request = _request(robots, "majie", Mail("a", "b", "c", (Enclosure("x", "a/b", b""),)))
    accepted = robots.send("call", [request])
    server.answer = (0, b"", {})
    unknown = robots.send("call", [request])
    robots.close()
    told = f"{robots!r} {robots._robots!r} {request!r} {accepted!r} {unknown!r} {caplog.text}"
    assert [accepted[0].verdict, unknown[0].verdict] == ["accepted", "unknown"]
    assert "HTTP Request: POST" in caplog.text
    assert KEY not in told
    assert SECRET not in told
