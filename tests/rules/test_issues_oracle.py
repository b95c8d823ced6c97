"""The clock of issues against one that is read every minute."""

from datetime import date, datetime, time, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import Day, dates_between
from rules.issues import IssueRule, Limit, sla
from rules.issues_clock import WorkingTime
from rules.issues_log import STEPS, Event, IssueKind
from rules.workdays import Workdays

RULE = IssueRule()
CALENDAR = {
    day: Day(day, "work" if day.weekday() < 5 else "rest")
    for day in dates_between(date(2026, 1, 1), date(2026, 12, 31))
}
WORKING = WorkingTime(Workdays(CALENDAR), RULE.hours)

# One week that begins on a Thursday, so that a weekend lies within; every minute is looked at.
WEEK = datetime(2026, 3, 5)  # noqa: DTZ001 - the district's wall clock
SHORT = IssueRule(limits={**RULE.limits, "help": Limit(hours=9)}, waiting_workdays=1)
minutes = st.integers(0, 5 * 24 * 4).map(lambda n: WEEK + timedelta(minutes=15 * n))


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Draw a legal log: at each time one of the events that the state allows."""
    times = sorted(draw(st.lists(minutes, min_size=1, max_size=9, unique=True)))
    events, state = [Event("open", times[0])], "NEW"
    for at in times[1:]:
        kinds = sorted(kind for before, kind in STEPS if before == state and kind != "close")
        kind = draw(st.sampled_from(kinds))
        satisfied = draw(st.sampled_from([True, False, None])) if kind == "verify" else None
        events.append(Event(kind, at, satisfied=satisfied))
        state = "REOPENED" if satisfied is False else STEPS[state, kind]  # type: ignore[index]
    return events


def approved_at(events: list[Event], number: int) -> bool:
    """Whether the request at a place of the log was approved before it ended."""
    for event in events[number + 1 :]:
        if event.kind in {"resume", "resolve"}:
            return False
        if event.kind == "approve":
            return True
    return False


def works(minute: datetime) -> bool:
    in_hours = time(9) <= minute.time() < time(12) or time(14) <= minute.time() < time(18)
    return CALENDAR[minute.date()].kind == "work" and in_hours


def minute_by_minute(events: list[Event], now: datetime) -> tuple[int, datetime | None]:
    """Read the clock every minute: the minutes used, and when 9 hours were full."""
    used = waited = 0
    full: datetime | None = None
    waiting = resolved = False
    minute, coming = events[0].at, [*enumerate(events)]
    while minute < now:
        while coming and coming[0][1].at <= minute:
            number, event = coming.pop(0)
            waiting = (waiting or approved_at(events, number)) if event.kind == "wait" else waiting
            waiting = waiting and event.kind not in {"resume", "resolve"}
            resolved = event.kind == "resolve" or (resolved and event.kind != "reopen" and event.satisfied is not False)
        if works(minute) and not resolved:
            stopped = waiting and waited < 7 * 60
            waited += stopped
            used += not stopped
            if used == 9 * 60 and not stopped:
                full = minute + timedelta(minutes=1)
        minute += timedelta(minutes=1)
    return used, full


@given(logs())
@settings(max_examples=60, deadline=None)
def test_the_clock_is_what_reading_it_every_minute_gives(events: list[Event]) -> None:
    now = events[-1].at + timedelta(hours=30)
    used, full = minute_by_minute(events, now)
    found = sla(events, "help", now, SHORT, WORKING)
    assert found.used == found.net == timedelta(minutes=used)
    assert found.overdue == (full is not None and (found.resolved_at or now) > full)
    if full is not None:
        assert found.due_at == full


@given(logs(), st.randoms(use_true_random=False), st.sampled_from(["urgent", "help", "other"]))
@settings(max_examples=150, deadline=None)
def test_lines_in_any_order_give_the_same_and_the_ladder_climbs_in_order(
    events: list[Event], luck: Random, kind: IssueKind
) -> None:
    now = events[-1].at + timedelta(days=14)
    before = sla(events, kind, now, SHORT, WORKING)
    luck.shuffle(events)
    assert sla(events, kind, now, SHORT, WORKING) == before
    assert [at for _, at in before.levels] == sorted(at for _, at in before.levels)
    assert before.net <= before.gross


@given(minutes, minutes, st.integers(0, 60 * 40))
@settings(max_examples=200, deadline=None)
def test_reaching_an_amount_and_measuring_it_agree(start: datetime, other: datetime, minutes: int) -> None:
    amount = timedelta(minutes=minutes)
    end = WORKING.reach(start, amount)
    assert WORKING.elapsed(start, end) == amount
    assert end == start or WORKING.elapsed(start, end - timedelta.resolution) < amount
    assert WORKING.elapsed(start, other) == -WORKING.elapsed(other, start)
