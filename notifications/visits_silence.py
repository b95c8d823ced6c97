"""Who does not answer 失联: the family is asked at the first date, the building head or the lead at the second.

Each once a streak, by keys made of its dates: late paper that cuts a streak off leaves no second message of the rest.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from sqlmodel import Session

from models.care import building_heads
from models.community_leads import community_phones, leads
from models.district import Contact
from models.elder_names import Family, elder_buildings, elder_names, families
from models.helper import helper_contacts
from models.message_keys import known_keys
from models.visit_checks import Silence
from notifications.duty import Telling
from notifications.duty_marks import masked
from notifications.outbox import Draft
from notifications.visits import enqueue_new
from rules.errors import say
from rules.visits_unreachable import Unreachable, step_of

NEWS = timedelta(days=7)
"""An attempt longer ago is no news; then the visit itself is overdue."""


def tell_families(
    session: Session, telling: Telling, district: int, day: date, silent: Sequence[Silence], places: Mapping[int, str]
) -> int:
    """Ask the emergency contact of each elder who does not answer, once a streak; without a number nobody is asked."""
    recent = [one for one in silent if one.dates[-1] >= day - NEWS]
    known = known_keys(session, [key for one in recent for key in family_keys(one.ref, one.dates)])
    fresh = [one for one in recent if known.isdisjoint(family_keys(one.ref, one.dates)) and not _was_checked(one)]
    if not fresh:
        return 0
    found, phones = families(session, {one.ref for one in fresh}), community_phones(session, district)
    drafts = [
        draft
        for one in fresh
        for draft in _to_family(telling, one, found[one.ref], places[one.community], phones.get(one.community, ""))
    ]
    return enqueue_new(session, drafts, telling.now)


def family_keys(ref: str, dates: Iterable[date]) -> list[str]:
    """Return the keys under which a family may have heard of a streak: one for each date without an answer."""
    return [f"visit-contact-family:{ref}:{on}" for on in dates]


def _was_checked(one: Silence) -> bool:
    """Tell whether the streak is the rest of one that had its check: late paper brings no second message."""
    return any(one.dates[0] <= cycle <= one.dates[-1] for cycle in one.checks)


def _to_family(telling: Telling, one: Silence, family: Family, place: str, phone: str) -> Iterator[Draft]:
    if not family.phone:
        return
    last = one.dates[-1]
    told = {
        "name": family.name or say("家属", "Family"),
        "elder": masked(family.elder),
        "date": last,
        "community": place,
        "phone": phone or "—",
    }
    contact = Contact(one.ref, family.name, family.phone, "")
    key = family_keys(one.ref, [last])[0]
    ends = telling.end_of(last + NEWS)
    yield telling.draft("visit-contact-family", "visit-contact-family", key, contact, told, expires_at=ends)


def tell_neighbours(
    session: Session,
    telling: Telling,
    district: int,
    day: date,
    silent: Sequence[Silence],
    places: Mapping[int, str],
    rule: Unreachable,
) -> int:
    """Have the neighbours asked about each elder who did not answer on the second date, once a streak.

    The building head of the elder's team asks, unless on leave; without one the community's lead sees to it. From the
    third date on there is a wellness check, and nothing is said here.

    Args:
        session: writing.
        telling: the frame.
        district: district id.
        day: teams, leave and leads are those of the day.
        silent: who does not answer.
        places: names of communities.
        rule: the steps in force.
    """
    second = [one for one in silent if step_of(len(one.dates), rule) == "neighbour" and one.dates[-1] >= day - NEWS]
    known = known_keys(session, [key for one in second for key in neighbour_keys(one.ref, one.dates, rule)])
    fresh = [
        one for one in second if known.isdisjoint(neighbour_keys(one.ref, one.dates, rule)) and not _was_checked(one)
    ]
    if not fresh:
        return 0
    who = _askers(session, district, day, fresh)
    refs = {one.ref for one in fresh}
    names, buildings = elder_names(session, refs), elder_buildings(session, refs)
    drafts: list[Draft] = []
    for one in fresh:
        told = {
            "elder": f"{masked(names[one.ref])}（{one.ref}）",
            "community": places[one.community],
            "building": buildings[one.ref][:60],
            "attempts": len(one.dates),
            "date": one.dates[-1],
        }
        ends, keys = telling.end_of(one.dates[-1] + NEWS), _keys_of_date(one.ref, one.dates[-1])
        for key, contact in zip(keys, who[one.ref], strict=False):
            variables = {"name": contact.name, **told}
            name = "visit-ask-neighbour"
            drafts.append(telling.draft(name, name, key, contact, variables, expires_at=ends, priority=2))
    return enqueue_new(session, drafts, telling.now)


def _askers(session: Session, district: int, day: date, silent: Sequence[Silence]) -> dict[str, list[Contact]]:
    heads = building_heads(session, district, day, {one.ref for one in silent})
    people = helper_contacts(session, district, {number for numbers in heads.values() for number in numbers})
    chiefs = leads(session, district, day, {one.community for one in silent if one.ref not in heads})
    return {
        one.ref: [people[number] for number in heads[one.ref]] if one.ref in heads else chiefs[one.community]
        for one in silent
    }


def neighbour_keys(ref: str, dates: Sequence[date], rule: Unreachable) -> list[str]:
    """Return the keys under which somebody may have heard of a streak: of its second date and any later one."""
    return [key for on in dates[rule.neighbour - 1 :] for key in _keys_of_date(ref, on)]


def silence_keys(ref: str, dates: Iterable[date]) -> list[str]:
    """Return every key under which families and neighbours may have heard of these dates."""
    return [*family_keys(ref, dates), *(key for on in dates for key in _keys_of_date(ref, on))]


def _keys_of_date(ref: str, on: date) -> list[str]:
    return [f"visit-ask-neighbour:{ref}:{on}:{place}" for place in range(4)]
