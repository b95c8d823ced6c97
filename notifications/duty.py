"""The messages of daily duty: facts -> one draft per person and event, on the first channel that reaches them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from models.cadre import cadre_ids, contacts, heads
from models.district import Contact, centre_names, offices
from models.duty_record import Held, Step
from notifications.catalogue import template
from notifications.outbox import Draft, address_of, enqueue
from rules.calendar import Day
from rules.duty import Slot
from rules.errors import say

WEEKDAYS = {
    "zh": "一二三四五六日",
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_KINDS = {
    "work": ("工作日", "workday"),
    "rest": ("休息日", "rest day"),
    "statutory": ("法定节假日", "statutory holiday"),
}


@dataclass(frozen=True, slots=True)
class Telling:
    """The frame of every message of one run: who tells, when, in which language, over which channels."""

    district: str
    now: datetime
    lang: str
    channels: Mapping[str, Sequence[str]]

    def draft(
        self,
        purpose: str,
        template: str,
        key: str,
        contact: Contact,
        variables: Mapping[str, Any],
        *,
        expires_at: datetime | None = None,
        priority: int = 5,
    ) -> Draft:
        """Write one message; a person without an address goes on the call list."""
        channel, address = self.reach(purpose, contact)
        return Draft(
            key=key,
            template=template,
            channel=channel,  # type: ignore[arg-type]
            recipient=contact.ref,
            address=address,
            variables=fitted(template, variables),
            district=self.district,
            language="en" if self.lang == "en" else "zh-CN",
            priority=priority,
            expires_at=expires_at,
        )

    def reach(self, purpose: str, contact: Contact) -> tuple[str, str]:
        """Return the first channel of the policy for which the person has a usable address, else a call."""
        for channel in self.channels[purpose]:
            address = address_of(channel, contact.email if channel == "email" else contact.phone)
            if address:
                return channel, address
        return "call", ""


def fitted(name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Shorten texts to what the template takes: a very long name must not stop a month from being published."""
    declared = template(name).variables
    return {
        key: value[: declared[key].max] if key in declared and declared[key].type == "text" else value
        for key, value in variables.items()
    }


def weekday(day: date) -> str:
    """Name the day of the week: 周日, Sunday."""
    return say(f"周{WEEKDAYS['zh'][day.weekday()]}", WEEKDAYS["en"][day.weekday()])


def kind_of_day(day: Day) -> str:
    """Name the kind of day, by the holiday where it has one."""
    return day.name or say(*_KINDS[day.kind])


def tell_months(
    session: Session,
    telling: Telling,
    district: int,
    month: str,
    fresh: Iterable[Slot],
    calendar: Mapping[date, Day],
    centres: Mapping[str, str],
) -> int:
    """Tell every cadre their own newly published days of the month, in one message per centre."""
    days: dict[tuple[str, str], list[date]] = defaultdict(list)
    for slot in fresh:
        if slot.cadre:
            days[slot.cadre, slot.centre].append(slot.date)
    people = contacts(session, district, {cadre for cadre, _ in days})
    drafts = []
    for (cadre, centre), own in sorted(days.items()):
        contact = people[cadre]
        rows = [{"date": d, "weekday": weekday(d), "kind": kind_of_day(calendar[d])} for d in sorted(own)]
        variables = {"name": contact.name, "month": month, "centre": centres[centre], "days": rows}
        key = f"duty-month:{month}:{centre}:{contact.ref}:{telling.now:%Y%m%dT%H%M%S}"
        drafts.append(telling.draft("published", "duty-published", key, contact, variables))
    return enqueue(session, drafts, telling.now)


def tell_moves(session: Session, telling: Telling, district: int, steps: Sequence[Step]) -> int:
    """Tell who takes a duty over, who is released from one, and for a gap the centre head and the office.

    Nobody else hears anything: a message is due only to those whose own day moved.
    """
    ids = {number: cadre for cadre, number in cadre_ids(session, district).items()}
    people = contacts(
        session, district, {ids[i] for s in steps for i in (s.slot.cadre_id, s.cadre_id) if i is not None}
    )
    names = centre_names(session, district)
    drafts = [draft for step in steps for draft in _both_sides(telling, step, ids, people, names)]
    gaps = [step for step in steps if step.cadre_id is None]
    drafts += _raised(session, telling, district, gaps, names) if gaps else []
    return enqueue(session, drafts, telling.now)


def _both_sides(
    telling: Telling, step: Step, ids: Mapping[int, str], people: Mapping[str, Contact], names: Mapping[str, str]
) -> Iterator[Draft]:
    slot, revision = step.slot, step.slot.revision + 1
    when = {"date": slot.day, "weekday": weekday(slot.day), "centre": names[slot.centre]}
    if step.cadre_id is not None:
        contact = people[ids[step.cadre_id]]
        variables = {"name": contact.name, **when, "reason": step.reason}
        key = f"duty-assigned:{slot.id}:{contact.ref}:r{revision}"
        yield telling.draft("change", "duty-assigned", key, contact, variables, priority=2)
    if slot.cadre_id is not None:
        contact = people[ids[slot.cadre_id]]
        key = f"duty-released:{slot.id}:{contact.ref}:r{revision}"
        yield telling.draft("change", "duty-released", key, contact, {"name": contact.name, **when}, priority=3)


def _raised(
    session: Session, telling: Telling, district: int, gaps: Sequence[Step], names: Mapping[str, str]
) -> Iterator[Draft]:
    responsible = offices(session, district)
    for gap in gaps:
        slot = gap.slot
        chiefs = heads(session, district, slot.day, {slot.centre}).get(slot.centre, [])
        people = [*contacts(session, district, set(chiefs)).values(), responsible[slot.centre]]
        variables = {"centre": names[slot.centre], "date": slot.day, "weekday": weekday(slot.day)}
        for contact in people:
            key = f"duty-gap:{slot.id}:{contact.ref}:r{slot.revision + 1}"
            yield telling.draft("office", "duty-gap", key, contact, {"name": contact.name, **variables}, priority=1)


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
    """Tell the cadre (notice, reminder), the centre heads (head) or the sub-district office (office)."""
    if not due:
        return 0
    own = [mark for mark in due if mark.mark in {"notice", "reminder"}]
    return enqueue(
        session,
        [
            *_to_cadres(session, telling, district, own),
            *_to_heads(session, telling, district, [mark for mark in due if mark.mark == "head"]),
            *_to_offices(session, telling, district, [mark for mark in due if mark.mark == "office"]),
        ],
        telling.now,
    )


def _key(due: Due, contact: Contact) -> str:
    return f"duty-{due.mark}:{due.slot.id}:{contact.ref}:r{due.slot.revision}"


def _to_cadres(session: Session, telling: Telling, district: int, due: Sequence[Due]) -> Iterator[Draft]:
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
    names = centre_names(session, district)
    for mark in due:
        cadre = people[mark.slot.cadre or ""]
        for number in chiefs.get(mark.slot.centre, ()):
            head = people[number]
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
