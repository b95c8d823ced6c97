"""Keeping the database: a verified backup -> a restore that keeps what was there -> an upgrade after a backup.

The keys are never inside a backup: who finds one reads no names, and who loses the keys reads none either.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import func, select

from flows import keep_postgres, keep_sqlite, store
from flows.audit_anchor import add_anchor, anchors
from flows.keep_files import (
    Damaged,
    FileThere,
    InUse,
    KeepError,
    NotABackup,
    NothingToKeep,
    Unsound,
    drafted,
    place,
    settle,
)
from flows.money_rests import restore_mark
from flows.settings import Settings
from flows.store import NewDatabase, NoDistrict
from models import audit, schema
from models.allowance import AllowanceCycle
from models.db import Database
from models.message_views import counts
from models.messages import OPEN
from models.restores import RESTORED
from models.seal import KeyRing
from rules.errors import say


def backup_database(settings: Settings, to: Path | None) -> str:
    """Back the database up into var/backups or `to`, verify the copy, and say where it is and what is not in it.

    Raises:
        NothingToKeep, FileThere, Damaged, CannotKeep, NoTool, ToolFailed: no backup was made.
    """
    file, revision = write_backup(settings, to)
    line = say(
        "已备份到 {}（{:.1f} MB，版本 {}，已校验）。备份中不含密钥：没有密钥文件 {} 读不出个人信息，请另存它。",
        "backed up to {} ({:.1f} MB, version {}, verified). The keys are NOT inside: without the key file {} nobody "
        "can read the personal data in it; keep a copy of that file somewhere else.",
    )
    return line.format(file, file.stat().st_size / 1e6, revision, settings.keys_path.absolute())


def restore_database(settings: Settings, file: Path) -> str:
    """Put a backup in the place of the present database, which is backed up first.

    Raises:
        NotABackup, NewDatabase, WrongSeal: the file is damaged, too new, or sealed with other keys.
        InUse: the service or another command works with the database.
        CannotKeep, NoTool, ToolFailed: the disk or PostgreSQL refused; what was there is there still.
    """
    settings.check()
    keys = settings.keys()
    if not file.is_file():
        raise NotABackup(file, say("没有这个文件", "no such file"))
    with service_stopped(settings):
        saved, revision = _restore(settings, file, keys)
        _leave_trace(settings, file)
    told = say("已从 {} 恢复（版本 {}）。", "restored {} (version {}).").format(file, revision)
    if saved:
        told += say("恢复前的数据备份在 {}。", " What was there before is in {}.").format(saved)
    if revision != schema.head():
        return told + say("该版本较旧，请执行 tuoqi migrate。", " It is an older version; run `tuoqi migrate`.")
    return told + _aftermath(settings)


def migrate_database(settings: Settings) -> str:
    """Bring the database to this program's version, after a backup if it is older; doing it again changes nothing.

    Raises:
        NewDatabase, ForeignDatabase, Unreachable: nothing was touched.
    """
    with closing(store.reach(settings)) as database:
        found = store.found_revision(database, settings)
        saved = backup_database(settings, None) if found not in {None, schema.head()} else ""
        store.prepare(database, settings)
    if found is None:
        line = say("已新建数据库 {}（版本 {}）。", "made the database {} (version {}).")
        return line.format(store.where(settings), schema.head())
    if found == schema.head():
        line = say(
            "数据库已是最新（{}），区县与日历已核对。",
            "the database is up to date ({}); district and calendar checked.",
        )
        return line.format(found)
    line = say("数据库已由版本 {} 升级到 {}。升级前{}", "upgraded the database from version {} to {}. Before that: {}")
    return line.format(found, schema.head(), saved)


def service_running(settings: Settings) -> bool:
    """Tell whether a service works in this var folder."""
    lock = settings.var_dir.absolute() / "prefect" / "service.lock"
    if not lock.exists():
        return False
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


@contextmanager
def service_stopped(settings: Settings) -> Iterator[None]:
    """Hold the service's own lock, so that it can neither run nor start.

    Raises:
        InUse: it runs.
    """
    with (settings.folder("prefect") / "service.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InUse(say("托起服务正在运行", "the service runs")) from None
        yield


def write_backup(settings: Settings, to: Path | None, whose: str = "tuoqi") -> tuple[Path, str]:
    """Write a backup into var/backups or `to` and read it through; return the file and the revision in it.

    A dated name begins with `whose` database it is.

    Raises:
        NothingToKeep, FileThere, Damaged, CannotKeep, NoTool, ToolFailed: no backup was made.
    """
    source = store.sqlite_file(settings)
    if source and not source.is_file():
        raise NothingToKeep(store.where(settings))
    file = place(settings, to, "db" if source else "dump", whose)
    with drafted(file) as draft:
        try:
            if source:
                keep_sqlite.copy(source, draft)
                revision = keep_sqlite.look_through(draft, None)
            else:
                keep_postgres.dump(settings.url, draft)
                revision = keep_postgres.look_through(draft, None)
        except Unsound as error:
            raise Damaged(store.where(settings), str(error)) from error
        if file.exists():
            raise FileThere(file)
        draft.rename(file)
        settle(file.parent)
    return file, revision or say("无", "none")


def _restore(settings: Settings, file: Path, keys: KeyRing) -> tuple[Path | None, str]:
    target = store.sqlite_file(settings)
    if target is None:
        revision = _fit(file, lambda: keep_postgres.look_through(file, keys))
        keep_postgres.lock_out(settings.url)
        saved = write_backup(settings, None)[0] if _has_tables(settings, keys) else None
        with _begun(settings):
            keep_postgres.put_in_place(file, settings.url)
        return saved, revision
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with drafted(target) as draft:
        revision = _fit(file, lambda: _copied(file, draft, keys))
        saved = _kept(settings, target) if target.is_file() else None
        if target.is_file():
            keep_sqlite.lock_out(target)
        with _begun(settings):
            keep_sqlite.put_in_place(draft, target)
    return saved, revision


def _copied(file: Path, draft: Path, keys: KeyRing) -> str | None:
    keep_sqlite.copy(file, draft)
    return keep_sqlite.look_through(draft, keys)


def _fit(file: Path, looked_through: Callable[[], str | None]) -> str:
    try:
        revision = looked_through()
    except Unsound as error:
        raise NotABackup(file, str(error)) from error
    if revision is None:
        raise NotABackup(file, say("不是托起的数据库", "not a database of Tuoqi"))
    if revision not in schema.history():
        raise NewDatabase(revision)
    return revision


def _kept(settings: Settings, target: Path) -> Path:
    """Back up what a restore will replace; a database too damaged for that is kept as it lies."""
    try:
        return write_backup(settings, None)[0]
    except Damaged:
        return keep_sqlite.set_aside(target, place(settings, None, "damaged.db"))


def _has_tables(settings: Settings, keys: KeyRing) -> bool:
    with closing(Database(settings.url, keys)) as database:
        return store.found_revision(database, settings) is not None


@contextmanager
def _begun(settings: Settings) -> Iterator[None]:
    """Mark that the database is being replaced, until the trace is left: a kill in between must not let money go on."""
    mark = restore_mark(settings)
    mark.touch(0o600)
    settle(mark.parent)
    try:
        yield
    except KeepError:  # what was there is there still
        mark.unlink()
        raise


def _leave_trace(settings: Settings, file: Path) -> None:
    """Tell the audit log of every district, which has been the same since the first version; money rests by it.

    The anchors outside are ahead of the log now: each begins anew, and says why.
    """
    with closing(store.reach(settings)) as database:
        with database.write() as session:
            for code in settings.all_districts:
                audit.record(session, code, "restore", RESTORED, settings.now(), file=file.name)
        restore_mark(settings).unlink()
        for code in settings.all_districts:
            if anchors(own := settings.of_district(code)):
                add_anchor(database, own, restart=f"restored {file.name}")


def _aftermath(settings: Settings) -> str:
    """Say what the past would do again."""
    with closing(store.reach(settings)) as database, database.read() as session:
        waiting = sum(number for (_, _, state), number in counts(session).items() if state in OPEN)
        known = store.has_district(session, settings.district)
        pays = session.scalar(select(func.count()).select_from(AllowanceCycle))
    told = "" if known else f" {NoDistrict(settings.district)}"
    if waiting:
        told += say(
            "其中有 {} 条消息在备份时尚未发出，启动后会发送，可能与已发的重复；请先用 tuoqi export messages 核对。",
            " {} messages were waiting when the backup was made and will be sent once the service runs, perhaps "
            "a second time; look at `tuoqi export messages` first.",
        ).format(waiting)
    if not pays:
        return told
    return told + say(
        "发放已暂停：向银行核对备份之后的文件后，由两位审批人各填一次 allowance-hold 表单（选“恢复发放”）。",
        " Money rests: settle with the bank what it has had since the backup, then two approvers send "
        "the form `allowance-hold`.",
    )
