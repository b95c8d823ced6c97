"""What people and banks write in their own words: long numbers in it are those of persons, and have no place there."""

import re
import unicodedata
from dataclasses import dataclass

from rules.errors import TuoqiError

_GAPS = re.compile(r"(?<=[0-9])\s(?=[0-9])")
_LONG = re.compile(r"[0-9]{8,}|1[3-9][0-9]-[0-9]{4}-[0-9]{4}")
_MASKED = re.compile(r"[0-9](?:\s?[0-9]){3,}[Xx]?")


@dataclass(eq=False)
class NumberOfAPerson(TuoqiError):
    """A note holds a number that may be an ID, a telephone or an account; it is not repeated."""

    zh = (
        "说明文字中有 8 位以上的连续数字或身份证号，未登记；请不要写身份证号、电话、银行账号，"
        "改写凭证编号或存放处，日期写作 2026-10-20。"
    )
    en = (
        "the note holds eight or more digits in a row or an ID number, nothing was recorded; write no ID, telephone or "
        "account number but where the proof is kept, and dates like 2026-10-20."
    )


def check_note(text: str) -> str:
    """Return a note as it is stored.

    Raises:
        NumberOfAPerson: 8 or more digits in a row, be they full-width or with single spaces between them, for an ID has
            17; or a mobile telephone written as 138-0000-0000.
    """
    if _LONG.search(_GAPS.sub("", unicodedata.normalize("NFKC", text))):
        raise NumberOfAPerson
    return text.strip()


def masked_digits(text: str) -> str:
    """Return a text with each run of 4 or more digits as ****, for it may be part of an account or a telephone."""
    return _MASKED.sub("****", unicodedata.normalize("NFKC", text))
