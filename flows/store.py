"""Opening the database: brand-new ones are made, older ones wait for `tuoqi migrate`, newer ones are refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flows.settings import Settings
from models import schema
from models.calendar import published_years, seed_calendar
from models.db import Database
from models.district import ensure_district
from rules.errors import TuoqiError


class StoreError(TuoqiError):
    """The database and this program do not belong together."""


@dataclass(eq=False)
class OldDatabase(StoreError):
    """Upgrading is a decision: only `up` and `migrate` do it, after a backup."""

    found: str
    zh = "数据库版本({found})早于本程序;请先执行 tuoqi migrate(会自动备份)。"
    en = "the database ({found}) is older than this program; run `tuoqi migrate` first (it makes a backup)."


@dataclass(eq=False)
class NewDatabase(StoreError):
    """A newer program wrote this database."""

    found: str
    zh = "数据库版本({found})比本程序新;请升级程序后再操作,数据未被改动。"
    en = "the database ({found}) is newer than this program; upgrade the program. Nothing was touched."


def open_database(settings: Settings) -> Database:
    """Open the district's database, making it when there is none yet.

    Raises:
        OldDatabase, NewDatabase: the schema is not this program's.
        SettingsError: keys are missing or open to others.
    """
    settings.check()
    if settings.url.startswith("sqlite"):
        settings.folder("")
    database = Database(settings.url, settings.keys())
    found = schema.revision(database.engine)
    if found is None:
        prepare(database, settings)
    elif found != schema.head():
        database.close()
        raise OldDatabase(found) if found in schema.history() else NewDatabase(found)
    return database


def prepare(database: Database, settings: Settings) -> None:
    """Bring the schema to this program's version and make sure of the district and its calendar."""
    schema.upgrade(database.engine)
    with database.write() as session:
        ensure_district(session, settings.district, settings.district_name)
        last = max(settings.today().year, published_years()[-1]) + 2
        seed_calendar(session, range(settings.today().year - 2, last))


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """Open the database for one job and give its connections back afterwards."""
    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()
