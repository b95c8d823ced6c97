"""Cells of money: periods, amounts in fen, account numbers, and the words of banks."""

import pytest

from rules.registers import REGISTERS, BadCell, parse, read_cell


def cell(register: str, column: str, text: str) -> object:
    return read_cell(REGISTERS[register].column(column), text)


@pytest.mark.parametrize("said", ["2026-10", "2026/10", "2026年10月", "２０２６－１０", "2026年敬老月", "2026-10-01"])
def test_a_period_has_one_spelling(said: str) -> None:
    assert cell("budget", "period", said) == "2026-10"


@pytest.mark.parametrize("said", ["2026-13", "10月", "重阳", "2026.1", "明年"])
def test_another_is_refused_with_what_to_write(said: str) -> None:
    with pytest.raises(BadCell) as refused:
        cell("budget", "period", said)
    assert refused.value.problem
    assert "请" in refused.value.remedy


@pytest.mark.parametrize(
    ("text", "fen"), [("1541000000", 1541000000), ("1,541,000,000", 1541000000), ("6000.0", 6000), ("０", 0)]
)
def test_an_amount_is_in_whole_fen(text: str, fen: int) -> None:
    assert cell("budget", "fen", text) == fen


@pytest.mark.parametrize("text", ["775.07", "-1", "一百", "775.07元", "1e3"])
def test_an_amount_in_yuan_or_below_zero_is_refused(text: str) -> None:
    with pytest.raises(BadCell):
        cell("budget", "fen", text)


def test_a_payment_of_nothing_is_refused() -> None:
    with pytest.raises(BadCell, match="太小"):
        cell("bank-return", "fen", "0")
    assert cell("bank-return", "fen", "1") == 1


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("6222 0202 0011 2233 446", "6222020200112233446"),
        ("６２２２—０２０２-0011·2233 446", "6222020200112233446"),
        ("'6222020200112233446", "6222020200112233446"),
        ("01-234567", "01234567"),
        ("8700123.0", "8700123"),
        ("ab123456", "AB123456"),
    ],
)
def test_an_account_number_is_cleaned_and_keeps_its_leading_zero(text: str, number: str) -> None:
    assert cell("account", "account", text) == number


@pytest.mark.parametrize("text", ["6.22202E+18", "123", "农行卡", "6222?0202", "1" * 33])
def test_what_cannot_be_an_account_number_is_refused(text: str) -> None:
    with pytest.raises(BadCell) as refused:
        cell("account", "account", text)
    assert text not in refused.value.problem + refused.value.remedy


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ("成功", "paid"),
        ("已入账", "paid"),
        ("PAID", "paid"),
        ("失败", "returned"),
        ("退回", "returned"),
        ("退汇", "returned"),
    ],
)
def test_a_bank_s_word_is_a_result(said: str, result: str) -> None:
    assert cell("bank-return", "result", said) == result


def test_headers_as_banks_write_them_and_every_line_counts() -> None:
    head = ["序号", "流水号", "金额（分）", "处理结果", "失败原因", "入账日期"]
    line = ["1", "F7K3Q9XM1-0000001", "6000", "失败", "账户已销户", "20261020"]
    parsed = parse(REGISTERS["bank-return"], [head, line, line])
    assert not parsed.errors
    assert [row.values["result"] for row in parsed.rows] == ["returned", "returned"]
    other = parse(REGISTERS["bank-return"], [["代发编号", "金额(分)", "结果", "原因", "入账日期"], line[1:]])
    assert other.rows[0].values["key"] == "F7K3Q9XM1-0000001"
    assert parse(REGISTERS["bank-return"], [["支付编号", "金额(分)", "结果", "入账日期"]]).errors == ()


@pytest.mark.parametrize(
    ("said", "code"), [("高龄保健金", "longevity"), ("慰问金", "condolence"), ("longevity", "longevity")]
)
def test_a_programme_is_named_in_chinese_or_by_its_code(said: str, code: str) -> None:
    assert cell("budget", "programme", said) == code
