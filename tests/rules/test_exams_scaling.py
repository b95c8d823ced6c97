"""Grade-scaled marks of any candidates: against the definition in fractions, and what no policy may break."""

from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.exams_policy import FIVE_BANDS, ONE_MARK, TIES, OneMark, Scaling, Ties
from rules.exams_scaling import COLUMNS, scale_table, scaled_marks

COUNTS = st.lists(st.integers(0, 6), min_size=1, max_size=60).filter(any)


def rounded_half_up(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def share_of_band(counts: list[int], mark: int, ties: Ties) -> Fraction:
    above = Fraction(sum(counts[mark + 1 :]))
    return (above + (Fraction(counts[mark], 2) if ties == "nearest" else 0)) / sum(counts)


@settings(max_examples=50, deadline=None)
@given(COUNTS, st.sampled_from(["tie-lifts", "nearest"]), st.sampled_from(ONE_MARK))
def test_bands_and_marks_follow_the_definition(counts: list[int], ties: Ties, one_mark: OneMark) -> None:
    table = scale_table(counts, Scaling(ties=ties, one_mark=one_mark)).to_dicts()
    band_of = {row["mark"]: row["band"] for row in table}
    ends = [Fraction(end, 100) for end in (15, 50, 85, 98, 100)]
    for row in table:
        mark, share = row["mark"], share_of_band(counts, row["mark"], ties)
        band = next(band for band, end in zip(FIVE_BANDS, ends, strict=True) if share < end)
        assert (row["band"], row["n"]) == (band.name, counts[mark])
        inside = [each for each, name in band_of.items() if name == band.name]
        low, high = min(inside), max(inside)
        if low == high:
            twice = {"top": 2 * band.top, "bottom": 2 * band.bottom, "mid": band.top + band.bottom}
            wanted = Fraction(twice[one_mark], 2)
        else:
            wanted = Fraction(band.top * (mark - low) + band.bottom * (high - mark), high - low)
        assert row["scaled"] == rounded_half_up(wanted)


@settings(max_examples=50, deadline=None)
@given(COUNTS, st.sampled_from(TIES), st.sampled_from(ONE_MARK))
def test_a_better_mark_is_never_scaled_lower_and_all_stay_in_their_band(
    counts: list[int], ties: Ties, one_mark: OneMark
) -> None:
    table = scale_table(counts, Scaling(ties=ties, one_mark=one_mark)).to_dicts()
    assert [row["mark"] for row in table] == [mark for mark in reversed(range(len(counts))) if counts[mark]]
    scaled = [row["scaled"] for row in table]
    assert scaled == sorted(scaled, reverse=True)
    limits = {band.name: (band.bottom, band.top) for band in FIVE_BANDS}
    assert all(limits[row["band"]][0] <= row["scaled"] <= limits[row["band"]][1] for row in table)


@settings(max_examples=50, deadline=None)
@given(COUNTS)
def test_in_sequence_each_band_takes_its_share_and_the_whole_tie_at_its_end(counts: list[int]) -> None:
    table = scale_table(counts, Scaling(ties="sequential")).to_dicts()
    n = sum(counts)
    for band in FIVE_BANDS[:-1]:
        sizes = [row["n"] for row in table if row["band"] == band.name]
        wanted = n * band.percent // 100
        left = n - sum(row["n"] for row in table if row["band"] < band.name)
        assert sum(sizes) >= min(wanted, left)
        assert not sizes or sum(sizes[:-1]) < wanted


@settings(max_examples=30, deadline=None)
@given(COUNTS, st.sampled_from(TIES), st.integers(2, 10))
def test_the_scale_of_the_marks_cancels_out(counts: list[int], ties: Ties, times: int) -> None:
    wide = [0] * ((len(counts) - 1) * times + 1)
    wide[::times] = counts
    once, again = (scale_table(each, Scaling(ties=ties)) for each in (counts, wide))
    assert once["scaled"].to_list() == again["scaled"].to_list()


def test_nobody_is_scaled_to_nothing() -> None:
    table = scale_table([0, 0], Scaling())
    assert (table.height, table.schema) == (0, pl.Schema(COLUMNS))
    nothing = np.zeros(3, np.int32)
    assert scaled_marks(nothing, np.zeros(3, np.bool_), Scaling()).tolist() == [0, 0, 0]


def test_only_the_valid_are_the_base() -> None:
    """The absent 0 is neither scaled nor pushes anybody up."""
    marks, valid = np.array([61, 0, 61], np.int32), np.array([True, False, True])
    assert scaled_marks(marks, valid, Scaling()).tolist() == [93, 0, 93]


@pytest.mark.parametrize("n", [400_000, 7])
def test_a_share_on_the_boundary_is_compared_exactly(n: int) -> None:
    """With exactly 15 % above, a mark is B; with one candidate fewer above, A."""
    above = n * 15 // 100
    exact = above * 100 == n * 15
    counts = [0, n - above, above]
    found = {row["mark"]: row["band"] for row in scale_table(counts, Scaling()).to_dicts()}
    assert found[1] == ("B" if exact else "A")
