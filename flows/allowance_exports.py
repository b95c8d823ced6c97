"""Allowances as files: who is entitled, who is left out and why, and every payment; elders by reference only.

The limits --from and --until are days by which cycles are judged: a month's last day, or the festival.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Select, select
from sqlmodel import Session, col

from models.allowance import AllowanceBatch, AllowanceCycle, Entitlement, Exclusion
from models.elder import Elder
from models.payment import BankFile, Payment

ENTITLEMENTS = (
    "programme", "period", "elder", "band", "fen", "state", "source", "version", "reason", "list",
)  # fmt: skip
EXCLUSIONS = ("programme", "period", "elder", "reason", "band")
PAYMENTS = (
    "key", "elder", "period", "attempt", "fen", "state", "programme", "reason", "booked_on", "file", "list",
)  # fmt: skip
Span = tuple[date, date]


def entitlement_rows(session: Session, district: int, span: Span, elder: str | None) -> Iterator[list[Any]]:
    """Yield entitlements by period and elder; `source` is the notice 文号, `reason` why one was cancelled."""
    columns = (
        Entitlement.programme, Entitlement.period, Elder.ref, Entitlement.band, Entitlement.fen, Entitlement.state,
        Entitlement.notice, Entitlement.version, Entitlement.cancel_reason, AllowanceBatch.ref,
    )  # fmt: skip
    query = (
        select(*map(col, columns))
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Entitlement.cycle_id))
        .join(AllowanceBatch, col(AllowanceBatch.id) == col(Entitlement.batch_id))
        .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
        .order_by(col(AllowanceCycle.as_of), col(Entitlement.id))
    )
    return _rows(session, query, district, span, elder)


def exclusion_rows(session: Session, district: int, span: Span, elder: str | None) -> Iterator[list[Any]]:
    """Yield who is left out now; `band` is what it would have been."""
    columns = (AllowanceCycle.programme, AllowanceCycle.period, Elder.ref, Exclusion.reason, Exclusion.band)
    query = (
        select(*map(col, columns))
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Exclusion.cycle_id))
        .join(Elder, col(Elder.id) == col(Exclusion.elder_id))
        .where(col(Exclusion.lifted_at).is_(None))
        .order_by(col(AllowanceCycle.as_of), col(Exclusion.id))
    )
    return _rows(session, query, district, span, elder)


def payment_rows(session: Session, district: int, span: Span, elder: str | None) -> Iterator[list[Any]]:
    """Yield every attempt in the order in which they were frozen; `reason` is the bank's."""
    columns = (
        Payment.key, Elder.ref, Entitlement.period, Payment.n, Payment.fen, Payment.state, Entitlement.programme,
        Payment.reason, Payment.booked_on, BankFile.ref, AllowanceBatch.ref,
    )  # fmt: skip
    query = (
        select(*map(col, columns))
        .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Entitlement.cycle_id))
        .join(BankFile, col(BankFile.id) == col(Payment.file_id))
        .join(AllowanceBatch, col(AllowanceBatch.id) == col(BankFile.batch_id))
        .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
        .order_by(col(Payment.id))
    )
    return _rows(session, query, district, span, elder)


def _rows(session: Session, query: Select[Any], district: int, span: Span, elder: str | None) -> Iterator[list[Any]]:
    mine = query.where(col(AllowanceCycle.district_id) == district, col(AllowanceCycle.as_of).between(*span))
    if elder is not None:
        mine = mine.where(col(Elder.ref) == elder)
    for row in session.execute(mine.execution_options(yield_per=2000)):
        yield list(row)
