"""Money 金额: whole fen in the books, yuan with two decimals before people and banks; never a binary fraction."""

import re
import unicodedata
from dataclasses import dataclass

from rules.errors import TuoqiError

_YUAN = re.compile(r"[¥￥]?((?:0|[1-9][0-9]{0,12})|[1-9][0-9]{0,2}(?:,[0-9]{3}){1,4})(?:\.([0-9]{1,2}))?元?")


@dataclass(eq=False)
class AmountUnreadable(TuoqiError):
    """What is written is no amount in yuan with at most two decimals."""

    said: str
    zh = "“{said}”不是金额；请按元填写，最多两位小数，例如 775.07 或 1,234.56。"
    en = "{said!r} is no amount; write yuan with at most two decimals, such as 775.07 or 1,234.56."


def yuan(fen: int) -> str:
    """Return fen as yuan, exact: 1,234.56 for 123456, -0.05 for -5."""
    whole, part = divmod(abs(fen), 100)
    return f"{'-' * (fen < 0)}{whole:,}.{part:02d}"


def fen_of(said: str) -> int:
    """Return the fen of an amount written in yuan.

    Full-width characters, thousands in groups of three, a leading ¥ and a trailing 元 are understood.

    Raises:
        AmountUnreadable: anything else - a sign, an exponent, a third decimal, 万.
    """
    found = _YUAN.fullmatch(unicodedata.normalize("NFKC", said).strip())
    if found is None:
        raise AmountUnreadable(said)
    return int(found[1].replace(",", "")) * 100 + int((found[2] or "").ljust(2, "0"))
