"""Reading the facts of duty: what the rules need, for all centres or for some, in a handful of queries."""

from collections.abc import Collection
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, or_, select
from sqlmodel import Session, col

from models.cadre import Cadre, Leave, Roster, leaves, memberships
from models.calendar import WorkCalendar, calendar
from models.district import Centre, duty_centres
from models.duty import DutySlot, slots
from policies import book
from rules.duty import Facts, Membership, Slot
from rules.duty import Leave as DutyLeave
from rules.sharing import sharing_groups


def facts(
    session: Session,
    district: int,
    first: date,
    last: date,
    codes: Collection[str] | None = None,
    policy: Path | None = None,
) -> Facts:
    """Read all that decides duty in some centres (None: all) and in those they share cadres with.

    Leave comes divided by what the policy of each day says of its kind: "accruing" or "plain".

    Args:
        session: reading or writing.
        district: district id.
        first: the first date to be decided; the calendar reaches back to the first slot ever.
        last: the last date to be decided.
        codes: centre codes, closed under sharing of cadres.
        policy: dated versions laid over the rule book.
    """
    wanted = None if codes is None else set(codes)
    held = slots(session, district, codes=wanted)
    days = [slot.date for slot in held]
    away = leaves(session, district) if wanted is None else _leaves(session, district, wanted)
    return Facts(
        centres=[centre for centre in duty_centres(session, district) if wanted is None or centre.code in wanted],
        memberships=memberships(session, district) if wanted is None else _places(session, district, wanted),
        leaves=book.dated_leaves(away, policy),
        slots=held,
        calendar=calendar(session, min(chain(days, [first])), max(chain(days, [last]))),
    )


def slot_counts(
    session: Session, district: int, first: date, last: date, code: str | None = None
) -> list[tuple[str, str, int, int, int, int]]:
    """Count code, name, slots, gaps, relaxed and published of each centre with slots, in the order of codes."""
    query = (
        select(
            col(Centre.code),
            col(Centre.name),
            func.count(),
            func.count(case((col(DutySlot.cadre_id).is_(None), 1))),
            func.count(case((col(DutySlot.rest_relaxed), 1))),
            func.count(col(DutySlot.published_at)),
        )
        .join(DutySlot, col(DutySlot.centre_id) == col(Centre.id))
        .where(col(Centre.district_id) == district, col(DutySlot.day).between(first, last))
        .group_by(col(Centre.code), col(Centre.name))
        .order_by(col(Centre.code))
    )
    if code is not None:
        query = query.where(col(Centre.code) == code)
    return list(session.execute(query).tuples())


def _places(session: Session, district: int, codes: Collection[str]) -> list[Membership]:
    columns = (Cadre.number, Centre.code, Roster.since, Roster.until, Roster.head, Roster.rest_day_exempt)
    return [Membership(*row) for row in session.execute(_serving(district, codes, *columns))]


def _leaves(session: Session, district: int, codes: Collection[str]) -> list[DutyLeave]:
    columns = (Cadre.number, Leave.since, Leave.until, Leave.kind)
    away = _serving(district, codes, *columns).join(Leave, col(Leave.cadre_id) == col(Cadre.id)).distinct()
    return [DutyLeave(*row) for row in session.execute(away.where(~col(Leave.cancelled)))]


def serving_ids(session: Session, district: int, codes: Collection[str]) -> dict[str, int]:
    """Map the numbers of all cadres who are, were or will be on the rosters of these centres to their ids."""
    return dict(session.execute(_serving(district, codes, Cadre.number, Cadre.id).distinct()).tuples().all())


def anyone_serves(session: Session, district: int) -> bool:
    """Tell whether any centre of the district has a roster place, past or future."""
    place = select(col(Roster.id)).join(Centre, col(Centre.id) == col(Roster.centre_id))
    return session.execute(place.where(col(Centre.district_id) == district).limit(1)).first() is not None


def _serving(district: int, codes: Collection[str], *columns: Any) -> Select[Any]:
    """Columns of the roster places of some centres: a batch reads its own, not the district's."""
    return (
        select(*map(col, columns))
        .select_from(Centre)
        .join(Roster, col(Roster.centre_id) == col(Centre.id))
        .join(Cadre, col(Cadre.id) == col(Roster.cadre_id))
        .where(col(Centre.district_id) == district, col(Centre.code).in_(sorted(codes)))
    )


def broken_centres(session: Session, district: int, today: date) -> set[str]:
    """Find the centres with a published slot, today or later, whose cadre cannot serve or that is a gap.

    One statement; the decision what to do is rules.repair's.
    """
    serves_here = col(Roster.centre_id) == col(DutySlot.centre_id)
    off_roster = ~_covering(Roster).where(serves_here).exists()
    on_leave = _covering(Leave).where(~col(Leave.cancelled)).exists()
    exempt = _covering(Roster).where(serves_here, col(Roster.rest_day_exempt)).exists()
    kind = select(col(WorkCalendar.kind)).where(col(WorkCalendar.date) == col(DutySlot.day)).scalar_subquery()
    query = (
        select(col(Centre.code))
        .join(DutySlot, col(DutySlot.centre_id) == col(Centre.id))
        .where(
            col(Centre.district_id) == district,
            col(DutySlot.day) >= today,
            col(DutySlot.published_at).is_not(None),
            col(DutySlot.state).in_(("published", "acknowledged", "gap")),
            or_(col(DutySlot.cadre_id).is_(None), off_roster, on_leave, and_(exempt, kind != "work")),
        )
        .distinct()
    )
    return set(session.execute(query).scalars())


def _covering(table: type[Roster | Leave]) -> Select[tuple[int]]:
    return (
        select(literal(1))
        .where(
            col(table.cadre_id) == col(DutySlot.cadre_id),
            col(table.since) <= col(DutySlot.day),
            or_(col(table.until).is_(None), col(table.until) >= col(DutySlot.day)),
        )
        .correlate(DutySlot)
    )


def facts_around(session: Session, district: int, centre: str, cadres: set[str], first: date, last: date) -> Facts:
    """Read what decides the duties of some cadres near some dates: their places, leave, and slots in any centre."""
    margin = timedelta(days=60)  # wider than any rest rule
    places = [m for m in memberships(session, district) if m.cadre in cadres]
    codes = {place.centre for place in places} | {centre}
    return Facts(
        centres=[c for c in duty_centres(session, district) if c.code in codes],
        memberships=places,
        leaves=[leave for leave in leaves(session, district) if leave.cadre in cadres],
        slots=slots(session, district, first - margin, last + margin, codes),
        calendar=calendar(session, first - margin, last + margin),
    )


def groups_of_centres(session: Session, district: int, since: date) -> list[list[str]]:
    """Return the centres in groups that decide together: by shared rosters, and by guests on duty from `since` on."""
    every = [centre.code for centre in duty_centres(session, district)]
    guests = _guests(session, district, since)
    return sharing_groups(every, _ties(session, district, {guest.cadre for guest in guests if guest.cadre}), guests)


def _ties(session: Session, district: int, guests: Collection[str]) -> list[Membership]:
    """Read the places that can tie centres: of guests, and of cadres on more than one roster; all others cannot."""
    shared = select(col(Roster.cadre_id)).group_by(col(Roster.cadre_id))
    shared = shared.having(func.min(col(Roster.centre_id)) != func.max(col(Roster.centre_id)))
    query = (
        select(col(Cadre.number), col(Centre.code), col(Roster.since), col(Roster.until))
        .join(Roster, col(Roster.cadre_id) == col(Cadre.id))
        .join(Centre, col(Centre.id) == col(Roster.centre_id))
        .where(col(Cadre.district_id) == district)
        .where(or_(col(Cadre.id).in_(shared), col(Cadre.number).in_(sorted(guests))))
        .order_by(col(Centre.code), col(Cadre.number), col(Roster.since))
    )
    return [Membership(*row) for row in session.execute(query)]


def _guests(session: Session, district: int, since: date) -> list[Slot]:
    """Read the slots of cadres who serve in a centre without a place on its roster."""
    member = select(literal(1)).where(
        col(Roster.cadre_id) == col(DutySlot.cadre_id), col(Roster.centre_id) == col(DutySlot.centre_id)
    )
    query = (
        select(col(Centre.code), col(DutySlot.day), col(Cadre.number), col(DutySlot.state))
        .join(Centre, col(Centre.id) == col(DutySlot.centre_id))
        .join(Cadre, col(Cadre.id) == col(DutySlot.cadre_id))
        .where(col(Centre.district_id) == district, col(DutySlot.day) >= since)
        .where(~member.correlate(DutySlot).exists())
    )
    return [Slot(*row) for row in session.execute(query)]
