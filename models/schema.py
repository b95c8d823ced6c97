"""The schema's version: alembic revisions under models/migrations, run from here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 530112
_ORPHANS = "PRAGMA foreign_key_check"
UNVERSIONED = "unversioned"
"""What `revision` returns for a database with tables that are not ours."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


@cache
def history() -> tuple[str, ...]:
    """Return every revision this program knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def head() -> str:
    """Return the revision this program works with."""
    return history()[0]


def revision(engine: Engine) -> str | None:
    """Return the revision of a database; None when it has no tables at all."""
    with engine.execution_options(tuoqi_read_only=True).connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        if found is None and inspect(connection).get_table_names():
            return UNVERSIONED
    return found


def upgrade(engine: Engine, target: str = "head") -> None:
    """Upgrade to `target` in one transaction."""
    _run(engine, target, command.upgrade)


def downgrade(engine: Engine, target: str) -> None:
    """Go back to `target` in one transaction."""
    _run(engine, target, command.downgrade)


def _run(engine: Engine, target: str, step: Callable[[Config, str], None]) -> None:
    config = _config()
    with engine.connect() as connection, _unchecked(connection), connection.begin():
        if connection.dialect.name == "postgresql":  # workers that start together would all create the first table
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        step(config, target)
        if connection.dialect.name == "sqlite" and (broken := connection.exec_driver_sql(_ORPHANS).first()):
            raise RuntimeError(f"the migration left {broken[0]} pointing at a missing row of {broken[2]}")


@contextmanager
def _unchecked(connection: Connection) -> Iterator[None]:
    """Let SQLite rebuild a table that others refer to: that is a drop, which foreign keys would refuse or cascade."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys=OFF")  # it does nothing inside a transaction, hence not through SQLAlchemy
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")
