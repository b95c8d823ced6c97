"""Which unknown headers are a column misspelt, and which are simply somebody's own."""

import pytest

from rules.registers import REGISTERS, parse

NEEDED = {kind: [column.header for column in register.needed] for kind, register in REGISTERS.items()}


def errors(kind: str, *more: str) -> list[str]:
    return [error.sentence for error in parse(REGISTERS[kind], [[*NEEDED[kind], *more]]).errors]


@pytest.mark.parametrize(
    ("kind", "header", "meant"),
    [
        pytest.param("leave", "截止曰期", "截止日期", id="a wrong character"),
        pytest.param("leave", "unti", "截止日期", id="a letter too few"),
        pytest.param("leave", "假期类别", "请假类型", id="near a spelling that is known"),
        pytest.param("slot", "班次状态", "状态", id="a longer name"),
        pytest.param("slot", "status", "状态", id="English"),
        pytest.param("slot", "干部姓名", "干部编号", id="names instead of numbers"),
        pytest.param("slot", "值班领导", "带班领导", id="another word"),
        pytest.param("checkin", "签到干部", "干部编号", id="who came, unread"),
    ],
)
def test_what_looks_like_a_missing_column_is_refused_naming_both(kind: str, header: str, meant: str) -> None:
    (sentence,) = errors(kind, header)
    assert f"“{header}”" in sentence
    assert f"“{meant}”" in sentence


@pytest.mark.parametrize("kind", REGISTERS)
@pytest.mark.parametrize("header", ["序号", "部门", "登记日期", "填表日期", "经办人", "联系人", "tel"])
def test_a_column_of_somebody_s_own_is_not(kind: str, header: str) -> None:
    assert errors(kind, header) == []


def test_the_same_header_beside_the_column_itself_is_not() -> None:
    assert errors("leave", "截止日期", "截止曰期") == []
    assert errors("leave", "请假天数", "请假事由") == []


@pytest.mark.parametrize("header", ["", "  ", "\u3000"])
def test_a_blank_header_is_nothing(header: str) -> None:
    parsed = parse(REGISTERS["leave"], [[*NEEDED["leave"], header]])
    assert (parsed.errors, parsed.unknown_columns) == ((), {})
