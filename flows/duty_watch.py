"""Watching duty over its marks: slots near now -> the mark that is due -> who must hear of it, once per revision."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from sqlmodel import Session

from flows.duty_day import explained
from flows.duty_plan import telling
from flows.jobs import Result
from flows.settings import Settings
from models import audit
from models.calendar import calendar
from models.db import Database
from models.district import district_id
from models.duty_facts import facts, groups_of_centres
from models.duty_record import Held, close_missed, fire, fired, held_slots
from notifications.duty_marks import Due, tell_marks
from policies import book
from rules.duty import Facts
from rules.duty_clusters import clusters
from rules.marks import Mark, Marks, due_mark
from rules.repair import substitutes

Fired = tuple[int, str, int]


def watch(database: Database, settings: Settings) -> Result:
    """Fire the marks that are due now; a second run at the same time finds them fired."""
    now = settings.local(settings.now())
    policy = book.duty(now.date(), settings.policy)
    with database.write() as session:
        district = district_id(session, settings.district)
        missed = close_missed(session, district, now.date(), policy.look_back_days, settings.now(), "duty-watch")
        if missed:
            audit.record(session, settings.district, "duty-watch", "duty.missed", settings.now(), slots=missed)
    with database.read() as session:
        open_marks = _due(session, district, now, policy.marks)
        proposals = _proposals(
            session, settings, district, [s for s, mark in open_marks if mark == "office" and s.cadre]
        )
    with database.write() as session:
        won = fire(session, [_key(slot, mark) for slot, mark in open_marks], settings.now())
        ours = [(slot, mark) for slot, mark in open_marks if _key(slot, mark) in won]
        counts = {mark: sum(mark == each for _, each in ours) for mark in ("notice", "reminder", "head", "office")}
        told = _told(session, settings, ours, policy.marks, proposals)
        tell_marks(session, telling(settings, now.date()), district, told)
        if ours:
            audit.record(session, settings.district, "duty-watch", "duty.marks", settings.now(), **counts)
    rows = [
        {"date": slot.day.isoformat(), "centre": slot.centre, "cadre": slot.ref or "", "mark": mark}
        for slot, mark in ours
    ]
    return {"at": now.isoformat(timespec="minutes"), **counts, "missed": missed, "list": rows}


def _key(slot: Held, mark: Mark) -> Fired:
    return slot.id, mark, slot.revision


def _due(session: Session, district: int, now: datetime, marks: Marks) -> list[tuple[Held, Mark]]:
    today = now.date()
    near = [slot for slot in held_slots(session, district, today, today + timedelta(days=1)) if slot.published]
    due = [(slot, due_mark(slot.day, now, slot.state, marks)) for slot in near]
    waiting = [(slot, mark) for slot, mark in due if mark is not None and mark != "missed"]
    done = fired(session, [slot.id for slot, _ in waiting])
    return [(slot, mark) for slot, mark in waiting if _key(slot, mark) not in done]


def _proposals(session: Session, settings: Settings, district: int, absent: Sequence[Held]) -> Mapping[int, str]:
    """Propose, for each slot nobody checked in to, who could step in by the ledger; each cluster of centres alone."""
    if not absent:
        return {}
    day, missing = absent[0].day, {slot.centre: slot for slot in absent}
    groups = groups_of_centres(session, district, day)
    codes = {code for group in groups if missing.keys() & set(group) for code in group}
    known = facts(session, district, day, day, codes, settings.policy)
    rule = book.duty(day, settings.policy).rule
    found: dict[int, str] = {}
    for cluster in clusters(missing, list(known.memberships), known.leaves, list(known.slots)):
        near = Facts((), cluster.memberships, cluster.leaves, cluster.slots, known.calendar)
        for code in cluster.centres:
            slot = missing[code]
            for first in substitutes(near, code, day, {slot.cadre or ""}, rule, first=1):
                found[slot.id] = first
    return found


def _told(
    session: Session,
    settings: Settings,
    ours: Iterable[tuple[Held, Mark]],
    marks: Marks,
    proposals: Mapping[int, str],
) -> list[Due]:
    rows = list(ours)
    days = {slot.day for slot, _ in rows}
    known = calendar(session, min(days), max(days)) if days else {}
    return [
        Due(
            slot=slot,
            mark=mark,
            day=known[slot.day],
            why=explained(slot, settings.lang),
            until=_until(slot, mark, settings, marks),
            substitute=proposals.get(slot.id),
        )
        for slot, mark in rows
    ]


def _until(slot: Held, mark: Mark, settings: Settings, marks: Marks) -> datetime:
    """When the mark lapses: at the next one's time."""
    before = slot.day - timedelta(days=1)
    ends: dict[str, tuple[Any, time]] = {
        "notice": (before, marks.reminder),
        "reminder": (slot.day, marks.head),
        "head": (slot.day, marks.office),
        "office": (slot.day + timedelta(days=1), time()),
    }
    return datetime.combine(*ends[mark], tzinfo=settings.tz)
