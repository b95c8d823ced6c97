"""A JSON gateway against a real server on loopback: bodies, lines, and what its answers mean."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from notifications.channels.contract import Channel, ChannelDown, Letter, Outcome, Request
from notifications.channels.enquiry import Enquiry
from notifications.channels.json_gateway import JsonGateway, Pace
from notifications.channels.json_gateway_enquiry import gateway
from notifications.channels.json_gateway_form import BadGatewayFile, GatewayForm, MissingSecret
from notifications.rendering import Sms
from tests.notifications.conftest import Web

NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)
SECRETS = {"TOKEN": "s3cr3t-token", "ACCOUNT": "s3cr3t-account"}
SINGLE = {
    "account": "${ACCOUNT}",
    "call": "{{ call_id }}-{{ phone }}",
    "mobile": "{{ phone }}",
    "content": "{{ text }}",
    "params": "{{ values }}",
    "joined": "{{ values | join(',') }}",
    "priority": 5,
    "nested": [{"bare": "{{ text.removeprefix(sign) }}", "sign": "{{ sign.strip('【】') }}", "id": "{{ out_id }}"}],
}
BATCH = {
    "batch": 10,
    "body": {"call": "{{ call_id }}", "list": "{{ messages }}"},
    "messages": {"mobile": "{{ phone }}", "content": "{{ text }}", "uid": "{{ out_id }}"},
}
ANSWER = {"code": "code", "accepted": [0], "ref": "data.id", "rejected": [4], "blocked": [5]}


def _form(base: str, **changed: Any) -> GatewayForm:
    least = {"provider": "city-sms", "url": f"{base}/send", "rate": 1000, "body": SINGLE}
    return GatewayForm.model_validate({**least, "answer": ANSWER, **changed})


@pytest.fixture
def gate(web: Web) -> Iterator[Callable[..., JsonGateway]]:
    """Open a gateway that calls `web`, which accepts everything."""
    web.says({"code": 0, "data": {"id": 77}})
    opened: list[JsonGateway] = []

    def start(**changed: Any) -> JsonGateway:
        form = _form(web.url, **changed)
        channel = gateway(form, SECRETS, frozenset({"127.0.0.1"}), lambda: NOW, development=True)
        channel.open()
        opened.append(channel)
        return channel

    yield start
    for channel in opened:
        channel.close()


def _requests(channel: JsonGateway, number: int = 1, text: str = "您好") -> list[Request]:
    sms = Sms(f"【托起】{text}", 1, ("李建国", "7月12日"))
    letters = [
        Letter(f"id{n}", f"1380013800{n}", "duty-notice-C-1", "duty-notice", "zh-CN", sms, NOW) for n in range(number)
    ]
    return [
        Request(one.out_id, one.address, one.label, one.template, one.language, channel.compose(one)) for one in letters
    ]


def test_a_gateway_is_a_channel_and_no_enquiry_without_a_query(gate: Callable[..., JsonGateway]) -> None:
    channel: Channel = gate()
    assert (channel.provider, channel.batch) == ("city-sms", 50)
    assert not isinstance(channel, Enquiry)


def test_a_body_is_filled_in_and_keeps_its_types(web: Web, gate: Callable[..., JsonGateway]) -> None:
    channel = gate(headers={"Authorization": "Bearer ${TOKEN}"})
    assert channel.send("call", _requests(channel)) == [Outcome("id0", "accepted", "77")]
    assert web.bodies == [
        {
            "account": "s3cr3t-account",
            "call": "call-13800138000",
            "mobile": "13800138000",
            "content": "【托起】您好",
            "params": ["李建国", "7月12日"],
            "joined": "李建国,7月12日",
            "priority": 5,
            "nested": [{"bare": "您好", "sign": "托起", "id": "id0"}],
        }
    ]
    assert web.got[0].headers["Authorization"] == "Bearer s3cr3t-token"
    assert web.got[0].headers["Content-Type"] == "application/json; charset=utf-8"


def test_secrets_are_in_no_frozen_request_log_or_repr(
    web: Web, gate: Callable[..., JsonGateway], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = gate(headers={"Authorization": "Bearer ${TOKEN}"})
    requests = _requests(channel)
    channel.send("call", requests)
    web.says(b"", 0)
    outcomes = channel.send("call", requests)
    assert "HTTP Request: POST" in caplog.text
    assert "s3cr3t" not in f"{requests!r} {outcomes!r} {channel!r} {channel._form!r} {caplog.text}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('"}, {"mobile": "13900139000', id="JSON"),
        pytest.param("{{ call_id }} ${TOKEN} {{ 7 * 7 }}", id="template"),
        pytest.param("a\\b\n\u2028\x00</script>", id="control characters"),
    ],
)
def test_no_text_can_break_out_of_its_place(web: Web, gate: Callable[..., JsonGateway], text: str) -> None:
    for changed in ({}, BATCH):
        channel = gate(**changed)
        channel.send("call", _requests(channel, text=text))
    assert [web.bodies[0]["content"], web.bodies[1]["list"][0]["content"]] == [f"【托起】{text}"] * 2


def test_half_a_character_is_sent_as_a_question_mark(web: Web, gate: Callable[..., JsonGateway]) -> None:
    channel = gate()
    channel.send("call", _requests(channel, text="\ud800"))
    assert web.bodies[0]["content"] == "【托起】?"


def test_a_value_that_is_not_there_costs_its_own_message_only(gate: Callable[..., JsonGateway]) -> None:
    channel = gate(body={"a": "{{ values[7] }}"})
    with pytest.raises(BadGatewayFile, match="duty-notice"):
        _requests(channel)


def test_a_gateway_that_hangs_up_leaves_us_in_doubt(web: Web, gate: Callable[..., JsonGateway]) -> None:
    web.says(b"", 0)
    channel = gate()
    assert channel.send("call", _requests(channel)) == [Outcome("id0", "unknown", code="RemoteProtocolError")]
    assert len(web.bodies) == 1


def test_a_gateway_that_nobody_answers_for_stops_the_channel(gate: Callable[..., JsonGateway]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        channel = gate(url=f"http://127.0.0.1:{probe.getsockname()[1]}/")
        outcomes = channel.send("call", _requests(channel, 3))
    assert [(one.verdict, one.code) for one in outcomes] == [("stop", "ConnectError")] * 3


def test_messages_fly_side_by_side_each_on_a_line_of_its_own(web: Web, gate: Callable[..., JsonGateway]) -> None:
    together = threading.Barrier(5, timeout=10)

    def say(_: Any) -> tuple[int, Any]:
        together.wait()
        return 200, {"code": 0}

    web.say = say
    channel = gate(connections=5)
    assert {one.verdict for one in channel.send("call", _requests(channel, 10))} == {"accepted"}
    assert len({told.peer for told in web.got}) == 5
    assert len({told["mobile"] for told in web.bodies}) == 10


@pytest.mark.parametrize(
    ("status", "verdict", "code"),
    [pytest.param(500, "unknown", "not tried", id="in doubt"), pytest.param(401, "stop", "http 401", id="in trouble")],
)
def test_behind_a_call_in_doubt_or_a_channel_in_trouble_nothing_more_flies(
    web: Web, gate: Callable[..., JsonGateway], status: int, verdict: str, code: str
) -> None:
    web.say = lambda told: (status, b"") if told["mobile"].endswith("1") else (200, {"code": 0})
    channel = gate()
    outcomes = channel.send("call", _requests(channel, 4))
    assert [one.verdict for one in outcomes] == ["accepted", verdict, "stop", "stop"]
    assert [one.code for one in outcomes[2:]] == [code, code]
    assert len(web.bodies) == 2


def test_no_call_begins_when_the_lease_of_its_message_might_end(web: Web, gate: Callable[..., JsonGateway]) -> None:
    channel = gate()

    def slowly(_: Any) -> tuple[int, Any]:
        channel._ends = 0.0  # as if this answer had taken all the time
        return 200, {"code": 0}

    web.say = slowly
    outcomes = channel.send("call", _requests(channel, 3))
    assert [(one.verdict, one.code) for one in outcomes[1:]] == [("stop", "slow")] * 2
    assert (outcomes[0].verdict, len(web.bodies)) == ("accepted", 1)


def test_the_sign_of_the_installation_is_the_one_that_is_sent() -> None:
    channel = gateway(
        _form("http://127.0.0.1:1"), SECRETS, frozenset({"127.0.0.1"}), lambda: NOW, sign="【西山】", development=True
    )
    sms = Sms("【西山】您好", 1, ())
    one = Letter("id0", "13800138000", "duty-notice-C-1", "duty-notice", "zh-CN", sms, NOW)
    frozen = json.loads(channel.compose(one))
    assert frozen["nested"] == [{"bare": "您好", "sign": "西山", "id": "id0"}]


def test_a_batch_is_one_call(web: Web, gate: Callable[..., JsonGateway]) -> None:
    channel = gate(**BATCH)
    assert channel.batch == 10
    outcomes = channel.send("call", _requests(channel, 3))
    assert outcomes == [Outcome(f"id{n}", "accepted", "77") for n in range(3)]
    (told,) = web.bodies
    assert told["call"] == "call"
    assert told["list"][2] == {"mobile": "13800138002", "content": "【托起】您好", "uid": "id2"}


def test_one_wrong_number_costs_no_other_message_of_its_batch(web: Web, gate: Callable[..., JsonGateway]) -> None:
    web.say = lambda told: (200, {"code": 5 if any(m["uid"] == "id5" for m in told["list"]) else 0})
    channel = gate(**BATCH)
    outcomes = channel.send("call", _requests(channel, 8))
    assert [one.out_id for one in outcomes if one.verdict != "accepted"] == ["id5"]
    assert outcomes[5].blocked
    accepted = [told for told in web.bodies if all(m["uid"] != "id5" for m in told["list"])]
    assert sorted(m["uid"] for told in accepted for m in told["list"]) == [f"id{n}" for n in (0, 1, 2, 3, 4, 6, 7)]


def test_halves_stop_behind_a_half_in_doubt(web: Web, gate: Callable[..., JsonGateway]) -> None:
    def say(told: Any) -> tuple[int, Any]:
        return (200, {"code": 4}) if len(told["list"]) == 4 else (500, b"")

    web.say = say
    channel = gate(**BATCH)
    outcomes = channel.send("call", _requests(channel, 4))
    assert [one.verdict for one in outcomes] == ["unknown", "unknown", "stop", "stop"]
    assert len(web.bodies) == 2


def test_only_templates_with_a_number_are_carried(web: Web, gate: Callable[..., JsonGateway]) -> None:
    channel = gate(body={"t": "{{ template_id }}"}, templates={"duty-notice": {"zh-CN": 10086}})
    carried = [channel.carries(*of) for of in (("duty-notice", "zh-CN"), ("duty-notice", "en"), ("other", "zh-CN"))]
    assert carried == [True, False, False]
    channel.send("call", _requests(channel))
    assert web.bodies == [{"t": "10086"}]


def test_without_numbers_every_template_is_carried(gate: Callable[..., JsonGateway]) -> None:
    assert gate().carries("any", "en")


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param({}, id="not set"),
        pytest.param({"TOKEN": "", "ACCOUNT": ""}, id="empty"),
        pytest.param({"TOKEN": "s3cr3t\r\nX: y", "ACCOUNT": "s3cr3t\n"}, id="line break"),
        pytest.param({"TOKEN": "s3cr3t令牌", "ACCOUNT": "s3cr3t令牌"}, id="not ASCII"),
    ],
)
def test_a_secret_that_is_missing_or_would_break_a_header_is_told_by_name(secret: dict[str, str]) -> None:
    with pytest.raises(MissingSecret, match="ACCOUNT") as caught:
        JsonGateway(_form("http://127.0.0.1:1"), secret, frozenset({"127.0.0.1"}), lambda: NOW, development=True)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("https://elsewhere.example.org/send", "host not listed", id="another host"),
        pytest.param("http://sms.example.gov.cn/send", "not https", id="not encrypted"),
        pytest.param("https://127.0.0.1/send", "loopback", id="this machine"),
    ],
)
def test_a_gateway_that_may_not_be_called_is_refused(url: str, code: str) -> None:
    hosts = frozenset({"sms.example.gov.cn", "127.0.0.1"})
    with pytest.raises(ChannelDown, match=code):
        JsonGateway(_form("http://127.0.0.1:1", url=url), SECRETS, hosts, lambda: NOW)


def test_calls_leave_evenly() -> None:
    now, slept = [100.0], list[float]()
    pace = Pace(4, clock=lambda: now[0], sleep=slept.append)
    for _ in range(3):
        pace.wait()
    now[0] = 100.6
    pace.wait()
    now[0] = 200
    pace.wait()
    assert slept == pytest.approx([0.25, 0.5, 0.15])


@pytest.mark.parametrize(
    ("changed", "batch"),
    [
        pytest.param({}, 50, id="one line"),
        pytest.param({"connections": 20}, 60, id="full waves of the lines"),
        pytest.param({"rate": 0.1}, 6, id="a minute of a slow gateway"),
        pytest.param({"rate": 0.001}, 1, id="never none"),
        pytest.param(BATCH, 10, id="as many as a call holds"),
    ],
)
def test_how_many_fly_at_once(changed: dict[str, Any], batch: int) -> None:
    form = _form("http://127.0.0.1:1", **changed)
    assert JsonGateway(form, SECRETS, frozenset({"127.0.0.1"}), lambda: NOW, development=True).batch == batch
