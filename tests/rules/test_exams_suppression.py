"""Hidden cells, attacked: linear algebra over the visible ones, and every whole-number table that fits them."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.exams import Paper, laid, roster
from rules.exams_figures import stats
from rules.exams_policy import Lines, Suppression
from rules.exams_privacy import KEYS, suppressed

RULE = Suppression()
Groups = Mapping[str, Mapping[str, Sequence[int | None]]]
"""School -> class -> marks of 100; None is absent."""


def figures(groups: Groups) -> pl.DataFrame:
    rows = [
        (f"{school}-{name}-{number}", school, name, "none", mark)
        for school, classes in groups.items()
        for name, marks in classes.items()
        for number, mark in enumerate(marks)
    ]
    frame = pl.DataFrame(rows, schema=["student", "school", "class", "track", "mark"], orient="row")
    status = pl.when(pl.col("mark").is_null()).then(pl.lit("absent")).otherwise(pl.lit("valid"))
    them = roster(frame.drop("mark"))
    marks = frame.select("student", status.alias("status"), pl.col("mark").cast(pl.Int64))
    return stats(them, [laid(them, Paper("数学", 100, 1), marks)], Lines())


def by_code(frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["code"]: row for row in frame.to_dicts()}


def recoverable(rows: list[dict[str, Any]], visible: set[str]) -> set[str]:
    """Return the groups whose sum follows from those of the visible ones, by elimination over the leaves."""
    leaves = [row["code"] for row in rows if row["scope"] == "class"]

    def vector(row: dict[str, Any]) -> list[Fraction]:
        inside = {"joint": leaves, "school": [c for c in leaves if c.startswith(row["code"] + "/")]}
        return [Fraction(leaf in inside.get(row["scope"], [row["code"]])) for leaf in leaves]

    basis: list[list[Fraction]] = []

    def reduced(given: list[Fraction]) -> list[Fraction]:
        for known in basis:
            at = next(i for i, value in enumerate(known) if value)
            if given[at]:
                times = given[at] / known[at]
                given = [a - times * b for a, b in zip(given, known, strict=True)]
        return given

    for row in rows:
        if row["code"] in visible:
            rest = reduced(vector(row))
            if any(rest):
                basis.append(rest)
    return {row["code"] for row in rows if row["code"] not in visible and not any(reduced(vector(row)))}


MARKS = st.lists(st.sampled_from([90, 70, 50, 30, None]), min_size=1, max_size=9)
SCHOOLS = st.lists(st.lists(MARKS, min_size=1, max_size=4), min_size=1, max_size=4)


def named(schools: list[list[list[int | None]]]) -> Groups:
    return {f"S{s}": {f"C{c}": marks for c, marks in enumerate(them)} for s, them in enumerate(schools)}


@settings(max_examples=60, deadline=None)
@given(SCHOOLS)
def test_no_hidden_group_or_rate_follows_from_the_visible_ones(schools: list[list[list[int | None]]]) -> None:
    frame = figures(named(schools))
    rows = suppressed(frame, RULE).to_dicts()
    for name in ("group", "excellent", "pass", "low"):
        visible = {row["code"] for row in rows if name not in row["hidden"]}
        assert recoverable(rows, visible) == set()


@settings(max_examples=40, deadline=None)
@given(SCHOOLS)
def test_what_is_unsafe_is_hidden_and_what_is_shown_is_as_it_was(schools: list[list[list[int | None]]]) -> None:
    frame = figures(named(schools))
    shown = suppressed(frame, RULE)
    assert shown.select(KEYS).equals(frame.select(KEYS))
    for true, row in zip(frame.to_dicts(), shown.to_dicts(), strict=True):
        assert "group" in row["hidden"] or true["n"] >= 5
        for name in ("excellent", "pass", "low"):
            parts = true[f"{name}_count"], true["n"] - true[f"{name}_count"], true["enrolled"] - true[f"{name}_count"]
            assert name in row["hidden"] or all(part == 0 or part >= 5 for part in parts)
            assert "group" not in row["hidden"] or name in row["hidden"]
        hidden = {name for name in frame.columns if row[name] is None and true[name] is not None}
        assert all(row[name] == true[name] for name in frame.columns if name not in hidden)
        assert not hidden or row["hidden"]
        assert {name for name in hidden if "_" not in name} <= (
            set(row) if "group" in row["hidden"] else {"max", "min"}
        )


def residues(rows: list[dict[str, Any]], visible: set[str]) -> list[list[dict[str, Any]]]:
    """Return the classes left of each visible group when its visible parts are taken away."""
    leaves = [row for row in rows if row["scope"] == "class" and row["code"] not in visible]
    schools = {row["school"] for row in rows}
    of_school = {school: [leaf for leaf in leaves if leaf["school"] == school] for school in schools}
    seen = [left for school, left in of_school.items() if school in visible]
    if "joint" in visible:
        seen.append([leaf for leaf in leaves if leaf["school"] not in visible])
    return [left for left in seen if left]


@settings(max_examples=60, deadline=None)
@given(SCHOOLS)
def test_no_difference_of_visible_groups_isolates_a_few(schools: list[list[list[int | None]]]) -> None:
    frame = figures(named(schools))
    true, shown = frame.to_dicts(), suppressed(frame, RULE).to_dicts()
    for left in residues(true, {row["code"] for row in shown if "group" not in row["hidden"]}):
        assert sum(leaf["n"] for leaf in left) >= 5
    for name in ("excellent", "pass", "low"):
        for left in residues(true, {row["code"] for row in shown if name not in row["hidden"]}):
            count, n = sum(leaf[f"{name}_count"] for leaf in left), sum(leaf["n"] for leaf in left)
            assert all(part == 0 or part >= 5 for part in (count, n - count))


def possible_counts(rows: list[dict[str, Any]], shown: list[dict[str, Any]], name: str) -> list[dict[str, int]]:
    """Try every table of counts of the classes that fits what is shown, as a reader with a computer would."""
    leaves = [row for row in rows if row["scope"] == "class"]
    sums = [(row, visible) for row, visible in zip(rows, shown, strict=True) if name not in visible["hidden"]]
    found = []
    for counts in product(*(range(leaf["n"] + 1) for leaf in leaves)):
        guess = {leaf["code"]: count for leaf, count in zip(leaves, counts, strict=True)}
        for school in {leaf["school"] for leaf in leaves}:
            guess[school] = sum(guess[leaf["code"]] for leaf in leaves if leaf["school"] == school)
        guess["joint"] = sum(counts)
        if all(guess[row["code"]] == row[f"{name}_count"] for row, _ in sums):
            found.append(guess)
    return found


@pytest.mark.parametrize(
    "schools",
    [
        pytest.param({"S1": {"1": [90] * 3 + [50] * 7}, "S2": {"1": [90] * 6 + [50] * 6}, "S3": {"1": [50] * 9}},
                     id="one school with three excellent"),
        pytest.param({"S1": {"1": [90] * 1 + [50] * 6}, "S2": {"1": [90] * 1 + [50] * 6}, "S3": {"1": [90] * 8}},
                     id="two unsafe schools that add up to two"),
        pytest.param({"S1": {"1": [90] * 8, "2": [90] * 2 + [50] * 6}, "S2": {"1": [90] * 6 + [50] * 5}},
                     id="an unsafe class gives away neither itself nor its school"),
        pytest.param({"S1": {"1": [90] * 9}, "S2": {"1": [90] * 7 + [50] * 2}, "S3": {"1": [50] * 9}},
                     id="the complement is small"),
    ],
)  # fmt: skip
def test_no_unsafe_count_is_certain_to_who_tries_every_table(schools: Groups) -> None:
    frame = figures(schools)
    rows, shown = frame.to_dicts(), suppressed(frame, RULE).to_dicts()
    tables = possible_counts(rows, shown, "excellent")
    for row in rows:
        parts = row["excellent_count"], row["n"] - row["excellent_count"]
        if any(0 < part < 5 for part in parts):
            assert len({table[row["code"]] for table in tables}) > 1


def test_a_school_of_three_takes_the_next_smallest_with_it() -> None:
    shown = by_code(suppressed(figures({"S1": {"1": [60] * 3}, "S2": {"1": [60] * 9}, "S3": {"1": [60] * 20}}), RULE))
    assert {code for code, row in shown.items() if "group" in row["hidden"]} == {"S1", "S1/1", "S2", "S2/1"}
    assert (shown["joint"]["n"], shown["S3"]["n"], shown["S2"]["n"], shown["S2"]["mean"]) == (32, 20, None, None)


def test_two_schools_of_two_are_joined_by_a_third_since_four_is_small_too() -> None:
    groups: Groups = {f"S{n}": {"1": [60] * size} for n, size in enumerate([2, 2, 7, 30])}
    shown = by_code(suppressed(figures(groups), RULE))
    assert [shown[f"S{n}"]["n"] for n in range(4)] == [None, None, None, 30]


def test_two_small_schools_show_the_joint_figures_only() -> None:
    shown = by_code(suppressed(figures({"S1": {"1": [60] * 3}, "S2": {"1": [60] * 3}}), RULE))
    assert [row["n"] for row in shown.values()] == [6, None, None, None, None]


def test_one_school_is_hidden_with_the_exam() -> None:
    shown = suppressed(figures({"S1": {"1": [60] * 4}}), RULE)
    assert shown["n"].to_list() == [None, None, None]


def test_nothing_is_hidden_where_all_is_safe() -> None:
    frame = figures({"S1": {"1": [60] * 9}, "S2": {"1": [60] * 9, "2": [60] * 5}})
    assert suppressed(frame, RULE).drop("hidden").equals(frame)


def test_a_rate_is_hidden_when_only_its_enrolled_form_would_show_a_few() -> None:
    """Nine of nine pass and one is absent: 9 of 10 enrolled has a complement of 1."""
    shown = by_code(suppressed(figures({"S1": {"1": [60] * 9 + [None]}, "S2": {"1": [60] * 9}}), RULE))
    assert (shown["S1"]["pass_rate"], shown["S1"]["pass_rate_enrolled"]) == (None, None)
    assert shown["S1"]["excellent_rate"] == 0


def test_a_school_hidden_for_another_is_not_the_sum_of_its_visible_classes() -> None:
    """S1 has 2 excellent. S2 is the next smallest; its classes have 0 of 5 and 9 of 9, which would add up to it."""
    groups: Groups = {
        "S1": {"1": [90] * 2 + [50] * 6},
        "S2": {"1": [50] * 5, "2": [90] * 9},
        "S3": {"1": [90] * 10 + [50] * 10},
    }
    rows = suppressed(figures(groups), RULE).to_dicts()
    visible = {row["code"] for row in rows if "excellent" not in row["hidden"]}
    assert not {"S1", "S2"} & visible
    assert recoverable(rows, visible) == set()


def test_two_hidden_groups_that_share_no_success_are_widened_by_a_third() -> None:
    """S1 is small and S2 hidden with it; together they have no excellent mark, so each would be known to have none."""
    groups: Groups = {"S1": {"1": [50] * 3}, "S2": {"1": [50] * 9}, "S3": {"1": [90] * 10 + [50] * 20}}
    shown = by_code(suppressed(figures(groups), RULE))
    assert [shown[code]["excellent_rate"] for code in ("S1", "S2", "S3")] == [None, None, None]
    assert shown["S3"]["mean"] is not None


def test_the_absent_of_two_schools_are_few_together_too() -> None:
    """All pass; S1 and S2 have one absent each, so 2 of the enrolled did not pass; S3, with 8, joins them."""
    absent = {"S1": 1, "S2": 1, "S3": 8}
    groups: Groups = {school: {"1": [60] * 8 + [65] + [None] * count} for school, count in absent.items()}
    shown = by_code(suppressed(figures(groups), RULE))
    assert [shown[code]["pass_rate_enrolled"] for code in ("S1", "S2", "S3")] == [None, None, None]
    assert shown["joint"]["pass_rate_enrolled"] == 27 / 37


def test_a_rate_of_nothing_is_no_cover_while_there_is_a_better_one() -> None:
    """S1 has 2 excellent. S2, smaller, has none - its mean or maximum may tell; S3 has 10 of 20 and hides both."""
    groups: Groups = {"S1": {"1": [90] * 2 + [50] * 6}, "S2": {"1": [50] * 9}, "S3": {"1": [90] * 10 + [50] * 10}}
    shown = by_code(suppressed(figures(groups), RULE))
    assert [shown[code]["excellent_rate"] for code in ("S1", "S2", "S3")] == [None, 0, None]
