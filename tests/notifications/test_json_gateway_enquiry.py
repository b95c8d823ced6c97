"""Asking a gateway what became of a message: "nothing" is said only when nothing else can be meant."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from notifications.channels.contract import ChannelDown
from notifications.channels.enquiry import Enquiry, Found
from notifications.channels.json_gateway_enquiry import AskableGateway, gateway
from notifications.channels.json_gateway_form import GatewayForm

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


class Server(ThreadingHTTPServer):
    """Answers the next of `answers`; the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.asked: list[tuple[str, Any]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    def says(self, *answers: Any, status: int = 200) -> None:
        self.answers = [(status, json.dumps(answer).encode()) for answer in answers]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.server.asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        status, content = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def ask(server: Server) -> Iterator[Callable[..., Found | None]]:
    """Ask the server for PHONE in call c1."""
    opened: list[AskableGateway] = []

    def find(answer: dict[str, Any] = ANSWER, body: dict[str, Any] = QUESTION, ref: str | None = None) -> Found | None:
        base = f"http://127.0.0.1:{server.server_port}"
        form = GatewayForm.model_validate(
            {
                "provider": "city-sms",
                "url": f"{base}/send",
                "rate": 1000,
                "body": {"batch": "{{ call_id }}", "mobile": "{{ phone }}"},
                "answer": {"code": "code", "accepted": [0]},
                "query": {"url": f"{base}/query", "body": body, "answer": answer},
            }
        )
        hosts, now = frozenset({"127.0.0.1"}), datetime(2026, 7, 12, tzinfo=UTC)
        enquiry = gateway(form, {"ACCOUNT": "a1"}, hosts, lambda: now, development=True)
        assert isinstance(enquiry, Enquiry)
        assert isinstance(enquiry, AskableGateway)
        enquiry.open()
        opened.append(enquiry)
        assert list(enquiry.reports()) == list(enquiry.replies()) == []
        return enquiry.find(PHONE, DAYS, "c1", ref)

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
    server: Server, ask: Callable[..., Found | None], rows: list[dict[str, Any]], found: Found | None
) -> None:
    server.says(_rows(*rows))
    assert ask() == found


def test_the_question_goes_to_its_own_address_once(server: Server, ask: Callable[..., Found | None]) -> None:
    server.says(_rows({"s": "DELIVRD"}))
    ask(ref="r9")
    assert server.asked == [("/query", {"account": "a1", "batch": "c1", "mobile": PHONE, "ref": "r9"})]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"code": 404}, id="a code for it"),
        pytest.param({"code": 0, "data": {"rows": None}}, id="null"),
    ],
)
def test_nothing_may_be_said_in_other_ways(server: Server, ask: Callable[..., Found | None], answer: Any) -> None:
    server.says(answer)
    assert ask() is None


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        pytest.param({"code": 500}, 200, "500", id="a code that nobody listed"),
        pytest.param({"code": 0}, 200, "no list", id="no list"),
        pytest.param({"code": 0, "data": {"rows": {}}}, 200, "no list", id="no list but an object"),
        pytest.param({"code": 404}, 500, "http 500", id="an error that says nothing is there"),
        pytest.param({}, 200, "http 200", id="no code"),
        pytest.param([], 200, "http 200", id="a list"),
        pytest.param(_rows({"p": "138****8000", "s": "DELIVRD"}), 200, "number not readable", id="masked number"),
    ],
)
def test_what_is_not_clear_is_not_nothing(
    server: Server, ask: Callable[..., Found | None], answer: Any, status: int, code: str
) -> None:
    server.says(answer, status=status)
    with pytest.raises(ChannelDown, match=code):
        ask()


def test_each_day_is_asked_in_turn_until_it_is_found(server: Server, ask: Callable[..., Found | None]) -> None:
    server.says(_rows(), _rows({"s": "DELIVRD"}))
    assert ask(body={**QUESTION, "day": "{{ day }}"}) == Found("delivered")
    assert [told["day"] for _, told in server.asked] == ["2026-07-11", "2026-07-12"]


def test_where_the_question_names_the_number_records_need_not(server: Server, ask: Callable[..., Found | None]) -> None:
    server.says({"code": 0, "data": {"rows": [{"s": "DELIVRD"}]}})
    assert ask(answer={key: value for key, value in ANSWER.items() if key != "phone"}) == Found("delivered")
