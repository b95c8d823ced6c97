"""What the rows of an elder say together: corrections, duplicates, moves, future dates."""

from datetime import date, datetime, timedelta

import pytest

from rules.errors import LANGUAGE
from rules.visits_facts import (
    Contact,
    ContactInFuture,
    Grade,
    History,
    Outcome,
    Span,
    Status,
    StatusRow,
    Tier,
    TierRow,
    Ungraded,
    check_contact,
    community_on,
    grades,
    known,
    spans,
    without_duplicates,
)

REGISTERED = date(2026, 3, 2)
NOON = datetime.fromisoformat("2026-03-02T12:00")


def march(day: int) -> date:
    return date(2026, 3, day)


def status(day: int, name: Status, recorded: int = 0, community: str | None = None) -> StatusRow:
    return StatusRow(march(day), name, NOON + timedelta(days=recorded), community)


def tier(day: int, name: Tier, recorded: int = 0) -> TierRow:
    return TierRow(march(day), name, NOON + timedelta(days=recorded))


def elder(
    tiers: list[TierRow], statuses: list[StatusRow] | None = None, contacts: list[Contact] | None = None
) -> History:
    return History(REGISTERED, NOON, tiers, statuses or [], contacts or [])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([tier(2, "red")], [(2, "red")], id="one"),
        pytest.param([tier(2, "red"), tier(9, "red")], [(2, "red")], id="graded again the same"),
        pytest.param([tier(9, "green"), tier(2, "red")], [(2, "red"), (9, "green")], id="in any order"),
        pytest.param([tier(1, "red")], [(2, "red")], id="graded before registration"),
        pytest.param([tier(5, "red")], [(2, "red")], id="graded after it: also covers the days before"),
        pytest.param([tier(5, "red"), tier(5, "green", 1)], [(2, "green")], id="the first grade corrected"),
        pytest.param([tier(2, "red"), tier(9, "green"), tier(9, "red", 3)], [(2, "red")], id="a change corrected away"),
        pytest.param([tier(2, "green"), tier(2, "red")], [(2, "red")], id="recorded at once: the higher need"),
    ],
)
def test_tiers_hold_from_their_date_and_the_last_recorded_decides(
    rows: list[TierRow], expected: list[tuple[int, Tier]]
) -> None:
    assert grades(elder(rows)) == [Grade(march(day), name) for day, name in expected]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([], [(2, "ACTIVE", None)], id="no row: active"),
        pytest.param([status(2, "ACTIVE")], [(2, "ACTIVE", None)], id="active from registration"),
        pytest.param([status(9, "ACTIVE")], [(2, "ACTIVE", None)], id="active again is no change"),
        pytest.param(
            [status(5, "HOSPITAL"), status(9, "ACTIVE")],
            [(2, "ACTIVE", 5), (5, "HOSPITAL", 9), (9, "ACTIVE", None)],
            id="in hospital and home",
        ),
        pytest.param([status(1, "HOSPITAL")], [(2, "HOSPITAL", None)], id="in hospital when registered"),
        pytest.param(
            [status(5, "MOVED", community="西"), status(9, "DEAD")],
            [(2, "ACTIVE", 9), (9, "DEAD", None)],
            id="a move inside is no status",
        ),
        pytest.param([status(5, "HOSPITAL"), status(5, "ACTIVE", 1)], [(2, "ACTIVE", None)], id="corrected"),
        pytest.param(
            [status(5, "HOSPITAL"), status(5, "DEAD")], [(2, "ACTIVE", 5), (5, "DEAD", None)], id="the graver of two"
        ),
        pytest.param(
            [status(5, "HOSPITAL"), status(7, "AWAY")],
            [(2, "ACTIVE", 5), (5, "HOSPITAL", 7), (7, "AWAY", None)],
            id="from hospital to relatives",
        ),
    ],
)
def test_statuses_follow_each_other(rows: list[StatusRow], expected: list[tuple[int, Status, int | None]]) -> None:
    assert spans(elder([tier(2, "red")], rows)) == [
        Span(march(day), name, None if until is None else march(until)) for day, name, until in expected
    ]


def test_an_elder_without_a_tier_has_no_clock() -> None:
    with pytest.raises(Ungraded, match="2026-03-02"):
        grades(elder([]))


@pytest.mark.parametrize(
    ("day", "community"),
    [
        pytest.param(4, "东", id="before the move"),
        pytest.param(5, "西", id="from its day on"),
        pytest.param(31, "北", id="after the second"),
    ],
)
def test_a_move_inside_changes_the_community_from_its_day(day: int, community: str) -> None:
    rows = [status(9, "MOVED", community="北"), status(5, "MOVED", community="西"), status(12, "HOSPITAL")]
    assert community_on(rows, "东", march(day)) == community


def contact(outcome: Outcome, recorded: int = 0, helper: str = "H1", hour: int | None = None) -> Contact:
    at = None if hour is None else NOON.replace(hour=hour).time()
    return Contact(march(2), outcome, NOON + timedelta(hours=recorded), "home", helper, at)


@pytest.mark.parametrize(
    ("rows", "stands"),
    [
        pytest.param([contact("MET"), contact("MET", 5)], 0, id="the same paper twice: the first recorded"),
        pytest.param([contact("NO_ANSWER"), contact("MET", 5)], 1, id="knocked again and answered"),
        pytest.param([contact("MET", 5), contact("NO_ANSWER")], 0, id="the contact stands before the knock"),
        pytest.param([contact("AWAY", 1), contact("NO_ANSWER")], 1, id="neither effective: the first recorded"),
        pytest.param([contact("MET", hour=15), contact("MET", hour=9)], 1, id="recorded at once: the earlier"),
    ],
)
def test_one_contact_stands_for_a_date_channel_and_helper(rows: list[Contact], stands: int) -> None:
    stand, void = without_duplicates(rows)
    assert stand == [rows[stands]]
    assert len(void) == len(rows) - 1


def test_another_helper_or_channel_is_no_duplicate() -> None:
    rows = [contact("MET"), contact("MET", helper="H2"), Contact(march(2), "PHONE", NOON, "phone", "H1")]
    assert without_duplicates(rows) == (rows, [])


def test_a_contact_dated_in_the_future_is_refused() -> None:
    check_contact(march(2), march(2))
    with pytest.raises(ContactInFuture, match="2026-03-03"):
        check_contact(march(3), march(2))
    LANGUAGE.set("en")
    try:
        assert "record it once it has happened" in str(ContactInFuture(march(3), march(2)))
    finally:
        LANGUAGE.set("zh")


@pytest.mark.parametrize(
    ("before", "seen"),
    [
        pytest.param(2, None, id="registered at noon: not known at 00:00"),
        pytest.param(3, 0, id="known the next day"),
        pytest.param(5, 0, id="paper of the 5th is not known at 00:00 of the 5th"),
        pytest.param(6, 1, id="it is on the 6th"),
    ],
)
def test_known_on_a_day_is_what_was_recorded_before_it_began(before: int, seen: int | None) -> None:
    history = elder([tier(2, "red")], contacts=[Contact(march(2), "MET", datetime.combine(march(5), NOON.time()))])
    then = known(history, march(before))
    assert (None if then is None else len(then.contacts)) == seen


def test_an_elder_whose_tier_is_not_known_yet_is_not_judged() -> None:
    assert known(elder([tier(2, "red", recorded=4)]), march(4)) is None
