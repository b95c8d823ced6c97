"""A provider with a book of its own: it accepts whatever it is given as often as it is given, and can be asked."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from models.receipts import Report
from notifications.channels.contract import Letter, Outcome, Request
from notifications.channels.enquiry import Found, Reply
from notifications.rendering import Mail

BATCH = 5


class Book:
    """Channel and enquiry in one; what it accepted are the lines of a file, whichever process handed it in."""

    batch = BATCH

    def __init__(self, folder: Path, kind: str) -> None:
        self.provider, self.path = f"book-{kind}", folder / f"book-{kind}.jsonl"

    def open(self) -> None: ...

    def close(self) -> None: ...

    def carries(self, _template: str, _language: str) -> bool:
        return True

    def compose(self, letter: Letter) -> str:
        return letter.content.subject if isinstance(letter.content, Mail) else letter.content.text

    def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        lines = [{"call": call_id, "to": each.address, "label": each.label, "out": each.out_id} for each in requests]
        with self.path.open("ab") as file:
            file.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        return [Outcome(each.out_id, "accepted", f"r-{call_id}") for each in requests]

    def find(self, phone: str, _days: Sequence[date], call_id: str, _provider_ref: str | None) -> Found | None:
        known = any((line["to"], line["call"]) == (phone, call_id) for line in self.lines())
        return Found("accepted", f"r-{call_id}") if known else None

    def reports(self) -> Iterator[Sequence[Report]]:
        return iter(())

    def replies(self) -> Iterator[Sequence[Reply]]:
        return iter(())

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()] if self.path.exists() else []

    def times(self) -> Counter[str]:
        """How often it accepted each message, by our number of it."""
        return Counter(line["out"] for line in self.lines())
