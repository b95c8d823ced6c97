"""Lost runs: what no process is at is called crashed without any event; what lives never is. A real one: test_cron."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.lost_runs import ECHO, LostRuns

NOW = datetime(2026, 3, 10, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Server:
    """Prefect with runs under way; `record` is what came into its record of events."""

    def __init__(self, *runs: tuple[str, str, timedelta]) -> None:
        self.states = {name: (state, age) for name, state, age in runs}
        self.living: set[str] = set()
        self.sent: list[str] = []
        self.record: set[str] = set()
        self.asked: list[str] = []
        self.clock = NOW
        self.heard: datetime | None = None

    def unfinished(self) -> list[dict[str, Any]]:
        return [
            {"id": name, "name": name, "state": {"type": state, "timestamp": (NOW - age).isoformat()}}
            for name, (state, age) in self.states.items()
        ]

    def now(self) -> datetime:
        return self.clock

    def last_beat(self, identity: str) -> datetime | None:
        self.asked.append(identity)
        return self.clock if identity in self.living else self.heard

    def say_event(self, name: str) -> str:
        assert name == ECHO
        self.sent.append(f"echo {len(self.sent)}")
        return self.sent[-1]

    def has_event(self, identity: str) -> bool:
        return identity in self.record

    def crash(self, identity: str, message: str) -> None:
        assert message
        del self.states[identity]


@pytest.mark.parametrize(
    ("state", "minutes", "first", "second"),
    [
        # taken: 5 minutes to begin and 90 s for the automation; no event is needed to know it
        pytest.param("PENDING", 6.4, [], [], id="taken a while ago"),
        pytest.param("PENDING", 6.6, ["a"], [], id="taken and never begun"),
        pytest.param("CANCELLING", 6.6, ["a"], [], id="cancelled, and nobody there to do it"),
        # running: twice the 90 s of the automation, and believed at the second look
        pytest.param("RUNNING", 2.9, [], [], id="began a moment ago"),
        pytest.param("RUNNING", 3.1, [], ["a"], id="silent"),
    ],
)
def test_who_is_lost(state: str, minutes: float, first: list[str], second: list[str]) -> None:
    server = Server(("a", state, minutes * MINUTE))
    lost = LostRuns(server)  # type: ignore[arg-type]
    assert lost.end() == first
    server.record = set(server.sent)
    assert lost.end() == second


def test_who_lives_is_left_alone_and_costs_no_echo() -> None:
    server = Server(("a", "RUNNING", 600 * MINUTE))
    server.living = {"a"}
    lost = LostRuns(server)  # type: ignore[arg-type]
    assert lost.end() == lost.end() == []
    assert server.sent == []


def test_with_nothing_under_way_one_question_is_all() -> None:
    server = Server()
    assert LostRuns(server).end() == []  # type: ignore[arg-type]
    assert server.asked == server.sent == []


def test_silence_is_not_believed_while_the_record_of_events_stands_still() -> None:
    """The services that write it are down for ten minutes: every heartbeat waits in the broker."""
    server = Server(("a", "RUNNING", 30 * MINUTE))
    lost = LostRuns(server)  # type: ignore[arg-type]
    assert [lost.end() for _ in range(10)] == [[]] * 10
    server.record, server.living = set(server.sent), {"a"}  # they are up again, and all arrives
    assert lost.end() == []
    assert list(server.states) == ["a"]


def test_an_old_echo_is_no_proof_for_a_later_silence() -> None:
    server = Server(("a", "RUNNING", 30 * MINUTE))
    lost = LostRuns(server)  # type: ignore[arg-type]
    lost.end()
    server.record, server.living = set(server.sent), {"a"}
    assert lost.end() == []
    server.living = set()
    assert lost.end() == []  # a new echo must arrive first
    server.record = set(server.sent)
    assert lost.end() == ["a"]


def test_who_falls_silent_later_waits_for_an_echo_of_its_own() -> None:
    server = Server(("a", "RUNNING", 30 * MINUTE), ("b", "RUNNING", 30 * MINUTE))
    server.living = {"b"}
    lost = LostRuns(server)  # type: ignore[arg-type]
    lost.end()
    server.record, server.living = set(server.sent), set()
    assert lost.end() == ["a"]
    server.record = set(server.sent)
    assert lost.end() == ["b"]


def test_events_that_are_always_late_keep_nobody_alive_for_ever() -> None:
    """Each echo arrives two looks later; so does each heartbeat, and there are none."""
    server = Server(("a", "RUNNING", 30 * MINUTE))
    lost = LostRuns(server)  # type: ignore[arg-type]
    ended = []
    for _ in range(4):
        server.record = set(server.sent[:-2])
        ended += lost.end()
    assert ended == ["a"]


def test_a_heartbeat_that_was_late_and_arrives_with_the_echo_counts() -> None:
    """Silent as of the record at 06:00, and then what was sent until then arrives: a heartbeat of 05:59."""
    server = Server(("a", "RUNNING", 30 * MINUTE))
    lost = LostRuns(server)  # type: ignore[arg-type]
    lost.end()
    server.record = set(server.sent)
    server.clock, server.heard = NOW + 5 * MINUTE, NOW - MINUTE
    assert lost.end() == []
    assert list(server.states) == ["a"]


def test_a_heartbeat_is_as_old_as_its_arrival_whatever_the_clock_of_the_worker_says() -> None:
    """Three minutes and a second ago is silence, a second less is not."""
    server = Server(("a", "RUNNING", 30 * MINUTE))
    lost = LostRuns(server)  # type: ignore[arg-type]
    server.heard = NOW - 3 * MINUTE
    assert lost.end() == []
    assert server.sent == []
    server.heard -= MINUTE / 60
    lost.end()
    assert len(server.sent) == 1


def test_no_more_than_thirty_echoes_are_waited_for() -> None:
    server = Server(("a", "RUNNING", 30 * MINUTE))
    lost = LostRuns(server)  # type: ignore[arg-type]
    for _ in range(100):
        lost.end()
    assert len(lost._echoes) == 30
