"""The morning of duty: yesterday closed -> overnight leave mended by few changes -> both sides told -> today's list."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from flows.duty_plan import telling
from flows.jobs import Result, at_work, lease_end
from flows.settings import Settings
from models import audit
from models.cadre import contacts_by_id
from models.calendar import calendar
from models.db import Database
from models.district import Contact, centre_names, district_id, duty_centres
from models.duty_facts import broken_centres, facts, groups_of_centres, serving_ids
from models.duty_record import Held, SlotMoved, Step, clear_drafts, close_missed, fire, held_slots, move, slots_at
from models.jobs import Claim, renew
from notifications.duty import tell_moves
from policies import book
from rules.duty import Why
from rules.errors import say
from rules.explain import Basis, sentence
from rules.marks import due_mark
from rules.registers import Lang
from rules.repair import Change, repair
from rules.sharing import batches

BATCH = 50


def duty_morning(database: Database, settings: Settings, as_of: date) -> Result:
    """Do the morning of `as_of`; doing it again finds nothing left to do."""
    return at_work(
        database,
        "duty-day",
        as_of.isoformat(),
        settings.district,
        lambda held: _morning(database, settings, as_of, held),
    )


def _morning(database: Database, settings: Settings, as_of: date, held: Claim) -> Result:
    policy = book.duty(as_of, settings.policy)
    with database.write() as session:
        district = district_id(session, settings.district)
        missed = close_missed(session, district, as_of, policy.look_back_days, settings.now(), "duty-day")
        renew(session, held, lease_end())
        if missed:
            audit.record(session, settings.district, "duty-day", "duty.missed", settings.now(), slots=missed)
    with database.read() as session:
        broken = broken_centres(session, district, as_of)
        groups = groups_of_centres(session, district, as_of) if broken else []
    changes: list[dict[str, Any]] = []
    for codes in batches([group for group in groups if broken & set(group)], BATCH):
        changes += _mend(database, settings, codes, as_of, held)
    with database.read() as session:
        today = todays_list(session, settings, as_of)
    gaps = sum(row["state"] in {"gap", "none"} for row in today)
    return {
        "date": as_of.isoformat(),
        "duties": len(today),
        "gaps": gaps,
        "missed": missed,
        "changes": changes,
        "list": today,
    }


def _mend(database: Database, settings: Settings, codes: list[str], as_of: date, held: Claim) -> list[dict[str, Any]]:
    with database.write() as session:
        district = district_id(session, settings.district)
        known = facts(session, district, as_of, as_of + timedelta(days=1), codes, settings.policy)
        # a draft is no duty yet: it gives way to what mends a published day
        known = replace(known, slots=[slot for slot in known.slots if slot.published or slot.pinned])
        changes = repair(known, as_of, book.duty(as_of, settings.policy).rule)
        steps = _steps(session, district, changes)
        clear_drafts(session, {(s.cadre_id, s.slot.day) for s in steps if s.cadre_id is not None})
        move(session, steps, settings.now(), "duty-day")
        tell(session, settings, district, steps)
        people = contacts_by_id(session, {i for s in steps for i in (s.slot.cadre_id, s.cadre_id) if i is not None})
        renew(session, held, lease_end())
        if changes:
            audit.record(session, settings.district, "duty-day", "duty.repair", settings.now(), slots=len(changes))
    return [_told(step, people) for step in steps]


def _steps(session: Session, district: int, changes: Sequence[Change]) -> list[Step]:
    held = slots_at(session, district, {(change.centre, change.date) for change in changes})
    ids = serving_ids(session, district, {change.centre for change in changes})
    steps = []
    for change in changes:
        slot = held[change.centre, change.date]
        if slot.cadre != change.before:
            raise SlotMoved(change.centre, change.date)
        why = change.why.to_json() | ({"basis": "moved"} if change.reason == "chain" else {})
        cadre_id = ids[change.after] if change.after else None
        after = ("published" if slot.published else "draft") if change.after else "gap"
        steps.append(Step(slot, after, cadre_id, _reason(change), rest_relaxed=change.rest_relaxed, why=why))
    return steps


def _reason(change: Change) -> str:
    return say(*REASONS[change.reason])


REASONS = {
    "on_leave": ("原值班人请假", "the cadre on duty is on leave"),
    "off_roster": ("原值班人已不在名册", "the cadre on duty left the roster"),
    "exempt": ("原值班人休息日免值", "the cadre on duty is exempt on rest days"),
    "gap": ("该日原为空缺", "the day was a gap"),
    "chain": ("连环调班", "moved to mend another day"),
}


def _told(step: Step, people: Mapping[int, Contact]) -> dict[str, Any]:
    before, after = (people[i].ref if i is not None else "" for i in (step.slot.cadre_id, step.cadre_id))
    where = {"date": step.slot.day.isoformat(), "centre": step.slot.centre}
    return {**where, "before": before, "after": after, "relaxed": step.rest_relaxed, "reason": step.reason}


def tell(session: Session, settings: Settings, district: int, steps: Sequence[Step]) -> None:
    """Tell both sides of each change at once; a mark that would say the same again counts as fired."""
    if not steps:
        return
    marks = book.duty(settings.today(), settings.policy).marks
    now = settings.local(settings.now())
    due = [(step, due_mark(step.slot.day, now, "published", marks)) for step in steps if step.cadre_id is not None]
    told = [
        (s.slot.id, mark, s.slot.revision + 1) for s, mark in due if mark in {"notice", "reminder"} and s.slot.published
    ]
    fire(session, told, settings.now())
    tell_moves(session, telling(settings, settings.today()), district, [step for step in steps if step.slot.published])


def todays_list(session: Session, settings: Settings, day: date) -> list[dict[str, Any]]:
    """Who is on duty today, one row per open centre in the order of codes; a centre without a slot says so."""
    district = district_id(session, settings.district)
    names, calendar_day = centre_names(session, district), calendar(session, day, day)[day]
    held = {slot.centre: slot for slot in held_slots(session, district, day, day)}
    rows = []
    for centre in duty_centres(session, district):
        slot = held.get(centre.code)
        if slot is not None or centre.opens_on_rest_days or calendar_day.kind == "work":
            rows.append({"centre": centre.code, "name": names[centre.code], **_row(slot, settings)})
    return rows


def _row(slot: Held | None, settings: Settings) -> dict[str, Any]:
    if slot is None:
        return {"cadre": "", "state": "none", "rest_relaxed": False, "why": say("没有排班", "nothing planned")}
    return {
        "cadre": slot.ref or "",
        "state": slot.state,
        "rest_relaxed": slot.rest_relaxed,
        "why": explained(slot, settings.lang),
    }


def explained(slot: Held, lang: Lang) -> str:
    """The sentence behind the choice of a slot; "" where a person chose."""
    if slot.why is None:
        return ""
    stored = dict(slot.why)
    basis: Basis = stored.pop("basis", "gap" if slot.cadre is None else "relaxed" if slot.rest_relaxed else "ledger")
    return sentence(Why.from_json(stored), lang, basis=basis)
