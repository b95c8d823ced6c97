"""Marks: which message a slot calls for at a local time."""

from datetime import date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.marks import Marks, due_mark
from rules.slots import STATES

DAY = date(2028, 3, 1)
EVE = date(2028, 2, 29)
LOCAL = timezone(timedelta(hours=8))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), LOCAL)


@pytest.mark.parametrize(
    ("now", "state", "mark"),
    [
        pytest.param(at(EVE, 16, 59), "published", None, id="a minute before the notice"),
        pytest.param(at(EVE, 17), "published", "notice", id="the notice, on 29 February"),
        pytest.param(at(EVE, 17), "acknowledged", None, id="acknowledged needs no notice"),
        pytest.param(at(EVE, 19, 59), "published", "notice", id="the notice until the next mark"),
        pytest.param(at(EVE, 20), "published", "reminder", id="the notice lapses at the reminder"),
        pytest.param(at(EVE, 20), "acknowledged", None, id="acknowledged needs no reminder"),
        pytest.param(at(DAY, 0), "published", "reminder", id="the reminder lasts the night"),
        pytest.param(at(DAY, 7, 30), "published", "head", id="the centre head in the morning"),
        pytest.param(at(DAY, 7, 30), "acknowledged", None, id="acknowledged does not trouble the head"),
        pytest.param(at(DAY, 7, 30), "on_duty", None, id="came early"),
        pytest.param(at(DAY, 8, 44), "acknowledged", None, id="acknowledged, a minute before the office"),
        pytest.param(at(DAY, 8, 45), "acknowledged", "office", id="acknowledged but not there"),
        pytest.param(at(DAY, 8, 45), "published", "office", id="neither acknowledged nor there"),
        pytest.param(at(DAY, 8, 45), "on_duty", None, id="there in time"),
        pytest.param(at(DAY, 23, 59), "published", "office", id="the office until midnight"),
        pytest.param(at(DAY + timedelta(days=1), 0), "acknowledged", "missed", id="missed at 24:00"),
        pytest.param(at(DAY + timedelta(days=400), 12), "published", "missed", id="missed never lapses"),
        pytest.param(at(DAY + timedelta(days=1), 0), "handed_over", None, id="done"),
        pytest.param(at(DAY + timedelta(days=1), 0), "missed", None, id="recorded already"),
        pytest.param(at(DAY + timedelta(days=1), 0), "gap", None, id="a gap has nobody to miss"),
        pytest.param(at(DAY, 9), "draft", None, id="a draft tells nobody"),
    ],
)
def test_the_latest_mark_whose_time_has_come_is_due_if_the_state_calls_for_it(
    now: datetime, state: str, mark: str | None
) -> None:
    assert due_mark(DAY, now, state, Marks()) == mark
    assert due_mark(DAY, now.replace(tzinfo=None), state, Marks()) == mark


def test_the_times_come_from_policy() -> None:
    marks = Marks(notice=time(12), office=time(9, 30))
    assert due_mark(DAY, at(EVE, 12), "published", marks) == "notice"
    assert due_mark(DAY, at(DAY, 9, 29), "published", marks) == "head"


@given(st.datetimes(datetime(2028, 2, 28), datetime(2028, 3, 4)), st.sampled_from(STATES))  # noqa: DTZ001 - local times
def test_only_an_open_duty_has_marks(now: datetime, state: str) -> None:
    mark = due_mark(DAY, now, state, Marks())
    assert mark is None or state in {"published", "acknowledged"} or (state, mark) == ("gap", "office")
    assert state != "acknowledged" or mark in {None, "office", "missed"}
