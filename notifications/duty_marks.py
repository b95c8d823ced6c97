"""The messages of the marks: a mark that fired for a slot -> whoever must hear of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from models.cadre import contacts, heads
from models.district import Contact, centre_names, offices
from models.duty_record import Held
from notifications.duty import Telling, kind_of_day, tell_gaps, weekday
from notifications.outbox import Draft, enqueue
from rules.calendar import Day
from rules.errors import say


@dataclass(frozen=True, slots=True)
class Due:
    """A mark that fired for a slot, with what its message says; `until` is when the mark lapses."""

    slot: Held
    mark: str
    day: Day
    why: str
    until: datetime
    substitute: str | None


def tell_marks(session: Session, telling: Telling, district: int, due: Sequence[Due]) -> int:
    """Tell the cadre (notice, reminder), the centre heads (head) or the sub-district office (office, also of gaps)."""
    of = {mark: [each for each in due if each.mark == mark and each.slot.cadre] for mark in ("head", "office")}
    drafts = [
        *_to_cadres(session, telling, district, [each for each in due if each.mark in {"notice", "reminder"}]),
        *_to_heads(session, telling, district, of["head"]),
        *_to_offices(session, telling, district, of["office"]),
    ]
    gaps = [each.slot for each in due if each.slot.cadre is None]
    return enqueue(session, drafts, telling.now) + tell_gaps(session, telling, district, gaps, "-office")


def _key(due: Due, contact: Contact) -> str:
    return f"duty-{due.mark}:{due.slot.id}:{contact.ref}:r{due.slot.revision}"


def _to_cadres(session: Session, telling: Telling, district: int, due: Sequence[Due]) -> Iterator[Draft]:
    if not due:
        return
    people = contacts(session, district, {mark.slot.cadre for mark in due if mark.slot.cadre})
    names = centre_names(session, district)
    for mark in due:
        contact = people[mark.slot.cadre or ""]
        variables = {
            "name": contact.name,
            "date": mark.slot.day,
            "weekday": weekday(mark.slot.day),
            "centre": names[mark.slot.centre],
            "ack_until": _by(mark.until, mark.slot.day),
        }
        if mark.mark == "notice":
            variables |= {"kind": kind_of_day(mark.day), "why": mark.why or say("由负责人指定", "assigned by hand")}
        template = f"duty-{mark.mark}"
        yield telling.draft(mark.mark, template, _key(mark, contact), contact, variables, expires_at=mark.until)


def _by(until: datetime, duty: date) -> str:
    clock = f"{until:%H:%M}"
    return say(f"当天{clock}", f"{clock} that day") if until.date() == duty else say(f"今天{clock}", f"{clock} today")


def _to_heads(session: Session, telling: Telling, district: int, due: Sequence[Due]) -> Iterator[Draft]:
    if not due:
        return
    chiefs = heads(session, district, due[0].slot.day, {mark.slot.centre for mark in due})
    cadres = {mark.slot.cadre for mark in due if mark.slot.cadre}
    people = contacts(session, district, cadres | {number for numbers in chiefs.values() for number in numbers})
    names, responsible = centre_names(session, district), offices(session, district)
    for mark in due:
        cadre = people[mark.slot.cadre or ""]
        heads_here = [people[number] for number in chiefs.get(mark.slot.centre, ())]
        for head in heads_here or [responsible[mark.slot.centre]]:  # a centre without a head has its office
            variables = {
                "name": head.name,
                "cadre": f"{masked(cadre.name)}({mark.slot.cadre})",
                "date": mark.slot.day,
                "centre": names[mark.slot.centre],
            }
            key = _key(mark, head)
            yield telling.draft("head", "duty-unacknowledged", key, head, variables, expires_at=mark.until, priority=2)


def _to_offices(session: Session, telling: Telling, district: int, due: Sequence[Due]) -> Iterator[Draft]:
    if not due:
        return
    responsible, names = offices(session, district), centre_names(session, district)
    for mark in due:
        office = responsible[mark.slot.centre]
        variables = {
            "centre": names[mark.slot.centre],
            "date": mark.slot.day,
            "cadre": mark.slot.cadre,
            "substitute": mark.substitute or say("无人可替", "nobody is free"),
        }
        key = _key(mark, office)
        yield telling.draft("office", "duty-absent", key, office, variables, expires_at=mark.until, priority=1)


def masked(name: str) -> str:
    """Keep the first character of a name: 李**."""
    return name[:1] + "**"
