"""Opening the database: new ones are made, strange, older and newer ones are refused untouched."""

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import text

from flows.settings import Settings
from flows.store import ForeignDatabase, NewDatabase, NoDistrict, OldDatabase, Unreachable, open_database, opened
from models import schema
from models.db import Database, open_engine
from models.district import district_id

KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, fresh_url: Callable[[str], str], key_file: Path, tmp_path: Path) -> Settings:
    """Settings of a database without tables."""
    url = fresh_url(request.param)
    engine = open_engine(url)
    schema.downgrade(engine, "base")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    engine.dispose()
    return Settings(database_url=url, key_file=key_file, var_dir=tmp_path / "var")


def _settings(database: Database, configured: Settings) -> Settings:
    url = database.engine.url.render_as_string(hide_password=False)
    return configured.model_copy(update={"database_url": url})


def test_a_brand_new_database_is_made_with_district_and_calendar(empty: Settings) -> None:
    with opened(empty) as database:
        assert schema.revision(database.engine) == schema.head()
        with database.read() as session:
            assert district_id(session, "530112")
            assert session.connection().execute(text("SELECT count(*) FROM work_calendar")).scalar()


def test_processes_that_find_no_database_at_once_make_one(empty: Settings) -> None:
    together = Barrier(4)

    def work(_: int) -> int | None:
        together.wait()
        with opened(empty) as database, database.read() as session:
            return district_id(session, "530112")

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(work, range(4))) == {1}


def test_the_file_of_a_new_sqlite_database_is_its_owners_alone(tmp_path: Path, key_file: Path) -> None:
    path = tmp_path / "elsewhere" / "own.db"
    open_database(Settings(database_url=f"sqlite:///{path}", key_file=key_file)).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_an_older_database_waits_for_migrate(
    database: Database, configured: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = schema.history()
    monkeypatch.setattr(schema, "history", lambda: ("next", *known))
    with pytest.raises(OldDatabase, match="tuoqi migrate"):
        open_database(_settings(database, configured))


def test_a_newer_database_is_refused_and_left_alone(database: Database, configured: Settings) -> None:
    with database.write() as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewDatabase, match="9999"):
        open_database(_settings(database, configured))
    assert schema.revision(database.engine) == "9999"


def test_the_tables_of_another_program_are_not_touched(empty: Settings) -> None:
    engine = open_engine(empty.url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (id INTEGER)"))
    with pytest.raises(ForeignDatabase):
        open_database(empty)
    assert schema.revision(engine) == schema.UNVERSIONED
    engine.dispose()


def test_a_district_that_is_not_registered_is_named(database: Database, configured: Settings) -> None:
    with pytest.raises(NoDistrict, match="530102"):
        open_database(_settings(database, configured).model_copy(update={"district": "530102"}))


def test_a_server_that_does_not_answer_is_one_line_without_the_password(key_file: Path) -> None:
    away = Settings(database_url="postgresql://tuoqi:geheim@127.0.0.1:1/tuoqi", key_file=key_file)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1") as caught:
        open_database(away)
    assert "geheim" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path, key_file: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(Unreachable, match="not a database"):
        open_database(Settings(database_url=f"sqlite:///{tmp_path / 'x.db'}", key_file=key_file))


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, key_file: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unreachable):
        open_database(Settings(database_url=f"sqlite:///{tmp_path}/file/x.db", key_file=key_file))
