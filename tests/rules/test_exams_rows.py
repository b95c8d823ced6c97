"""Mark rows as schools send them: every row has a verdict, and a wrong one says which."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.exams import STATUSES, Paper, laid, roster
from rules.exams_rows import HELD_OUT, REFUSED, accepted, checked, held_rows

SCHEMA: dict[str, Any] = {
    "student": pl.String,
    "school": pl.String,
    "subject": pl.String,
    "status": pl.String,
    "mark": pl.Int64,
    "items": pl.List(pl.Int64),
}
ENTERED = roster(
    pl.DataFrame(
        [("1", "S1", "1", "none"), ("2", "S1", "1", "none"), ("3", "S2", "1", "none")],
        schema=["student", "school", "class", "track"],
        orient="row",
    )
)
PAPERS = (Paper("语文", 300), Paper("数学", 20))
ITEMS = {"数学": (12, 8)}
Row = tuple[str, str, str, str, int | None, list[int | None] | None]


def judged(*rows: Row) -> pl.DataFrame:
    return checked(pl.DataFrame(rows, schema=SCHEMA, orient="row"), ENTERED, PAPERS, ITEMS)


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        pytest.param(("1", "S1", "语文", "valid", 300, None), "kept", id="full marks"),
        pytest.param(("1", "S1", "语文", "valid", 0, None), "kept", id="zero is a mark"),
        pytest.param(("1", "S1", "语文", "absent", None, None), "kept", id="absent without a mark"),
        pytest.param(("1", "S1", "语文", "valid", 301, None), "over_full", id="above full marks"),
        pytest.param(("1", "S1", "语文", "valid", -1, None), "over_full", id="below nothing"),
        pytest.param(("1", "S1", "语文", "valid", None, None), "no_mark", id="valid without a mark"),
        pytest.param(("1", "S1", "语文", "absent", 0, None), "mark_unless_valid", id="absent is never 0"),
        pytest.param(("1", "S1", "数学", "absent", None, [1, None]), "mark_unless_valid", id="absent with item marks"),
        pytest.param(("1", "S1", "数学", "absent", None, [None, None]), "kept", id="absent with empty item columns"),
        pytest.param(("1", "S1", "语文", "vaild", 9, None), "unknown_status", id="misspelt status"),
        pytest.param(("1", "S1", "语文", "held", None, None), "unknown_status", id="held is ours to say"),
        pytest.param(("1", "S1", "体育", "valid", 9, None), "unknown_subject", id="no such paper"),
        pytest.param(("1", "S1", "数学", "valid", 20, [12, 8]), "kept", id="items add up"),
        pytest.param(("1", "S1", "数学", "valid", 19, [12, 8]), "sum_differs", id="items do not add up"),
        pytest.param(("1", "S1", "数学", "valid", 20, [13, 7]), "item_impossible", id="an item above its full marks"),
        pytest.param(("1", "S1", "数学", "valid", 7, [-1, 8]), "item_impossible", id="an item below nothing"),
        pytest.param(("1", "S1", "数学", "valid", 12, [12, None]), "kept", id="a blank counts 0 in the sum"),
        pytest.param(("1", "S1", "数学", "valid", 12, [12]), "items_differ", id="an item column is missing"),
        pytest.param(("1", "S1", "语文", "valid", 12, [12]), "items_differ", id="items of a paper without items"),
        pytest.param(("1", "S1", "数学", "valid", None, [None, None]), "no_mark", id="all blank and no total"),
        pytest.param(("9", "S1", "语文", "valid", 9, None), "off_roster", id="not on the roster"),
        pytest.param(("3", "S1", "语文", "valid", 9, None), "wrong_school", id="another school's student"),
    ],
)
def test_a_row_has_its_verdict(row: Row, verdict: str) -> None:
    assert judged(row)["verdict"].to_list() == [verdict]


def test_items_without_a_total_give_the_total_and_totals_need_no_items() -> None:
    found = judged(("1", "S1", "数学", "valid", None, [11, None]), ("2", "S1", "数学", "valid", 15, None))
    assert found.select("mark", "blanks", "verdict").rows() == [(11, 1, "kept"), (15, 0, "kept")]


def test_a_file_of_totals_and_a_file_of_items_are_one_result_and_the_items_stay() -> None:
    found = judged(("1", "S1", "数学", "valid", 20, None), ("1", "S1", "数学", "valid", None, [12, 8]))
    assert found["verdict"].to_list() == ["duplicate", "kept"]


def test_identical_rows_are_kept_once() -> None:
    row: Row = ("1", "S1", "语文", "valid", 200, None)
    assert judged(row, row, row)["verdict"].to_list() == ["kept", "duplicate", "duplicate"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("valid", 20, None), ("valid", 19, None), id="two marks"),
        pytest.param(("valid", 20, None), ("absent", None, None), id="a mark and an absence"),
        pytest.param(("valid", 10, [10, 0]), ("valid", 10, [5, 5]), id="the same total of other items"),
        pytest.param(("valid", 10, [10, 0]), ("valid", 10, [10, None]), id="a blank is no 0"),
    ],
)
def test_rows_that_disagree_are_all_held(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    found = judged(("1", "S1", "数学", *one), ("1", "S1", "数学", *other), ("2", "S1", "数学", "valid", 1, None))
    assert found["verdict"].to_list() == ["conflict", "conflict", "kept"]
    assert held_rows(found).rows() == [("1", "数学")]


def test_a_number_used_in_two_schools_keeps_the_rosters_own_row() -> None:
    """S2 has given number 1 to somebody else: that row is held out and listed, student 1 keeps the mark."""
    found = judged(("1", "S1", "语文", "valid", 200, None), ("1", "S2", "语文", "valid", 90, None))
    assert found["verdict"].to_list() == ["kept", "wrong_school"]
    assert held_rows(found).height == 0


def test_the_rows_to_lay_are_the_kept_and_the_held() -> None:
    found = accepted(judged(
        ("1", "S1", "数学", "valid", None, [11, None]), ("2", "S1", "数学", "absent", None, None),
        ("3", "S2", "数学", "valid", 9, None),
        ("3", "S2", "数学", "valid", 8, None), ("9", "S1", "数学", "valid", 1, None),
    ))  # fmt: skip
    assert found.rows() == [
        ("1", "数学", "valid", 11, [11, None]),
        ("2", "数学", "absent", None, None),
        ("3", "数学", "held", None, None),
    ]
    sheet = laid(ENTERED, PAPERS[1], found)
    assert [STATUSES[code] for code in sheet.status] == ["valid", "absent", "held"]


def test_a_student_known_only_by_another_schools_row_is_held_not_absent() -> None:
    assert held_rows(judged(("3", "S1", "语文", "valid", 9, None))).rows() == [("3", "语文")]


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", "9"]),
        st.sampled_from(["S1", "S2"]),
        st.sampled_from(["语文", "数学"]),
        st.sampled_from(["valid", "valid", "absent"]),
        st.sampled_from([None, 5, 9, 400]),
        st.sampled_from([None, [5, 0], [5, None], [4, 5]]),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_every_row_is_told_once_and_at_most_one_is_kept_of_each_student_and_paper(rows: list[Row]) -> None:
    found = judged(*rows)
    assert found.select("student", "school", "subject").rows() == [row[:3] for row in rows]
    assert set(found["verdict"]) <= {"kept", "duplicate", *REFUSED, *HELD_OUT}
    kept = found.filter(pl.col("verdict") == "kept")
    assert not kept.select("student", "subject").is_duplicated().any()
    assert kept.filter(pl.col("status") == "valid")["mark"].null_count() == 0
    told = {
        (row["student"], row["subject"]): row["verdict"] for row in found.to_dicts() if row["verdict"] == "duplicate"
    }
    assert set(told) <= set(kept.select("student", "subject").rows())
