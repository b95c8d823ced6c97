"""Print every figure beside its floor: each module in a process of its own -> lines -> one table, saved if asked."""

import argparse
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.console import Console

from bench.document import document
from bench.machine import this_machine
from bench.timing import Line, figures_of

MODULES = (
    "plan_rule", "plan_job", "day_watch", "intake", "elders", "visits", "allowances", "outbox", "outbox_growth",
    "providers", "exams", "exam_job", "run_cost",
)  # fmt: skip
LONG = {
    "plan_job": "3,300 centres: 5 minutes",
    "day_watch": "up to 3,300 centres: 6 minutes",
    "elders": "160,000 elders and 1,000,000 contacts on both databases: 30 minutes",
    "visits": "160,000 elders on both databases, the due list of 1,600,000: two hours",
    "allowances": "up to 7,000,000 elders: an hour",
    "outbox_growth": "beside up to 1,000,000 finished messages: 6 minutes",
    "exam_job": "up to 400,000 candidates on both databases: 10 minutes",
}
"""What takes long in full, about, on two quiet cores: without --full it is measured in a small size."""


def main() -> int:
    """Measure, print, and save; 1 if a module failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="small sizes everywhere, for a look in a few minutes")
    sizes.add_argument("--full", action="store_true", help="full sizes everywhere, also of what takes long")
    parser.add_argument("--save", type=Path, metavar="FILE.md", help="write the table with the machine's name")
    parser.add_argument("only", nargs="*", choices=[[], *MODULES], help="figures to measure; none means all")
    wanted = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 240)
    machine, lines, took = this_machine(), list[Line](), dict[str, float]()
    small = {name for name in wanted.only or MODULES if wanted.quick or (name in LONG and not wanted.full)}
    for name in wanted.only or MODULES:
        started = time.monotonic()
        lines += _apart(name, quick=name in small)
        took[name] = time.monotonic() - started
        console.print(f"[dim]{name}: {took[name]:.0f} s[/dim]", highlight=False)
    text = document(machine, lines, took, {name: LONG[name] for name in sorted(small & LONG.keys())})
    print(text)
    if wanted.save:
        wanted.save.write_text(text, "utf-8")
    return int(any(line.failed for line in lines))


def _apart(name: str, *, quick: bool) -> list[Line]:
    """Measure one module in a fresh process, so that nobody's memory is another's; a failed one is a line too."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(figures_of, name, quick=quick).result()
        except Exception as error:  # noqa: BLE001 - an hour of other figures must not be lost with it
            told = str(error).partition("\n")[0][:200]
            return [Line(name, f"{type(error).__name__}: {told}", "failed", failed=True)]


if __name__ == "__main__":
    sys.exit(main())
