"""Money at rest, after a restore or by a person -> files that the bank has had are adopted -> two persons resume.

What was released after the backup is approved and unpaid in the restored database: released again, it would be paid
twice. Adopting takes the very file that the bank has as that of its list, and sends nothing.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from flows.allowance_release import approved, freeze_list, pay_line
from flows.allowance_settle import Person, proved
from flows.bank_files import as_read, read_bank_bytes
from flows.jobs import Result
from flows.money_rests import restore_mark
from flows.settings import Settings
from models import approvals, audit
from models.approvals import Batch
from models.bank_files import Draft, Files, PayRow, content_of, known_names, mark_sent, pay_rows, unsent
from models.db import Database
from models.district import district_id
from models.restores import HELD, NEEDED, RESUMED, resting
from models.staging import staging
from policies.allowances import allowances
from rules.allowance_refusals import Changed
from rules.allowances import content_hash
from rules.bank import BankForm, NotOurFile, PayLine, file_ref
from rules.errors import TuoqiError, say
from rules.free_text import check_note

_LARGEST = 100_000_000
_Same = tuple[str, str, str, int, str]


@dataclass(eq=False)
class NotRestored(TuoqiError):
    """Nothing was restored, or all is settled."""

    zh = "没有待核对的数据库恢复，无需登记银行文件；正常发放用 allowance-release。"
    en = "no restore is in doubt: no file is to be adopted; releases go on as usual."


@dataclass(eq=False)
class NotResting(TuoqiError):
    """Money does not rest."""

    zh = "发放没有暂停，无需恢复。"
    en = "money does not rest; there is nothing to resume."


@dataclass(eq=False)
class CutOff(TuoqiError):
    """A restore was killed between the database and its trace in the log."""

    zh = "上一次恢复（tuoqi restore）没有做完；请先停止服务，再恢复一次同一份备份。"
    en = "the last `tuoqi restore` was cut off; stop the service and restore the same backup once more."


@dataclass(eq=False)
class FilesUnknown(TuoqiError):
    """Files lie in the bank's folder that the database knows nothing of."""

    names: str
    zh = "outbox/bank 中有库中没有的文件：{names}；请先用 tuoqi allowance adopt 名单编号 文件 登记。"
    en = "outbox/bank holds files that the database does not know: {names}; adopt them first."


@dataclass(eq=False)
class AnotherList(TuoqiError):
    """The files are not those of this list, payment for payment."""

    ref: str
    lines: int
    people: int
    zh = (
        "文件与名单 {ref} 不一致：文件中有 {lines} 笔不在名单上，名单上有 {people} 笔不在文件中；未作更改。"
        "请给出该名单的全部文件，并先把备份之后改过的登记（账户、去世等）重新导入。"
    )
    en = (
        "the files are not those of list {ref}: {lines} of their payments are not on it, {people} of its payments are "
        "in none of them; nothing was changed. Give all files of the list, and import again what was changed in the "
        "registers since the backup."
    )


def adopt(database: Database, settings: Settings, person: Person, ref: str, paths: Sequence[Path]) -> Result:
    """Take files that the bank has as those of an approved list, byte for byte; or mark sent what is frozen already.

    Args:
        database: as restored.
        settings: their policy says how the bank's files look.
        person: an approver, with a one-time code.
        ref: of the list.
        paths: all its files, as they went to the bank.

    Raises:
        NotRestored: this is for the time after a restore alone.
        NotOurFile, AnotherList, ListRefused: nothing was changed.
    """
    form = allowances(settings.today(), settings.policy).bank
    given = [_read(path, form) for path in paths]
    who = proved(database, settings, person)
    with database.read() as session:
        district = district_id(session, settings.district)
        if not ((found := resting(session, settings.district)) and found.restored):
            raise NotRestored
        batch = approvals.find_batch(session, district, ref)
    frozen = batch is not None and batch.state == "released"
    if not frozen:
        _frozen(database, settings, ref, given, form)
    return _sent(database, settings, f"staff:{who}", ref, [draft for draft, _ in given])


def hold(database: Database, settings: Settings, person: Person, note: str) -> Result:
    """Put the money of a district at rest, as one approver may: a wrong list is out, or the books disagree.

    Raises:
        NumberOfAPerson: the note holds a number that may be a person's.
    """
    note, who = check_note(note), proved(database, settings, person)
    with database.write() as session:
        audit.record(session, settings.district, f"staff:{who}", HELD, settings.now(), note=note)
    return {"held": True, "to_resume": NEEDED}


def resume(database: Database, settings: Settings, person: Person, note: str) -> Result:
    """Say that money may leave again, and that the database knows every file of the bank; the second approver lets it.

    Raises:
        NotResting: nothing rests.
        CutOff: the restore itself is not finished.
        FilesUnknown: the bank's folder says otherwise.
        NumberOfAPerson: the note holds a number that may be a person's.
    """
    note, who = check_note(note), proved(database, settings, person)
    folder = settings.own_folder("outbox") / "bank"
    names = {path.name for path in folder.glob("[!.]*") if path.is_file()}
    if restore_mark(settings).exists():
        raise CutOff
    with database.write() as session:
        if resting(session, settings.district) is None:
            raise NotResting
        if unknown := names - known_names(session, sorted(names)):
            raise FilesUnknown(say("、", ", ").join(sorted(unknown)))
        audit.record(session, settings.district, f"staff:{who}", RESUMED, settings.now(), note=note)
        left = resting(session, settings.district)
    return {"persons": len(left.actors) if left else NEEDED, "needed": NEEDED, "resumed": left is None}


def _read(path: Path, form: BankForm) -> tuple[Draft, list[PayLine]]:
    if not path.is_file() or path.stat().st_size > _LARGEST:
        raise NotOurFile(f"{path.name} 不存在或过大", f"{path.name} is not there, or too large")
    content = path.read_bytes()
    lines = read_bank_bytes(content, form)
    refs = {file_ref(line.key) for line in lines}
    ref = refs.pop() if len(refs) == 1 else ""
    if not ref or path.name != form.name_of(ref):
        raise NotOurFile(f"{path.name} 的文件名与流水号不符", f"the name of {path.name} is not that of its keys")
    return Draft(ref, path.name, content, [line.key for line in lines]), lines


def _frozen(
    database: Database, settings: Settings, ref: str, given: Sequence[tuple[Draft, Sequence[PayLine]]], form: BankForm
) -> None:
    """Freeze the files as the release would have that made them."""
    policy = allowances(settings.today(), settings.policy)
    with staging(database) as bench:
        files = Files(bench)
        with database.read() as session:
            batch = approved(session, district_id(session, settings.district), ref)
            pool = _pool(session, settings, batch, form)
        parts = [(draft, [_taken(pool, line) for line in lines]) for draft, lines in given]
        strange, left = sum(row is None for _, rows in parts for row in rows), sum(map(len, pool.values()))
        if strange or left:
            raise AnotherList(ref, strange, left)
        for draft, rows in parts:
            files.take(draft, [row for row in rows if row])
        with bench.write() as session:
            batch = approved(session, district_id(session, settings.district), ref, find=approvals.lock_batch)
            if content_hash(approvals.content(session, batch.id, settings.today())) != batch.content_hash:
                raise Changed(ref)
            freeze_list(session, settings, policy, batch, files)


def _pool(session: Session, settings: Settings, batch: Batch, form: BankForm) -> dict[_Same, list[PayRow]]:
    """What the list would pay, by what a bank file says of it; the key apart, which is the file's."""
    pool: defaultdict[_Same, list[PayRow]] = defaultdict(list)
    for row in pay_rows(session, batch.id, settings.today()):
        (line,) = as_read([pay_line(row, "")], form)
        pool[_same(line)].append(row)
    return pool


def _taken(pool: dict[_Same, list[PayRow]], line: PayLine) -> PayRow | None:
    return rows.pop(0) if (rows := pool.get(_same(line))) else None


def _same(line: PayLine) -> _Same:
    return line.name, line.account, line.bank, line.fen, line.note


def _sent(database: Database, settings: Settings, actor: str, ref: str, drafts: Sequence[Draft]) -> Result:
    """Mark sent what is frozen under these references and has these bytes; nothing leaves."""
    with database.write() as session:
        waiting = {file.ref: file for file in unsent(session, district_id(session, settings.district))}
        marked = []
        for draft in drafts:
            file = waiting.get(draft.ref)
            if file is None or file.batch_ref != ref or content_of(session, file.ref) != draft.content:
                raise NotOurFile(
                    f"{draft.name} 与定稿不符或已送出", f"{draft.name} is not what was frozen, or was sent"
                )
            mark_sent(session, file.id, settings.now())
            marked.append({"file": file.ref, "sha256": file.sha256, "payments": file.payments, "fen": file.fen})
        audit.record(session, settings.district, actor, "allowance.adopt", settings.now(), batch=ref, files=marked)
    return {"batch": ref, "files": marked}
