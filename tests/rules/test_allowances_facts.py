"""What is known of a person: age in full years, and when somebody died or left, whatever the order of papers."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.allowances import age_on, departure
from rules.visits_facts import STATUSES, StatusRow

days = st.dates(date(2022, 7, 1), date(2028, 12, 31))
births = st.dates(date(1915, 1, 1), date(1965, 12, 31)) | st.builds(
    lambda year: date(4 * year, 2, 29), st.integers(479, 491)
)


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        pytest.param(date(1946, 10, 18), date(2026, 10, 17), 79, id="the day before"),
        pytest.param(date(1946, 10, 18), date(2026, 10, 18), 80, id="the birthday"),
        pytest.param(date(1946, 12, 31), date(2027, 1, 1), 80, id="the day after, in a new year"),
        pytest.param(date(1946, 1, 1), date(2025, 12, 31), 79, id="the last day before New Year's birthday"),
        pytest.param(date(1936, 2, 29), date(2026, 2, 28), 89, id="29 February, common year, 28 February"),
        pytest.param(date(1936, 2, 29), date(2026, 3, 1), 90, id="29 February, common year, 1 March"),
        pytest.param(date(1948, 2, 29), date(2028, 2, 28), 79, id="29 February, leap year, the day before"),
        pytest.param(date(1948, 2, 29), date(2028, 2, 29), 80, id="29 February, leap year, the birthday"),
        pytest.param(date(2000, 2, 29), date(2100, 2, 28), 99, id="2100 is a common year"),
        pytest.param(date(2026, 5, 5), date(2026, 5, 5), 0, id="newborn"),
        pytest.param(date(2026, 5, 5), date(2026, 5, 4), -1, id="before birth"),
    ],
)
def test_a_year_is_full_on_the_birthday(born: date, day: date, age: int) -> None:
    assert age_on(born, day) == age


@given(births, days)
def test_nobody_skips_a_year_and_each_begins_on_a_day_of_birth(born: date, day: date) -> None:
    step = age_on(born, day) - age_on(born, day - timedelta(days=1))
    assert step in {0, 1}
    if step:
        assert (day.month, day.day) in {(born.month, born.day), (3, 1)}


@given(
    days | st.sampled_from([date(year, 2, day) for year in (2026, 2028) for day in (27, 28)]),
    st.sampled_from([1936, 1940]),
)
def test_the_two_birthdays_of_29_february_differ_on_28_february_only(day: date, year: int) -> None:
    born = date(year, 2, 29)
    earlier, later = age_on(born, day, "02-28"), age_on(born, day, "03-01")
    assert earlier - later == int((day.month, day.day, day.year % 4 != 0) == (2, 28, True))


def test_2100_is_a_common_year_in_which_28_february_may_count() -> None:
    assert age_on(date(2000, 2, 29), date(2100, 2, 28), "02-28") == 100
    assert age_on(date(1920, 2, 29), date(2000, 2, 28), "02-28") == 79


statuses = st.lists(
    st.builds(
        StatusRow,
        since=st.dates(date(2026, 9, 1), date(2026, 9, 9)),
        status=st.sampled_from(STATUSES),
        recorded_at=st.integers(1, 20).map(lambda n: datetime.combine(date(2026, 9, n), time(18))),
        community=st.none(),
    ),
    max_size=6,
)


@given(statuses, st.randoms(use_true_random=False))
def test_a_departure_does_not_depend_on_the_order_of_papers(rows: list[StatusRow], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert departure(shuffled, date(2026, 9, 5)) == departure(rows, date(2026, 9, 5))


@given(statuses)
def test_a_departure_is_on_a_day_on_which_it_was_recorded(rows: list[StatusRow]) -> None:
    gone = departure(rows, date(2026, 9, 5))
    if gone.died_on:
        assert gone.died_on in {row.since for row in rows if row.status == "DEAD"}
    if gone.moved_out_on:
        assert gone.moved_out_on <= date(2026, 9, 5)
        assert gone.moved_out_on in {row.since for row in rows if row.status == "MOVED"}
