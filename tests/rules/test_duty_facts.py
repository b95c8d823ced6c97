"""Who served, who cannot serve, and how cadre numbers sort."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.calendar import Day
from rules.duty import Leave, Membership, Slot, blocked, served
from rules.duty_facts import by_number, in_number_order

START = date(2026, 2, 20)
DAYS = [START + timedelta(days=n) for n in range(10)]
WORK = {day: Day(day, "work") for day in DAYS}


@pytest.mark.parametrize(
    ("slot", "who"),
    [
        pytest.param(Slot("K1", START, "C1", "published"), "C1", id="planned, nothing recorded"),
        pytest.param(Slot("K1", START, "C1", "handed_over", checked_in="C2"), "C2", id="the substitute who came"),
        pytest.param(Slot("K1", START, "C1", "missed"), None, id="missed"),
        pytest.param(Slot("K1", START, "C1", "missed", checked_in="C2"), "C2", id="missed, but someone came"),
        pytest.param(Slot("K1", START, None, "gap"), None, id="gap"),
    ],
)
def test_who_served_is_who_came_else_the_cadre_of_the_slot(slot: Slot, who: str | None) -> None:
    assert served(slot) == who


@pytest.mark.parametrize(
    ("slot", "reason"),
    [
        pytest.param(Slot("K1", DAYS[3], "C1", "published"), None, id="nothing in the way"),
        pytest.param(Slot("K1", DAYS[4], "C1", "published"), "on_leave", id="first day of leave"),
        pytest.param(Slot("K1", DAYS[5], "C1", "published"), "on_leave", id="last day of leave"),
        pytest.param(Slot("K1", DAYS[6], "C1", "published"), "exempt", id="a rest day, and exempt"),
        pytest.param(Slot("K1", DAYS[9], "C1", "published"), "off_roster", id="a day after leaving"),
        pytest.param(Slot("K2", DAYS[3], "C1", "published"), "off_roster", id="another centre"),
        pytest.param(Slot("K1", DAYS[4], None, "gap"), None, id="a gap has nobody to keep away"),
    ],
)
def test_a_slot_is_blocked_by_roster_leave_or_exemption(slot: Slot, reason: str | None) -> None:
    members = [Membership("C1", "K1", START, DAYS[8], rest_day_exempt=True)]
    leaves = [Leave("C1", DAYS[4], DAYS[5], "official")]
    calendar = WORK | {DAYS[6]: Day(DAYS[6], "rest")}
    assert blocked(slot, members, leaves, calendar) == reason


@given(st.lists(st.from_regex(r"[A-B]?[0-9]{1,3}(-[0-9]{1,2})?", fullmatch=True)))
def test_numbers_sort_alike_with_and_without_the_shortcut(numbers: list[str]) -> None:
    assert in_number_order(numbers) == sorted(numbers, key=by_number)
