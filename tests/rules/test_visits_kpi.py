"""The monthly figures by hand and against counting the days one by one."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import Day, dates_between
from rules.visits import tasks
from rules.visits_clock import Clock, Clocks
from rules.visits_facts import OUTCOMES, STATUSES, Contact, History, StatusRow, TierRow, community_on, known
from rules.visits_kpi import OnTime, Rate, Verdict, add, on_time, verdict
from rules.workdays import Workdays

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
LONG_AGO = date(2025, 6, 1)
WORKDAYS = Workdays(
    {
        day: Day(day, "work" if day.weekday() < 5 else "rest")
        for day in dates_between(date(2025, 1, 1), date(2026, 12, 31))
    }
)
CLOCKS = Clocks([Clock(date(2025, 1, 1))])


def stamp(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time())


def day_of(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def elder(
    tier: str = "yellow",
    registered: date = LONG_AGO,
    *,
    statuses: dict[str, str] | None = None,
    tiers: dict[str, str] | None = None,
    contacts: dict[str, str] | None = None,
) -> History:
    """An elder; contacts are met on a day and recorded on a day, such as {03-05: 03-06}."""
    rows = [StatusRow(day_of(day), status, stamp(day_of(day))) for day, status in (statuses or {}).items()]  # type: ignore[arg-type]
    graded = [TierRow(registered, tier, stamp(registered))]  # type: ignore[arg-type]
    graded += [TierRow(day_of(day), other, stamp(day_of(day))) for day, other in (tiers or {}).items()]  # type: ignore[arg-type]
    met = [Contact(day_of(day), "MET", stamp(day_of(known_on))) for day, known_on in (contacts or {}).items()]
    return History(registered, stamp(registered), graded, rows, met)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        pytest.param(elder(), Verdict("counted", False), id="yellow all month, not visited"),
        pytest.param(elder("red", contacts={"03-31": "03-31"}), Verdict("counted", True), id="visited on the last day"),
        pytest.param(
            elder(contacts={"02-28": "02-28", "04-01": "04-01"}), Verdict("counted", False), id="the days around it"
        ),
        pytest.param(elder("green", contacts={"03-02": "03-02"}), Verdict("green", True), id="green is shown beside"),
        pytest.param(
            elder(registered=date(2026, 3, 17)), Verdict("counted", False), id="registered on the 17th: 15 days"
        ),
        pytest.param(
            elder(registered=date(2026, 3, 18)), Verdict("left_out", False, "not_registered"), id="the 18th: 14 days"
        ),
        pytest.param(
            elder(statuses={"03-16": "DEAD"}), Verdict("counted", False), id="died on the 16th: 15 days before"
        ),
        pytest.param(
            elder(statuses={"03-15": "DEAD"}, contacts={"03-14": "03-14"}),
            Verdict("left_out", True, "dead"),
            id="died on the 15th: 14 days before",
        ),
        pytest.param(elder(statuses={"03-15": "MOVED"}), Verdict("left_out", False, "moved"), id="moved out"),
        pytest.param(
            elder(statuses={"03-02": "HOSPITAL", "03-17": "ACTIVE"}),
            Verdict("counted", False),
            id="home on the 17th: the 1st and 15 days",
        ),
        pytest.param(
            elder(statuses={"03-02": "HOSPITAL", "03-19": "ACTIVE"}),
            Verdict("left_out", False, "hospital"),
            id="home on the 19th: 14 days in all",
        ),
        pytest.param(elder(statuses={"02-10": "REFUSED"}), Verdict("left_out", False, "refused"), id="refused"),
        pytest.param(elder(statuses={"02-10": "DEAD"}), Verdict("absent", False), id="dead before the month"),
        pytest.param(elder(registered=date(2026, 4, 1)), Verdict("absent", False), id="registered after it"),
        pytest.param(
            elder("green", tiers={"03-17": "red"}),
            Verdict("counted", False),
            id="re-graded to red on the 17th: 15 days",
        ),
        pytest.param(elder("green", tiers={"03-18": "red"}), Verdict("green", False), id="on the 18th: 17 days green"),
        pytest.param(
            elder(statuses={"03-05": "DEAD"}, contacts={"03-09": "03-10"}),
            Verdict("left_out", False, "dead"),
            id="a contact after death does not count",
        ),
        pytest.param(
            elder(contacts={"03-20": "03-20"}, statuses={"03-18": "AWAY", "03-25": "ACTIVE"}),
            Verdict("counted", True),
            id="met while away counts",
        ),
    ],
)
def test_an_elder_counts_with_15_eligible_days(history: History, expected: Verdict) -> None:
    assert verdict(history, FIRST, LAST, 15) == expected


def test_a_february_of_28_days_needs_15_as_well() -> None:
    history = elder(registered=date(2026, 2, 15))
    assert verdict(history, date(2026, 2, 1), date(2026, 2, 28), 15).group == "left_out"
    assert verdict(history, date(2026, 2, 1), date(2026, 2, 28), 14).group == "counted"


def test_the_snapshot_and_the_restatement_of_a_month_can_stand_side_by_side() -> None:
    """Met on 31 March, the paper came on 2 April: not known on the 1st, nor on the 2nd before 00:00 of the 3rd."""
    history = elder(contacts={"03-31": "04-02"})
    seen = [known(history, date(2026, 4, day)) for day in (1, 2, 3)]
    assert [verdict(then, FIRST, LAST, 15).contacted for then in seen if then] == [False, False, True]


def visit_rates(verdicts: Iterable[tuple[Iterable[str], Verdict]]) -> dict[str, Rate]:
    """Verdicts added up by scope; an elder may be in several."""
    rates: dict[str, Rate] = {}
    for scopes, one in verdicts:
        for scope in scopes:
            add(rates.setdefault(scope, Rate()), one)
    return rates


def test_rates_add_up_by_scope_and_nobody_disappears() -> None:
    verdicts = [
        (("district", "东"), Verdict("counted", True)),
        (("district", "东"), Verdict("counted", False)),
        (("district", "西"), Verdict("counted", True)),
        (("district", "西"), Verdict("green", True)),
        (("district", "西"), Verdict("left_out", False, "dead")),
        (("district", "西"), Verdict("absent", False)),
    ]
    rates = visit_rates(verdicts)
    assert (rates["东"].value, rates["西"].value, rates["district"].value) == (
        Fraction(1, 2),
        Fraction(1),
        Fraction(2, 3),
    )
    assert (rates["西"].green_visited, rates["西"].green, rates["西"].left_out) == (1, 1, Counter(dead=1))


def test_a_scope_without_anyone_to_count_has_no_rate() -> None:
    assert visit_rates([(("东",), Verdict("green", True))])["东"].value is None
    assert OnTime(0, 0, 0).value is None


def test_an_elder_of_several_categories_counts_in_each() -> None:
    rates = visit_rates([(("living alone", "disabled"), Verdict("counted", True))])
    assert rates["living alone"].value == rates["disabled"].value == 1


def test_who_moved_inside_the_district_counts_where_they_are_at_month_end() -> None:
    rows = [
        StatusRow(day_of("03-10"), "MOVED", stamp(day_of("03-10")), "西"),
        StatusRow(day_of("04-02"), "MOVED", stamp(day_of("04-02")), "北"),
    ]
    history = History(LONG_AGO, stamp(LONG_AGO), [TierRow(LONG_AGO, "yellow", stamp(LONG_AGO))], rows)
    assert community_on(rows, "东", LAST) == "西"
    assert verdict(history, FIRST, LAST, 15).group == "counted"


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        pytest.param(elder(contacts={"03-31": "03-31"}), (1, 1, 0), id="yellow on the 31st, its last day"),
        pytest.param(elder(contacts={"02-20": "02-20"}), (0, 1, 0), id="yellow not visited: missed, no longer open"),
        pytest.param(
            elder("red", contacts={"02-25": "02-25", "03-04": "03-04", "03-14": "03-14", "03-28": "03-28"}),
            (1, 3, 0),
            id="red on 4, 14, 28: due 4, 11 and 21 March; the next is due in April",
        ),
        pytest.param(elder("red", contacts={"03-20": "03-20"}), (0, 1, 1), id="red due on the 27th and still open"),
        pytest.param(
            elder("red", contacts={"03-20": "03-20"}, statuses={"03-25": "DEAD"}), (0, 0, 0), id="cancelled by a death"
        ),
        pytest.param(
            elder("red", contacts={"03-20": "03-20"}, statuses={"03-25": "HOSPITAL"}), (0, 0, 0), id="suspended"
        ),
        pytest.param(
            elder("red", contacts={"03-10": "03-10"}, statuses={"03-25": "DEAD"}), (0, 1, 0), id="missed before a death"
        ),
    ],
)
def test_on_time_is_of_the_tasks_due_in_the_month(history: History, expected: tuple[int, int, int]) -> None:
    day = date(2026, 4, 1)
    assert on_time(tasks(history, day, CLOCKS, WORKDAYS), FIRST, LAST, day) == expected


days = st.dates(date(2026, 2, 10), date(2026, 4, 10))
stamps = days.map(stamp)
histories = st.builds(
    History,
    days,
    st.just(stamp(LONG_AGO)),
    st.lists(st.builds(TierRow, days, st.sampled_from(["red", "yellow", "green"]), stamps), min_size=1, max_size=3),
    st.lists(st.builds(StatusRow, days, st.sampled_from(["ACTIVE", "ACTIVE", *STATUSES]), stamps), max_size=4),
    st.lists(st.builds(Contact, days, st.sampled_from(OUTCOMES), stamps), max_size=4),
)


def day_by_day(history: History) -> Verdict:
    """Ask of every day of March what it was."""
    seen: Counter[str] = Counter()
    contacted = False
    for day in dates_between(FIRST, LAST):
        rows = [row for row in history.statuses if row.since <= day]
        row = max(rows, key=lambda r: (r.since, r.recorded_at, -STATUSES.index(r.status)), default=None)
        graded = [r for r in history.tiers if r.since <= day] or [min(history.tiers, key=lambda r: r.since)]
        start = max(r.since for r in graded)
        order = ["green", "yellow", "red"]
        same = [r for r in history.tiers if r.since == start]
        tier = max(same, key=lambda r: (r.recorded_at, order.index(r.tier))).tier
        status = "ACTIVE" if row is None else row.status
        registered = day >= history.registered_on
        kind = {"ACTIVE": "green" if tier == "green" else "eligible"}.get(status, status.lower())
        seen[kind if registered else "not_registered"] += 1
        gone = status in {"DEAD", "MOVED"} and row is not None and max(row.since, history.registered_on) < day
        met = {c.outcome for c in history.contacts if c.occurred_on == day} & {"MET", "PHONE", "VIDEO"}
        contacted = contacted or bool(met and registered and not gone)
    order = ["dead", "moved", "institution", "refused", "hospital", "away", "not_registered", "green"]
    if seen["not_registered"] + seen["dead"] + seen["moved"] == 31:
        return Verdict("absent", contacted)
    if seen["eligible"] >= 15:
        return Verdict("counted", contacted)
    if seen["green"] >= 15:
        return Verdict("green", contacted)
    most: str = max(order, key=lambda kind: seen[kind])
    return Verdict("left_out", contacted, most)  # type: ignore[arg-type]


@given(histories)
@settings(max_examples=300, deadline=None)
def test_the_verdict_is_that_of_counting_the_days(history: History) -> None:
    assert verdict(history, FIRST, LAST, 15) == day_by_day(history)


@given(st.lists(histories, max_size=8))
@settings(max_examples=50, deadline=None)
def test_every_elder_is_counted_green_left_out_or_absent(many: list[History]) -> None:
    verdicts = [verdict(history, FIRST, LAST, 15) for history in many]
    rate = visit_rates([(("all",), one) for one in verdicts]).get("all")
    absent = sum(one.group == "absent" for one in verdicts)
    total = rate.counted + rate.green + rate.left_out.total() if rate else 0
    assert total + absent == len(many)
    assert rate is None or rate.visited <= rate.counted


@given(histories, st.integers(0, 30))
@settings(max_examples=100, deadline=None)
def test_on_time_never_exceeds_what_was_due(history: History, later: int) -> None:
    day = LAST + timedelta(days=later)
    found = on_time(tasks(history, day, CLOCKS, WORKDAYS), FIRST, LAST, day)
    assert 0 <= found.on_time + found.overdue <= found.due
