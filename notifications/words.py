"""Values in words: day, amount or share -> what people read, in Chinese or English; the filters of every template."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from rules.money import yuan
from rules.periods import MONTHS, period_name

_OF_NUMBERS = "0123456789.,"


def _day(language: str, day: date) -> str:
    """Say 7月12日, or 12 July."""
    return f"{day.month}月{day.day}日" if language == "zh-CN" else f"{day.day} {MONTHS[day.month - 1]}"


def _full(language: str, day: date) -> str:
    """Say 2026年7月12日, or 12 July 2026: where the year is in doubt."""
    return f"{day.year}年{_day(language, day)}" if language == "zh-CN" else f"{_day(language, day)} {day.year}"


def _month(language: str, month: str) -> str:
    """Say 2026年7月, or July 2026, for 2026-07."""
    return period_name(month, language)


def _yuan(language: str, fen: int) -> str:
    """Say 1,600.00元, or 1,600.00 yuan, for 160000 fen."""
    return yuan(fen) + ("元" if language == "zh-CN" else " yuan")


def _share(_language: str, permille: int | None) -> str:
    """Say 98.6% for 986; a share of nothing is a dash."""
    return "—" if permille is None else f"{permille // 10}.{permille % 10}%"


def _dates(language: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Say 2日、11日 for rows with a `date` of one month, or 2, 11."""
    days = [str(row["date"].day) for row in rows]
    return "、".join(f"{day}日" for day in days) if language == "zh-CN" else ", ".join(days)


def _length(_language: str, rows: Sequence[Any]) -> int:
    return len(rows)


def shortened(value: str, limit: int) -> str:
    """Cut a value to `limit` UTF-16 units, the last of them an ellipsis.

    Never through the middle of a character, nor of a number: 29日 cut to 2… would name another day, and an amount
    another sum.
    """
    units = value.encode("utf-16-le")
    if len(units) <= 2 * limit:
        return value
    kept = units[: 2 * (limit - 1)].decode("utf-16-le", "ignore")
    if kept and kept[-1] in _OF_NUMBERS and value[len(kept)] in _OF_NUMBERS:
        kept = kept.rstrip(_OF_NUMBERS)
    return kept + "…"


WORDS: Mapping[str, Callable[[str, Any], Any]] = {
    "day": _day,
    "full": _full,
    "month": _month,
    "yuan": _yuan,
    "share": _share,
    "dates": _dates,
    "length": _length,
}
"""By filter name: (language, value) -> words."""

LISTS = {"dates", "length"}
"""The filters that make one value of a list, which an SMS can carry."""
