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
    or_,
    select,
)  # fmt: skip
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
    TierRow,
    community_on,
)  # fmt: skip
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
    for number, ref, registered_in, building, since, effective, offer, unanswered, tiers, statuses in rows:
        home = registered_in
        if statuses is None and tiers is not None and "," not in tiers:  # nearly everybody: one tier, never a status
            attempts = tuple(streak(_dates(unanswered), effective, since)) if unanswered else ()
            facts = Facts("ACTIVE", since, True, _only_grade(since, tiers), effective, offer, None, attempts)
        else:
            contacts = Contacts(effective, offer, _dates(unanswered))
            facts, home = _facts(since, home, tiers, statuses, contacts, day)
        yield Standing(number, ref, home, building, facts)


def _statement(district: int, day: date) -> Select[Any]:
    counted = _counted(district, day)
    last = _last(counted)
    unanswered, tiers, statuses = _unanswered(counted, last), _tiers(district), _statuses(district)
    columns = (Elder.id, Elder.ref, Elder.community_id, Elder.building, Elder.registered_on)
    query = select(
        *map(col, columns), last.c.effective, last.c.offer, unanswered.c.dates, tiers.c.rows, statuses.c.rows
    )
    for each in (last, unanswered, tiers, statuses):
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


def _counted(district: int, day: date) -> CTE:
    """The contacts that count up to a day."""
    ended, contact = _ends(district), VisitContact
    flagged = and_(
        ended.c.elder_id == col(contact.elder_id),
        ended.c.since < col(contact.occurred_on),
        or_(ended.c.until.is_(None), ended.c.until > col(contact.occurred_on)),
    )
    return (
        select(col(contact.elder_id), col(contact.occurred_on), col(contact.outcome))
        .join(Elder, col(Elder.id) == col(contact.elder_id))
        .outerjoin(ended, flagged)
        .where(col(Elder.district_id) == district, col(contact.voided_at).is_(None), ended.c.elder_id.is_(None))
        .where(col(contact.occurred_on) <= day, col(contact.occurred_on) >= col(Elder.registered_on))
        .cte("counted")
    )


def _last(counted: CTE) -> CTE:
    """The last effective contact and the last offer of each elder."""
    said, on = counted.c.outcome, counted.c.occurred_on
    effective = func.max(case((said.in_(sorted(EFFECTIVE)), on)), type_=Date).label("effective")
    offer = func.max(case((said.in_(sorted(OFFERS)), on)), type_=Date).label("offer")
    return select(counted.c.elder_id, effective, offer).group_by(counted.c.elder_id).cte("last")


def _unanswered(counted: CTE, last: CTE) -> CTE:
    """The distinct dates without an answer strictly after the last effective contact."""
    since = or_(last.c.effective.is_(None), counted.c.occurred_on > last.c.effective)
    distinct = (
        select(counted.c.elder_id, counted.c.occurred_on)
        .join(last, last.c.elder_id == counted.c.elder_id)
        .where(counted.c.outcome == "NO_ANSWER", since)
        .distinct()
        .subquery()
    )
    dates = func.aggregate_strings(cast(distinct.c.occurred_on, String), ",").label("dates")
    return select(distinct.c.elder_id, dates).group_by(distinct.c.elder_id).cte("unanswered")


def _tiers(district: int) -> CTE:
    """The tier rows of each elder as text, numbered in the order in which rules.visits_facts.grades takes them."""
    need = case({tier: -place for place, tier in enumerate(TIERS)}, value=col(ElderTier.tier))
    told = cast(ElderTier.since, String) + "/" + col(ElderTier.tier)
    return _told("tiers", ElderTier, need, told, district)


def _statuses(district: int) -> CTE:
    """The status rows of each elder as text, with the community of a move and the date of the next offer."""
    grave = case({status: -place for place, status in enumerate(STATUSES)}, value=col(ElderStatus.status))
    home = func.coalesce(cast(ElderStatus.community_id, String), "")
    offer = func.coalesce(cast(ElderStatus.reoffer_on, String), "")
    told = cast(ElderStatus.since, String) + "/" + col(ElderStatus.status) + "/" + home + "/" + offer
    return _told("statuses", ElderStatus, grave, told, district)


def _told(name: str, table: Any, rank: ColumnElement[Any], told: ColumnElement[str], district: int) -> CTE:
    order = (col(table.since), col(table.recorded_at), rank, col(table.id))
    place = func.row_number().over(partition_by=col(table.elder_id), order_by=order)
    line = (cast(place, String) + "/" + told).label("line")
    rows = select(col(table.elder_id), line).join(Elder, col(Elder.id) == col(table.elder_id))
    lines = rows.where(col(Elder.district_id) == district).subquery()
    whole = func.aggregate_strings(lines.c.line, ",").label("rows")
    return select(lines.c.elder_id, whole).group_by(lines.c.elder_id).cte(name)


@lru_cache(maxsize=100_000)
def _only_grade(since: date, row: str) -> tuple[Grade]:
    return (Grade(since, row.rpartition("/")[2]),)  # type: ignore[arg-type]


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
