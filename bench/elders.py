"""Taking in a whole district's elders and their contacts from xlsx: rows a second, memory, the longest transaction.

Floor, bare reading: python-calamine opens the same file and turns its sheet into a list of rows, in this process, with
no limits, no child, no checks. Ours is flows.intake.take_file, the whole way: a child reads, each piece is parsed,
checked against what is stored, sealed and staged, and one INSERT..SELECT makes all of it real.

160,000 elders come in one file; a million contacts in files of 190,000 rows, each into a database that has those before
it. The same elders a second time show what it costs to find out that nothing changed. Files are written in a process of
their own, so that memory is the import's.
"""

import multiprocessing
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook
from sqlalchemy import event

from bench.databases import Store, store
from bench.intake import child_watched
from bench.timing import Cost, Line, mb, measured, ratio
from flows.forms_rows import write_register
from flows.intake import take_file
from flows.intake_store import BATCH_ROWS, BULKS, store_batches, store_rows
from flows.sample import district
from flows.sample_visits import SEND, Visits, visit_rows, visits
from models.db import Database
from rules.registers import REGISTERS, Row
from rules.registers.days import SHANGHAI

CENTRES, HELPERS, MOST = 33, 985, 190_000
DAYS = {1_000_000: 262, 20_000: 42}
"""How many days of contacts give about so many of them, for 160,000 elders and for 16,000."""


def figures(*, quick: bool) -> list[Line]:
    """Compare the imports with bare reading, on both databases."""
    elders, contacts = (16_000, 20_000) if quick else (160_000, 1_000_000)
    lines = []
    for kind in ("SQLite",) if quick else ("SQLite", "PostgreSQL"):
        with store(kind) as here:
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=context) as apart:
                files = apart.submit(write_files, here.folder / "inbox", elders, DAYS[contacts]).result()
            here.create("district", CENTRES, HELPERS, kinds=("subdistrict", "centre"))
            lines += _figures(here, files)
    return lines


def _figures(here: Store, files: Mapping[str, list[Path]]) -> list[Line]:
    with here.opened("district") as database:
        take_file(database, here.settings("district"), "helper", files["helper"][0])
        elders = _line("import elders", here, database, "elder", files["elder"])
        again = _line("  the same file again", here, database, "elder", files["elder"])
        return [elders, again, _line("import contacts", here, database, "contact", files["contact"])]


def _line(job: str, here: Store, database: Database, kind: str, files: list[Path]) -> Line:
    bare = _sum([measured(partial(_bare, path))[0] for path in files])
    chosen = here.settings("district")
    with child_watched() as peak, longest_write(database) as longest:
        cost, taken = measured(lambda: [take_file(database, chosen, kind, path) for path in files], here.server)
    rows = sum(each.rows for each in taken)
    size = f"{rows} rows, {rows / cost.cpu_s:,.0f} a CPU second; longest transaction {longest[0]:.1f} s"
    memory = f"{mb(cost)} + child {peak[0]} MB"
    return Line(f"{job}, {here.kind}", size, cost, bare, ratio(cost, bare), "", memory)


def _bare(path: Path) -> int:
    return len(CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python())


def _sum(costs: list[Cost]) -> Cost:
    return Cost(sum(c.cpu_s for c in costs), sum(c.wall_s for c in costs), max(c.peak_mb for c in costs))


@contextmanager
def longest_write(database: Database) -> Iterator[list[float]]:
    """Time each transaction that may write, from its begin to its commit."""
    longest, began = [0.0], [0.0]

    def begin(connection: Any) -> None:
        reads = connection.get_execution_options().get("tuoqi_read_only", False)
        began[0] = 0.0 if reads else time.perf_counter()

    def end(_connection: Any) -> None:
        if began[0]:
            longest[0] = max(longest[0], time.perf_counter() - began[0])

    event.listen(database.engine, "begin", begin)
    event.listen(database.engine, "commit", end)
    try:
        yield longest
    finally:
        event.remove(database.engine, "begin", begin)
        event.remove(database.engine, "commit", end)


def write_files(folder: Path, elders: int, days: int) -> dict[str, list[Path]]:
    """Write the files of a made-up district of this size: helpers, elders, contacts."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = visit_rows(visits(district(centres=CENTRES, cadres=HELPERS), elders, HELPERS, days))
    files: dict[str, list[Path]] = {}
    for kind in ("helper", "elder", "contact"):
        while some := list(islice(rows[kind], MOST)):
            path = folder / f"{kind}{len(files.get(kind, []))}.xlsx"
            write_register(path, REGISTERS[kind], map(_named, some), reveal=True)
            files.setdefault(kind, []).append(path)
    return files


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.replace(tzinfo=SHANGHAI) if isinstance(value, datetime) else value for name, value in row.items()
    }


def load(here: Store, name: str, made: Visits) -> None:
    """Store a made-up half-year of visits as the importer stores it, without files: for figures of what reads it."""
    chosen = here.settings(name)
    rows = visit_rows(made)
    with here.opened(name) as database:
        for kind in SEND:
            numbered = (Row(number, _read(row)) for number, row in enumerate(rows[kind], 2))
            if kind in BULKS:
                taken = store_batches(database, chosen, kind, _batches(numbered), "bench")
            else:
                taken = store_rows(database, chosen, kind, list(numbered), "bench")
            assert not taken.errors, taken.errors[0]


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while some := list(islice(rows, BATCH_ROWS)):
        yield some


def _read(row: Mapping[str, Any]) -> dict[str, object]:
    """Give a row of the sample the values that the parser would have read."""
    aware = {
        name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in _named(row).items()
    }
    return {name: None if value == "" else value for name, value in aware.items()}
