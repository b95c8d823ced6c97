"""Money: every fen comes through."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.money import yuan


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "0.00"), (1, "0.01"), (10, "0.10"), (99, "0.99"), (100, "1.00"), (77507, "775.07"), (123456, "1,234.56"),
        (100_000_000, "1,000,000.00"), (-5, "-0.05"), (-123456, "-1,234.56"), (2**53 + 1, "90,071,992,547,409.93"),
    ],
)  # fmt: skip
def test_fen_are_shown_as_yuan(fen: int, text: str) -> None:
    assert yuan(fen) == text


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_every_fen_survives_being_written(fen: int) -> None:
    """Read back by the decimal arithmetic of the standard library, which is not ours."""
    assert Decimal(yuan(fen).replace(",", "")) * 100 == fen
