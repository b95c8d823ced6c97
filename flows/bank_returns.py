"""A bank's pain.002 report, piece by piece -> rows of the register bank-return."""

from collections.abc import Iterator
from pathlib import Path

from rules.bank_pain002 import StatusReport
from rules.registers import Row

_PIECE = 1 << 16


def return_rows(path: Path) -> Iterator[Row]:
    """Yield the results of a report in its order; an error may come after some, so keep nothing before the end.

    Raises:
        BankReportRefused, XmlDamaged, XmlSuspicious: nothing of the file counts.
    """
    with path.open("rb") as file:
        for number, line in enumerate(StatusReport().lines(iter(lambda: file.read(_PIECE), b"")), start=1):
            values = {
                "key": line.key, "fen": line.fen, "result": line.result, "reason": line.reason,
                "booked_on": line.booked_on,
            }  # fmt: skip
            yield Row(number, values)
