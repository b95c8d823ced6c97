"""The bell: it rings once for what is due, holds its peace when it should, and outlives database and server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col

from flows import ringer
from flows.deliver import deliver
from flows.doctor import examine
from flows.ringer import LONGEST_S, LOOK_S, Ringer, due
from flows.service_errors import Unanswered
from flows.settings import Settings, settings
from flows.store import Unreachable
from models.db import Database
from models.messages import Message
from notifications.outbox import Draft, enqueue
from tests.flows.test_deliver import CALL, MAIL, NOW, SMS

NOTICE, SLIP = ("sms", ("duty-notice", "zh-CN")), ("email", ("exam-slip", "zh-CN"))


class Server:
    """Prefect as the bell knows it; `failing` says what its next answers are in place of a run."""

    def __init__(self) -> None:
        self.paused = self.busy = False
        self.failing: list[Exception] = []
        self.started: list[str] = []
        self.swept = 0

    def deployment(self, _name: str) -> dict[str, Any]:
        return {"paused": self.paused}

    def under_way(self, _name: str) -> bool:
        return self.busy

    def start(self, name: str) -> str:
        if self.failing:
            raise self.failing.pop(0)
        self.started.append(name)
        return "a run"

    def unfinished(self) -> list[dict[str, Any]]:
        self.swept += 1
        return []

    def now(self) -> datetime:
        return NOW

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def bell(server: Server) -> Ringer:
    return Ringer(server)  # type: ignore[arg-type]


def test_it_rings_once_for_what_is_due_and_again_for_what_becomes_due(bell: Ringer, server: Server) -> None:
    assert bell.hear({NOTICE}, 100)
    assert not bell.hear({NOTICE}, 100 + LOOK_S - 1)
    assert bell.hear({NOTICE, SLIP}, 101)
    assert server.started == ["deliver", "deliver"]


def test_what_went_and_came_back_is_news(bell: Ringer) -> None:
    assert bell.hear({NOTICE, SLIP}, 100)
    assert not bell.hear({SLIP}, 101)
    assert bell.hear({NOTICE, SLIP}, 102)


@pytest.mark.parametrize(
    ("paused", "busy", "waiting"),
    [
        pytest.param(False, False, set[Any](), id="nothing is due"),
        pytest.param(False, True, {NOTICE}, id="a run waits or works"),
        pytest.param(True, False, {NOTICE}, id="a person put the job out of force"),
    ],
)
def test_it_holds_its_peace(bell: Ringer, server: Server, paused: bool, busy: bool, waiting: set[Any]) -> None:
    server.paused, server.busy = paused, busy
    assert not bell.hear(waiting, 100)
    server.paused = server.busy = False
    assert bell.hear({NOTICE}, 101)
    assert server.started == ["deliver"]


def test_what_no_run_can_move_is_rung_for_ever_more_rarely_but_every_minute(bell: Ringer) -> None:
    rung = [second for second in range(0, 600, LOOK_S) if bell.hear({NOTICE}, second)]
    gaps = [later - before for before, later in pairwise(rung)]
    assert gaps[:5] == [3, 6, 12, 24, 48]
    assert set(gaps[5:]) == {LONGEST_S}


def test_a_server_that_was_away_is_rung_again_at_the_next_look(bell: Ringer, server: Server) -> None:
    server.failing = [Unanswered("http://127.0.0.1:4200/api")]
    with pytest.raises(Unanswered):
        bell.hear({NOTICE}, 100)
    assert bell.hear({NOTICE}, 101)


def test_due_is_what_a_drain_could_move_now(database: Database) -> None:
    assert due(database, NOW) == set()
    later = Draft("m:9", MAIL.template, "email", MAIL.recipient, MAIL.address, MAIL.variables, MAIL.district)
    with database.write() as session:
        enqueue(session, [SMS, CALL], NOW)
        enqueue(session, [later], NOW + timedelta(minutes=5))
    assert due(database, NOW - timedelta(seconds=1)) == set()
    assert due(database, NOW) == {("sms", (SMS.template, "zh-CN"))}
    assert {channel for channel, _ in due(database, NOW + timedelta(minutes=5))} == {"sms", "email"}


def test_what_a_killed_run_left_behind_is_due(database: Database) -> None:
    left = {"state": "claimed", "lease_owner": "a dead one", "lease_until": NOW}
    with database.write() as session:
        enqueue(session, [SMS], NOW)
        session.execute(update(Message).where(col(Message.channel) == "sms").values(**left))
    assert due(database, NOW - timedelta(hours=1))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch, server: Server) -> list[float]:
    """The waits of a bell that is stopped at its ninth."""
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 9:
            raise KeyboardInterrupt

    monkeypatch.setattr("flows.ringer.time.sleep", sleep)
    monkeypatch.setattr(ringer, "PrefectApi", lambda *_: server)
    return waits


def test_it_goes_on_after_database_and_server_were_away(
    database: Database, server: Server, looks: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    away = [Unreachable("sqlite:///tuoqi.db", "gone"), Unreachable("sqlite:///tuoqi.db", "gone")]
    server.failing = [Unanswered("http://127.0.0.1:4200/api"), httpx.ReadError("cut off")]

    @contextmanager
    def opened(_: Settings) -> Iterator[Database]:
        if away:
            raise away.pop()
        yield database

    monkeypatch.setattr(ringer, "opened", opened)
    with database.write() as session:
        enqueue(session, [SMS], datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(KeyboardInterrupt):
        ringer.stay(settings())
    assert server.started[0] == "deliver"
    assert looks[:4] == [6, 12, 24, 48]
    assert set(looks[4:]) == {LOOK_S}
    assert server.swept == 1  # every minute, and these looks took no time


def test_the_doctor_hears_a_bell_that_fell_silent(configured: Settings) -> None:
    assert not ringer.silent(configured)
    mark = configured.folder("prefect") / "ringer.mark"
    mark.touch()
    assert not ringer.silent(configured)
    os.utime(mark, (0, 0))
    assert ringer.silent(configured)
    assert [found.state for found in examine(configured) if found.name == "service"] == ["warn"]


def test_the_job_that_is_rung_for_is_deliver() -> None:
    assert deliver.name == ringer.JOB
