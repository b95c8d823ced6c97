"""The doctor looks into the database: version, soundness, seals, audit, calendar, jobs, the month ahead."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

from sqlalchemy import func, or_, select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel, col

from flows import doctor_audit, doctor_outbox, doctor_watch, store
from flows.finding import Finding, bad, examined, ok, warn
from flows.job_standings import command
from flows.jobs import is_dead, real_now
from flows.keep_files import SEALED
from flows.money_rests import resting
from flows.settings import Settings
from models import schema
from models.allowance import AllowanceCycle
from models.calendar import WorkCalendar
from models.db import Database, keys_of
from models.district import Centre, district_id
from models.duty import DutySlot
from models.jobs import JobRun
from rules.calendar import month_after, month_dates
from rules.errors import say

Check = Callable[[Session, Settings], Iterator[Finding]]

_PUBLISHED_BY = 25
_RECENT = timedelta(days=7)


def examine(database: Database, settings: Settings) -> Iterator[Finding]:
    """Look at a database; what needs tables is left out when they are not this program's."""
    try:
        found = store.found_revision(database, settings)
    except store.Unreachable as error:
        remedy = say(
            "文件若已损坏，请从备份恢复：tuoqi restore FILE。", "If the file is damaged: `tuoqi restore FILE`."
        )
        again = say("处理后再执行 tuoqi doctor。", "Then run `tuoqi doctor` again.")
        yield bad("database", str(error), remedy if store.sqlite_file(settings) else again)
        return
    where = store.where(settings)
    if found != schema.head():
        remedy = say("执行 tuoqi migrate（会先备份）。", "Run `tuoqi migrate`; it makes a backup first.")
        told = say("{} 的版本是 {}，程序需要 {}。", "{} has version {}, the program needs {}.")
        yield bad("database", told.format(where, found or "-", schema.head()), remedy)
        return
    yield ok("database", say("{} 版本 {}", "{} has version {}").format(where, found))
    yield from _each(_CHECKS, database, settings)
    for code, name in settings.all_districts.items():
        found_there = list(_district(database, settings.of_district(code)))
        yield from _brief(f"{code} {name}", found_there) if settings.districts else found_there


def _district(database: Database, settings: Settings) -> Iterator[Finding]:
    """Look at what belongs to one district."""
    with database.read() as session:
        known = store.has_district(session, settings.district)
    if known:
        yield ok("district", say("区县 {} 已登记", "district {} is registered").format(settings.district))
        yield from _each(_DISTRICT_CHECKS, database, settings)
    else:
        missing = str(store.NoDistrict(settings.district))
        yield bad("district", missing, say("再执行 tuoqi doctor。", "Then run `tuoqi doctor` again."))


def _brief(name: str, found: Sequence[Finding]) -> Iterator[Finding]:
    """Say of a district of a city what is wrong, by its name, or in one line that nothing is."""
    wrong = [each for each in found if each.state != "ok"]
    if not wrong:
        yield ok("district", say("{} 各项正常", "{}: all is well").format(name))
    for each in wrong:
        yield replace(each, text=say("{}：{}", "{}: {}").format(name, each.text))


def _each(checks: Mapping[str, Check], database: Database, settings: Settings) -> Iterator[Finding]:
    for name, check in checks.items():
        yield from examined(name, partial(_one, database, settings, check))


def _one(database: Database, settings: Settings, check: Check) -> Iterator[Finding]:
    """Give each check a session of its own: one that fails leaves PostgreSQL's transaction unusable."""
    with database.read() as session:
        yield from check(session, settings)


def _integrity(session: Session, settings: Settings) -> Iterator[Finding]:
    restore = say("请从备份恢复：tuoqi restore FILE。", "Restore a backup: `tuoqi restore FILE`.")
    if session.get_bind().dialect.name != "sqlite":
        yield ok("integrity", say("数据库可以读取", "the database can be read"))
        return
    try:
        told = session.execute(text("PRAGMA quick_check(1)")).scalar_one()
    except DBAPIError as error:
        told = str(error.orig)
    if told != "ok":
        problem = str(told).partition("\n")[0]
        yield bad(
            "integrity", say("{} 已损坏（{}）。", "{} is damaged ({}).").format(store.where(settings), problem), restore
        )
    else:
        yield ok("integrity", say("数据库文件完整", "the database file is sound"))


def _seals(session: Session, settings: Settings) -> Iterator[Finding]:
    """Open one value of each sealed column; WrongSeal says what is wrong."""
    del settings
    opened = 0
    for table, column in SEALED:
        columns = SQLModel.metadata.tables[table].c
        row = session.execute(select(columns.ref, columns[column]).where(columns[column].is_not(None)).limit(1)).first()
        if row:
            keys_of(session).open(f"{table}.{column}", row[0], row[1])
            opened += 1
    yield ok("seals", say("密钥可打开抽查的 {} 列", "the keys open {} columns that hold values").format(opened))


def _calendar(session: Session, settings: Settings) -> Iterator[Finding]:
    this = settings.today().year
    for year in (this, this + 1):
        mine = col(WorkCalendar.date).between(date(year, 1, 1), date(year, 12, 31))
        days = session.execute(select(func.count()).where(mine)).scalar_one()
        guessed = session.execute(select(func.count()).where(mine, ~col(WorkCalendar.confirmed))).scalar_one()
        if days < 365:
            told = say("{} 年日历缺 {} 天。", "the calendar of {} lacks {} days.").format(year, 365 - days)
            yield warn("calendar", told, say("执行 tuoqi migrate 补齐。", "Run `tuoqi migrate` to fill it."))
        elif guessed:
            yield _guessed(year, settings.today())
        else:
            yield ok("calendar", say("{} 年日历已确认", "the calendar of {} is confirmed").format(year))


def _guessed(year: int, today: date) -> Finding:
    told = say(
        "{} 年日历为暂定，该年不能发布值班表。", "the calendar of {} is provisional; no duty in it can be published."
    )
    remedy = say(
        "放假安排一般在上一年 11 月公布；届时升级程序并执行 tuoqi migrate，或 tuoqi import calendar FILE 导入。",
        "The State Council announces it in November of the year before; then upgrade the program and run "
        "`tuoqi migrate`, or import it: `tuoqi import calendar FILE`.",
    )
    make = bad if (year, 1) <= (today.year, today.month) or today >= date(year - 1, 12, _PUBLISHED_BY) else warn
    return make("calendar", told.format(year), remedy)


def _jobs(session: Session, settings: Settings) -> Iterator[Finding]:
    """Job runs that nobody works on any more, and those that failed and were not done since."""
    now = real_now()
    names = (col(JobRun.job), col(JobRun.run_key), col(JobRun.state), col(JobRun.owner), col(JobRun.lease_until))
    ours = (col(JobRun.partition) == settings.district) | col(JobRun.partition).startswith(f"{settings.district}/")
    fresh = (col(JobRun.state) == "running", (col(JobRun.state) == "failed") & (col(JobRun.started_at) > now - _RECENT))
    runs = session.execute(select(*names).where(ours, or_(*fresh)).order_by(col(JobRun.id))).all()
    lost = [row for row in runs if row.state == "failed" or row.lease_until <= now or is_dead(row.owner)]
    remedy = say("下次运行会接手；也可现在执行 {}。", "The next run takes over; or now: `{}`.")
    for row in lost:
        told = say("失败", "failed") if row.state == "failed" else say("中断", "was cut off")
        line = say("{}({}){}。", "{} ({}) {}.").format(row.job, row.run_key, told)
        yield warn("jobs", line, remedy.format(command(row.job, row.run_key, settings)))
    if not lost:
        line = say("{} 个作业正在执行，没有中断或失败的", "{} jobs run now, none is cut off or failed")
        yield ok("jobs", line.format(len(runs)))


def money(session: Session, settings: Settings) -> Iterator[Finding]:
    """Whether money rests; where none was ever planned, nobody needs to know."""
    cycles = select(func.count()).where(col(AllowanceCycle.district_id) == district_id(session, settings.district))
    if session.scalar(cycles) and (why := resting(session, settings)):
        steps = say(
            "步骤见 docs/operations.md “The database is lost or damaged”。",
            "See docs/operations.md, The database is lost or damaged.",
        )
        yield warn("money", str(why), steps.format("The database is lost or damaged"))


def _centres(session: Session, settings: Settings) -> int:
    mine = select(func.count()).where(col(Centre.district_id) == district_id(session, settings.district))
    return int(session.execute(mine).scalar_one())


def _month(session: Session, settings: Settings) -> Iterator[Finding]:
    """The present month is published, and the coming one from the 25th on."""
    today = settings.today()
    if not _centres(session, settings):
        remedy = say(
            "请导入 centre 与 cadre 登记表（tuoqi template centre）。",
            "Import centres and cadres (`tuoqi template centre`).",
        )
        yield warn("duty-month", say("还没有中心。", "there are no centres yet."), remedy)
        return
    for month in (f"{today:%Y-%m}", month_after(today)):
        slots, open_ = _unpublished(session, settings, month)
        if slots and not open_:
            yield ok("duty-month", say("{} 值班表已发布", "the duties of {} are published").format(month))
        elif month > f"{today:%Y-%m}" and today.day < _PUBLISHED_BY:
            yield ok("duty-month", say("{} 值班表应在 25 日发布", "the duties of {} are due on the 25th").format(month))
        else:
            told = say("{} 值班表尚未发布（未发布 {} 班）。", "the duties of {} are not published ({} open).").format(
                month, open_
            )
            run = command("duty-publish", month, settings)
            yield (warn if today.day == _PUBLISHED_BY else bad)(
                "duty-month", told, say("执行 {}。", "Run `{}`.").format(run)
            )


def _unpublished(session: Session, settings: Settings, month: str) -> tuple[int, int]:
    first, last = month_dates(month)
    first = max(first, settings.today())
    query = (
        select(func.count(), func.count().filter(col(DutySlot.published_at).is_(None)))
        .join(Centre, col(Centre.id) == col(DutySlot.centre_id))
        .where(
            col(Centre.district_id) == district_id(session, settings.district), col(DutySlot.day).between(first, last)
        )
    )
    slots, open_ = session.execute(query).one()
    return slots, open_


_CHECKS: dict[str, Check] = {
    "integrity": _integrity,
    "seals": _seals,
    "calendar": _calendar,
    "channel": doctor_outbox.circuits,
    "deadlines": doctor_watch.deadlines,
    "rotation": doctor_watch.sealed,
    "backup": doctor_watch.backups,
    "database-clock": doctor_watch.clock,
}
_DISTRICT_CHECKS: dict[str, Check] = {
    "audit": doctor_audit.examine,
    "outbox": doctor_outbox.outbox,
    "jobs": _jobs,
    "money": money,
    "duty-month": _month,
}
