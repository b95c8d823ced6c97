"""The cells of the visit registers: who an elder is, and when it was, however a clerk writes it."""

from datetime import UTC, date, datetime

import pytest

from rules.errors import LANGUAGE
from rules.refs import canonical
from rules.registers import REGISTERS, BadCell, parse, read_cell

ELDER = REGISTERS["contact"].column("elder")
WHEN = REGISTERS["contact"].column("occurred_at")
NUMBER = "11010519491231002X"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("11010519491231002x", NUMBER, id="lower-case x"),
        pytest.param("１１０１０５１９４９１２３１００２Ｘ", NUMBER, id="full width"),
        pytest.param("110105 19491231 002X", NUMBER, id="spaces"),
        pytest.param("'11010519491231002X", NUMBER, id="apostrophe that marks text"),
        pytest.param("130503670401001", "130503196704010016", id="15 digits"),
        pytest.param("e-7k3q9xml", "E-7K3Q-9XM1", id="reference as it was heard"),
        pytest.param(" E-7K3Q-9XM1 ", "E-7K3Q-9XM1", id="reference"),
    ],
)
def test_an_elder_is_a_normalised_number_or_a_reference(text: str, read: str) -> None:
    assert read_cell(ELDER, text) == read


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("110105194912310021", "校验码", id="wrong check character"),
        pytest.param("1101051949123100", "18 位", id="too short"),
        pytest.param("1.10105194912310E+17", "科学计数", id="mangled by Excel"),
        pytest.param("110105194913310022", "校验码|出生日期", id="month 13"),
        pytest.param("E-7K3Q-9XM2", "系统编号有误", id="misspelt reference"),
        pytest.param("C-7K3Q-9XM1", "系统编号有误", id="a cadre's reference"),
        pytest.param("张三", "系统编号有误", id="a name"),
        pytest.param("", "不能为空", id="blank"),
    ],
)
def test_anything_else_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadCell, match=says):
        read_cell(ELDER, text)


def test_a_refusal_has_problem_and_remedy_in_english_too() -> None:
    token = LANGUAGE.set("en")
    try:
        with pytest.raises(BadCell) as refused:
            read_cell(ELDER, "110105194912310021")
    finally:
        LANGUAGE.reset(token)
    assert (bool(refused.value.problem), bool(refused.value.remedy)) == (True, True)


def test_a_sentence_never_repeats_who_was_meant() -> None:
    register = REGISTERS["contact"]
    headers = [column.name for column in register.needed]
    (error,) = parse(register, [headers, ["110105194912310021", "H1", "home", "2026-03-01", "MET"]]).errors
    assert "1101" not in error.sentence


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("2026-03-01", date(2026, 3, 1), id="a day"),
        pytest.param("2026年3月1日", date(2026, 3, 1), id="a Chinese day"),
        pytest.param("2026-03-01 00:00:00", date(2026, 3, 1), id="a date cell"),
        pytest.param("46082", date(2026, 3, 1), id="a serial number"),
        pytest.param("2026-03-01 00:30", datetime(2026, 2, 28, 16, 30, tzinfo=UTC), id="half past midnight"),
        pytest.param("2026/3/1 9:30", datetime(2026, 3, 1, 1, 30, tzinfo=UTC), id="a time"),
        pytest.param("2026-03-01T09:30+08:00", datetime(2026, 3, 1, 1, 30, tzinfo=UTC), id="with an offset"),
    ],
)
def test_when_is_a_day_or_a_moment(text: str, read: object) -> None:
    assert read_cell(WHEN, text) == read


def test_the_rows_of_a_log_are_told_apart_by_more_than_their_key() -> None:
    register = REGISTERS["issue"]
    rows = [
        ["S1", "open", "2026-03-01 09:00"],
        ["S1", "assign", "2026-03-01 10:00"],
        ["S1", "open", "2026-03-01 09:00"],
    ]
    parsed = parse(register, [["number", "event", "at"], *rows])
    assert (len(parsed.rows), parsed.errors) == (2, ())


@pytest.mark.parametrize("said", ["E-7K3Q-9XM1", "e-7k3q-9xml", "E-7K3Q9XMI", " E-7K3Q-9XM1"])
def test_a_reference_has_one_spelling(said: str) -> None:
    assert canonical(said) == "E-7K3Q-9XM1"
