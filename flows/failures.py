"""What nobody foresaw, and files that cannot be written: the details into a log for its owner -> one safe sentence.

The text of a foreign error may quote rows (PostgreSQL's DETAIL does), so nobody but the log gets it, and even the log
without the values: the type, the place in the code and the bare bones of the text are what an engineer needs.
"""

import errno
import functools
import logging
import os
import re
import secrets
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError

from flows.jobs import real_now
from flows.settings import Settings, settings
from rules.errors import TuoqiError, say
from rules.refs import new_ref

LOG_BYTES = 5_000_000
_VALUES = re.compile(
    r"(?<=\)=\()[^\n]*(?=\))"  # DETAIL:  Key (name)=(...) already exists.
    r"|\\[uUx][0-9a-fA-F]{2,8}|[^\s@'\"(<=:]+(?=@)|[^\x00-\x7f]+|[0-9]{4,}[0-9Xx]*"
)
"""What may be a person's in the text of an error: a key of a row, escapes, mail addresses, Chinese, long numbers."""
ONCE: dict[str, Any] = {"retries": 0, "log_prints": False, "persist_result": False}
"""Options of a flow whose refusal is told as it is: a second try would find the one-time code or the approval gone."""
P = ParamSpec("P")
R = TypeVar("R")
_DISK_FULL = "53100"
_GOING = ("08", "57P0")  # connection exceptions; the server shuts down, crashed or starts

_REASONS = {
    errno.ENOENT: ("文件夹不存在", "there is no such folder"),
    errno.ENOTDIR: ("上级路径不是文件夹", "a part of the path is no folder"),
    errno.EISDIR: ("该路径是一个文件夹", "it is a folder"),
    errno.EEXIST: ("已有同名文件", "a file of that name exists"),
    errno.EACCES: ("没有写入权限", "no permission to write"),
    errno.EPERM: ("没有写入权限", "no permission to write"),
    errno.EROFS: ("磁盘为只读", "the disk is read-only"),
    errno.ENOSPC: ("磁盘已满", "the disk is full"),
    errno.EDQUOT: ("磁盘配额已用完", "the quota of the disk is used up"),
    errno.EFBIG: ("文件超过系统允许的大小", "the file is larger than the system allows"),
    errno.ENAMETOOLONG: ("文件名过长", "the name is too long"),
}


@dataclass(eq=False)
class CannotWrite(TuoqiError):
    """A file cannot be put where it was wanted; nothing of it was left there."""

    path: Path
    reason: str
    zh = "无法写入 {path}（{reason}）；请检查文件夹是否存在、可写，或另选位置。"
    en = "cannot write {path} ({reason}); see that its folder exists and can be written, or choose another."


@dataclass(eq=False)
class PublicError(TuoqiError):
    """What others may know of an unexpected error: its number and its type, none of the values in it."""

    incident: str
    kind: str
    log: str
    zh = "发生意外错误（{kind}），事件编号 {incident}；请把编号告知管理员，详情见 {log}。"
    en = "an unexpected error ({kind}), incident {incident}; tell the administrator the number. Details: {log}."


class DatabaseFull(PublicError):
    """The disk under the database is full; the transaction in which it was found out left nothing."""

    zh = (
        "数据库所在的磁盘已满，未完成的部分没有写入；请腾出空间后再运行一次，已完成的不会重复。"
        "事件编号 {incident}，详情见 {log}。"
    )
    en = (
        "the disk under the database is full, what was not finished is not written; make room and run it again, "
        "nothing is done twice. Incident {incident}, details: {log}."
    )


class DatabaseGone(PublicError):
    """The connection broke, or nobody answers: a restart, mostly. A commit that got no answer may have been kept."""

    zh = "与数据库的连接中断；请在数据库恢复后再运行一次，已完成的不会重复。事件编号 {incident}，详情见 {log}。"
    en = (
        "the connection to the database broke; run it again once the database is back, nothing is done twice. "
        "Incident {incident}, details: {log}."
    )


class _Plainly(logging.Filter):
    """In the log of a run an error with a sentence of ours is that sentence, for who reads it is no programmer."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave out where in the program it was found; everything else passes as it is."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, TuoqiError):
            record.msg, record.args, record.exc_info = str(error), (), None
        return True


logging.getLogger("prefect.flow_runs").addFilter(_Plainly())


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write `path` into a sentence.

    Raises:
        CannotWrite: with the reason.
    """
    try:
        yield
    except OSError as error:
        known = _REASONS.get(error.errno or 0)
        reason = say(*known) if known else error.strerror or type(error).__name__
        raise CannotWrite(path, reason) from error


def safely(function: Callable[P, R]) -> Callable[P, R]:
    """Let only errors with a sentence of ours out of a flow, and nothing of what caused them.

    Prefect keeps the text and the traceback of what a flow raises; put this under its @flow.

    Raises:
        TuoqiError: as it came, without its cause.
        PublicError: in place of anything else.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TuoqiError as error:
            raise error from None
        except Exception as error:  # noqa: BLE001 - the border: whatever it is, its text stays in our log
            told = incident(error)
        raise told  # outside the handler, so that not even its context remembers the values

    return run


def incident(error: BaseException) -> PublicError:
    """Write an unexpected error with its traceback to var/logs/incidents.log; return what may be said of it."""
    number, kind, told = new_ref("I", secrets.randbits), type(error).__name__, _sort_of(error)
    try:
        path = _keep(settings(), number, _told(error))
    except (OSError, TuoqiError) as failed:  # a full disk must not hide the number
        lost = say("日志无法写入（{}）", "its log could not be written ({})").format(type(failed).__name__)
        return told(number, kind, lost)
    return told(number, kind, str(path))


def _sort_of(error: BaseException) -> type[PublicError]:
    """Tell a full disk and a lost connection, which only wait for somebody to mend them, from what is a fault."""
    cause = error.orig if isinstance(error, DBAPIError) else error  # a COPY is the driver's own
    if type(cause).__module__.partition(".")[0] not in {"psycopg", "sqlite3"}:
        return PublicError
    state = getattr(cause, "sqlstate", "")  # SQLite has none; psycopg's is None when no server said anything
    if state == _DISK_FULL or getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return DatabaseFull
    gone = isinstance(error, DBAPIError) and error.connection_invalidated
    return DatabaseGone if gone or state is None or state.startswith(_GOING) else PublicError


def _told(error: BaseException) -> str:
    """The tracebacks of an error and of what caused it, the texts of strangers without their values."""
    parts, seen, each = list[str](), set[int](), error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        text = str(each) if isinstance(each, TuoqiError) else without_values(str(each))
        frames = "".join(traceback.format_tb(each.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{type(each).__qualname__}: {text}")
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)  # type: ignore[assignment]
    return "\n\nThe above exception led to:\n\n".join(reversed(parts))


def without_values(text: str) -> str:
    """The text of an error without the values in it; a name in Latin letters stays, for it looks like any word."""
    return _VALUES.sub("…", text)


def _keep(chosen: Settings, number: str, text: str) -> Path:
    """Append to the log, readable by its owner only; a full one becomes incidents.log.1."""
    path = chosen.folder("logs") / "incidents.log"
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name("incidents.log.1"))
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as log:
        log.write(f"{real_now():%Y-%m-%dT%H:%M:%SZ} {number}\n{text}\n")
    return path
