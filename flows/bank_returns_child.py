"""The child of flows/bank_returns.py: one pain.002 in, frames of its results out, under limits of memory and CPU.

Light on purpose: no Prefect, no database, no settings. Its frames are lists of results, and one dict at the end that
says what the report tells of itself, or why it is refused. The limits stand where docs/decisions/0032 measured:
1,000,000 payments are 235 MB, and need 28 MB of memory.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from flows.frames_child import bound, speak
from flows.steady import open_regular
from flows.tables import MB
from rules.bank_pain002 import BankReportRefused, StatusReport

LINES_A_FRAME = 4000
BYTES_A_SECOND = 2 * MB  # so much of a report is granted a second of CPU
_PIECE = 1 << 16


@dataclass(frozen=True)
class ReportLimits:
    """What a report may cost; it gets more CPU by its size."""

    size: int = 256 * MB
    payments: int = 1_000_000
    memory: int = 256 * MB
    seconds: int = 6
    wall_seconds: int = 300


def main() -> None:
    """Read the report of the request in argv[1] and say what it holds."""
    request = json.loads(sys.argv[1])
    path, limits = Path(request["path"]), ReportLimits(**request["limits"])
    seconds = limits.seconds + path.stat().st_size // BYTES_A_SECOND
    bound(limits.memory, limits.memory, seconds, seconds)
    speak(_read(path, limits), too_heavy)


def too_heavy(line: int = 0) -> BankReportRefused:
    """What is said of a report that no bank would send."""
    zh, en = "读取它需要的内存或时间超出上限", "reading it needs more memory or time than any report"
    return BankReportRefused(line + 1, zh, en)


def _read(path: Path, limits: ReportLimits) -> Iterator[Any]:
    report = StatusReport()
    with open_regular(path, limits.size) as file:
        lines = report.lines(iter(lambda: file.read(_PIECE), b""))
        while found := list(islice(lines, LINES_A_FRAME)):
            if report.count > limits.payments:
                most = limits.payments
                raise BankReportRefused(report.count, f"超过 {most} 笔", f"it lists more than {most} payments")
            yield [(line.key, line.fen, line.result, line.reason, line.booked_on.isoformat()) for line in found]
    yield {
        "ref": report.ref,
        "count": report.count,
        "pending": report.skipped.total(),
        "original": (report.original_count, report.original_fen),
    }


if __name__ == "__main__":
    main()
