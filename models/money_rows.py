"""The registers of allowances on the way out: what is stored -> rows that can be imported again."""

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from models.account import Certification, PayeeAccount
from models.allowance import AllowanceBudget, AllowanceCycle, Objection
from models.db import keys_of
from models.elder import Elder
from models.intake_accounts import CELLS, opened
from models.payment import BankLine

Rows = Iterator[dict[str, Any]]
_FLOW = 2000  # rows in memory at a time


def account_rows(session: Session, district: int, first: date, last: date) -> Rows:
    """Yield the accounts that begin on these days, of each elder and date the one that holds."""
    keys = keys_of(session)
    columns = (Elder.ref, PayeeAccount.elder_id, PayeeAccount.since, *(getattr(PayeeAccount, name) for name in CELLS))
    query = (
        select(*map(col, columns))
        .join(Elder, col(Elder.id) == col(PayeeAccount.elder_id))
        .where(col(Elder.district_id) == district, col(PayeeAccount.since).between(first, last))
        .order_by(col(PayeeAccount.elder_id), col(PayeeAccount.since))
        .order_by(col(PayeeAccount.recorded_at), col(PayeeAccount.id))
    )
    rows = session.execute(query.execution_options(yield_per=_FLOW))
    for _, same in groupby(rows, attrgetter("elder_id", "since")):
        *_, holds = same
        ref, _, since, *cells = holds
        yield {"elder": ref, "from": since, **opened(keys, ref, cells)._asdict()}


def certification_rows(session: Session, district: int, first: date, last: date) -> Rows:
    """Yield the certifications of these days."""
    query = (
        select(col(Elder.ref), col(Certification.certified_on), col(Certification.method))
        .join(Elder, col(Elder.id) == col(Certification.elder_id))
        .where(col(Elder.district_id) == district, col(Certification.certified_on).between(first, last))
        .order_by(col(Certification.certified_on), col(Certification.id))
    )
    for ref, day, method in session.execute(query.execution_options(yield_per=_FLOW)):
        yield {"elder": ref, "certified_on": day, "method": method}


def budget_rows(session: Session, district: int, _first: date, _last: date) -> Rows:
    """Yield every budget."""
    columns = (AllowanceBudget.programme, AllowanceBudget.period, AllowanceBudget.fen)
    query = select(*map(col, columns)).where(col(AllowanceBudget.district_id) == district)
    for programme, period, fen in session.execute(query.order_by(col(AllowanceBudget.id))):
        yield {"programme": programme, "period": period, "fen": fen}


def objection_rows(session: Session, district: int, first: date, last: date) -> Rows:
    """Yield the objections raised on these days."""
    keys = keys_of(session)
    columns = (
        AllowanceCycle.programme, AllowanceCycle.period, Elder.ref, Objection.raised_on, Objection.text,
        Objection.upheld,
    )  # fmt: skip
    query = (
        select(*map(col, columns))
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Objection.cycle_id))
        .join(Elder, col(Elder.id) == col(Objection.elder_id))
        .where(col(AllowanceCycle.district_id) == district, col(Objection.raised_on).between(first, last))
        .order_by(col(Objection.raised_on), col(Objection.id))
    )
    for programme, period, ref, day, text, upheld in session.execute(query):
        said = keys.open("objection.text", ref, text)
        told = {"elder": ref, "raised_on": day, "text": said, "upheld": upheld}
        yield {"programme": programme, "period": period, **told}


def bank_return_rows(session: Session, district: int, first: date, last: date) -> Rows:
    """Yield the lines of the bank that were booked on these days, in the order in which they came."""
    names = ("key", "fen", "result", "reason", "booked_on")
    query = (
        select(*(col(getattr(BankLine, name)) for name in names))
        .where(col(BankLine.district_id) == district, col(BankLine.booked_on).between(first, last))
        .order_by(col(BankLine.id))
    )
    for row in session.execute(query.execution_options(yield_per=_FLOW)):
        yield dict(zip(names, row, strict=True))
