"""Progress, value added, schools side by side and lines: small cases by hand and what must always hold."""

from math import sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.exams import ABSENT, VALID, Paper, Sheet, laid, roster
from rules.exams_comparison import compared
from rules.exams_figures import stats
from rules.exams_intervals import mean_interval, t_quantile, wilson
from rules.exams_lines import borderline, effective, line_at_mark, line_at_places, segments, subject_line
from rules.exams_policy import Lines
from rules.exams_progress import progress, value_added

MARKS = st.lists(st.none() | st.integers(0, 60), min_size=1, max_size=40)


def sheet_of(marks: list[int | None], scale: int = 1) -> Sheet:
    status = [ABSENT if mark is None else VALID for mark in marks]
    return Sheet("总分", scale, 60, np.array(status, np.int8), np.array([mark or 0 for mark in marks], np.int32))


def test_only_who_has_a_result_in_both_exams_is_matched() -> None:
    before = pl.DataFrame({"student": ["A", "B", "C"], "percentile": [10.0, None, 50.0]})
    after = pl.DataFrame(
        {"student": ["C", "A", "B", "D"], "school": ["S1", "S2", "S1", "S1"], "percentile": [40.0, 30.5, 9.0, 99.0]}
    )
    assert progress(before, after).rows() == [("A", "S2", 10.0, 30.5, 20.5), ("C", "S1", 50.0, 40.0, -10.0)]


def test_value_added_is_the_mean_distance_from_the_common_line() -> None:
    """Before 0, 0, 10, 10; after 0, 4, 10, 14: the line is 2 + before. S1 has -2 and -2, S2 +2 and +2."""
    matched = pl.DataFrame(
        {"student": list("ABCD"), "school": ["S1", "S2"] * 2, "before": [0.0, 0, 10, 10], "after": [0.0, 4, 10, 14]}
    )
    assert value_added(matched).rows() == [("S1", 2, -2, -2, -2), ("S2", 2, 2, 2, 2)]


def test_a_school_of_one_has_no_interval() -> None:
    matched = pl.DataFrame({"student": ["A", "B"], "school": ["S1", "S2"], "before": [1.0, 2.0], "after": [1.0, 4.0]})
    assert value_added(matched)["low"].to_list() == [None, None]


@pytest.mark.parametrize("size", [0, 1, 3])
def test_without_spread_before_there_is_no_line(size: int) -> None:
    columns = {"student": range(size), "school": ["S1"] * size, "before": [5.0] * size, "after": [1.0] * size}
    schema = {"student": pl.Int64, "school": pl.String, "before": pl.Float64, "after": pl.Float64}
    assert value_added(pl.DataFrame(columns, schema=schema)).height == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("XYZ"), st.integers(0, 100), st.integers(0, 100)), min_size=2, max_size=30))
def test_residuals_of_all_schools_cancel_out(rows: list[tuple[str, int, int]]) -> None:
    frame = pl.DataFrame(rows, schema={"school": pl.String, "before": pl.Float64, "after": pl.Float64}, orient="row")
    found = value_added(frame.with_row_index("student"))
    assert sum(row["n"] * row["value_added"] for row in found.to_dicts()) == pytest.approx(0, abs=1e-7)
    assert all(row["low"] is None or row["low"] <= row["value_added"] <= row["high"] for row in found.to_dicts())


def test_schools_stand_side_by_side_with_intervals() -> None:
    """S1 has 60 and 80: mean 70, SD (ddof 1) root of 200, t(1) 12.706. S2 has one mark: no interval of a mean."""
    students = pl.DataFrame(
        {"student": [1, 2, 3], "school": ["S1", "S1", "S2"], "class": ["1"] * 3, "track": ["none"] * 3}
    )
    them = roster(students)
    rows = pl.DataFrame({"student": [1, 2, 3], "status": ["valid"] * 3, "mark": [60, 80, 90]})
    found = compared(
        stats(them, [laid(them, Paper("数学", 100, 1), rows)], Lines()).filter(pl.col("scope") == "school")
    )
    first, second = found.to_dicts()
    reach = t_quantile(1) * sqrt(200) / sqrt(2)
    assert (first["mean_low"], first["mean_high"]) == pytest.approx((70 - reach, 70 + reach))
    assert (first["excellent_rate_low"], first["excellent_rate_high"]) == pytest.approx(wilson(1, 2))
    assert (second["n"], second["mean_low"], second["excellent_rate_high"]) == (1, None, 1.0)


@settings(max_examples=40)
@given(st.integers(1, 5000), st.data())
def test_a_rate_lies_in_its_interval_and_the_complement_mirrors_it(n: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, n))
    found, mirrored = wilson(count, n), wilson(n - count, n)
    assert found is not None
    assert mirrored is not None
    assert 0 <= found[0] <= count / n <= found[1] <= 1
    assert found == pytest.approx((1 - mirrored[1], 1 - mirrored[0]), abs=1e-12)


def test_no_interval_without_values() -> None:
    assert (wilson(0, 0), mean_interval(5, 0, 1)) == (None, None)


@settings(max_examples=50, deadline=None)
@given(MARKS, MARKS, st.integers(1, 50))
def test_lines_count_as_the_definitions_say(first: list[int | None], second: list[int | None], places: int) -> None:
    size = min(len(first), len(second))
    totals, subject = sheet_of(first[:size]), sheet_of(second[:size])
    ranked = sorted((mark for mark in first[:size] if mark is not None), reverse=True)
    line = line_at_places("本科线", totals, places)
    if not ranked:
        assert line is None
        return
    assert line is not None
    assert line.mark == ranked[min(places, len(ranked)) - 1]
    assert line.reached == sum(mark >= line.mark for mark in ranked)
    own = subject_line(subject, line)
    marks = sorted((mark for mark in second[:size] if mark is not None), reverse=True)
    position = len(marks) * line.reached // len(ranked)
    assert own == (marks[position - 1] if position else None)
    found = effective(totals, subject, line, own)
    pairs = list(zip(first[:size], second[:size], strict=True))
    single = [t for t, x in pairs if own is not None and x is not None and x >= own]
    assert (found.single, found.double) == (len(single), sum(t is not None and t >= line.mark for t in single))
    assert found.double + found.mismatch == line.reached


def test_a_group_is_measured_by_the_cohorts_lines() -> None:
    totals = sheet_of([50, 40, 30, 20])
    line = line_at_mark("特控线", totals, 40)
    one = np.array([True, False, False, True])
    found = effective(totals, totals, line, subject_line(totals, line), one)
    assert (found.mark, found.single, found.double, found.reached) == (40, 1, 1, 1)


def test_nobody_is_borderline_at_the_line_or_without_a_total() -> None:
    totals = sheet_of([40, 39, 30, 29, None])
    assert borderline(totals, line_at_mark("本科线", totals, 40), 10).tolist() == [False, True, True, False, False]


def test_segments_go_mark_by_mark_from_the_top_and_half_marks_belong_below() -> None:
    """In halves: 60, 59.5, 59, 57 - nobody has 58."""
    found = segments(sheet_of([120, 119, 118, 114, None], scale=2))
    assert found.rows() == [(60, 1, 1), (59, 2, 3), (58, 0, 3), (57, 1, 4)]


def test_segments_of_nobody_are_none() -> None:
    assert segments(sheet_of([None])).height == 0
