"""Whose records changed since a run: the highest ids it saw -> elders with later rows, or with contacts voided since.

Ids, not times: paper says when it was recorded, which may be long before it came in.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from models.elder import ElderStatus, ElderTier
from models.visit import VisitContact

_TABLES: dict[str, Any] = {"contact": VisitContact, "status": ElderStatus, "tier": ElderTier}


def last_ids(session: Session) -> dict[str, int]:
    """Return the highest id of each table of facts."""
    return {name: session.execute(select(func.max(col(t.id)))).scalar_one() or 0 for name, t in _TABLES.items()}


def changed_elders(session: Session, seen: Mapping[str, int], voided_since: datetime) -> set[int]:
    """Return the ids of elders with facts after those `seen`, or with a contact voided since."""
    found: set[int] = set()
    for name, table in _TABLES.items():
        later = select(col(table.elder_id)).where(col(table.id) > seen[name]).distinct()
        found.update(session.execute(later).scalars())
    voided = select(col(VisitContact.elder_id)).where(col(VisitContact.voided_at) >= voided_since).distinct()
    found.update(session.execute(voided).scalars())
    return found
