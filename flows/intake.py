"""Taking in a file: read in a child with limits -> parse against its register -> store all of it or nothing -> tell."""

import getpass
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from flows.duty_day import tell
from flows.duty_plan import replan_drafts
from flows.forms_errors import PROBLEM_TITLES, write_errors
from flows.settings import Settings
from flows.tables import Table, read_table
from models import audit
from models.db import Database
from models.district import district_id
from models.duty_facts import broken_centres
from models.intake import ImportLog, Scope, Taken
from models.intake_cadres import store_cadres, store_leaves
from models.intake_calendar import store_calendar
from models.intake_checkins import store_checkins
from models.intake_desk import store_acks
from models.intake_handovers import store_handovers
from models.intake_places import store_centres, store_subdistricts
from models.intake_slots import store_slots
from models.intake_swaps import store_swaps
from policies import book
from rules.errors import TuoqiError, say
from rules.registers import REGISTERS, CellError, Parsed, Register, Row, parse
from rules.registers.shape import shorten

Store = Callable[[Session, Scope, Sequence[Row]], Taken]


@dataclass(eq=False)
class UnknownRegister(TuoqiError):
    """No register has this name."""

    kind: str
    known: str
    zh = "没有名为 {kind} 的登记表；可用：{known}。"
    en = "there is no register {kind!r}; choose one of: {known}."


@dataclass(eq=False)
class FileHasErrors(TuoqiError):
    """Bad cells were found; nothing of the file was kept."""

    name: str
    count: int
    first: str
    marked: Path
    zh = "{name} 有 {count} 处错误，未写入任何数据。第一处：{first}\n已标出全部错误：{marked}；请改正后重新导入。"
    en = (
        "{name} has {count} errors; nothing was written. The first: {first}\n"
        "All are marked in {marked}; correct them and import again."
    )


@dataclass(eq=False)
class Overtaken(TuoqiError):
    """Somebody recorded the same person or duty at the same moment; nothing was written."""

    zh = "同一时刻有人登记了同一人或同一班次，本次未写入；请核对最新值班表后重新执行。"
    en = "somebody recorded the same person or duty at the same moment; nothing was written. Check and run it again."


OVERTAKEN = frozenset({"23505", "40P01"})  # PostgreSQL: unique violation, deadlock; SQLite writers wait in line


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of a file; `ignored_columns` are headers the register does not know, whose cells were not read."""

    kind: str
    rows: int
    taken: Taken
    dry_run: bool
    remark: str
    ignored_columns: tuple[str, ...]
    affected: tuple[str, ...]
    replanned: tuple[str, ...]


def register(kind: str) -> Register:
    """Return a register by name.

    Raises:
        UnknownRegister: there is none.
    """
    if kind not in REGISTERS:
        raise UnknownRegister(kind, ", ".join(sorted(REGISTERS)))
    return REGISTERS[kind]


def take_file(database: Database, settings: Settings, kind: str, path: Path, *, dry_run: bool = False) -> Intake:
    """Take in one register file, whole or not at all.

    Raises:
        FileHasErrors: bad cells, all of them marked in FILE.errors.xlsx.
        FileRefused: from flows.tables, when the file is no table or costs too much.
        Overtaken: somebody else was faster; the next run sees what they wrote.
    """
    form = register(kind)
    table = read_table(path, form)
    parsed = parse(form, table.grid)
    actor = f"import:{getpass.getuser()}"
    if parsed.errors:  # rehearse the readable rows, so that one round shows every bad cell
        rehearsed = store_rows(database, settings, kind, parsed.rows, actor, dry_run=True) if parsed.rows else Taken()
        errors = sorted([*parsed.errors, *rehearsed.errors], key=lambda error: error.row)
        raise _refused(form, path, table, errors)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    taken = store_rows(database, settings, kind, parsed.rows, actor, digest=digest, dry_run=dry_run)
    if taken.errors:
        raise _refused(form, path, table, taken.errors)
    affected = _affected(database, settings, kind)
    replanned = replan_drafts(database, settings) if kind == "calendar" and not dry_run else []
    ignored = _ignored(parsed)
    remark = _remark(table, ignored)
    return Intake(kind, len(parsed.rows), taken, dry_run, remark, ignored, affected, tuple(replanned))


def _ignored(parsed: Parsed) -> tuple[str, ...]:
    """The headers nobody knows, but for that of our own error workbook."""
    headers = (header for _, header in sorted(parsed.unknown_columns.items()))
    return tuple(shorten(header) for header in headers if header.split("\n")[0] not in PROBLEM_TITLES)


def _remark(table: Table, ignored: Sequence[str]) -> str:
    if not ignored:
        return table.remark
    zh, en = "、".join(ignored), ", ".join(ignored)
    return f"{table.remark} {say(f'没有读取这些列：{zh}。', f'these columns were not read: {en}.')}".strip()


class _Undo(Exception):
    """Rolls the transaction back on purpose."""


def store_rows(
    database: Database,
    settings: Settings,
    kind: str,
    rows: Sequence[Row],
    actor: str,
    *,
    digest: str = "",
    dry_run: bool = False,
) -> Taken:
    """Store parsed rows in one transaction with their log and audit entry; with errors, or dry, nothing stays.

    Args:
        database: where to.
        settings: the district and the clock.
        kind: register.
        rows: parsed rows.
        actor: who brings them, kept in transitions and the audit.
        digest: of the file; "" if typed in.
        dry_run: only a rehearsal.

    Raises:
        Overtaken: somebody else was faster.
    """
    taken = Taken()
    try:
        with one_transaction(database) as session:
            taken = store_within(session, settings, kind, rows, actor)
            if taken.errors or dry_run:
                raise _Undo  # noqa: TRY301 - rolls back
            log_rows(session, settings, kind, taken, actor, digest=digest)
    except _Undo:
        pass
    return taken


@contextmanager
def one_transaction(database: Database) -> Iterator[Session]:
    """One writing transaction in which the loss of a race is a sentence.

    Raises:
        Overtaken: somebody else was faster.
    """
    try:
        with database.write() as session:
            yield session
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in OVERTAKEN:
            raise Overtaken from error
        raise


def store_within(session: Session, settings: Settings, kind: str, rows: Sequence[Row], actor: str) -> Taken:
    """Store parsed rows in the caller's transaction and tell who is concerned; with errors it must roll back."""
    scope = Scope(district_id(session, settings.district), register(kind), settings.now(), settings.tz, actor)
    taken = _store(kind, settings)(session, scope, rows)
    if not taken.errors:
        tell(session, settings, scope.district, taken.moved)
    return taken


def _store(kind: str, settings: Settings) -> Store:
    if kind == "swap":
        rule = book.duty(settings.today(), settings.policy).rule
        return lambda session, scope, rows: store_swaps(session, scope, rows, rule)
    return STORES[kind]


STORES: dict[str, Store] = {
    "subdistrict": store_subdistricts,
    "centre": store_centres,
    "cadre": store_cadres,
    "leave": store_leaves,
    "calendar": store_calendar,
    "slot": store_slots,
    "ack": store_acks,
    "checkin": store_checkins,
    "handover": store_handovers,
}


def log_rows(
    session: Session, settings: Settings, kind: str, taken: Taken, actor: str, *, digest: str = "", source: str = ""
) -> None:
    """Log a file, and enter in the audit what was stored; the last statements before the commit.

    Args:
        session: of the transaction that stored it.
        settings: the district and the clock.
        kind: register.
        taken: what became of the rows.
        actor: who brought them.
        digest: of the file; "" if typed in.
        source: by which way it came, such as link or reply; "" for files, command line and forms.
    """
    now, counts = settings.now(), {"added": taken.added, "changed": taken.changed, "unchanged": taken.unchanged}
    if digest:
        district = district_id(session, settings.district)
        entry = {"district_id": district, "kind": kind, "sha256": digest, **counts}
        session.execute(insert(ImportLog).values(**entry, rows=sum(counts.values()), at=now, actor=actor))
    more = {"source": source} if source else {}
    audit.record(session, settings.district, actor, f"register.{kind}", now, **counts, sha256=digest[:16], **more)


def _refused(form: Register, path: Path, table: Table, errors: Sequence[CellError]) -> FileHasErrors:
    marked = path.with_name(path.name + ".errors.xlsx")
    write_errors(marked, form, table, errors)
    return FileHasErrors(path.name, len(errors), errors[0].sentence, marked)


def _affected(database: Database, settings: Settings, kind: str) -> tuple[str, ...]:
    """The centres with a published duty that the next duty-day will have to mend."""
    if kind not in {"leave", "cadre"}:
        return ()
    with database.read() as session:
        return tuple(sorted(broken_centres(session, district_id(session, settings.district), settings.today())))
