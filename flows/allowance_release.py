"""Releasing: who is owed no longer is taken off -> the list is what was approved -> files frozen -> written -> sent.

A file is in the database, whole, before a byte of it is anywhere else. A run that dies in between writes the same bytes
under the same name the next time. What changed since the approval makes the release refuse and the approval void.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import update
from sqlmodel import Session, col

from flows.allowance_stop import stop_batch
from flows.allowance_tell import tell_sent
from flows.bank_files import bank_bytes
from flows.failures import writing
from flows.jobs import Result
from flows.money_rests import resting
from flows.settings import Settings
from models import approvals, audit, ledger
from models.allowance import AllowanceBatch
from models.approvals import Batch
from models.bank_files import Draft, Files, PayRow, content_of, mark_sent, pay_rows, sent_names, unsent
from models.db import Database
from models.district import district_id
from models.seal import SealError
from models.staging import staging
from policies.allowances import AllowancesPolicy, allowances
from rules.allowance_refusals import STATES, Changed, Disputed, ListRefused, Nobody, NoList, NotNow, OpenObjections
from rules.allowances import Line, content_hash
from rules.bank import PayLine, PayList, file_key
from rules.bank_checks import PayListRefused
from rules.collector import collector_paused
from rules.errors import say
from rules.periods import period_name
from rules.portions import portions
from rules.programmes import PROGRAMMES
from rules.refs import new_ref

JOB = "allowance-release"
Find = Callable[[Session, int, str], Batch | None]


def release(database: Database, settings: Settings, ref: str | None = None) -> Result:
    """Send what is frozen, then release one approved list, or all of the district.

    Returns:
        the lists released, the files sent, and the lists that refused with their reasons.

    Raises:
        ListRefused: the one list that was named may not be released.
        MoneyRests, MoneyHeld: the database was restored, and what the bank has had since is not settled; or an
            approver stopped all payments.
    """
    with database.read() as session:
        _refuse_at_rest(session, settings)
    sent = send_files(database, settings)
    with database.read() as session:
        district = district_id(session, settings.district)
        waiting = [ref] if ref else approvals.batches_in(session, district, "approved")
    released, refused = [], []
    for each in waiting:
        try:
            released.append(release_list(database, settings, each))
        except (ListRefused, PayListRefused) as refusal:  # one bad account holds up no other list
            if ref:
                raise
            refused.append({"batch": each, "why": str(refusal)})
    sent += send_files(database, settings)
    return {"released": released, "refused": refused, "files": sent}


def release_list(database: Database, settings: Settings, ref: str) -> Result:
    """Freeze the files of one approved list.

    Raises:
        ListRefused: nothing was frozen; if the list has changed, its approval is void now.
        MoneyRests, MoneyHeld: nothing was frozen, money was put at rest meanwhile.
    """
    policy = allowances(settings.today(), settings.policy)
    with database.read() as session:
        district = district_id(session, settings.district)
    stop_batch(database, settings, ref)
    with staging(database) as bench, collector_paused():
        files = Files(bench)
        with database.read() as session:
            batch = approved(session, district, ref)
            rows = pay_rows(session, batch.id, settings.today())
            written = None
            with suppress(
                SealError
            ):  # an account that was moved under another elder, or altered: not what was approved
                written = content_hash(map(_line, _write_files(settings, policy, rows, files)))
        total = files.total
        if written is not None and not total.payments:
            raise Nobody(ref)
        with bench.write() as session:
            batch = approved(session, district, ref, find=approvals.lock_batch)
            digest = content_hash(approvals.content(session, batch.id, settings.today()))
            unchanged = digest == batch.content_hash == written
            if unchanged:
                freeze_list(session, settings, policy, batch, files)
                _refuse_at_rest(session, settings)
            else:
                _void(session, settings, batch, digest)
    if not unchanged:
        raise Changed(ref)
    return {"batch": ref, "people": total.payments, "fen": total.fen, "files": files.names}


def approved(session: Session, district: int, ref: str, find: Find = approvals.find_batch) -> Batch:
    """Find a list that may be released.

    Raises:
        ListRefused: it may not.
    """
    batch = find(session, district, ref)
    if batch is None:
        raise NoList(ref)
    if batch.state != "approved":
        raise NotNow(ref, say(*STATES[batch.state]))
    if objections := approvals.open_objections(session, batch.id):  # raised in time, and on paper until now
        raise OpenObjections(ref, objections)
    if count := approvals.disputed(session, batch.id):
        raise Disputed(ref, count)
    return batch


def _line(row: PayRow) -> Line:
    return Line(row.period, row.ref, row.account_index, row.fen)


def _write_files(
    settings: Settings, policy: AllowancesPolicy, rows: Iterator[PayRow], files: Files
) -> Iterator[PayRow]:
    """Write a list into as many files as the bank takes lines in one, each staged at once; give its rows back.

    Raises:
        PayListRefused: an account that no bank could read; nothing of the list goes anywhere.
    """
    form, created = policy.bank, settings.local(settings.now())
    for part in portions(rows, form.lines_per_file):
        ref = new_ref("F", secrets.randbits)
        lines = [pay_line(row, file_key(ref, number)) for number, row in enumerate(part, start=1)]
        content = bank_bytes(PayList(ref, created, settings.today(), lines), form)
        files.take(Draft(ref, form.name_of(ref), content, [line.key for line in lines]), part)
        yield from part


def pay_line(row: PayRow, key: str) -> PayLine:
    """Say what the bank is to pay for a row."""
    note = f"{PROGRAMMES[row.programme][0]}{period_name(row.period, 'zh')}"
    return PayLine(key, row.holder, row.account, row.bank, row.fen, note)


def freeze_list(session: Session, settings: Settings, policy: AllowancesPolicy, batch: Batch, files: Files) -> None:
    """Store the files and their payments, book them and call the list released."""
    now = settings.now()
    files.freeze(session, batch.id, policy.bank.format, now)
    for (file, cycle), amount in files.moved.items():
        ledger.book(session, cycle, "release", amount, f"{batch.ref}/{file}", now, JOB)
    released = {"state": "released", "released_at": now}
    session.execute(update(AllowanceBatch).where(col(AllowanceBatch.id) == batch.id).values(released))
    for cycle in sorted({cycle for _, cycle in files.moved}):
        ledger.agree(session, cycle)
    told = {"batch": batch.ref, "files": files.refs, "payments": files.total.payments, "fen": files.total.fen}
    audit.record(session, settings.district, JOB, "allowance.release", now, **told, hash=batch.content_hash)


def _void(session: Session, settings: Settings, batch: Batch, digest: str) -> None:
    """Take the approval of a list back that is not what was approved."""
    now, document = settings.now(), f"changed-{approvals.rounds(session, batch.id)}"
    fen = approvals.reopen(session, batch, document, now, JOB)
    told = {"batch": batch.ref, "approved": batch.content_hash, "found": digest, "fen": fen}
    audit.record(session, settings.district, JOB, "allowance.release-refused", now, **told)


def send_files(database: Database, settings: Settings) -> list[str]:
    """Hand the frozen files to the bank's folder, each once; return the names of those that appeared there.

    A file is marked sent, written beside its place before that is committed, and then renamed: while the draft is
    there the bank has not had it, afterwards it may have. The lock of its row is why of two runs at once one writes it,
    and why none writes it again once it is sent, though the bank takes files away.

    Raises:
        CannotWrite: the disk is full, say; the next run goes on from there.
        MoneyRests, MoneyHeld: money was put at rest meanwhile; what is not shown yet waits.
    """
    folder = settings.own_folder("outbox") / "bank"
    with writing(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
    with database.read() as session:
        files = unsent(session, district_id(session, settings.district))
    for file in files:
        with database.read() as session:
            content = content_of(session, file.ref)
        with database.write() as session:
            if mark_sent(session, file.id, settings.now()):
                _write(folder / f".{file.ref}", content)
                tell_sent(session, settings, file.id, file.ref)
                told = {"file": file.ref, "batch": file.batch_ref, "sha256": file.sha256, "payments": file.payments}
                audit.record(session, settings.district, JOB, "allowance.sent", settings.now(), **told, fen=file.fen)
                _refuse_at_rest(session, settings)
    return _appear(database, folder)


def _refuse_at_rest(session: Session, settings: Settings) -> None:
    """Let nothing leave while money rests; before a commit it is asked after the audit entry, whose lock a hold needs.

    Raises:
        MoneyRests, MoneyHeld: see flows/money_rests.py.
    """
    if why := resting(session, settings):
        raise why


def _write(draft: Path, content: bytes) -> None:
    """Write a draft to the disk, name and all; only who has just marked its file sent, and not yet committed, may."""
    with writing(draft):
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _keep(draft.parent)


def _keep(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    opened = os.open(folder, os.O_RDONLY)
    os.fsync(opened)
    os.close(opened)


def _appear(database: Database, folder: Path) -> list[str]:
    """Rename the drafts of files that are marked sent; one that another run renames at this moment is left to it."""
    drafts = {path.name[1:]: path for path in sorted(folder.glob(".F-*"))}
    with database.read() as session:
        names = sent_names(session, list(drafts))
    shown = []
    for ref, name in names.items():
        with writing(folder / name), suppress(FileNotFoundError):
            drafts[ref].rename(folder / name)
            shown.append(name)
    if shown:
        _keep(folder)
    return shown
