"""Exports: a kind and limits -> rows from the database -> csv, xlsx or ics; revealing personal data is audited."""

import getpass
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session

from flows.duty_exports import duty_rows, write_duty_calendar, write_holiday_table, write_ics
from flows.forms_rows import write_register, write_rows
from flows.jobs import Result
from flows.settings import Settings
from models import audit
from models.db import Database
from models.district import district_id
from models.messages import EXPORT_COLUMNS, exported
from models.register_rows import ROWS, who_is
from rules.calendar import month_dates
from rules.errors import TuoqiError, say
from rules.registers import REGISTERS


@dataclass(eq=False)
class UnknownExport(TuoqiError):
    """Nothing is exported under this name."""

    kind: str
    known: str
    zh = "没有名为 {kind} 的导出；可用：{known}。"
    en = "nothing is exported as {kind!r}; choose one of: {known}."


@dataclass(eq=False)
class BadWish(TuoqiError):
    """A limit of the export cannot be understood, or one is missing."""

    problem: str
    zh = "导出条件有误：{problem}。"
    en = "wrong limits of the export: {problem}."


@dataclass(eq=False)
class UnknownRef(TuoqiError):
    """Nobody has this reference."""

    ref: str
    zh = "没有编号为 {ref} 的人员或单位；请核对是否抄写有误。"
    en = "nobody has the reference {ref}; check the spelling."


@dataclass(frozen=True, slots=True)
class Wish:
    """Which rows, and whether with personal data."""

    first: date | None = None
    last: date | None = None
    centre: str | None = None
    cadre: str | None = None
    reveal: bool = False

    @classmethod
    def read(
        cls,
        since: str | None,
        until: str | None,
        month: str | None,
        centre: str | None,
        cadre: str | None,
        *,
        reveal: bool,
    ) -> "Wish":
        """Understand the switches of the command line.

        Raises:
            BadWish: a date or month is no date or month.
        """
        try:
            first, last = month_dates(month) if month else (None, None)
            first = date.fromisoformat(since) if since else first
            last = date.fromisoformat(until) if until else last
        except ValueError as error:
            raise BadWish(str(error)) from error
        return cls(first, last, centre, cadre, reveal)

    def span(self, settings: Settings) -> tuple[date, date]:
        """The dates wanted; without limits everything, up to a year ahead."""
        return self.first or date(2000, 1, 1), self.last or settings.today() + timedelta(days=366)


Writer = Callable[[Session, Settings, int, Wish, Path], int]


def export_file(database: Database, settings: Settings, kind: str, wish: Wish, to: Path) -> Result:
    """Write an export; with personal data it leaves an audit entry first.

    Raises:
        UnknownExport, BadWish: before anything is written.
    """
    writer = _writer(kind)
    if wish.reveal:
        with database.write() as session:
            limits = {name: str(value) for name, value in asdict(wish).items() if value}
            audit.record(session, settings.district, getpass.getuser(), f"export.{kind}", settings.now(), **limits)
    with database.read() as session:
        rows = writer(session, settings, district_id(session, settings.district), wish, to)
    return {"kind": kind, "rows": rows, "file": str(to), "revealed": wish.reveal}


def _writer(kind: str) -> Writer:
    if kind in WRITERS:
        return WRITERS[kind]
    if kind not in ROWS:
        raise UnknownExport(kind, ", ".join(sorted([*ROWS, *WRITERS])))

    def write(session: Session, settings: Settings, district: int, wish: Wish, to: Path) -> int:
        first, last = wish.span(settings)
        rows, counted = _counted(ROWS[kind](session, district, first, last))
        write_register(to, REGISTERS[kind], rows, settings.lang, reveal=wish.reveal)
        return counted()

    return write


def _counted(rows: Iterable[Mapping[str, Any]]) -> tuple[Iterator[Mapping[str, Any]], Callable[[], int]]:
    seen = 0

    def each() -> Iterator[Mapping[str, Any]]:
        nonlocal seen
        for row in rows:
            seen += 1
            yield row

    return each(), lambda: seen


def _duty(session: Session, settings: Settings, district: int, wish: Wish, to: Path) -> int:
    first, last = wish.span(settings)
    rows = list(duty_rows(session, settings, district, (first, last), wish.centre))
    write_rows(to, ["date", "centre", "cadre", "state", "rest_relaxed", "why"], rows)
    return len(rows)


def _messages(session: Session, _settings: Settings, _district: int, _wish: Wish, to: Path) -> int:
    rows = [[row[name] for name in EXPORT_COLUMNS] for row in exported(session)]
    write_rows(to, list(EXPORT_COLUMNS), rows)
    return len(rows)


def _calendar_book(session: Session, settings: Settings, district: int, wish: Wish, to: Path) -> int:
    if wish.first is None or wish.last is None:
        raise BadWish(say("请用 --month 指定月份", "name the month with --month"))
    return write_duty_calendar(
        session, settings, district, (wish.first, wish.last), wish.centre, to, reveal=wish.reveal
    )


def _holidays(session: Session, settings: Settings, district: int, wish: Wish, to: Path) -> int:
    return write_holiday_table(session, settings, district, wish.span(settings), to, reveal=wish.reveal)


def _ics(session: Session, settings: Settings, district: int, wish: Wish, to: Path) -> int:
    return write_ics(session, settings, district, wish.span(settings), wish.cadre, to)


WRITERS: dict[str, Writer] = {
    "duty": _duty,
    "duty-calendar": _calendar_book,
    "duty-holidays": _holidays,
    "duty-ics": _ics,
    "messages": _messages,
}


def look_up(database: Database, settings: Settings, ref: str) -> Result:
    """Tell who a reference is; the look-up is audited.

    Raises:
        UnknownRef: nobody.
    """
    with database.write() as session:
        found = who_is(session, district_id(session, settings.district), ref.strip().upper())
        if found is None:
            raise UnknownRef(ref)
        audit.record(session, settings.district, getpass.getuser(), "who", settings.now(), ref=ref)
    return found
