"""A rehearsal with a clock of ours, callers who sign, and the calls recorded from the official SDKs."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from notifications.rehearsal import acs3, tc3
from notifications.rehearsal.account import Account, Approved
from notifications.rehearsal.calls import Call
from notifications.rehearsal.server import Rehearsal

RECORDED = Path(__file__).parents[2] / "data" / "rehearsal" / "sdk_calls.json"
ACCOUNT = Account(
    aliyun={
        "SMS_100001": Approved("您好，${name}，${day}由您在${centre}值班。"),
        "SMS_100002": Approved("系统维护通知，请留意。"),
    },
    tencent={"2000001": Approved("您好，{1}由您在{2}值班。"), "2000002": Approved("系统维护通知，请留意。")},
)
VALUES = {"name": "李明", "day": "2月26日", "centre": "碧鸡中心"}
_nonces = count()


class Clock:
    """Unix time that moves when told."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Caller:
    """Signs and sends as a customer would."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.client = httpx.Client(base_url=url, timeout=5)
        self.host, self.clock = url.removeprefix("http://"), clock

    def aliyun(self, action: str, form: dict[str, str], **changed: str) -> httpx.Response:
        """Call Alibaba; `changed` replaces headers."""
        body = urlencode(form).encode()
        headers = {
            "host": self.host,
            "content-type": "application/x-www-form-urlencoded",
            "x-acs-action": action,
            "x-acs-version": "2017-05-25",
            "x-acs-date": datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": f"n{next(_nonces)}",
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        } | changed
        names = sorted(headers)
        canonical = acs3.canonical_request(Call("POST", "/", "", headers, body), names, headers["x-acs-content-sha256"])
        signed = f"SignedHeaders={';'.join(names)},Signature={acs3.sign('testSecret', canonical)}"
        headers["authorization"] = f"{acs3.ALGORITHM} Credential=testKeyId,{signed}"
        return self.client.post("/", content=body, headers=headers)

    def batch(self, phones: list[str], call_id: str = "c1", **changed: Any) -> httpx.Response:
        """SendBatchSms with the same values for all."""
        form = {
            "PhoneNumberJson": json.dumps(phones),
            "SignNameJson": json.dumps(["托起"] * len(phones)),
            "TemplateCode": "SMS_100001",
            "TemplateParamJson": json.dumps([VALUES] * len(phones)),
            "OutId": call_id,
        }
        return self.aliyun("SendBatchSms", form | changed)

    def single(self, phone: str, call_id: str = "c1", **changed: Any) -> httpx.Response:
        """SendSms to one number."""
        form = {
            "PhoneNumbers": phone,
            "SignName": "托起",
            "TemplateCode": "SMS_100001",
            "TemplateParam": json.dumps(VALUES),
            "OutId": call_id,
        }
        return self.aliyun("SendSms", form | changed)

    def details(self, phone: str, day: str = "20260226", **more: str) -> dict[str, Any]:
        """QuerySendDetails; the whole answer."""
        form = {"PhoneNumber": phone, "SendDate": day, "PageSize": "50", "CurrentPage": "1"} | more
        answer: dict[str, Any] = self.aliyun("QuerySendDetails", form).json()
        return answer

    def states(self, phone: str) -> list[int]:
        """SendStatus of all messages to a number, newest first."""
        return [one["SendStatus"] for one in self.details(phone)["SmsSendDetailDTOs"]["SmsSendDetailDTO"]]

    def tencent_raw(self, action: str, content: Any, **changed: str) -> httpx.Response:
        """Call Tencent; `changed` replaces headers."""
        body = json.dumps(content).encode()
        now = int(self.clock())
        headers = {
            "host": self.host,
            "content-type": "application/json",
            "x-tc-action": action,
            "x-tc-version": "2021-01-11",
            "x-tc-region": "ap-guangzhou",
            "x-tc-timestamp": str(now),
        } | changed
        scope = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}/sms/tc3_request"
        canonical = tc3.canonical_request(Call("POST", "/", "", headers, body), ["content-type", "host"])
        signed = f"SignedHeaders=content-type;host, Signature={tc3.sign('testSecret', now, scope, canonical)}"
        headers["authorization"] = f"{tc3.ALGORITHM} Credential=testKeyId/{scope}, {signed}"
        return self.client.post("/", content=body, headers=headers)

    def tencent(self, action: str, content: Any, **changed: str) -> dict[str, Any]:
        """Call Tencent; the content of Response."""
        answer: dict[str, Any] = self.tencent_raw(action, content, **changed).json()["Response"]
        return answer

    def send(self, phones: list[str], call_id: str = "c1", **changed: Any) -> dict[str, Any]:
        """Tencent's SendSms."""
        content = {
            "PhoneNumberSet": phones,
            "SmsSdkAppId": "1400006666",
            "TemplateId": "2000001",
            "SignName": "托起",
            "TemplateParamSet": ["2月26日", "碧鸡中心"],
            "SessionContext": call_id,
        }
        return self.tencent("SendSms", content | changed)

    def pull(self, limit: int = 100) -> list[dict[str, Any]]:
        """PullSmsSendStatus."""
        answer = self.tencent("PullSmsSendStatus", {"SmsSdkAppId": "1400006666", "Limit": limit})
        reports: list[dict[str, Any]] = answer["PullSmsSendStatusSet"]
        return reports


@pytest.fixture
def clock() -> Clock:
    """08:00 in Beijing on 26 February 2026."""
    return Clock(datetime(2026, 2, 26, tzinfo=UTC).timestamp())


@pytest.fixture
def rehearsal(clock: Clock) -> Iterator[Rehearsal]:
    with Rehearsal(ACCOUNT, clock=clock) as running:
        yield running


@pytest.fixture
def caller(rehearsal: Rehearsal, clock: Clock) -> Iterator[Caller]:
    calling = Caller(rehearsal.url, clock)
    yield calling
    calling.client.close()


@pytest.fixture
def another(clock: Clock) -> Iterator[Callable[[str], Caller]]:
    """Return a maker of further callers."""
    made: list[Caller] = []

    def make(url: str) -> Caller:
        made.append(Caller(url, clock))
        return made[-1]

    yield make
    for calling in made:
        calling.client.close()


@pytest.fixture(scope="session")
def recorded() -> dict[str, dict[str, Any]]:
    """The recorded calls by name, in the order of their session."""
    return {call["name"]: call for call in json.loads(RECORDED.read_text(encoding="utf-8"))}


@pytest.fixture
def replay(caller: Caller) -> Callable[[dict[str, Any]], httpx.Response]:
    """Return a sender of recorded calls, byte for byte."""

    def send(call: dict[str, Any]) -> httpx.Response:
        headers, body = list(call["headers"].items()), call["body"].encode()
        return caller.client.request(call["method"], call["target"], headers=headers, content=body)

    return send


class Callback:
    """A receiver of callbacks: `got` has what was posted, `answer` what it says to that."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.answer: Any = {"code": 0, "result": 0}
        self.url = ""


@pytest.fixture
def callback() -> Iterator[Callback]:
    mine = Callback()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            mine.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            said = json.dumps(mine.answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    mine.url = f"http://127.0.0.1:{server.server_port}/sms?token=t"
    yield mine
    server.shutdown()
    thread.join()
    server.server_close()
