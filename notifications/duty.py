"""The messages of daily duty: facts -> one draft per person and event, on the first channel that reaches them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlmodel import Session

from models.cadre import contacts, contacts_by_id, heads
from models.district import Contact, centre_names, offices
from models.drafts import Route
from models.duty_record import Held, Step
from notifications.catalogue import template
from notifications.outbox import Draft, address_of, enqueue
from rules.calendar import Day
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
    zone: tzinfo
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
        """Write one message for the first channel that reaches the person; the others follow if it does not."""
        (channel, address), *others = self.routes(purpose, contact)
        return Draft(
            key=key,
            template=template,
            channel=channel,
            recipient=contact.ref,
            address=address,
            others=tuple(others),
            variables=fitted(template, variables),
            district=self.district,
            language="en" if self.lang == "en" else "zh-CN",
            priority=priority,
            expires_at=expires_at,
        )

    def end_of(self, day: date) -> datetime:
        """The end of a date in the district; what is said of the date is useless from then on."""
        return datetime.combine(day + timedelta(days=1), time(), tzinfo=self.zone)

    def routes(self, purpose: str, contact: Contact) -> list[Route]:
        """Return the person's usable channels in the policy's order, and a call at the end."""
        given = {"email": contact.email, "sms": contact.phone}
        routes: list[Route] = []
        for channel in self.channels[purpose]:
            address = address_of(channel, given.get(channel, ""))
            if address:
                routes.append((channel, address))  # type: ignore[arg-type]
        return [*routes, ("call", address_of("call", contact.phone) or "")]


def fitted(name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Shorten texts to what the template takes: a very long name must not stop a month from being published."""
    declared = template(name).variables
    return {
        key: value[: declared[key].max] or "—" if key in declared and declared[key].type == "text" else value
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
    fresh: Iterable[Held],
) -> int:
    """Tell every cadre that their month is published, in one message per centre; its days are read at sending.

    A slot is published once, so the first one's id makes the key single.
    """
    duties: dict[tuple[str, str], list[Held]] = defaultdict(list)
    for slot in fresh:
        if slot.cadre:
            duties[slot.cadre, slot.centre].append(slot)
    people, names = contacts(session, district, {cadre for cadre, _ in duties}), centre_names(session, district)
    drafts = []
    for (cadre, centre), own in sorted(duties.items()):
        contact = people[cadre]
        variables = {"name": contact.name, "month": month, "centre": names[centre]}
        key = f"duty-month:{min(slot.id for slot in own)}:{contact.ref}:r0"
        drafts.append(telling.draft("published", "duty-published", key, contact, variables))
    return enqueue(session, drafts, telling.now)


def tell_moves(session: Session, telling: Telling, district: int, steps: Sequence[Step]) -> int:
    """Tell who takes a duty over, who is released from one, and for a gap the centre head and the office.

    Nobody else hears anything: a message is due only to those whose own day moved.
    """
    people = contacts_by_id(session, {i for s in steps for i in (s.slot.cadre_id, s.cadre_id) if i is not None})
    names = centre_names(session, district)
    drafts = [draft for step in steps for draft in _both_sides(telling, step, people, names)]
    gaps = [replace(step.slot, revision=step.slot.revision + 1) for step in steps if step.cadre_id is None]
    return enqueue(session, drafts, telling.now) + tell_gaps(session, telling, district, gaps)


def _both_sides(
    telling: Telling, step: Step, people: Mapping[int, Contact], names: Mapping[str, str]
) -> Iterator[Draft]:
    slot, revision, ends = step.slot, step.slot.revision + 1, telling.end_of(step.slot.day)
    when = {"date": slot.day, "weekday": weekday(slot.day), "centre": names[slot.centre]}
    if step.cadre_id is not None:
        contact = people[step.cadre_id]
        variables = {"name": contact.name, **when, "reason": step.reason}
        key = f"duty-assigned:{slot.id}:{contact.ref}:r{revision}"
        yield telling.draft("change", "duty-assigned", key, contact, variables, expires_at=ends, priority=2)
    if slot.cadre_id is not None:
        contact = people[slot.cadre_id]
        key, variables = f"duty-released:{slot.id}:{contact.ref}:r{revision}", {"name": contact.name, **when}
        yield telling.draft("change", "duty-released", key, contact, variables, expires_at=ends, priority=3)


def tell_gaps(session: Session, telling: Telling, district: int, gaps: Sequence[Held], again: str = "") -> int:
    """Raise days that nobody can serve: the centre's heads and the sub-district office hear of each, once.

    Args:
        session: writing.
        telling: the frame.
        district: district id.
        gaps: slots without a cadre.
        again: names a later occasion on which the office alone hears of it once more.
    """
    if not gaps:
        return 0
    first = min(gap.day for gap in gaps)
    chiefs = {} if again else heads(session, district, first, {gap.centre for gap in gaps})
    people = contacts(session, district, {number for numbers in chiefs.values() for number in numbers})
    names, responsible = centre_names(session, district), offices(session, district)
    drafts = []
    for gap in gaps:
        variables = {"centre": names[gap.centre], "date": gap.day, "weekday": weekday(gap.day)}
        for contact in [*(people[number] for number in chiefs.get(gap.centre, ())), responsible[gap.centre]]:
            key = f"duty-gap{again}:{gap.id}:{contact.ref}:r{gap.revision}"
            told = {"name": contact.name, **variables}
            ends = telling.end_of(gap.day)
            drafts.append(telling.draft("office", "duty-gap", key, contact, told, expires_at=ends, priority=1))
    return enqueue(session, drafts, telling.now)
