"""The official SDKs' own calls pass, and nothing that was changed on the way does."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from notifications.rehearsal.account import Account
from notifications.rehearsal.server import Rehearsal

Replay = Callable[[dict[str, Any]], httpx.Response]
Recorded = dict[str, dict[str, Any]]
ALIYUN = "aliyun-send-batch-sms"
TENCENT = "tencent-send-sms"


def _code(response: httpx.Response) -> tuple[int, str]:
    content = response.json()
    if "Response" not in content:
        return response.status_code, content["Code"]
    inside = content["Response"]
    if "Error" in inside:
        return response.status_code, inside["Error"]["Code"]
    return response.status_code, ",".join(one["Code"] for one in inside.get("SendStatusSet", []))


def test_a_session_of_the_official_sdks_is_understood(
    rehearsal: Rehearsal, clock: Any, recorded: Recorded, replay: Replay
) -> None:
    said = {}
    for name, call in recorded.items():
        clock.now = call["at"]
        said[name] = _code(replay(call))
    assert said == {
        "aliyun-send-sms": (200, "OK"),
        "aliyun-send-batch-sms": (200, "OK"),
        "aliyun-query-send-details": (200, "OK"),
        "aliyun-query-by-biz-id": (200, "OK"),
        "aliyun-unknown-template": (200, "isv.SMS_TEMPLATE_ILLEGAL"),
        "aliyun-wrong-secret": (400, "SignatureDoesNotMatch"),
        "aliyun-unknown-action": (404, "InvalidAction.NotFound"),
        "tencent-send-sms": (200, "Ok,Ok,InvalidParameterValue.IncorrectPhoneNumber"),
        "tencent-pull-send-status": (200, ""),
        "tencent-pull-reply-status": (200, ""),
        "tencent-pull-by-phone": (200, ""),
        "tencent-unknown-template": (200, "FailedOperation.TemplateUnapprovedOrNotExist"),
        "tencent-wrong-secret": (200, "AuthFailure.SignatureFailure"),
        "tencent-unknown-action": (200, "InvalidAction"),
    }
    assert [(entry.provider, entry.call_id, entry.phone[-1]) for entry in rehearsal.ledger.entries] == [
        ("aliyun", "call-1 *~+/=", "1"),
        ("aliyun", "call-2", "1"),
        ("aliyun", "call-2", "2"),
        ("aliyun", "call-2", "3"),
        ("tencent", "call-3", "1"),
        ("tencent", "call-3", "2"),
    ]
    assert rehearsal.ledger[0].values["name"] == "李 明+*~%&'\"𠮷"
    assert rehearsal.ledger[4].values["1"] == "2月26日 *~+%&'\"𠮷"


def _with(call: dict[str, Any], **headers: str) -> dict[str, Any]:
    return call | {"headers": call["headers"] | {name.replace("_", "-"): value for name, value in headers.items()}}


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        pytest.param(
            ALIYUN,
            lambda call: call | {"body": call["body"].replace("13800000001", "13800000009")},
            (400, "SignatureDoesNotMatch"),
            id="alibaba, another number in the body",
        ),
        pytest.param(
            ALIYUN,
            lambda call: call | {"target": call["target"].replace("call-2", "call-9")},
            (400, "SignatureDoesNotMatch"),
            id="alibaba, another OutId in the query",
        ),
        pytest.param(
            ALIYUN,
            lambda call: _with(call, x_acs_signature_nonce="fresh"),
            (400, "SignatureDoesNotMatch"),
            id="alibaba, a fresh nonce on an old call",
        ),
        pytest.param(
            ALIYUN,
            lambda call: _with(call, x_acs_security_token="x"),
            (400, "IncompleteSignature"),
            id="alibaba, a header slipped in unsigned",
        ),
        pytest.param(
            ALIYUN, lambda call: _with(call, authorization="none"), (400, "IncompleteSignature"), id="alibaba, unsigned"
        ),
        pytest.param(
            ALIYUN, lambda call: _with(call, x_acs_date="today"), (400, "IllegalTimestamp"), id="alibaba, no date"
        ),
        pytest.param(
            TENCENT,
            lambda call: call | {"body": call["body"].replace("13800000001", "13800000009")},
            (200, "AuthFailure.SignatureFailure"),
            id="tencent, another number in the body",
        ),
        pytest.param(
            TENCENT,
            lambda call: _with(call, x_tc_timestamp=str(int(call["headers"]["x-tc-timestamp"]) + 1)),
            (200, "AuthFailure.SignatureFailure"),
            id="tencent, another time",
        ),
        pytest.param(
            TENCENT,
            lambda call: _with(call, host="sms.example.cn"),
            (200, "AuthFailure.SignatureFailure"),
            id="tencent, another host",
        ),
        pytest.param(
            TENCENT,
            lambda call: _with(call, authorization="none"),
            (200, "AuthFailure.InvalidAuthorization"),
            id="tencent, unsigned",
        ),
        pytest.param(
            TENCENT, lambda call: _with(call, x_tc_timestamp="now"), (200, "MissingParameter"), id="tencent, no time"
        ),
        pytest.param(
            TENCENT,
            lambda call: _with(call, x_tc_timestamp="9" * 5000),
            (200, "MissingParameter"),
            id="tencent, a time of 5,000 digits",
        ),
    ],
)
def test_a_call_that_was_changed_on_the_way_is_refused_and_nothing_is_accepted(
    rehearsal: Rehearsal,
    clock: Any,
    recorded: Recorded,
    replay: Replay,
    name: str,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    code: tuple[int, str],
) -> None:
    clock.now = recorded[name]["at"]
    assert _code(replay(change(recorded[name]))) == code
    assert len(rehearsal.ledger) == 0


@pytest.mark.parametrize(
    ("name", "late_s", "code"),
    [
        pytest.param(ALIYUN, 899, (200, "OK"), id="alibaba, within 15 minutes"),
        pytest.param(ALIYUN, 902, (400, "InvalidTimeStamp.Expired"), id="alibaba, after 15 minutes"),
        pytest.param(ALIYUN, -902, (400, "InvalidTimeStamp.Expired"), id="alibaba, from the future"),
        pytest.param(TENCENT, 299, (200, "Ok,Ok,InvalidParameterValue.IncorrectPhoneNumber"), id="tencent, 5 minutes"),
        pytest.param(TENCENT, 302, (200, "AuthFailure.SignatureExpire"), id="tencent, after 5 minutes"),
        pytest.param(TENCENT, -302, (200, "AuthFailure.SignatureExpire"), id="tencent, from the future"),
    ],
)
def test_a_clock_that_is_off_is_refused(
    clock: Any, recorded: Recorded, replay: Replay, name: str, late_s: int, code: tuple[int, str]
) -> None:
    clock.now = recorded[name]["at"] + late_s
    assert _code(replay(recorded[name])) == code


def test_alibaba_takes_a_nonce_once(rehearsal: Rehearsal, clock: Any, recorded: Recorded, replay: Replay) -> None:
    clock.now = recorded[ALIYUN]["at"]
    assert [_code(replay(recorded[ALIYUN])) for _ in range(2)] == [(200, "OK"), (400, "SignatureNonceUsed")]
    assert len(rehearsal.ledger) == 3


def test_tencent_takes_the_same_call_twice_and_the_ledger_shows_it(
    rehearsal: Rehearsal, clock: Any, recorded: Recorded, replay: Replay
) -> None:
    clock.now = recorded[TENCENT]["at"]
    for _ in range(2):
        replay(recorded[TENCENT])
    assert len(rehearsal.ledger) == 4
    assert rehearsal.ledger.duplicates()["by_call"] == {("call-3", "13800000001"): 2, ("call-3", "13800000002"): 2}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param(ALIYUN, (404, "InvalidAccessKeyId.NotFound"), id="alibaba"),
        pytest.param(TENCENT, (200, "AuthFailure.SecretIdNotFound"), id="tencent"),
    ],
)
def test_an_unknown_key_is_refused(recorded: Recorded, name: str, code: tuple[int, str]) -> None:
    call = recorded[name]
    with (
        Rehearsal(Account(key_id="otherKeyId"), clock=lambda: call["at"]) as rehearsal,
        httpx.Client(base_url=rehearsal.url) as client,
    ):
        headers = list(call["headers"].items())
        assert _code(client.request("POST", call["target"], headers=headers, content=call["body"].encode())) == code
