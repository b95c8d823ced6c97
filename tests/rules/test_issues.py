"""The clock of issues by hand: deadline, waiting, re-opening, ladder."""

from datetime import date, datetime, timedelta

import pytest

from rules.calendar import Day, dates_between
from rules.duty_facts import DayNotInCalendar
from rules.issues import IssueRule, Limit, sla
from rules.issues_clock import WorkingTime
from rules.issues_log import IssueKind
from rules.workdays import Workdays
from tests.rules.issue_lines import log, when

RULE = IssueRule()
# National Day 2026: rest 1 to 7 October, make-up workdays Sunday 20 September and Saturday 10 October.
REST = set(dates_between(date(2026, 10, 1), date(2026, 10, 7)))
MAKE_UP = {date(2026, 9, 20), date(2026, 10, 10)}
CALENDAR = {
    day: Day(day, "work" if day in MAKE_UP or (day.weekday() < 5 and day not in REST) else "rest")
    for day in dates_between(date(2026, 1, 1), date(2026, 12, 31))
}
WORKING = WorkingTime(Workdays(CALENDAR), RULE.hours)


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
