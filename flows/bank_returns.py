"""A bank's pain.002 report, piece by piece -> rows of the register bank-return, compared with the file it answers."""

from collections.abc import Iterator
from pathlib import Path

from models.bank_files import totals_of
from models.db import Database
from rules.bank_pain002 import BankReportRefused, StatusReport
from rules.registers import Row

_PIECE = 1 << 16


class ReturnReport:
    """One report while it is read."""

    def __init__(self, database: Database, path: Path) -> None:
        self._database, self._path, self._report = database, path, StatusReport()

    @property
    def pending(self) -> int:
        """Payments the bank lists without a result yet; complete at the end."""
        return self._report.skipped.total()

    def rows(self) -> Iterator[Row]:
        """Yield the results in the report's order; an error may come after some, so keep nothing before the end.

        Raises:
            BankReportRefused, XmlDamaged, XmlSuspicious: nothing of the file counts.
        """
        with self._path.open("rb") as file:
            pieces = iter(lambda: file.read(_PIECE), b"")
            for number, line in enumerate(self._report.lines(pieces), start=1):
                values = {
                    "key": line.key, "fen": line.fen, "result": line.result, "reason": line.reason,
                    "booked_on": line.booked_on,
                }  # fmt: skip
                yield Row(number, values)
        self._compare()

    def _compare(self) -> None:
        """See that the report speaks of our file as we sent it, where it repeats count and total."""
        with self._database.read() as session:
            ours = totals_of(session, self._report.ref)
        if ours is None:
            return
        said = (self._report.original_count, self._report.original_fen)
        if any(theirs is not None and theirs != mine for theirs, mine in zip(said, ours, strict=True)):
            count, fen = ours
            zh = f"所答复的文件 {self._report.ref} 在本系统为 {count} 笔 {fen} 分，与回执所述不符"
            raise BankReportRefused(self._report.count, zh, f"our file {self._report.ref} has {count} lines, {fen} fen")
