"""One cell of figures: a number, an amount in fen, an account number, a period of payment."""

import re
from decimal import Decimal

from rules import periods
from rules.errors import say
from rules.registers.shape import Column
from rules.registers.spelling import BadCell, plain, unmangled

INTEGRAL = re.compile(r"([0-9]+)\.0+")
MOST_MARKS = 3000
MARK_WORDS = {
    "缺考": "absent", "缺": "absent", "未考": "absent", "旷考": "absent", "弃考": "absent", "缓考": "absent",
    "absent": "absent", "违纪": "violation", "作弊": "violation", "舞弊": "violation", "违规": "violation",
    "violation": "violation", "免考": "exempt", "免试": "exempt", "免": "exempt", "exempt": "exempt",
}  # fmt: skip
"""What schools write where a mark would stand; who sits the exam later 缓考 is absent until the mark comes."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,9})?")
_ACCOUNT = re.compile(r"[0-9A-Z]{6,32}")
_GAPS = re.compile(r"[\s‐‑‒–—−_.·-]")


def read_int(_column: Column, text: str) -> int:
    """A whole number."""
    number = _decimal(text)
    if number != number.to_integral_value():
        raise BadCell(say("不是整数", "not a whole number"), say("请填整数，如 12", "write a whole number such as 12"))
    return int(number)


def read_number(_column: Column, text: str) -> Decimal:
    """A number, exact."""
    return _decimal(text)


def read_fen(column: Column, text: str) -> int:
    """An amount in whole fen; one with decimals was meant in yuan, and a guess would be a hundredfold mistake."""
    amount = _decimal(text)
    if amount != amount.to_integral_value():
        raise BadCell(
            say("不是整数，这一列的单位是分", "not a whole number; this column is in fen"),
            say("请按分填写：775.07 元填 77507", "write fen: 775.07 yuan is 77507"),
        )
    if amount < column.least:
        raise BadCell(
            say("金额太小", "too small an amount"), say(f"至少为 {column.least} 分", f"at least {column.least} fen")
        )
    return int(amount)


def read_period(_column: Column, text: str) -> str:
    """A period of payment, in the one spelling."""
    try:
        return periods.read_period(text)
    except periods.PeriodUnreadable as unreadable:
        problem, _, remedy = str(unreadable).rstrip("。.").replace("；", ";").rpartition(";")
        raise BadCell(problem, remedy.strip()) from None


def read_account(_column: Column, text: str) -> str:
    """The number of a card or passbook without spaces and strokes; whether it can be one is only ever a doubt."""
    number = _GAPS.sub("", INTEGRAL.sub(r"\1", unmangled(plain(text)))).upper()
    if not _ACCOUNT.fullmatch(number):
        raise BadCell(
            say("不是银行卡号或存折账号", "not the number of a card or passbook"),
            say("请对照卡或存折，填 6 至 32 位数字或字母", "compare it with the card: 6 to 32 digits or letters"),
        )
    return number


def read_mark(_column: Column, text: str) -> Decimal | str:
    """A mark, exact, or the status that stands in its place."""
    said = plain(text).replace(" ", "").casefold()
    if word := MARK_WORDS.get(said):
        return word
    mark = _decimal(said.removesuffix("分"))
    if not 0 <= mark <= MOST_MARKS:
        raise BadCell(say("不可能是分数", "cannot be a mark"), say("请核对", "check it"))
    return mark


def _decimal(text: str) -> Decimal:
    said = plain(text).replace(",", "").replace(" ", "")
    if not _NUMBER.fullmatch(said):
        raise BadCell(
            say("不是数字", "not a number"), say("请只填数字，如 12 或 3.5", "write digits only, such as 12 or 3.5")
        )
    return Decimal(said)
