"""Who is told of a payment, opened for the moment of telling: the payee, or the family of who has a proxy or died."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Exists, func, literal, select
from sqlmodel import Session, col

from models.account import Certification, PayeeAccount
from models.allowance import AllowanceBatch, AllowanceCycle, Entitlement
from models.db import keys_of
from models.elder import Elder, ElderStatus
from models.ledger import Amount
from models.messages import Message
from models.payment import BankFile, Payment, Receivable
from rules.errors import say

_FLOW = 1000


class Payee(NamedTuple):
    """A payment with a result, and whom to tell; name and telephone are personal."""

    key: str
    state: str
    fen: int
    booked_on: date
    programme: str
    period: str
    community_id: int
    tail: str
    ref: str
    name: str
    phone: str

    def __repr__(self) -> str:
        return f"Payee({self.ref}, {self.key})"


def untold(session: Session, district: int, template: str, state: str, since: date) -> Iterator[Payee]:
    """Yield the payments in a state, booked since a day, of which no message of this template was written.

    With a proxy, or after a death, the emergency contact is told; an elder who died and has none is not.
    """
    told = select(col(Message.id)).where(col(Message.dedupe_key) == literal(f"{template}:") + col(Payment.key))
    query = (
        select(
            col(Payment.key), col(Payment.state), col(Payment.fen), col(Payment.booked_on),
            col(Entitlement.programme), col(Entitlement.period), col(Entitlement.community_id),
            col(PayeeAccount.tail), col(Elder.ref), col(Elder.name), col(Elder.phone), col(Elder.emergency_phone),
            col(PayeeAccount.proxy_name).is_not(None), _died(),
        )
        .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
        .join(PayeeAccount, col(PayeeAccount.id) == col(Payment.account_id))
        .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
        .where(col(Elder.district_id) == district, col(Payment.state) == state, col(Payment.booked_on) >= since)
        .where(col(Entitlement.state) == "live", ~told.exists())
        .order_by(col(Payment.id))
    )  # fmt: skip
    keys = keys_of(session)
    for *facts, ref, name, phone, family, proxy, dead in session.execute(query.execution_options(yield_per=_FLOW)):
        own, other = keys.open("elder.phone", ref, phone), keys.open("elder.emergency_phone", ref, family)
        number = other if dead else (other or own) if proxy else (own or other)
        if number or not dead:
            yield Payee._make((*facts, ref, keys.open("elder.name", ref, name), number))


def _died() -> Exists:
    """The register says of the elder in the enclosing query that he or she died."""
    mine = (col(ElderStatus.elder_id) == col(Elder.id), col(ElderStatus.status) == "DEAD")
    return select(col(ElderStatus.id)).where(*mine).exists()


class Due(NamedTuple):
    """Somebody whose certification runs out in a month; name and telephone are personal."""

    ref: str
    community_id: int
    name: str
    phone: str

    def __repr__(self) -> str:
        return f"Due({self.ref})"


def certifications_due(session: Session, cycle: int, first: date, last: date) -> Iterator[Due]:
    """Yield who is entitled in a cycle, lives, and was last certified between two days."""
    seen = (
        select(func.max(col(Certification.certified_on)))
        .where(col(Certification.elder_id) == col(Elder.id))
        .correlate(Elder)
        .scalar_subquery()
    )
    query = (
        select(
            col(Elder.ref), col(Entitlement.community_id), col(Elder.name), col(Elder.phone),
            col(Elder.emergency_phone),
        )
        .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
        .where(col(Entitlement.cycle_id) == cycle, col(Entitlement.state) == "live")
        .where(seen.between(first, last), ~_died())
        .order_by(col(Elder.id))
    )  # fmt: skip
    keys = keys_of(session)
    for ref, home, name, phone, family in session.execute(query.execution_options(yield_per=_FLOW)):
        number = keys.open("elder.phone", ref, phone) or keys.open("elder.emergency_phone", ref, family)
        yield Due(ref, home, keys.open("elder.name", ref, name), number)


def sent_by_community(session: Session, file: int) -> dict[tuple[int, str, str], Amount]:
    """Return what a bank file holds, by community, programme and period."""
    found: dict[tuple[int, str, str], Amount] = {}
    query = (
        select(col(Entitlement.community_id), col(Entitlement.programme), col(Entitlement.period), col(Payment.fen))
        .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
        .where(col(Payment.file_id) == file)
    )
    for community, programme, period, fen in session.execute(query.execution_options(yield_per=_FLOW)):
        before = found.get((community, programme, period), Amount(0, 0))
        found[community, programme, period] = Amount(before.fen + fen, before.payments + 1)
    return found


def makers_of_open(session: Session, district: int) -> dict[int, tuple[str, str]]:
    """Map the makers of released lists to the programme and period of their latest one."""
    query = (
        select(col(AllowanceBatch.maker_id), col(AllowanceBatch.programme), col(AllowanceBatch.period))
        .join(BankFile, col(BankFile.batch_id) == col(AllowanceBatch.id))
        .where(col(AllowanceBatch.district_id) == district)
        .order_by(col(BankFile.id))
    )
    return {maker: (programme, period) for maker, programme, period in session.execute(query)}


def cycles_of(session: Session, district: int, programme: str | None = None) -> list[tuple[int, str, str]]:
    """Return the cycles of a district, oldest first, as id, programme and period."""
    columns = (col(AllowanceCycle.id), col(AllowanceCycle.programme), col(AllowanceCycle.period))
    query = select(*columns).where(col(AllowanceCycle.district_id) == district)
    if programme:
        query = query.where(col(AllowanceCycle.programme) == programme)
    return [(number, name, period) for number, name, period in session.execute(query.order_by(col(AllowanceCycle.id)))]


WHY = {
    "dead": ("去世后多发", "paid after death"), "moved_out": ("迁出后多发", "paid after moving out"),
    "not_owed": ("不应发放", "not owed"), "paid_twice": ("银行重复支付", "paid twice by the bank"),
}  # fmt: skip


def receivables_of(session: Session, cycle: int) -> list[dict[str, Any]]:
    """Return what is to be given back of a cycle and was not yet, the oldest first."""
    query = (
        select(col(Payment.key), col(Receivable.fen), col(Receivable.reason))
        .join(Payment, col(Payment.id) == col(Receivable.payment_id))
        .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
        .where(col(Entitlement.cycle_id) == cycle)
        .where(col(Receivable.settled_at).is_(None), col(Receivable.withdrawn_at).is_(None))
        .order_by(col(Receivable.id))
    )
    return [{"payment": key, "fen": fen, "why": say(*WHY[why])} for key, fen, why in session.execute(query)]
