"""The states of a task: which may follow which as days pass and papers come in."""

from datetime import date, datetime, time

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import Day, dates_between
from rules.visits import tasks
from rules.visits_clock import Clock, Clocks
from rules.visits_facts import OUTCOMES, STATUSES, Contact, History, StatusRow, TierRow, known
from rules.visits_task import NAMES, STATES, TRANSITIONS
from rules.workdays import Workdays

WORKDAYS = Workdays(
    {
        day: Day(day, "work" if day.weekday() < 5 else "rest")
        for day in dates_between(date(2025, 1, 1), date(2027, 1, 1))
    }
)
CLOCKS = Clocks([Clock(date(2025, 1, 1))])
days = st.dates(date(2026, 3, 1), date(2026, 5, 10))
stamps = st.builds(datetime.combine, days, st.just(time(12)))
histories = st.builds(
    History,
    st.just(date(2026, 3, 1)),
    st.just(datetime.combine(date(2026, 3, 1), time(8))),
    st.lists(st.builds(TierRow, days, st.sampled_from(["red", "yellow", "green"]), stamps), min_size=1, max_size=3),
    st.lists(st.builds(StatusRow, days, st.sampled_from(["ACTIVE", "ACTIVE", *STATUSES]), stamps), max_size=4),
    st.lists(st.builds(Contact, days, st.sampled_from(["MET", *OUTCOMES]), stamps), max_size=6),
)


@given(histories, days, days)
@settings(max_examples=250, deadline=None)
def test_any_change_that_new_days_and_papers_bring_is_in_the_table(history: History, one: date, other: date) -> None:
    """What vanishes altogether is cancelled as superseded, which the table allows from every state."""
    before, after = sorted((one, other))
    seen: list[dict[tuple[str, str], str]] = [{}, {}]
    for place, day in enumerate((before, after)):
        then = known(history, day)
        if then is not None:
            seen[place] = {(task.kind, task.cycle): task.state for task in tasks(then, day, CLOCKS, WORKDAYS)}
    changes = {(state, seen[1].get(key, "CANCELLED")) for key, state in seen[0].items()}
    assert {change for change in changes if change[0] != change[1]} <= TRANSITIONS


def test_every_state_has_a_name_and_none_is_final_as_any_paper_may_be_corrected() -> None:
    assert set(NAMES) == set(STATES)
    assert {before for before, _ in TRANSITIONS} == set(STATES)
