"""A bank's pain.002 report, read in a child with limits -> rows of the register bank-return, compared with our file."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from flows.bank_returns_child import ReportLimits, too_heavy
from flows.frames import Died, frames
from models.bank_files import totals_of
from models.db import Database
from rules.bank_pain002 import BankReportRefused
from rules.bank_xml import XmlDamaged, XmlSuspicious
from rules.registers import Row
from rules.registers.refusals import REFUSALS

_REFUSALS = {each.__name__: each for each in (BankReportRefused, XmlDamaged, XmlSuspicious)}


class ReturnReport:
    """One report while it is read.

    Attributes:
        pending: payments the bank lists without a result yet; complete at the end.
    """

    def __init__(self, database: Database, path: Path, limits: ReportLimits | None = None) -> None:
        self.pending = 0
        self._database, self._path, self._limits = database, path, limits or ReportLimits()

    def rows(self) -> Iterator[Row]:
        """Yield the results in the report's order; an error may come after some, so keep nothing before the end.

        Raises:
            BankReportRefused, XmlDamaged, XmlSuspicious, FileRefused: nothing of the file counts.
        """
        number = 0
        try:
            for number, (key, fen, result, reason, day) in enumerate(self._lines(), start=1):
                values = {
                    "key": key, "fen": fen, "result": result, "reason": reason, "booked_on": date.fromisoformat(day),
                }  # fmt: skip
                yield Row(number, values)
        except Died:
            raise too_heavy(number) from None

    def _lines(self) -> Iterator[tuple[str, int, str, str, str]]:
        request = json.dumps({"path": str(self._path.resolve()), "limits": asdict(self._limits)})
        for frame in _frames(request, self._limits.wall_seconds):
            if isinstance(frame, list):
                yield from frame
            elif "refused" in frame:
                raise self._refusal(frame["refused"], frame["fields"])
            else:
                self.pending = frame["pending"]
                self._compare(frame["ref"], frame["count"], frame["original"])

    def _refusal(self, kind: str, fields: dict[str, Any]) -> Exception:
        return _REFUSALS[kind](**fields) if kind in _REFUSALS else REFUSALS[kind](name=self._path.name, **fields)

    def _compare(self, ref: str, count: int, original: tuple[int | None, int | None]) -> None:
        """See that the report speaks of our file as we sent it, where it repeats count and total."""
        with self._database.read() as session:
            ours = totals_of(session, ref)
        if ours is None:
            return
        if any(theirs is not None and theirs != mine for theirs, mine in zip(original, ours, strict=True)):
            lines, fen = ours
            zh = f"所答复的文件 {ref} 在本系统为 {lines} 笔 {fen} 分，与回执所述不符"
            raise BankReportRefused(count, zh, f"our file {ref} has {lines} lines, {fen} fen")


def _frames(request: str, wall_seconds: int) -> Iterator[Any]:
    return frames("flows.bank_returns_child", request, wall_seconds)
