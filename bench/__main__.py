"""Print every figure beside its floor: each module in a process of its own -> lines -> one table."""

import argparse
import multiprocessing
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from rich import box
from rich.console import Console
from rich.table import Table

from bench.timing import Cost, Line, figures_of

MODULES = (
    "plan_rule", "plan_job", "day_watch", "intake", "elders", "visits", "allowances", "outbox", "outbox_growth",
    "providers", "exams", "exam_job",
)  # fmt: skip
COLUMNS = ("job", "size", "ours", "floor", "ratio", "bar", "memory")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, for a look in half a minute")
    parser.add_argument("only", nargs="*", choices=[[], *MODULES], help="figures to measure; none means all")
    wanted = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 180)
    lines: list[Line] = []
    for name in wanted.only or MODULES:
        started = time.monotonic()
        lines += _apart(name, quick=wanted.quick)
        console.print(f"[dim]{name}: {time.monotonic() - started:.0f} s[/dim]", highlight=False)
    console.print(_table(lines))


def _apart(name: str, *, quick: bool) -> list[Line]:
    """Measure one module in a fresh process, so that nobody's memory is another's."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(figures_of, name, quick=quick).result()


def _table(lines: list[Line]) -> Table:
    table = Table(
        title=f"Tuoqi beside its floors: Python {platform.python_version()}, {platform.machine()}; CPU / wall",
        box=box.MARKDOWN,
    )
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in {"job", "size"} else "right")
    for line in lines:
        table.add_row(*(_text(getattr(line, name)) for name in COLUMNS))
    return table


def _text(value: Cost | str) -> str:
    return value if isinstance(value, str) else f"{_seconds(value.cpu_s)} / {_seconds(value.wall_s)}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.995 else f"{seconds * 1000:.0f} ms"


if __name__ == "__main__":
    main()
