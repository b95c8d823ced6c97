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
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
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
    rows = session.execute(_statement(district, day).execution_options(yield_per=FLOW))
    for number, ref, registered_in, building, since, tier, tiers, statuses, effective, offer, unanswered in rows:
        home, contacts = registered_in, Contacts(_from(since, effective), _from(since, offer), _dates(unanswered))
        if statuses is None and tier is not None:  # nearly everybody: one tier, never a status
            attempts = tuple(streak(contacts.unanswered, contacts.effective, since)) if unanswered else ()
            grade = _only_grade(since, tier)
            facts = Facts("ACTIVE", since, True, grade, contacts.effective, contacts.offer, None, attempts)
        else:
            facts, home = _facts(since, home, f"1/{since}/{tier}" if tier else tiers, statuses, contacts, day)
        yield Standing(number, ref, home, building, facts)


def _from(since: date, day: date | None) -> date | None:
    """A last date that is no earlier than the registration; if the last one is, all are."""
    return day if day is not None and day >= since else None


def _statement(district: int, day: date) -> Select[Any]:
    ended = _ends(district)
    last = _last(district, day, ended)
    tiers, statuses, unanswered = _tiers(district), _statuses(district), _unanswered(last, ended, day)
    graded = _tier_rows(tiers)
    columns = (Elder.id, Elder.ref, Elder.community_id, Elder.building, Elder.registered_on)
    told = (tiers.c.only, graded.c.rows, statuses.c.rows, last.c.effective, last.c.offer, unanswered.c.dates)
    query = select(*map(col, columns), *told)
    for each in (last, unanswered, tiers, graded, statuses):
        query = query.outerjoin(each, each.c.elder_id == col(Elder.id))
    mine = (col(Elder.district_id) == district, col(Elder.registered_on) <= day)
    return query.where(*mine).order_by(col(Elder.id))


def _ends(district: int) -> CTE:
    """The spans of death and move-out: from the day after they begin to the day before another status.

    Of rows of one date the last recorded holds; of those recorded at once the graver.
    """
    began = case((col(ElderStatus.since) < col(Elder.registered_on), col(Elder.registered_on)), else_=ElderStatus.since)
    grave = case({status: place for place, status in enumerate(STATUSES)}, value=col(ElderStatus.status))
    order = (col(ElderStatus.since).desc(), col(ElderStatus.recorded_at).desc(), grave)
    place = func.row_number().over(partition_by=(col(ElderStatus.elder_id), began), order_by=order)
    rows = (
        select(col(ElderStatus.elder_id), began.label("since"), col(ElderStatus.status), place.label("place"))
        .join(Elder, col(Elder.id) == col(ElderStatus.elder_id))
        .where(col(Elder.district_id) == district, col(ElderStatus.community_id).is_(None))
        .cte("status_row")
    )
    following = func.lead(rows.c.since).over(partition_by=rows.c.elder_id, order_by=rows.c.since)
    spans = select(*rows.c, following.label("until")).where(rows.c.place == 1).cte("status_span")
    return select(spans.c.elder_id, spans.c.since, spans.c.until).where(spans.c.status.in_(sorted(GONE))).cte("ended")


def _flagged(ended: CTE) -> ColumnElement[bool]:
    """A contact within a span of death or move-out, but for its first day."""
    on = col(VisitContact.occurred_on)
    until = or_(ended.c.until.is_(None), ended.c.until > on)
    return and_(ended.c.elder_id == col(VisitContact.elder_id), ended.c.since < on, until)


def _stand(day: date) -> tuple[ColumnElement[bool], ...]:
    return col(VisitContact.voided_at).is_(None), col(VisitContact.occurred_on) <= day


def _maxima(counts: ColumnElement[bool]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The last effective contact and the last offer of those that count."""
    said, on = col(VisitContact.outcome), col(VisitContact.occurred_on)
    effective = func.max(case((and_(said.in_(sorted(EFFECTIVE)), counts), on)), type_=Date).label("effective")
    return effective, func.max(case((and_(said.in_(sorted(OFFERS)), counts), on)), type_=Date).label("offer")


def _last(district: int, day: date, ended: CTE) -> CTE:
    """The last effective contact and the last offer of each elder.

    Only for the few who died or moved out is each contact compared with the spans; for the others that would cost more
    than all the rest.
    """
    here = select(col(Elder.id).label("elder_id"), *_maxima(true()))
    plain = (
        here.join(VisitContact, col(VisitContact.elder_id) == col(Elder.id))
        .where(col(Elder.district_id) == district, *_stand(day))
        .group_by(col(Elder.id))
        .cte("plain")
    )
    gone = select(ended.c.elder_id).distinct().cte("gone")
    special = (
        select(gone.c.elder_id, *_maxima(ended.c.elder_id.is_(None)))
        .outerjoin(VisitContact, and_(col(VisitContact.elder_id) == gone.c.elder_id, *_stand(day)))
        .outerjoin(ended, _flagged(ended))
        .group_by(gone.c.elder_id)
        .cte("special")
    )
    is_plain = special.c.elder_id.is_(None)
    effective = case((is_plain, plain.c.effective), else_=special.c.effective).label("effective")
    offer = case((is_plain, plain.c.offer), else_=special.c.offer).label("offer")
    both = select(plain.c.elder_id, effective, offer)
    return both.outerjoin(special, special.c.elder_id == plain.c.elder_id).cte("last")


def _unanswered(last: CTE, ended: CTE, day: date) -> CTE:
    """The distinct dates without an answer strictly after the last effective contact."""
    on = col(VisitContact.occurred_on)
    after = on > func.coalesce(last.c.effective, literal(date.min, Date))
    mine = and_(col(VisitContact.elder_id) == last.c.elder_id, after, col(VisitContact.outcome) == "NO_ANSWER")
    distinct = (
        select(last.c.elder_id, on.label("day"))
        .join(VisitContact, and_(mine, *_stand(day)))
        .outerjoin(ended, _flagged(ended))
        .where(ended.c.elder_id.is_(None))
        .distinct()
        .subquery()
    )
    dates = func.aggregate_strings(cast(distinct.c.day, String), ",").label("dates")
    return select(distinct.c.elder_id, dates).group_by(distinct.c.elder_id).cte("unanswered")


def _tiers(district: int) -> CTE:
    """The tier of each elder who has only ever had one; the others have none here."""
    count, tier = func.count(), func.max(col(ElderTier.tier))
    rows = select(col(Elder.id).label("elder_id"), case((count == 1, tier)).label("only"))
    rows = rows.join(ElderTier, col(ElderTier.elder_id) == col(Elder.id)).where(col(Elder.district_id) == district)
    return rows.group_by(col(Elder.id)).cte("tiers")


def _tier_rows(tiers: CTE) -> CTE:
    """The tier rows of the others as text, numbered in the order in which rules.visits_facts.grades takes them."""
    need = case({tier: -place for place, tier in enumerate(TIERS)}, value=col(ElderTier.tier))
    told = cast(ElderTier.since, String) + "/" + col(ElderTier.tier)
    several = select(tiers.c.elder_id).where(tiers.c.only.is_(None))
    return _told("tier_row", ElderTier, need, told, several)


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


class Contacts(NamedTuple):
    """What the statement says of an elder's contacts."""

    effective: date | None
    offer: date | None
    unanswered: tuple[date, ...]


def _facts(
    since: date, home: int, tiers: str | None, statuses: str | None, contacts: Contacts, day: date
) -> tuple[Facts, int]:
    """Let the rules read the rows of tier and status, and return the facts and the community of the day."""
    moves = [_status(*parts) for parts in _lines(statuses)]
    history = History(since, _moment(since, 0), [_tier(*parts) for parts in _lines(tiers)], moves)
    facts = facts_of(history, day)
    assert facts is not None
    attempts = tuple(streak(contacts.unanswered, contacts.effective, facts.since))
    facts = facts._replace(last_effective=contacts.effective, last_offer=contacts.offer, no_answers=attempts)
    return facts, int(community_on(moves, str(home), day))


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
