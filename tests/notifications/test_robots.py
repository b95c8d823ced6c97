"""Group robots against a real server on loopback: what they say, how long, and what their answers mean."""

import base64
import hmac
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels import robots as module
from notifications.channels.contract import Channel, Letter, Outcome, Request
from notifications.channels.robots import NoSuchRobot, Robot, Robots
from notifications.rendering import Enclosure, Mail, Sms
from tests.notifications.conftest import Web

OK = {"errcode": 0, "errmsg": "ok"}
NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)
KEY, SECRET = "693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa", "SEC0f1e2d3c"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(autouse=True)
def _fine(web: Web) -> None:
    web.says(OK)


def _robots(web: Web, clock: Callable[[], datetime] = lambda: NOW) -> Robots:
    robots = {
        "duty-office": Robot("wecom", f"{web.url}/cgi-bin/webhook/send?key={KEY}"),
        "majie": Robot("dingtalk", f"{web.url}/robot/send?access_token={KEY}", SECRET),
        "plain": Robot("dingtalk", f"{web.url}/robot/send?access_token={KEY}"),
    }
    return Robots(robots, clock, hosts=frozenset({"127.0.0.1"}), development=True)


def _request(robots: Robots, name: str, content: Mail | Sms = Sms("【托起】您好", 1)) -> Request:  # noqa: B008 - frozen
    letter = Letter(f"id-{name}", name, "alarm-S-1", "alarm", "zh-CN", content, NOW)
    return Request(letter.out_id, name, letter.label, letter.template, letter.language, robots.compose(letter))


def _body(name: str, content: Mail | Sms) -> Any:
    robots = Robots({name: Robot("dingtalk" if name == "majie" else "wecom", "https://x/?key=1")}, lambda: NOW)
    return json.loads(_request(robots, name, content).body)


def _send(web: Web, name: str = "duty-office") -> Outcome:
    robots = _robots(web)
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


def test_a_message_goes_to_the_webhook_of_its_robot(web: Web) -> None:
    assert _send(web) == Outcome("id-duty-office", "accepted")
    (told,) = web.got
    assert told.path == f"/cgi-bin/webhook/send?key={KEY}"
    assert told.body == {"msgtype": "text", "text": {"content": "【托起】您好"}}


def test_dingtalk_signs_the_moment_with_its_secret(web: Web) -> None:
    _send(web, "majie")
    query = parse_qs(urlsplit(web.got[0].path).query)
    stamp = str(int(NOW.timestamp() * 1000))
    mac = hmac.digest(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), "sha256")
    assert query == {"access_token": [KEY], "timestamp": [stamp], "sign": [base64.b64encode(mac).decode()]}


def test_a_robot_without_a_secret_signs_nothing(web: Web) -> None:
    _send(web, "plain")
    assert web.got[0].path == f"/robot/send?access_token={KEY}"


@pytest.mark.parametrize(
    ("name", "errcode", "verdict", "wait"),
    [
        pytest.param("duty-office", 45009, "stop", 60, id="WeCom: too often"),
        pytest.param("duty-office", 93000, "defer", None, id="WeCom: no such webhook"),
        pytest.param("duty-office", 40058, "rejected", None, id="WeCom: not allowed"),
        pytest.param("duty-office", -1, "defer", 60, id="WeCom: busy"),
        pytest.param("majie", 130101, "stop", 60, id="DingTalk: too often"),
        pytest.param("majie", 300001, "defer", None, id="DingTalk: no such token"),
        pytest.param("majie", 310000, "defer", None, id="DingTalk: wrong signature"),
        pytest.param("majie", 430104, "rejected", None, id="DingTalk: content"),
        pytest.param("majie", 987654, "defer", None, id="a code that nobody knows"),
    ],
)
def test_http_200_with_an_errcode_is_a_failure(
    web: Web, name: str, errcode: int, verdict: str, wait: float | None
) -> None:
    web.says({"errcode": errcode, "errmsg": "for 13800138000"})
    outcome = _send(web, name)
    assert (outcome.verdict, outcome.code, outcome.wait) == (verdict, str(errcode), wait)


@pytest.mark.parametrize(
    ("answer", "verdict", "code", "wait"),
    [
        pytest.param((500, b"", {}), "unknown", "http 500", None, id="server error"),
        pytest.param((0, b"", {}), "unknown", "RemoteProtocolError", None, id="no answer"),
        pytest.param((200, b"<html>", {}), "unknown", "no errcode", None, id="not JSON"),
        pytest.param((200, b'{"errcode": "0"}', {}), "unknown", "no errcode", None, id="not a number"),
        pytest.param((404, b"", {}), "defer", "http 404", None, id="wrong address"),
        pytest.param((302, b"", {"Location": "https://evil"}), "defer", "http 302", None, id="sent elsewhere"),
        pytest.param((429, b"", {"Retry_After": "30"}), "stop", "http 429", 30, id="told when to come back"),
        pytest.param((429, b"", {}), "stop", "http 429", 60, id="told to stay away"),
    ],
)
def test_other_answers(
    web: Web, answer: tuple[int, bytes, dict[str, str]], verdict: str, code: str, wait: float | None
) -> None:
    status, content, headers = answer
    web.says(content, status, **headers)
    outcome = _send(web)
    assert (outcome.verdict, outcome.code, outcome.wait) == (verdict, code, wait)
    assert len(web.got) == 1


def test_one_robot_that_is_set_wrongly_does_not_keep_the_others_from_theirs(web: Web) -> None:
    robots = _robots(web)
    robots._robots["duty-office"] = Robot("wecom", "https://elsewhere.example.org/?key=1")
    outcomes = robots.send("call", [_request(robots, "duty-office"), _request(robots, "majie")])
    robots.close()
    assert [(one.verdict, one.code) for one in outcomes] == [("defer", "host not listed"), ("accepted", None)]


def test_the_twenty_first_message_of_a_minute_waits_for_the_first_to_be_a_minute_old(web: Web) -> None:
    clock = Clock()
    robots = _robots(web, clock)
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
    assert len(web.got) == 22


def test_an_address_that_is_no_robot_is_refused_by_name() -> None:
    with pytest.raises(NoSuchRobot, match="TUOQI_ROBOTS"):
        _request(Robots({}, lambda: NOW), "nobody")


def test_a_robot_that_is_gone_from_the_settings_gets_nothing(web: Web) -> None:
    request = _request(_robots(web), "duty-office")
    assert Robots({}, lambda: NOW).send("call", [request]) == [
        Outcome("id-duty-office", "rejected", code="no such robot")
    ]


def test_the_webhook_is_in_no_log_repr_request_or_outcome(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    robots = _robots(web)
    request = _request(robots, "majie", Mail("a", "b", "c", (Enclosure("x", "a/b", b""),)))
    accepted = robots.send("call", [request])
    web.says(b"", 0)
    unknown = robots.send("call", [request])
    robots.close()
    told = f"{robots!r} {robots._robots!r} {request!r} {accepted!r} {unknown!r} {caplog.text}"
    assert [accepted[0].verdict, unknown[0].verdict] == ["accepted", "unknown"]
    assert "HTTP Request: POST" in caplog.text
    assert KEY not in told
    assert SECRET not in told
