"""What fails on purpose: processes that die at named points, and a provider with a ledger that misbehaves by script.

A death is an exception that nobody catches; from then on the dead process cannot reach its database any more, so that
nothing which runs on its way out - no `finally`, no release - can repair what a kill would leave.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pytest
from sqlmodel import Session

from models.db import Database
from models.receipts import Report
from notifications import leases, parcels, reconcile
from notifications import receipts as inbox
from notifications.channels.contract import Letter, Outcome, Request
from notifications.channels.enquiry import Found, Reply

FLYING = (
    "before claim", "after claim", "before freeze", "after freeze", "call begins", "amid a call", "call ends",
    "before record", "after record",
)  # fmt: skip
ASKING = ("answers known", "answer stored", "receipts settled")
"""Where a process may die; before and after are inside a transaction, a call and known answers are outside of any."""


class Death(BaseException):
    """The process is no more."""


@dataclass
class Fuse:
    """Burns at the n-th hit of a point."""

    point: str = ""
    left: int = 0
    burnt: bool = False
    act: Callable[[], None] | None = None

    def light(self, point: str, nth: int) -> None:
        self.point, self.left, self.burnt = point, nth, False

    def hit(self, point: str) -> None:
        if self.burnt:
            raise Death
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                self.burnt = True
                if self.act:
                    self.act()
                raise Death


class Mortal(Database):
    """A database as one process has it; out of reach when that process is dead."""

    def __init__(self, url: str, keys: Any, fuse: Fuse) -> None:
        super().__init__(url, keys)
        self.fuse = fuse

    @contextmanager
    def write(self) -> Iterator[Session]:
        if self.fuse.burnt:
            raise Death
        with super().write() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        if self.fuse.burnt:
            raise Death
        with super().read() as session:
            yield session


def mine(patch: pytest.MonkeyPatch, fuse: Fuse) -> None:
    """Lay the fuse at every point of the protocol that is not the provider's."""

    def around(module: Any, name: str, before: str = "", after: str = "") -> None:
        whole = getattr(module, name)

        def mined(*given: Any, **named: Any) -> Any:
            fuse.hit(before)
            result = whole(*given, **named)
            fuse.hit(after)
            return result

        patch.setattr(module, name, mined)

    around(parcels, "claim", "before claim", "after claim")
    around(leases, "freeze", "before freeze", "after freeze")
    around(leases, "record", "before record", "after record")
    around(reconcile, "_store", "answers known")
    around(reconcile, "record_answers", after="answer stored")
    around(inbox, "settle", after="receipts settled")


@dataclass(frozen=True, slots=True)
class Booked:
    """An acceptance: what stands in the provider's books, whatever the caller came to know."""

    out_id: str
    phone: str
    call_id: str
    ref: str
    body: str
    at: datetime


@dataclass
class Carrier:
    """A provider in memory: channel and enquiry in one. It forgets nothing, and accepts twice what it is given twice.

    Attributes:
        script: one word for each message to come; accepted when it runs out. "timeout" and "lost" answer nothing,
            the first after accepting, the second before; "slow" accepts and takes its time.
        look: called with each call before it is answered.
        drag: lets time pass.
        fates: what became of a message, by the provider's number; on its way when not named.
    """

    provider: str
    fuse: Fuse
    clock: Callable[[], datetime]
    look: Callable[[str, str, Sequence[Request]], None] = lambda *_: None
    drag: Callable[[], None] = lambda: None
    batch: int = 3
    script: deque[str] = field(default_factory=deque)
    books: list[Booked] = field(default_factory=list)
    fates: dict[str, str] = field(default_factory=dict)
    doubts: int = 0

    def open(self) -> None: ...

    def close(self) -> None: ...

    def carries(self, _template: str, _language: str) -> bool:
        return True

    def compose(self, letter: Letter) -> str:
        return letter.content.text

    def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        self.fuse.hit("call begins")
        self.look(self.provider, call_id, requests)
        outcomes = []
        for place, request in enumerate(requests):
            outcomes.append(self._taken(call_id, request, self.script.popleft() if self.script else "accepted"))
            if place == len(requests) // 2:
                self.fuse.hit("amid a call")
        self.doubts += any(outcome.verdict == "unknown" for outcome in outcomes)
        self.fuse.hit("call ends")
        return outcomes

    def _taken(self, call_id: str, request: Request, word: str) -> Outcome:
        ref = f"{self.provider}-{len(self.books)}"
        if word == "slow":
            self.drag()
        if word in {"accepted", "slow", "timeout"}:
            self.books.append(Booked(request.out_id, request.address, call_id, ref, request.body, self.clock()))
        if word in {"accepted", "slow"}:
            return Outcome(request.out_id, "accepted", ref)
        if word in {"timeout", "lost"}:
            return Outcome(request.out_id, "unknown", code=word)
        if word == "not approved":
            return Outcome(request.out_id, "stop", code=word, scope="template")
        verdict: Any = word
        return Outcome(request.out_id, verdict, code=word)

    def find(self, phone: str, _days: Sequence[date], call_id: str, _provider_ref: str | None) -> Found | None:
        for booked in self.books:
            if (booked.phone, booked.call_id) == (phone, call_id):
                state: Any = self.fates.get(booked.ref, "accepted")
                return Found(state, booked.ref, None if state != "undeliverable" else "OFF")
        return None

    def reports(self) -> Iterator[Sequence[Report]]:
        return iter(())

    def replies(self) -> Iterator[Sequence[Reply]]:
        return iter(())

    def report(self, booked: Booked, state: Any, *, by_call: bool) -> Report:
        """A receipt of one acceptance."""
        return Report(booked.ref, booked.phone, state, "OFF", call_id=booked.call_id if by_call else None)

    @property
    def most(self) -> int:
        """How often it accepted the message that it accepted most often."""
        return max(Counter(booked.out_id for booked in self.books).values(), default=0)
