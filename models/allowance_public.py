"""The people of a list as the public may see them: names and ID numbers opened, masked at once."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from models.allowance import Entitlement
from models.db import keys_of
from models.elder import Elder
from rules.identity import masked_name, masked_number

_FLOW = 5000


class PublicLine(NamedTuple):
    """One line of a published list; nothing in it is a whole name or number."""

    community_id: int
    name: str
    number: str
    period: str
    band: str
    fen: int


def public_lines(session: Session, batch: int) -> Iterator[PublicLine]:
    """Yield a list by community, in the order of references, which says nothing of anybody."""
    keys = keys_of(session)
    query = (
        select(
            col(Entitlement.community_id), col(Elder.ref), col(Elder.name), col(Elder.id_number),
            col(Entitlement.period), col(Entitlement.band), col(Entitlement.fen),
        )
        .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
        .where(col(Entitlement.batch_id) == batch, col(Entitlement.state) == "live")
        .order_by(col(Entitlement.community_id), col(Elder.ref), col(Entitlement.period))
    )  # fmt: skip
    for home, ref, name, number, *rest in session.execute(query.execution_options(yield_per=_FLOW)):
        shown = (
            masked_name(keys.open("elder.name", ref, name)),
            masked_number(keys.open("elder.id_number", ref, number)),
        )
        yield PublicLine(home, *shown, *rest)
