"""The engines of tests share what one engine of a process that runs for weeks has by itself; and no disk is waited for.

SQLAlchemy compiles a statement once per engine and dialect. In life a process has one of each, a test opens its own: to
compile everything anew for each test was a third of what the database tests cost.
"""

from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import Engine, create_engine

from models import db

_KEPT: dict[str, Engine] = {}
_STATEMENTS = 4000
as_in_life = db._prepare_sqlite


def share() -> None:
    """Let `models.db` open such engines from now on."""
    vars(db).update(create_engine=_create_engine, _prepare_sqlite=_prepare_sqlite)


def _create_engine(url: str, **rest: Any) -> Engine:
    """Create an engine that finds compiled what an earlier one compiled; it connects as any other."""
    engine = create_engine(url, query_cache_size=_STATEMENTS, **rest)
    kept = _KEPT.get(engine.dialect.name)
    if kept is None or kept.dialect.server_version_info is None:  # None: it never met its database
        _KEPT[engine.dialect.name] = engine
        return engine
    vars(engine.dialect)["initialize"] = lambda _: None  # the kept one knows the server already
    engine.dialect = engine.pool._dialect = kept.dialect
    engine._compiled_cache = kept._compiled_cache
    return engine


def _prepare_sqlite(connection: SqliteConnection, record: Any) -> None:
    """Leave out the waiting for the disk, 3 ms a commit: a kill loses nothing that the system has, only a power cut."""
    as_in_life(connection, record)
    connection.execute("PRAGMA synchronous=OFF")
