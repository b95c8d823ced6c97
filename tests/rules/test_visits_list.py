"""Today's list by hand: classes, who is sent, gaps, rest days, and the forecast."""

from collections import Counter
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import Day, dates_between
from rules.duty_facts import Leave
from rules.visits_clock import Clock, Kind
from rules.visits_facts import TIERS, Tier
from rules.visits_forecast import forecast
from rules.visits_list import (
    DUE,
    RED,
    ROLES,
    UPCOMING,
    URGENT,
    Candidate,
    DayList,
    Helper,
    ListRule,
    Pairing,
    class_of,
    in_list_order,
    rest_day_list,
    todays_list,
)
from rules.workdays import Workdays

TODAY = date(2026, 3, 18)  # a Wednesday
CLOCK, RULE = Clock(date(2025, 1, 1)), ListRule()
WORKDAYS = Workdays(
    {day: Day(day, "work" if day.weekday() < 5 else "rest") for day in dates_between(TODAY, date(2026, 4, 30))}
)


def task(
    elder: str,
    tier: Tier = "yellow",
    deadline: int = 0,
    planned: int | None = None,
    *,
    kind: Kind = "ROLLING",
    community: str = "东",
    building: str = "",
) -> Candidate:
    """A task whose deadline and planned day are counted from today."""
    ends = TODAY + timedelta(days=deadline)
    plan_on = ends if planned is None else TODAY + timedelta(days=planned)
    return Candidate(elder, community, building, tier, kind, "2026-03-01", plan_on, ends, ends)


def assigned(
    tasks: list[Candidate],
    helpers: list[Helper],
    pairings: list[Pairing] | None = None,
    away: set[str] | None = None,
) -> dict[str, list[str]]:
    """Return elders by helper in the helper's order; gaps under GAP in list order."""
    found = todays_list(in_list_order(tasks, TODAY, CLOCK, RULE), helpers, pairings or [], away or set())
    return by_helper(found)


def by_helper(found: DayList) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for visit in (*found.visits, *found.gaps):
        lists.setdefault(visit.helper or "GAP", []).append(visit.candidate.elder)
    return lists


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        pytest.param(task("E", "green", 1, kind="WELLNESS_CHECK"), URGENT, id="a wellness check"),
        pytest.param(task("E", "red", 0), RED, id="red due today"),
        pytest.param(task("E", "red", -3), RED, id="red overdue"),
        pytest.param(task("E", "red", 1), UPCOMING, id="red tomorrow"),
        pytest.param(task("E", "red", 3), None, id="red in three days: too early to go again"),
        pytest.param(task("E", "red", -1, kind="REOFFER"), DUE, id="a red elder who refused is asked in turn"),
        pytest.param(task("E", "yellow", 0), DUE, id="yellow at its deadline"),
        pytest.param(task("E", "yellow", -30), DUE, id="30 days late"),
        pytest.param(task("E", "yellow", -31), RED, id="31 days late: promoted"),
        pytest.param(task("E", "green", 5, -1), DUE, id="green planned yesterday"),
        pytest.param(task("E", "green", 14, 9), UPCOMING, id="green within 14 days"),
        pytest.param(task("E", "green", 15, 10), None, id="green too far ahead"),
        pytest.param(task("E", "yellow", 13), UPCOMING, id="yellow all month"),
    ],
)
def test_each_task_has_its_class(candidate: Candidate, expected: int | None) -> None:
    assert class_of(candidate, TODAY, CLOCK, RULE) == expected


def test_the_list_is_ordered_by_class_then_deadline_then_reference() -> None:
    tasks = [
        task("E7", "yellow", 9),
        task("E5", "yellow", -2),
        task("E6", "green", -2),
        task("E4", "yellow", -40),
        task("E3", "red", 0),
        task("E2", "red", -1),
        task("E1", "green", 1, kind="WELLNESS_CHECK"),
    ]
    ordered = in_list_order(tasks, TODAY, CLOCK, RULE)
    assert [candidate.elder for _, candidate in ordered] == ["E1", "E4", "E2", "E3", "E5", "E6", "E7"]


def test_an_elder_with_several_tasks_is_visited_once_for_the_first() -> None:
    tasks = [task("E1", "yellow", 9), task("E1", "yellow", -3, kind="FIRST"), task("E2", "yellow", -1)]
    ordered = in_list_order(tasks, TODAY, CLOCK, RULE)
    assert [(candidate.elder, candidate.kind) for _, candidate in ordered] == [("E1", "FIRST"), ("E2", "ROLLING")]


TEAM = [Pairing("E1", "H2", "gate"), Pairing("E1", "H9", "building"), Pairing("E1", "H10", "women", primary=True)]
CREW = [
    Helper("H2", "东", 1),
    Helper("H9", "东", 1),
    Helper("H10", "东", 1),
    Helper("H3", "东", 1),
    Helper("H4", "西", 9),
]


@pytest.mark.parametrize(
    ("away", "who"),
    [
        pytest.param(set(), "H10", id="the primary helper"),
        pytest.param({"H10"}, "H9", id="primary on leave: the building head"),
        pytest.param({"H10", "H9"}, "H2", id="then the gatekeeper"),
        pytest.param({"H10", "H9", "H2"}, "H3", id="then a helper of the community"),
        pytest.param({"H10", "H9", "H2", "H3"}, "GAP", id="never one of another community: a gap"),
    ],
)
def test_the_primary_goes_then_the_team_by_role_then_the_community(away: set[str], who: str) -> None:
    assert assigned([task("E1")], CREW, TEAM, away) == {who: ["E1"]}


def test_after_the_leave_the_primary_has_the_elder_again() -> None:
    assert assigned([task("E1")], CREW, TEAM, {"H10"}) == {"H9": ["E1"]}
    assert assigned([task("E1")], CREW, TEAM, set()) == {"H10": ["E1"]}


def test_a_primary_helper_of_another_community_still_comes_first() -> None:
    assert assigned([task("E1")], CREW, [Pairing("E1", "H4", "party", primary=True)]) == {"H4": ["E1"]}


def test_a_helper_who_left_is_passed_over() -> None:
    assert assigned([task("E1")], [Helper("H3", "东", 1)], TEAM) == {"H3": ["E1"]}


def test_the_primary_is_kept_only_while_capacity_lasts() -> None:
    pairings = [Pairing(elder, "H1", "party", primary=True) for elder in ("E1", "E2", "E3")]
    helpers = [Helper("H1", "东", 2), Helper("H2", "东", 5)]
    tasks = [task("E1", "yellow", -1), task("E2"), task("E3", "red")]
    assert assigned(tasks, helpers, pairings) == {"H1": ["E3", "E1"], "H2": ["E2"]}


def test_community_helpers_share_by_fewest_assigned_then_number() -> None:
    helpers = [Helper("H10", "东", 9), Helper("H9", "东", 9), Helper("H2", "东", 1)]
    tasks = [task(f"E{number}") for number in range(1, 7)]
    assert assigned(tasks, helpers) == {"H2": ["E1"], "H9": ["E2", "E4", "E6"], "H10": ["E3", "E5"]}


def test_what_a_helper_has_as_primary_counts_when_sharing() -> None:
    pairings = [Pairing("E1", "H1", "party", primary=True), Pairing("E2", "H1", "party", primary=True)]
    helpers = [Helper("H1", "东", 9), Helper("H2", "东", 9)]
    assert assigned([task(f"E{n}") for n in range(1, 5)], helpers, pairings) == {"H1": ["E1", "E2"], "H2": ["E3", "E4"]}


@pytest.mark.parametrize(
    ("helpers", "expected"),
    [
        pytest.param([], {"GAP": ["E3", "E1", "E2"]}, id="no helper at all"),
        pytest.param([Helper("H1", "东", 0)], {"GAP": ["E3", "E1", "E2"]}, id="capacity 0"),
        pytest.param([Helper("H1", "东", 2)], {"H1": ["E3", "E1"], "GAP": ["E2"]}, id="capacity 2: the last waits"),
        pytest.param([Helper("H1", "东", 4)], {"H1": ["E3", "E1", "E2", "E4"]}, id="capacity 4: one ahead as well"),
    ],
)
def test_what_finds_no_helper_is_a_gap_but_upcoming_work_never_is(
    helpers: list[Helper], expected: dict[str, list[str]]
) -> None:
    tasks = [task("E1", "yellow", -1), task("E2"), task("E3", "red"), task("E4", "yellow", 9), task("E5", "red", 5)]
    assert assigned(tasks, helpers) == expected


def test_each_list_goes_by_building_in_number_order() -> None:
    tasks = [
        task("E1", "red", building="10栋"),
        task("E2", building="9栋"),
        task("E3", "yellow", -1, building="10栋"),
        task("E4"),
    ]
    found = todays_list(in_list_order(tasks, TODAY, CLOCK, RULE), [Helper("H1", "东", 9)], [], set())
    assert [(visit.order, visit.candidate.elder) for visit in found.visits] == [
        (1, "E2"),
        (2, "E1"),
        (3, "E3"),
        (4, "E4"),
    ]


def test_on_a_rest_day_the_cadre_on_duty_takes_red_and_urgent_and_nobody_else_goes() -> None:
    tasks = [
        task("E1", "red"),
        task("E2", "red", -2, community="西"),
        task("E3", "yellow", -40),
        task("E4", "green", 1, kind="WELLNESS_CHECK"),
        task("E5", "yellow"),
        task("E6", "red", community="北"),
        task("E7", "red", -40, kind="REOFFER"),
    ]
    found = rest_day_list(in_list_order(tasks, TODAY, CLOCK, RULE), {"东": "C1", "西": "C2"})
    assert by_helper(found) == {"C1": ["E4", "E1"], "C2": ["E2"], "GAP": ["E6"]}
    assert all(visit.by_duty for visit in found.visits)


def test_the_forecast_sets_work_due_against_capacity_day_by_day() -> None:
    """Wednesday to Monday; H1 makes 2 visits a day and is on leave on Friday, the weekend adds nothing."""
    tasks = [
        task("E1", "yellow", -3),
        task("E2", "red", 0),
        task("E3", "yellow", 1),
        task("E4", "green", 2),
        task("E5", "green", 2),
        task("E6", "yellow", 3),
        task("E7", "red", 3),  # Saturday: the cadre on duty
        task("E1", "yellow", 4),  # the same elder, counted once
    ]
    days = [TODAY + timedelta(days=n) for n in range(6)]
    leave = [Leave("H1", TODAY + timedelta(days=2), TODAY + timedelta(days=2), "annual")]
    found = forecast(tasks, [Helper("H1", "东", 2)], leave, days, CLOCK, WORKDAYS)
    assert [(row.due, row.capacity, row.short) for row in found] == [
        (2, 2, 0),
        (3, 4, 0),
        (5, 4, 1),
        (6, 4, 2),
        (6, 4, 2),
        (6, 6, 0),
    ]


def test_the_forecast_sees_that_red_is_due_again() -> None:
    """Due on Wednesday, so again 7 and 14 days later; due on Saturday and so on: never a helper's. Yellow once."""
    days = [TODAY + timedelta(days=n) for n in range(15)]
    tasks = [task("E1", "red", -1), task("E2", "red", 3), task("E3", "yellow", 0)]
    found = forecast(tasks, [], [], days, CLOCK, WORKDAYS)
    assert [found[n].due for n in (0, 6, 7, 13, 14)] == [2, 2, 3, 3, 4]


def test_the_forecast_asks_an_elder_who_refused_once_and_not_on_the_duty_cadre_s_day() -> None:
    """An offer of Saturday waits for a helper, though the elder is red, and is not due again a week later."""
    days = [TODAY + timedelta(days=n) for n in range(15)]
    found = forecast([task("E1", "red", 3, kind="REOFFER")], [], [], days, CLOCK, WORKDAYS)
    assert [found[n].due for n in (2, 3, 10, 14)] == [0, 1, 1, 1]


def test_a_community_with_work_and_no_helper_is_in_the_forecast() -> None:
    found = forecast([task("E1", community="西")], [Helper("H1", "东", 2)], [], [TODAY], CLOCK, WORKDAYS)
    assert [(row.community, row.due, row.capacity, row.short) for row in found] == [("东", 0, 2, 0), ("西", 1, 0, 1)]


elders = st.integers(1, 12).map(lambda number: f"E{number}")
tasks_drawn = st.lists(
    st.builds(
        task,
        elders,
        st.sampled_from(TIERS),
        st.integers(-40, 20),
        st.integers(-45, 20),
        kind=st.sampled_from(["ROLLING", "FIRST", "MONTHLY", "WELLNESS_CHECK"]),
        community=st.sampled_from(["东", "西"]),
        building=st.sampled_from(["", "1栋", "12栋"]),
    ),
    max_size=16,
    unique_by=lambda t: (t.elder, t.kind),
)
helpers_drawn = st.lists(
    st.builds(Helper, st.sampled_from(["H1", "H2", "H10"]), st.sampled_from(["东", "西"]), st.integers(0, 4)),
    max_size=3,
    unique_by=lambda helper: helper.number,
)
pairings_drawn = st.lists(
    st.builds(Pairing, elders, st.sampled_from(["H1", "H2", "H10", "H99"]), st.sampled_from(ROLES), st.booleans()),
    max_size=12,
)
World = tuple[list[Candidate], list[Helper], list[Pairing]]


def word_by_word(world: World) -> tuple[dict[str, str], list[str]]:
    """The page's one pass, with everybody looked at for every elder."""
    tasks, helpers, pairings = world
    left, sent = {h.number: h.capacity for h in helpers}, Counter[str]()
    who: dict[str, str] = {}
    gaps = []
    for kind, candidate in in_list_order(tasks, TODAY, CLOCK, RULE):
        team = [p for p in pairings if p.elder == candidate.elder]
        order = [p.helper for p in sorted(team, key=lambda p: (not p.primary, ROLES.index(p.role), number(p.helper)))]
        crew = [h.number for h in helpers if h.community == candidate.community]
        order += sorted(crew, key=lambda h: (sent[h], number(h)))
        free = [h for h in order if left.get(h, 0) > 0]
        if free:
            who[candidate.elder] = free[0]
            left[free[0]] -= 1
            sent[free[0]] += 1
        elif kind != UPCOMING:
            gaps.append(candidate.elder)
    return who, gaps


def number(helper: str) -> int:
    return int(helper[1:])


@given(st.tuples(tasks_drawn, helpers_drawn, pairings_drawn))
@settings(max_examples=300, deadline=None)
def test_the_queues_assign_as_the_page_says(world: World) -> None:
    tasks, helpers, pairings = world
    pairings[:] = list({(p.elder, p.primary, p.role): p for p in pairings}.values())
    found = todays_list(in_list_order(tasks, TODAY, CLOCK, RULE), helpers, pairings, set())
    who, gaps = word_by_word(world)
    assert {visit.candidate.elder: visit.helper for visit in found.visits} == who
    assert [visit.candidate.elder for visit in found.gaps] == gaps


@given(st.tuples(tasks_drawn, helpers_drawn, pairings_drawn), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_same_input_in_any_order_gives_the_same_list(world: World, luck: Random) -> None:
    before = todays_list(in_list_order(world[0], TODAY, CLOCK, RULE), world[1], world[2], set())
    for rows in world:
        luck.shuffle(rows)
    assert todays_list(in_list_order(world[0], TODAY, CLOCK, RULE), world[1], world[2], set()) == before
