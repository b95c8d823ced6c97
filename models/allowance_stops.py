"""Entitlements that are owed no longer: which stand where -> cancelled, or adjusted to the age reached at death."""

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from models import ledger
from models.allowance import AllowanceBatch, AllowanceCycle, Entitlement
from models.approvals import log_changes
from models.elder import Elder, ElderStatus, batches
from models.ledger import Amount
from models.payment import Payment
from models.payments import Sent, lock_payment

FLOW = 5000
"""So many entitlements are looked at together."""


class Standing(NamedTuple):
    """A live entitlement with the cycle that decided it."""

    id: int
    elder_id: int
    ref: str
    cycle_id: int
    period: str
    as_of: date
    fen: int


def unreleased(session: Session, batch: int) -> Iterator[Standing]:
    """Yield the live entitlements of a list, which may be a million."""
    return _standing(session, col(Entitlement.batch_id) == batch)


def dead_and_sent(session: Session, district: int, programme: str) -> list[Standing]:
    """Return the live entitlements of released lists whose elders the register calls dead."""
    died = select(col(ElderStatus.elder_id)).where(col(ElderStatus.status) == "DEAD")
    released = select(col(AllowanceBatch.id)).where(
        col(AllowanceBatch.district_id) == district,
        col(AllowanceBatch.programme) == programme,
        col(AllowanceBatch.state) == "released",
    )
    return list(_standing(session, col(Entitlement.batch_id).in_(released), col(Entitlement.elder_id).in_(died)))


def _standing(session: Session, *where: object) -> Iterator[Standing]:
    query = (
        select(
            col(Entitlement.id), col(Entitlement.elder_id), col(Elder.ref), col(Entitlement.cycle_id),
            col(Entitlement.period), col(AllowanceCycle.as_of), col(Entitlement.fen),
        )
        .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Entitlement.cycle_id))
        .where(col(Entitlement.state) == "live", *where)  # type: ignore[arg-type]
        .order_by(col(Entitlement.id))
    )  # fmt: skip
    rows = session.connection().execute(query.execution_options(yield_per=FLOW))
    return (Standing(*row) for row in rows)


def cancel(
    session: Session, entitlements: Collection[int], reason: str, at: datetime, actor: str, *, sent: bool = False
) -> int:
    """Cancel live entitlements; return how many were still live, and, if `sent`, still on a list that is released."""
    gone: list[int] = []
    released = select(col(AllowanceBatch.id)).where(col(AllowanceBatch.state) == "released")
    for some in batches(sorted(entitlements)):
        mine = (col(Entitlement.id).in_(some), col(Entitlement.state) == "live")
        values = {"state": "cancelled", "cancel_reason": reason}
        ending = update(Entitlement).where(*mine).values(values).returning(col(Entitlement.id))
        if sent:  # a re-issue may have moved it at this moment: then its list is looked at, with what it committed
            ending = ending.where(col(Entitlement.batch_id).in_(released))
        gone += filter(None, session.scalars(ending).all())
    log_changes(session, gone, "cancelled", reason, at, actor)
    return len(gone)


def adjust(session: Session, entitlement: int, band: str, fen: int, at: datetime, actor: str) -> None:
    """Bring an unreleased entitlement to the band of the age reached at death."""
    mine = (col(Entitlement.id) == entitlement, col(Entitlement.state) == "live")
    session.execute(update(Entitlement).where(*mine).values(band=band, fen=fen))
    log_changes(session, [entitlement], "adjusted", "dead", at, actor)


def sent_of(session: Session, entitlement: int) -> Sent | None:
    """Return the latest attempt of an entitlement, locked; None if nothing was sent."""
    latest = select(func.max(col(Payment.n))).where(col(Payment.entitlement_id) == entitlement).scalar_subquery()
    return lock_payment(session, col(Payment.entitlement_id) == entitlement, col(Payment.n) == latest)


def is_live(session: Session, entitlement: int) -> bool:
    """Tell whether an entitlement stands."""
    mine = (col(Entitlement.id) == entitlement, col(Entitlement.state) == "live")
    return session.scalar(select(col(Entitlement.id)).where(*mine)) is not None


def give_up(session: Session, standing: Collection[Standing], at: datetime, actor: str) -> None:
    """Free the money of returned payments that nobody will receive; their entitlements are cancelled."""
    for each in standing:
        document = f"given-up/{each.id}/{at.isoformat()}"
        ledger.book(session, each.cycle_id, "given_up", Amount(each.fen, 1), document, at, actor)


def empty(session: Session, batch: int) -> bool:
    """Tell whether nobody is left on a list, and drop it if so."""
    left = select(col(Entitlement.id)).where(col(Entitlement.batch_id) == batch, col(Entitlement.state) == "live")
    if session.execute(left.limit(1)).first() is not None:
        return False
    dropping = update(AllowanceBatch).where(col(AllowanceBatch.id) == batch, col(AllowanceBatch.state) != "released")
    session.execute(dropping.values(state="dropped"))
    return True


def by_cycle(standing: Collection[Standing]) -> Iterator[tuple[tuple[str, date], list[Standing]]]:
    """Group entitlements by the period and day that decided them."""
    found: dict[tuple[str, date], list[Standing]] = {}
    for each in standing:
        found.setdefault((each.period, each.as_of), []).append(each)
    yield from sorted(found.items())
