"""Taking in a file: read in a child with limits -> parse against its register -> store all of it or nothing -> tell.

Registers of a whole district's elders are read, parsed and staged piece by piece (flows/intake_stream.py); at the first
sign of an error the file is read again as a whole, to mark everything that is wrong.
"""

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flows.duty_plan import replan_drafts
from flows.forms_errors import PROBLEM_TITLES, write_errors, write_left_out
from flows.intake_sheets import Sheets
from flows.intake_store import BULKS, register, store_batches, store_rows
from flows.intake_stream import NotClean, Stream
from flows.settings import Settings
from flows.steady import Steady
from flows.tables import Limits, Table, read_table
from models.db import Database
from models.district import district_id
from models.duty_facts import broken_centres
from models.intake import Taken
from rules.errors import TuoqiError, say, shown
from rules.registers import CellError, Register, parse
from rules.registers.shape import shorten

_SHOWN = 10  # row numbers in one remark


@dataclass(eq=False)
class FileHasErrors(TuoqiError):
    """Bad cells were found; nothing of the file was kept."""

    name: str
    count: int
    first: str
    marked: Path
    quiet: str
    zh = "{name} 有 {count} 处错误，未写入任何数据。第一处：{first}\n已标出全部错误：{marked}；请改正后重新导入。"
    en = (
        "{name} has {count} errors; nothing was written. The first: {first}\n"
        "All are marked in {marked}; correct them and import again."
    )

    def unquoted(self) -> "FileHasErrors":
        """The same without a word of the file, for Prefect keeps what a job raises."""
        return replace(self, first=self.quiet)


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of a file; `ignored_columns` are headers the register does not know, whose cells were not read.

    `left_out` rows of a register that is taken row by row were not stored, and are marked in `errors`.
    """

    kind: str
    rows: int
    taken: Taken
    dry_run: bool
    remark: str
    ignored_columns: tuple[str, ...]
    affected: tuple[str, ...]
    replanned: tuple[str, ...]
    left_out: int = 0
    errors: Path | None = None


def take_file(database: Database, settings: Settings, kind: str, path: Path, *, dry_run: bool = False) -> Intake:
    """Take in one register file, whole or not at all.

    Raises:
        FileHasErrors: bad cells, all of them marked in FILE.errors.xlsx.
        FileRefused: from flows.tables, when the file is no table, costs too much, or is still being written.
        Overtaken: somebody else was faster; the next run sees what they wrote.
    """
    form = register(kind)
    file = Steady(path, Limits().size)
    if kind in BULKS and (taken := _take_stream(database, settings, form, file, dry_run=dry_run)) is not None:
        return taken
    if form.by_row:
        return _take_rows(database, settings, form, file, dry_run=dry_run)
    table = read_table(path, form)
    file.check()
    parsed = parse(form, table.grid)
    if parsed.errors:  # rehearse the readable rows, so that one round shows every bad cell
        rehearsed = (
            store_rows(database, settings, kind, parsed.rows, _actor(), dry_run=True) if parsed.rows else Taken()
        )
        errors = sorted([*parsed.errors, *rehearsed.errors], key=lambda error: error.row)
        raise _refused(form, path, table, errors)
    taken_in = store_rows(database, settings, kind, parsed.rows, _actor(), digest=file.digest, dry_run=dry_run)
    if taken_in.errors:
        raise _refused(form, path, table, taken_in.errors)
    affected = _affected(database, settings, kind)
    replanned = replan_drafts(database, settings) if kind == "calendar" and not dry_run else []
    ignored = _ignored(parsed.unknown_columns)
    remark = _remark(table.remark, ignored, taken_in)
    return Intake(kind, len(parsed.rows), taken_in, dry_run, remark, ignored, affected, tuple(replanned))


def _take_stream(
    database: Database, settings: Settings, form: Register, file: Steady, *, dry_run: bool
) -> Intake | None:
    """Take in a large register piece by piece; None if anything is wrong with it, and then nothing is written."""
    stream = Stream(file.path, form)
    batches = file.to_the_end(stream.batches())
    try:
        taken = store_batches(database, settings, form.kind, batches, _actor(), digest=file.digest, dry_run=dry_run)
    except NotClean:
        return None
    if taken.errors:
        return None
    ignored = _ignored(stream.unknown_columns)
    return Intake(form.kind, stream.rows, taken, dry_run, _remark(stream.remark, ignored, taken), ignored, (), ())


def _take_rows(database: Database, settings: Settings, form: Register, file: Steady, *, dry_run: bool) -> Intake:
    """Take in the good rows of every sheet, and mark the others in FILE.errors.xlsx."""
    path, sheets = file.path, Sheets(file.path, form)
    file.check()
    parsed = sheets.rows
    errors, marked_at = sheets.errors, path.with_name(path.name + ".errors.xlsx")
    if not parsed and errors:
        told = sheets.placed(errors)
        write_left_out(marked_at, form, sheets.tables, told, None)
        raise FileHasErrors(path.name, len(told), told[0].sentence, marked_at, told[0].quiet)
    taken = store_rows(database, settings, form.kind, parsed, _actor(), digest=file.digest, dry_run=dry_run)
    left = sheets.placed([*errors, *taken.left_out])
    marked = marked_at if left else None
    ignored = _ignored(sheets.unknown_columns)
    remarks = [_remark(sheets.remark, ignored, taken)]
    count = len({(error.sheet, error.row) for error in left})
    if marked is not None:
        write_left_out(marked, form, sheets.tables, left, taken.added + taken.changed + taken.unchanged)
        remarks.append(
            say(
                f"有 {count} 行没有收下，已标出：{shown(marked)}。",
                f"{count} rows were not taken; they are marked in {shown(marked)}.",
            )
        )
    rows, remark = len(parsed), " ".join(filter(None, remarks))
    return Intake(form.kind, rows, taken, dry_run, remark, ignored, (), (), count, marked)


def _actor() -> str:
    return f"import:{getpass.getuser()}"


def _ignored(unknown: Mapping[int, str]) -> tuple[str, ...]:
    """The headers nobody knows, but for that of our own error workbook."""
    headers = (header for _, header in sorted(unknown.items()))
    return tuple(shorten(header) for header in headers if header.split("\n")[0] not in PROBLEM_TITLES)


def _remark(of_table: str, ignored: Sequence[str], taken: Taken) -> str:
    remarks = [of_table] if of_table else []
    if ignored:
        zh, en = "、".join(ignored), ", ".join(ignored)
        remarks.append(say(f"没有读取这些列：{zh}。", f"these columns were not read: {en}."))
    for what, rows in taken.doubts.items():
        shown = ", ".join(map(str, rows[:_SHOWN])) + (" …" if len(rows) > _SHOWN else "")
        remarks.append(
            say(
                f"请留意 {len(rows)} 行：{what[0]}(第 {shown} 行)。",
                f"mind {len(rows)} rows: {what[1]} (rows {shown}).",
            )
        )
    return " ".join(remarks)


def _refused(form: Register, path: Path, table: Table, errors: Sequence[CellError]) -> FileHasErrors:
    marked = path.with_name(path.name + ".errors.xlsx")
    write_errors(marked, form, table, errors)
    return FileHasErrors(path.name, len(errors), errors[0].sentence, marked, errors[0].quiet)


def _affected(database: Database, settings: Settings, kind: str) -> tuple[str, ...]:
    """The centres with a published duty that the next duty-day will have to mend."""
    if kind not in {"leave", "cadre"}:
        return ()
    with database.read() as session:
        return tuple(sorted(broken_centres(session, district_id(session, settings.district), settings.today())))
