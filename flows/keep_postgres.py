"""Keeping PostgreSQL: pg_dump's archive -> read through by pg_restore -> restored by psql in one transaction.

The password goes by the environment, where other users of the machine cannot see it; nothing secret is an argument.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import make_url

from flows.keep_files import SEALED, InUse, KeepError, Sealed, Unsound, open_all
from models.seal import KeyRing
from rules.errors import say

_COPY = re.compile(r'COPY (?:\S+\.)?"?(\w+)"? \((.+)\) FROM stdin;\n')
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


_CLEARED = """BEGIN;
SET LOCAL client_min_messages = warning;
DO $clear$ DECLARE gone text; BEGIN
    FOR gone IN SELECT format('DROP TABLE IF EXISTS public.%I CASCADE', relname) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP EXECUTE gone; END LOOP;
    FOR gone IN SELECT format('DROP FUNCTION %s', oid::regprocedure) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proname LIKE '%\\_frozen' LOOP EXECUTE gone; END LOOP;
END $clear$;
"""


@dataclass(eq=False)
class NoTool(KeepError):
    """PostgreSQL's own tools are not installed."""

    tool: str
    zh = "找不到 {tool}；请安装 PostgreSQL 客户端（版本不低于服务器，如 apt install postgresql-client）并加入 PATH。"
    en = "no {tool} on PATH; install PostgreSQL's client, not older than the server (apt install postgresql-client)."


@dataclass(eq=False)
class ToolFailed(KeepError):
    """pg_dump or pg_restore gave up; a restore left nothing behind."""

    tool: str
    reason: str
    zh = "{tool} 失败：{reason} 数据库未被改动；请按提示处理后重试。"
    en = "{tool} failed: {reason} The database was not changed; do what it asks, then try again."


@dataclass(eq=False)
class Unconnected(KeepError):
    """The server does not answer."""

    reason: str
    zh = "无法连接数据库（{reason}）；请检查数据库服务与 TUOQI_DATABASE_URL。"
    en = "cannot connect to the database ({reason}); check the server and TUOQI_DATABASE_URL."


def dump(url: str, draft: Path) -> None:
    """Write the whole database, as of one instant, into an archive.

    Raises:
        NoTool, ToolFailed: no archive was made.
    """
    connection, environment = _connection(url)
    arguments = ["--format=custom", "--no-password", f"--file={draft}", f"--dbname={connection}"]
    _run("pg_dump", arguments, environment)


def look_through(archive: Path, keys: KeyRing | None) -> str | None:
    """Read an archive to its end; return the revision in it, None when it is not ours.

    Raises:
        Unsound: it is damaged or no archive.
        WrongSeal: the keys, if given, do not open what is sealed in it.
        NoTool: pg_restore is missing.
    """
    with tempfile.TemporaryFile() as errors:
        command = [_tool("pg_restore"), "--data-only", "--file=-", str(archive)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8") as reading:  # noqa: S603
            assert reading.stdout is not None
            revision, found = _seen(reading.stdout)
        if reading.returncode:
            errors.seek(0)
            raise Unsound(_reason(errors.read().decode(errors="replace")))
    open_all(keys, found)
    return revision


def _seen(lines: Iterable[str]) -> tuple[str | None, list[Sealed]]:
    """Return the revision and one value of each sealed column."""
    revision, found = None, dict[str, Sealed]()
    for table, row in _rows(lines):
        revision = row.get("version_num", revision) if table == "alembic_version" else revision
        for name, column in SEALED:
            key = f"{name}.{column}"
            if name == table and key not in found and row[column].startswith(r"\\x"):
                found[key] = Sealed(key, row["ref"], bytes.fromhex(row[column][3:]))
    return revision, list(found.values())


def _rows(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    wanted = {"alembic_version", *(table for table, _ in SEALED)}
    table, columns = "", list[str]()
    for line in lines:
        if table and line == "\\.\n":
            table = ""
        elif table in wanted:
            yield table, dict(zip(columns, line.rstrip("\n").split("\t"), strict=True))
        elif not table and (start := _COPY.fullmatch(line)):
            table, columns = start[1], [name.strip('" ') for name in start[2].split(",")]


def lock_out(url: str) -> None:
    """Make sure that nobody else is connected.

    Raises:
        InUse: somebody is.
        Unconnected: the server does not answer.
    """
    connection, environment = _connection(url)
    try:
        with psycopg.connect(connection, password=environment.get("PGPASSWORD")) as asking:
            row = asking.execute(_OTHERS).fetchone()
    except psycopg.OperationalError as error:
        raise Unconnected(str(error).partition("\n")[0]) from error
    if row and row[0]:
        raise InUse(say("另有 {} 个连接", "{} other connections").format(row[0]))


def put_in_place(archive: Path, url: str) -> None:
    """Replace all our tables by those of the archive in one transaction; what a newer program added goes too.

    `pg_restore --clean` drops only what is in the archive, which fails where a newer table refers to an older one.

    Raises:
        NoTool, ToolFailed: nothing was changed.
    """
    connection, environment = _connection(url)
    psql = [_tool("psql"), "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", f"--dbname={connection}"]
    reading = [_tool("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(archive)]
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as errors:
        with subprocess.Popen(psql, stdin=subprocess.PIPE, stdout=told, stderr=told, env=environment) as writing:  # noqa: S603
            code = _fed(writing, reading, errors)
        for tool, ended, said in (("pg_restore", code > 0, errors), ("psql", writing.returncode, told)):
            if ended:
                said.seek(0)
                raise ToolFailed(tool, _reason(said.read().decode(errors="replace")))


def _fed(writing: subprocess.Popen[bytes], reading: list[str], errors: IO[bytes]) -> int:
    """Give psql what pg_restore writes; without COMMIT at the end all of it is taken back.

    Returns:
        The code of pg_restore, below 0 where psql had ended before it.
    """
    assert writing.stdin is not None
    with subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=errors) as source:  # noqa: S603
        assert source.stdout is not None
        with suppress(BrokenPipeError):  # psql has ended, and says why
            writing.stdin.write(_CLEARED.encode())
            shutil.copyfileobj(source.stdout, writing.stdin)
            if source.wait() == 0:
                writing.stdin.write(b"COMMIT;\n")
    with suppress(BrokenPipeError):
        writing.stdin.close()
    writing.wait()
    return source.returncode


def _connection(url: str) -> tuple[str, dict[str, str]]:
    parsed = make_url(url)
    parts = parsed.translate_connect_args(username="user", database="dbname")
    parts |= {name: value if isinstance(value, str) else ",".join(value) for name, value in parsed.query.items()}
    password = parts.pop("password", None)
    environment = {**os.environ, "LC_ALL": "C", **({"PGPASSWORD": password} if password else {})}
    return make_conninfo(**parts), environment


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise NoTool(name)
    return path


def _run(tool: str, arguments: list[str], environment: dict[str, str]) -> None:
    command = [_tool(tool), *arguments]
    ended = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603
    if ended.returncode:
        raise ToolFailed(tool, _reason(ended.stderr.decode(errors="replace")))


def _reason(told: str) -> str:
    """Keep what the tool said went wrong, without the statement, which may hold data."""
    errors = [line.partition("error: ")[2] for line in told.splitlines() if "error: " in line]
    details = [line.strip() for line in told.splitlines() if "detail: " in line and "mismatch" not in line]
    return "; ".join([*errors[:2], *details[:1]]) or told.strip().partition("\n")[0] or "?"
