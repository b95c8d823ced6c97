"""What an allowance message tells as it stands when it is sent: a result that holds, the exceptions still open."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from models.district import District
from models.elder import batches
from models.intake_returns import OUTCOMES
from models.payment import BankLine, Payment, sent_again
from models.payments import exceptions
from models.successors import base_of
from notifications.parcels import Parcel
from rules.errors import say

LONGEST = 50


def results_hold(session: Session, parcels: Sequence[Parcel]) -> set[str]:
    """The payment still has the result that the message tells of, and was not sent again since."""
    wanted = {parcel.key: base_of(parcel.key).split(":", 1) for parcel in parcels}
    found: dict[str, str] = {}
    for some in batches([key for _, key in wanted.values()]):
        query = select(col(Payment.key), col(Payment.state)).where(col(Payment.key).in_(some))
        found |= dict(session.execute(query.where(~sent_again())).tuples().all())
    return {key for key, (template, payment) in wanted.items() if template == f"allowance-{found.get(payment)}"}


def open_exceptions(session: Session, parcels: Sequence[Parcel]) -> Mapping[str, Mapping[str, Any]]:
    """The lines of the bank in the district of the message that nobody has closed."""
    told: dict[str, dict[str, Any]] = {}
    for parcel in parcels:
        lines = _lines(session, base_of(parcel.key).split(":")[1])
        if lines:
            told[parcel.key] = {"rows": [_row(line) for line in lines[:LONGEST]]}
    return told


def _lines(session: Session, district: str) -> list[BankLine]:
    number = session.scalar(select(col(District.id)).where(col(District.code) == district))
    return exceptions(session, number) if number is not None else []


def _row(line: BankLine) -> dict[str, Any]:
    return {"payment": line.key[:40], "what": say(*OUTCOMES[line.finding])[:60], "fen": line.fen}


STILL_TRUE = {"allowance-paid": results_hold, "allowance-returned": results_hold}
LATE = {"allowance-exception": open_exceptions}
