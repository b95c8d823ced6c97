from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.errors import LANGUAGE
from rules.registers import REGISTERS, CellError, parse

LEAVE, CADRE, SWAP = REGISTERS["leave"], REGISTERS["cadre"], REGISTERS["swap"]
HEAD = ["人员编号", "起始日期", "截止日期", "请假类型"]
ROW = ["K1", "2026-03-02", "2026-03-06", "病假"]


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(HEAD, id="Chinese"),
        pytest.param(["person", "from", "until", "type"], id="English"),
        pytest.param(["Person", "FROM", "until ", "Type"], id="English in capitals"),
        pytest.param(["*人员编号", "起始日期（必填）", "截止\n日期", " 请 假 类 型："], id="decorated"),
        pytest.param(["干部编号", "开始日期", "结束日期", "假别"], id="other spellings"),
        pytest.param(["人员编号", "from", "截止日期", "type"], id="mixed"),
    ],
)
def test_headers_are_known_in_either_language_and_decorated(head: list[str]) -> None:
    parsed = parse(LEAVE, [head, ROW])
    assert parsed.errors == ()
    assert parsed.rows[0].values == {
        "person": "K1",
        "from": date(2026, 3, 2),
        "until": date(2026, 3, 6),
        "type": "sick",
    }


@pytest.mark.parametrize("above", [0, 1, 3, 9])
def test_headers_are_found_below_titles(above: int) -> None:
    parsed = parse(LEAVE, [*([["2026年请假表"]] * above), HEAD, ROW])
    assert parsed.header_row == above + 1
    assert parsed.rows[0].number == above + 2


def test_headers_deeper_than_the_tenth_row_are_not_searched_for() -> None:
    parsed = parse(LEAVE, [*([["标题"]] * 10), HEAD, ROW])
    assert parsed.rows == ()
    assert "没有找到表头" in parsed.errors[0].sentence


@pytest.mark.parametrize("grid", [[], [[]], [[""]], [["x"], ["y"]]])
def test_a_file_without_headers_is_refused_with_the_headers_it_needs(grid: list[list[str]]) -> None:
    (error,) = parse(LEAVE, grid).errors
    assert "人员编号、起始日期" in error.sentence


def test_missing_columns_are_each_named() -> None:
    parsed = parse(REGISTERS["cadre"], [["干部编号", "姓名"], ["K1", "张三"]])
    assert [error.column.name for error in parsed.errors if error.column] == ["centre", "from"]
    assert "请在表头加上“起始日期”" in parsed.errors[1].sentence


def test_a_column_that_is_there_twice_is_refused() -> None:
    parsed = parse(LEAVE, [[*HEAD, "person"], [*ROW, "K2"]])
    assert "出现了两次" in parsed.errors[0].sentence


def test_unknown_columns_are_noted_and_not_read() -> None:
    parsed = parse(LEAVE, [[*HEAD, "备注", ""], [*ROW, "随便", "x"]])
    assert parsed.unknown_columns == {4: "备注"}
    assert parsed.errors == ()


def test_a_column_the_file_lacks_is_not_in_the_values() -> None:
    assert "cancelled" not in parse(LEAVE, [HEAD, ROW]).rows[0].values
    assert parse(LEAVE, [[*HEAD, "是否销假"], ROW]).rows[0].values["cancelled"] is False


def test_blank_lines_are_skipped_and_rows_keep_their_numbers() -> None:
    parsed = parse(LEAVE, [HEAD, [], ["", " ", "\u3000", ""], ROW, []])
    assert [row.number for row in parsed.rows] == [4]


def test_headers_said_again_are_skipped() -> None:
    parsed = parse(LEAVE, [HEAD, HEAD, ROW, HEAD])
    assert len(parsed.rows) == 1
    assert parsed.errors == ()


def test_identical_rows_are_one() -> None:
    same = ["K1", "2026年3月2日", "2026/3/6", "sick"]
    parsed = parse(LEAVE, [HEAD, ROW, same])
    assert len(parsed.rows) == 1
    assert parsed.errors == ()


def test_one_key_with_two_meanings_names_both_rows() -> None:
    (error,) = parse(LEAVE, [HEAD, ROW, [*ROW[:3], "年假"]]).errors
    assert error.row == 3
    assert "第 2 行" in error.sentence
    assert "第 3 行" in error.sentence
    assert error.column is LEAVE.column("type")


def test_a_duplicate_in_a_personal_column_does_not_quote_it() -> None:
    head = ["干部编号", "姓名", "中心编号", "起始日期"]
    (error,) = parse(CADRE, [head, ["1", "张三", "C1", "2026-1-1"], ["1", "李四", "C1", "2026-1-1"]]).errors
    assert "李四" not in error.sentence
    assert error.text == ""


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    (error,) = parse(LEAVE, [HEAD, ["K1", "2026-03-06", "2026-03-05", ""]]).errors
    assert error.column is LEAVE.column("until")
    assert "早于起始日期 2026-03-06" in error.sentence


def test_a_period_of_one_day_is_fine() -> None:
    assert parse(LEAVE, [HEAD, ["K1", "2026-03-06", "2026-03-06", ""]]).errors == ()


def test_a_register_without_keys_collapses_identical_rows() -> None:
    head = ["centre", "date_a", "cadre_a", "date_b", "cadre_b"]
    row = ["C1", "2026-3-5", "K1", "2026-3-9", "K2"]
    assert len(parse(SWAP, [head, row, row]).rows) == 1


def test_all_errors_come_at_once_in_file_order() -> None:
    parsed = parse(LEAVE, [HEAD, ["", "x", "2026-3-1", ""], ROW, ["K2", "2026-3-1", "2026-2-30", "婚假"]])
    assert [(error.row, error.column.name) for error in parsed.errors if error.column] == [
        (2, "person"),
        (2, "from"),
        (4, "until"),
        (4, "type"),
    ]
    assert [row.number for row in parsed.rows] == [3]


def test_a_sentence_names_row_column_content_and_remedy() -> None:
    (error,) = parse(LEAVE, [HEAD, ["K1", "2026-2-30", "2026-03-06", ""]]).errors
    assert str(error) == "第 2 行“起始日期”填的是“2026-2-30”，没有这个日期或时间；请查日历后改正。"


def test_a_sentence_can_be_had_in_english() -> None:
    token = LANGUAGE.set("en")
    try:
        (error,) = parse(LEAVE, [HEAD, ["K1", "2026-2-30", "2026-03-06", ""]]).errors
        assert str(error) == "row 2, column 'from' says '2026-2-30': no such day or time; look it up and correct it."
    finally:
        LANGUAGE.reset(token)


def test_a_sentence_about_a_personal_column_does_not_quote_it() -> None:
    head = ["干部编号", "姓名", "手机", "中心编号", "起始日期"]
    (error,) = parse(CADRE, [head, ["1", "张三", "1380013", "C1", "2026-1-1"]]).errors
    assert error.text == "1380013"
    assert "1380013" not in error.sentence


def test_a_long_cell_is_cut_in_the_sentence() -> None:
    error = CellError(2, LEAVE.column("type"), "长" * 500, "不对", "请改")
    assert len(error.sentence) < 80


cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from([*HEAD, *ROW, "person", "from", "until", "type", "2026-2-30", "5.3E+17", "", "9999999", "99999.9"]),
)


@settings(max_examples=150, deadline=None)
@given(grid=st.lists(st.lists(cells, max_size=6), max_size=6), headed=st.booleans())
@pytest.mark.parametrize("kind", ["leave", "cadre", "handover"])
def test_any_grid_gives_rows_or_errors_and_never_raises(kind: str, grid: list[list[str]], *, headed: bool) -> None:
    register = REGISTERS[kind]
    head = [[column.header for column in register.columns]] if headed else []
    parsed = parse(register, [*head, *grid])
    assert all(error.sentence.endswith("。") for error in parsed.errors)
    assert all(set(row.values) == set(parsed.mapping) for row in parsed.rows)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(1, 99), st.dates(date(1950, 1, 1), date(2100, 1, 1)), st.sampled_from(["是", "否"]))
    )
)
def test_values_come_back_from_any_order_of_columns(rows: list[tuple[int, date, str]]) -> None:
    once = {(number, day): yes for number, day, yes in rows}
    head = ["until", "from", "是否销假", "person"]
    grid = [head, *([day.isoformat(), day.isoformat(), yes, f"K{number}"] for (number, day), yes in once.items())]
    parsed = parse(LEAVE, grid)
    assert [(row.values["person"], row.values["from"], row.values["cancelled"]) for row in parsed.rows] == [
        (f"K{number}", day, yes == "是") for (number, day), yes in once.items()
    ]
