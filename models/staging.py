"""Large files on their way into the database: batches -> temporary tables of one connection -> one INSERT..SELECT.

The temporary tables are filled and read in short transactions that lock nothing of anybody's; what they hold becomes
real, or not, in one transaction that has no parsing, sealing or deciding left to do. They end with the connection, so a
kill leaves nothing behind.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, Select, Table
from sqlmodel import Session

from models.db import Database, insert_for
from models.seal import KeyRing


class Raced(Exception):
    """Somebody stored the same thing between our look and our write; nothing of ours was written."""


class Staging:
    """A connection of one's own with temporary tables on it."""

    def __init__(self, connection: Connection, keys: KeyRing) -> None:
        self._connection = connection
        self._keys = keys
        self._tables: list[Table] = []

    def table(self, name: str, *columns: Column[Any]) -> Table:
        """Make a temporary table whose rows are known by `row`, the number of the row in the file."""
        made = Table(name, MetaData(), Column("row", Integer), *columns, prefixes=["TEMPORARY"])
        with self.read() as session:
            made.create(session.connection())
        self._tables.append(made)
        return made

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that fills and reads the temporary tables and only reads all others."""
        with self._session(read_only=True) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction that writes; the tables are analysed first, for their database knows nothing of them."""
        with self.read() as session:
            if self._connection.dialect.name == "postgresql":
                for each in self._tables:
                    session.connection().exec_driver_sql(f"ANALYZE {each.name}")
        with self._session(read_only=False) as session:
            yield session

    @contextmanager
    def _session(self, *, read_only: bool) -> Iterator[Session]:
        self._connection.execution_options(tuoqi_read_only=read_only)
        info = {"keys": self._keys}
        with Session(self._connection, info=info, expire_on_commit=False) as session, session.begin():
            yield session


@contextmanager
def staging(database: Database) -> Iterator[Staging]:
    """Take a connection for one file."""
    with database.engine.connect() as connection:
        try:
            yield Staging(connection, database.keys)
        finally:
            connection.invalidate()  # closed, not given back: its tables go with it, whatever has happened


def fill(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows, all with the same columns, into a temporary table; PostgreSQL copies them."""
    if rows:
        names = list(rows[0])
        fill_values(session, table, names, ([row[name] for name in names] for row in rows))


def fill_values(session: Session, table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Put rows of values, in the order of `names`, into a temporary table; PostgreSQL copies them."""
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        _insert_many(connection, table, names, rows)
        return
    with connection.connection.cursor().copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _insert_many(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows by the driver's own executemany: SQLAlchemy's, which looks at every row, costs five times as much."""
    dialect = connection.dialect
    written = [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]
    as_stored = [list(row) for row in rows]
    for place, write in enumerate(written):
        if write is not None:
            for line in as_stored:
                line[place] = write(line[place])
    if not as_stored:
        return
    marks = ", ".join("?" * len(names))
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 - names of our own columns
        [tuple(line) for line in as_stored],
    )


def insert_all(session: Session, table: Any, names: Sequence[str], rows: Select[Any], count: int) -> None:
    """Insert the rows of a query, all of them.

    Raises:
        Raced: some were there already; `count` is how many there are.
    """
    statement = insert_for(session, table).from_select(names, rows).on_conflict_do_nothing()
    counted = statement.execution_options(preserve_rowcount=True)  # else SQLAlchemy does not ask after an INSERT
    if session.connection().execute(counted).rowcount != count:
        raise Raced
