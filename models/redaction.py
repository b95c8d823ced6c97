"""Redaction 脱敏: personal data of messages that came to their end goes after a while; counts and states stay."""

from datetime import datetime

from sqlalchemy import delete, exists, select, update
from sqlmodel import Session, col

from models.drafts import EnclosedFile
from models.messages import IS_OPEN, IS_UNREDACTED, Message
from models.receipts import Receipt

_GONE = dict.fromkeys(("address", "address_index", "routes", "variables", "enclosures", "request"))


def redact_messages(session: Session, before: datetime, now: datetime, limit: int = 5000) -> int:
    """Remove addresses, variables, requests and routes of messages that ended before an instant; return how many.

    Args:
        session: writing; call again in a new transaction while it returns `limit`.
        before: what ended earlier goes; the unknown ones too, which by then nobody can settle any more.
        now: the business clock.
        limit: the most rows of one transaction.
    """
    due = select(col(Message.id)).where(IS_UNREDACTED, col(Message.finished_at) <= before)
    mine = col(Message.id).in_(due.order_by(col(Message.finished_at)).limit(limit))
    gone = update(Message).where(mine).values(**_GONE, redacted_at=now).returning(col(Message.id))
    return len(session.execute(gone.execution_options(synchronize_session=False)).all())


def redact_receipts(session: Session, before: datetime) -> int:
    """Remove receipts told before an instant, for they know phones by their blind index; states of messages stay."""
    gone = delete(Receipt).where(col(Receipt.told_at) <= before).returning(col(Receipt.id))
    return len(session.execute(gone.execution_options(synchronize_session=False)).all())


def redact_files(session: Session, before: datetime) -> int:
    """Remove the content of files last enclosed before an instant, unless an open message still carries files."""
    carried = exists().where(IS_OPEN, col(Message.enclosures).is_not(None), col(Message.created_at) <= before)
    mine = (col(EnclosedFile.created_at) <= before, col(EnclosedFile.content).is_not(None), ~carried)
    gone = update(EnclosedFile).where(*mine).values(content=None).returning(col(EnclosedFile.id))
    return len(session.execute(gone.execution_options(synchronize_session=False)).all())
