"""Sheets, totals, standings and figures beside plain Python, and the edges of a joint exam."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import isclose, sqrt
from statistics import fmean, median, pstdev
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.exams import (
    STATUSES,
    TOTAL,
    Roster,
    Sheet,
    roster,
)
from rules.exams_figures import stats
from rules.exams_policy import Lines
from rules.exams_standings import standings

STUDENTS = st.lists(
    st.tuples(
        st.sampled_from(["S1", "S2", "S3"]),
        st.sampled_from(["1", "2"]),
        st.sampled_from([*STATUSES, "valid", "valid", "valid"]),
        st.integers(0, 300),
    ),
    min_size=1,
    max_size=30,
)
Student = tuple[str, str, str, int]


def them(*students: tuple[str, str, str]) -> Roster:
    """Make a roster of (school, class, track); students are numbered from 0."""
    frame = pl.DataFrame(students, schema=["school", "class", "track"], orient="row")
    return roster(frame.with_row_index("student").with_columns(pl.col("student").cast(pl.Int64)))


def sheet_of(subject: str, marks: Sequence[int | str | None], scale: int = 2, full: int = 300) -> Sheet:
    """Write a sheet: whole numbers are valid, None is absent, words are statuses."""
    words = ["absent" if mark is None else mark if isinstance(mark, str) else "valid" for mark in marks]
    values = [mark if isinstance(mark, int) else 0 for mark in marks]
    codes = [STATUSES.index(word) for word in words]
    return Sheet(subject, scale, full, np.array(codes, np.int8), np.array(values, np.int32))


def exam_of(students: list[Student]) -> tuple[Roster, Sheet]:
    entered = them(*((school, name, "none") for school, name, _, _ in students))
    return entered, sheet_of("数学", [mark if word == "valid" else word for *_, word, mark in students])


@settings(max_examples=50, deadline=None)
@given(STUDENTS)
def test_each_student_stands_as_counting_by_hand_says(students: list[Student]) -> None:
    entered, sheet = exam_of(students)
    marks = [mark for *_, status, mark in students if status == "valid"]
    n, sd = len(marks), pstdev(marks) if marks else 0
    for (_, _, status, mark), row in zip(students, standings(entered, sheet).to_dicts(), strict=True):
        assert row["status"] == status
        if status != "valid":
            assert [row[name] for name in ("mark", "rank", "percentile", "t", "scaled")] == [None] * 5
            continue
        below, above = sum(other < mark for other in marks), sum(other > mark for other in marks)
        assert (row["mark"], row["rank"]) == (mark / 2, above + 1)
        assert row["percentile"] == float(Fraction(100 * (below + n - above), 2 * n))
        assert row["t"] is None if sd == 0 else isclose(row["t"], 50 + 10 * (mark - fmean(marks)) / sd, rel_tol=1e-12)


@settings(max_examples=50, deadline=None)
@given(STUDENTS)
def test_each_group_has_the_figures_of_plain_python(students: list[Student]) -> None:
    entered, sheet = exam_of(students)
    members: dict[str, list[Student]] = {"joint": students}
    for student in students:
        for code in (student[0], f"{student[0]}/{student[1]}"):
            members.setdefault(code, []).append(student)
    seen = {row["code"]: row for row in stats(entered, [sheet], Lines()).to_dicts()}
    for code, inside in members.items():
        status = Counter(word for _, _, word, _ in inside)
        enrolled = status["valid"] + status["absent"] + status["violation"]
        if not enrolled and code != "joint":
            assert code not in seen
            continue
        row, marks = seen[code], [mark for _, _, word, mark in inside if word == "valid"]
        assert [row[name] for name in ("enrolled", "n", "absent", "violation")] == [
            enrolled, len(marks), status["absent"], status["violation"],
        ]  # fmt: skip
        counts = {
            "excellent": sum(mark * 100 >= 80 * 300 for mark in marks),
            "pass": sum(mark * 100 >= 60 * 300 for mark in marks),
            "low": sum(mark * 100 < 40 * 300 for mark in marks),
        }
        for name, count in counts.items():
            assert row[f"{name}_rate"] == (count / len(marks) if marks else None)
            assert row[f"{name}_rate_enrolled"] == (count / enrolled if enrolled else None)
        if marks:
            assert row["mean"] == float(Fraction(sum(marks), 2 * len(marks)))
            assert (row["median"], row["max"], row["min"]) == (median(marks) / 2, max(marks) / 2, min(marks) / 2)
            assert row["sd"] == pytest.approx(pstdev(marks) / 2, rel=1e-12, abs=1e-12)
        else:
            assert {row[name] for name in ("mean", "median", "max", "min", "sd", "pass_rate")} == {None}


@settings(max_examples=40, deadline=None)
@given(STUDENTS, st.randoms(use_true_random=False))
def test_the_order_of_the_roster_changes_nothing(students: list[Student], chance: Any) -> None:
    mixed = chance.sample(students, len(students))
    once, again = (stats(*_args(order)).sort("code") for order in (students, mixed))
    assert once.equals(again)


def _args(students: list[Student]) -> tuple[Roster, list[Sheet], Lines]:
    entered, sheet = exam_of(students)
    return entered, [sheet], Lines()


def test_ranks_of_many_tied_do_not_wrap() -> None:
    """The sum of 100,000 ranks is beyond 2^32; the last of them is ranked 99,999."""
    n = 100_000
    entered = them(*[("S1", "1", "none")] * n)
    found = standings(entered, sheet_of("数学", [200] * (n - 2) + [100, 100]))
    assert found["rank"].dtype == pl.Int64
    assert (found["rank"].sum(), found["rank"].max()) == (n - 2 + 2 * (n - 1), n - 1)


def test_the_spread_of_a_province_does_not_overflow() -> None:
    """400,000 totals of 0 and 750 in tenths: n times the sum of squares is beyond 2^62."""
    n = 400_000
    entered = them(*[("S1", "1", "none")] * n)
    joint = stats(entered, [sheet_of(TOTAL, [0, 7500] * (n // 2), 10, 7500)], Lines()).to_dicts()[0]
    assert (joint["sd"], joint["mean"]) == (375, 375)


def test_who_moves_to_another_school_takes_the_marks_along_and_leaves_the_joint_figures() -> None:
    marks: list[int | str | None] = [200, 180, 100]
    before = them(("S1", "1", "none"), ("S1", "1", "none"), ("S2", "1", "none"))
    after = them(("S1", "1", "none"), ("S2", "1", "none"), ("S2", "1", "none"))
    old, new = (
        {row["code"]: row for row in stats(where, [sheet_of("数学", marks)], Lines()).to_dicts()}
        for where in (before, after)
    )
    assert old["joint"] == new["joint"]
    assert [(each["S1"]["n"], each["S2"]["n"]) for each in (old, new)] == [(2, 1), (1, 2)]
    assert new["S2"]["mean"] == 70


def test_an_empty_roster_has_no_figures_but_the_joint_line() -> None:
    entered = roster(pl.DataFrame(schema=dict.fromkeys(("student", "school", "class", "track"), pl.String)))
    sheet = sheet_of("数学", [])
    (row,) = stats(entered, [sheet], Lines()).to_dicts()
    assert (row["enrolled"], row["mean"], row["pass_rate"]) == (0, None, None)
    assert standings(entered, sheet).height == 0


def test_percentiles_are_of_the_full_cohort_and_missing_without_a_result() -> None:
    found = standings(them(*[("S1", "1", "none")] * 4), sheet_of("数学", [10, None, 20, 20]))["percentile"]
    assert found.to_list() == [pytest.approx(100 / 6), None, pytest.approx(200 / 3), pytest.approx(200 / 3)]


def test_t_of_a_mark_is_the_distance_from_the_mean() -> None:
    """Marks 40, 50, 60: SD is the root of 200/3, so 60 is 50 + 100 / 8.165."""
    found = standings(them(*[("S1", "1", "none")] * 3), sheet_of("数学", [80, 100, 120]))
    assert found["t"].to_list() == pytest.approx([50 - 100 / sqrt(200 / 3), 50, 50 + 100 / sqrt(200 / 3)])
