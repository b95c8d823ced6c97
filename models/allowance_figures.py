"""What a list and a cycle come to: sums by period, community and band, beside the cycle before; what to look at."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from models.account import PayeeAccount, account_in_force
from models.allowance import AllowanceBatch, AllowanceBudget, AllowanceCycle, Entitlement, Exclusion
from models.elder import Elder
from models.ledger import Amount
from models.payment import Payment


class Group(NamedTuple):
    """People of one period, community and band with one amount."""

    period: str
    community_id: int
    band: str
    fen_each: int
    people: int

    @property
    def fen(self) -> int:
        """What they come to."""
        return self.fen_each * self.people


class Head(NamedTuple):
    """A list as its row and its cycle tell it."""

    id: int
    ref: str
    programme: str
    period: str
    kind: str
    number: int
    state: str
    maker_id: int | None
    notice_from: date | None
    notice_until: date | None
    cycle_id: int | None
    as_of: date | None
    notice: str | None


class Payee(NamedTuple):
    """One live entitlement of a list, without anything personal."""

    ref: str
    period: str
    community_id: int
    band: str
    fen: int
    tail: str | None
    card: str
    proxy_until: date | None


class Standing(NamedTuple):
    """How many payments of a community and band are in a state, and their fen."""

    community_id: int
    band: str
    state: str
    people: int
    fen: int


def head(session: Session, district: int, ref: str) -> Head | None:
    """Read a list and the cycle of its period."""
    columns = [col(getattr(AllowanceBatch, name)) for name in Head._fields[:10]]
    own = (
        (col(AllowanceCycle.district_id) == col(AllowanceBatch.district_id))
        & (col(AllowanceCycle.programme) == col(AllowanceBatch.programme))
        & (col(AllowanceCycle.period) == col(AllowanceBatch.period))
    )
    query = (
        select(*columns, col(AllowanceCycle.id), col(AllowanceCycle.as_of), col(AllowanceCycle.notice))
        .outerjoin(AllowanceCycle, own)
        .where(col(AllowanceBatch.district_id) == district, col(AllowanceBatch.ref) == ref)
    )
    row = session.execute(query).first()
    return Head(*row) if row else None


def groups_of_list(session: Session, batch: int) -> list[Group]:
    """Sum up a list."""
    return _groups(session, _grouped().where(col(Entitlement.batch_id) == batch))


def groups_of_cycle(session: Session, cycle: int) -> list[Group]:
    """Sum up all who are entitled in a cycle, whatever list they are on."""
    return _groups(session, _grouped().where(col(Entitlement.cycle_id) == cycle))


def _grouped() -> Select[Any]:
    columns = (
        col(Entitlement.period), col(Entitlement.community_id), col(Entitlement.band), col(Entitlement.fen),
    )  # fmt: skip
    return select(*columns, func.count()).where(col(Entitlement.state) == "live").group_by(*columns).order_by(*columns)


def _groups(session: Session, query: Select[Any]) -> list[Group]:
    return [Group(*row) for row in session.execute(query)]


def cycle_before(session: Session, district: int, programme: str, as_of: date) -> tuple[int, str] | None:
    """Return id and period of the programme's cycle before the one judged on `as_of`."""
    query = (
        select(col(AllowanceCycle.id), col(AllowanceCycle.period))
        .where(col(AllowanceCycle.district_id) == district, col(AllowanceCycle.programme) == programme)
        .where(col(AllowanceCycle.as_of) < as_of)
        .order_by(col(AllowanceCycle.as_of).desc())
    )
    row = session.execute(query).first()
    return (row[0], row[1]) if row else None


def payees(session: Session, batch: int, day: date) -> list[Payee]:
    """Return who is on a list, in the order of communities and references."""
    account = account_in_force(col(Entitlement.elder_id), day)
    query = (
        select(
            col(Elder.ref), col(Entitlement.period), col(Entitlement.community_id), col(Entitlement.band),
            col(Entitlement.fen), col(PayeeAccount.tail), col(PayeeAccount.card_index), col(PayeeAccount.proxy_until),
        )
        .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
        .outerjoin(PayeeAccount, col(PayeeAccount.id) == account)
        .where(col(Entitlement.batch_id) == batch, col(Entitlement.state) == "live")
        .order_by(col(Entitlement.community_id), col(Elder.ref), col(Entitlement.period))
    )  # fmt: skip
    rows = session.execute(query)
    return [Payee._make((*row[:6], row[6].hex() if row[6] else "", row[7])) for row in rows]


def excluded(session: Session, cycle: int) -> list[tuple[str, int, int]]:
    """Count who is left out of a cycle now, as reason, community and people."""
    query = select(col(Exclusion.reason), col(Exclusion.community_id), func.count()).where(
        col(Exclusion.cycle_id) == cycle, col(Exclusion.lifted_at).is_(None)
    )
    grouped = query.group_by(col(Exclusion.reason), col(Exclusion.community_id))
    return [(reason, community, count) for reason, community, count in session.execute(grouped)]


def budget_of(session: Session, district: int, programme: str, period: str) -> int | None:
    """Return the budget of a cycle in fen, None if there is none."""
    query = select(col(AllowanceBudget.fen)).where(
        col(AllowanceBudget.district_id) == district,
        col(AllowanceBudget.programme) == programme,
        col(AllowanceBudget.period) == period,
    )
    return session.scalar(query)


def standings(session: Session, cycle: int) -> list[Standing]:
    """Sum up the latest attempt of every live entitlement of a cycle; `planned` where nothing was sent yet."""
    latest = (
        select(col(Payment.entitlement_id), func.max(col(Payment.n)).label("n"))
        .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
        .where(col(Entitlement.cycle_id) == cycle)
        .group_by(col(Payment.entitlement_id))
        .subquery()
    )
    state = func.coalesce(col(Payment.state), "planned")
    query = (
        select(
            col(Entitlement.community_id), col(Entitlement.band), state, func.count(), func.sum(col(Entitlement.fen))
        )
        .outerjoin(latest, latest.c.entitlement_id == col(Entitlement.id))
        .outerjoin(
            Payment,
            (col(Payment.entitlement_id) == latest.c.entitlement_id) & (col(Payment.n) == latest.c.n),
        )
        .where(col(Entitlement.cycle_id) == cycle, col(Entitlement.state) == "live")
        .group_by(col(Entitlement.community_id), col(Entitlement.band), state)
    )
    return [Standing(c, band, told, people, int(fen)) for c, band, told, people, fen in session.execute(query)]


def total(groups: Sequence[Group]) -> Amount:
    """Add groups up."""
    return Amount(sum(group.fen for group in groups), sum(group.people for group in groups))
