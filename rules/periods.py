"""Periods 发放期: as people write them -> one spelling, `2026-10` for a month, `2026-double-ninth` for a festival.

The year of a festival is the one in which its day falls; days of the lunar calendar are read in models/calendar.py.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal, get_args

from rules.calendar import month_dates
from rules.errors import TuoqiError

Festival = Literal[
    "new-year", "spring-festival", "lantern", "labour-day", "dragon-boat", "mid-autumn", "national-day", "double-ninth",
    "winter-solstice",
]  # fmt: skip
FESTIVALS: tuple[Festival, ...] = get_args(Festival)

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
NAMES: Mapping[Festival, tuple[str, str]] = {
    "new-year": ("元旦", "New Year"),
    "spring-festival": ("春节", "Spring Festival"),
    "lantern": ("元宵节", "Lantern Festival"),
    "labour-day": ("劳动节", "Labour Day"),
    "dragon-boat": ("端午节", "Dragon Boat Festival"),
    "mid-autumn": ("中秋节", "Mid-Autumn Festival"),
    "national-day": ("国庆节", "National Day"),
    "double-ninth": ("重阳节", "Double Ninth"),
    "winter-solstice": ("冬至", "Winter Solstice"),
}
_SAID: Mapping[str, str] = {
    "元旦 元旦节 newyear newyearsday": "new-year",
    "春节 springfestival chinesenewyear lunarnewyear": "spring-festival",
    "元宵 元宵节 lantern lanternfestival": "lantern",
    "劳动节 五一 五一节 五一劳动节 labourday laborday mayday": "labour-day",
    "端午 端午节 dragonboat dragonboatfestival": "dragon-boat",
    "中秋 中秋节 midautumn midautumnfestival": "mid-autumn",
    "国庆 国庆节 nationalday": "national-day",
    "重阳 重阳节 老年节 敬老节 doubleninth doubleninthfestival chongyang": "double-ninth",
    "冬至 冬至节 wintersolstice": "winter-solstice",
    "敬老月": "10",
}
"""Words without spaces and strokes. 老年节 and 敬老节 are the Double Ninth by law; 敬老月 is October."""

_DASH = "[-/.‐‑‒–—−_]"
_MONTH = re.compile(rf"([0-9]{{4}}) ?(?:{_DASH}|年度?) ?([0-9]{{1,2}})(?: ?月份?)?|([0-9]{{4}})([0-9]{{2}})(?:\.0)?")
_FIRST = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]0?1(?:[ t]0?0:00(?::00)?)?")
"""What a spreadsheet makes of a typed month: its first day."""
_CUT = re.compile(r"[0-9]{4}\.1")
_WORD = re.compile(r"(?:([0-9]{4})(?:年度?)?)?(.+?)(?:([0-9]{4})年?)?")
_YEAR_IN_WORDS = re.compile("^[〇零○一二三四五六七八九]{4}(?=年)")
_DIGITS = str.maketrans("〇零○一二三四五六七八九", "000123456789")
_IN_WORDS = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")


def _words() -> dict[str, str]:
    """Map every word for a part of the year to how it ends a period."""
    found = {word: part for words, part in _SAID.items() for word in words.split()}
    for number, (zh, en) in enumerate(zip(_IN_WORDS, MONTHS, strict=True), 1):
        found |= dict.fromkeys((f"{zh}月", f"{zh}月份", en.casefold(), en[:3].casefold()), f"{number:02d}")
    return found


_WORDS = _words()


@dataclass(eq=False)
class PeriodUnreadable(TuoqiError):
    """What is written names neither a month nor a festival of a year."""

    said: str
    zh = "“{said}”不是发放期；请填写月份(如 2026-10)或节日(如 2026-double-ninth、2026年重阳节)。"
    en = "{said!r} is no period; write a month such as 2026-10, or a festival such as 2026-double-ninth."


@dataclass(eq=False)
class PeriodCut(PeriodUnreadable):
    """A number like 2026.1 is January, or October whose zero a spreadsheet dropped; nobody can tell."""

    zh = "“{said}”分不清是 1 月还是 10 月(表格会去掉末尾的 0)；请写成 {said[0]}{said[1]}{said[2]}{said[3]}-01 或 -10。"
    en = "{said!r} may be January, or October without its zero; write the month with two digits after a stroke, as -01."


def read_period(said: str) -> str:
    """Return the one spelling of a period.

    Understood are 2026/10, 2026.10, 2026-1, 202610, 2026年10月, 二〇二六年十月, Oct 2026, 2026年敬老月, 2026年重阳节,
    2026 double ninth, all of it in full-width characters too, and 2026-10-01, which a spreadsheet makes of a month.

    Raises:
        PeriodUnreadable: anything else; a date within a month is no period.
    """
    text = " ".join(unicodedata.normalize("NFKC", said).casefold().split())
    if _CUT.fullmatch(text):
        raise PeriodCut(text)
    if found := _MONTH.fullmatch(text) or _FIRST.fullmatch(text):
        year, month = (int(part) for part in found.groups() if part is not None)
        if not 1 <= month <= 12:
            raise PeriodUnreadable(said)
        return _period(said, year, f"{month:02d}")
    text = _YEAR_IN_WORDS.sub(lambda year: year[0].translate(_DIGITS), text)
    named = _WORD.fullmatch(re.sub(r"[\W_]", "", text))
    if named is None or (named[1] is None) == (named[3] is None) or named[2] not in _WORDS:
        raise PeriodUnreadable(said)
    return _period(said, int(named[1] or named[3]), _WORDS[named[2]])


def _period(said: str, year: int, part: str) -> str:
    if not 2000 <= year <= 2099:
        raise PeriodUnreadable(said)
    return f"{year}-{part}"


def is_month(period: str) -> bool:
    """Tell a month from a festival; `period` is in the one spelling."""
    return period[5:].isdigit()


@lru_cache(maxsize=64)  # asked for every person of a cycle
def festival_of(period: str) -> str | None:
    """Return the festival of a period, None for a month."""
    return None if is_month(period) else period[5:]


def month_of(day: date) -> str:
    """Return the month of a day as a period."""
    return f"{day:%Y-%m}"


def month_end(period: str) -> date:
    """Return the last day of a month.

    Raises:
        PeriodUnreadable: the period is a festival, which has no last day.
    """
    if not is_month(period):
        raise PeriodUnreadable(period)
    return month_dates(period)[1]


def period_name(period: str, lang: str) -> str:
    """Say 2026年10月 or 2026年重阳节; in English (`lang` "en") October 2026 or Double Ninth 2026."""
    year, part = period[:4], period[5:]
    if part.isdigit():
        return f"{MONTHS[int(part) - 1]} {year}" if lang == "en" else f"{year}年{int(part)}月"
    zh, en = NAMES[part]  # type: ignore[index]
    return f"{en} {year}" if lang == "en" else f"{year}年{zh}"
