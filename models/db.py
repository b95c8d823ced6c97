"""The database: one engine, sessions that begin the way each database needs, and the names of constraints.

SQLite: WAL, FULL synchronous, foreign keys, BEGIN IMMEDIATE for sessions that write (a deferred BEGIN loses half of
concurrent writers to "database is locked" in spite of the timeout). PostgreSQL: READ COMMITTED as it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import Connection, DateTime, Dialect, Engine, TypeDecorator, create_engine, event
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import make_url
from sqlalchemy.orm.session import Session as OrmSession
from sqlmodel import Session, SQLModel

from models.seal import KeyRing

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMES


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant; SQLite keeps it as UTC without an offset, so the offset is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values, store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: instants are aware")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the instant back as aware UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """An engine and the keys that open its sealed columns."""

    def __init__(self, url: str, keys: KeyRing) -> None:
        self.engine = open_engine(url)
        self._keys = keys

    @property
    def keys(self) -> KeyRing:
        """The keys as their file has them now: a process that runs for weeks must not seal with last year's."""
        self._keys = self._keys.fresh()
        return self._keys

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction that writes; commits at the end, rolls back on any error."""
        with Session(self.engine, info={"keys": self.keys}, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads; it never blocks a writer."""
        engine = self.engine.execution_options(tuoqi_read_only=True)
        with Session(engine, info={"keys": self.keys}, autoflush=False) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session that only reads, and sees one moment with all its queries, however long they take."""
        options = {} if self.engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        engine = self.engine.execution_options(tuoqi_read_only=True, **options)
        with Session(engine, info={"keys": self.keys}, autoflush=False) as session:
            yield session

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def keys_of(session: OrmSession) -> KeyRing:
    """Return the key ring the session was opened with."""
    keys: KeyRing = session.info["keys"]
    return keys


def open_engine(url: str) -> Engine:
    """Open an engine for `sqlite:///...` or `postgresql+psycopg://...`; its errors never quote bound values."""
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    engine = create_engine(url, connect_args={"timeout": 30}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: SqliteConnection, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event, not the driver, opens transactions
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("tuoqi_read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def insert_for(session: OrmSession, table: Any) -> Any:
    """Return the dialect's INSERT, which knows ON CONFLICT, for a table class."""
    return sqlite_insert(table) if session.get_bind().dialect.name == "sqlite" else postgresql_insert(table)
