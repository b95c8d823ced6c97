"""Every task of an elder against the domain page read word by word, one day after the other."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import Day, dates_between
from rules.visits import tasks
from rules.visits_clock import Clock, Clocks, TierClock
from rules.visits_facts import (
    OUTCOMES,
    STATUSES,
    Contact,
    History,
    Outcome,
    StatusRow,
    TierRow,
    known,
)
from rules.visits_standing import facts_of, standing
from rules.visits_task import Task, is_open
from rules.workdays import Workdays

START, END = date(2028, 1, 18), date(2028, 3, 20)
HOLIDAYS = {
    date(2028, 1, 1),
    *dates_between(date(2028, 1, 25), date(2028, 2, 2)),
    *dates_between(date(2028, 4, 29), date(2028, 5, 3)),
}
MAKE_UP = {date(2028, 1, 23), date(2028, 2, 5), date(2028, 4, 30)}
CALENDAR = {
    day: Day(day, "work" if day in MAKE_UP - HOLIDAYS or (day.weekday() < 5 and day not in HOLIDAYS) else "rest")
    for day in dates_between(date(2027, 1, 1), date(2029, 12, 31))
}
WORKDAYS = Workdays(CALENDAR)
OLD = Clock(date(2025, 1, 1))
NEW = Clock(
    date(2028, 2, 10),
    red=TierClock(1, 3, 2, 5),
    yellow=TierClock(5, 6, 31),
    green=TierClock(10, 4, 14, 30, 1),
    reoffer_days=20,
    reoffer_grace_workdays=2,
)
BOOK = Clocks([NEW, OLD])

TURNS = [date(2028, 1, 31), date(2028, 2, 1), date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1), date(2028, 3, 7)]
days = st.one_of(st.dates(START, END), st.sampled_from(TURNS))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[History, date]:
    """Draw an elder and a day; all dates come from a few, so that much happens on the same day or a deadline later."""
    pool = draw(st.lists(days, min_size=2, max_size=5))
    gaps = st.sampled_from([0, 0, 0, 1, 2, 5, 7, 10])
    dates = st.builds(lambda day, gap: min(day + timedelta(days=gap), END), st.sampled_from(pool), gaps)
    stamps = st.builds(datetime.combine, dates, st.sampled_from([time(9), time(18)]))
    tiers = st.builds(TierRow, dates, st.sampled_from(["red", "yellow", "green"]), stamps)
    outcomes = st.sampled_from(["MET", "PHONE", *OUTCOMES])
    channels, helpers = st.sampled_from(["home", "phone"]), st.sampled_from(["H1", "H2"])
    names = st.sampled_from(["ACTIVE", "ACTIVE", "ACTIVE", "REFUSED", *STATUSES])
    places = st.sampled_from([None, None, "东社区"])
    history = History(
        draw(st.one_of(st.just(min(pool)), dates)),
        draw(stamps),
        draw(st.lists(tiers, min_size=1, max_size=4)),
        draw(st.lists(st.builds(StatusRow, dates, names, stamps, places, st.one_of(st.none(), dates)), max_size=5)),
        draw(st.lists(st.builds(Contact, dates, outcomes, stamps, channels, helpers), max_size=8)),
    )
    return history, draw(dates)


def add_workdays(day: date, number: int) -> date:
    while number:
        day += timedelta(days=1)
        number -= CALENDAR[day].kind == "work"
    return day


def last_of_month(day: date) -> date:
    while (day + timedelta(days=1)).month == day.month:
        day += timedelta(days=1)
    return day


def back_to_workday(day: date) -> date:
    while CALENDAR[day].kind != "work":
        day -= timedelta(days=1)
    return day


def rule(tier: str, day: date) -> TierClock:
    version = NEW if day >= NEW.since else OLD
    return {"red": version.red, "yellow": version.yellow, "green": version.green}[tier]


@dataclass
class Owed:
    """One task as a clerk would keep it on a card."""

    anchor: date
    deadline: date
    through: date
    suspended_on: date | None = None
    became: tuple[str, str | None, bool | None, date] | None = None

    def close(self, day: date, reason: str) -> None:
        ended = self.suspended_on or day
        missed = self.through < ended
        self.became = ("MISSED", None, False, ended) if missed else ("CANCELLED", reason, None, ended)


@dataclass
class Clerk:
    """Walks through the days with a box of cards."""

    history: History
    cards: dict[tuple[str, str], Owed] = field(default_factory=dict)
    run_start: date | None = None
    been_active: bool = False
    last_contact: date | None = None

    def status(self, day: date) -> tuple[str, date | None, date | None]:
        rows = [r for r in self.history.statuses if r.since <= day and not (r.status == "MOVED" and r.community)]
        if not rows:
            return "ACTIVE", None, None
        row = max(rows, key=lambda r: (r.since, r.recorded_at, -STATUSES.index(r.status)))
        return row.status, row.since, row.reoffer_on

    def tier(self, day: date) -> str:
        order = ["green", "yellow", "red"]
        rows = [r for r in self.history.tiers if r.since <= day]
        earliest = min(r.since for r in self.history.tiers)
        rows = rows or [r for r in self.history.tiers if r.since == earliest]
        return max(rows, key=lambda r: (r.since, r.recorded_at, order.index(r.tier))).tier

    def answered(self, day: date, outcomes: set[Outcome]) -> bool:
        """Whether a contact that counts took place: of one date, channel and helper only one stands."""
        status, since, _ = self.status(day)
        if status in {"DEAD", "MOVED"} and max(since or day, self.history.registered_on) < day:
            return False
        today = [c for c in self.history.contacts if c.occurred_on == day]
        for channel, helper in {(c.channel, c.helper) for c in today}:
            same = [c for c in today if (c.channel, c.helper) == (channel, helper)]
            good = [c for c in same if c.outcome in {"MET", "PHONE", "VIDEO"}]
            one = min(good or same, key=lambda c: (c.recorded_at, c.outcome))
            if one.outcome in outcomes:
                return True
        return False

    def open(self, kind: str | None = None) -> dict[tuple[str, str], Owed]:
        return {k: c for k, c in self.cards.items() if c.became is None and kind in {None, k[0]}}

    def walk(self, until: date) -> None:
        before, tier_before = "UNREGISTERED", ""
        for day in dates_between(self.history.registered_on, until):
            status, tier = self.status(day)[0], self.tier(day)
            met = self.answered(day, {"MET", "PHONE", "VIDEO"})
            self.miss_quotas(day)
            if status == "ACTIVE" != before:
                self.come_back(day, tier)
            if met:
                self.meet(day, after_pause=before in {"HOSPITAL", "AWAY"})
            if status == before == "ACTIVE":
                self.stay(day, tier, tier_before, met=met)
            if status != "ACTIVE" and (before == "ACTIVE" or status not in {"HOSPITAL", "AWAY"}):
                self.leave(day, status)
            self.offers(day)
            if met:
                self.last_contact = day
            if met and status == "ACTIVE" and tier != "yellow":
                self.roll(day, tier)
            before, tier_before = status, tier

    def stay(self, day: date, tier: str, tier_before: str, *, met: bool) -> None:
        if tier != tier_before:
            self.regrade(day, tier, met=met)
        elif day.day == 1 and tier == "yellow":
            self.new("MONTHLY", f"{day:%Y-%m}", day, back_to_workday(last_of_month(day)), last_of_month(day))
            if met:
                self.meet(day, after_pause=False)

    def new(self, kind: str, cycle: str, anchor: date, deadline: date, through: date | None = None) -> None:
        self.cards[kind, cycle] = Owed(anchor, deadline, through or deadline)

    def miss_quotas(self, day: date) -> None:
        for card in self.open("MONTHLY").values():
            if card.suspended_on is None and day > card.through:
                card.became = ("MISSED", None, False, day)

    def come_back(self, day: date, tier: str) -> None:
        for key, card in self.open().items():
            if key[0] != "REOFFER":
                card.close(day, "paused")
        kind = "RETURN" if self.been_active else "FIRST"
        allowed = rule(tier, day).return_days if self.been_active else rule(tier, day).first_days
        self.new(kind, day.isoformat(), day, day + timedelta(days=allowed))
        self.run_start, self.been_active = day, True

    def meet(self, day: date, *, after_pause: bool) -> None:
        for key, card in self.open().items():
            if key[0] == "REOFFER" or (key[0] == "MONTHLY" and day > card.through):
                continue
            if card.suspended_on and after_pause and self.status(day)[0] not in {"HOSPITAL", "AWAY"}:
                continue
            in_time = day <= card.through or (card.suspended_on is not None and card.suspended_on <= card.through)
            card.became = ("DONE", None, in_time, day)

    def natural(self, kind: str, anchor: date, tier: str, version: date) -> date:
        today = rule(tier, version)
        if kind in {"FIRST", "RETURN"}:
            return anchor + timedelta(days=today.first_days if kind == "FIRST" else today.return_days)
        due = anchor + timedelta(days=today.every_days or 0)
        return add_workdays(due, 3 if version < NEW.since else 1) if tier == "green" else due

    def roll(self, day: date, tier: str) -> None:
        self.new("ROLLING", day.isoformat(), day, self.natural("ROLLING", day, tier, day))

    def regrade(self, day: date, tier: str, *, met: bool) -> None:
        grace = day + timedelta(days=rule(tier, day).first_days)
        anchored = {k: c for k, c in self.open().items() if k[0] in {"FIRST", "RETURN", "ROLLING"}}
        bound = min([grace, *[c.deadline for c in anchored.values() if c.deadline >= day]])
        month_met = self.last_contact is not None and self.last_contact >= day.replace(day=1)
        if tier == "yellow":
            self.begin_quota(day, bound, month_met=month_met, met=met)
        else:
            for card in self.open("MONTHLY").values():
                card.close(day, "regraded")
        for (kind, _), card in anchored.items():
            self.reset(card, kind, day, tier, bound)
        if not anchored and tier != "yellow" and not met:
            assert self.last_contact
            bound = bound if month_met else min(bound, last_of_month(day))
            anchor = self.last_contact
            self.new("ROLLING", anchor.isoformat(), anchor, max(bound, self.natural("ROLLING", anchor, tier, day)))

    def begin_quota(self, day: date, bound: date, *, month_met: bool, met: bool) -> None:
        assert self.run_start
        if month_met or self.run_start >= day.replace(day=1):
            return
        cycle, end = f"{day:%Y-%m}", last_of_month(day)
        self.new("MONTHLY", cycle, day, bound if bound > end else back_to_workday(end), max(bound, end))
        if met:
            self.cards["MONTHLY", cycle].became = ("DONE", None, True, day)

    def reset(self, card: Owed, kind: str, day: date, tier: str, bound: date) -> None:
        if card.deadline < day:
            return
        if kind == "ROLLING" and tier == "yellow":
            card.close(day, "regraded")
        else:
            card.deadline = card.through = max(bound, self.natural(kind, card.anchor, tier, day))

    def leave(self, day: date, status: str) -> None:
        for key, card in self.open().items():
            if key[0] == "REOFFER":
                continue
            if status in {"HOSPITAL", "AWAY"}:
                card.suspended_on = day
            else:
                card.close(day, status.lower())

    def offers(self, day: date) -> None:
        status, since, agreed = self.status(day)
        start = max(since or day, self.history.registered_on)
        asked = self.answered(day, {"MET", "PHONE", "VIDEO", "REFUSED"})
        again, grace = (20, 2) if day >= NEW.since else (90, 3)
        for card in self.open("REOFFER").values():
            if asked and day > card.anchor and day >= self.first_dates.get(card.anchor, day):
                card.became = ("DONE", None, day <= card.through, day)
            elif status != "REFUSED" or start == day:
                reasons = {"ACTIVE": "accepted", "HOSPITAL": "paused", "AWAY": "paused"}
                card.close(day, reasons.get(status, status.lower()))
        if status == "REFUSED" and start == day:
            due = agreed if agreed and agreed > day else day + timedelta(days=again)
            self.first_dates = {day: due}
            self.new("REOFFER", day.isoformat(), day, add_workdays(due, grace))
        if status == "REFUSED" and not self.open("REOFFER"):
            self.new("REOFFER", day.isoformat(), day, add_workdays(day + timedelta(days=again), grace))
            self.first_dates = {}

    first_dates: dict[date, date] = field(default_factory=dict)


Card = tuple[str, str | None, bool | None, date | None]


def as_card(task: Task) -> Card:
    """Return state, reason, punctuality, and the day it ended or, of an open task, the deadline."""
    return task.state, task.reason, task.on_time, task.deadline if is_open(task) else task.ended_on


def by_clerk(history: History, day: date) -> dict[tuple[str, str], Card]:
    clerk = Clerk(history)
    clerk.walk(day)
    return {
        key: card.became
        or ("PLANNED", "paused" if card.suspended_on else None, None, None if card.suspended_on else card.deadline)
        for key, card in clerk.cards.items()
    }


LENGTHS = pytest.mark.parametrize(
    "examples", [pytest.param(120, id="quick"), pytest.param(1500, id="long", marks=pytest.mark.proof)]
)


def in_every_world(examples: int, check: Callable[[tuple[History, date]], None]) -> None:
    given(worlds())(settings(max_examples=examples, deadline=None)(check))()


@LENGTHS
def test_every_task_is_what_a_clerk_finds_going_through_the_days(examples: int) -> None:
    def same(world: tuple[History, date]) -> None:
        history, day = world
        found = {(task.kind, task.cycle): as_card(task) for task in tasks(history, day, BOOK, WORKDAYS)}
        assert found == by_clerk(history, day)

    in_every_world(examples, same)


@LENGTHS
def test_aggregated_facts_give_the_open_tasks_of_the_whole_history(examples: int) -> None:
    def same(world: tuple[History, date]) -> None:
        history, day = world
        whole = [task for task in tasks(history, day, BOOK, WORKDAYS) if is_open(task)]
        facts = facts_of(history, day)
        assert sorted(standing(facts, day, BOOK, WORKDAYS) if facts else []) == sorted(whole)

    in_every_world(examples, same)


@given(worlds(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_rows_in_any_order_give_the_same_tasks(world: tuple[History, date], luck: Random) -> None:
    history, day = world
    before = tasks(history, day, BOOK, WORKDAYS)
    shuffled = [luck.sample(list(rows), len(rows)) for rows in (history.tiers, history.statuses, history.contacts)]
    again = History(history.registered_on, history.recorded_at, *shuffled)  # type: ignore[arg-type]
    assert tasks(again, day, BOOK, WORKDAYS) == before


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_no_task_is_doubled_and_an_active_elder_has_one_ahead_or_a_month_served(world: tuple[History, date]) -> None:
    history, day = world
    found = tasks(history, day, BOOK, WORKDAYS)
    keys = [(task.kind, task.cycle) for task in found]
    assert len(keys) == len(set(keys))
    facts = facts_of(history, day)
    if facts and facts.status == "ACTIVE" and not any(is_open(task) for task in found):
        assert facts.grades[-1].tier == "yellow"
        assert facts.last_effective
        assert (facts.last_effective.year, facts.last_effective.month) == (day.year, day.month) or (
            facts.since >= day.replace(day=1)
        )


@given(worlds())
@settings(max_examples=100, deadline=None)
def test_the_same_rows_twice_change_nothing(world: tuple[History, date]) -> None:
    history, day = world
    twice = History(
        history.registered_on,
        history.recorded_at,
        [*history.tiers, *history.tiers],
        [*history.statuses, *history.statuses],
        [*history.contacts, *history.contacts],
    )
    assert tasks(twice, day, BOOK, WORKDAYS) == tasks(history, day, BOOK, WORKDAYS)


@given(worlds(), days)
@settings(max_examples=100, deadline=None)
def test_what_is_recorded_later_was_not_known(world: tuple[History, date], before: date) -> None:
    history, day = world
    then = known(history, before)
    late = [c for c in history.contacts if c.recorded_at.date() >= before]
    if then is not None:
        assert not set(late) & set(then.contacts)
        assert len(then.contacts) + len(late) == len(history.contacts)
        tasks(then, day, BOOK, WORKDAYS)
