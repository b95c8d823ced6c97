"""Care teams and helpers of a district as today's list, its forecast and the coverage report want them.

A community is named by its id as text, for its name may have a namesake in another sub-district.
"""

from collections.abc import Collection
from datetime import date

from sqlalchemy import or_, select
from sqlmodel import Session, col

from models.cadre import Cadre
from models.district import Centre
from models.duty import DutySlot
from models.elder import Elder, batches
from models.helper import Helper, HelperLeave, Pairing
from rules.five_helps import Carer
from rules.visits_list import Helper as ListHelper
from rules.visits_list import Pairing as TeamPlace


def list_helpers(session: Session, district: int) -> list[ListHelper]:
    """Return every helper with community and visits a day; "" is the community of who serves the whole district."""
    return [ListHelper(each.number, each.community, each.capacity) for each in carers(session, district)]


def carers(session: Session, district: int) -> list[Carer]:
    """Return every helper with role, community and visits a day, by number."""
    columns = (Helper.number, Helper.community_id, Helper.role, Helper.capacity)
    query = select(*map(col, columns)).where(col(Helper.district_id) == district).order_by(col(Helper.number))
    rows = session.execute(query).tuples()
    return [Carer(number, _name(home), role, capacity) for number, home, role, capacity in rows]


def care_teams(session: Session, district: int, day: date) -> list[TeamPlace]:
    """Return the pairings in force on a day, elders by reference and helpers by number."""
    columns = (Elder.ref, Helper.number, Pairing.role, Pairing.is_primary)
    query = (
        select(*map(col, columns))
        .join(Elder, col(Elder.id) == col(Pairing.elder_id))
        .join(Helper, col(Helper.id) == col(Pairing.helper_id))
        .where(col(Elder.district_id) == district, col(Pairing.since) <= day)
        .where(or_(col(Pairing.until).is_(None), col(Pairing.until) >= day))
        .order_by(col(Pairing.elder_id), col(Pairing.id))
    )
    return [TeamPlace(*row) for row in session.execute(query)]


def building_heads(session: Session, district: int, day: date, elders: Collection[str]) -> dict[str, list[str]]:
    """Return the building heads 楼栋长 of these elders' teams who are not on leave on a day: numbers by elder."""
    away = helpers_away(session, district, day)
    query = (
        select(col(Elder.ref), col(Helper.number))
        .join(Pairing, col(Pairing.elder_id) == col(Elder.id))
        .join(Helper, col(Helper.id) == col(Pairing.helper_id))
        .where(col(Elder.district_id) == district, col(Pairing.role) == "building", col(Pairing.since) <= day)
        .where(or_(col(Pairing.until).is_(None), col(Pairing.until) >= day))
        .order_by(col(Helper.number))
    )
    found: dict[str, list[str]] = {}
    for some in batches(sorted(elders)):
        for ref, number in session.execute(query.where(col(Elder.ref).in_(some))):
            if number not in away:
                found.setdefault(ref, []).append(number)
    return found


def helpers_away(session: Session, district: int, day: date) -> set[str]:
    """Return the numbers of the helpers on leave on a day."""
    query = (
        select(col(Helper.number))
        .join(HelperLeave, col(HelperLeave.helper_id) == col(Helper.id))
        .where(col(Helper.district_id) == district, ~col(HelperLeave.cancelled), col(HelperLeave.since) <= day)
        .where(or_(col(HelperLeave.until).is_(None), col(HelperLeave.until) >= day))
    )
    return set(session.execute(query).scalars())


def cadres_on_duty(session: Session, district: int, day: date) -> dict[str, str]:
    """Return the number of the cadre on published duty on a day, by community; of two centres the first by code."""
    query = (
        select(col(Centre.community_id), col(Cadre.number))
        .join(DutySlot, col(DutySlot.centre_id) == col(Centre.id))
        .join(Cadre, col(Cadre.id) == col(DutySlot.cadre_id))
        .where(col(Centre.district_id) == district, col(DutySlot.day) == day)
        .where(col(DutySlot.published_at).is_not(None))
        .order_by(col(Centre.code).desc())
    )
    return {_name(home): number for home, number in session.execute(query)}


def _name(community_id: int | None) -> str:
    return "" if community_id is None else str(community_id)
