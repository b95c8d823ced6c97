"""Keeping Prefect's own database beside ours: runs, schedules and forms, no register and no money.

Without it nothing is lost but the history of runs: `tuoqi register` makes the rest anew.
"""

from pathlib import Path

from flows import keep_postgres, keep_sqlite, store
from flows.keep import service_stopped, write_backup
from flows.keep_files import NotABackup, Unsound, drafted
from flows.settings import Settings
from models import schema
from rules.errors import say


def backup_prefect(settings: Settings, to: Path) -> str:
    """Back Prefect's database up into `to`, read the copy through, and say where it is.

    Raises:
        NothingToKeep, FileThere, Damaged, CannotKeep, NoTool, ToolFailed: no backup was made.
    """
    file, _ = write_backup(_prefects(settings), to, "prefect")
    line = say("Prefect 的数据库已备份到 {}（{:.1f} MB）。", "backed Prefect's database up to {} ({:.1f} MB).")
    return line.format(file, file.stat().st_size / 1e6)


def check_prefect(settings: Settings, file: Path) -> None:
    """Read a backup of Prefect's database through.

    Raises:
        NotABackup: the file is missing, damaged, or a backup of our own database.
    """
    if not file.is_file():
        raise NotABackup(file, say("没有这个文件", "no such file"))
    try:
        kept = keep_sqlite if store.sqlite_file(_prefects(settings)) else keep_postgres
        revision = kept.look_through(file, None)
    except Unsound as error:
        raise NotABackup(file, str(error)) from error
    if revision is None or revision in schema.history():
        raise NotABackup(file, say("不是 Prefect 的数据库", "not a database of Prefect"))


def restore_prefect(settings: Settings, file: Path) -> str:
    """Put a backup in the place of Prefect's database; what was there goes, for it holds nothing that counts.

    Raises:
        NotABackup: the file is damaged, or one of our own database.
        InUse: the server still works with it.
        CannotKeep, NoTool, ToolFailed, Unconnected: nothing was changed.
    """
    check_prefect(settings, file)
    url = _prefects(settings).url
    with service_stopped(settings):
        if target := store.sqlite_file(_prefects(settings)):
            with drafted(target) as draft:
                keep_sqlite.copy(file, draft)
                if target.is_file():
                    keep_sqlite.lock_out(target)
                keep_sqlite.put_in_place(draft, target)
        else:
            keep_postgres.lock_out(url)
            keep_postgres.put_in_place(file, url)
    return say("已从 {} 恢复 Prefect 的数据库。", "restored Prefect's database from {}.").format(file)


def _prefects(settings: Settings) -> Settings:
    """The settings as if Prefect's database were ours, so that the same hands keep it."""
    default = f"sqlite:///{settings.folder('prefect') / 'prefect.db'}"
    return settings.model_copy(update={"database_url": settings.prefect_database_url or default})
