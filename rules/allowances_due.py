"""When the steps of an allowance fall due: notices -> cycles to open today; a publication -> its objection window."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from rules.allowances_facts import Tariff
from rules.calendar import Day
from rules.errors import TuoqiError
from rules.periods import month_end

FestivalDay = Callable[[int, str], date]
"""(year, festival) -> its day in that year."""


class Due(NamedTuple):
    """A cycle that is to be planned, and since when; the notice is the one in force on as_of."""

    programme: str
    period: str
    as_of: date
    opens_on: date
    tariff: Tariff


class Window(NamedTuple):
    """The days in which objections are heard, both included; `first` and `last` are workdays."""

    first: date
    last: date


@dataclass(eq=False)
class CalendarUnpublished(TuoqiError):
    """The work calendar of `day` is a guess yet, so a legal time limit cannot be reckoned by it."""

    day: date
    zh = "{day} 是否上班尚未公布，无法推算公示期；请导入该年的工作日历(calendar)后重试。"
    en = "the work calendar does not say yet whether {day} is worked; import that year's calendar, then try again."


def due_cycles(tariffs: Iterable[Tariff], today: date, festival_day: FestivalDay, look_back: int) -> list[Due]:
    """Return the cycles that policy opens by today, missed ones included up to `look_back` days, earliest first.

    Args:
        tariffs: every version of every programme.
        today: the day of the run.
        festival_day: reads the lunar calendar.
        look_back: cycles opened longer ago are left to a person.
    """
    books: dict[str, list[Tariff]] = {}
    for tariff in sorted(tariffs, key=lambda each: each.since):
        books.setdefault(tariff.programme, []).append(tariff)
    found = (due for book in books.values() for due in (*_months(book, today), *_festivals(book, today, festival_day)))
    first = today - timedelta(days=look_back)
    return sorted((due for due in found if first <= due.opens_on <= today), key=lambda due: (due.opens_on, due[:2]))


def _months(book: list[Tariff], today: date) -> Iterator[Due]:
    """Yield the monthly cycles of this year and the last."""
    for number in range(24):
        period = f"{today.year - 1 + number // 12}-{number % 12 + 1:02d}"
        as_of = month_end(period)
        tariff = _in_force(book, as_of)
        if tariff and tariff.cycle == "month":
            yield Due(tariff.programme, period, as_of, opening(tariff, as_of), tariff)


def _festivals(book: list[Tariff], today: date, festival_day: FestivalDay) -> Iterator[Due]:
    """Yield the festivals of last year, this and the next, which may open in this one."""
    for festival in sorted({festival for tariff in book for festival in tariff.festivals}):
        for year in range(today.year - 1, today.year + 2):
            as_of = festival_day(year, festival)
            tariff = _in_force(book, as_of)
            if tariff and festival in tariff.festivals:
                yield Due(tariff.programme, f"{year}-{festival}", as_of, opening(tariff, as_of), tariff)


def opening(tariff: Tariff, as_of: date) -> date:
    """Return the day on which a cycle is to be planned."""
    return as_of.replace(day=tariff.opens) if tariff.cycle == "month" else as_of - timedelta(days=tariff.opens)


def _in_force(book: list[Tariff], day: date) -> Tariff | None:
    place = bisect_right([tariff.since for tariff in book], day)
    return book[place - 1] if place else None


def notice_window(published_on: date, workdays: int, calendar: Mapping[date, Day]) -> Window:
    """Return the objection window 公示期: so many workdays from the one after publication, to the end of the last.

    Raises:
        CalendarUnpublished: a day in it is not in the calendar, or its year is not published yet.
    """
    day, found = published_on, list[date]()
    while len(found) < workdays:
        day += timedelta(days=1)
        known = calendar.get(day)
        if known is None or not known.confirmed:
            raise CalendarUnpublished(day)
        if known.kind == "work":
            found.append(day)
    return Window(found[0], found[-1])
