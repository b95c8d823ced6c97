"""Streaks without an answer by hand: whom to call, when the check is due, what late paper does to it."""

from datetime import date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import Day, dates_between
from rules.visits_facts import Contact, History, Outcome, StatusRow, TierRow
from rules.visits_standing import facts_of
from rules.visits_unreachable import Check, Unreachable, checks, step_of, streak
from rules.workdays import Workdays

RULE = Unreachable()
REGISTERED = date(2026, 1, 5)
LONG_AGO = datetime.fromisoformat("2026-01-05T09:00")
LATER = datetime.fromisoformat("2026-06-01T00:00")
WORKDAYS = Workdays(
    {day: Day(day, "work" if day.weekday() < 5 else "rest") for day in dates_between(REGISTERED, date(2026, 12, 31))}
)


def when(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}")


def row(outcome: Outcome, occurred: str, recorded: str | None = None, helper: str = "H1") -> Contact:
    """`03-02` or `03-02T10:00` in 2026; recorded at 18:00 of the same day unless said otherwise."""
    day, _, clock = occurred.partition("T")
    at = datetime.fromisoformat(f"2026-{occurred}").time() if clock else None
    return Contact(when(day).date(), outcome, when(recorded or f"{day}T18:00"), "home", helper, at)


def no_answers(*occurred: str) -> list[Contact]:
    return [row("NO_ANSWER", text) for text in occurred]


def history(contacts: list[Contact], statuses: list[StatusRow] | None = None) -> History:
    return History(REGISTERED, LONG_AGO, [TierRow(REGISTERED, "green", LONG_AGO)], statuses or [], contacts)


def raised(contacts: list[Contact], now: datetime = LATER, statuses: list[StatusRow] | None = None) -> list[Check]:
    return checks(history(contacts, statuses), now, RULE)


def states(found: list[Check]) -> list[tuple[str, str]]:
    return [(f"{check.cycle:%m-%d}", check.state) for check in found]


@pytest.mark.parametrize(
    ("dates", "step"),
    [
        pytest.param(0, "none", id="answered"),
        pytest.param(1, "emergency_contact", id="once"),
        pytest.param(2, "neighbour", id="twice"),
        pytest.param(3, "wellness_check", id="thrice"),
        pytest.param(7, "wellness_check", id="still"),
    ],
)
def test_each_further_date_calls_for_the_next_step(dates: int, step: str) -> None:
    assert step_of(dates, RULE) == step


def test_only_distinct_dates_strictly_after_the_last_contact_and_in_the_present_run_count() -> None:
    days = [date(2026, 3, day) for day in (9, 2, 5, 5, 3)]
    assert streak(days, date(2026, 3, 2), date(2026, 3, 1)) == [date(2026, 3, day) for day in (3, 5, 9)]
    assert streak(days, None, date(2026, 3, 5)) == [date(2026, 3, 5), date(2026, 3, 9)]


@pytest.mark.parametrize(
    ("third", "recorded", "due"),
    [
        pytest.param("03-04T10:30", "03-04T18:00", "03-05T10:30", id="24 hours from the attempt"),
        pytest.param("03-04", "03-04T18:00", "03-05T18:00", id="no time written: from its recording"),
        pytest.param("03-04", "03-06T09:00", "03-07T09:00", id="recorded two days late"),
        pytest.param("03-04T23:30", "03-04T23:40", "03-05T23:30", id="clock hours, through the night"),
    ],
)
def test_the_check_is_due_24_clock_hours_after_the_third_attempt(third: str, recorded: str, due: str) -> None:
    (check,) = raised([*no_answers("03-02", "03-03"), row("NO_ANSWER", third, recorded)])
    assert (check.raised_at, check.due_at, check.state) == (when(recorded), when(due), "OPEN")


def test_two_attempts_on_a_date_are_one() -> None:
    twice = [row("NO_ANSWER", "03-03T09:00"), row("NO_ANSWER", "03-03T16:00", helper="H2")]
    assert raised([*no_answers("03-02"), *twice]) == []


def test_of_two_attempts_on_the_third_date_the_first_starts_the_hours() -> None:
    twice = [row("NO_ANSWER", "03-04T16:00"), row("NO_ANSWER", "03-04T09:00", helper="H2")]
    (check,) = raised([*no_answers("03-02", "03-03"), *twice])
    assert check.due_at == when("03-05T09:00")


def test_away_and_refused_are_answers_of_a_kind_and_neither_add_to_a_streak_nor_end_it() -> None:
    between = [row("AWAY", "03-04"), row("REFUSED", "03-05")]
    assert raised([*no_answers("03-02", "03-03"), *between]) == []
    assert states(raised([*no_answers("03-02", "03-03", "03-06"), *between])) == [("03-06", "OPEN")]


def test_the_streak_is_evaluated_when_recorded() -> None:
    """Three old papers come in together: the check is raised then, its hours ran out long ago."""
    papers = [row("NO_ANSWER", f"03-0{day}T10:00", "03-20T09:00") for day in (2, 3, 4)]
    assert raised(papers, when("03-20T08:59")) == []
    (check,) = raised(papers)
    assert (check.raised_at, check.due_at) == (when("03-20T09:00"), when("03-05T10:00"))


def test_late_paper_of_a_contact_in_between_voids_the_check() -> None:
    """No answer on 2, 3 and 4 March; on the 6th comes paper that the elder was met on the 3rd: one date is left."""
    contacts = [*no_answers("03-02", "03-03", "03-04"), row("MET", "03-03", "03-06T09:00", helper="H2")]
    assert states(raised(contacts, when("03-05T00:00"))) == [("03-04", "OPEN")]
    (check,) = raised(contacts)
    assert (check.state, check.closed_at) == ("SUPERSEDED", when("03-06T09:00"))


def test_late_paper_that_leaves_three_dates_changes_nothing_and_tells_nothing() -> None:
    """No answer from 2 to 5 March, then paper of a contact on the 2nd: 3, 4 and 5 are left, so the check stands."""
    contacts = [*no_answers("03-02", "03-03", "03-04", "03-05"), row("MET", "03-02", "03-06T09:00", helper="H2")]
    assert raised(contacts) == raised(contacts, when("03-05T20:00"))


def test_finding_the_elder_ends_the_check() -> None:
    (check,) = raised([*no_answers("03-02", "03-03", "03-04"), row("MET", "03-05T08:00")])
    assert (check.state, check.closed_at) == ("DONE", when("03-05T18:00"))


@pytest.mark.parametrize(
    ("met", "state"),
    [
        pytest.param("03-04T15:00", "DONE", id="met after the third attempt"),
        pytest.param("03-04T08:00", "SUPERSEDED", id="met that morning, written down late"),
        pytest.param("03-04", "DONE", id="met that day at a time unknown"),
    ],
)
def test_a_contact_on_the_day_of_the_third_attempt_ends_the_check(met: str, state: str) -> None:
    contacts = [*no_answers("03-02", "03-03", "03-04T10:00"), row("MET", met, "03-04T19:00", helper="H2")]
    assert states(raised(contacts)) == [("03-04", state)]


def test_a_new_streak_after_the_elder_was_found_is_a_new_check() -> None:
    contacts = [
        *no_answers("03-02", "03-03", "03-04"),
        row("PHONE", "03-05"),
        *no_answers("03-10", "03-11", "03-12"),
    ]
    assert states(raised(contacts)) == [("03-04", "DONE"), ("03-12", "OPEN")]


def test_no_paper_for_the_time_in_hospital() -> None:
    """The hospital stay from the 2nd is known on the 9th: the attempts were made at an empty flat."""
    stay = StatusRow(date(2026, 3, 2), "HOSPITAL", when("03-09T09:00"))
    found = raised(no_answers("03-02", "03-03", "03-04"), statuses=[stay])
    assert states(found) == [("03-04", "CANCELLED")]
    assert found[0].closed_at == when("03-09T09:00")


def test_attempts_before_a_pause_do_not_count_after_it() -> None:
    stay = [
        StatusRow(date(2026, 3, 4), "HOSPITAL", when("03-04T09:00")),
        StatusRow(date(2026, 3, 10), "ACTIVE", when("03-10T09:00")),
    ]
    assert raised(no_answers("03-02", "03-03", "03-11"), statuses=stay) == []


def test_death_cancels_the_check() -> None:
    death = StatusRow(date(2026, 3, 5), "DEAD", when("03-05T12:00"))
    assert states(raised(no_answers("03-02", "03-03", "03-04"), statuses=[death])) == [("03-04", "CANCELLED")]


def test_an_announced_admission_cancels_the_check_when_it_begins() -> None:
    stay = StatusRow(date(2026, 3, 6), "HOSPITAL", when("03-02T12:00"))
    contacts = no_answers("03-02", "03-03", "03-04")
    assert states(raised(contacts, when("03-05T23:59"), [stay])) == [("03-04", "OPEN")]
    assert states(raised(contacts, when("03-06T00:00"), [stay])) == [("03-04", "CANCELLED")]


days = st.dates(date(2026, 3, 1), date(2026, 3, 12))
papers = st.builds(
    lambda day, delay, outcome, helper: Contact(
        day, outcome, datetime.combine(day + timedelta(days=delay), LATER.time()), "home", helper
    ),
    days,
    st.integers(0, 6),
    st.sampled_from(["NO_ANSWER", "NO_ANSWER", "NO_ANSWER", "MET", "AWAY"]),
    st.sampled_from(["H1", "H2"]),
)
stays = st.lists(
    st.builds(
        lambda day, delay, status: StatusRow(day, status, datetime.combine(day + timedelta(days=delay), LATER.time())),
        days,
        st.integers(0, 6),
        st.sampled_from(["HOSPITAL", "ACTIVE", "ACTIVE", "DEAD"]),
    ),
    max_size=3,
)


@given(st.lists(papers, max_size=9), stays)
@settings(max_examples=300, deadline=None)
def test_a_check_stands_exactly_while_the_aggregated_streak_has_three_dates(
    contacts: list[Contact], statuses: list[StatusRow]
) -> None:
    """A database may count dates; the check that stands is then the same, with its hours from the fold."""
    whole = history(contacts, statuses)
    found = checks(whole, LATER, RULE)
    facts = facts_of(whole, LATER.date())
    assert facts
    count = len(facts.no_answers) if facts.status == "ACTIVE" else 0
    assert len([check for check in found if check.state == "OPEN"]) == (count >= RULE.wellness_check)
    assert len({check.cycle for check in found}) == len(found)


@given(st.lists(papers, max_size=9), stays, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_rows_in_any_order_give_the_same_checks(
    contacts: list[Contact], statuses: list[StatusRow], luck: Random
) -> None:
    before = raised(contacts, statuses=statuses)
    luck.shuffle(contacts)
    luck.shuffle(statuses)
    assert raised(contacts, statuses=statuses) == before
