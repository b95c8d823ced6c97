"""Who leads the visits of a community: the heads of its centres on a day, else the sub-district office."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import select
from sqlmodel import Session, col

from models.cadre import contacts, heads
from models.db import keys_of
from models.district import Centre, Community, Contact, Subdistrict


def leads(session: Session, district: int, day: date, communities: Collection[int]) -> dict[int, list[Contact]]:
    """Return who hears of what a community could not do, by community id; every community has somebody.

    A helper with the role party is one of many and answers for nobody else; the head of the centre answers for the
    community, and where there is none the office does.
    """
    query = select(col(Centre.code), col(Centre.community_id)).where(
        col(Centre.district_id) == district, col(Centre.community_id).in_(sorted(communities))
    )
    homes = dict(session.execute(query).tuples().all())
    numbers = heads(session, district, day, set(homes))
    people = contacts(session, district, {number for some in numbers.values() for number in some})
    found: dict[int, list[Contact]] = {}
    for code, some in numbers.items():
        own = found.setdefault(homes[code], [])
        own += [people[number] for number in some if people[number] not in own]
    missing = set(communities) - found.keys()
    offices = community_offices(session, district, missing)
    return found | {community: [offices[community]] for community in missing}


def community_offices(session: Session, district: int, communities: Collection[int]) -> dict[int, Contact]:
    """Open the contact of the sub-district office of each community."""
    keys = keys_of(session)
    columns = (Community.id, Subdistrict.ref, Subdistrict.name, Subdistrict.phone, Subdistrict.email)
    query = (
        select(*map(col, columns))
        .join(Subdistrict, col(Subdistrict.id) == col(Community.subdistrict_id))
        .where(col(Subdistrict.district_id) == district, col(Community.id).in_(sorted(communities)))
    )
    return {
        number: Contact(
            ref, name, keys.open("subdistrict.phone", ref, phone), keys.open("subdistrict.email", ref, email)
        )
        for number, ref, name, phone, email in session.execute(query)
    }


def community_phones(session: Session, district: int) -> dict[int, str]:
    """Return the public line of the first centre of each community that has one."""
    query = (
        select(col(Centre.community_id), col(Centre.phone))
        .where(col(Centre.district_id) == district, col(Centre.phone) != "")
        .order_by(col(Centre.code).desc())
    )
    return dict(session.execute(query).tuples().all())
