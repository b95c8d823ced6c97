"""Rows of mark files: what schools write -> a status and whole numbers, times the paper's scale."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.exam import Sat, SatItem
from models.exam_mark import BLANK, REASONS, SENT, packed
from models.intake import Refused, Scope
from models.marks_read import Said, read_row
from rules import exams_items
from rules.exams import STATUSES
from rules.exams_rows import HELD_OUT
from rules.registers import REGISTERS, parse

MARK = REGISTERS["mark"]
SCOPE = Scope(1, MARK, datetime(2026, 4, 25, tzinfo=UTC), ZoneInfo("Asia/Shanghai"), "t")


def read(cells: dict[str, str], scale: int = 2, items: int = 0) -> Said:
    row = {"exam": "E1", "number": "101", "subject": "语文", "mark": "", **cells}
    (only,) = parse(MARK, [list(row), list(row.values())]).rows
    known = [SatItem(str(n), 20, "") for n in range(1, items + 1)]
    return read_row(SCOPE, only, Sat(1, "语文", 300, scale, scaled=False, items=known), None)


@pytest.mark.parametrize(
    ("cells", "status", "whole"),
    [
        pytest.param({"mark": "９８．５分"}, "valid", 197, id="full width, with its unit"),
        pytest.param({"mark": "0"}, "valid", 0, id="nought is a mark"),
        pytest.param({"mark": " 缺 考 "}, "absent", None, id="absent in place of the mark"),
        pytest.param({"mark": "", "status": "违纪"}, "violation", None, id="a status and no mark"),
        pytest.param({"mark": "缺考", "status": "缺考"}, "absent", None, id="the same said twice"),
        pytest.param({"mark": "缓考"}, "absent", None, id="sits it later: absent until then"),
        pytest.param({"mark": "免考"}, "exempt", None, id="exempt"),
    ],
)
def test_what_schools_write_is_a_status_and_a_whole_number(
    cells: dict[str, str], status: str, whole: int | None
) -> None:
    said = read(cells)
    assert (said.status, said.mark) == (status, whole)


@pytest.mark.parametrize(
    "header",
    ["q1", "Q1", "第1题", "题1", "1", "第１小题", "Q01(12分)", "1题得分", "第1题\n(12分)"],
)
def test_item_columns_go_by_many_names(header: str) -> None:
    assert read({header: "2.5", "o1": "b", "第2题答案": "", "选项3": "Ｃ"}, items=1)[5:] == (None, [5], "B,,C")


def test_columns_of_other_subjects_are_not_ours_if_they_are_blank() -> None:
    said = read({"q1": "1", "q2": "", "q3": "", "q4": "-"}, items=2)
    assert said.items == [2, None]
    assert read({"mark": "5", "q1": "", "q2": ""}, items=1).items is None
    with pytest.raises(Refused):
        read({"q1": "1", "q3": "1"}, items=2)


@settings(max_examples=40)
@given(st.integers(0, 3000), st.sampled_from([2, 10]))
def test_a_mark_is_kept_exactly(whole: int, scale: int) -> None:
    assert read({"mark": f"{whole / scale:g}"}, scale).mark == whole


def test_the_words_of_the_tables_are_those_of_the_rules() -> None:
    assert STATUSES[:4] == SENT
    assert REASONS == HELD_OUT
    assert BLANK == exams_items.BLANK
    assert packed([80, None, 3]) == b"\x50\x00\xff\xff\x03\x00"
