"""What can go wrong with a backup, and the file it is written to: a draft beside its place -> whole under its name."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows.jobs import real_now
from flows.settings import Settings
from models.seal import KeyRing
from rules.errors import TuoqiError

SEALED = (("cadre", "name"), ("cadre", "phone"), ("cadre", "email"), ("subdistrict", "phone"), ("subdistrict", "email"))
"""Columns of which one value is opened, to see that keys and backup belong together."""
PROVED = "proved-elsewhere"
"""An empty file in var/backups, as old as the last backup that deploy/backup.sh made elsewhere and proved."""
_DATED = re.compile(r"tuoqi-\d{8}-\d{6}(-\d+)?\.(db|dump)")


class KeepError(TuoqiError):
    """A backup or a restore was refused or failed; nothing is half done."""


@dataclass(eq=False)
class NothingToKeep(KeepError):
    """There is no database yet."""

    where: str
    zh = "还没有数据库（{where}），无需备份；如路径不对，请核对 TUOQI_DATABASE_URL 与 TUOQI_VAR_DIR。"
    en = "there is no database yet ({where}); if that is the wrong place, check TUOQI_DATABASE_URL and TUOQI_VAR_DIR."


@dataclass(eq=False)
class FileThere(KeepError):
    """A backup never replaces another file."""

    file: Path
    zh = "文件 {file} 已存在，未覆盖；请换一个文件名。"
    en = "{file} exists and was left alone; choose another name."


@dataclass(eq=False)
class Damaged(KeepError):
    """The present database is broken."""

    where: str
    problem: str
    zh = "数据库 {where} 已损坏（{problem}），没有生成备份；请用最近的备份执行 tuoqi restore（损坏的文件会另存）。"
    en = "the database {where} is damaged ({problem}), no backup was made; restore the latest backup: `tuoqi restore`."


@dataclass(eq=False)
class NotABackup(KeepError):
    """The file is not a backup of a Tuoqi database, or it is damaged."""

    file: Path
    problem: str
    zh = "{file} 不能用于恢复（{problem}）；现有数据未被改动，请换一个备份文件。"
    en = "{file} cannot be restored ({problem}); nothing was changed, choose another backup."


@dataclass(eq=False)
class InUse(KeepError):
    """Somebody works with the database now."""

    who: str
    zh = "数据库正在使用中（{who}）；请先停止服务和其他 tuoqi 命令，再恢复。现有数据未被改动。"
    en = "the database is in use ({who}); stop the service and other commands, then restore. Nothing was changed."


@dataclass(eq=False)
class CannotKeep(KeepError):
    """The disk refused."""

    file: Path
    reason: str
    zh = "无法读写 {file}({reason})；请检查磁盘空间与权限后重试。"
    en = "cannot read or write {file} ({reason}); check the disk's space and permissions, then try again."


class Unsound(Exception):
    """A database or a copy of it is damaged or not ours; what that means depends on whose it is."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed value of a backup."""

    column: str
    ref: str
    envelope: bytes


def open_all(keys: KeyRing | None, found: Iterable[Sealed]) -> None:
    """Open sealed values, if keys are given.

    Raises:
        WrongSeal: these are not the keys of this backup.
    """
    for sealed in found if keys else ():
        keys.open(sealed.column, sealed.ref, sealed.envelope)  # type: ignore[union-attr]


def place(settings: Settings, to: Path | None, ending: str, whose: str = "tuoqi") -> Path:
    """Return where a backup goes: `to`, or a dated name in that folder or in var/backups.

    Raises:
        FileThere: `to` is a file already.
    """
    if to is not None and not to.is_dir():
        if to.exists():
            raise FileThere(to)
        return to.absolute()
    folder = to.absolute() if to else settings.folder("backups")
    stem = f"{whose}-{settings.local(real_now()):%Y%m%d-%H%M%S}"
    names = [f"{stem}.{ending}", *(f"{stem}-{number}.{ending}" for number in range(2, 1000))]
    return next(folder / name for name in names if not (folder / name).exists())


def last_backup(settings: Settings) -> datetime | None:
    """Return when the newest backup was made, in var/backups or, proved, by deploy/backup.sh; None where there is none.

    A database that a restore set aside as damaged (...damaged.db) is none.
    """
    found = (settings.var_dir.absolute() / "backups").glob("*")
    made = [path.stat().st_mtime for path in found if path.name == PROVED or _DATED.fullmatch(path.name)]
    return datetime.fromtimestamp(max(made), UTC) if made else None


@contextmanager
def drafted(file: Path) -> Iterator[Path]:
    """Give an empty file beside `file`, for its owner only; what is left of it at the end goes.

    Raises:
        CannotKeep: the disk refused.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            yield draft
        finally:
            for path in companions(draft):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise CannotKeep(file, error.strerror or str(error)) from error


def companions(file: Path) -> tuple[Path, Path, Path]:
    """Return a SQLite database's file, its write-ahead log and its shared memory."""
    return file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")


def settle(folder: Path) -> None:
    """Make sure that a renamed or linked file survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
