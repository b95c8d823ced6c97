"""Who goes to see elders: helpers, and on rest days the cadres on duty; both are told by reference."""

from collections.abc import Collection

from sqlalchemy import select
from sqlmodel import Session, col

from models.cadre import Cadre, contacts
from models.district import Contact
from models.elder import batches
from models.helper import Helper, helper_contacts


def people(session: Session, district: int, refs: Collection[str]) -> dict[str, Contact]:
    """Open the contacts of helpers and cadres by reference."""
    helpers: set[str] = set()
    cadres: set[str] = set()
    for some in batches(sorted(refs)):
        helpers.update(session.execute(select(col(Helper.number)).where(col(Helper.ref).in_(some))).scalars())
        cadres.update(session.execute(select(col(Cadre.number)).where(col(Cadre.ref).in_(some))).scalars())
    found = [*helper_contacts(session, district, helpers).values(), *contacts(session, district, cadres).values()]
    return {contact.ref: contact for contact in found}


def people_numbered(session: Session, district: int, numbers: Collection[str]) -> dict[str, Contact]:
    """Open the contacts of helpers and cadres by number; of a number that both have, the helper's."""
    wanted = set(numbers)
    return {**contacts(session, district, wanted), **helper_contacts(session, district, wanted)}
