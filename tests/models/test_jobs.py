"""Job runs: one process works on a period, a lease that ran out is taken over, who lost it writes nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import text

from models.db import Database
from models.jobs import Claim, LostLease, Standing, claim, finish, last_done, renew

NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
LEASE = timedelta(minutes=10)
DAY = ("duty-day", "2026-03-01", "530112")


def _claim(
    database: Database, owner: str = "a:1:1", at: datetime = NOW, *, dead: str | None = None, again: bool = True
) -> Claim | Standing:
    with database.write() as session:
        return claim(session, *DAY, owner=owner, now=at, lease_until=at + LEASE, dead=dead, again=again)


def _held(database: Database, owner: str = "a:1:1", at: datetime = NOW, *, dead: str | None = None) -> Claim:
    held = _claim(database, owner, at, dead=dead)
    assert isinstance(held, Claim)
    return held


def _finish(database: Database, held: Claim, state: str = "done") -> None:
    with database.write() as session:
        finish(session, held, state, NOW, {"slots": 33})


def _batch(database: Database, held: Claim) -> None:
    with database.write() as session:
        session.connection().execute(text("UPDATE district SET name = 'lost'"))
        renew(session, held, NOW + 2 * LEASE)


def test_the_first_to_ask_holds_the_job_and_the_second_is_told_who(database: Database) -> None:
    assert _held(database).token == 1
    assert _claim(database, "b:2:2") == Standing("running", "a:1:1", None)


def test_other_periods_and_partitions_are_other_claims(database: Database) -> None:
    _held(database)
    with database.write() as session:
        for day in (("duty-day", "2026-03-02", "530112"), ("duty-day", "2026-03-01", "530102")):
            assert isinstance(claim(session, *day, owner="a", now=NOW, lease_until=NOW + LEASE), Claim)


def test_a_renewed_lease_is_not_taken_over(database: Database) -> None:
    held = _held(database)
    with database.write() as session:
        renew(session, held, NOW + 3 * LEASE)
    assert isinstance(_claim(database, "b:2:2", NOW + 2 * LEASE), Standing)


def test_an_expired_lease_is_taken_over_and_its_old_owner_writes_nothing(database: Database) -> None:
    old = _held(database)
    assert isinstance(_claim(database, "b:2:2", NOW + LEASE - timedelta(seconds=1)), Standing)
    new = _held(database, "b:2:2", NOW + LEASE)
    assert new.token == old.token + 1
    with pytest.raises(LostLease):
        _batch(database, old)
    _finish(database, old, "failed")
    with database.read() as session:
        assert session.connection().execute(text("SELECT name FROM district")).scalar() != "lost"
        assert session.connection().execute(text("SELECT state FROM job_run")).scalar() == "running"
    with database.write() as session:
        renew(session, new, NOW + 2 * LEASE)


def test_a_dead_owner_is_not_waited_for_and_a_living_one_is(database: Database) -> None:
    _held(database)
    assert isinstance(_claim(database, "b:2:2", dead="c:3:3"), Standing)
    assert _held(database, "b:2:2", dead="a:1:1").token == 2


@pytest.mark.parametrize(
    ("state", "again", "taken"),
    [
        pytest.param("done", True, True, id="a derived job is done again"),
        pytest.param("done", False, False, id="a once-only step gives its first result"),
        pytest.param("failed", True, True, id="a failed job is tried again"),
        pytest.param("failed", False, True, id="a failed once-only step is tried again"),
    ],
)
def test_what_follows_a_finished_run(database: Database, state: str, again: bool, taken: bool) -> None:
    _finish(database, _held(database), state)
    found = _claim(database, "b:2:2", again=again)
    if taken:
        assert isinstance(found, Claim)
        assert found.token == 2
    else:
        assert found == Standing("done", "a:1:1", {"slots": 33})


def test_a_once_only_step_stays_done_after_its_lease_and_its_owner(database: Database) -> None:
    _finish(database, _held(database))
    assert isinstance(_claim(database, "b:2:2", NOW + 9 * LEASE, dead="a:1:1", again=False), Standing)


def test_a_finished_run_cannot_be_renewed(database: Database) -> None:
    held = _held(database)
    _finish(database, held)
    with pytest.raises(LostLease), database.write() as session:
        renew(session, held, NOW + LEASE)


def test_the_last_done_period_counts_done_ones_of_the_partition_only(database: Database) -> None:
    with database.write() as session:
        for day, state in (("2026-02-27", "done"), ("2026-02-28", "done"), ("2026-03-01", "failed")):
            held = claim(session, "duty-day", day, "530112", owner="a", now=NOW, lease_until=NOW)
            assert isinstance(held, Claim)
            finish(session, held, state, NOW, None)
        assert last_done(session, "duty-day", "530112") == "2026-02-28"
        assert last_done(session, "duty-day", "530102") is None


@pytest.mark.parametrize("before", ["nothing", "expired", "failed", "done"])
def test_of_twenty_that_ask_at_once_exactly_one_wins(database: Database, before: str) -> None:
    if before != "nothing":
        held = _held(database, at=NOW - 2 * LEASE)
        if before != "expired":
            _finish(database, held, before)
    together = Barrier(20)

    def ask(number: int) -> Claim | Standing:
        together.wait()
        return _claim(database, f"host:{number}:1")

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(ask, range(20)))
    won = [each for each in found if isinstance(each, Claim)]
    assert len(won) == 1
    assert {each.state for each in found if isinstance(each, Standing)} == {"running"}
