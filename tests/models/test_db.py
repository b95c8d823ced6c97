"""Sessions: instants are aware, writers wait for each other, readers stand in nobody's way."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier, Event

import pytest
from sqlalchemy import text
from sqlalchemy.exc import StatementError
from sqlmodel import col, select

from models import db
from models.db import Database, insert_for
from models.jobs import JobRun
from tests.engines import as_in_life

AT = datetime(2026, 3, 1, 7, 30, tzinfo=timezone(timedelta(hours=8)))


def _insert(database: Database, at: datetime, job: str = "x") -> None:
    row = {"job": job, "run_key": "k", "partition": "p", "owner": "o", "state": "done", "token": 1}
    with database.write() as session:
        session.execute(insert_for(session, JobRun).values(**row, lease_until=at, started_at=at))


def _fail_after(_done: object) -> None:
    raise ZeroDivisionError


def test_naive_datetimes_are_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="naive datetime"):
        _insert(database, AT.replace(tzinfo=None))


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(AT, id="wall clock of the district"),
        pytest.param(datetime(1988, 7, 1, tzinfo=UTC), id="summer time of 1988"),
        pytest.param(datetime(2026, 3, 1, 0, 0, 0, 999999, tzinfo=UTC), id="microseconds"),
    ],
)
def test_instants_come_back_aware_in_utc(database: Database, at: datetime) -> None:
    _insert(database, at)
    with database.read() as session:
        found, empty = session.exec(select(col(JobRun.started_at), col(JobRun.finished_at))).one()
    assert (found, found.tzinfo, empty) == (at, UTC, None)


def test_instants_compare_in_the_database_across_zones(database: Database) -> None:
    _insert(database, AT)
    with database.read() as session:
        later = select(col(JobRun.id)).where(col(JobRun.started_at) > AT.astimezone(UTC) - timedelta(seconds=1))
        assert len(session.exec(later).all()) == 1
        assert not session.exec(select(col(JobRun.id)).where(col(JobRun.started_at) > AT)).all()


def test_sessions_that_read_then_write_at_once_wait_for_each_other(
    fresh_url: Callable[[str], str], database: Database
) -> None:
    url, together = fresh_url("sqlite"), Barrier(6)

    def work(number: int) -> None:
        mine = Database(url, database.keys)
        together.wait()
        for _ in range(5):
            with mine.write() as session:
                name = session.connection().execute(text("SELECT name FROM district")).scalar()
                session.connection().execute(text("UPDATE district SET name = :n"), {"n": f"{name}{number}"})
        mine.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    last = Database(url, database.keys)
    with last.read() as session:
        assert len(str(session.connection().execute(text("SELECT name FROM district")).scalar())) == len("西山区") + 30
    last.close()


def test_a_reader_does_not_block_a_writer_and_sees_its_own_instant_on_sqlite(database: Database) -> None:
    read, wrote = Event(), Event()

    def write() -> None:
        read.wait(10)
        _insert(database, AT)
        wrote.set()

    with ThreadPoolExecutor(1) as pool, database.read() as session:
        writing = pool.submit(write)
        before = session.exec(select(col(JobRun.id))).all()
        read.set()
        assert wrote.wait(10)
        writing.result()
        after = session.exec(select(col(JobRun.id))).all()
    assert before == []
    assert len(after) == (0 if session.get_bind().dialect.name == "sqlite" else 1)


def test_a_writer_does_not_block_a_reader(database: Database) -> None:
    with database.write() as writing:
        writing.connection().execute(text("UPDATE district SET name = 'x'"))
        with database.read() as session:
            assert session.connection().execute(text("SELECT name FROM district")).scalar() == "西山区"


def test_an_error_rolls_the_whole_transaction_back(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as session:
        _fail_after(session.connection().execute(text("UPDATE district SET name = 'x'")))
    with database.read() as session:
        assert session.connection().execute(text("SELECT name FROM district")).scalar() == "西山区"


def test_sqlite_is_set_up_to_lose_nothing(
    fresh_url: Callable[[str], str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "_prepare_sqlite", as_in_life)
    mine = Database(fresh_url("sqlite"), database.keys)
    with mine.read() as session:
        told = [
            session.connection().exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    mine.close()
    assert told == ["wal", 2, 1, 30000]
