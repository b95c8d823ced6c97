"""Districts that are hurt: each a copy of one that is made once, and whose undisturbed month is lived once."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from flows import settings as settings_module
from models.db import Database
from tests.clones import Clones
from tests.conftest import RUNTIME
from tests.faults.postmaster import Postmaster
from tests.faults.whole import Standing, Whole, ended, live
from tests.reading import read_here

_numbers = count(1)


@pytest.fixture(scope="session")
def postmaster() -> Iterator[Postmaster]:
    made = Postmaster(RUNTIME)
    yield made
    made.stop()


@dataclass
class Origin:
    """A district as it was before its month, and what stands after an undisturbed one."""

    whole: Whole
    standing: Standing
    made: list[Whole] = field(default_factory=list)

    def copied(self, folder: Path) -> Whole:
        folder.mkdir(exist_ok=True)
        made = self.whole.copied(folder, next(_numbers))
        assert isinstance(made, Whole)
        self.made.append(made)
        return made


Origins = Callable[[str], Origin]


@pytest.fixture(scope="session")
def origins(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, key_file: Path
) -> Iterator[Origins]:
    """The origin on a kind of database, made when it is first asked for."""
    known: dict[str, Origin] = {}

    def origin(kind: str) -> Origin:
        if kind not in known:
            folder = tmp_path_factory.mktemp(f"origin-{kind}")
            known[kind] = _made(_empty(request, kind, folder), folder, key_file)
        return known[kind]

    yield origin
    for each in known.values():
        each.whole.database.close()


def _empty(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    if kind == "postgresql":
        clones: Clones = request.getfixturevalue("postgres_clones")
        return clones.new()
    shutil.copy(request.getfixturevalue("sqlite_template"), folder / "tuoqi.db")
    return f"sqlite:///{folder / 'tuoqi.db'}"


def _made(url: str, folder: Path, key_file: Path) -> Origin:
    with pytest.MonkeyPatch.context() as patch, ExitStack() as after:
        patch.setenv("TUOQI_VAR_DIR", str(folder / "var"))
        patch.setenv("TUOQI_KEY_FILE", str(key_file))
        patch.setenv("TUOQI_DATABASE_URL", url)
        read_here(patch)
        settings_module.settings.cache_clear()
        after.callback(settings_module.settings.cache_clear)
        chosen = settings_module.settings()
        database = Database(url, chosen.keys())
        whole = Whole(database, folder)
        database.close()
        (folder / "twin").mkdir()
        twin = whole.copied(folder / "twin", 0)
        assert isinstance(twin, Whole)
        live(twin)
        standing = ended(twin)
        twin.database.close()
    return Origin(whole, standing)


@pytest.fixture
def copied(origins: Origins, tmp_path: Path) -> Iterator[Callable[[str], Whole]]:
    """A district of its own for the test, on the kind of database asked for."""
    made: list[Whole] = []

    def copy_of(kind: str) -> Whole:
        made.append(origins(kind).copied(tmp_path / f"district-{next(_numbers)}"))
        return made[-1]

    yield copy_of
    for each in made:
        each.database.close()
