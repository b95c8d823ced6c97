"""Tencent Cloud SMS: what leaves, and what each answer means."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from notifications.channels.contract import TOMORROW, Channel, Outcome
from notifications.channels.enquiry import Enquiry
from notifications.channels.fates import by_code
from notifications.channels.tencent import GATEWAY, Tencent
from notifications.channels.tencent_codes import FATES
from tests.notifications.test_sms import NOW, TEMPLATES, frozen, letter

CODES = Path(__file__).parents[1] / "data" / "captured" / "tencent-codes.json"
LOCAL = replace(GATEWAY, url="http://127.0.0.1:9", hosts=frozenset({"127.0.0.1"}), development=True)


class Gateway:
    """Answers with the Response that it is given, the last one again and again, and keeps what came."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.seen: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append({"action": request.headers["X-TC-Action"], **json.loads(request.content)})
        answer = self.answers[min(len(self.seen), len(self.answers)) - 1]
        answer = answer(self.seen[-1]) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json={"Response": answer})


def open_channel(gateway: Callable[[httpx.Request], httpx.Response], **rest: Any) -> Tencent:
    rest = {"sign": "【托起】", "templates": TEMPLATES, "gateway": LOCAL, "clock": lambda: NOW, **rest}
    channel = Tencent("testId", "testSecret", "1400006666", transport=httpx.MockTransport(gateway), **rest)
    channel.open()
    return channel


def status(phone: str, code: str = "Ok", serial: str = "2021:1") -> dict[str, Any]:
    return {"PhoneNumber": phone, "Code": code, "SerialNo": serial, "Fee": 1, "Message": f"to {phone}"}


def _all(code: str = "Ok", **others: str) -> Callable[[dict[str, Any]], Any]:
    """Give every number this status, some another one by their last digits, in another order."""

    def answer(call: dict[str, Any]) -> Any:
        phones = reversed(call["PhoneNumberSet"])
        return {"SendStatusSet": [status(phone, others.get(f"n{phone[-2:]}", code)) for phone in phones]}

    return answer


def _send(*answers: Any, count: int = 1) -> list[Outcome]:
    channel = open_channel(Gateway(*answers))
    return channel.send("call-1", frozen(channel, count))


def test_it_is_a_channel_and_can_be_asked() -> None:
    channel: Channel = open_channel(Gateway({}))
    assert isinstance(channel, Enquiry)
    assert (channel.provider, channel.batch) == ("tencent", 200)


def test_the_same_text_goes_to_all_its_numbers_in_one_call() -> None:
    gateway = Gateway(_all())
    channel = open_channel(gateway)
    assert channel.send("call-1", frozen(channel, 2)) == [Outcome(f"id{n}", "accepted", "2021:1") for n in (1, 2)]
    assert gateway.seen == [
        {
            "action": "SendSms",
            "SmsSdkAppId": "1400006666",
            "PhoneNumberSet": ["+8613800000001", "+8613800000002"],
            "SignName": "托起",
            "TemplateId": "SMS_1",
            "TemplateParamSet": ["李建国", "7月12日"],
            "SessionContext": "call-1",
        }
    ]


def test_a_request_is_signed_and_names_version_and_region() -> None:
    signed: list[httpx.Headers] = []

    def handle(request: httpx.Request) -> httpx.Response:
        signed.append(request.headers)
        return httpx.Response(200, json={"Response": {"SendStatusSet": [status("+8613800000001")]}})

    channel = open_channel(handle, region="ap-nanjing")
    channel.send("call-1", frozen(channel, 1))
    (headers,) = signed
    assert headers["Authorization"].startswith("TC3-HMAC-SHA256 Credential=testId/2026-07-12/sms/tc3_request, ")
    assert (headers["X-TC-Version"], headers["X-TC-Region"]) == ("2021-01-11", "ap-nanjing")
    assert headers["Content-Type"] == "application/json"


def test_other_texts_go_in_calls_of_their_own_one_at_a_time() -> None:
    gateway = Gateway(_all())
    channel = open_channel(gateway)
    requests = frozen(channel, 3)
    requests[1] = replace(requests[1], body=channel.compose(letter(["王芳", "7月13日"], 2)))
    assert {outcome.verdict for outcome in channel.send("call-1", requests)} == {"accepted"}
    assert [call["PhoneNumberSet"] for call in gateway.seen] == [
        ["+8613800000001", "+8613800000003"],
        ["+8613800000002"],
    ]
    assert {call["SessionContext"] for call in gateway.seen} == {"call-1"}


def test_only_messages_with_the_same_values_are_kin() -> None:
    channel = open_channel(Gateway({}))
    letters = letter(), letter(number=2), letter(["王芳", "x"]), letter(language="en")
    kin = [channel.kin(channel.compose(one)) for one in letters]
    assert kin[0] == kin[1]
    assert len(set(kin)) == 3
    assert "李建国" not in kin[0]


@pytest.mark.parametrize("shape", ["+86{}", "86{}", "{}", "0086{}"])
def test_statuses_are_matched_by_number_whatever_its_shape_never_by_place(shape: str) -> None:
    said = [status(shape.format(f"1380000000{n}"), "Ok" if n == 2 else "LimitExceeded.AppDailyLimit") for n in (2, 1)]
    outcomes = {outcome.out_id: outcome.verdict for outcome in _send({"SendStatusSet": said}, count=2)}
    assert outcomes == {"id1": "stop", "id2": "accepted"}


STOP = Outcome("id1", "stop")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("LimitExceeded.PhoneNumberThirtySecondLimit", Outcome("id1", "defer", wait=30), id="30 seconds"),
        pytest.param("LimitExceeded.PhoneNumberOneHourLimit", Outcome("id1", "defer", wait=3600), id="an hour"),
        pytest.param("LimitExceeded.PhoneNumberDailyLimit", Outcome("id1", "defer", wait=TOMORROW), id="a day"),
        pytest.param("LimitExceeded.DeliveryFrequencyLimit", Outcome("id1", "defer"), id="frequency"),
        pytest.param("LimitExceeded.AppDailyLimit", replace(STOP, wait=TOMORROW), id="the application's day"),
        pytest.param("RequestLimitExceeded.UinLimitExceeded", replace(STOP, wait=5), id="too fast"),
        pytest.param("FailedOperation.InsufficientBalanceInSmsPackage", STOP, id="money"),
        pytest.param("UnauthorizedOperation.ServiceSuspendDueToArrears", STOP, id="arrears"),
        pytest.param("AuthFailure.SignatureFailure", STOP, id="signature"),
        pytest.param("AuthFailure.SecretIdNotFound", STOP, id="key"),
        pytest.param("InternalError.RequestTimeException", STOP, id="our clock"),
        pytest.param(
            "FailedOperation.SignatureIncorrectOrUnapproved", replace(STOP, scope="template"), id="sign not approved"
        ),
        pytest.param(
            "FailedOperation.TemplateUnapprovedOrNotExist", replace(STOP, scope="template"), id="template not approved"
        ),
        pytest.param(
            "FailedOperation.MarketingSendTimeConstraint", replace(STOP, scope="template", wait=3600), id="at night"
        ),
        pytest.param("InvalidParameterValue.IncorrectPhoneNumber", Outcome("id1", "rejected"), id="number"),
        pytest.param("InvalidParameterValue.TemplateParameterLengthLimit", Outcome("id1", "rejected"), id="too long"),
        pytest.param("FailedOperation.ContainSensitiveWord", Outcome("id1", "rejected"), id="word"),
        pytest.param(
            "FailedOperation.PhoneNumberInBlacklist", Outcome("id1", "rejected", blocked=True), id="opted out"
        ),
        pytest.param("InternalError.Timeout", Outcome("id1", "unknown"), id="time-out"),
        pytest.param("InternalError.SendAndRecvFail", Outcome("id1", "unknown"), id="time-out to the carrier"),
        pytest.param("InternalError.NewlyInvented", Outcome("id1", "unknown"), id="an unknown error of theirs"),
    ],
)
@pytest.mark.parametrize("where", ["of the call", "of the number"])
def test_what_each_code_means(code: str, expected: Outcome, where: str) -> None:
    answer = {"Error": {"Code": code, "Message": "+8613800000001"}} if where == "of the call" else _all(code)
    assert _send(answer) == [replace(expected, code=code)]


@pytest.mark.parametrize("code", json.loads(CODES.read_text(encoding="utf-8")))
def test_every_code_of_the_official_sdk_is_known(code: str) -> None:
    assert by_code(FATES, code) is not None


def test_a_code_that_nobody_knows_stops_the_template_when_the_call_was_refused() -> None:
    assert _send({"Error": {"Code": "Brand.New"}}) == [replace(STOP, code="Brand.New", scope="template")]


def test_a_code_that_nobody_knows_defers_the_number_it_stands_at() -> None:
    assert _send(_all(n01="Brand.New"), count=2)[0] == Outcome("id1", "defer", code="Brand.New")


def test_a_template_refused_for_one_number_while_others_got_theirs_is_that_numbers_fault() -> None:
    code = "FailedOperation.TemplateIncorrectOrUnapproved"
    outcomes = _send(_all(n01=code), count=2)
    assert outcomes == [Outcome("id1", "defer", code=code), Outcome("id2", "accepted", "2021:1")]


@pytest.mark.parametrize(
    ("answer", "verdict", "code"),
    [
        pytest.param({"SendStatusSet": []}, "unknown", "http 200", id="no status at all"),
        pytest.param({}, "unknown", "http 200", id="neither statuses nor error"),
        pytest.param({"SendStatusSet": {}}, "unknown", "http 200", id="statuses that are no list"),
        pytest.param({"SendStatusSet": ["Ok"]}, "unknown", "http 200", id="statuses that are no objects"),
        pytest.param({"SendStatusSet": [status("+8613900000009")]}, "unknown", "no status", id="another number's"),
        pytest.param({"SendStatusSet": [{"PhoneNumber": "+8613800000001"}]}, "unknown", "no status", id="no code"),
        pytest.param({"SendStatusSet": [{"Code": "Ok"}]}, "unknown", "no status", id="no number"),
        pytest.param(_all("OK"), "defer", "OK", id="OK is not Ok"),
        pytest.param({"Error": {"Message": "x"}}, "stop", "unreadable code", id="an error without a code"),
        pytest.param({"Error": "x"}, "stop", "unreadable code", id="an error that is a text"),
        pytest.param(httpx.Response(200, content=b"<html>"), "unknown", "http 200", id="no JSON"),
        pytest.param(httpx.Response(200, content=b'{"Response":{"SendSt'), "unknown", "http 200", id="cut short"),
        pytest.param(httpx.Response(200, json={"Response": []}), "unknown", "http 200", id="a list"),
        pytest.param(
            httpx.Response(502, json={"Response": {"SendStatusSet": [status("+8613800000001")]}}),
            "unknown",
            "http 502",
            id="502 that says Ok",
        ),
        pytest.param(httpx.Response(500), "unknown", "http 500", id="500"),
        pytest.param(httpx.Response(404), "stop", "http 404", id="404"),
        pytest.param(httpx.ConnectTimeout("x"), "stop", "ConnectTimeout", id="no connection"),
        pytest.param(httpx.ReadTimeout("x"), "unknown", "ReadTimeout", id="no answer"),
        pytest.param(httpx.ReadError("x"), "unknown", "ReadError", id="line lost"),
    ],
)
def test_what_each_answer_means(answer: Any, verdict: Any, code: str) -> None:
    (outcome,) = _send(answer)
    assert (outcome.verdict, outcome.code, outcome.provider_ref) == (verdict, code, None)


def test_a_number_that_is_named_twice_counts_as_sent_when_it_was_sent_once() -> None:
    phone = "+8613800000001"
    for said in ([status(phone), status(phone, "InternalError.Timeout", "")], [status(phone, "X"), status(phone)]):
        assert _send({"SendStatusSet": said}) == [Outcome("id1", "accepted", "2021:1")]


def test_a_wrong_number_that_refuses_the_whole_call_costs_nobody_else_their_message() -> None:
    ledger: list[str] = []

    def answer(call: dict[str, Any]) -> Any:
        if "+8613800000037" in call["PhoneNumberSet"]:
            return {"Error": {"Code": "InvalidParameterValue.IncorrectPhoneNumber"}}
        ledger.extend(call["PhoneNumberSet"])
        return _all()(call)

    gateway = Gateway(answer)
    channel = open_channel(gateway)
    outcomes = channel.send("call-1", frozen(channel, 200))
    assert [outcome.out_id for outcome in outcomes if outcome.verdict != "accepted"] == ["id37"]
    assert len(ledger) == len(set(ledger)) == 199
    assert len(gateway.seen) < 20


def test_a_text_that_is_refused_is_refused_for_all_who_share_it_in_one_call() -> None:
    gateway = Gateway({"Error": {"Code": "InvalidParameterValue.TemplateParameterLengthLimit"}})
    channel = open_channel(gateway)
    assert {outcome.verdict for outcome in channel.send("call-1", frozen(channel, 200))} == {"rejected"}
    assert len(gateway.seen) == 1


def test_behind_a_doubt_the_other_texts_do_not_fly() -> None:
    gateway = Gateway(httpx.ReadTimeout("x"), _all())
    channel = open_channel(gateway)
    requests = frozen(channel, 2)
    requests[1] = replace(requests[1], body=channel.compose(letter(["王芳", "7月13日"], 2)))
    assert [(o.verdict, o.code) for o in channel.send("call-1", requests)] == [
        ("unknown", "ReadTimeout"),
        ("stop", "not tried"),
    ]
    assert len(gateway.seen) == 1


def test_a_new_account_takes_six_characters() -> None:
    channel = open_channel(Gateway({}), variable_limit=6)
    assert json.loads(channel.compose(letter(["马街街道养老服务中心"])))["values"] == ["马街街道养…"]


def test_the_secret_shows_nowhere() -> None:
    channel = open_channel(Gateway({}))
    assert "testSecret" not in f"{channel!r} {channel._line!r} {channel._api!r}"
