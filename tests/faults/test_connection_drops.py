"""Connections to PostgreSQL that break at any question, also after a COMMIT whose answer nobody heard.

job -> the wire breaks -> the same process tries again, as Prefect's retries do -> the end of an undisturbed month.
Processes that die instead: tests/flows/test_*_kills.py, tests/notifications/test_kills.py.
"""

import gc
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from flows.failures import DatabaseGone, incident
from flows.jobs import at_work
from flows.settings import Settings
from models.db import Database
from models.drafts import enclosed_in
from models.jobs import Claim
from notifications import flight
from tests.faults.conftest import Origins
from tests.faults.whole import MONTH, Step, Whole, again, ended, live, same_but_late
from tests.faults.wire import How, Wire
from tests.notifications.office import Office, Post, drafts

pytestmark = pytest.mark.filterwarnings("ignore:.*ServerCursor object at .* was deleted while still open")
"""SQLAlchemy does close it, but nobody is there to be told; psycopg then takes it for one that was forgotten."""


@pytest.fixture
def wire(postgres: str) -> Iterator[Wire]:
    folder = make_url(postgres).query["host"]
    assert isinstance(folder, str)
    made = Wire(f"{folder}/.s.PGSQL.5432")
    yield made
    made.close()
    gc.collect(1)  # such cursors go here and not in the middle of somebody else's test


def over(wire: Wire, url: str) -> str:
    """The same database by way of the wire."""
    by_wire = make_url(url).set(host="127.0.0.1", port=wire.port, username="postgres")
    plain = by_wire.set(query={"sslmode": "disable", "gssencmode": "disable"})
    return plain.render_as_string(hide_password=False)


@pytest.fixture
def wired(wire: Wire, copied: Callable[[str], Whole]) -> Iterator[Whole]:
    """A district that reaches its database over the wire."""
    whole = copied("postgresql")
    whole.database.close()
    whole.through(over(wire, whole.office.base.url))
    yield whole
    whole.database.close()


@pytest.fixture
def near(wire: Wire, fresh_url: Callable[[str], str], configured: Settings) -> Iterator[Database]:
    """An empty database over the wire."""
    made = Database(over(wire, fresh_url("postgresql")), configured.keys())
    yield made
    made.close()


def whole_again(_number: int, _text: bytes) -> How | None:
    return None


def at_random(dice: random.Random, since: int, least: int = 10, most: int = 100) -> Callable[[int, bytes], How | None]:
    """Break after some questions, again and again; what was answered and not heard as often as what was not sent."""
    next_cut = since + dice.randint(least, most)

    def plan(number: int, _text: bytes) -> How | None:
        nonlocal next_cut
        if number < next_cut:
            return None
        next_cut = number + dice.randint(least, most)
        return dice.choice(["unsent", "unanswered"])

    return plan


def test_money_over_a_wire_that_breaks_at_random_is_paid_once(wired: Whole, wire: Wire) -> None:
    hits, wire.plan = 0, at_random(random.Random(20261027), wire.asked)
    for step in wired.walk(MONTH):
        hits += again(step)
    wire.plan = whole_again
    assert hits > 5
    wired.holds()
    wired.paid_once(MONTH)


def broken_month(wired: Whole, wire: Wire, origins: Origins, seed: int) -> int:
    """Live a month over a wire that breaks; return how often a step was hit."""
    hits, wire.plan = 0, at_random(random.Random(seed), wire.asked)

    def do(step: Step) -> None:
        nonlocal hits
        hits += again(step)

    live(wired, do)
    wire.plan = whole_again
    same_but_late(ended(wired), origins("postgresql").standing)
    return hits


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(12))
def test_many_months_over_a_wire_that_breaks_at_random(wired: Whole, wire: Wire, origins: Origins, seed: int) -> None:
    assert broken_month(wired, wire, origins, seed) > 10


@pytest.mark.proof
def test_the_commits_of_a_month_in_turn_get_no_answer(wired: Whole, wire: Wire, origins: Origins) -> None:
    """At each try of a step one of its commits is kept and nobody hears of it; until it has fewer commits.

    Each of its first twenty in turn, then one in ten: to send a day's messages takes thousands, one as the other.
    """
    unheard = 0

    def do(step: Step) -> None:
        nonlocal unheard
        commits, meant = 0, 0

        def plan(_number: int, asked: bytes) -> How | None:
            nonlocal commits
            commits += b"COMMIT" in asked
            return "unanswered" if b"COMMIT" in asked and commits == meant else None

        def once() -> Any:
            nonlocal commits, meant
            commits, meant = 0, meant + max(1, meant // 10)
            return step()

        wire.plan = plan
        unheard += again(once)

    live(wired, do)
    wire.plan = whole_again
    same_but_late(ended(wired), origins("postgresql").standing)
    assert unheard > 80


@pytest.mark.parametrize("how", ["unsent", "unanswered"])
@pytest.mark.parametrize("ends", ["done", "failed"])
def test_a_run_whose_end_was_not_recorded_is_tried_again_by_its_own_process(
    near: Database, wire: Wire, how: How, ends: str
) -> None:
    """The claim stands as running and its process lives; a retry that believed that would report success."""
    tokens = list[int]()

    def work(held: Claim) -> dict[str, Any]:
        tokens.append(held.token)
        if len(tokens) == 1:
            wire.plan = lambda _number, _text: how
            if ends == "failed":
                raise ZeroDivisionError
        return {"slots": 33}

    with pytest.raises(ZeroDivisionError if ends == "failed" else DBAPIError):
        at_work(near, "duty-day", "2026-03-01", "530112", work)
    wire.plan = whole_again
    assert at_work(near, "duty-day", "2026-03-01", "530112", work) == {"slots": 33}
    assert tokens == [1, 2]


@pytest.mark.parametrize("claimed", [1, 2])
def test_a_connection_that_breaks_while_a_message_is_written_is_not_the_messages_fault(
    near: Database, wire: Wire, monkeypatch: pytest.MonkeyPatch, claimed: int
) -> None:
    office = Office(near)
    office.put(*drafts(claimed))
    whole = enclosed_in

    def broken(*given: Any) -> Any:
        wire.plan = lambda _number, _text: "unsent"
        given[0].execute(text("SELECT 1"))
        return whole(*given)

    with monkeypatch.context() as patch:
        patch.setattr(flight, "enclosed_in", broken)
        with pytest.raises(DBAPIError):
            office.drain(Post())
    wire.plan = whole_again
    assert set(office.states()) <= {"claimed", "pending"}
    office.later(minutes=10)
    office.drain(post := Post())
    office.later(minutes=10)
    office.drain(post)
    assert len(post.sent) == claimed
    assert office.states() == {"accepted": claimed}


def test_what_is_said_of_a_lost_connection_names_the_remedy(near: Database, wire: Wire, configured: Settings) -> None:
    wire.plan = lambda _number, _text: "unsent"
    with pytest.raises(DBAPIError) as lost, near.read() as session:
        session.execute(text("SELECT 1"))
    told = incident(lost.value)
    assert isinstance(told, DatabaseGone)
    assert "数据库恢复后再运行一次" in str(told)
    assert "OperationalError" in (configured.folder("logs") / "incidents.log").read_text("utf-8")


def test_a_pool_of_dead_connections_costs_nobody_a_failure(near: Database, wire: Wire) -> None:
    opened = [near.engine.connect() for _ in range(4)]
    for connection in opened:
        connection.close()
    wire.hang_up()
    for _ in range(4):
        with near.read() as session:
            assert session.execute(text("SELECT 1")).scalar() == 1
