"""The monthly figures of issues by hand: medians, nearest rank, ageing, satisfaction."""

from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.calendar import Day, dates_between
from rules.issues import IssueRule, Sla, sla
from rules.issues_clock import WorkingTime
from rules.issues_kpi import bucket, in_workdays, issue_figures, median, nearest_rank
from rules.issues_log import Event
from rules.workdays import Workdays

RULE = IssueRule()
WORKING = WorkingTime(
    Workdays(
        {
            day: Day(day, "work" if day.weekday() < 5 else "rest")
            for day in dates_between(date(2026, 1, 1), date(2026, 12, 31))
        }
    ),
    RULE.hours,
)
FIRST = datetime.fromisoformat("2026-03-01T00:00")
END = datetime.fromisoformat("2026-04-01T00:00")


def issue(*lines: str) -> Sla:
    events = []
    for line in lines:
        kind, at, *answer = line.split()
        satisfied = {"yes": True, "no": False}.get(answer[0]) if answer else None
        events.append(Event(kind, datetime.fromisoformat(f"2026-{at}"), satisfied=satisfied))  # type: ignore[arg-type]
    return sla(events, "help", END, RULE, WORKING)


ISSUES = [
    issue("open 03-02T09:00", "assign 03-02T09:00", "resolve 03-03T18:00", "verify 03-05T09:00 yes"),  # 2 workdays
    issue(  # 4 workdays in all, 1 of them waiting
        "open 03-09T09:00",
        "assign 03-09T09:00",
        "wait 03-10T09:00",
        "approve 03-10T10:00",
        "resume 03-10T18:00",
        "resolve 03-11T18:00",
        "verify 03-12T09:00 no",
        "resolve 03-13T09:00",  # the 12th counts, the resolved night before it does not
        "verify 03-16T09:00 yes",
    ),
    issue("open 02-02T09:00", "assign 02-02T09:00", "resolve 02-10T18:00", "verify 03-02T09:00 no"),  # open again
    issue("open 03-31T14:00", "assign 03-31T14:00"),  # open, 4 hours old
    issue("open 02-02T09:00", "assign 02-02T09:00", "resolve 02-02T18:00"),  # resolved before the month
]


def test_the_figures_of_a_month_by_hand() -> None:
    """Resolved in March: 2 workdays, and 3 net of 4 gross. Open: since 2 February, 42 workdays, and for 4 hours."""
    found = issue_figures(ISSUES, FIRST, END, WORKING.workday)
    assert (found.resolved, found.median_net, found.median_gross) == (2, Fraction(5, 2), Fraction(3))
    assert (found.p90_net, found.p90_gross) == (Fraction(3), Fraction(4))
    assert (found.open, found.median_open_age, found.overdue) == (2, (42 + Fraction(4, 7)) / 2, 1)
    assert found.ageing == {"1-3": 1, "4-7": 0, "8-14": 0, "15-30": 0, ">30": 1}


def test_the_last_answer_of_the_month_counts_once_an_issue() -> None:
    found = issue_figures(ISSUES, FIRST, END, WORKING.workday)
    assert (found.satisfied, found.answered) == (2, 3)


def test_a_month_without_issues_has_no_medians() -> None:
    found = issue_figures([], FIRST, END, WORKING.workday)
    assert (found.median_net, found.p90_gross, found.median_open_age, found.open) == (None, None, None, 0)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([1], 1, id="one"),
        pytest.param([1, 2], 2, id="two: the second is at rank 1.8, rounded up"),
        pytest.param(list(range(1, 11)), 9, id="ten: the ninth"),
        pytest.param(list(range(1, 12)), 10, id="eleven: rank 9.9"),
        pytest.param(list(range(1, 101)), 90, id="a hundred: the ninetieth"),
    ],
)
def test_p90_is_the_nearest_rank(values: list[int], expected: int) -> None:
    assert nearest_rank([Fraction(value) for value in values], 90) == expected


@pytest.mark.parametrize(
    ("hours", "name"),
    [
        pytest.param(0, "1-3", id="just raised"),
        pytest.param(21, "1-3", id="3 workdays"),
        pytest.param(22, "4-7", id="an hour more is rounded up to 4"),
        pytest.param(49, "4-7", id="7"),
        pytest.param(50, "8-14", id="8"),
        pytest.param(98, "8-14", id="14"),
        pytest.param(99, "15-30", id="15"),
        pytest.param(210, "15-30", id="30"),
        pytest.param(211, ">30", id="31"),
    ],
)
def test_age_is_rounded_up_to_whole_workdays(hours: int, name: str) -> None:
    assert bucket(in_workdays(timedelta(hours=hours), WORKING.workday)) == name


@given(st.lists(st.fractions(0, 50), min_size=1, max_size=30))
def test_half_lie_on_each_side_of_the_median_and_nine_tenths_up_to_p90(values: list[Fraction]) -> None:
    ordered = sorted(values)
    middle, ninetieth = median(ordered), nearest_rank(ordered, 90)
    assert middle is not None
    assert ninetieth in ordered
    assert 2 * sum(value <= middle for value in values) >= len(values)
    assert 2 * sum(value >= middle for value in values) >= len(values)
    assert 10 * sum(value <= ninetieth for value in values) >= 9 * len(values)
    assert 10 * sum(value < ninetieth for value in values) < 9 * len(values)
