"""A district at two ages: as the first program left it, and as it is after every step of the schema since."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel

from models import audit, schema, tables
from models.db import Database, Instant
from models.seal import KeyRing
from models.sealed import sealed_columns
from tests.models.grown_district import grown

assert tables
REVISIONS = schema.history()[::-1]
MADE_ANEW = {"0007": {"exam_release"}}
"""Tables that a step makes anew; no program ever wrote a row into them as they were before."""
READ: dict[type, Callable[[str], date]] = {
    sa.Date: date.fromisoformat,
    Instant: lambda said: datetime.fromisoformat(said).replace(tzinfo=UTC),
}


@dataclass
class Ages:
    """A district at two ages, as URLs of databases that nobody writes to, and what got lost between them."""

    keys: KeyRing
    first: str
    today: str
    lost: list[str]

    def copy(self, url: str, folder: Path) -> str:
        """Return the URL of a copy of one of them."""
        if url.startswith("sqlite"):
            target = folder / f"{uuid4().hex}.db"
            shutil.copy(url.removeprefix("sqlite:///"), target)
            return f"sqlite:///{target}"
        return created(url, str(make_url(url).database))


def aged(url: str, keys: KeyRing, folder: Path) -> Ages:
    """Make the district of the first program in an empty database, and take a copy of it to today."""
    with closing(Database(url, keys)) as database:
        schema.upgrade(database.engine, "0001")
        _fill(database, "0001")
        with database.write() as session:
            for day in ("2026-03-08", "2026-03-09"):
                audit.record(session, "530112", "duty-day", "duty.missed", datetime(2026, 3, 10, tzinfo=UTC), day=day)
    made = Ages(keys, url, "", [])
    made.today = made.copy(url, folder)
    with closing(Database(made.today, keys)) as database:
        made.lost += [line for step in REVISIONS[1:] for line in _taken_to(database, step)]
    return made


def created(server: str, template: str) -> str:
    """Create a PostgreSQL database and return its URL."""
    name = f"grown_{uuid4().hex[:8]}"
    plain = make_url(server).set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _taken_to(database: Database, step: str) -> Iterator[str]:
    """Go one step further and yield what is not as it was; then put the rows that the step's program would write."""
    before = contents(database)
    schema.upgrade(database.engine, step)
    kept = {name: columns for name, (columns, _) in before.items() if name not in MADE_ANEW.get(step, ())}
    after = contents(database, kept)
    yield from (f"{step} {name}" for name in kept if after[name] != before[name])
    yield from (f"{step} {name}" for name in before.keys() - kept if before[name][1])
    _fill(database, step)


def _fill(database: Database, revision: str) -> None:
    with database.engine.begin() as connection:
        for name, row in grown().get(revision, []):
            connection.execute(_inserting(database.keys, name, row))


def _inserting(keys: KeyRing, name: str, row: dict[str, Any]) -> sa.Insert:
    """Write a row with its own columns only: the table is an older one than the program knows."""
    sealed, told = sealed_columns().get(name, []), dict(row)
    ref = told.pop("@", told.get("ref"))
    columns = SQLModel.metadata.tables[name].c
    for column, value in told.items():
        if column in sealed:
            told[column] = keys.seal(f"{name}.{column}", str(ref), value)
        elif isinstance(value, str) and (read := READ.get(type(columns[column].type))):
            told[column] = read(value)
    light = sa.table(name, *(sa.column(column, columns[column].type) for column in told))
    return sa.insert(light).values(told)


Contents = dict[str, tuple[tuple[str, ...], Counter[str]]]


def contents(database: Database, columns: dict[str, tuple[str, ...]] | None = None) -> Contents:
    """All rows of all tables as they lie there, or of the columns that were there before."""
    with database.engine.connect() as connection:
        found = sa.inspect(connection)
        names = columns or {
            name: tuple(column["name"] for column in found.get_columns(name))
            for name in found.get_table_names()
            if name != "alembic_version"
        }
        return {
            name: (known, Counter(map(repr, connection.exec_driver_sql(_reading(name, known)).all())))
            for name, known in names.items()
        }


def _reading(table: str, columns: tuple[str, ...]) -> str:
    listed = ", ".join(f'"{column}"' for column in columns)
    return f"SELECT {listed} FROM {table}"
