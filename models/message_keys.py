"""Which messages were written already: business keys -> those that exist, so that a job need not write them again."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlmodel import Session, col

from models.elder import batches
from models.messages import Message


def known_keys(session: Session, keys: Iterable[str]) -> set[str]:
    """Return which of these keys are taken."""
    found: set[str] = set()
    for some in batches(sorted(set(keys))):
        taken = select(col(Message.dedupe_key)).where(col(Message.dedupe_key).in_(some))
        found.update(session.execute(taken).scalars())
    return found
