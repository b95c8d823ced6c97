"""When a message may leave, what a token bucket gives, how long trouble is left alone: worked cases and properties."""

from datetime import UTC, datetime, time, timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.messages import (
    FIRST_WAIT,
    LONGEST_WAIT,
    Audience,
    Hours,
    Kind,
    Rate,
    backoff,
    granted,
    may_leave,
    next_grant,
    taken,
    tomorrow,
)

ZONE = ZoneInfo("Asia/Shanghai")
QUIET = Hours(time(21), time(8))
GREETINGS = Hours(time(8), time(22))
NOW = datetime(2026, 7, 11, 1, 0, tzinfo=UTC)
T = timedelta


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("moment", "leaves"),
    [
        pytest.param("2026-07-11 20:59:59", "2026-07-11 20:59:59", id="a second before quiet"),
        pytest.param("2026-07-11 21:00", "2026-07-12 08:00", id="the first quiet moment"),
        pytest.param("2026-07-11 23:59:59.999999", "2026-07-12 08:00", id="before midnight"),
        pytest.param("2026-07-12 00:00", "2026-07-12 08:00", id="midnight"),
        pytest.param("2026-07-12 07:59:59.999999", "2026-07-12 08:00", id="the last quiet moment"),
        pytest.param("2026-07-12 08:00", "2026-07-12 08:00", id="quiet is over"),
        pytest.param("2026-07-31 22:00", "2026-08-01 08:00", id="over the end of a month"),
        pytest.param("2028-02-28 22:00", "2028-02-29 08:00", id="leap day"),
        pytest.param("2026-12-31 23:00", "2027-01-01 08:00", id="over the end of a year"),
    ],
)
@pytest.mark.parametrize("kind", ["notice", "payment"])
def test_the_public_is_not_woken(kind: Kind, moment: str, leaves: str) -> None:
    assert may_leave(kind, "public", at(moment), QUIET, GREETINGS) == at(leaves)


@pytest.mark.parametrize(
    ("kind", "audience"),
    [
        pytest.param("urgent", "public", id="an urgent check"),
        pytest.param("notice", "staff", id="staff"),
        pytest.param("payment", "staff", id="staff about payments"),
        pytest.param("urgent", "staff", id="urgent for staff"),
    ],
)
@pytest.mark.parametrize("clock", ["00:00", "03:00", "07:59:59", "21:00", "23:59:59"])
def test_urgent_checks_and_staff_are_exempt(kind: Kind, audience: Audience, clock: str) -> None:
    moment = at(f"2026-07-11 {clock}")
    assert may_leave(kind, audience, moment, QUIET, GREETINGS) == moment


@pytest.mark.parametrize(
    ("audience", "moment", "leaves"),
    [
        pytest.param("staff", "2026-07-11 07:59:59", "2026-07-11 08:00", id="staff, too early"),
        pytest.param("staff", "2026-07-11 08:00", "2026-07-11 08:00", id="staff, from eight"),
        pytest.param("staff", "2026-07-11 21:59:59", "2026-07-11 21:59:59", id="staff, before ten"),
        pytest.param("staff", "2026-07-11 22:00", "2026-07-12 08:00", id="staff, too late"),
        pytest.param("public", "2026-07-11 20:59:59", "2026-07-11 20:59:59", id="the public, before nine"),
        pytest.param("public", "2026-07-11 21:00", "2026-07-12 08:00", id="the public, when quiet begins"),
        pytest.param("public", "2026-07-11 22:00", "2026-07-12 08:00", id="the public, too late for both"),
        pytest.param("public", "2026-07-12 00:00", "2026-07-12 08:00", id="the public, midnight"),
    ],
)
def test_greetings_keep_to_their_window_and_to_quiet_hours(audience: Audience, moment: str, leaves: str) -> None:
    assert may_leave("promotional", audience, at(moment), QUIET, GREETINGS) == at(leaves)


def test_one_window_may_open_into_the_other() -> None:
    """Greetings may go from 06:00, but the public still sleeps, until 09:00."""
    late_quiet, early = Hours(time(4), time(9)), Hours(time(6), time(12))
    assert may_leave("promotional", "public", at("2026-07-11 13:00"), late_quiet, early) == at("2026-07-12 09:00")


@pytest.mark.parametrize(
    ("clock", "holds"),
    [
        pytest.param("11:59", True, id="before"),
        pytest.param("12:00", False, id="begins"),
        pytest.param("13:59", False, id="within"),
        pytest.param("14:00", True, id="ends"),
    ],
)
def test_quiet_hours_need_not_run_over_midnight(clock: str, holds: bool) -> None:
    moment, rest = at(f"2026-07-11 {clock}"), Hours(time(12), time(14))
    assert (may_leave("notice", "public", moment, rest, GREETINGS) == moment) is holds


def test_a_promotional_window_may_run_over_midnight() -> None:
    night, none = Hours(time(20), time(2)), Hours(time(0), time(0))
    assert may_leave("promotional", "public", at("2026-07-11 01:59"), none, night) == at("2026-07-11 01:59")
    assert may_leave("promotional", "public", at("2026-07-11 02:00"), none, night) == at("2026-07-11 20:00")


def test_no_quiet_hours_are_an_empty_window() -> None:
    moment = at("2026-07-11 03:00")
    assert may_leave("notice", "public", moment, Hours(time(3), time(3)), GREETINGS) == moment


@pytest.mark.parametrize(
    ("quiet", "greetings"),
    [
        pytest.param(QUIET, Hours(time(21), time(23)), id="greetings only while all are asleep"),
        pytest.param(QUIET, Hours(time(9), time(9)), id="an empty window for greetings"),
        pytest.param(Hours(time(8), time(20)), Hours(time(8), time(20)), id="the same hours"),
    ],
)
def test_windows_that_leave_no_moment_are_an_error(quiet: Hours, greetings: Hours) -> None:
    for hour in range(24):
        with pytest.raises(ValueError, match="no time of day"):
            may_leave("promotional", "public", at(f"2026-07-11 {hour:02}:30"), quiet, greetings)


CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda moment: moment.replace(tzinfo=ZONE))  # noqa: DTZ001


@given(MOMENTS, CLOCKS, CLOCKS, CLOCKS, CLOCKS)
def test_the_answer_is_the_first_moment_outside_every_window(
    moment: datetime, a: time, b: time, c: time, d: time
) -> None:
    quiet, greetings = Hours(a, b), Hours(c, d)

    def free(when: datetime) -> bool:
        return greetings.holds(when.time()) and not quiet.holds(when.time())

    minutes = [moment, *(moment.replace(second=0, microsecond=0) + T(minutes=n) for n in range(1, 24 * 60 + 1))]
    first = next(filter(free, minutes), None)
    if first is None:
        with pytest.raises(ValueError, match="no time of day"):
            may_leave("promotional", "public", moment, quiet, greetings)
    else:
        assert may_leave("promotional", "public", moment, quiet, greetings) == first


@pytest.mark.parametrize(
    ("number", "waits"),
    [(1, T(seconds=0)), (14, T(seconds=0)), (15, T(seconds=1)), (10, T(seconds=0))],
)
def test_a_bucket_of_15_that_gains_one_a_second(number: int, waits: timedelta) -> None:
    """After n of 15 have left, 15 - n are there; when none is, the next one comes after a second."""
    rate = Rate(per_s=1, burst=15)
    full_at = taken(None, NOW, rate, number)
    assert full_at == NOW + T(seconds=number)
    assert granted(full_at, NOW, rate) == 15 - number
    assert next_grant(full_at, NOW, rate) == waits


@pytest.mark.parametrize(
    ("later", "there"),
    [
        pytest.param(T(milliseconds=9), 0, id="not quite one"),
        pytest.param(T(milliseconds=10), 1, id="one in 10 ms at 100 a second"),
        pytest.param(T(seconds=1), 100, id="a second's worth"),
        pytest.param(T(seconds=9.99), 999, id="one is missing"),
        pytest.param(T(seconds=10), 1000, id="full after burst / rate"),
        pytest.param(T(days=1), 1000, id="never more than full"),
    ],
)
def test_an_empty_bucket_refills_exactly(later: timedelta, there: int) -> None:
    rate = Rate(per_s=100, burst=1000)
    assert granted(taken(None, NOW, rate, 1000), NOW + later, rate) == there


@pytest.mark.parametrize("full_at", [None, NOW - T(days=9), NOW], ids=["never used", "long full", "just full"])
def test_a_full_bucket_gives_its_burst_at_once(full_at: datetime | None) -> None:
    rate = Rate(per_s=3, burst=7)
    assert (granted(full_at, NOW, rate), next_grant(full_at, NOW, rate)) == (7, T())
    assert taken(full_at, NOW, rate, 0) == NOW


def test_thirds_of_a_second_are_rounded_so_that_no_message_is_a_gift() -> None:
    """One message every 1/3 s: 333,333 us later there is none yet, one more microsecond and there is."""
    rate = Rate(per_s=3, burst=1)
    full_at = taken(None, NOW, rate, 1)
    assert granted(full_at, NOW + T(microseconds=333_333), rate) == 0
    assert granted(full_at, NOW + T(microseconds=333_334), rate) == 1


@pytest.mark.parametrize("back", [T(seconds=1), T(hours=1), T(days=400)], ids=str)
def test_a_clock_that_goes_back_costs_no_more_than_an_empty_bucket(back: timedelta) -> None:
    rate = Rate(per_s=1, burst=15)
    full_at, now = taken(None, NOW, rate, 15), NOW - back
    assert granted(full_at, now, rate) == 0
    assert next_grant(full_at, now, rate) == T(seconds=1)
    mended = taken(full_at, now, rate, 0)
    assert mended == now + T(seconds=15)
    assert granted(mended, now + T(seconds=15), rate) == 15


RATES = st.builds(Rate, per_s=st.integers(1, 500), burst=st.integers(1, 2000))
DEMAND = st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(1, 3000)), min_size=1, max_size=40)


@given(RATES, DEMAND)
def test_in_no_window_leaves_more_than_the_burst_and_the_rate_allow(rate: Rate, demand: list[tuple[int, int]]) -> None:
    full_at: datetime | None = None
    left: list[tuple[int, int]] = []
    for clock, (_, wanted) in zip(accumulate(gap for gap, _ in demand), demand, strict=True):
        now = NOW + T(microseconds=clock)
        given_now = granted(full_at, now, rate)
        assert 0 <= given_now <= rate.burst
        number = min(wanted, given_now)
        full_at = taken(full_at, now, rate, number)
        left.append((clock, number))
    for first in range(len(left)):
        for last in range(first, len(left)):
            micros = left[last][0] - left[first][0]
            total = sum(number for _, number in left[first : last + 1])
            assert total * 1_000_000 <= rate.burst * 1_000_000 + rate.per_s * micros


@given(RATES, DEMAND)
def test_after_the_wait_it_names_there_is_one_and_not_before(rate: Rate, demand: list[tuple[int, int]]) -> None:
    full_at: datetime | None = None
    for clock, (_, wanted) in zip(accumulate(gap for gap, _ in demand), demand, strict=True):
        now = NOW + T(microseconds=clock)
        full_at = taken(full_at, now, rate, min(wanted, granted(full_at, now, rate)))
        wait = next_grant(full_at, now, rate)
        assert granted(full_at, now + wait, rate) >= 1
        assert wait == T() or granted(full_at, now + wait - T(microseconds=1), rate) == 0


@given(RATES, st.integers(-(10**9), 10**9))
def test_grants_are_never_negative_whatever_stands_there(rate: Rate, micros: int) -> None:
    full_at = NOW + T(microseconds=micros)
    assert 0 <= granted(full_at, NOW, rate) <= rate.burst
    assert next_grant(full_at, NOW, rate) >= T()


def test_trouble_is_left_alone_twice_as_long_each_time_up_to_an_hour() -> None:
    waits = [backoff(failures) for failures in range(1, 12)]
    assert [wait // FIRST_WAIT for wait in waits] == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    assert all(before <= after for before, after in pairwise(waits))
    assert backoff(10**6) == LONGEST_WAIT


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        pytest.param("2026-07-11 00:00", "2026-07-12", id="a day that just began"),
        pytest.param("2026-07-11 23:59:59.999999", "2026-07-12", id="a day that ends"),
        pytest.param("2026-07-31 09:00", "2026-08-01", id="end of a month"),
        pytest.param("2028-02-28 09:00", "2028-02-29", id="leap day"),
        pytest.param("2026-02-28 09:00", "2026-03-01", id="no leap day"),
        pytest.param("2026-12-31 09:00", "2027-01-01", id="end of a year"),
    ],
)
def test_tomorrow_begins_at_midnight_of_the_district(moment: str, day: str) -> None:
    assert tomorrow(at(moment)) == at(f"{day} 00:00")
    assert tomorrow(at(moment)).utcoffset() == T(hours=8)
