"""Kill -9 at every point of the protocol, and two drains at once: nothing twice, and little in doubt.

Children are forked from a process without open connections; the channel is a plain ledger that would show duplicates.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.db import Database
from models.drafts import Draft
from models.message_views import counts
from notifications import drain as _loaded  # noqa: F401 - children must not import
from notifications import leases, parcels
from notifications.channels.contract import Letter, Outcome, Request
from notifications.drain import drain
from notifications.outbox import enqueue
from notifications.round import Round
from policies.messages import messages

NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)
POLICY = messages(NOW.date())
VARIABLES = {"name": "李建国", "date": "2026-07-12", "weekday": "周日", "centre": "马街中心"}
CHUNK = 5
POINTS = ("before claim", "after claim", "after freeze", "amid sending", "after sending", "before record")


class Ledger:
    """Appends each out_id to a file and knows nothing of what is there already; `hit` may kill the process."""

    provider = "ledger"
    batch = CHUNK

    def __init__(self, path: Path, hit: Callable[[str], None]) -> None:
        self.path, self.hit = path, hit

    def open(self) -> None: ...

    def close(self) -> None: ...

    def compose(self, letter: Letter) -> str:
        return letter.out_id

    def carries(self, _template: str, _language: str) -> bool:
        return True

    def send(self, _call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        self.hit("after freeze")
        for place, request in enumerate(requests):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.write(descriptor, request.body.encode() + b"\n")
            os.close(descriptor)
            if place == len(requests) // 2:
                self.hit("amid sending")
        self.hit("after sending")
        return [Outcome(request.out_id, "accepted") for request in requests]


def _drain(database: Database, ledger: Path, hit: Callable[[str], None], owner: str, dead: set[str]) -> None:
    clocks: dict[str, Any] = {"now": lambda: NOW, "real_now": lambda: NOW}
    one = Round(database, POLICY, UTC, owner=owner, chunk=CHUNK, dead=dead.__contains__, **clocks)
    drain(one, {"sms": [Ledger(ledger, hit)]})


def _fork(database: Database, work: Callable[[Database], None]) -> int:
    """Run `work` with its own connections in a child; return the child's pid."""
    url = database.engine.url.render_as_string(hide_password=False)
    database.close()
    pid = os.fork()
    if pid:
        return pid
    try:
        work(Database(url, database.keys))
        os._exit(0)
    except BaseException:  # noqa: BLE001 - a child must never fall back into the parent's test run
        os._exit(1)


def _killer(point: str, nth: int) -> Callable[[str], None]:
    seen: Counter[str] = Counter()

    def hit(here: str) -> None:
        seen[here] += 1
        if here == point and seen[here] == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return hit


def _mine_the_protocol(monkeypatch: pytest.MonkeyPatch, hit: Callable[[str], None]) -> None:
    claim, held, record = parcels.claim, leases.held, leases.record

    def mined_claim(*args: Any, **rest: Any) -> Any:
        hit("before claim")
        return claim(*args, **rest)

    def mined_held(*args: Any, **rest: Any) -> Any:
        hit("after claim")
        return held(*args, **rest)

    def mined_record(*args: Any, **rest: Any) -> Any:
        moves = record(*args, **rest)
        hit("before record")
        return moves

    monkeypatch.setattr(parcels, "claim", mined_claim)
    monkeypatch.setattr(leases, "held", mined_held)
    monkeypatch.setattr(leases, "record", mined_record)


def _enqueue(database: Database, number: int) -> None:
    drafts = [
        Draft(f"k:{n}", "duty-released", "sms", "C-7K3Q-9XM2", f"138{n:08}", VARIABLES, "530112") for n in range(number)
    ]
    with database.write() as session:
        enqueue(session, drafts, NOW)


def _states(database: Database) -> Counter[str]:
    with database.read() as session:
        return Counter({state: number for (_, _, state), number in counts(session).items()})


@pytest.mark.parametrize("nth", [1, 2])
def test_a_kill_at_any_point_sends_nothing_twice(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    ledger, dead = tmp_path / "ledger", set[str]()
    _enqueue(database, 60)
    for point in POINTS:
        with monkeypatch.context() as mined:
            hit = _killer(point, nth)
            _mine_the_protocol(mined, hit)
            pid = _fork(database, lambda child, hit=hit: _drain(child, ledger, hit, f"child:{os.getpid()}", {*dead}))  # type: ignore[misc]
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), point
        dead.add(f"child:{pid}")
        states = _states(database)
        assert states.total() == 60
    _drain(database, ledger, lambda _: None, "last", dead)
    states, sent = _states(database), ledger.read_text().split()
    assert len(sent) == len(set(sent))
    assert states["accepted"] + states["unknown"] == 60
    assert 0 < states["unknown"] <= len(POINTS) * CHUNK
    assert states["accepted"] <= len(sent) <= 60


def test_two_drains_at_once_send_each_message_once(database: Database, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    _enqueue(database, 60)
    pids = [
        _fork(database, lambda child, me=me: _drain(child, ledger, lambda _: None, f"drain{me}", set()))  # type: ignore[misc]
        for me in range(2)
    ]
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0, 0]
    sent = ledger.read_text().split()
    assert (len(sent), len(set(sent))) == (60, 60)
    assert _states(database) == {"accepted": 60}
