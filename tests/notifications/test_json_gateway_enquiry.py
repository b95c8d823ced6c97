"""Asking a gateway what became of a message: "nothing" is said only when nothing else can be meant."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from notifications.channels.contract import ChannelDown
from notifications.channels.enquiry import Enquiry, Found, Unclear
from notifications.channels.json_gateway_enquiry import AskableGateway, gateway
from notifications.channels.json_gateway_form import GatewayForm
from tests.notifications.conftest import Web

PHONE = "13800138000"
DAYS = (date(2026, 7, 11), date(2026, 7, 12))
QUESTION = {"account": "${ACCOUNT}", "batch": "{{ call_id }}", "mobile": "{{ phone }}", "ref": "{{ provider_ref }}"}
ANSWER = {
    "code": "code",
    "accepted": [0],
    "nothing": [404],
    "records": "data.rows",
    "phone": "p",
    "state": "s",
    "ref": "id",
    "delivered": ["DELIVRD"],
    "undeliverable": ["UNDELIV"],
    "blocked": ["BLACK"],
}


@pytest.fixture
def ask(web: Web) -> Iterator[Callable[..., Found | None]]:
    """Ask `web` for PHONE in call c1."""
    opened: list[AskableGateway] = []

    def find(
        answer: dict[str, Any] = ANSWER,
        body: dict[str, Any] = QUESTION,
        ref: str | None = None,
        days: Sequence[date] = DAYS,
    ) -> Found | None:
        form = GatewayForm.model_validate(
            {
                "provider": "city-sms",
                "url": f"{web.url}/send",
                "rate": 1000,
                "body": {"batch": "{{ call_id }}", "mobile": "{{ phone }}"},
                "answer": {"code": "code", "accepted": [0]},
                "query": {"url": f"{web.url}/query", "body": body, "answer": answer},
            }
        )
        hosts, now = frozenset({"127.0.0.1"}), datetime(2026, 7, 12, tzinfo=UTC)
        enquiry = gateway(form, {"ACCOUNT": "a1"}, hosts, lambda: now, development=True)
        assert isinstance(enquiry, Enquiry)
        assert isinstance(enquiry, AskableGateway)
        enquiry.open()
        opened.append(enquiry)
        assert list(enquiry.reports()) == list(enquiry.replies()) == []
        return enquiry.find(PHONE, days, "c1", ref)

    yield find
    for enquiry in opened:
        enquiry.close()


def _rows(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"code": 0, "data": {"rows": [{"p": PHONE, **row} for row in rows]}}


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        pytest.param([{"s": "DELIVRD", "id": 7}], Found("delivered", "7"), id="delivered"),
        pytest.param([{"s": "UNDELIV"}], Found("undeliverable", None, "UNDELIV"), id="undeliverable"),
        pytest.param([{"s": "BLACK"}], Found("undeliverable", None, "BLACK", blocked=True), id="blacklisted"),
        pytest.param([{"s": "WAITING"}], Found("accepted", None, "WAITING"), id="a state that nobody listed"),
        pytest.param([{}], Found("accepted"), id="no state"),
        pytest.param([{"s": "UNDELIV"}, {"s": "DELIVRD"}], Found("delivered"), id="the best of two"),
        pytest.param([{"p": "13900139000", "s": "UNDELIV"}, {"s": "WAITING"}], Found("accepted", None, "WAITING"),
                     id="another's beside it"),
        pytest.param([{"p": "+86" + PHONE, "s": "DELIVRD"}], Found("delivered"), id="with +86"),
        pytest.param([], None, id="empty"),
        pytest.param([{"p": "13900139000", "s": "DELIVRD"}], None, id="another's alone"),
    ],
)  # fmt: skip
def test_what_records_mean(
    web: Web, ask: Callable[..., Found | None], rows: list[dict[str, Any]], found: Found | None
) -> None:
    web.says(_rows(*rows))
    assert ask() == found


def test_the_question_goes_to_its_own_address_once(web: Web, ask: Callable[..., Found | None]) -> None:
    web.says(_rows({"s": "DELIVRD"}))
    ask(ref="r9")
    assert [(told.path, told.body) for told in web.got] == [
        ("/query", {"account": "a1", "batch": "c1", "mobile": PHONE, "ref": "r9"})
    ]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"code": 404}, id="a code for it"),
        pytest.param({"code": 0, "data": {"rows": None}}, id="null"),
    ],
)
def test_nothing_may_be_said_in_other_ways(web: Web, ask: Callable[..., Found | None], answer: Any) -> None:
    web.says(answer)
    assert ask() is None


@pytest.mark.parametrize(
    ("answer", "status", "code", "error"),
    [
        pytest.param({"code": 500}, 200, "500", Unclear, id="a code that nobody listed"),
        pytest.param({"code": 0}, 200, "no list", Unclear, id="no list"),
        pytest.param({"code": 0, "data": {"rows": {}}}, 200, "no list", Unclear, id="no list but an object"),
        pytest.param({"code": 404}, 500, "http 500", ChannelDown, id="an error that says nothing is there"),
        pytest.param({}, 200, "http 200", ChannelDown, id="no code"),
        pytest.param([], 200, "http 200", ChannelDown, id="a list"),
        pytest.param(
            _rows({"p": "138****8000", "s": "DELIVRD"}), 200, "number not readable", Unclear, id="masked number"
        ),
    ],
)
def test_what_is_not_clear_is_not_nothing(
    web: Web, ask: Callable[..., Found | None], answer: Any, status: int, code: str, error: type[ChannelDown]
) -> None:
    web.says(answer, status=status)
    with pytest.raises(ChannelDown, match=code) as caught:
        ask()
    assert type(caught.value) is error


def test_each_day_is_asked_in_turn_until_it_is_found(web: Web, ask: Callable[..., Found | None]) -> None:
    web.say = lambda told: (200, _rows({"s": "DELIVRD"}) if told["day"] == "2026-07-12" else _rows())
    assert ask(body={**QUESTION, "day": "{{ day }}"}) == Found("delivered")
    assert [told["day"] for told in web.bodies] == ["2026-07-11", "2026-07-12"]


def test_not_asking_is_not_nothing(ask: Callable[..., Found | None]) -> None:
    with pytest.raises(ChannelDown, match="no day"):
        ask(body={**QUESTION, "day": "{{ day }}"}, days=())


def test_where_the_question_names_the_number_records_need_not(web: Web, ask: Callable[..., Found | None]) -> None:
    web.says({"code": 0, "data": {"rows": [{"s": "DELIVRD"}]}})
    assert ask(answer={key: value for key, value in ANSWER.items() if key != "phone"}) == Found("delivered")
