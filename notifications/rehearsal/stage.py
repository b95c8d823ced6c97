"""What all desks of one rehearsal share: account, ledger, faults, receipts, clock; and the act of accepting."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException

from notifications.rehearsal.account import Account
from notifications.rehearsal.faults import Faults
from notifications.rehearsal.ledger import Entry, Ledger
from notifications.rehearsal.pushes import push_reports
from notifications.rehearsal.receipts import Receipts


@dataclass(frozen=True)
class Stage:
    """Everything a desk works with; `clock` returns Unix time in seconds."""

    account: Account
    ledger: Ledger
    faults: Faults
    receipts: Receipts
    clock: Callable[[], float]

    def book(self, entries: Sequence[Entry]) -> None:
        """Accept messages; when the carrier is early, their reports leave before the call is answered."""
        self.ledger.book(entries)
        url = self.receipts.carrier.early
        if url is not None and entries:
            with suppress(OSError, HTTPException):  # whoever does not listen hears it later
                push_reports(self.receipts, entries[0].provider, url)
