"""Each fault: what the caller sees, and whether the ledger has it; and the server always stops."""

import json
import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from notifications.rehearsal.faults import KINDS, Fault
from notifications.rehearsal.server import NotInProduction, Rehearsal

LI, WANG = "13800000001", "13800000002"
IMPATIENT = httpx.Timeout(0.2)


@pytest.mark.parametrize(
    ("kind", "status", "booked"),
    [
        pytest.param("429", 429, 0, id="too many calls"),
        pytest.param("500", 500, 0, id="500"),
        pytest.param("503", 503, 0, id="503"),
        pytest.param("accept-500", 500, 1, id="accepted, then 500"),
        pytest.param("accept-503", 503, 1, id="accepted, then 503"),
    ],
)
def test_a_fault_with_a_status(rehearsal: Rehearsal, caller: Any, kind: Any, status: int, booked: int) -> None:
    rehearsal.faults.then(kind)
    assert caller.single(LI).status_code == status
    assert len(rehearsal.ledger) == booked
    assert caller.single(WANG).json()["Code"] == "OK"


@pytest.mark.parametrize(
    ("kind", "error", "booked"),
    [
        pytest.param("reset", httpx.ReadError, 0, id="reset before acceptance"),
        pytest.param("accept-reset", httpx.ReadError, 1, id="reset after acceptance"),
        pytest.param("truncated", httpx.RemoteProtocolError, 1, id="half an answer"),
        pytest.param("accept-timeout", httpx.ReadTimeout, 1, id="no answer after acceptance"),
    ],
)
def test_a_fault_of_the_line(rehearsal: Rehearsal, caller: Any, kind: Any, error: type[Exception], booked: int) -> None:
    rehearsal.faults.then(kind)
    caller.client.timeout = IMPATIENT
    with pytest.raises(error):
        caller.single(LI)
    caller.client.timeout = httpx.Timeout(5)
    assert len(rehearsal.ledger) == booked
    assert caller.single(WANG).json()["Code"] == "OK"


def test_a_429_says_when_to_come_back_in_the_providers_envelope(rehearsal: Rehearsal, caller: Any) -> None:
    rehearsal.faults.then(Fault("429", seconds=7), "429")
    alibaba = caller.single(LI)
    assert (alibaba.headers["Retry-After"], alibaba.json()["Code"]) == ("7", "Throttling.User")
    assert caller.send([LI])["Error"]["Code"] == "RequestLimitExceeded"


def test_wrong_json_comes_after_acceptance(rehearsal: Rehearsal, caller: Any) -> None:
    rehearsal.faults.then("wrong-json")
    with pytest.raises(json.JSONDecodeError):
        caller.single(LI).json()
    assert len(rehearsal.ledger) == 1


def test_a_business_error_comes_with_http_200(rehearsal: Rehearsal, caller: Any) -> None:
    rehearsal.faults.then(Fault("error", code="isp.SYSTEM_ERROR"), Fault("error", code="InternalError.Timeout"))
    alibaba = caller.single(LI)
    assert (alibaba.status_code, alibaba.json()["Code"]) == (200, "isp.SYSTEM_ERROR")
    assert caller.send([LI])["Error"]["Code"] == "InternalError.Timeout"
    assert len(rehearsal.ledger) == 0


def test_tencents_set_can_be_empty(rehearsal: Rehearsal, caller: Any) -> None:
    rehearsal.faults.then("empty-set")
    assert caller.send([LI])["SendStatusSet"] == []
    assert len(rehearsal.ledger) == 0


def test_a_slow_answer_is_whole(rehearsal: Rehearsal, caller: Any) -> None:
    rehearsal.faults.then(Fault("slow", seconds=0.01))
    assert caller.single(LI).json()["Code"] == "OK"


def test_a_script_is_spent_in_order_by_the_calls_it_concerns(rehearsal: Rehearsal, caller: Any) -> None:
    rehearsal.faults.then(Fault("503", provider="tencent"), Fault("500", on="ask"), "429")
    assert caller.single(LI).status_code == 429
    assert caller.single(LI).status_code == 200
    assert caller.aliyun("QuerySendDetails", {}).status_code == 500
    assert caller.tencent_raw("SendSms", {}).status_code == 503
    assert rehearsal.faults.script == []


def test_a_rate_draws_the_same_faults_from_the_same_seed(rehearsal: Rehearsal, caller: Any) -> None:
    def day() -> list[int]:
        rehearsal.faults.at_random(0.5, "500", "503", seed=7)
        return [caller.single(LI).status_code for _ in range(20)]

    first = day()
    assert set(first) == {200, 500, 503}
    assert day() == first
    rehearsal.faults.at_random(0, seed=7)
    assert caller.single(LI).status_code == 200


def test_an_outage_lasts_until_it_is_over(rehearsal: Rehearsal, caller: Any) -> None:
    rehearsal.faults.outage = True
    assert [caller.single(LI).status_code, caller.tencent_raw("SendSms", {}).status_code] == [503, 503]
    rehearsal.faults.outage = False
    assert caller.single(LI).status_code == 200


def test_an_empty_account_sends_nothing(rehearsal: Rehearsal, caller: Any) -> None:
    rehearsal.faults.no_balance = True
    assert caller.batch([LI]).json()["Code"] == "isv.AMOUNT_NOT_ENOUGH"
    codes = {one["Code"] for one in caller.send([LI, WANG])["SendStatusSet"]}
    assert codes == {"FailedOperation.InsufficientBalanceInSmsPackage"}
    assert len(rehearsal.ledger) == 0


@pytest.mark.parametrize(
    ("held", "alibaba", "tencent"),
    [
        pytest.param(
            "blacklist", "isv.BLACK_KEY_CONTROL_LIMIT", "FailedOperation.PhoneNumberInBlacklist", id="blacklist"
        ),
        pytest.param(
            "frequency", "isv.BUSINESS_LIMIT_CONTROL", "LimitExceeded.PhoneNumberThirtySecondLimit", id="frequency"
        ),
        pytest.param("daily", "isv.BUSINESS_LIMIT_CONTROL", "LimitExceeded.PhoneNumberDailyLimit", id="daily"),
        pytest.param("X.Y", "X.Y", "X.Y", id="a code of one's own"),
    ],
)
def test_what_stands_against_one_number(
    rehearsal: Rehearsal, caller: Any, held: str, alibaba: str, tencent: str
) -> None:
    rehearsal.faults.phones[LI] = held
    assert caller.single(LI).json()["Code"] == alibaba
    assert [one["Code"] for one in caller.send([LI, WANG])["SendStatusSet"]] == [tencent, "Ok"]
    assert [entry.phone for entry in rehearsal.ledger.entries] == [WANG]


def test_in_an_alibaba_batch_it_comes_out_in_the_report(rehearsal: Rehearsal, caller: Any) -> None:
    rehearsal.faults.phones[LI] = "blacklist"
    assert caller.batch([LI, WANG]).json()["Code"] == "OK"
    detail = caller.details(LI)["SmsSendDetailDTOs"]["SmsSendDetailDTO"][0]
    assert (detail["SendStatus"], detail["ErrCode"]) == (2, "isv.BLACK_KEY_CONTROL_LIMIT")
    assert caller.states(WANG) == [3]


def _waiting(rehearsal: Rehearsal, caller: Any, fault: Any) -> Thread:
    """Start a call that will get no answer, and return once it was accepted."""
    rehearsal.faults.then(fault)

    def call() -> None:
        with pytest.raises(httpx.TransportError):
            caller.single(LI)

    caller.client.timeout = None
    thread = Thread(target=call)
    thread.start()
    assert rehearsal.ledger.wait_for(1)
    return thread


def test_a_caller_in_silence_holds_up_nobody(rehearsal: Rehearsal, clock: Any, another: Callable[[str], Any]) -> None:
    with Rehearsal(rehearsal.account, clock=clock) as busy:
        thread = _waiting(busy, another(busy.url), "accept-timeout")
        assert another(busy.url).single(WANG).json()["Code"] == "OK"
        assert thread.is_alive()
    thread.join(3)


@pytest.mark.parametrize(
    "fault", [pytest.param("accept-timeout", id="silent"), pytest.param(Fault("slow", seconds=600), id="slow")]
)
def test_stopping_wakes_callers_who_wait(
    rehearsal: Rehearsal, clock: Any, another: Callable[[str], Any], fault: Any
) -> None:
    with Rehearsal(rehearsal.account, clock=clock) as stopped:
        thread = _waiting(stopped, another(stopped.url), fault)
        begun = time.monotonic()
    thread.join(3)
    assert not thread.is_alive()
    assert time.monotonic() - begun < 3


def test_stopping_does_not_wait_for_idle_or_half_sent_calls(clock: Any) -> None:
    lines = []
    with Rehearsal(clock=clock) as rehearsal:
        port = int(rehearsal.url.rpartition(":")[2])
        for start in (b"", b"POST / HT", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"):
            lines.append(socket.create_connection(("127.0.0.1", port)))
            lines[-1].sendall(start)
        begun = time.monotonic()
    assert time.monotonic() - begun < 3
    for line in lines:
        line.close()


def test_a_caller_who_hangs_up_rudely_leaves_no_trace(
    rehearsal: Rehearsal, caller: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    port = int(rehearsal.url.rpartition(":")[2])
    line = socket.create_connection(("127.0.0.1", port))
    line.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf")
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()
    assert caller.single(LI).json()["Code"] == "OK"
    assert capsys.readouterr() == ("", "")


def test_a_caller_that_dies_before_the_last_byte_asked_for_nothing(rehearsal: Rehearsal, caller: Any) -> None:
    body = json.dumps({"phone": LI, "text": "您好"}).encode()
    with socket.create_connection(("127.0.0.1", int(rehearsal.url.rpartition(":")[2])), timeout=5) as line:
        line.sendall(b"POST /gateway HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (len(body) + 1) + body)
        line.shutdown(socket.SHUT_WR)
        assert line.recv(1024) == b""
    assert caller.client.post("/gateway", json={"phone": WANG}).json()["code"] == 0
    assert [entry.phone for entry in rehearsal.ledger.entries] == [WANG]


def test_two_callers_at_once_are_counted_exactly(
    tmp_path: Path, clock: Any, another: Callable[[str], Any], rehearsal: Rehearsal
) -> None:
    path = tmp_path / "ledger.jsonl"
    with Rehearsal(rehearsal.account, ledger=path, clock=clock) as counted:
        callers = [another(counted.url) for _ in range(2)]

        def send(who: int) -> list[str]:
            batches = [[f"13{who}{call:04d}{n:04d}" for n in range(100)] for call in range(50)]
            return [callers[who].batch(phones, f"{who}-{call}").json()["BizId"] for call, phones in enumerate(batches)]

        with ThreadPoolExecutor(2) as pool:
            refs = [ref for found in pool.map(send, (0, 1)) for ref in found]
        assert (len(counted.ledger), len(set(refs))) == (10_000, 100)
        assert counted.ledger.duplicates() == {"by_call": {}, "by_content": {}}
        lines = path.read_text(encoding="utf-8").splitlines()  # before it is closed: flushed call by call
        assert len({json.loads(line)["phone"] for line in lines}) == 10_000


def test_an_unknown_fault_is_named() -> None:
    with pytest.raises(ValueError, match="accept-timeout"):
        Fault("accept-nothing")  # type: ignore[arg-type]
    assert len(KINDS) == 13


def test_production_is_no_rehearsal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUOQI_ENVIRONMENT", "production")
    with pytest.raises(NotInProduction, match="生产环境"):
        Rehearsal()
