"""Planning a month of duty: facts -> drafts -> (published, everybody told their days) -> counts per centre."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from sqlmodel import Session

from flows.jobs import Result, at_work, lease_end
from flows.settings import Settings
from models import audit
from models.calendar import calendar
from models.db import Database
from models.district import centre_ids, district_id
from models.duty import Stretch, draft_months, store_drafts
from models.duty import publish as publish_slots
from models.duty_facts import anyone_serves, facts, groups_of_centres, serving_ids, slot_counts
from models.duty_record import held_slots
from models.jobs import Claim, renew
from notifications.duty import Telling, tell_gaps, tell_months
from policies import book
from rules.calendar import dates_between, month_dates
from rules.duty import Assignment, Facts, Slot, plan
from rules.errors import TuoqiError
from rules.sharing import batches

COUNTED = ("slots", "gaps", "relaxed", "published")
BATCH = 100  # centres decided and written in one transaction; keeps each under a second


class DutyError(TuoqiError):
    """The duty job cannot do what was asked."""


@dataclass(eq=False)
class ProvisionalMonth(DutyError):
    """The State Council has not published the year; people must not be told days that may still move."""

    month: str
    first: date
    zh = (
        "{month} 不能发布：国务院尚未公布该年放假安排（{first} 起为暂定日历）。"
        "公布后导入日历（tuoqi import calendar）再发布。"
    )
    en = (
        "{month} cannot be published: the State Council has not announced that year (provisional from {first}). "
        "Import the calendar once it is out (`tuoqi import calendar`), then publish."
    )


@dataclass(eq=False)
class NothingToPlan(DutyError):
    """There is no roster to plan from."""

    month: str
    zh = "{month} 没有可排班的中心或名册；请先导入中心（centre）和干部（cadre）表。"
    en = "there is no centre or roster to plan {month} from; import the centre and cadre registers first."


@dataclass(eq=False)
class UnknownCentre(DutyError):
    """A centre code nobody registered."""

    centre: str
    zh = "没有编号为 {centre} 的中心；请核对中心表中的编号。"
    en = "there is no centre {centre}; check the code in the centre register."


@dataclass(frozen=True, slots=True)
class Order:
    """What to plan: a month from `first` on (days gone by are not made up), for one centre or all."""

    month: str
    first: date
    last: date
    centre: str | None
    publish: bool

    @property
    def part(self) -> str:
        """The partition of job_run below the district."""
        return f"/{self.centre}" if self.centre else ""


def plan_month(
    database: Database,
    settings: Settings,
    month: str,
    as_of: date,
    *,
    publish: bool = False,
    centre: str | None = None,
) -> Result:
    """Draft, and if ordered publish, one month; publishing happens once, drafting as often as asked.

    Days before `as_of`, and before today when the run is late, are not made up - unless the whole month is past.

    Raises:
        ProvisionalMonth, NothingToPlan, UnknownCentre: before anything is written.
    """
    first, last = month_dates(month)
    start = max(as_of, settings.today())
    wanted = Order(month, start if first < start <= last else first, last, centre, publish)
    with database.read() as session:
        _check(session, settings, wanted)
    job = "duty-publish" if publish else "duty-plan"
    part = settings.district + wanted.part
    return at_work(database, job, month, part, lambda held: _plan(database, settings, wanted, held), again=not publish)


def _check(session: Session, settings: Settings, order: Order) -> None:
    district = district_id(session, settings.district)
    codes = centre_ids(session, district)
    if order.centre and order.centre not in codes:
        raise UnknownCentre(order.centre)
    if not anyone_serves(session, district):
        raise NothingToPlan(order.month)
    days = calendar(session, order.first, order.last)
    guessed = [day for day in dates_between(order.first, order.last) if not days[day].confirmed]
    if order.publish and guessed:
        raise ProvisionalMonth(order.month, guessed[0])


def _plan(database: Database, settings: Settings, order: Order, held: Claim) -> Result:
    with database.read() as session:
        groups = groups_of_centres(session, district_id(session, settings.district), order.first)
    if order.centre:
        groups = [group for group in groups if order.centre in group]
    for codes in batches(groups, BATCH):
        with database.write() as session:
            _plan_batch(session, settings, order, codes)
            renew(session, held, lease_end())
            action = "duty.publish" if order.publish else "duty.draft"
            audit.record(
                session, settings.district, held.job, action, settings.now(), month=order.month, centres=len(codes)
            )
    with database.read() as session:
        return month_counts(session, settings, order)


def _plan_batch(session: Session, settings: Settings, order: Order, codes: list[str]) -> None:
    district = district_id(session, settings.district)
    known = facts(session, district, order.first, order.last, codes, settings.policy)
    known = replace(known, slots=[s for s in known.slots if s.date <= order.last or s.published or s.pinned])
    planned = [code for code in codes if order.centre in (None, code)]
    drafts = draft(known, planned, dates_between(order.first, order.last), settings)
    ids = centre_ids(session, district)
    stretch = Stretch({code: ids[code] for code in planned}, order.first, order.last)
    store_drafts(session, drafts, stretch, serving_ids(session, district, codes))
    if order.publish:
        held = held_slots(session, district, order.first, order.last, where=stretch.unpublished())
        publish_slots(session, stretch, settings.now(), "duty-publish")
        frame = telling(settings, order.first)
        tell_months(session, frame, district, order.month, held)
        tell_gaps(session, frame, district, [slot for slot in held if slot.cadre is None])


def telling(settings: Settings, day: date) -> Telling:
    """The frame of this run's messages, under the channels in force on `day`."""
    channels = book.duty(day, settings.policy).channels
    return Telling(settings.district, settings.now(), settings.tz, settings.lang, channels)


def replan_drafts(database: Database, settings: Settings) -> list[str]:
    """Draft every month anew that still has unpublished days ahead; published days stay. Return the months."""
    with database.read() as session:
        months = draft_months(session, district_id(session, settings.district), settings.today())
    for month in months:
        plan_month(database, settings, month, settings.today())
    return months


def draft(known: Facts, codes: Iterable[str], days: Iterable[date], settings: Settings) -> list[Assignment]:
    """Decide the open slots of some centres, each day under the policy in force on it."""
    wanted = set(codes)
    centres = [centre for centre in known.centres if centre.code in wanted]
    decided: list[Assignment] = []
    for since, span in groupby(days, key=lambda day: book.duty(day, settings.policy).since):
        policy = book.duty(since, settings.policy).rule
        held = _held(known.slots, decided) if decided else known.slots
        decided += plan(centres, known.memberships, known.leaves, held, list(span), known.calendar, policy)
    return decided


def _held(stored: Iterable[Slot], decided: Iterable[Assignment]) -> list[Slot]:
    """Slots as they will stand, for the days under the next policy."""
    fresh = {(d.centre, d.date): Slot(d.centre, d.date, d.cadre, "draft" if d.cadre else "gap") for d in decided}
    return [slot for slot in stored if (slot.centre, slot.date) not in fresh] + list(fresh.values())


def month_counts(session: Session, settings: Settings, order: Order) -> Result:
    """Count a month as it stands in the database, in all and per centre."""
    district = district_id(session, settings.district)
    counted = slot_counts(session, district, *month_dates(order.month), order.centre)
    rows: list[Result] = [dict(zip(("centre", "name", *COUNTED), each, strict=True)) for each in counted]
    total = {name: sum(row[name] for row in rows) for name in COUNTED}
    provisional = not all(day.confirmed for day in calendar(session, order.first, order.last).values())
    return {"month": order.month, "centres": len(rows), **total, "provisional": provisional, "per_centre": rows}
