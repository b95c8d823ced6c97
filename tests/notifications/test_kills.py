"""Kill -9 at every point of the protocol and at random, and drains at once: nothing twice, little in doubt, none lost.

Children are forked from a process without open connections; the provider is a process of its own, reached over HTTP,
whose ledger would show duplicates and which can be asked by our call's id.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from models.db import Database
from notifications import drain as _loaded  # noqa: F401 - children must not import
from tests.notifications.fallible import ASKING, FLYING, Fuse, mine
from tests.notifications.office import BOOK, NOON, Office, mixed
from tests.notifications.wire import CHUNK, Wire, rehearsal

Work = Callable[[Office, Wire], Any]


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """One provider for all tests, as in life."""
    with rehearsal() as url:
        yield url


@dataclass
class Trial:
    """A database, a provider, and processes that die."""

    database: Database
    url: str
    fuse: Fuse = field(default_factory=Fuse)
    told: int = 0
    minutes: int = 0
    kills: int = 0
    dead: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.wire = Wire(self.url, self.fuse)
        self.wire.open()
        self.wire.since = self.wire._ask("/control/ledger")["count"]

    def office(self, database: Database, owner: str) -> Office:
        """The outbox as one process sees it, each a minute later than the one before."""
        now = NOON + timedelta(minutes=self.minutes)
        caps = replace(BOOK.caps, number_day=10**6, run=10**6, day=10**6)
        policy = replace(BOOK, caps=caps, rates={})
        return Office(database, now, now, policy, owner, {"chunk": CHUNK, "dead": self.dead.__contains__})

    def enqueue(self, number: int) -> None:
        """Messages of two templates, each to a phone of its own, that is nobody else's in this session."""
        first = self.wire.since + self.told
        told = [
            replace(one, key=f"k:{self.told + n}", address=f"139{first + n:08}") for n, one in enumerate(mixed(number))
        ]
        self.office(self.database, "job").put(*told)
        self.told += number

    def fork(self, work: Work, fuse: Fuse | None = None) -> int:
        """Run `work` with connections of its own in a child; return the child's pid."""
        url = self.database.engine.url.render_as_string(hide_password=False)
        self.database.close()
        self.minutes += 1
        pid = os.fork()
        if pid:
            return pid
        try:
            wire = Wire(self.url, fuse or self.fuse, self.wire.since)
            work(self.office(Database(url, self.database.keys), f"child:{os.getpid()}"), wire)
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a child must never fall back into the parent's test run
            os._exit(1)

    def ended(self, pid: int) -> bool:
        """Wait for a child; tell whether it was killed."""
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        self.dead.add(f"child:{pid}")
        self.kills += os.WIFSIGNALED(status)
        return os.WIFSIGNALED(status)

    def states(self) -> dict[str, int]:
        return self.office(self.database, "me").states()

    def check(self) -> None:
        """What holds at any moment: nothing twice, everything somewhere, little in doubt."""
        states, sent = self.states(), Counter(entry["phone"] for entry in self.wire.ledger())
        assert not sent or max(sent.values()) == 1
        assert sum(states.values()) == self.told
        assert states.keys() <= {"accepted", "delivered", "unknown", "pending", "claimed", "sending"}
        assert states.get("accepted", 0) + states.get("delivered", 0) <= len(sent)
        doubts = self.office(self.database, "me").rows("SELECT count(*) FROM attempt WHERE outcome = 'unknown'")
        assert doubts[0][0] <= self.kills * CHUNK

    def settle(self) -> None:
        """With nobody dying any more everything is accepted, and each exactly once."""
        self.check()
        for _ in range(2):
            self.minutes += 20
            last = self.office(self.database, "last")
            last.drain(Wire(self.url, Fuse()))
            self.minutes += 20
            self.office(self.database, "last").ask(Wire(self.url, Fuse(), self.wire.since), limit=10**6)
        self.check()
        assert self.states().keys() <= {"accepted", "delivered"}
        assert Counter(entry["phone"] for entry in self.wire.ledger()) == Counter(
            f"139{self.wire.since + n:08}" for n in range(self.told)
        )


@pytest.fixture
def trial(database: Database, provider: str) -> Iterator[Trial]:
    made = Trial(database, provider)
    yield made
    made.wire.close()


def _drain(office: Office, wire: Wire) -> None:
    office.drain(wire)


def _ask(office: Office, wire: Wire) -> None:
    office.ask(wire, limit=10**6)


def _killed_at(trial: Trial, monkeypatch: pytest.MonkeyPatch, work: Work, point: str, nth: int) -> None:
    fuse = Fuse(act=lambda: os.kill(os.getpid(), signal.SIGKILL))
    fuse.light(point, nth)
    with monkeypatch.context() as mined:
        mine(mined, fuse)
        assert trial.ended(trial.fork(work, fuse)), point


@pytest.mark.parametrize("nth", [1, 2], ids=["first chunk", "second chunk"])
def test_a_kill_at_any_point_of_a_drain_sends_nothing_twice(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    """The second hit of a call is between two calls of the first chunk, for two templates fly in it."""
    trial.enqueue(80)
    for point in FLYING:
        _killed_at(trial, monkeypatch, _drain, point, nth)
        trial.check()
    assert trial.office(trial.database, "me").rows("SELECT 1 FROM attempt WHERE error_code = 'lease'")
    trial.settle()


def test_a_kill_at_any_point_of_reconciling_neither_loses_nor_doubles(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial.enqueue(30)
    for nth in (1, 2):
        for point in ("call begins", "amid a call", "call ends"):
            _killed_at(trial, monkeypatch, _drain, point, nth)
    _drain(trial.office(trial.database, "last"), Wire(trial.url, Fuse()))
    assert trial.states()["unknown"]
    for point in ASKING:
        trial.minutes += 20
        _killed_at(trial, monkeypatch, _ask, point, 1)
        trial.check()
    trial.settle()


def _kill_at_random(trial: Trial, kills: int, dice: random.Random) -> None:
    """Kill children in the midst of draining and asking, sometimes two at once, until so many died."""
    while trial.kills < kills:
        if trial.states().get("pending", 0) < 60:
            trial.enqueue(60)
        works = [_ask] if dice.random() < 0.15 else [_drain] * dice.choice([1, 1, 1, 2])
        pids = [trial.fork(work) for work in works]
        time.sleep(dice.uniform(0.005, 0.15))  # the moment of death is the only thing that it times
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            trial.ended(pid)
    trial.check()


@pytest.mark.parametrize(
    "kills", [pytest.param(12, id="12 kills"), pytest.param(260, id="260 kills", marks=pytest.mark.proof)]
)
def test_kills_at_random_send_nothing_twice_and_lose_nothing(trial: Trial, kills: int) -> None:
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    _kill_at_random(trial, kills, random.Random(seed))
    trial.settle()


def test_two_drains_at_once_send_each_message_once(trial: Trial) -> None:
    trial.enqueue(60)
    pids = [trial.fork(_drain) for _ in range(2)]
    assert not any(trial.ended(pid) for pid in pids)
    assert trial.states() == {"accepted": 60}
    trial.settle()


def test_two_reconcilers_at_once_send_nothing_twice(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    trial.enqueue(30)
    for point in ("call begins", "amid a call", "call ends"):
        _killed_at(trial, monkeypatch, _drain, point, 1)
    _drain(trial.office(trial.database, "last"), Wire(trial.url, Fuse()))
    trial.minutes += 20
    pids = [trial.fork(work) for work in (_ask, _ask, _drain)]
    assert not any(trial.ended(pid) for pid in pids)
    trial.settle()
