"""Days and times as people and spreadsheets write them -> date, or aware UTC datetime."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from rules.errors import say
from rules.registers.spelling import BadCell, plain

SHANGHAI = ZoneInfo("Asia/Shanghai")
EXCEL_DAY_0 = datetime(1899, 12, 30)  # noqa: DTZ001 - wall time: a serial number carries no zone
FIRST_YEAR, LAST_YEAR = 1900, 2199

_DAY = r"([0-9]{4})(?:-|/|\.|年)([0-9]{1,2})(?:-|/|\.|月)([0-9]{1,2})日?"
_CLOCK = r"([0-9]{1,2})(?::|时|点)([0-9]{1,2})(?:分|(?::|分)([0-9]{1,2})(?:\.[0-9]+)?秒?)?"
_WHEN = re.compile(rf"{_DAY}(?:[T ]*{_CLOCK})?\s*(Z|[+-][0-9]{{2}}:?[0-9]{{2}})?")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_SERIAL = re.compile(r"[0-9]{5}(\.[0-9]+)?")  # 10000 is 1927-05-18; a bare year has 4 digits, 20260301 has 8


def day_of(text: str) -> date:
    """A day; a time of day other than midnight is refused, for it would be dropped in silence.

    Raises:
        BadCell: no day, an impossible one, or one with a time.
    """
    when, clock, _zone = _moment(text)
    if clock and when.time() != datetime.min.time():
        raise BadCell(
            say("这里只填日期，却带了钟点", "only a day belongs here, but there is a time too"),
            say("请删去钟点，写成 2026-03-01", "remove the time and write 2026-03-01"),
        )
    return when.date()


def instant_of(text: str) -> datetime:
    """A date and time, aware UTC; without an offset it is Shanghai wall time.

    Raises:
        BadCell: no such moment, or a day without a time.
    """
    when, clock, zone = _moment(text)
    if not clock:
        raise BadCell(
            say("只有日期，没有钟点", "a day without a time"), say("请写成 2026-03-01 08:30", "write 2026-03-01 08:30")
        )
    return _aware(when, zone)


def when_of(text: str) -> date | datetime:
    """A day, or with a time of day the instant, aware UTC; a spreadsheet's midnight is a day.

    Raises:
        BadCell: no such day or moment.
    """
    when, clock, zone = _moment(text)
    if not clock or (not zone and when.time() == datetime.min.time()):
        return when.date()
    return _aware(when, zone)


def _aware(when: datetime, zone: str) -> datetime:
    try:
        aware = datetime.fromisoformat(f"{when.isoformat()}{zone}") if zone else when.replace(tzinfo=SHANGHAI)
    except ValueError:
        raise _no_such_time() from None
    return aware.astimezone(UTC)


def _moment(text: str) -> tuple[datetime, bool, str]:
    """Wall time, whether a time of day was said, and the offset, "" if none."""
    said = plain(text)
    if _SERIAL.fullmatch(said):
        return EXCEL_DAY_0 + timedelta(seconds=round(float(said) * 86400)), "." in said, ""
    if match := _COMPACT.fullmatch(said):
        return _wall(*match.groups()), False, ""
    match = _WHEN.fullmatch(said) or _WHEN.fullmatch(said.replace(" ", ""))
    if not match:
        raise BadCell(
            say("不是日期", "not a date"),
            say("请写成 2026-03-01、2026/3/1 或 2026年3月1日", "write it like 2026-03-01, 2026/3/1 or 2026年3月1日"),
        )
    *parts, zone = match.groups()
    return _wall(*(part or "0" for part in parts)), parts[3] is not None, zone or ""


def _wall(*parts: str) -> datetime:
    numbers = [int(part) for part in parts]
    if not FIRST_YEAR <= numbers[0] <= LAST_YEAR:
        raise BadCell(
            say("年份不对", "an unlikely year"), say("请写四位年份，如 2026-03-01", "write a year such as 2026")
        )
    try:
        return datetime(*numbers)  # type: ignore[arg-type]  # noqa: DTZ001 - wall time; the caller knows the zone
    except ValueError:
        raise _no_such_time() from None


def _no_such_time() -> BadCell:
    return BadCell(say("没有这个日期或时间", "no such day or time"), say("请查日历后改正", "look it up and correct it"))
