"""Why money rests, in the audit log: a restore, or a person's word; and who has said since that it may go on."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from models.audit import AuditEntry

RESTORED, HELD, RESUMED = "database.restored", "allowance.hold", "allowance.resume"
NEEDED = 2
"""Persons who must say that it may go on, as of an unknown payment."""


class Rest(NamedTuple):
    """Since when money rests, the actors who have said that it may go on, and whether it was a restore."""

    at: datetime
    actors: tuple[str, ...]
    restored: bool


def resting(session: Session, district: str) -> Rest | None:
    """Return why the district's money rests, while fewer persons than needed have let it go on; else None."""
    columns = (col(AuditEntry.action), col(AuditEntry.at), col(AuditEntry.actor))
    mine = (col(AuditEntry.district) == district, col(AuditEntry.action).in_((RESTORED, HELD, RESUMED)))
    found: Rest | None = None
    for action, at, actor in session.execute(select(*columns).where(*mine).order_by(col(AuditEntry.seq))):
        if action != RESUMED:
            restored = action == RESTORED or (found is not None and found.restored)
            found = Rest(at, (), restored)
        elif found and actor not in found.actors:
            found = found._replace(actors=(*found.actors, actor))
            found = None if len(found.actors) >= NEEDED else found
    return found


def restored_after(session: Session, district: str, seq: int) -> bool:
    """Tell whether the log says of a restore after that entry."""
    mine = (col(AuditEntry.district) == district, col(AuditEntry.action) == RESTORED, col(AuditEntry.seq) > seq)
    return bool(session.scalar(select(func.count()).select_from(AuditEntry).where(*mine)))
