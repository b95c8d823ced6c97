"""Several drains at once, in threads with connections of their own: no cap, no rate and no message is taken twice."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

from models.db import Database
from notifications.channels.contract import Outcome, Request
from notifications.drain import Tally
from tests.notifications.office import Office, Post, drafts

DRAINS = 3


class _Together(Post):
    """Shared by all drains; each waits for the others before it claims anything."""

    def __init__(self, provider: str = "post", batch: int = 50) -> None:
        super().__init__(provider=provider, batch=batch)
        self.gate, self.lock = Barrier(DRAINS, timeout=30), Lock()

    def open(self) -> None:
        self.gate.wait()

    def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        with self.lock:
            return super().send(call_id, requests)


def at_once(office: Office, drain: Callable[[Office], Tally]) -> list[Tally]:
    """Run `drain` in every thread, each as an owner with a database of its own."""
    url = office.database.engine.url.render_as_string(hide_password=False)

    def alone(number: int) -> Tally:
        mine = Database(url, office.database.keys)
        try:
            return drain(Office(mine, office.now, office.real, office.policy, owner=f"host:{number}:0"))
        finally:
            mine.close()

    with ThreadPoolExecutor(DRAINS) as threads:
        return list(threads.map(alone, range(DRAINS)))


def test_each_message_leaves_once(office: Office) -> None:
    office.put(*drafts(60))
    post = _Together()
    tallies = at_once(office, lambda mine: mine.drain(post, chunk=4))
    assert sum((tally.states for tally in tallies), Counter()) == {"accepted": 60}
    assert Counter(post.phones).most_common(1)[0][1] == 1
    assert len(post.sent) == 60


def test_the_cap_of_a_day_is_not_exceeded(office: Office) -> None:
    office.capped(day=20)
    office.put(*drafts(60))
    post = _Together()
    at_once(office, lambda mine: mine.drain(post, chunk=3))
    assert len(post.sent) == 20
    assert office.states() == {"accepted": 20, "pending": 40}
    assert office.rows("SELECT messages FROM sending_day") == [(20,)]


def test_the_cap_of_a_number_is_not_exceeded(office: Office) -> None:
    office.capped(number_day=5)
    office.put(*drafts(40, address="13800138000"))
    post = _Together()
    at_once(office, lambda mine: mine.drain(post, chunk=2))
    assert len(post.sent) == 5


def test_a_token_bucket_is_shared(office: Office) -> None:
    office.rated("slow", per_s=1, burst=12)
    office.put(*drafts(40))
    post = _Together("slow")
    at_once(office, lambda mine: mine.drain(post, chunk=2))
    assert len(post.sent) == 12
    office.later(seconds=3)
    post.gate = Barrier(DRAINS, timeout=30)
    at_once(office, lambda mine: mine.drain(post, chunk=2))
    assert len(post.sent) == 15


def test_a_provider_that_was_in_trouble_is_probed_by_few(office: Office) -> None:
    """Each drain that finds the circuit half open sends one message, never a chunk."""
    office.put(*drafts(40))
    office.drain(Post(*["stop"] * 40))
    office.later(minutes=1)
    post = _Together()
    post.answers = ["stop"] * 40
    at_once(office, lambda mine: mine.drain(post))
    assert {len(requests) for _, requests in post.calls} == {1}
    assert len(post.calls) <= DRAINS
