"""Card numbers: worked by hand, and what a check digit is for - every single wrong digit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.bank_card import card_doubt, luhn_digit, luhn_sum


@pytest.mark.parametrize(
    ("number", "total"),
    [
        # 7992739871: from the right 1, 7x2=14>5, 8, 9x2>9, 3, 7x2>5, 2, 9x2>9, 9, 7x2>5 = 56
        pytest.param("7992739871", 56, id="ten digits"),
        # the same with 3 after it: 3, 1x2=2, 7, 8x2>7, 9, 3x2=6, 7, 2x2=4, 9, 9x2>9, 7 = 70
        pytest.param("79927398713", 70, id="with its check digit"),
        pytest.param("0", 0, id="nought"),
    ],
)
def test_a_sum_worked_by_hand(number: str, total: int) -> None:
    assert luhn_sum(number) == total


@pytest.mark.parametrize(
    ("number", "doubt"),
    [
        pytest.param("6222020200112233446", None, id="19 digits"),
        pytest.param("4111111111111111", None, id="16 digits, the usual example"),
        pytest.param("4111111111111112", "check_digit", id="a digit off"),
        pytest.param("6222020200112233000", "check_digit", id="what a spreadsheet leaves of 19 digits"),
        pytest.param("411111111111111", "length", id="15 digits"),
        pytest.param("41111111111111111111", "length", id="20 digits"),
        pytest.param("0123456789", "length", id="passbook"),
        pytest.param("6222A20200112233", "length", id="with a letter"),
        pytest.param("٤١١١١١١١١١١١١١١١", "length", id="Arabic digits"),
        pytest.param("", "length", id="nothing"),
    ],
)
def test_what_speaks_against_a_number(number: str, doubt: str | None) -> None:
    assert card_doubt(number) == doubt


@settings(max_examples=40, deadline=None)
@given(st.from_regex("[0-9]{15,18}", fullmatch=True), st.data())
def test_every_single_wrong_digit_is_doubted(body: str, data: st.DataObject) -> None:
    number = body + luhn_digit(body)
    assert card_doubt(number) is None
    at = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != number[at]))
    assert card_doubt(number[:at] + other + number[at + 1 :]) == "check_digit"
