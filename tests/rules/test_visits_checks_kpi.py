"""Wellness checks in the on-time rate of March 2026, by hand: 24 clock hours from the third attempt."""

from datetime import date, datetime, time, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.visits_facts import OUTCOMES, Contact, History, StatusRow, TierRow
from rules.visits_kpi import OnTime, checks_on_time, together
from rules.visits_month import happened
from rules.visits_owed import Book, owed_checks
from rules.visits_unreachable import Unreachable
from tests.rules.test_visits_kpi import CLOCKS, FIRST, LAST, LONG_AGO, WORKDAYS, stamp

BOOK = Book(CLOCKS, WORKDAYS, Unreachable())
LATER = datetime(2026, 5, 1)  # noqa: DTZ001 - wall-clock time of the district


def contact(day: str, outcome: str, clock: int | None = 10, recorded: str | None = None) -> Contact:
    on = date.fromisoformat(f"2026-{day}")
    known_on = date.fromisoformat(f"2026-{recorded or day}")
    at = None if clock is None else time(clock)
    return Contact(on, outcome, datetime.combine(known_on, time(clock or 18)), at=at)  # type: ignore[arg-type]


def silent(*days: str) -> list[Contact]:
    return [contact(day, "NO_ANSWER") for day in days]


def checks(contacts: list[Contact], *statuses: StatusRow) -> OnTime:
    history = History(LONG_AGO, stamp(LONG_AGO), [TierRow(LONG_AGO, "red", stamp(LONG_AGO))], statuses, contacts)
    owed = owed_checks(happened(history, LAST), LAST, LATER, BOOK)
    return checks_on_time((one.task for one in owed), FIRST, LAST)


@pytest.mark.parametrize(
    ("contacts", "statuses", "expected"),
    [
        # the third attempt at 10:00 on the 12th: somebody must be there by 10:00 on the 13th
        pytest.param([*silent("03-10", "03-11", "03-12"), contact("03-13", "MET", 9)], [], (1, 1, 0), id="23 hours"),
        pytest.param([*silent("03-10", "03-11", "03-12"), contact("03-13", "MET", 10)], [], (1, 1, 0), id="24 hours"),
        pytest.param([*silent("03-10", "03-11", "03-12"), contact("03-13", "MET", 11)], [], (0, 1, 0), id="25 hours"),
        pytest.param(
            [*silent("03-10", "03-11", "03-12"), contact("03-13", "MET", None)],
            [],
            (1, 1, 0),
            id="no time was written down: the date decides",
        ),
        pytest.param(
            [*silent("03-10", "03-11", "03-12"), contact("03-13", "MET", 9, "03-20")],
            [],
            (1, 1, 0),
            id="in time, the paper came a week later",
        ),
        pytest.param(silent("03-10", "03-11", "03-12"), [], (0, 1, 1), id="nobody went"),
        pytest.param(silent("03-28", "03-29", "03-30"), [], (0, 1, 1), id="hours ran out on the 31st at 10:00"),
        pytest.param(silent("03-29", "03-30", "03-31"), [], (0, 0, 0), id="they run out on 1 April"),
        pytest.param(silent("02-26", "02-27", "02-28"), [], (0, 1, 1), id="raised in February, due on 1 March"),
        pytest.param(
            [*silent("03-28", "03-29", "03-30"), contact("04-01", "MET", 9)],
            [],
            (0, 1, 1),
            id="found in April: open at the end of March",
        ),
        pytest.param(
            silent("03-10", "03-11", "03-12"),
            [StatusRow(date(2026, 3, 12), "HOSPITAL", datetime(2026, 3, 12, 12))],  # noqa: DTZ001
            (0, 0, 0),
            id="in hospital: cancelled",
        ),
        pytest.param(
            [*silent("03-10", "03-11", "03-12"), contact("03-11", "PHONE", 15, "03-14")],
            [],
            (0, 0, 0),
            id="superseded by late paper",
        ),
        pytest.param(silent("03-11", "03-12"), [], (0, 0, 0), id="two attempts raise none"),
    ],
)
def test_a_check_counts_in_the_month_its_hours_run_out(
    contacts: list[Contact], statuses: list[StatusRow], expected: tuple[int, int, int]
) -> None:
    assert checks(contacts, *statuses) == expected


def test_checks_are_in_the_rate_beside_the_visits() -> None:
    """Three visits of four in time, one check of two: four of six."""
    whole = together(OnTime(3, 4, 1), OnTime(1, 2, 0))
    assert (whole, whole.value) == (OnTime(4, 6, 1), Fraction(2, 3))


@given(
    st.lists(
        st.builds(
            Contact,
            st.dates(date(2026, 2, 20), date(2026, 4, 5)),
            st.sampled_from(["NO_ANSWER", "NO_ANSWER", *OUTCOMES]),
            st.dates(date(2026, 4, 6), date(2026, 4, 9)).map(stamp),
        ),
        max_size=9,
    )
)
@settings(max_examples=40, deadline=None)
def test_no_more_checks_are_in_time_or_open_than_were_due(contacts: list[Contact]) -> None:
    found = checks(contacts)
    assert 0 <= found.on_time + found.overdue <= found.due


def test_what_is_dated_after_the_month_has_not_happened() -> None:
    row = StatusRow(LAST + timedelta(days=1), "DEAD", stamp(LAST))
    history = History(LONG_AGO, stamp(LONG_AGO), [], [row], silent("03-31", "04-01"))
    assert (len(happened(history, LAST).contacts), happened(history, LAST).statuses) == (1, [])
