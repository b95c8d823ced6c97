"""Watched jobs: what is expected at an instant, and where it stands by what job_run says."""

from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.watched import PERIODS, Deadline, Expected, Seen, State, expected, standing

ZONE = ZoneInfo("Asia/Shanghai")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
GRACE = timedelta(minutes=10)
DUTY = Deadline("duty-day", time(6), time(6, 45))
PUBLISH = Deadline("duty-publish", time(8), time(10), 25)
REPORT = Deadline("visits-month", time(7), time(8, 30), 1)
MONDAY = Deadline("visits-callback", time(8), time(8, 45), 1)
PLAN = Deadline("allowance-plan", time(7), time(9))
EXAMS = Deadline("exam-aggregate", time(19, 30), time(20, 30))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("deadline", "now", "key", "due"),
    [
        pytest.param(DUTY, "2026-03-26T00:00", "2026-03-26", "2026-03-26T06:45", id="today, before its time"),
        pytest.param(DUTY, "2026-03-26T23:59", "2026-03-26", "2026-03-26T06:45", id="today, to the last minute"),
        pytest.param(PUBLISH, "2026-03-25T07:00", "2026-04", "2026-03-25T10:00", id="the coming month on the 25th"),
        pytest.param(PUBLISH, "2026-03-24T12:00", "2026-03", "2026-02-25T10:00", id="the day before: the present one"),
        pytest.param(PUBLISH, "2026-04-03T12:00", "2026-04", "2026-03-25T10:00", id="still owed in its own month"),
        pytest.param(PUBLISH, "2026-12-31T12:00", "2027-01", "2026-12-25T10:00", id="over the year"),
        pytest.param(REPORT, "2026-03-01T07:00", "2026-02", "2026-03-01T08:30", id="the month that ended yesterday"),
        pytest.param(REPORT, "2026-01-31T07:00", "2025-12", "2026-01-01T08:30", id="until the next one"),
        pytest.param(MONDAY, "2026-03-23T07:00", "2026-03-23", "2026-03-23T08:45", id="Monday itself"),
        pytest.param(MONDAY, "2026-03-29T07:00", "2026-03-23", "2026-03-23T08:45", id="Sunday after"),
    ],
)
def test_the_calendar_says_which_period_is_expected(deadline: Deadline, now: str, key: str, due: str) -> None:
    (one,) = expected([deadline], at(now), {}, LONG_AGO)
    assert (one.key, one.due) == (key, at(due))


def test_cycles_and_exams_are_expected_as_they_open() -> None:
    opened = {"cycle": {"longevity/2026-03": date(2026, 3, 20)}, "exam": {"2026G2MID": date(2026, 3, 26)}}
    found = expected([PLAN, EXAMS], at("2026-03-26T12:00"), opened, LONG_AGO)  # type: ignore[arg-type]
    assert [(one.key, one.due, one.afresh) for one in found] == [
        ("longevity/2026-03", at("2026-03-20T09:00"), False),
        ("2026G2MID", at("2026-03-26T20:30"), True),
    ]
    assert expected([PLAN, EXAMS], at("2026-03-26T12:00"), {"cycle": {}, "exam": {}}, LONG_AGO) == []


@pytest.mark.parametrize(
    ("since", "wanted"),
    [
        pytest.param("2026-03-26T05:59", 1, id="installed before its time"),
        pytest.param("2026-03-26T06:01", 0, id="installed after: tomorrow's is the first"),
    ],
)
def test_what_should_have_begun_before_the_district_did_is_not_expected(since: str, wanted: int) -> None:
    assert len(expected([DUTY], at("2026-03-26T12:00"), {}, at(since))) == wanted


JOB = Expected("duty-day", "2026-03-26", at("2026-03-26T06:00"), at("2026-03-26T06:45"))
EXAM = Expected("exam-aggregate", "X", at("2026-03-26T19:30"), at("2026-03-26T20:30"), afresh=True)
LIVE, LAPSED = at("2026-03-26T23:00"), at("2026-03-26T05:00")


@pytest.mark.parametrize(
    ("now", "seen", "state", "late", "again"),
    [
        pytest.param("05:59", None, "ahead", False, False, id="its time has not come"),
        pytest.param("06:09", None, "absent", False, False, id="not begun, within the grace"),
        pytest.param("06:10", None, "absent", False, True, id="not begun, begun again"),
        pytest.param("06:45", None, "absent", True, True, id="not begun, late"),
        pytest.param("06:44", Seen("running", LIVE), "running", False, False, id="at work"),
        pytest.param("06:45", Seen("running", LIVE), "running", True, False, id="at work for too long"),
        pytest.param("06:20", Seen("running", LAPSED), "stuck", False, True, id="its process is gone"),
        pytest.param("06:05", Seen("running", LAPSED), "stuck", False, False, id="gone, within the grace"),
        pytest.param("06:20", Seen("failed", LAPSED), "failed", False, True, id="failed"),
        pytest.param("05:00", Seen("failed", LAPSED), "ahead", False, False, id="failed by hand before its time"),
        pytest.param("05:00", Seen("done", LAPSED, LAPSED), "done", False, False, id="done before its time"),
        pytest.param("12:00", Seen("done", LAPSED, LAPSED), "done", False, False, id="done"),
    ],
)
def test_a_job_stands_where_job_run_and_the_time_say(
    now: str, seen: Seen | None, state: State, late: bool, again: bool
) -> None:
    moment = at(f"2026-03-26T{now}")
    found = standing(JOB, seen, moment, moment, GRACE)
    assert (found.state, found.late, found.again) == (state, late, again)


@pytest.mark.parametrize(
    ("ended", "state"),
    [
        pytest.param("2026-03-25T19:31", "absent", id="yesterday evening"),
        pytest.param("2026-03-26T18:00", "absent", id="today by hand, before the evening"),
        pytest.param("2026-03-26T19:31", "done", id="this evening"),
    ],
)
def test_a_job_that_is_done_afresh_each_day_counts_from_its_start(ended: str, state: State) -> None:
    moment = at("2026-03-26T21:00")
    assert standing(EXAM, Seen("done", LAPSED, at(ended)), moment, moment, GRACE).state == state


def test_a_replaced_clock_moves_the_day_and_not_the_leases() -> None:
    now, real = at("2026-03-26T06:30"), at("2027-01-01T12:00")
    assert standing(JOB, Seen("running", real + GRACE), now, real, GRACE).state == "running"
    assert standing(JOB, Seen("running", real - GRACE), now, real, GRACE).state == "stuck"
    evening = at("2026-03-26T21:00")
    assert standing(EXAM, Seen("done", real, real - GRACE), evening, real, GRACE).state == "done"
    assert standing(EXAM, Seen("done", real, real - timedelta(hours=2)), evening, real, GRACE).state == "absent"


INSTANTS = st.datetimes(datetime(2026, 3, 25), datetime(2026, 3, 28), timezones=st.just(ZONE))  # noqa: DTZ001 - in ZONE
ROWS = st.none() | st.builds(Seen, st.sampled_from(["running", "done", "failed"]), INSTANTS, st.none() | INSTANTS)


@given(one=st.sampled_from([JOB, EXAM]), seen=ROWS, now=INSTANTS, wait=st.timedeltas(timedelta(), timedelta(days=2)))
def test_what_is_done_is_never_told_and_what_works_is_never_begun_again(
    one: Expected, seen: Seen | None, now: datetime, wait: timedelta
) -> None:
    found = standing(one, seen, now, now, GRACE)
    assert found.state in get_args(State)
    assert not (found.state in {"done", "ahead"} and (found.late or found.again))
    assert not (found.state == "running" and found.again)
    assert not (found.again and now < one.starts + GRACE)
    assert found.late == (found.state != "done" and now >= one.due)
    later = standing(one, seen, now + wait, now + wait, GRACE)
    if found.late and not one.afresh:
        assert later.late  # nothing but work makes it good
    if found.again:
        assert later.again or later.state == "done"


@given(now=INSTANTS, since=INSTANTS)
def test_nothing_is_expected_from_before_the_district_began_and_each_job_once(now: datetime, since: datetime) -> None:
    found = expected([DUTY, PUBLISH, REPORT, MONDAY], now, {}, since)
    assert all(since <= one.starts <= one.due for one in found)
    assert len({one.job for one in found}) == len(found)
    assert {one.job for one in found} <= PERIODS.keys()
