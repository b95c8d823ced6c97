"""Where all elders of a district stand: one set-based statement -> the facts that rules/visits_standing.py needs.

The statement aggregates (last dates, sets of dates, the rows of tier and status in order) and decides nothing; the
rules read statuses and tiers out of it as out of single rows. Event by event: models/visit_histories.py.
"""

from collections.abc import Iterator
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    Row,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    func,
    select,
)
from sqlmodel import Session, col

from models.elder import Elder, ElderStatus, ElderTier
from models.visit import VisitContact
from rules.visits import OFFERS
from rules.visits_facts import (
    EFFECTIVE,
    GONE,
    STATUSES,
    TIERS,
    Contact,
    Grade,
    History,
    StatusRow,
    Tier,
    TierRow,
    community_on,
)
from rules.visits_standing import Facts, facts_of
from rules.visits_unreachable import streak

FLOW = 5000  # elders in memory at a time


class Standing(NamedTuple):
    """One elder as of a day, with where the elder lives then."""

    elder_id: int
    ref: str
    community_id: int
    building: str
    facts: Facts


def standing_facts(session: Session, district: int, day: date) -> Iterator[Standing]:
    """Yield every elder registered by a day, in the order of ids, with what rules.visits_standing needs to know.

    One statement on either database, read in batches; contacts that are void, dated before the registration, after
    the day, or after a death or move-out do not count.

    Raises:
        Ungraded: an elder has no tier.
    """
    flow = {"yield_per": FLOW}  # on the connection: the session would make each row again
    with session.connection().execute(_statement(district, day), execution_options=flow) as rows:
        for row in rows:
            yield _standing(row, day)


def _standing(row: Row[Any], day: date) -> Standing:
    number, ref, home, building, since, tier, tiers, statuses, effective, offer, unanswered, contacts = row
    last = _from(since, effective), _from(since, offer)
    if statuses is None and tier is not None:  # nearly everybody: one tier, never a status
        attempts = tuple(streak(_dates(unanswered), last[0], since)) if unanswered else ()
        facts = Facts("ACTIVE", since, True, _only_grade(since, tier), *last, None, attempts)
        return Standing(number, ref, home, building, facts)
    history = _history(since, f"1/{since}/{tier}" if tier else tiers, statuses, contacts)
    read = facts_of(history, day)
    assert read is not None
    if contacts is None:
        attempts = tuple(streak(_dates(unanswered), last[0], read.since))
        read = read._replace(last_effective=last[0], last_offer=last[1], no_answers=attempts)
    lives_in = int(community_on(history.statuses, str(home), day))
    return Standing(number, ref, lives_in, building, read)


def _from(since: date, day: date | None) -> date | None:
    """A last date that is no earlier than the registration; if the last one is, all are."""
    return day if day is not None and day >= since else None


def _statement(district: int, day: date) -> Select[Any]:
    plain, tiers, statuses, gone = _contacts(district, day), _tiers(district), _statuses(district), _gone(district, day)
    who = (plain.c[name] for name in ("elder_id", "ref", "community_id", "building", "registered_on", "tier"))
    last = (plain.c[name] for name in ("effective", "offer", "unanswered"))
    query = select(*who, tiers.c.rows, statuses.c.rows, *last, gone.c.rows).select_from(plain)
    for each in (tiers, statuses, gone):
        query = query.outerjoin(each, each.c.elder_id == plain.c.elder_id)
    return query.order_by(plain.c.elder_id)


def _stands(elder: Any, day: date) -> ColumnElement[bool]:
    until = and_(col(VisitContact.voided_at).is_(None), col(VisitContact.occurred_on) <= day)
    return and_(col(VisitContact.elder_id) == elder, until)


def _contacts(district: int, day: date) -> Subquery:
    """Every elder with the last effective contact, the last offer and all dates without an answer.

    The tier is that of who has only ever had one; the others have none here.
    """
    said, on = col(VisitContact.outcome), col(VisitContact.occurred_on)
    effective = func.max(case((said.in_(sorted(EFFECTIVE)), on)), type_=Date).label("effective")
    offer = func.max(case((said.in_(sorted(OFFERS)), on)), type_=Date).label("offer")
    unanswered = func.aggregate_strings(case((said == "NO_ANSWER", cast(on, String))), ",").label("unanswered")
    who = [col(Elder.id).label("elder_id"), *map(col, (Elder.ref, Elder.community_id, Elder.building))]
    only = select(case((func.count() == 1, func.max(col(ElderTier.tier))))).where(col(ElderTier.elder_id) == Elder.id)
    tier = only.correlate(Elder).scalar_subquery().label("tier")
    rows = select(*who, col(Elder.registered_on), tier, effective, offer, unanswered)
    rows = rows.outerjoin(VisitContact, _stands(col(Elder.id), day))
    mine = (col(Elder.district_id) == district, col(Elder.registered_on) <= day)
    return rows.where(*mine).group_by(col(Elder.id)).subquery("plain")


def _gone(district: int, day: date) -> CTE:
    """All contacts, as text, of the few with a row that says dead or moved out: the rules say which of them count."""
    gone = select(col(ElderStatus.elder_id)).join(Elder, col(Elder.id) == col(ElderStatus.elder_id))
    gone = gone.where(col(ElderStatus.status).in_(sorted(GONE)), col(ElderStatus.community_id).is_(None))
    some = gone.where(col(Elder.district_id) == district).distinct().subquery()
    line = cast(VisitContact.occurred_on, String) + "/" + col(VisitContact.outcome)
    told = select(func.coalesce(func.aggregate_strings(line, ","), "")).where(_stands(some.c.elder_id, day))
    return select(some.c.elder_id, told.scalar_subquery().label("rows")).cte("gone")


def _tiers(district: int) -> CTE:
    """The tier rows of those with several, as text, numbered in the order that rules.visits_facts.grades gives them."""
    need = case({tier: -place for place, tier in enumerate(TIERS)}, value=col(ElderTier.tier))
    told = cast(ElderTier.since, String) + "/" + col(ElderTier.tier)
    mine = select(col(Elder.id)).join(ElderTier, col(ElderTier.elder_id) == col(Elder.id))
    several = mine.where(col(Elder.district_id) == district).group_by(col(Elder.id)).having(func.count() > 1)
    return _told("tiers", ElderTier, need, told, several)


def _statuses(district: int) -> CTE:
    """The status rows of each elder as text, with the community of a move and the date of the next offer."""
    grave = case({status: -place for place, status in enumerate(STATUSES)}, value=col(ElderStatus.status))
    home = func.coalesce(cast(ElderStatus.community_id, String), "")
    offer = func.coalesce(cast(ElderStatus.reoffer_on, String), "")
    told = cast(ElderStatus.since, String) + "/" + col(ElderStatus.status) + "/" + home + "/" + offer
    mine = select(col(Elder.id)).where(col(Elder.district_id) == district)
    return _told("statuses", ElderStatus, grave, told, mine)


def _told(name: str, table: Any, rank: ColumnElement[Any], told: ColumnElement[str], elders: Select[Any]) -> CTE:
    order = (col(table.since), col(table.recorded_at), rank, col(table.id))
    place = func.row_number().over(partition_by=col(table.elder_id), order_by=order)
    line = (cast(place, String) + "/" + told).label("line")
    lines = select(col(table.elder_id), line).where(col(table.elder_id).in_(elders)).subquery()
    whole = func.aggregate_strings(lines.c.line, ",").label("rows")
    return select(lines.c.elder_id, whole).group_by(lines.c.elder_id).cte(name)


@lru_cache(maxsize=100_000)
def _only_grade(since: date, tier: Tier) -> tuple[Grade]:
    return (Grade(since, tier),)


def _dates(told: str | None) -> tuple[date, ...]:
    return tuple(sorted(map(date.fromisoformat, told.split(",")))) if told else ()


def _history(since: date, tiers: str | None, statuses: str | None, contacts: str | None) -> History:
    """Give the rules the rows of tier and status, and the contacts where there was a death or a move."""
    graded, moves = [_tier(*parts) for parts in _lines(tiers)], [_status(*parts) for parts in _lines(statuses)]
    told = [line.split("/") for line in contacts.split(",") if line] if contacts else []
    met = [_contact(place, day, outcome) for place, (day, outcome) in enumerate(told)]
    return History(since, _moment(since, 0), graded, moves, met)


def _contact(place: int, day: str, outcome: Any) -> Contact:
    """One that stands; as by a helper of its own, for what is a duplicate is void already."""
    on = date.fromisoformat(day)
    return Contact(on, outcome, _moment(on, 0), helper=str(place))


def _lines(told: str | None) -> list[list[str]]:
    rows = [line.split("/") for line in told.split(",")] if told else []
    return sorted(rows, key=lambda row: int(row[0]))


def _moment(since: date, place: int) -> datetime:
    """A time of recording that keeps the order in which the rows came; their own has done its work in the statement."""
    return datetime.combine(since, time(microsecond=place))


def _tier(place: str, since: str, tier: str) -> TierRow:
    began = date.fromisoformat(since)
    return TierRow(began, tier, _moment(began, int(place)))  # type: ignore[arg-type]


def _status(place: str, since: str, status: str, home: str, offer: str) -> StatusRow:
    began = date.fromisoformat(since)
    reoffer_on = date.fromisoformat(offer) if offer else None
    return StatusRow(began, status, _moment(began, int(place)), home or None, reoffer_on)  # type: ignore[arg-type]
