"""Exports: a kind and limits -> rows from the database -> csv, xlsx or ics; revealing personal data is audited."""

import getpass
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session

from flows import allowance_exports, visit_exports
from flows.call_list import write_call_list
from flows.care_team import write_care_team
from flows.duty_exports import duty_rows, write_duty_calendar, write_holiday_table, write_ics
from flows.elder_file import write_elder_file
from flows.elder_map import write_elder_map
from flows.forms_rows import write_register, write_rows
from flows.jobs import Result
from flows.settings import Settings
from flows.visit_kpi_export import KPI, kpi_rows
from models import audit
from models.db import Database
from models.district import district_id
from models.elder_sheets import elder_sheets
from models.exam import exam_named
from models.message_views import EXPORT_COLUMNS, exported
from models.register_rows import ROWS, who_is
from rules.calendar import month_dates
from rules.errors import TuoqiError, say
from rules.refs import canonical, is_ref
from rules.registers import REGISTERS
from rules.registers.days import day_of
from rules.registers.spelling import BadCell

TOLD = {"issue": {"tag": "标记"}}
"""What an export of a register tells beside its columns."""
_MONTH = re.compile(r"2[01][0-9]{2}-(0[1-9]|1[0-2])")


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
class MisspeltRef(TuoqiError):
    """The check character does not fit, or it has another shape: it was never given to anybody."""

    ref: str
    zh = "编号 {ref} 有误（位数或校验码不符）；请对照原文逐字核对，形如 C-7K3Q-9XM1。"
    en = "{ref} is no reference: its length or check character is wrong; compare it with the source (C-7K3Q-9XM1)."


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
    elder: str | None = None
    exam: str | None = None
    release: int | None = None

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
        elder: str | None = None,
    ) -> "Wish":
        """Understand the switches of the command line; an elder is named by reference, for the audit keeps it.

        Raises:
            BadWish: a date or month is no date or month, or the last date lies before the first.
            MisspeltRef: the elder's reference cannot be one.
        """
        if elder and not is_ref(elder):
            raise MisspeltRef(elder if elder[:2].upper() == "E-" else "…")
        first, last = _month(month) if month else (None, None)
        first = _day("--from", since) if since else first
        last = _day("--until", until) if until else last
        if first and last and last < first:
            raise BadWish(
                say(f"截止日期 {last} 早于起始日期 {first}，请对调", f"{last} lies before {first}; swap them")
            )
        return cls(first, last, centre, cadre, reveal, canonical(elder) if elder else None)

    def wants(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a register row is of the centre and cadre asked for."""
        number = row.get("cadre") or row.get("number") or row.get("person")
        place = row.get("centre") or row.get("code")
        person = row.get("elder") or row.get("ref")
        return self.centre in (None, place) and self.cadre in (None, number) and self.elder in (None, person)

    def span(self, settings: Settings) -> tuple[date, date]:
        """The dates wanted; without limits everything, up to a year ahead."""
        return self.first or date(2000, 1, 1), self.last or settings.today() + timedelta(days=366)


def _day(option: str, text: str) -> date:
    try:
        return day_of(text)
    except BadCell as bad:
        raise BadWish(
            say(f"{option} {text}：{bad.problem}，{bad.remedy}", f"{option} {text}: {bad}; {bad.remedy}")
        ) from bad


def _month(text: str) -> tuple[date, date]:
    if not _MONTH.fullmatch(text):
        told = say(f"--month {text}：不是月份，请写成 2026-03", f"--month {text}: not a month; write it like 2026-03")
        raise BadWish(told)
    return month_dates(text)


Writer = Callable[[Session, Settings, int, Wish, Path], int]
Rows = Callable[[Session, int, tuple[date, date], str | None], Iterator[list[Any]]]


def export_file(database: Database, settings: Settings, kind: str, wish: Wish, to: Path) -> Result:
    """Write an export; with personal data, or everybody's results, it leaves an audit entry first.

    Raises:
        UnknownExport, BadWish: before anything is written.
    """
    writer = _writer(kind)
    if kind in EXAMS:
        _check_exam(database, settings, wish)
    if wish.reveal or kind in AUDITED:
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
        rows = _Counted(row for row in ROWS[kind](session, district, first, last) if wish.wants(row))
        lang = "en" if to.suffix.lower() == ".csv" else settings.lang  # csv is for programs, workbooks are for people
        write_register(to, REGISTERS[kind], rows, lang, reveal=wish.reveal, told=TOLD.get(kind, {}))
        return rows.count

    return write


class _Counted:
    """Rows that are counted as they go by: a register of 160,000 is never in memory as a whole."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Any]:
        for row in self._rows:
            self.count += 1
            yield row


def _duty(session: Session, settings: Settings, district: int, wish: Wish, to: Path) -> int:
    first, last = wish.span(settings)
    rows = list(duty_rows(session, settings, district, (first, last), wish.centre))
    write_rows(to, ["date", "centre", "cadre", "state", "rest_relaxed", "why"], rows)
    return len(rows)


def _messages(session: Session, settings: Settings, _district: int, wish: Wish, to: Path) -> int:
    since = _midnight(wish.first, settings) if wish.first else None
    until = _midnight(wish.last + timedelta(days=1), settings) if wish.last else None
    found = exported(session, settings.district, since, until)
    rows = [[row[name] for name in EXPORT_COLUMNS] for row in found]
    write_rows(to, list(EXPORT_COLUMNS), rows)
    return len(rows)


def _midnight(day: date, settings: Settings) -> datetime:
    """The instant at which a day begins in the district."""
    return datetime.combine(day, time.min, settings.tz)


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


def _elder_file(session: Session, settings: Settings, district: int, wish: Wish, to: Path) -> int:
    if wish.elder is None or to.suffix.lower() != ".xlsx":
        told = (
            "请用 --elder 指定系统编号，文件用 .xlsx",
            "name the elder with --elder REF, and a file that ends in .xlsx",
        )
        raise BadWish(say(*told))
    sheets = elder_sheets(session, district, wish.elder)
    if sheets is None:
        raise UnknownRef(wish.elder)
    return write_elder_file(to, sheets, settings.lang, reveal=wish.reveal)


def _visit_kpi(session: Session, settings: Settings, district: int, wish: Wish, to: Path) -> int:
    span = wish.span(settings)
    one_month = wish.first is not None and f"{span[0]:%Y-%m}" == f"{span[1]:%Y-%m}"
    rows = list(kpi_rows(session, settings, district, span, restated=one_month))
    write_rows(to, KPI, rows)
    return len(rows)


def _care_team(session: Session, settings: Settings, district: int, wish: Wish, to: Path) -> int:
    day = wish.last or settings.today()
    return write_care_team(session, settings, district, day, to, reveal=wish.reveal)


def _elder_map(session: Session, settings: Settings, district: int, wish: Wish, to: Path) -> int:
    if not wish.reveal:
        told = "敬老地图涉及老人住处和等级，仅供授权人员：请加 --reveal（记入审计）"
        raise BadWish(say(told, "the map shows where elders of each tier live: add --reveal, which is audited"))
    return write_elder_map(session, settings, district, wish.last or settings.today(), to)


def _told(columns: Sequence[str], found: Rows) -> Writer:
    """Write rows that are limited by days and elder."""

    def write(session: Session, settings: Settings, district: int, wish: Wish, to: Path) -> int:
        rows = _Counted(found(session, district, wish.span(settings), wish.elder))
        write_rows(to, columns, rows)
        return rows.count

    return write


def _exam(kind: str) -> Writer:
    """Write an export of one exam."""

    def write(session: Session, settings: Settings, district: int, wish: Wish, to: Path) -> int:
        from flows.exam_exports import found_exam, write_exam  # noqa: PLC0415 - frames cost all other exports 0.25 s

        found = found_exam(session, settings, district, wish.exam or "", wish.release)
        return write_exam(kind, session, found, to, reveal=wish.reveal)

    return write


def _check_exam(database: Database, settings: Settings, wish: Wish) -> None:
    """Refuse an exam that nobody knows before the audit says that its results were read."""
    if not wish.exam:
        raise BadWish(say("请用 --exam 指定考试编号", "name the exam with --exam CODE"))
    with database.read() as session:
        exam_named(session, district_id(session, settings.district), wish.exam)


def _calls(session: Session, settings: Settings, _district: int, wish: Wish, to: Path) -> int:
    return write_call_list(session, settings, to, reveal=wish.reveal)


EXAMS = ("exam-items", "exam-reliability", "exam-results", "exam-stats")
AUDITED = ("exam-results",)
"""Exports that are audited whether or not they reveal a name: they say something of every single person."""
WRITERS: dict[str, Writer] = {
    "call-list": _calls,
    "care-team": _care_team,
    "duty": _duty,
    "duty-calendar": _calendar_book,
    "duty-holidays": _holidays,
    "duty-ics": _ics,
    "elder-file": _elder_file,
    "elder-map": _elder_map,
    "entitlements": _told(allowance_exports.ENTITLEMENTS, allowance_exports.entitlement_rows),
    "exclusions": _told(allowance_exports.EXCLUSIONS, allowance_exports.exclusion_rows),
    **{kind: _exam(kind) for kind in EXAMS},
    "messages": _messages,
    "payments": _told(allowance_exports.PAYMENTS, allowance_exports.payment_rows),
    "visit-kpi": _visit_kpi,
    "visit-list": _told(visit_exports.LIST, visit_exports.list_rows),
    "visit-tasks": _told(visit_exports.TASKS, visit_exports.task_rows),
}


def look_up(database: Database, settings: Settings, ref: str) -> Result:
    """Tell who a reference is; the look-up is audited.

    Raises:
        MisspeltRef: it cannot be a reference; this is not audited, for nobody was looked up.
        UnknownRef: nobody has it.
    """
    if not is_ref(ref):
        raise MisspeltRef(ref)
    meant = canonical(ref)
    with database.write() as session:
        found = who_is(session, district_id(session, settings.district), meant)
        if found is None:
            raise UnknownRef(meant)
        audit.record(session, settings.district, getpass.getuser(), "who", settings.now(), ref=meant)
    return found
