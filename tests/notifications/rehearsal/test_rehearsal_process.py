"""The rehearsal as a process of its own with its control interface, and the three small desks."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from notifications.rehearsal.ledger import Ledger
from notifications.rehearsal.server import Rehearsal

LI, WANG = "13800000001", "13800000002"
ROOT = Path(__file__).parents[3]
Start = Callable[..., tuple[subprocess.Popen[str], httpx.Client]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a starter of the process; what still runs at the end is killed."""
    running: list[tuple[subprocess.Popen[str], httpx.Client]] = []

    def make(*arguments: str) -> tuple[subprocess.Popen[str], httpx.Client]:
        command = [sys.executable, "-m", "notifications.rehearsal", "--ledger", str(tmp_path / "ledger.jsonl")]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        running.append((process, httpx.Client(base_url=url, timeout=5)))
        return running[-1]

    yield make
    for process, client in running:
        client.close()
        process.kill()
        process.communicate()


def _send(client: httpx.Client, phone: str, out_id: str = "c1") -> Any:
    return client.post("/gateway", json={"phone": phone, "text": "您好", "out_id": out_id}).json()


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, id="TERM"), pytest.param(signal.SIGINT, id="INT")])
def test_the_process_ends_when_told_even_while_a_caller_waits(start: Start, tmp_path: Path, number: int) -> None:
    process, client = start()
    client.post("/control/faults", json={"script": ["accept-timeout"]})
    with pytest.raises(httpx.ReadTimeout):
        client.post("/gateway", json={"phone": LI, "text": "您好"}, timeout=0.2)
    process.send_signal(number)
    assert process.wait(10) == 0
    assert len((tmp_path / "ledger.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_the_ledger_outlives_a_killed_server(start: Start, tmp_path: Path) -> None:
    process, client = start()
    first = _send(client, LI)["id"]
    process.kill()
    process.wait(10)
    _, client = start()
    second = _send(client, LI)["id"]
    found = client.get("/control/ledger", params={"since": 1}).json()
    assert (found["count"], [entry["ref"] for entry in found["entries"]]) == (2, [second])
    assert found["duplicates"]["by_call"] == [["c1", LI, 2]]
    assert client.post("/gateway/query", json={"phone": LI, "id": first}).json()["state"] == "delivered"
    kept = Ledger(tmp_path / "ledger.jsonl")
    kept.close()
    assert [entry.ref for entry in kept.entries] == [first, second]


def test_the_process_refuses_production() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TUOQI_ENVIRONMENT": "production"}
    command = [sys.executable, "-m", "notifications.rehearsal"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "生产环境" in done.stderr


def test_a_port_can_be_chosen_again(start: Start) -> None:
    process, client = start()
    port = str(client.base_url.port)
    _send(client, LI)
    process.kill()
    process.wait(10)
    assert _send(start("--port", port)[1], WANG)["code"] == 0


def test_an_account_comes_from_a_file(start: Start, tmp_path: Path, another: Callable[[str], Any], clock: Any) -> None:
    path = tmp_path / "account.json"
    path.write_text(json.dumps({"aliyun": {"SMS_100001": "您好，${name}。"}}), encoding="utf-8")
    _, client = start("--account", str(path))
    clock.now = time.time()
    assert another(str(client.base_url).rstrip("/")).single(LI).json()["Code"] == "OK"
    assert client.get("/control/ledger").json()["entries"][0]["content"] == "【托起】您好，李明。"


def test_faults_and_fates_are_set_over_http(caller: Any) -> None:
    client = caller.client
    faults = {"script": ["429", {"kind": "503", "provider": "tencent"}], "phones": {LI: "blacklist"}}
    assert client.post("/control/faults", json=faults).json() == {}
    assert [one["kind"] for one in client.get("/control/faults").json()["script"]] == ["429", "503"]
    assert caller.single(WANG).status_code == 429
    assert caller.single(LI).json()["Code"] == "isv.BLACK_KEY_CONTROL_LIMIT"
    receipts = {"default": "forgotten", "fates": {WANG: {"state": "undeliverable", "code": "MK:0001"}}, "lag": 1}
    client.post("/control/receipts", json=receipts)
    caller.single(WANG)
    assert [caller.states(WANG) for _ in range(2)] == [[], [2]]
    client.post("/control/faults", json={"rate": 1, "among": ["500"], "seed": 1, "script": []})
    assert caller.single(WANG).status_code == 500


def test_reports_and_answers_are_pushed_over_http(caller: Any, callback: Any) -> None:
    caller.batch([LI])
    wish = {"provider": "aliyun", "url": callback.url}
    caller.client.post("/control/replies", json={"phone": LI, "text": "收到"})
    assert caller.client.post("/control/push-reports", json=wish).json() == {"taken": 1}
    assert caller.client.post("/control/push-replies", json=wish).json() == {"taken": 1}
    assert [len(portion) for portion in callback.got] == [1, 1]


@pytest.mark.parametrize(
    ("method", "path", "wish", "status"),
    [
        pytest.param("POST", "faults", {"script": ["nonsense"]}, 400, id="an unknown fault"),
        pytest.param("POST", "faults", {"script": [{"what": 1}]}, 400, id="an unknown field"),
        pytest.param("POST", "faults", [], 400, id="no object"),
        pytest.param("POST", "receipts", {"default": "lost"}, 400, id="an unknown fate"),
        pytest.param("POST", "receipts", {"lags": 1}, 400, id="an unknown setting"),
        pytest.param("POST", "push-reports", {"provider": "aliyun"}, 400, id="no address"),
        pytest.param("POST", "nothing", {}, 404, id="an unknown control"),
        pytest.param("GET", "receipts", None, 404, id="a control that cannot be read"),
    ],
)
def test_a_wrong_wish_is_refused(caller: Any, method: str, path: str, wish: Any, status: int) -> None:
    assert caller.client.request(method, f"/control/{path}", json=wish).status_code == status


def test_a_push_nobody_takes_is_a_bad_gateway(caller: Any) -> None:
    caller.batch([LI])
    wish = {"provider": "aliyun", "url": "http://127.0.0.1:9/"}
    response = caller.client.post("/control/push-reports", json=wish)
    assert (response.status_code, response.json()) == (502, {"error": "ConnectionRefusedError"})


def test_a_call_that_no_provider_understands_is_404(caller: Any) -> None:
    assert caller.client.post("/").status_code == 404


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"Transfer-Encoding: chunked", id="chunked"),
        pytest.param(b"Content-Length: 11000000", id="11 MB"),
        pytest.param(b"Content-Length: -1", id="negative"),
    ],
)
def test_a_body_of_unknown_or_great_length_is_refused(rehearsal: Rehearsal, header: bytes) -> None:
    with socket.create_connection(("127.0.0.1", int(rehearsal.url.rpartition(":")[2])), timeout=5) as line:
        line.sendall(b"POST /gateway HTTP/1.1\r\n" + header + b"\r\n\r\n2\r\n{}\r\n")
        assert line.recv(1024).startswith(b"HTTP/1.1 413 ")


def test_a_gateway_sends_free_text_and_can_be_asked(rehearsal: Rehearsal, caller: Any) -> None:
    sent = _send(caller.client, LI, "c7")
    assert sent == {"code": 0, "id": rehearsal.ledger[0].ref}
    ask = {"phone": LI, "out_id": "c7"}
    found = caller.client.post("/gateway/query", json=ask).json()
    assert found == {"code": 0, "id": sent["id"], "state": "delivered", "error": ""}
    assert caller.client.post("/gateway/query", json=ask | {"out_id": "c8"}).json()["code"] == 404
    assert _send(caller.client, "138")["code"] == 3


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("/wecom?key=k", {"msgtype": "markdown", "markdown": {"content": "缺岗"}}, id="WeCom"),
        pytest.param(
            "/dingtalk?access_token=k",
            {"msgtype": "markdown", "markdown": {"title": "缺岗", "text": "缺岗"}},
            id="DingTalk",
        ),
    ],
)
def test_a_robot_answers_200_and_an_errcode(rehearsal: Rehearsal, caller: Any, path: str, message: Any) -> None:
    assert caller.client.post(path, json=message).json() == {"errcode": 0, "errmsg": "ok"}
    assert rehearsal.ledger[0].values == {"text": "缺岗"}
    assert caller.client.post(path.partition("?")[0], json=message).json()["errcode"] == 93000
    assert caller.client.post(path, json={"msgtype": "text"}).json()["errcode"] == 40008
    rehearsal.faults.set({"script": [{"kind": "error", "code": "45009"}]})
    assert caller.client.post(path, json=message).json()["errcode"] == 45009
    assert len(rehearsal.ledger) == 1
