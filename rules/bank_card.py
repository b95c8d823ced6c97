"""Whether a number can be a bank card's 银行卡: only ever a doubt, for passbooks 存折 have numbers of every length."""

from typing import Literal

Doubt = Literal["length", "check_digit"]
CARD_DIGITS = range(16, 20)
"""UnionPay cards have 16 to 19 digits (ISO/IEC 7812-1), the last of them a Luhn check digit."""
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def card_doubt(number: str) -> Doubt | None:
    """Return what speaks against `number`, without spaces or strokes, being a card's; None if nothing does."""
    if not (number.isascii() and number.isdigit() and len(number) in CARD_DIGITS):
        return "length"
    return None if luhn_sum(number) % 10 == 0 else "check_digit"


def luhn_sum(number: str) -> int:
    """Return the sum of the digits of `number`, every second from the right doubled and its own digits added."""
    digits = [int(digit) for digit in reversed(number)]
    return sum(digits[::2]) + sum(_DOUBLED[digit] for digit in digits[1::2])


def luhn_digit(body: str) -> str:
    """Return the check digit that makes `body` and it a number Luhn accepts."""
    return str(-luhn_sum(f"{body}0") % 10)
