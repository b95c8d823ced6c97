"""Entitlements and exclusions as rows for programs: cycles judged in a span -> columns, elders by reference."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Select, select
from sqlmodel import Session, col

from models.allowance import AllowanceCycle, Entitlement, Exclusion
from models.elder import Elder

ENTITLEMENTS = ["programme", "period", "elder", "band", "fen", "state", "source"]
EXCLUSIONS = ["programme", "period", "elder", "reason"]
_FLOW = 5000
Span = tuple[date, date]


def entitlement_rows(session: Session, district: int, span: Span, elder: str | None) -> Iterator[tuple[Any, ...]]:
    """Yield the entitlements of cycles judged in a span, live or cancelled; `source` is the notice's number 文号."""
    query = (
        select(
            col(Entitlement.programme), col(Entitlement.period), col(Elder.ref), col(Entitlement.band),
            col(Entitlement.fen), col(Entitlement.state), col(Entitlement.notice),
        )
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Entitlement.cycle_id))
        .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
    )  # fmt: skip
    return _rows(session, query, district, span, elder)


def exclusion_rows(session: Session, district: int, span: Span, elder: str | None) -> Iterator[tuple[Any, ...]]:
    """Yield who is still left out of the cycles judged in a span."""
    query = (
        select(col(AllowanceCycle.programme), col(AllowanceCycle.period), col(Elder.ref), col(Exclusion.reason))
        .select_from(Exclusion)
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Exclusion.cycle_id))
        .join(Elder, col(Elder.id) == col(Exclusion.elder_id))
        .where(col(Exclusion.lifted_at).is_(None))
    )
    return _rows(session, query, district, span, elder)


def _rows(
    session: Session, query: Select[Any], district: int, span: Span, elder: str | None
) -> Iterator[tuple[Any, ...]]:
    mine = query.where(col(AllowanceCycle.district_id) == district, col(AllowanceCycle.as_of).between(*span))
    if elder is not None:
        mine = mine.where(col(Elder.ref) == elder)
    in_order = mine.order_by(col(AllowanceCycle.as_of), col(AllowanceCycle.programme), col(Elder.ref))
    return (tuple(row) for row in session.execute(in_order.execution_options(yield_per=_FLOW)))
