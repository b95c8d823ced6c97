"""Rows of a register -> checked against what is stored -> all of them in, with log and audit entry, or nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from flows.duty_day import tell
from flows.settings import Settings
from models import audit
from models.db import Database
from models.district import district_id
from models.intake import Bulk, ImportLog, Scope, Taken
from models.intake_accounts import store_accounts
from models.intake_budgets import store_budgets
from models.intake_cadres import store_cadres
from models.intake_calendar import store_calendar
from models.intake_certifications import store_certifications
from models.intake_checkins import store_checkins
from models.intake_contacts import ContactIntake
from models.intake_desk import store_acks
from models.intake_elders import ElderIntake
from models.intake_exams import store_exams
from models.intake_handovers import store_handovers
from models.intake_helpers import store_helpers
from models.intake_issues import store_issues
from models.intake_items import store_items
from models.intake_leaves import store_leaves
from models.intake_lines import store_lines
from models.intake_objections import store_objections
from models.intake_pairings import PairingIntake
from models.intake_papers import store_papers
from models.intake_places import store_centres, store_subdistricts
from models.intake_returns import ReturnIntake
from models.intake_schools import store_schools
from models.intake_slots import store_slots
from models.intake_statuses import store_statuses
from models.intake_students import store_students
from models.intake_swaps import store_swaps
from models.staging import Raced, Staging, staging
from policies import book
from rules.collector import collector_paused
from rules.errors import TuoqiError
from rules.portions import portions
from rules.registers import REGISTERS, Register, Row

Store = Callable[[Session, Scope, Sequence[Row]], Taken]
BATCH_ROWS = 4000


@dataclass(eq=False)
class UnknownRegister(TuoqiError):
    """No register has this name."""

    kind: str
    known: str
    zh = "没有名为 {kind} 的登记表；可用：{known}。"
    en = "there is no register {kind!r}; choose one of: {known}."


@dataclass(eq=False)
class Overtaken(TuoqiError):
    """Somebody recorded the same person or duty at the same moment; nothing was written."""

    zh = "同一时刻有人登记了同一人或同一班次，本次未写入；请核对最新数据后重新执行。"
    en = "somebody recorded the same person or duty at the same moment; nothing was written. Check and run it again."


OVERTAKEN = frozenset({"23505", "40P01"})  # PostgreSQL: unique violation, deadlock; SQLite writers wait in line

BULKS: dict[str, Callable[[Staging, Scope], Bulk]] = {
    "elder": ElderIntake,
    "pairing": PairingIntake,
    "contact": ContactIntake,
    "bank-return": ReturnIntake,
}
"""Registers of a whole district's elders: staged in batches, real in one short transaction."""


def register(kind: str) -> Register:
    """Return a register by name.

    Raises:
        UnknownRegister: there is none.
    """
    if kind not in REGISTERS:
        raise UnknownRegister(kind, ", ".join(sorted(REGISTERS)))
    return REGISTERS[kind]


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
    if kind in BULKS:
        batches = portions(rows, BATCH_ROWS)
        return store_batches(database, settings, kind, batches, actor, digest=digest, dry_run=dry_run)
    taken = Taken()
    try:
        with one_transaction(database) as session:
            taken = store_within(session, settings, kind, rows, actor, digest=digest)
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
    with _races_told(), database.write() as session:
        yield session


@contextmanager
def _races_told() -> Iterator[None]:
    try:
        yield
    except Raced as raced:
        raise Overtaken from raced
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in OVERTAKEN:
            raise Overtaken from error
        raise


def store_within(
    session: Session, settings: Settings, kind: str, rows: Sequence[Row], actor: str, *, digest: str = ""
) -> Taken:
    """Store parsed rows in the caller's transaction and tell who is concerned; with errors it must roll back."""
    scope = _scope(session, settings, kind, actor, digest)
    taken = _store(kind, settings)(session, scope, rows)
    if not taken.errors:
        tell(session, settings, scope.district, taken.moved)
    return taken


def store_batches(
    database: Database,
    settings: Settings,
    kind: str,
    batches: Iterable[Sequence[Row]],
    actor: str,
    *,
    digest: str = "",
    dry_run: bool = False,
) -> Taken:
    """Store a large register: each batch is checked and staged, then all become real in one transaction.

    Args:
        database: where to.
        settings: the district and the clock.
        kind: one of BULKS.
        batches: parsed rows, each batch used once; what they raise ends it with nothing written.
        actor: who brings them.
        digest: of the file; "" if typed in.
        dry_run: only a rehearsal.

    Raises:
        Overtaken: somebody else was faster.
    """
    with _races_told(), staging(database) as bench:
        with bench.read() as session:
            scope = _scope(session, settings, kind, actor)
        intake = BULKS[kind](bench, scope)
        with collector_paused():  # batches make many small objects and no cycles
            for rows in batches:
                intake.take(rows)
            intake.settle()
        if not intake.taken.errors and not dry_run:
            with bench.write() as session:
                intake.pour(session)
                log_rows(session, settings, kind, intake.taken, actor, digest=digest)
        return intake.taken


def _scope(session: Session, settings: Settings, kind: str, actor: str, digest: str = "") -> Scope:
    return Scope(district_id(session, settings.district), register(kind), settings.now(), settings.tz, actor, digest)


def _store(kind: str, settings: Settings) -> Store:
    if kind == "swap":
        rule = book.duty(settings.today(), settings.policy).rule
        return lambda session, scope, rows: store_swaps(session, scope, rows, rule)
    return STORES[kind]


def _store_marks(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    from models.intake_marks import store_marks  # noqa: PLC0415 - its frames cost every other command 0.25 s

    return store_marks(session, scope, rows)


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
    "helper": store_helpers,
    "status": store_statuses,
    "issue": store_issues,
    "account": store_accounts,
    "certification": store_certifications,
    "budget": store_budgets,
    "objection": store_objections,
    "school": store_schools,
    "exam": store_exams,
    "student": store_students,
    "paper": store_papers,
    "item": store_items,
    "line": store_lines,
    "mark": _store_marks,
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
    audit.record(
        session,
        settings.district,
        actor,
        f"register.{kind}",
        now,
        **counts,
        sha256=digest[:16],
        **more,
        **taken.audited,
    )
