"""Whose a link or a reply is: the district of the duty, the swap, the message or the phone that it speaks of."""

from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session, col, select

from models.district import Centre, District
from models.duty import DutySlot, Swap
from models.messages import Message


def district_behind(session: Session, purpose: Literal["duty", "swap", "optout"], subject: int) -> str | None:
    """Return the code of the district of a duty slot, a swap or a message by its id; None when there is none."""
    if purpose == "optout":
        query: Any = select(col(Message.district)).where(col(Message.id) == subject)
    else:
        table: Any = DutySlot if purpose == "duty" else Swap
        query = (
            select(col(District.code))
            .join(Centre, col(Centre.district_id) == col(District.id))
            .join(table, col(table.centre_id) == col(Centre.id))
            .where(col(table.id) == subject)
        )
    found: str | None = session.execute(query).scalar_one_or_none()
    return found


def last_to_write(session: Session, address_index: bytes, before: datetime) -> str | None:
    """Return the code of the district that sent the latest SMS to a phone before an instant."""
    query = (
        select(col(Message.district))
        .where(col(Message.address_index) == address_index, col(Message.channel) == "sms")
        .where(col(Message.created_at) <= before)
        .order_by(col(Message.created_at).desc(), col(Message.id).desc())
        .limit(1)
    )
    return session.exec(query).first()
