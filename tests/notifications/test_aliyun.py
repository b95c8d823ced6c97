"""Alibaba Cloud SMS: what leaves, and what each answer means."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels.aliyun import GATEWAY, Aliyun
from notifications.channels.aliyun_codes import FATES
from notifications.channels.contract import TOMORROW, Channel, Outcome
from notifications.channels.enquiry import Enquiry
from tests.notifications.test_sms import NOW, TEMPLATES, frozen, letter

LOCAL = replace(GATEWAY, url="http://127.0.0.1:9", hosts=frozenset({"127.0.0.1"}), development=True)

Handler = Callable[[httpx.Request], httpx.Response]


class Gateway:
    """Answers with what it is given, the last answer again and again, and keeps what came."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.seen: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        fields = {**dict(request.url.params), **{k: v[0] for k, v in parse_qs(request.content.decode()).items()}}
        self.seen.append({"action": request.headers["x-acs-action"], **fields})
        answer = self.answers[min(len(self.seen), len(self.answers)) - 1]
        answer = answer(self.seen[-1]) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)


def open_channel(gateway: Handler, **rest: Any) -> Aliyun:
    rest = {"sign": "【托起】", "templates": TEMPLATES, "gateway": LOCAL, **rest}
    channel = Aliyun("testId", "testSecret", clock=lambda: NOW, transport=httpx.MockTransport(gateway), **rest)
    channel.open()
    return channel


def _send(*answers: Any, count: int = 1) -> list[Outcome]:
    channel = open_channel(Gateway(*answers))
    return channel.send("call-1", frozen(channel, count))


def test_it_is_a_channel_and_can_be_asked() -> None:
    channel: Channel = open_channel(Gateway({}))
    assert isinstance(channel, Enquiry)
    assert (channel.provider, channel.batch) == ("aliyun", 100)


def test_one_message_goes_by_send_sms() -> None:
    gateway = Gateway({"Code": "OK", "BizId": "9006^0"})
    channel = open_channel(gateway)
    assert channel.send("call-1", frozen(channel, 1)) == [Outcome("id1", "accepted", "9006^0")]
    assert gateway.seen == [
        {
            "action": "SendSms",
            "PhoneNumbers": "13800000001",
            "SignName": "托起",
            "TemplateCode": "SMS_1",
            "OutId": "call-1",
            "TemplateParam": '{"p1":"李建国","p2":"7月12日"}',
        }
    ]


def test_several_messages_go_by_one_send_batch_sms_each_with_its_own_values() -> None:
    gateway = Gateway({"Code": "OK", "BizId": "9006^0"})
    channel = open_channel(gateway)
    requests = frozen(channel, 2)
    requests[1] = replace(requests[1], body=channel.compose(letter(["王芳", "7月13日"], 2)))
    assert channel.send("call-1", requests) == [Outcome(f"id{n}", "accepted", "9006^0") for n in (1, 2)]
    assert gateway.seen == [
        {
            "action": "SendBatchSms",
            "TemplateCode": "SMS_1",
            "OutId": "call-1",
            "PhoneNumberJson": '["13800000001","13800000002"]',
            "SignNameJson": '["托起","托起"]',
            "TemplateParamJson": '[{"p1":"李建国","p2":"7月12日"},{"p1":"王芳","p2":"7月13日"}]',
        }
    ]


@pytest.mark.parametrize("count", [pytest.param(1, id="one"), pytest.param(2, id="a batch")])
def test_a_template_without_variables_is_sent_without_parameters(count: int) -> None:
    gateway = Gateway({"Code": "OK"})
    channel = open_channel(gateway)
    channel.send("call-1", frozen(channel, count, values=()))
    assert not any(name.startswith("TemplateParam") for name in gateway.seen[0])


def test_a_request_is_signed_for_the_host_it_goes_to() -> None:
    signed: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        signed.append(request.headers["Authorization"])
        assert request.headers["Accept"] == "application/json"
        assert request.headers["x-acs-version"] == "2017-05-25"
        assert request.headers["x-acs-date"] == "2026-07-12T17:00:00Z"
        return httpx.Response(200, json={"Code": "OK"})

    channel = open_channel(handle)
    channel.send("call-1", frozen(channel, 2))
    assert signed[0].startswith("ACS3-HMAC-SHA256 Credential=testId,SignedHeaders=accept;content-type;host;user-agent;")


STOP = Outcome("id1", "stop")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("isv.DAY_LIMIT_CONTROL", replace(STOP, wait=TOMORROW), id="the account's day"),
        pytest.param("Throttling.User", replace(STOP, wait=5), id="too fast"),
        pytest.param("isv.AMOUNT_NOT_ENOUGH", STOP, id="money"),
        pytest.param("isv.OUT_OF_SERVICE", STOP, id="out of service"),
        pytest.param("isp.RAM_PERMISSION_DENY", STOP, id="permission"),
        pytest.param("InvalidAccessKeyId.NotFound", STOP, id="key"),
        pytest.param("SignatureDoesNotMatch", STOP, id="signature"),
        pytest.param("isv.SMS_TEMPLATE_ILLEGAL", replace(STOP, scope="template"), id="template"),
        pytest.param("isv.SMS_SIGNATURE_ILLEGAL", replace(STOP, scope="template"), id="sign"),
        pytest.param("isv.NEWLY_INVENTED", replace(STOP, scope="template"), id="nobody knows this code"),
        pytest.param("isv.MOBILE_NUMBER_ILLEGAL", Outcome("id1", "rejected"), id="number"),
        pytest.param("isv.PARAM_LENGTH_LIMIT", Outcome("id1", "rejected"), id="too long"),
        pytest.param("isv.SMS_CONTENT_ILLEGAL", Outcome("id1", "rejected"), id="content"),
        pytest.param("isv.BLACK_KEY_CONTROL_LIMIT", Outcome("id1", "rejected", blocked=True), id="blacklisted"),
        pytest.param("isv.CUSTOMER_REFUSED", Outcome("id1", "rejected", blocked=True), id="opted out"),
        pytest.param("isp.SYSTEM_ERROR", Outcome("id1", "unknown"), id="system error"),
        pytest.param("isp.NEWLY_INVENTED", Outcome("id1", "unknown"), id="an unknown error of theirs"),
        pytest.param("SignatureNonceUsed", Outcome("id1", "unknown"), id="a relay sent it twice"),
    ],
)
def test_what_each_code_means(code: str, expected: Outcome) -> None:
    assert _send({"Code": code, "Message": "号码13800000001"}) == [replace(expected, code=code)]


@pytest.mark.parametrize(
    ("message", "wait"),
    [
        pytest.param("触发分钟级流控Permits:1", 60, id="minute"),
        pytest.param("触发小时级流控Permits:5", 3600, id="hour"),
        pytest.param("触发天级流控Permits:10", "tomorrow", id="day"),
        pytest.param("流控", None, id="not said"),
        pytest.param(None, None, id="no message"),
    ],
)
def test_a_number_that_had_too_many_waits_as_long_as_the_limit_says(message: str | None, wait: Any) -> None:
    code = "isv.BUSINESS_LIMIT_CONTROL"
    assert _send({"Code": code, "Message": message}) == [Outcome("id1", "defer", code=code, wait=wait)]


@pytest.mark.parametrize(
    ("answer", "verdict", "code"),
    [
        pytest.param(httpx.Response(200, content=b"<html>"), "unknown", "http 200", id="200 that is no JSON"),
        pytest.param(httpx.Response(200, content=b'{"Code":"O'), "unknown", "http 200", id="200 cut short"),
        pytest.param(httpx.Response(200, json={"BizId": "1"}), "unknown", "http 200", id="200 without a code"),
        pytest.param(httpx.Response(200, json=["OK"]), "unknown", "http 200", id="200 with a list"),
        pytest.param(httpx.Response(200, json={"Code": "ok"}), "stop", "ok", id="ok is not OK"),
        pytest.param(httpx.Response(202, json={"Code": "OK"}), "unknown", "http 202", id="202"),
        pytest.param(httpx.Response(500, json={"Code": "OK"}), "unknown", "http 500", id="500 that says OK"),
        pytest.param(httpx.Response(500), "unknown", "http 500", id="500"),
        pytest.param(httpx.Response(502, content=b"<html>"), "unknown", "http 502", id="502"),
        pytest.param(httpx.Response(504), "unknown", "http 504", id="504"),
        pytest.param(httpx.Response(503), "unknown", "http 503", id="503"),
        pytest.param(httpx.Response(503, json={"Code": "New"}), "unknown", "New", id="503 with an unknown code"),
        pytest.param(httpx.Response(303), "unknown", "http 303", id="303 may follow upon success"),
        pytest.param(httpx.Response(408), "unknown", "http 408", id="408"),
        pytest.param(httpx.Response(302, headers={"Location": "https://evil.example"}), "stop", "http 302", id="302"),
        pytest.param(httpx.Response(401), "stop", "http 401", id="401"),
        pytest.param(httpx.Response(403), "stop", "http 403", id="403"),
        pytest.param(httpx.Response(404), "stop", "http 404", id="404"),
        pytest.param(httpx.Response(429), "stop", "http 429", id="429"),
        pytest.param(httpx.Response(400), "defer", "http 400", id="400 that says nothing"),
        pytest.param(httpx.Response(413), "defer", "http 413", id="413"),
        pytest.param(
            httpx.Response(400, json={"Code": "SignatureDoesNotMatch"}), "stop", "SignatureDoesNotMatch", id="400"
        ),
        pytest.param(
            httpx.Response(500, json={"Code": "isv.MOBILE_NUMBER_ILLEGAL"}),
            "rejected",
            "isv.MOBILE_NUMBER_ILLEGAL",
            id="500 with the provider's own word",
        ),
        pytest.param({"Code": "号码 13800000001"}, "stop", "unreadable code", id="a code that quotes a number"),
        pytest.param({"Code": "E13800000001"}, "stop", "unreadable code", id="a number inside a code"),
        pytest.param(httpx.ConnectError("x"), "stop", "ConnectError", id="no connection"),
        pytest.param(httpx.ReadTimeout("x"), "unknown", "ReadTimeout", id="no answer"),
        pytest.param(httpx.RemoteProtocolError("x"), "unknown", "RemoteProtocolError", id="cut"),
    ],
)
def test_what_each_answer_means(answer: Any, verdict: Any, code: str) -> None:
    (outcome,) = _send(answer)
    assert (outcome.verdict, outcome.code, outcome.provider_ref) == (verdict, code, None)


@pytest.mark.parametrize("status", [429, 503])
def test_a_gateway_that_asks_us_to_wait_has_taken_nothing(status: int) -> None:
    answer = httpx.Response(status, headers={"Retry-After": "7"})
    assert _send(answer) == [Outcome("id1", "stop", code=f"http {status}", wait=7.0)]


@pytest.mark.parametrize(
    "answer",
    [pytest.param({"Code": "isp.SYSTEM_ERROR"}, id="code"), pytest.param(httpx.ReadTimeout("x"), id="no answer")],
)
def test_a_doubt_about_a_batch_is_a_doubt_about_each_of_its_rows(answer: Any) -> None:
    gateway = Gateway(answer)
    channel = open_channel(gateway)
    outcomes = channel.send("call-1", frozen(channel, 5))
    assert [outcome.verdict for outcome in outcomes] == ["unknown"] * 5
    assert len(gateway.seen) == 1


def _spoiled(
    *bad: str, code: str = "isv.MOBILE_NUMBER_ILLEGAL", ledger: list[str] | None = None
) -> Callable[[dict[str, Any]], Any]:
    """Refuse every call with one of these numbers in it; the ledger has the numbers of the others."""

    def answer(call: dict[str, Any]) -> Any:
        phones = json.loads(call.get("PhoneNumberJson", f'["{call.get("PhoneNumbers")}"]'))
        if set(bad) & set(phones):
            return {"Code": code}
        (ledger if ledger is not None else []).extend(phones)
        return {"Code": "OK", "BizId": "9006^0"}

    return answer


@pytest.mark.parametrize("bad", [(), (1,), (37,), (100,), (1, 2, 99), tuple(range(1, 11))])
def test_wrong_numbers_in_a_batch_cost_nobody_else_their_message(bad: tuple[int, ...]) -> None:
    ledger: list[str] = []
    gateway = Gateway(_spoiled(*(f"1380000{number:04}" for number in bad), ledger=ledger))
    channel = open_channel(gateway)
    outcomes = channel.send("call-1", frozen(channel, 100))
    assert {outcome.out_id for outcome in outcomes if outcome.verdict == "rejected"} == {f"id{n}" for n in bad}
    assert sum(outcome.verdict == "accepted" for outcome in outcomes) == 100 - len(bad)
    assert len(ledger) == len(set(ledger)) == 100 - len(bad)
    assert len(gateway.seen) <= 1 + 14 * len(bad)


def test_a_number_with_too_many_is_deferred_alone() -> None:
    outcomes = _send(_spoiled("13800000002", code="isv.BUSINESS_LIMIT_CONTROL"), count=4)
    assert [outcome.verdict for outcome in outcomes] == ["accepted", "defer", "accepted", "accepted"]


def test_behind_a_doubt_nothing_more_flies() -> None:
    refused = {"Code": "isv.MOBILE_NUMBER_ILLEGAL"}
    outcomes = _send(refused, refused, httpx.ReadTimeout("x"), {"Code": "OK"}, count=4)
    assert [(outcome.out_id, outcome.verdict, outcome.code) for outcome in outcomes] == [
        ("id1", "unknown", "ReadTimeout"),
        ("id2", "stop", "not tried"),
        ("id3", "stop", "not tried"),
        ("id4", "stop", "not tried"),
    ]


def test_a_stopped_channel_sends_the_untried_back_with_the_same_reason() -> None:
    refused = {"Code": "isv.MOBILE_NUMBER_ILLEGAL"}
    outcomes = _send(refused, {"Code": "isv.DAY_LIMIT_CONTROL"}, {"Code": "OK"}, count=4)
    assert {(outcome.verdict, outcome.code, outcome.wait) for outcome in outcomes} == {
        ("stop", "isv.DAY_LIMIT_CONTROL", "tomorrow")
    }


@pytest.mark.parametrize("sign", ["托起", "【托起】"])
def test_a_sign_may_come_with_its_brackets(sign: str) -> None:
    assert json.loads(open_channel(Gateway({}), sign=sign).compose(letter()))["sign"] == "托起"


def test_texts_of_one_template_may_share_a_call() -> None:
    channel = open_channel(Gateway({}))
    kin = [channel.kin(channel.compose(one)) for one in (letter(), letter(["王芳", "x"], 2))]
    assert kin[0] == kin[1]
    assert kin[0] != channel.kin(channel.compose(letter(language="en")))
    assert "李建国" not in kin[0]


@given(values=st.lists(st.text(max_size=60).filter(lambda text: "." not in text and ":" not in text), max_size=6))
def test_any_text_arrives_as_it_was_frozen(values: list[str]) -> None:
    gateway = Gateway({"Code": "OK"})
    channel = open_channel(gateway, variable_limit=200)
    assert channel.compose(letter(values)) == channel.compose(letter(values))
    channel.send("call-1", frozen(channel, 1, values=values))
    channel.send("call-1", frozen(channel, 2, values=values))
    named = {f"p{position}": value for position, value in enumerate(values, 1)}
    assert json.loads(gateway.seen[0].get("TemplateParam", "{}")) == named
    assert json.loads(gateway.seen[1].get("TemplateParamJson", "[{}, {}]")) == [named, named]


def test_the_secret_shows_nowhere() -> None:
    channel = open_channel(Gateway({}))
    assert "testSecret" not in f"{channel!r} {vars(channel)!r} {vars(channel._line)!r}"


def test_every_code_has_one_of_the_five_verdicts_and_only_frequency_waits_for_a_number() -> None:
    assert {fate.verdict for fate in FATES.values()} == {"defer", "rejected", "stop", "unknown"}
    assert all(fate.one for fate in FATES.values() if fate.verdict in ("defer", "rejected"))


def test_after_a_drain_the_line_is_closed_and_can_be_opened_again() -> None:
    channel = open_channel(Gateway({"Code": "OK"}))
    channel.close()
    channel.close()
    channel.open()
    assert channel.send("call-1", frozen(channel, 1))[0].verdict == "accepted"
