"""What a gateway's answer means: HTTP status and code, for the call and for each of its messages."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from notifications.channels.contract import TOMORROW, Outcome, Request
from notifications.channels.http import Answer
from notifications.channels.json_gateway_fates import judge
from notifications.channels.json_gateway_form import AnswerForm

NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)
ANSWER = {
    "code": "code",
    "accepted": [0],
    "ref": "data.id",
    "defer": [1],
    "tomorrow": [2],
    "stop": [3],
    "rejected": [4],
    "blocked": [5],
    "unknown": [6],
}
RESULTS = {**ANSWER, "results": {"entries": "data", "out_id": "uid", "code": "s", "ref": "ref"}}


def _answer(status: int, told: Any, **headers: str) -> Answer:
    content = told if isinstance(told, bytes) else json.dumps(told).encode()
    return Answer(status, httpx.Headers(headers), content)


def _judged(answer: Answer, number: int = 1, form: dict[str, Any] = ANSWER) -> list[Outcome]:
    requests = [Request(f"id{n}", f"1380013800{n}", "l", "duty-notice", "zh-CN", "{}") for n in range(number)]
    outcomes = judge(AnswerForm.model_validate(form), answer, requests, NOW)
    assert outcomes is not None
    return outcomes


@pytest.mark.parametrize(
    ("status", "answer", "verdict", "code", "wait"),
    [
        pytest.param(200, {"code": 0}, "accepted", None, None, id="accepted"),
        pytest.param(200, {"code": "0"}, "accepted", None, None, id="accepted, as text"),
        pytest.param(200, {"code": 1}, "defer", "1", None, id="later"),
        pytest.param(200, {"code": 2}, "defer", "2", TOMORROW, id="tomorrow"),
        pytest.param(200, {"code": 3}, "stop", "3", None, id="account"),
        pytest.param(200, {"code": 4}, "rejected", "4", None, id="wrong number"),
        pytest.param(200, {"code": 6}, "unknown", "6", None, id="they do not know"),
        pytest.param(200, {"code": 99}, "defer", "99", None, id="a code that nobody listed"),
        pytest.param(200, {"code": "no 13800138000"}, "defer", "unreadable code", None, id="a text with a number"),
        pytest.param(200, {"data": 0}, "unknown", "no code", None, id="no code"),
        pytest.param(200, {"code": None}, "unknown", "no code", None, id="null"),
        pytest.param(200, [0], "unknown", "no code", None, id="a list"),
        pytest.param(200, b"<html>ok", "unknown", "no code", None, id="not JSON"),
        pytest.param(200, b"", "unknown", "no code", None, id="empty"),
        pytest.param(500, {"code": 4}, "rejected", "4", None, id="500 with a clear refusal"),
        pytest.param(500, {"code": 0}, "unknown", "http 500", None, id="500 that says accepted"),
        pytest.param(500, {"code": 99}, "unknown", "99", None, id="500 with a code that nobody listed"),
        pytest.param(502, b"", "unknown", "http 502", None, id="a relay"),
        pytest.param(429, b"", "stop", "http 429", 60, id="too often"),
        pytest.param(400, b"", "defer", "http 400", None, id="bad request"),
        pytest.param(400, {"code": 0}, "unknown", "http 400", None, id="an error that says accepted"),
        pytest.param(401, b"", "stop", "http 401", None, id="not us"),
        pytest.param(404, b"", "stop", "http 404", None, id="wrong address"),
        pytest.param(302, b"", "stop", "http 302", None, id="sent elsewhere"),
    ],
)
def test_what_an_answer_means(
    status: int,
    answer: Any,
    verdict: str,
    code: str | None,
    wait: Any,
) -> None:
    (outcome,) = _judged(_answer(status, answer))
    assert (outcome.verdict, outcome.code, outcome.wait) == (verdict, code, wait)


def test_a_number_on_their_blacklist_opted_out() -> None:
    assert _judged(_answer(200, {"code": 5})) == [Outcome("id0", "rejected", code="5", blocked=True)]


@pytest.mark.parametrize("status", [429, 503])
def test_a_gateway_that_says_how_long_is_left_alone_so_long(status: int) -> None:
    answer = Answer(status, httpx.Headers({"Retry-After": "17"}), b"")
    assert _judged(answer) == [Outcome("id0", "stop", code=f"http {status}", wait=17)]


def test_the_number_of_the_call_is_kept_with_each_message() -> None:
    outcomes = _judged(_answer(200, {"code": 0, "data": {"id": 77}}), 2)
    assert outcomes == [Outcome("id0", "accepted", "77"), Outcome("id1", "accepted", "77")]


def test_a_refusal_that_must_concern_one_of_several_is_left_to_halves() -> None:
    requests = [Request(f"id{n}", f"1380013800{n}", "l", "duty-notice", "zh-CN", "{}") for n in range(2)]
    assert judge(AnswerForm.model_validate(ANSWER), _answer(200, {"code": 5}), requests, NOW) is None


def test_results_tell_of_each_message_and_a_missing_one_is_unknown() -> None:
    rows = [{"uid": "id1", "s": 5}, {"uid": "id0", "s": "0", "ref": "r0"}, {"uid": "id2", "s": 42}, 7]
    assert _judged(_answer(200, {"code": 0, "data": rows}), 4, RESULTS) == [
        Outcome("id0", "accepted", "r0"),
        Outcome("id1", "rejected", code="5", blocked=True),
        Outcome("id2", "defer", code="42"),
        Outcome("id3", "unknown", code="no result"),
    ]


def test_results_may_be_found_by_phone() -> None:
    form = {**ANSWER, "results": {"entries": "rows", "phone": "p", "code": "s"}}
    rows = [{"p": "+8613800138001", "s": 0}, {"p": 13800138000, "s": 4}]
    outcomes = _judged(_answer(200, {"code": 0, "rows": rows}), 2, form)
    assert [one.verdict for one in outcomes] == ["rejected", "accepted"]


def test_no_list_of_results_leaves_every_message_in_doubt() -> None:
    outcomes = _judged(_answer(200, {"code": 0, "data": None}), 2, RESULTS)
    assert [(one.verdict, one.code) for one in outcomes] == [("unknown", "no result")] * 2
