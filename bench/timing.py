"""What a piece of work costs: CPU, wall clock and peak memory; ours and the floors take turns in one process.

CPU is what this process, the children it has waited for and, where there are any, the database server and other
servers used. Other processes share the machine, so each side is repeated and its run with the least CPU stands.
"""

import gc
import os
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from math import log
from pathlib import Path
from typing import TypeVar

import psutil

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost; `peak_mb` is the largest resident memory of this process meanwhile, 0 if unknown."""

    cpu_s: float
    wall_s: float
    peak_mb: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; the floor may be missing, and a figure that is no cost is text.

    `growth` is the exponent of CPU from the size before; a job that begins with two spaces belongs to the one above.
    """

    job: str
    size: str
    ours: Cost | str
    floor: Cost | str = ""
    ratio: str = ""
    bar: str = ""
    memory: str = ""
    growth: str = ""
    failed: bool = False


def power(before: Cost, after: Cost, times: float) -> str:
    """Say by which power of the size the CPU grew when the size grew `times`."""
    return f"n^{log(after.cpu_s / before.cpu_s) / log(times):.2f}"


def figures_of(module: str, *, quick: bool) -> list[Line]:
    """Measure one module of bench; called in a process of its own."""
    lines: list[Line] = import_module(f"bench.{module}").figures(quick=quick)
    return lines


def measured(work: Callable[[], Done], *servers: psutil.Process | None) -> tuple[Cost, Done]:
    """Do the work once and say what it cost, to the servers too."""
    gc.collect()
    _forget_peak()
    cpu, wall = _cpu(servers), time.perf_counter()
    done = work()
    cost = Cost(_cpu(servers) - cpu, time.perf_counter() - wall, peak_mb(os.getpid()))
    return cost, done


def best(costs: Iterable[Cost]) -> Cost:
    """Take the run that used the least CPU."""
    return min(costs, key=lambda cost: cost.cpu_s)


def quickest(costs: Iterable[Cost]) -> Cost:
    """Take the run that took the least time, where waiting for another process is part of the work."""
    return min(costs, key=lambda cost: cost.wall_s)


def in_turn(repeats: int, *works: Callable[[], object]) -> list[Cost]:
    """Run the works one after the other, `repeats` rounds, and take the best run of each."""
    rounds = [[measured(work)[0] for work in works] for _ in range(repeats)]
    return [best(costs) for costs in zip(*rounds, strict=True)]


def ratio(ours: Cost, floor: Cost, *, wall: bool = False) -> str:
    """Say how many times the floor ours costs, in CPU and if asked by the wall clock too."""
    told = f"{ours.cpu_s / floor.cpu_s:.2f}"
    return f"{told} (wall {ours.wall_s / floor.wall_s:.2f})" if wall else told


def mb(cost: Cost) -> str:
    """Say the peak memory of a run."""
    return f"{cost.peak_mb} MB" if cost.peak_mb else ""


def peak_mb(pid: int) -> int:
    """Return the most resident memory a process has had since its start, or since it was told to forget; 0 unknown."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return 0


def _forget_peak() -> None:
    with suppress(OSError):  # Linux only; elsewhere the table says nothing of memory
        Path("/proc/self/clear_refs").write_text("5")


def _cpu(servers: Sequence[psutil.Process | None]) -> float:
    waited_for = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = time.process_time() + waited_for.ru_utime + waited_for.ru_stime
    for server in filter(None, servers):
        ended = server.cpu_times()
        spent += ended.children_user + ended.children_system
        spent += sum(_alive(process) for process in [server, *server.children()])
    return spent


def _alive(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        used = process.cpu_times()
        return float(used.user + used.system)
    return 0.0
