"""Taking in a register of 30,000 cadres from xlsx: rows a second, and the memory of both processes.

Floor, bare reading: python-calamine opens the same file and turns its sheet into a list of rows, in this process, with
no limits, no child, no checks. Beside it stands reading and parsing: flows.tables.read_table (a child process with
limits reads the file and sends its cells) and rules.registers.parse (headers, spellings, dates, every cell checked).

Ours is flows.intake.take_file, the whole way: read, parse, check numbers, centres and overlapping places, seal names,
phones and e-mails, draw references, store persons and places, log and audit, in one transaction on SQLite.

The file is the made-up district's own: spaces, full-width digits and three spellings of dates included. Rows a second
are a second of CPU, of both processes.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from python_calamine import CalamineWorkbook

from bench.databases import Store, store
from bench.day_watch import Statements
from bench.timing import Cost, Line, best, mb, measured, peak_mb, ratio
from flows.intake import take_file
from flows.intake_store import register
from flows.sample import District, district
from flows.sample_files import write_files
from flows.tables import read_table
from rules.registers import parse

CADRES_A_CENTRE = 30


def figures(*, quick: bool) -> list[Line]:
    """Compare the whole import with bare reading."""
    cadres, repeats = (3_000, 1) if quick else (30_000, 4)
    centres = cadres // CADRES_A_CENTRE
    with store("SQLite") as here:
        made = district(centres=centres, cadres=cadres)
        path = next(each for each in write_files(made, here.folder / "inbox") if "花名册" in each.name)
        here.create("places", centres, cadres, kinds=("subdistrict", "centre"))
        rounds = [_round(here, path) for _ in range(repeats)]
    return _lines(made, rounds)


def _lines(made: District, rounds: list[tuple[Cost, Cost, Cost, int]]) -> list[Line]:
    bare, parsed, whole = (best(costs) for costs in list(zip(*rounds, strict=True))[:3])
    child, rows = max(each[3] for each in rounds), len(made.postings)
    memory = f"{mb(whole)} + child {child} MB" if child else ""
    return [
        Line("import cadres, SQLite", _speed(rows, whole), whole, bare, ratio(whole, bare), "", memory),
        Line("  bare reading", _speed(rows, bare), bare, bare, "1.00", "", mb(bare)),
        Line("  read in the child, and parse", _speed(rows, parsed), parsed, bare, ratio(parsed, bare), "", mb(parsed)),
    ]


def _speed(rows: int, cost: Cost) -> str:
    return f"{rows} rows, {rows / cost.cpu_s:,.0f} a CPU second"


def _round(here: Store, path: Path) -> tuple[Cost, Cost, Cost, int]:
    bare, _ = measured(lambda: CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python())
    form = register("cadre")
    parsed, found = measured(lambda: parse(form, read_table(path, form).grid))
    assert not found.errors
    with here.copied("places") as (copy, database), child_watched() as peak, Statements(database) as sent:
        whole, taken = measured(lambda: take_file(database, here.settings(copy), "cadre", path))
    assert taken.taken.added == len(found.rows)
    assert sent.count < 100, f"{sent.count} statements: no bulk"
    return bare, parsed, whole, peak[0]


@contextmanager
def child_watched() -> Iterator[list[int]]:
    """Watch the peak memory of the child while it lives: the kernel forgets it at its end, and counts ours into it."""
    peak, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.005):
            for child in psutil.Process(os.getpid()).children():
                peak[0] = max(peak[0], peak_mb(child.pid))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()
