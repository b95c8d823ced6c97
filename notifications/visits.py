"""The messages of follow-up visits: today's list -> one digest a person; gaps and lateness -> the community's lead.

Lists are late: they are read when the message is sent (notifications/visits_late.py). Every key is made of what
happened, so a job that runs twice writes nothing twice, whoever has the elder by then. Who does not answer:
notifications/visits_silence.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from models.community_leads import community_offices, leads
from models.drafts import SameKeyOtherPayload
from models.elder_names import elder_names
from models.message_keys import known_keys
from models.visit_lists import Line
from models.visit_people import people
from notifications.catalogue import template
from notifications.duty import Telling, weekday
from notifications.duty_marks import masked
from notifications.outbox import Draft, enqueue
from rules.errors import say


def routes_of(name: str) -> list[str]:
    """Return the channels of a template in its own order; a call always comes last by itself."""
    return [channel for channel in template(name).channels if channel != "call"]


def enqueue_new(session: Session, drafts: Iterable[Draft], now: datetime) -> int:
    """Enqueue the drafts whose keys are new; one that exists told its news to whoever it was for then."""
    listed = {draft.key: draft for draft in drafts}
    known = known_keys(session, listed)
    fresh = [draft for key, draft in listed.items() if key not in known]
    try:
        return enqueue(session, fresh, now)
    except SameKeyOtherPayload:  # the morning and the watch at once: the other one has just told somebody else
        return len(fresh) - 1


def tell_lists(
    session: Session, telling: Telling, district: int, day: date, lines: Sequence[Line], places: Mapping[int, str]
) -> int:
    """Tell everybody who has visits today, once a day; the visits are read when it is sent."""
    mine: dict[str, int] = {}
    for line in lines:
        if line.person is not None:
            mine.setdefault(line.person, line.community_id)
    known = people(session, district, mine)
    ends, drafts = telling.end_of(day), []
    for ref, home in mine.items():
        contact = known[ref]
        told = {"name": contact.name, "date": day, "weekday": weekday(day), "community": places[home]}
        key = f"visit-digest:{day}:{ref}"
        drafts.append(telling.draft("visit-digest", "visit-digest", key, contact, told, expires_at=ends))
    return enqueue_new(session, drafts, telling.now)


def tell_leads(
    session: Session, telling: Telling, district: int, day: date, lines: Sequence[Line], places: Mapping[int, str]
) -> int:
    """Tell the leads of each community with overdue visits or gaps, once a day."""
    homes = {line.community_id for line in lines if line.person is None or line.through < day}
    if not homes:
        return 0
    ends, drafts = telling.end_of(day), []
    for home, some in leads(session, district, day, homes).items():
        for contact in some:
            told = {"name": contact.name, "community": places[home], "date": day}
            key = f"visit-overdue:{day}:{home}:{contact.ref}"
            drafts.append(telling.draft("visit-overdue", "visit-overdue", key, contact, told, expires_at=ends))
    return enqueue_new(session, drafts, telling.now)


def tell_checks(
    session: Session,
    telling: Telling,
    district: int,
    day: date,
    lines: Sequence[Line],
    attempts: Mapping[str, int],
    places: Mapping[int, str],
) -> int:
    """Tell of each wellness check whoever goes and the community's lead: one set for a check, for ever.

    Args:
        session: writing.
        telling: the frame.
        district: district id.
        day: the day of the lines, by which leads are found.
        lines: of today's list; only wellness checks are told here.
        attempts: dates without an answer by the elder's reference.
        places: names of communities.
    """
    checks = [line for line in lines if line.kind == "WELLNESS_CHECK" and line.due_at is not None]
    known = known_keys(session, [key for line in checks for key in check_keys(line.task_id)])
    fresh = [line for line in checks if known.isdisjoint(check_keys(line.task_id))]
    if not fresh:
        return 0
    chiefs = leads(session, district, day, {line.community_id for line in fresh})
    helpers = people(session, district, {line.person for line in fresh if line.person})
    names = elder_names(session, {line.ref for line in fresh})
    drafts: list[Draft] = []
    for line in fresh:
        told = _check(telling, line, names, attempts, places)
        listed = [helpers[line.person]] if line.person else []
        everybody = [*listed, *(each for each in chiefs[line.community_id] if each not in listed)]
        for key, contact in zip(check_keys(line.task_id), everybody, strict=False):
            variables = {"name": contact.name, **told}
            drafts.append(telling.draft("visit-wellness", "visit-wellness", key, contact, variables, priority=1))
    return enqueue_new(session, drafts, telling.now)


def tell_late_checks(
    session: Session,
    telling: Telling,
    district: int,
    lines: Sequence[Line],
    attempts: Mapping[str, int],
    places: Mapping[int, str],
) -> int:
    """Tell the sub-district office of each check whose hours ran out, once."""
    known = known_keys(session, [late_check_key(line.task_id) for line in lines])
    fresh = [line for line in lines if late_check_key(line.task_id) not in known]
    if not fresh:
        return 0
    offices = community_offices(session, district, {line.community_id for line in fresh})
    names = elder_names(session, {line.ref for line in fresh})
    drafts = []
    for line in fresh:
        office = offices[line.community_id]
        told = {"name": office.name, **_check(telling, line, names, attempts, places)}
        key = late_check_key(line.task_id)
        drafts.append(telling.draft("visit-wellness-late", "visit-wellness-late", key, office, told, priority=1))
    return enqueue_new(session, drafts, telling.now)


def _check(
    telling: Telling, line: Line, names: Mapping[str, str], attempts: Mapping[str, int], places: Mapping[int, str]
) -> dict[str, Any]:
    return {
        "elder": f"{masked(names[line.ref])}（{line.ref}）",
        "community": places[line.community_id],
        "attempts": attempts.get(line.ref, 0),
        "until": moment(telling, line.due_at),
    }


def check_keys(task: int) -> list[str]:
    """Return the keys of one check's set of messages, whoever they are for: who goes, and up to three leads."""
    return [f"visit-wellness:{task}:{place}" for place in range(4)]


def late_check_key(task: int) -> str:
    """Return the key of the one message by which the office hears that nobody was there in time."""
    return f"visit-wellness:{task}:late"


def moment(telling: Telling, at: datetime | None) -> str:
    """Say an instant in the district's words: 7月13日14:30."""
    assert at is not None
    here = at.astimezone(telling.zone)
    return say(f"{here.month}月{here.day}日{here:%H:%M}", f"{here:%H:%M} on {here.day} {here:%b}")
