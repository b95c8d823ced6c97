"""Both faces of a month against the plain definition: what was recorded before 00:00 of the day after it."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import month_dates
from rules.visits_facts import OUTCOMES, STATUSES, TIERS, Contact, History, StatusRow, TierRow, known, known_at
from rules.visits_kpi import verdict
from rules.visits_month import faces, months_to, verdicts_of_both

DAYS = st.dates(date(2025, 11, 20), date(2026, 4, 10))
MOMENTS = st.builds(datetime.combine, DAYS, st.sampled_from([time(), time(9), time(23, 59)]))
HISTORIES = st.builds(
    History,
    DAYS,
    MOMENTS,
    st.lists(st.builds(TierRow, DAYS, st.sampled_from(TIERS), MOMENTS), min_size=1, max_size=3),
    st.lists(st.builds(StatusRow, DAYS, st.sampled_from(STATUSES), MOMENTS), max_size=3),
    st.lists(st.builds(Contact, DAYS, st.sampled_from(OUTCOMES), MOMENTS), max_size=5),
)
MONTHS = months_to(month_dates("2026-03"), 5)


@settings(max_examples=300, deadline=None)
@given(HISTORIES)
def test_each_month_is_judged_by_what_was_recorded_before_the_next(history: History) -> None:
    plain = []
    for first, last in MONTHS:
        then = known(history, last + timedelta(days=1))
        plain.append(None if then is None else verdict(then, first, last, 15))
    registered = [last >= history.registered_on for _, last in MONTHS]
    found, now = verdicts_of_both(history, MONTHS, 15)
    assert now == [verdict(history, *month, 15) for month in MONTHS]
    assert [f for f, lived in zip(found, registered, strict=True) if lived] == [
        p for p, lived in zip(plain, registered, strict=True) if lived
    ]


@settings(max_examples=300, deadline=None)
@given(HISTORIES, MOMENTS)
def test_the_faces_of_a_month_give_the_figures_of_what_was_known_then_and_now(history: History, now: datetime) -> None:
    first, last = MONTHS[-2]
    if now < datetime.combine(last + timedelta(days=1), time()) or history.registered_on > last:
        return
    for face, plain in zip(
        faces(history, last, now), (known(history, last + timedelta(days=1)), known_at(history, now)), strict=True
    ):
        if plain is None:
            assert face is None
        else:
            assert face is not None
            assert verdict(face, first, last, 15) == verdict(plain, first, last, 15)


@pytest.mark.parametrize(
    ("month", "first"),
    [
        pytest.param("2026-03", "2025-04", id="over the turn of the year"),
        pytest.param("2024-02", "2023-03", id="a leap February"),
    ],
)
def test_twelve_months_end_with_the_month(month: str, first: str) -> None:
    months = months_to(month_dates(month), 12)
    assert (months[0], months[-1], len(set(months))) == (month_dates(first), month_dates(month), 12)
