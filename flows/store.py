"""Opening the database: brand-new ones are made, older ones wait for `tuoqi migrate`, newer ones are refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from flows.settings import Settings
from models import schema
from models.cadre import open_any
from models.calendar import published_years, seed_calendar
from models.db import Database
from models.district import District, ensure_district
from models.seal import SealError
from rules.errors import TuoqiError


class StoreError(TuoqiError):
    """The database and this program do not belong together."""


@dataclass(eq=False)
class OldDatabase(StoreError):
    """Upgrading is a decision: only `up` and `migrate` do it, after a backup."""

    found: str
    zh = "数据库版本（{found}）早于本程序；请先执行 tuoqi migrate（会自动备份）。"
    en = "the database ({found}) is older than this program; run `tuoqi migrate` first (it makes a backup)."


@dataclass(eq=False)
class NewDatabase(StoreError):
    """A newer program wrote this database."""

    found: str
    zh = "数据库版本（{found}）比本程序新；请升级程序后再操作，数据未被改动。"
    en = "the database ({found}) is newer than this program; upgrade the program. Nothing was touched."


@dataclass(eq=False)
class ForeignDatabase(StoreError):
    """There are tables, but no program of ours made them."""

    where: str
    zh = "{where} 中已有其他程序的表，不是托起的数据库；请为托起另建一个空数据库，并设置 TUOQI_DATABASE_URL。"
    en = "{where} holds tables of another program; create an empty database for Tuoqi and set TUOQI_DATABASE_URL."


@dataclass(eq=False)
class NoDistrict(StoreError):
    """The schema is there, the district is not: another code was set, or the making of it was cut off."""

    code: str
    zh = "数据库中没有区县 {code}；请核对 TUOQI_DISTRICT 或 TUOQI_DISTRICTS，确认无误后执行 tuoqi migrate 登记该区县。"
    en = (
        "the database has no district {code}; check TUOQI_DISTRICT or TUOQI_DISTRICTS, and if it is right run "
        "`tuoqi migrate` to add it."
    )


@dataclass(eq=False)
class Unreachable(StoreError):
    """The database does not answer, or its file cannot be used."""

    where: str
    reason: str
    zh = "无法打开数据库 {where}({reason})；请检查数据库服务、文件权限与 TUOQI_DATABASE_URL。"
    en = "cannot open the database {where} ({reason}); check the server, file permissions and TUOQI_DATABASE_URL."


def open_database(settings: Settings) -> Database:
    """Open the district's database, making it when there is none yet.

    Raises:
        OldDatabase, NewDatabase, ForeignDatabase: the schema is not this program's.
        NoDistrict: the settings name a district that is not in it.
        Unreachable: it does not answer, or its file cannot be written.
        SettingsError: keys are missing or open to others.
    """
    database = reach(settings)
    try:
        if found_revision(database, settings) is None:
            prepare(database, settings)
        _check(database, settings)
        _try_keys(database, settings)
    except BaseException:
        database.close()
        raise
    return database


def reach(settings: Settings) -> Database:
    """Return the database as it is, whatever its version; a new SQLite file is its owner's alone.

    Raises:
        SettingsError: keys are missing or open to others.
    """
    settings.check()
    if path := sqlite_file(settings):
        if path.exists() and path.stat().st_size and not settings.keys_path.exists():
            raise OtherKeys(settings.keys_path)  # new keys beside old rows would lose the rows
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
        except OSError as error:
            raise Unreachable(where(settings), error.strerror or "") from error
    return Database(settings.url, settings.keys())


def found_revision(database: Database, settings: Settings) -> str | None:
    """Return the revision of the database, None when it is empty.

    Raises:
        NewDatabase, ForeignDatabase: nothing may be done with it.
        Unreachable: it does not answer.
    """
    try:
        found = schema.revision(database.engine)
    except DBAPIError as error:
        raise Unreachable(where(settings), str(error.orig).partition("\n")[0]) from error
    if found == schema.UNVERSIONED:
        raise ForeignDatabase(where(settings))
    if found is not None and found not in schema.history():
        raise NewDatabase(found)
    return found


def sqlite_file(settings: Settings) -> Path | None:
    """Return the file of a SQLite database, None for PostgreSQL."""
    url = make_url(settings.url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def where(settings: Settings) -> str:
    """Name the database without its password."""
    return make_url(settings.url).render_as_string(hide_password=True)


def has_district(session: Session, code: str) -> bool:
    """Tell whether a district is registered."""
    return session.exec(select(col(District.id)).where(col(District.code) == code)).first() is not None


def _check(database: Database, settings: Settings) -> None:
    found = found_revision(database, settings)
    if found != schema.head():
        raise OldDatabase(str(found))
    with database.read() as session:
        if not has_district(session, settings.district):
            raise NoDistrict(settings.district)


@dataclass(eq=False)
class OtherKeys(StoreError):
    """The key file is not the one this database was sealed with."""

    path: Path
    zh = "密钥文件 {path} 与数据库不符，未写入任何数据；请放回原来的密钥文件（见密钥备份）。"
    en = "key file {path} does not belong to this database; nothing was written. Put the right key file back."


def _try_keys(database: Database, settings: Settings) -> None:
    """Open one sealed value before anything is written, so that one database never holds rows under two keys."""
    with database.read() as session:
        try:
            open_any(session)
        except SealError as error:
            raise OtherKeys(settings.keys_path) from error


def prepare(database: Database, settings: Settings) -> None:
    """Bring the schema to this program's version and make sure of the district and its calendar."""
    schema.upgrade(database.engine)
    with database.write() as session:
        for code, name in settings.all_districts.items():
            ensure_district(session, code, name)
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
