"""Issues by hand and against a clock that is read every minute: deadline, waiting, re-opening, ladder, refusals."""

from datetime import date, datetime, time, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import Day, dates_between
from rules.duty_facts import DayNotInCalendar
from rules.errors import LANGUAGE
from rules.issues import IssueRule, Limit, sla
from rules.issues_clock import WorkingTime
from rules.issues_log import EVENT_KINDS, ISSUE_STATES, STEPS, Event, EventKind, IssueKind, StepRefused, read_log
from rules.workdays import Workdays

RULE = IssueRule()
# National Day 2026: rest 1 to 7 October, make-up workdays Sunday 20 September and Saturday 10 October.
REST = set(dates_between(date(2026, 10, 1), date(2026, 10, 7)))
MAKE_UP = {date(2026, 9, 20), date(2026, 10, 10)}
CALENDAR = {
    day: Day(day, "work" if day in MAKE_UP or (day.weekday() < 5 and day not in REST) else "rest")
    for day in dates_between(date(2026, 1, 1), date(2026, 12, 31))
}
WORKING = WorkingTime(Workdays(CALENDAR), RULE.hours)


def when(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}")


def log(*lines: str) -> list[Event]:
    """Read lines such as `verify 03-05T10:00 no`; times are of 2026."""
    found = []
    for line in lines:
        kind, at, *answer = line.split()
        satisfied = {"yes": True, "no": False}.get(answer[0]) if answer else None
        found.append(Event(kind, when(at), satisfied=satisfied))  # type: ignore[arg-type]
    return found


def due(kind: IssueKind, *lines: str, now: str = "12-01T00:00") -> datetime:
    return sla(log(*lines), kind, when(now), RULE, WORKING).due_at


@pytest.mark.parametrize(
    ("kind", "opened", "expected"),
    [
        pytest.param(
            "help", "03-02T09:00", "03-04T18:00", id="Monday 09:00, 3 workdays: Wednesday 18:00, not Thursday"
        ),
        pytest.param("help", "03-02T10:30", "03-05T10:30", id="Monday 10:30: Thursday 10:30"),
        pytest.param("help", "03-02T12:30", "03-05T12:00", id="raised at lunch: the clock starts at 14:00"),
        pytest.param("help", "03-06T20:00", "03-11T18:00", id="Friday evening counts from Monday"),
        pytest.param("consult", "03-07T10:00", "03-11T18:00", id="Saturday counts from Monday"),
        pytest.param("other", "03-02T16:00", "03-09T16:00", id="5 workdays over a weekend"),
        pytest.param("help", "09-30T16:00", "10-10T16:00", id="National Day block; Saturday 10 October is worked"),
        pytest.param("help", "09-18T16:00", "09-22T16:00", id="Sunday 20 September is worked"),
        pytest.param("urgent", "03-02T08:00", "03-03T00:00", id="urgent: 24:00 of the day raised"),
        pytest.param("urgent", "10-03T23:59", "10-04T00:00", id="urgent on a holiday, a minute before midnight"),
    ],
)
def test_the_deadline_counts_working_hours_from_creation(kind: IssueKind, opened: str, expected: str) -> None:
    assert due(kind, f"open {opened}") == when(expected)


def test_policy_may_state_hours() -> None:
    rule = IssueRule(limits={**RULE.limits, "help": Limit(hours=4)})
    found = sla(log("open 03-02T17:00"), "help", when("03-02T17:00"), rule, WORKING)
    assert found.due_at == when("03-03T12:00")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            ["wait 03-03T09:00", "approve 03-04T15:00", "resume 03-05T09:00"],
            "03-06T18:00",
            id="two workdays of approved waiting, from the request",
        ),
        pytest.param(["wait 03-03T09:00", "resume 03-05T09:00"], "03-04T18:00", id="never approved: no stop"),
        pytest.param(
            ["wait 03-03T09:00", "wait 03-03T14:00", "approve 03-03T15:00", "resume 03-04T09:00"],
            "03-05T18:00",
            id="two overlapping requests count once",
        ),
        pytest.param(
            ["wait 03-03T09:00", "approve 03-03T10:00", "assign 03-03T11:00", "resume 03-04T09:00"],
            "03-05T18:00",
            id="re-assigned while waiting",
        ),
        pytest.param(["assign 03-03T11:00", "assign 03-04T11:00"], "03-04T18:00", id="re-assignment restarts nothing"),
        pytest.param(
            ["wait 03-07T10:00", "approve 03-07T11:00", "resume 03-08T10:00"],
            "03-04T18:00",
            id="waiting over a weekend, after the deadline",
        ),
        pytest.param(
            ["wait 03-03T09:00", "approve 03-03T10:00", "resume 04-03T09:00"],
            "03-18T18:00",
            id="at most 10 workdays: 3 to 16 March, the clock runs again from the 17th",
        ),
        pytest.param(
            [
                "wait 03-03T09:00",
                "approve 03-03T10:00",
                "resume 03-12T09:00",
                "wait 03-12T14:00",
                "approve 03-12T15:00",
                "resume 04-03T09:00",
            ],
            "03-18T18:00",
            id="7 workdays and then 3: the limit is for all waiting together",
        ),
        pytest.param(
            [
                "wait 03-03T09:00",
                "wait 03-03T14:00",
                "approve 03-03T15:00",
                "resume 03-10T09:00",
                "wait 03-11T09:00",
                "approve 03-11T10:00",
                "resume 03-17T09:00",
            ],
            "03-17T18:00",
            id="5 workdays asked for twice and 4 more are 9, all within the limit",
        ),
        pytest.param(
            ["resolve 03-03T12:00", "reopen 03-09T09:00"],
            "03-10T15:00",
            id="10 of 21 hours used, resolved and re-opened: 11 are left",
        ),
        pytest.param(
            ["resolve 03-03T12:00", "verify 03-09T09:00 no", "reopen 03-10T09:00"],
            "03-10T15:00",
            id="re-opened by the dissatisfied call-back, not by its paper",
        ),
        pytest.param(
            ["wait 03-03T09:00", "approve 03-03T10:00", "resolve 03-04T09:00"],
            "03-05T18:00",
            id="resolved while waiting",
        ),
    ],
)
def test_waiting_and_rest_move_the_deadline(lines: list[str], expected: str) -> None:
    """Raised on Monday 2 March at 09:00: 3 workdays end on Wednesday at 18:00 if nothing stops the clock."""
    assert due("help", "open 03-02T09:00", "assign 03-02T09:30", *lines) == when(expected)


def test_while_it_waits_the_deadline_is_as_if_it_went_on_now() -> None:
    lines = ["open 03-02T09:00", "assign 03-02T09:00", "wait 03-03T09:00", "approve 03-03T10:00"]
    assert due("help", *lines, now="03-05T09:00") == when("03-06T18:00")
    assert due("help", *lines, now="03-06T09:00") == when("03-09T18:00")
    assert due("help", *lines, now="05-06T09:00") == when("03-18T18:00")


def test_an_urgent_issue_re_opened_has_what_was_left_of_its_day() -> None:
    lines = ["open 03-02T20:00", "assign 03-02T20:00", "resolve 03-02T21:00", "reopen 03-03T10:00"]
    assert due("urgent", *lines) == when("03-03T13:00")


@pytest.mark.parametrize(
    ("lines", "now", "overdue"),
    [
        pytest.param([], "03-04T18:00", False, id="at the last moment"),
        pytest.param([], "03-04T18:01", True, id="a minute later"),
        pytest.param(["resolve 03-04T18:00"], "04-01T00:00", False, id="resolved at the last moment"),
        pytest.param(["resolve 03-05T09:01"], "04-01T00:00", True, id="resolved late stays late"),
        pytest.param(["resolve 03-03T12:00"], "04-01T00:00", False, id="frozen at resolution"),
        pytest.param(["resolve 03-03T12:00", "reopen 03-20T09:00"], "03-20T10:00", False, id="re-opened, hours left"),
        pytest.param(["resolve 03-03T12:00", "reopen 03-20T09:00"], "03-24T09:00", True, id="re-opened, used up"),
        pytest.param(["resolve 03-03T12:00"], "03-03T11:00", False, id="what lies after now has not happened"),
    ],
)
def test_overdue_is_frozen_at_resolution(lines: list[str], now: str, overdue: bool) -> None:
    events = log("open 03-02T09:00", "assign 03-02T09:00", *lines)
    assert sla(events, "help", when(now), RULE, WORKING).overdue is overdue


@pytest.mark.parametrize(
    ("now", "levels"),
    [
        pytest.param("03-04T11:47", [], id="79 per cent"),
        pytest.param("03-04T11:48", ["owner"], id="80 per cent of 21 hours: 16 h 48"),
        pytest.param("03-04T18:00", ["owner", "lead"], id="at the deadline"),
        pytest.param("03-06T17:59", ["owner", "lead"], id="a minute before 2 workdays more"),
        pytest.param("03-06T18:00", ["owner", "lead", "subdistrict"], id="2 workdays more"),
        pytest.param("03-11T18:00", ["owner", "lead", "subdistrict", "district"], id="5 workdays more"),
    ],
)
def test_the_ladder_climbs_with_the_clock(now: str, levels: list[str]) -> None:
    events = log("open 03-02T09:00", "assign 03-02T09:00")
    assert [level for level, _ in sla(events, "help", when(now), RULE, WORKING).levels] == levels


def test_the_ladder_of_an_urgent_issue_goes_on_in_working_hours() -> None:
    """Raised on Friday at 20:00: 80 per cent of 4 hours at 23:12; 2 workdays after midnight end on Tuesday 18:00."""
    found = sla(log("open 03-06T20:00"), "urgent", when("03-31T00:00"), RULE, WORKING)
    assert found.levels == [
        ("owner", when("03-06T23:12")),
        ("lead", when("03-07T00:00")),
        ("subdistrict", when("03-10T18:00")),
        ("district", when("03-13T18:00")),
    ]


def test_the_ladder_stands_still_with_the_clock() -> None:
    events = log("open 03-02T09:00", "assign 03-02T09:00", "wait 03-04T11:00", "approve 03-04T15:00")
    assert sla(events, "help", when("03-09T09:00"), RULE, WORKING).levels == []
    events += log("resume 03-09T09:00")
    assert sla(events, "help", when("03-31T00:00"), RULE, WORKING).levels[0] == ("owner", when("03-09T09:48"))


def test_net_and_gross_working_time_differ_by_waiting() -> None:
    events = log(
        "open 03-02T09:00",
        "assign 03-02T09:00",
        "wait 03-03T09:00",
        "approve 03-03T10:00",
        "resume 03-04T09:00",
        "resolve 03-04T12:00",
    )
    found = sla(events, "help", when("03-31T00:00"), RULE, WORKING)
    assert (found.net, found.gross) == (timedelta(hours=10), timedelta(hours=17))
    assert found.resolved_at == when("03-04T12:00")


def test_a_deadline_beyond_the_calendar_is_an_error() -> None:
    with pytest.raises(DayNotInCalendar, match="2027-01-01"):
        due("other", "open 12-30T09:00", now="12-30T09:00")


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        pytest.param(["open 03-02T09:00"], "NEW", id="raised"),
        pytest.param(["open 03-02T09:00", "assign 03-02T10:00", "wait 03-02T11:00"], "WAITING", id="asked to wait"),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T10:00", "resolve 03-02T11:00", "verify 03-03T11:00 yes"],
            "VERIFIED",
            id="satisfied",
        ),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T10:00", "resolve 03-02T11:00", "verify 03-03T11:00"],
            "VERIFIED",
            id="could not be asked",
        ),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T10:00", "resolve 03-02T11:00", "verify 03-03T11:00 no"],
            "REOPENED",
            id="dissatisfied",
        ),
        pytest.param(
            [
                "close 03-04T09:00",
                "verify 03-03T11:00 yes",
                "resolve 03-02T11:00",
                "assign 03-02T10:00",
                "open 03-02T09:00",
            ],
            "CLOSED",
            id="lines in any order",
        ),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T09:00", "resolve 03-02T09:00", "reopen 03-02T09:00"],
            "REOPENED",
            id="all in one minute",
        ),
        pytest.param(
            [
                "open 03-02T09:00",
                "assign 03-02T10:00",
                "resolve 03-02T11:00",
                "assign 03-03T09:00",
                "verify 03-03T09:00 no",
            ],
            "ASSIGNED",
            id="re-opened and assigned in one minute",
        ),
    ],
)
def test_the_log_tells_the_state(lines: list[str], state: str) -> None:
    assert read_log(log(*lines)).state == state


@pytest.mark.parametrize(
    ("lines", "state", "event"),
    [
        pytest.param([], None, "assign", id="an empty log"),
        pytest.param(["assign 03-02T09:00"], None, "assign", id="never raised"),
        pytest.param(["open 03-02T09:00", "open 03-02T10:00"], "NEW", "open", id="raised twice"),
        pytest.param(["open 03-02T09:00", "resolve 03-02T10:00"], "NEW", "resolve", id="resolved by nobody"),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T10:00", "approve 03-02T11:00"], "ASSIGNED", "approve", id="nothing asked"
        ),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T10:00", "close 03-02T11:00"], "ASSIGNED", "close", id="closed unresolved"
        ),
        pytest.param(
            ["open 03-02T09:00", "assign 03-02T10:00", "resolve 03-02T11:00", "close 03-02T12:00"],
            "RESOLVED",
            "close",
            id="closed without a call-back",
        ),
        pytest.param(["open 03-02T09:00", "assign 03-01T10:00"], None, "assign", id="assigned before it was raised"),
    ],
)
def test_an_event_that_cannot_follow_is_refused(lines: list[str], state: str | None, event: str) -> None:
    with pytest.raises(StepRefused) as refused:
        read_log(log(*lines))
    assert (refused.value.state, refused.value.event) == (state, event)


@pytest.mark.parametrize("state", [None, *ISSUE_STATES])
@pytest.mark.parametrize("event", EVENT_KINDS)
def test_the_refusal_names_what_can_be_done(state: str | None, event: EventKind) -> None:
    allowed = {kind for before, kind in STEPS if before == state}
    refused = StepRefused(state, event)  # type: ignore[arg-type]
    assert "请" in str(refused)
    LANGUAGE.set("en")
    try:
        assert all(kind in str(refused) for kind in allowed)
    finally:
        LANGUAGE.set("zh")


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


def minute_by_minute(events: list[Event], now: datetime) -> tuple[int, int, datetime | None, bool]:
    """Read the clock every minute: minutes used, working minutes in all, when 9 hours were full, resolved or not."""
    used = total = waited = 0
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
            total += 1
            stopped = waiting and waited < 7 * 60
            waited += stopped
            used += not stopped
            if used == 9 * 60 and not stopped:
                full = minute + timedelta(minutes=1)
        minute += timedelta(minutes=1)
    return used, total, full, resolved


@given(logs())
@settings(max_examples=60, deadline=None)
def test_the_clock_is_what_reading_it_every_minute_gives(events: list[Event]) -> None:
    now = events[-1].at + timedelta(hours=30)
    used, _, full, _ = minute_by_minute(events, now)
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
