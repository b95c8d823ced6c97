"""The schema's version: alembic revisions under models/migrations, run from here."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

_FOLDER = Path(__file__).parent / "migrations"


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
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found is None and inspect(engine).get_table_names():
        return "unversioned"
    return found


def upgrade(engine: Engine, target: str = "head") -> None:
    """Upgrade to `target` in one transaction."""
    _run(engine, target, command.upgrade)


def downgrade(engine: Engine, target: str) -> None:
    """Go back to `target` in one transaction."""
    _run(engine, target, command.downgrade)


def _run(engine: Engine, target: str, step: Callable[[Config, str], None]) -> None:
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        step(config, target)
