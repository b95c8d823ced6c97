"""Reconciling: return files of the bank, each once -> payments, exceptions, ledger in agreement -> payees told.

A file counts by its content; lines that are known change nothing. What the bank has not answered in time is called
unknown and listed; no time ever makes it paid or failed.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlmodel import col, select

from flows.allowance_tell import tell_paid
from flows.bank_returns import ReturnReport
from flows.bank_returns_child import ReportLimits
from flows.intake import FileHasErrors, take_file
from flows.intake_store import BATCH_ROWS, store_batches
from flows.jobs import Result
from flows.money_rests import resting
from flows.settings import Settings
from flows.steady import Steady
from models import audit, ledger, payments
from models.allowance import AllowanceCycle
from models.calendar import calendar
from models.db import Database
from models.district import district_id
from models.intake import ImportLog, Taken
from models.intake_returns import text_of
from policies.allowances import allowances
from rules.allowance_refusals import MoneyRests
from rules.errors import TuoqiError, shown
from rules.portions import portions
from rules.registers.refusals import FileChanged
from rules.workdays import Workdays

JOB = "allowance-reconcile"
KIND = "bank-return"
_LOOK_BACK = timedelta(days=200)
_SUFFIXES = frozenset({".csv", ".txt", ".xlsx", ".xls", ".xml"})


@dataclass(eq=False)
class AnswerAhead(TuoqiError):
    """After a restore: the bank answers to a file that the database does not know yet."""

    name: str
    zh = (
        "回盘文件 {name} 答复的银行文件是备份之后送出的，库中还没有，暂不导入；"
        "请先用 tuoqi allowance adopt 登记该银行文件，之后自动导入。"
    )
    en = (
        "{name} answers to a bank file that left after the backup and is not in the database: not taken in yet. Enter "
        "that file with `tuoqi allowance adopt`; the answer is taken in by itself then."
    )


def reconcile(database: Database, settings: Settings, files: Iterable[Path] | None = None) -> Result:
    """Take in return files, all of the inbox if none is named; then look at what is still open.

    A file of the inbox that is still being written waits for the next run.

    Raises:
        FileHasErrors, FileRefused, BankReportRefused, XmlDamaged, AnswerAhead: nothing of that file was taken. The
            others were, and all the rest was done, before the first of these is raised.
        Disagreement: payments and ledger differ; nothing of the file at hand was written, and nothing more is done.
    """
    read, refusals = _take_inbox(database, settings) if files is None else _take_all(database, settings, files)
    unknown = _call_unknown(database, settings)
    told = tell_paid(database, settings)
    with database.snapshot() as session:  # books that move while they are compared would seem to disagree
        district = district_id(session, settings.district)
        open_lines = [
            {"line": line.id, "payment": line.key, "what": line.finding, "fen": line.fen, "booked_on": line.booked_on}
            for line in payments.exceptions(session, district)
        ]
        cycles = session.exec(select(col(AllowanceCycle.id)).where(col(AllowanceCycle.district_id) == district)).all()
        for cycle in cycles:
            ledger.agree(session, cycle)  # type: ignore[arg-type]
    if refusals:
        raise refusals[0]
    return {"files": read, "unknown": unknown, "messages": told, "exceptions": open_lines}


def _take_all(
    database: Database, settings: Settings, files: Iterable[Path], known: Collection[str] = ()
) -> tuple[list[Result], list[TuoqiError]]:
    """Take in what can be taken and is not known; a file that is refused keeps no other from being read."""
    read, refusals = [], list[TuoqiError]()
    for path in files:
        try:
            file = Steady(path, ReportLimits().size)
            if file.digest not in known:
                read.append(_take(database, settings, file))
        except ledger.Disagreement:
            raise
        except TuoqiError as refusal:
            refusals.append(refusal)
    return read, refusals


def _take_inbox(database: Database, settings: Settings) -> tuple[list[Result], list[TuoqiError]]:
    """Take in the files of the bank's inbox whose content was not taken in before, by name."""
    folder = settings.own_folder("inbox") / "bank"
    found = [path for path in sorted(folder.glob("*")) if path.suffix.lower() in _SUFFIXES and not path.is_symlink()]
    known = select(col(ImportLog.sha256)).where(col(ImportLog.kind) == KIND)
    with database.read() as session:
        taken = set(session.exec(known).all())
    theirs = [path for path in found if not path.name.endswith(".errors.xlsx")]
    read, refusals = _take_all(database, settings, theirs, taken)
    return read, [refusal for refusal in refusals if not isinstance(refusal, FileChanged)]


def _take(database: Database, settings: Settings, file: Steady) -> Result:
    path = file.path
    with database.read() as session:
        rests = resting(session, settings)
    if (
        isinstance(rests, MoneyRests)
        and text_of("unknown_key") in _stored(database, settings, file, dry_run=True)[0].doubts
    ):
        raise AnswerAhead(shown(path.name))
    taken, pending = _stored(database, settings, file)
    counts = {"new": taken.added, "known": taken.unchanged, "pending": pending}
    return {"file": shown(path.name), **counts, "exceptions": _exceptions(taken)}


def _stored(database: Database, settings: Settings, file: Steady, *, dry_run: bool = False) -> tuple[Taken, int]:
    """Store what one file says; return that, and the number of lines that say nothing final."""
    if file.path.suffix.lower() == ".xml":
        report = ReturnReport(database, file.path)
        batches = portions(file.to_the_end(report.rows()), BATCH_ROWS)
        taken = store_batches(database, settings, KIND, batches, JOB, digest=file.digest, dry_run=dry_run)
        return taken, report.pending
    try:
        return take_file(database, settings, KIND, file.path, dry_run=dry_run).taken, 0
    except FileHasErrors as refused:
        raise refused.unquoted() from None


def _exceptions(taken: Taken) -> int:
    return sum(len(rows) for rows in taken.doubts.values())


def _call_unknown(database: Database, settings: Settings) -> int:
    """Call unknown what the bank has not answered for more workdays than policy waits; return how many are unknown."""
    today = settings.today()
    limit = allowances(today, settings.policy).answer_workdays
    with database.read() as session:
        district = district_id(session, settings.district)
        workdays = Workdays(calendar(session, today - _LOOK_BACK, today))
        passed = workdays.until(today)
        sent = {file: settings.local(at).date() for file, at in payments.unanswered_files(session, district)}
    within = {file: min(max(day, today - _LOOK_BACK), today) for file, day in sent.items()}  # a clock may be set back
    late = [file for file, day in within.items() if passed - workdays.until(day) > limit]
    with database.write() as session:
        fresh = payments.mark_unknown(session, late)
        if fresh:
            audit.record(session, settings.district, JOB, "allowance.unknown", settings.now(), payments=fresh)
    with database.read() as session:
        return payments.unknown(session, district)
