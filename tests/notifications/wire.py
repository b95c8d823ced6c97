"""A provider that is another process: the rehearsal, over HTTP, with a ledger that outlives whoever called it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from models.receipts import Report
from notifications.channels.contract import Letter, Outcome, Request
from notifications.channels.enquiry import Found, Reply
from tests.notifications.fallible import Fuse

CHUNK = 5


@contextmanager
def rehearsal() -> Iterator[str]:
    """Run the rehearsal as a process; yields its URL."""
    command = [sys.executable, "-m", "notifications.rehearsal"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


class Wire:
    """Channel and enquiry of one process; a call is a POST for each message, so that a death leaves half a call."""

    provider = "gateway"
    batch = CHUNK

    def __init__(self, url: str, fuse: Fuse, since: int = 0) -> None:
        self.address, self.fuse, self.since = urlsplit(url).netloc, fuse, since

    def open(self) -> None:
        self.line = HTTPConnection(self.address, timeout=20)

    def close(self) -> None:
        self.line.close()

    def carries(self, _template: str, _language: str) -> bool:
        return True

    def compose(self, letter: Letter) -> str:
        return letter.content.text

    def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        self.fuse.hit("call begins")
        outcomes = []
        for place, request in enumerate(requests):
            answer = self._ask("/gateway", {"phone": request.address, "text": request.body, "out_id": call_id})
            outcomes.append(Outcome(request.out_id, "accepted", str(answer["id"])))
            if place == len(requests) // 2:
                self.fuse.hit("amid a call")
        self.fuse.hit("call ends")
        return outcomes

    def find(self, phone: str, _days: Sequence[date], call_id: str, _provider_ref: str | None) -> Found | None:
        answer = self._ask("/gateway/query", {"phone": phone, "out_id": call_id})
        return Found("accepted", str(answer["id"])) if answer["code"] == 0 else None

    def reports(self) -> Iterator[Sequence[Report]]:
        """Every third message was delivered, told again and again."""
        for entry in self.ledger()[::3]:
            yield [Report(entry["ref"], entry["phone"], "delivered", call_id=entry["call_id"])]

    def replies(self) -> Iterator[Sequence[Reply]]:
        return iter(())

    def ledger(self) -> list[dict[str, Any]]:
        """What was accepted since this test began."""
        entries: list[dict[str, Any]] = self._ask(f"/control/ledger?since={self.since}")["entries"]
        return entries

    def _ask(self, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body)
        self.line.request("GET" if body is None else "POST", path, content, {"Content-Type": "application/json"})
        return json.loads(self.line.getresponse().read())
