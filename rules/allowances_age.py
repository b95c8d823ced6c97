"""Age in full years 周岁, and the band it leads to: birth date, day, notice -> the first band that fits."""

from collections.abc import Collection
from datetime import date

from rules.allowances_facts import Band, LeapBirthday, Tariff
from rules.periods import festival_of


def age_on(born: date, day: date, leap_birthday: LeapBirthday = "03-01") -> int:
    """Return the full years of a person on a day; a year is full on the birthday itself, negative before birth.

    Who was born on 29 February has no birthday in a common year; then the notice's `leap_birthday` counts.
    """
    years = day.year - born.year
    if (born.month, born.day) == (2, 29) and not _is_leap(day.year):
        reached = (day.month, day.day) >= ((3, 1) if leap_birthday == "03-01" else (2, 28))
    else:
        reached = (day.month, day.day) >= (born.month, born.day)
    return years if reached else years - 1


def band_of(born: date, categories: Collection[str], day: date, tariff: Tariff, period: str) -> Band | None:
    """Return the first band of a notice that fits a person on a day, None if none does."""
    age, festival = age_on(born, day, tariff.leap_birthday), festival_of(period)
    for band in tariff.bands:
        if (
            (band.age is None or band.age <= age)
            and (band.until_age is None or age <= band.until_age)
            and (band.category is None or band.category in categories)
            and (band.festivals is None or festival in band.festivals)
        ):
            return band
    return None


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
