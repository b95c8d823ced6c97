"""Contacts dated after an elder's death or move-out: taken, flagged 标记, out of the figures. Flags are derived."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import Table, select
from sqlmodel import Session, col

from models.elder import Elder, ElderStatus, batches
from models.issue import local
from models.visit import VisitContact
from rules.visits_facts import GONE, Contact, Flag, History, Outcome, Span, StatusRow, flag_of, spans


class Flagged(NamedTuple):
    """A standing contact with its flag."""

    contact_id: int
    ref: str
    flag: Flag


def lives(session: Session, elders: Collection[int]) -> dict[int, list[Span]]:
    """Return the statuses of these elders in order, as rules.visits_facts.spans reads them."""
    columns = (ElderStatus.since, ElderStatus.status, ElderStatus.recorded_at, ElderStatus.community_id)
    query = select(col(Elder.id), col(Elder.registered_on), *map(col, columns))
    query = query.outerjoin(ElderStatus, col(ElderStatus.elder_id) == col(Elder.id))
    registered: dict[int, date] = {}
    rows: dict[int, list[StatusRow]] = defaultdict(list)
    for some in batches(sorted(elders)):
        for number, since, began, status, recorded, community in session.execute(query.where(col(Elder.id).in_(some))):
            registered[number] = since
            if status is not None:
                home = None if community is None else str(community)
                rows[number].append(StatusRow(began, status, local(recorded), home))
    return {
        number: spans(History(since, datetime.combine(since, time()), (), rows[number]))
        for number, since in registered.items()
    }


def flags_of(session: Session, elder: int) -> dict[int, Flag]:
    """Return the flags of one elder's standing contacts, by contact."""
    district = session.execute(select(col(Elder.district_id)).where(col(Elder.id) == elder)).scalar_one()
    return {each.contact_id: each.flag for each in flagged_contacts(session, district, elder)}


def flagged_contacts(session: Session, district: int, elder: int | None = None) -> Iterator[Flagged]:
    """Yield every standing contact of a district, or of one elder, dated after the elder's death or move-out."""
    columns = (VisitContact.id, Elder.ref, VisitContact.elder_id, VisitContact.occurred_on, VisitContact.outcome)
    query = select(*map(col, columns)).join(Elder, col(Elder.id) == col(VisitContact.elder_id))
    query = query.where(col(Elder.district_id) == district, col(VisitContact.voided_at).is_(None), _ended(VisitContact))
    if elder is not None:
        query = query.where(col(VisitContact.elder_id) == elder)
    rows = session.execute(query.order_by(col(VisitContact.id))).all()
    known = lives(session, {row[2] for row in rows})
    for number, ref, whose, day, outcome in rows:
        if flag := _flag(known[whose], day, outcome):
            yield Flagged(number, ref, flag)


def after_the_end(session: Session, staged: Table) -> Iterator[int]:
    """Yield the rows of staged contacts that would be flagged."""
    columns = (staged.c.row, staged.c.elder_id, staged.c.occurred_on, staged.c.outcome)
    rows = session.execute(select(*columns).where(_ended(staged.c)).order_by(staged.c.row)).all()
    known = lives(session, {row[1] for row in rows})
    yield from (row for row, elder, day, outcome in rows if _flag(known[elder], day, outcome))


def _ended(contact: Any) -> Any:
    """Dated after a row that says dead or moved; rows that another has corrected are sorted out by the rules."""
    gone = select(col(ElderStatus.elder_id)).where(col(ElderStatus.status).in_(sorted(GONE)))
    gone = gone.where(col(ElderStatus.elder_id) == contact.elder_id, col(ElderStatus.since) < contact.occurred_on)
    return gone.exists()


def _flag(life: list[Span], day: date, outcome: Outcome) -> Flag | None:
    return flag_of(Contact(day, outcome, datetime.combine(day, time())), life)
