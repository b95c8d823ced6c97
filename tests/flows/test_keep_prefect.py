"""Prefect's own database is kept beside ours, and neither is ever put in the place of the other."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from flows.keep import backup_database
from flows.keep_files import FileThere, InUse, NotABackup, NothingToKeep, last_backup
from flows.keep_prefect import backup_prefect, check_prefect, restore_prefect
from flows.settings import Settings


@pytest.fixture
def kept(fresh_url: Callable[[str], str], configured: Settings) -> Settings:
    """A district whose Prefect has the SQLite of its own folder, as `tuoqi up` leaves it."""
    with closing(sqlite3.connect(_theirs(configured))) as theirs:
        theirs.executescript("CREATE TABLE alembic_version (version_num TEXT); CREATE TABLE flow_run (name TEXT);")
        theirs.execute("INSERT INTO alembic_version VALUES ('of-prefect')")
        theirs.commit()
    return configured.model_copy(update={"database_url": fresh_url("sqlite")})


def _theirs(settings: Settings) -> Path:
    return settings.folder("prefect") / "prefect.db"


def test_it_goes_where_it_is_told_replaces_nothing_and_comes_back(kept: Settings, tmp_path: Path) -> None:
    assert str(tmp_path / "a.backup") in backup_prefect(kept, tmp_path / "a.backup")
    with pytest.raises(FileThere):
        backup_prefect(kept, tmp_path / "a.backup")
    _theirs(kept).unlink()
    restore_prefect(kept, tmp_path / "a.backup")
    with closing(sqlite3.connect(_theirs(kept))) as theirs:
        assert theirs.execute("SELECT version_num FROM alembic_version").fetchall() == [("of-prefect",)]


def test_in_the_folder_of_our_backups_it_is_no_backup_of_ours(kept: Settings) -> None:
    backup_prefect(kept, kept.folder("backups"))
    (made,) = kept.folder("backups").iterdir()
    assert made.name.startswith("prefect-")
    assert last_backup(kept) is None


def test_before_the_first_start_there_is_nothing_to_keep(configured: Settings, tmp_path: Path) -> None:
    with pytest.raises(NothingToKeep):
        backup_prefect(configured, tmp_path / "a.backup")


def test_what_is_no_backup_of_prefect_is_refused(kept: Settings, tmp_path: Path) -> None:
    backup_database(kept, tmp_path / "ours.backup")
    (tmp_path / "noise").write_bytes(b"noise" * 1000)
    for name in ("ours.backup", "noise", "gone"):
        with pytest.raises(NotABackup, match=name):
            check_prefect(kept, tmp_path / name)


def test_nothing_is_restored_while_the_server_works_with_it(kept: Settings, tmp_path: Path) -> None:
    backup_prefect(kept, tmp_path / "a.backup")
    with closing(sqlite3.connect(_theirs(kept))) as server:
        server.execute("PRAGMA journal_mode=WAL")
        server.execute("SELECT * FROM flow_run").fetchall()
        with pytest.raises(InUse):
            restore_prefect(kept, tmp_path / "a.backup")
