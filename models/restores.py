"""Restores in the audit log: the last one, and who has looked into it since -> may money leave again?"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from models.audit import AuditEntry

RESTORED, RESUMED = "database.restored", "allowance.resume"
NEEDED = 2
"""Persons who must say that nothing is missing, as of an unknown payment."""


class Restore(NamedTuple):
    """A restore that is in doubt still: when it was, and the actors who have said that all is well."""

    at: datetime
    actors: tuple[str, ...]


def in_doubt(session: Session, district: str) -> Restore | None:
    """Return the district's last restore while fewer persons than needed have looked into it; else None."""
    columns = (col(AuditEntry.action), col(AuditEntry.at), col(AuditEntry.actor))
    mine = (col(AuditEntry.district) == district, col(AuditEntry.action).in_((RESTORED, RESUMED)))
    found: Restore | None = None
    for action, at, actor in session.execute(select(*columns).where(*mine).order_by(col(AuditEntry.seq))):
        if action == RESTORED:
            found = Restore(at, ())
        elif found and actor not in found.actors:
            found = found._replace(actors=(*found.actors, actor))
    return found if found and len(found.actors) < NEEDED else None
