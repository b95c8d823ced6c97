"""Money: every fen comes through, and what is no amount is no amount."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.money import AmountUnreadable, fen_of, yuan


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "0.00"), (1, "0.01"), (10, "0.10"), (99, "0.99"), (100, "1.00"), (77507, "775.07"), (123456, "1,234.56"),
        (100_000_000, "1,000,000.00"), (-5, "-0.05"), (-123456, "-1,234.56"), (2**53 + 1, "90,071,992,547,409.93"),
    ],
)  # fmt: skip
def test_fen_are_shown_as_yuan(fen: int, text: str) -> None:
    assert yuan(fen) == text


@given(st.integers(0, 10**15 - 1))
def test_every_fen_survives_being_written_and_read(fen: int) -> None:
    assert fen_of(yuan(fen)) == fen_of(yuan(fen).replace(",", "")) == fen


@pytest.mark.parametrize(
    ("said", "fen"),
    [
        ("775.07", 77507), ("775", 77500), ("775.5", 77550), ("0.01", 1), ("1,234.56", 123456), ("¥1,234.56", 123456),
        ("￥80", 8000), ("80元", 8000), ("７７５．０７", 77507), (" 80.00 ", 8000),
        ("0", 0), ("１，２３４．５０元", 123450),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_people_write_it(said: str, fen: int) -> None:
    assert fen_of(said) == fen


@pytest.mark.parametrize(
    "said",
    [
        "", " ", "1e3", "1E3", "775.075", "-1", "+1", "1.", ".5", "1,23.45", "12,34", "1,2345", "1 234", "0775", "NaN",
        "inf", "1万", "1.5万元",
        "八十", "8O", "1.2.3", "1_000", "0x10", "￥", "元", "10000000000000000", "٣", "1，23",
    ],
)  # fmt: skip
def test_what_is_no_amount_of_at_most_two_decimals_is_refused(said: str) -> None:
    with pytest.raises(AmountUnreadable, match=r"775\.07"):
        fen_of(said)
