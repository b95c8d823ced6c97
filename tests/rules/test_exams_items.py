"""Items and reliability beside the definitions written out in fractions, and their edges."""

from fractions import Fraction
from math import sqrt
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.exams_items import BLANK, Item, discrimination, item_figures, item_sheet
from rules.exams_reliability import reliability
from rules.exams_weaknesses import points, weakest

TABLES = st.integers(1, 4).flatmap(
    lambda k: st.lists(
        st.lists(st.sampled_from([BLANK, 0, 1, 2, 3, 4]), min_size=k, max_size=k), min_size=1, max_size=25
    )
)


def items(count: int, full: int = 4) -> list[Item]:
    return [Item(f"q{number + 1}", full, f"P{number % 2}") for number in range(count)]


def tail(marks: list[int], totals: list[int], size: Fraction, best: bool) -> Fraction:
    """Add up the marks of the best or worst `size` candidates, each score's candidates weighing the same."""
    taken, left = Fraction(0), size
    for score in sorted(set(totals), reverse=best):
        inside = [mark for mark, total in zip(marks, totals, strict=True) if total == score]
        weight = min(Fraction(1), left / len(inside))
        taken, left = taken + weight * sum(inside), left - weight * len(inside)
    assert left == 0
    return taken


@settings(max_examples=50, deadline=None)
@given(TABLES)
def test_items_follow_the_definitions(table: list[list[int]]) -> None:
    sheet = item_sheet("数学", 2, items(len(table[0])), np.array(table, np.int32))
    for number, row in enumerate(item_figures(sheet).to_dicts()):
        pairs = [(marks[number], sum(max(0, mark) for mark in marks)) for marks in table if marks[number] != BLANK]
        own, totals = [mark for mark, _ in pairs], [total for _, total in pairs]
        n = len(own)
        assert (row["n"], row["blank"]) == (n, len(table) - n)
        if not n:
            assert {row[name] for name in ("mean", "difficulty", "discrimination27", "item_rest_r")} == {None}
            continue
        size = Fraction(27 * n, 100)
        wanted = (tail(own, totals, size, best=True) - tail(own, totals, size, best=False)) / size / 4
        assert row["discrimination27"] == float(wanted)
        assert row["difficulty"] == float(Fraction(sum(own), 4 * n))
        rest = [total - mark for mark, total in pairs]
        if len(set(own)) > 1 and len(set(rest)) > 1:
            assert row["item_rest_r"] == pytest.approx(np.corrcoef(own, rest)[0, 1], abs=1e-12)
        else:
            assert row["item_rest_r"] is None


@settings(max_examples=50, deadline=None)
@given(TABLES)
def test_reliability_follows_the_definition_over_the_complete(table: list[list[int]]) -> None:
    k = len(table[0])
    (row,) = reliability(item_sheet("数学", 2, items(k), np.array(table, np.int32))).to_dicts()
    complete = np.array([marks for marks in table if BLANK not in marks], float).reshape(-1, k) / 2
    assert (row["items"], row["n"]) == (k, len(complete))
    if k > 1 and len(complete) > 1 and np.ptp(complete.sum(axis=1)) > 0:
        whole = complete.sum(axis=1).var(ddof=1)
        wanted = k / (k - 1) * (1 - complete.var(axis=0, ddof=1).sum() / whole)
        assert row["alpha"] == pytest.approx(wanted, abs=1e-12)
        assert row["sem"] == pytest.approx(sqrt(whole * max(0, 1 - wanted)), abs=1e-6)
    else:
        assert (row["alpha"], row["sem"]) == (None, None)


@settings(max_examples=30, deadline=None)
@given(TABLES, st.randoms(use_true_random=False))
def test_file_order_moves_nothing(table: list[list[int]], chance: Random) -> None:
    mixed = chance.sample(table, len(table))
    once, again = (item_sheet("数学", 2, items(len(table[0])), np.array(each, np.int32)) for each in (table, mixed))
    assert item_figures(once).equals(item_figures(again))
    assert reliability(once).equals(reliability(again))


def test_all_tied_discriminate_by_nothing() -> None:
    assert discrimination(np.array([0, 1, 1], np.int32), np.array([5, 5, 5], np.int32)) == 0


def test_one_candidate_has_no_reliability_and_discriminates_by_nothing() -> None:
    sheet = item_sheet("数学", 2, items(2), np.array([[4, 1]], np.int32))
    (found,) = reliability(sheet).to_dicts()
    assert (found["n"], found["alpha"], found["sem"], found["alpha_if_deleted"]) == (1, None, None, [None, None])
    assert item_figures(sheet)["discrimination27"].to_list() == [0, 0]


def test_a_paper_nobody_sat_has_items_without_figures() -> None:
    sheet = item_sheet("数学", 2, items(2), np.zeros((0, 2), np.int32))
    assert item_figures(sheet)["n"].to_list() == [0, 0]
    assert reliability(sheet)["alpha"].to_list() == [None]


def test_perfect_agreement_is_alpha_1_without_error() -> None:
    (found,) = reliability(item_sheet("数学", 1, items(3), np.array([[1] * 3, [2] * 3, [4] * 3], np.int32))).to_dicts()
    assert (found["alpha"], found["sem"], found["alpha_if_deleted"]) == (1, 0, [1, 1, 1])


def test_options_are_counted_and_the_blank_is_none() -> None:
    sheet = item_sheet("英语", 2, items(1), np.array([[4], [0], [4], [BLANK]], np.int32))
    found = item_figures(sheet, {"q1": ["B", "A", "B", None]})
    assert found["options"].to_list() == [[{"option": "B", "n": 2}, {"option": "A", "n": 1}]]


class TestWeaknesses:
    """Knowledge points of each school beside the joint mean."""

    SHEET = item_sheet(
        "数学", 2, items(3),
        np.array([[4, 4, 4], [2, 0, 2], [0, 1, 0], [1, BLANK, 1]], np.int32),
    )  # fmt: skip

    def test_a_point_is_the_share_won_of_its_items(self) -> None:
        """P0 is q1 and q3, of 8: S1 won 8 and 4, S2 0 and 2, all 14 of 32. P1 is q2, of 4: one of S2 left it blank."""
        found = {(row["school"], row["point"]): row for row in self.found().to_dicts()}
        assert {key: (row["n"], row["share"], row["joint_n"], row["joint"]) for key, row in found.items()} == {
            ("S1", "P0"): (2, 12 / 16, 4, 14 / 32),
            ("S2", "P0"): (2, 2 / 16, 4, 14 / 32),
            ("S1", "P1"): (2, 4 / 8, 3, 5 / 12),
            ("S2", "P1"): (1, 1 / 4, 3, 5 / 12),
        }
        assert found["S2", "P0"]["gap"] == pytest.approx(2 / 16 - 14 / 32)
        assert (found["S2", "P1"]["low"], found["S2", "P1"]["high"]) == (None, None)
        assert found["S2", "P0"]["low"] == pytest.approx(0.125 - 12.706204736174694 * 0.125)  # shares 0 and 1/4

    def test_a_school_hears_of_the_points_furthest_below_and_of_none_above(self) -> None:
        found = self.found()
        assert weakest(found, 1).select("school", "point").rows() == [("S2", "P0")]
        assert weakest(found, 9).select("school", "point").rows() == [("S2", "P0"), ("S2", "P1")]

    def test_equal_to_the_joint_mean_is_not_below_it(self) -> None:
        alike = item_sheet("数学", 1, items(1, 3), np.array([[1], [1], [1]], np.int32))
        found = points(alike, np.array([0, 0, 1], np.int32), ["S1", "S2"])
        assert (found["gap"].to_list(), weakest(found, 5).height) == ([0, 0], 0)

    def found(self) -> pl.DataFrame:
        return points(self.SHEET, np.array([0, 0, 1, 1], np.int32), ["S1", "S2"])
