"""Elders' histories event by event, as rules/visits.py and the figures of a month read them."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from models.elder import Elder, ElderStatus, ElderTier, batches
from models.helper import Helper
from models.issue import local
from models.visit import VisitContact
from rules.visits_facts import Contact, History, StatusRow, TierRow, Ungraded


class Read(NamedTuple):
    """One elder's history, all rows known, with what is not in it: reference and first community."""

    elder_id: int
    ref: str
    community_id: int
    history: History


def histories(session: Session, district: int, elders: Collection[int] | None = None) -> Iterator[Read]:
    """Yield the histories of a district's elders, or of some, event by event, in the order of ids.

    Times are the district's wall clock. Contacts that never happened are left out; duplicates are in, for the rules
    say which of them stood on an earlier day.
    """
    ids = select(col(Elder.id)).where(col(Elder.district_id) == district).order_by(col(Elder.id))
    wanted = sorted(elders) if elders is not None else list(session.execute(ids).scalars())
    for some in batches(wanted):
        columns = (Elder.id, Elder.ref, Elder.community_id, Elder.registered_on, Elder.recorded_at)
        tiers, statuses, contacts = _tier_rows(session, some), _status_rows(session, some), _contacts(session, some)
        mine = select(*map(col, columns)).where(col(Elder.id).in_(some), col(Elder.district_id) == district)
        for number, ref, home, since, recorded in session.execute(mine.order_by(col(Elder.id))):
            rows = (tiers.get(number, []), statuses.get(number, []), contacts.get(number, []))
            if not rows[0]:
                raise Ungraded(since)
            yield Read(number, ref, home, History(since, local(recorded), *rows))


def _tier_rows(session: Session, some: Collection[int]) -> dict[int, list[TierRow]]:
    columns = (ElderTier.elder_id, ElderTier.since, ElderTier.tier, ElderTier.recorded_at)
    found: dict[int, list[TierRow]] = {}
    for elder, since, tier, at in session.execute(select(*map(col, columns)).where(col(ElderTier.elder_id).in_(some))):
        found.setdefault(elder, []).append(TierRow(since, tier, local(at)))
    return found


def _status_rows(session: Session, some: Collection[int]) -> dict[int, list[StatusRow]]:
    names = ("elder_id", "since", "status", "recorded_at", "community_id", "reoffer_on")
    query = select(*(col(getattr(ElderStatus, name)) for name in names)).where(col(ElderStatus.elder_id).in_(some))
    found: dict[int, list[StatusRow]] = {}
    for elder, since, status, at, home, offer in session.execute(query):
        row = StatusRow(since, status, local(at), None if home is None else str(home), offer)
        found.setdefault(elder, []).append(row)
    return found


def _contacts(session: Session, some: Collection[int]) -> dict[int, list[Contact]]:
    names = ("elder_id", "occurred_on", "outcome", "recorded_at", "channel", "occurred_at")
    query = (
        select(*(col(getattr(VisitContact, name)) for name in names), col(Helper.number))
        .join(Helper, col(Helper.id) == col(VisitContact.helper_id))
        .where(col(VisitContact.elder_id).in_(some), func.coalesce(col(VisitContact.void_reason), "") != "mistaken")
        .where(func.coalesce(col(VisitContact.void_reason), "") != "amended")
    )
    found: dict[int, list[Contact]] = {}
    for elder, on, outcome, at, channel, clock, helper in session.connection().execute(query):
        when = local(clock).time() if clock else None
        found.setdefault(elder, []).append(Contact(on, outcome, local(at), channel, helper, when))
    return found
