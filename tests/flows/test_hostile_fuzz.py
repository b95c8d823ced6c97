"""Random cells through parse and store, random bytes through the child: stored whole or refused, never an incident."""

import contextlib
import random
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from flows import settings as settings_module
from flows.intake_store import store_rows
from models.db import Database
from rules.errors import TuoqiError
from rules.registers import REGISTERS, parse
from rules.registers.refusals import FileRefused
from tests.flows.test_tables_hostile import HEAD, LEAVE, ROW, SAMPLE, attempt, book

KINDS = sorted(set(REGISTERS) - {"mark"})
NASTY = [
    "", "0", "-1", "1e309", "9" * 30, "NaN", "=1+1", "2026-02-30", "9999-12-31", "0001-01-01", "24:00", "\x00", "\r\n",
    "\u202e", "𠮷", "１２", "是", "'; DROP TABLE elder; --", "{{7*7}}", "%s", "x" * 5000, "张" * 300, "K1", "C1",
    "2026-10", "2026-10-01",
]  # fmt: skip
OFTEN = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@st.composite
def grids(draw: st.DrawFn) -> tuple[str, list[list[str]]]:
    kind = draw(st.sampled_from(KINDS))
    columns = REGISTERS[kind].columns
    cell = st.sampled_from(NASTY) | st.text(max_size=12)
    rows = []
    for _ in range(draw(st.integers(1, 3))):
        spoiled = draw(st.sets(st.integers(0, len(columns) - 1), max_size=2))
        rows.append([draw(cell) if n in spoiled else column.example for n, column in enumerate(columns)])
    return kind, [[column.name for column in columns], *rows]


def content() -> list[str]:
    """All that is stored, but for the logs of who brought it."""
    with contextlib.closing(sqlite3.connect(str(make_url(settings_module.settings().url).database))) as opened:
        lines = list(opened.iterdump())
    logs = tuple(f'INSERT INTO "{name}' for name in ("audit", "import_log", "sqlite_"))
    return [line for line in lines if not line.startswith(logs)]


def fuzzed(database: Database, kind: str, grid: list[list[str]]) -> None:
    """Send a grid twice: refused, and nothing is there; or stored, and the second time changes nothing."""
    chosen = settings_module.settings()
    parsed = parse(REGISTERS[kind], grid)
    if parsed.errors:
        return
    before = content()
    try:
        stored = not store_rows(database, chosen, kind, parsed.rows, "fuzz").errors
    except TuoqiError:
        stored = False
    after = content()
    if not stored:
        assert after == before
        return
    again = store_rows(database, chosen, kind, parsed.rows, "fuzz")
    assert (again.added, again.changed, again.errors) == (0, 0, [])
    assert content() == after


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@given(sent=grids())
@OFTEN
def test_random_cells_are_stored_whole_or_refused_and_once(
    database: Database, sent: tuple[str, list[list[str]]]
) -> None:
    fuzzed(database, *sent)


@pytest.mark.proof
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@given(sent=grids())
@settings(OFTEN, max_examples=3000)
def test_many_random_cells(database: Database, sent: tuple[str, list[list[str]]]) -> None:
    fuzzed(database, *sent)


def mutated(folder: Path, seed: int) -> Path:
    """One of three good files with some bytes flipped, cut out or repeated."""
    chance = random.Random(seed)
    suffix = ("xlsx", "xls", "csv")[seed % 3]
    csv = "\n".join([",".join(HEAD), *[",".join(ROW)] * 20]).encode()
    whole = {"xlsx": book(folder / "good.xlsx").read_bytes(), "xls": SAMPLE.read_bytes(), "csv": csv}
    content = bytearray(whole[suffix])
    for _ in range(chance.randint(1, 12)):
        at, length = chance.randrange(len(content)), chance.randint(1, 40)
        match chance.randrange(3):
            case 0:
                content[at : at + length] = chance.randbytes(length)
            case 1:
                del content[at : at + length]
            case _:
                content[at:at] = content[at : at + length] * chance.randint(1, 50)
    path = folder / f"{seed}.{suffix}"
    path.write_bytes(content)
    return path


@pytest.mark.child
def test_random_bytes_are_read_or_refused(tmp_path: Path) -> None:
    for seed in range(6):
        with contextlib.suppress(FileRefused):
            attempt(mutated(tmp_path, seed), LEAVE)


@pytest.mark.child
@pytest.mark.proof
def test_many_random_bytes_are_read_or_refused(tmp_path: Path) -> None:
    for seed in range(600):
        with contextlib.suppress(FileRefused):
            attempt(mutated(tmp_path, seed), LEAVE)
