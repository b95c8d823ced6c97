"""Keeping SQLite: one consistent copy while others write -> looked through -> put in place when nobody has it open."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from flows.keep_files import SEALED, CannotKeep, InUse, Sealed, Unsound, companions, open_all, settle
from models.seal import KeyRing
from rules.errors import say

_WAIT_S = 3


def copy(source: Path, draft: Path) -> None:
    """Copy a database as of one instant into a single file, without a log beside it.

    Raises:
        Unsound: the source is damaged or no database.
        CannotKeep: there is no room, or no right to read.
    """
    try:
        with closing(_reading(source)) as here, closing(sqlite3.connect(draft)) as there:
            here.backup(there)
            there.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise CannotKeep(source, str(error)) from error
    except sqlite3.DatabaseError as error:
        raise Unsound(str(error)) from error
    with draft.open("rb+") as file:
        os.fsync(file.fileno())


def _reading(source: Path) -> sqlite3.Connection:
    """Open a file that must exist; a log beside it is read with it."""
    return sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=30)


def look_through(copied: Path, keys: KeyRing | None) -> str | None:
    """Return the revision of a copied database, None when it is not ours.

    Raises:
        Unsound: it is damaged.
        WrongSeal: the keys, if given, do not open what is sealed in it.
    """
    try:
        with closing(sqlite3.connect(copied)) as there:
            told = there.execute("PRAGMA integrity_check").fetchone()[0]
            orphan = there.execute("PRAGMA foreign_key_check").fetchone()
            if told != "ok" or orphan:
                raise Unsound(str(told).partition("\n")[0] if told != "ok" else f"{orphan[0]} -> {orphan[2]}")
            tables = {name for (name,) in there.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            row = "alembic_version" in tables and there.execute("SELECT version_num FROM alembic_version").fetchone()
            if row:
                open_all(keys, _sealed(there, tables))
    except sqlite3.DatabaseError as error:
        raise Unsound(str(error)) from error
    return row[0] if row else None


def _sealed(there: sqlite3.Connection, tables: set[str]) -> Iterator[Sealed]:
    for table, column in SEALED:
        query = f"SELECT ref, {column} FROM {table} WHERE {column} IS NOT NULL LIMIT 1"  # noqa: S608 - our own names
        if table in tables and (row := there.execute(query).fetchone()):
            yield Sealed(f"{table}.{column}", row[0], row[1])


def lock_out(target: Path) -> None:
    """Leave the present database without a log beside it, which works only when nobody has it open.

    A log that stayed would be read into the database that comes in its place, and spoil it.

    Raises:
        InUse: another process has it open.
    """
    try:
        with closing(sqlite3.connect(target, timeout=_WAIT_S)) as here:
            if here.execute("PRAGMA journal_mode=DELETE").fetchone()[0] != "delete":
                raise InUse(str(target))
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise InUse(say("另有进程打开了 {}", "another process has {} open").format(target)) from error
        for beside in companions(target)[1:]:  # damaged: set aside by now
            beside.unlink(missing_ok=True)


def put_in_place(draft: Path, target: Path) -> None:
    """Replace the database by a checked copy, whole or not at all."""
    draft.replace(target)
    settle(target.parent)


def set_aside(target: Path, kept: Path) -> Path:
    """Copy a damaged database as it lies, with its log; return the copy."""
    for path, copied in zip(companions(target), companions(kept), strict=True):
        if path.exists():
            shutil.copyfile(path, copied)
            copied.chmod(0o600)
    settle(kept.parent)
    return kept
