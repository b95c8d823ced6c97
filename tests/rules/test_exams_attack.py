"""What a reader with a computer makes of all figures at once: exact elimination over everything that is shown.

The unknowns are the students of each class in four bands (low, middle, good, excellent); a shown n or count is an
equation, and a sum of bands that is 0 makes each of them 0. Whatever follows must not be a few.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.exams import Paper, laid, roster, total
from rules.exams_figures import stats
from rules.exams_line_scope import cut_parts
from rules.exams_policy import Lines, Suppression
from rules.exams_privacy import few_hidden, suppressed
from rules.exams_scope import hidden_parts, items_shown, joint_for, steps
from tests.rules.test_exams import sheet_of

RULE = Suppression()
Marks = Sequence[Sequence[Sequence[int | None]]]
MARK = st.sampled_from([90, 90, 70, 50, 30, None])
SCHOOLS = st.lists(
    st.lists(st.lists(MARK, min_size=1, max_size=14), min_size=1, max_size=3), min_size=2, max_size=4
)  # fmt: skip
LOW, MIDDLE, GOOD, BEST = range(4)
COUNTS = {
    "n": (LOW, MIDDLE, GOOD, BEST), "excellent": (BEST,), "pass": (GOOD, BEST), "low": (LOW,), "good": (GOOD,),
    "middle": (MIDDLE,), "middle and good": (MIDDLE, GOOD), "not excellent": (LOW, MIDDLE, GOOD),
    "not pass": (LOW, MIDDLE), "not low": (MIDDLE, GOOD, BEST),
}  # fmt: skip


class Knowledge:
    """Linear equations in echelon form; rows are {unknown: coefficient} with the value under None."""

    def __init__(self) -> None:
        self.rows: dict[Any, dict[Any, Fraction]] = {}

    def left(self, equation: Mapping[Any, Fraction]) -> dict[Any, Fraction]:
        rest = dict(equation)
        for pivot in [each for each in rest if each in self.rows]:
            times = rest.get(pivot, Fraction(0))
            for name, value in self.rows[pivot].items():
                rest[name] = rest.get(name, Fraction(0)) - times * value
        return {name: value for name, value in rest.items() if value or name is None}

    def learn(self, unknowns: Sequence[Any], value: int | Fraction, less: Sequence[Any] = ()) -> bool:
        """Take in that some unknowns, less others, come to a value; say whether that is new."""
        both = dict.fromkeys(unknowns, Fraction(1)) | dict.fromkeys(less, Fraction(-1))
        rest = self.left({**both, None: Fraction(value)})
        pivot = next((name for name in rest if name is not None), None)
        if pivot is None:
            assert not rest.get(None)
            return False
        new = {name: each / rest[pivot] for name, each in rest.items()}
        for line in self.rows.values():
            if pivot in line:
                times = line[pivot]
                for name, each in new.items():
                    line[name] = line.get(name, Fraction(0)) - times * each
                for name in [name for name, each in line.items() if not each and name is not None]:
                    del line[name]
        self.rows[pivot] = new
        return True

    def value(self, unknowns: Sequence[Any]) -> Fraction | None:
        rest = self.left({**dict.fromkeys(unknowns, Fraction(1)), None: Fraction(0)})
        return None if any(name is not None for name in rest) else -rest.get(None, Fraction(0))


def figures(schools: Marks, papers: int = 1) -> pl.DataFrame:
    """Schools -> classes -> marks of 100; further papers have the marks of the students before."""
    rows = [
        (f"{s}-{c}-{i}", f"S{s}", f"C{c}", "none", mark, (marks[i - 1] if i else mark))
        for s, classes in enumerate(schools)
        for c, marks in enumerate(classes)
        for i, mark in enumerate(marks)
    ]
    names = ["student", "school", "class", "track", "mark0", "mark1"]
    frame = pl.DataFrame(
        rows, schema=dict.fromkeys(names[:4], pl.String) | dict.fromkeys(names[4:], pl.Int64), orient="row"
    )
    them = roster(frame.drop("mark0", "mark1"))
    sheets = []
    for paper in range(papers):
        mark = pl.col(f"mark{paper}")
        status = pl.when(mark.is_null()).then(pl.lit("absent")).otherwise(pl.lit("valid")).alias("status")
        sheets.append(laid(them, Paper(f"科{paper}", 100, 1), frame.select("student", status, mark.alias("mark"))))
    return stats(them, [*sheets, total(sheets)] if papers > 1 else sheets, Lines())


def unknowns(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], bands: Sequence[int], leaf: str) -> list[Any]:
    inside = [
        each for each in rows
        if each["scope"] == leaf and (row["scope"] == "joint" or row["code"] in {each["code"], each["school"]})
    ]  # fmt: skip
    return [(each["code"], band) for each in inside for band in bands]


def learnt(true: Sequence[Mapping[str, Any]], shown: Sequence[Mapping[str, Any]], leaf: str) -> Knowledge:
    """Learn all shown counts and extremes, then what is nobody, until nothing new follows."""
    known = Knowledge()
    for row, read in zip(true, shown, strict=True):
        for name in ("n", "excellent", "pass", "low"):
            count = read["n"] if name == "n" else read[f"{name}_count"]
            if count is not None:
                known.learn(unknowns(row, true, COUNTS[name], leaf), count)
        if read["max"] is not None:
            over = [band for band, least in ((MIDDLE, 40), (GOOD, 60), (BEST, 80)) if read["max"] < least]
            under = [band for band, most in ((LOW, 40), (MIDDLE, 60), (GOOD, 80)) if read["min"] >= most]
            for each in unknowns(row, true, [*over, *under], leaf):
                known.learn([each], 0)
    sums = [unknowns(row, true, bands, leaf) for row in true for bands in COUNTS.values()]
    while any([known.learn([each], 0) for some in sums if known.value(some) == 0 for each in some]):  # noqa: C419 - all
        pass
    return known


def assert_no_few(true: list[dict[str, Any]], shown: list[dict[str, Any]], leaf: str = "class") -> None:
    known = learnt(true, shown, leaf)
    for row in true:
        for name, bands in COUNTS.items():
            value = known.value(unknowns(row, true, bands, leaf))
            assert value is None or value == 0 or value >= 5, (row["code"], name, value)


@settings(max_examples=25, deadline=None)
@given(SCHOOLS)
def test_no_count_of_a_few_follows_from_the_export(schools: Marks) -> None:
    frame = figures(schools)
    assert_no_few(frame.to_dicts(), suppressed(frame, RULE).to_dicts())


@pytest.mark.parametrize(
    "schools",
    [
        pytest.param([[[90] * 10 + [70] * 2 + [50] * 8], [[90] * 9 + [70] * 9 + [50] * 8]], id="two between the rates"),
        pytest.param([[[90] * 2 + [70] * 6], [[90] * 9], [[50] * 9]], id="all excellent is told by the lowest mark"),
        pytest.param([[[90] * 7 + [70]], [[50] * 9], [[50] * 20]], id="who never passes covers nobody"),
    ],
)
def test_known_leaks_are_closed(schools: Marks) -> None:
    frame = figures(schools)
    assert_no_few(frame.to_dicts(), suppressed(frame, RULE).to_dicts())


@settings(max_examples=25, deadline=None)
@given(SCHOOLS)
def test_no_sum_of_a_few_follows_from_papers_and_totals(schools: Marks) -> None:
    """The unknowns are the sums of each class in each paper and the total, equal where nobody is absent from one."""
    frame = figures(schools, papers=2)
    known, true = Knowledge(), frame.to_dicts()
    rows = [row for row in true if row["subject"] == "科0"]

    def sums(row: dict[str, Any]) -> list[Any]:
        return [(code, row["subject"]) for code, _ in unknowns(row, rows, (0,), "class")]

    for row, read in zip(true, suppressed(frame, RULE).to_dicts(), strict=True):
        if read["mean"] is not None:
            known.learn(sums(row), round(row["mean"] * row["n"]))
    papers = {
        subject: {row["code"]: row for row in true if row["subject"] == subject} for subject in ("科0", "科1", "total")
    }
    for code, row in papers["total"].items():
        if row["scope"] == "class" and all(papers[s][code]["n"] == row["n"] for s in papers):
            known.learn([(code, "科0"), (code, "科1")], 0, less=[(code, "total")])
    for row in true:
        assert row["n"] == 0 or row["n"] >= 5 or known.value(sums(row)) is None, row["code"]


@settings(max_examples=25, deadline=None)
@given(SCHOOLS, st.sampled_from([2, 3, 6]))
def test_a_school_learns_nothing_of_a_few_elsewhere(schools: Marks, size: int) -> None:
    """Own classes are known; of others the joint figures and the lettered schools, whose n is taken as known too."""
    frame = figures([schools[at % len(schools)] for at in range(size)]).filter(pl.col("scope") != "class")
    joint, beside = joint_for(frame, "S0", RULE)
    own = frame.filter(pl.col("code") == "S0")
    told = pl.concat(
        [
            joint,
            own.with_columns(rest=pl.lit(0, joint.schema["rest"]), hidden=pl.lit([], pl.List(pl.String))).select(
                joint.columns
            ),
            beside,
        ]
    )
    shown = {row["code"]: row for row in told.to_dicts()}
    true = [row for row in frame.to_dicts() if row["code"] in shown]
    known = learnt(true, [shown[row["code"]] for row in true], "school")
    for row in true:
        if row["code"] == "S0":
            continue
        for name, bands in COUNTS.items():
            some = [each for each in unknowns(row, true, bands, "school") if each[0] != "S0"]
            value = known.value(some)
            assert value is None or value == 0 or value >= 5, (row["code"], name, value)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.lists(st.integers(0, 40), max_size=3))
def test_no_step_and_no_difference_to_a_told_count_is_a_few(marks: list[int], lines: list[int]) -> None:
    reached = sorted({sum(mark >= line for mark in marks) for line in lines} | {len(marks)})
    told = [each for at, each in enumerate(reached) if all(abs(each - other) >= 5 for other in [0, *reached[:at]])]
    found = steps(sheet_of("数学", list(marks), 1), 5, told if len(marks) in told else [])
    counts = [0, *found["cumulative"], *(told if len(marks) in told else [])]
    assert all(abs(a - b) == 0 or abs(a - b) >= 5 for a in counts for b in counts)
    assert found.is_empty() == (len(marks) < 5)
    assert found["n"].sum() == (len(marks) if found.height else 0)
    assert all(sum(m >= mark for m in marks) == n for mark, n in found.select("mark", "cumulative").iter_rows())


def test_steps_are_single_marks_where_many_have_them() -> None:
    """60: 6, 59: 3, 58: 2, 57: nobody, 56: 1, which joins the step above."""
    found = steps(sheet_of("数学", [60] * 6 + [59] * 3 + [58] * 2 + [56], 1), 5, [])
    assert found.rows() == [(60, 60, 6, 6), (56, 59, 6, 12)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=30), min_size=2, max_size=5), st.integers(1, 8))
def test_counts_at_two_lines_and_a_rate_leave_no_few(schools: list[list[int]], line: int) -> None:
    marks = [mark for each in schools for mark in each]
    school = np.repeat(np.arange(len(schools), dtype=np.int32), [len(each) for each in schools])
    cuts, hidden = [5, line], []
    for at in (1, 2):
        parts = cut_parts(sheet_of("数学", list(marks), 1), cuts[:at], [6], school, len(schools))
        hidden.append(hidden_parts(parts[0], parts[1:], 5, empty=True))
    for at, few in enumerate(hidden):
        shown = [each for each in range(len(schools) + 1) if each not in few]
        for cut, other in ((cuts[at], 6), (cuts[at], 0), (cuts[at], 10), *([(5, line)] if at else [])):
            low, high = sorted((cut, other))
            counts = [sum(low <= mark < high for mark in each) for each in schools]
            seen = [counts[each - 1] for each in shown if each]
            rest = [sum(counts) - sum(seen)] if 0 in shown else []
            assert all(each == 0 or each >= 5 for each in [*seen, *rest])


def test_an_item_that_few_answered_takes_another_along_for_items_add_up() -> None:
    frame = pl.DataFrame({"subject": ["数学"] * 3, "item": ["1", "2", "3"], "n": [40, 3, 30], "mean": [1.0, 2.0, 3.0]})
    assert few_hidden(frame, RULE)["mean"].to_list() == [1.0, None, None]
    one = pl.DataFrame({"subject": ["数学"], "items": [3], "n": [4], "alpha": [0.5]})
    assert few_hidden(one, RULE)["alpha"].to_list() == [None]


def test_a_hidden_item_takes_one_of_its_point_along() -> None:
    assert items_shown([40, 3, 30], [20, 2, 15], ["函数", "函数", "几何"], 5) == [False, False, True]
    assert items_shown([40, 40, 30], [20, 20, 15], ["函数", "函数", "几何"], 5) == [True] * 3
    assert items_shown([0, 0], [0, 0], ["", ""], 5) == [True, True]
