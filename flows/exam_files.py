"""Mark files: read -> good rows stored -> each school its own bad rows -> operators the rest, all in one transaction.

A file counts by its content: one that was taken is not read again unless it is named, and then it changes nothing. A
bad file keeps no other from being read.
"""

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select
from sqlmodel import Session, col

from flows.alarms import reachable
from flows.exam_returns import Arrived, give_back
from flows.failures import incident
from flows.intake_sheets import Sheets
from flows.intake_store import log_rows, one_transaction, register, store_within
from flows.jobs import Result, at_work, lease_end
from flows.settings import Settings
from flows.steady import Steady
from flows.tables import Limits
from models.db import Database
from models.district import district_id
from models.intake import ImportLog, Taken
from models.jobs import Claim, renew
from notifications.duty import Telling
from notifications.exams_files import CHANNELS, Unplaced, tell_operators
from rules.errors import TuoqiError, say, shown
from rules.registers.refusals import FileChanged, FileRefused

JOB, KIND = "exam-import", "mark"
_SUFFIXES = frozenset({".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".xls", ".et"})


class NoSuchMarkFile(TuoqiError):
    """The named file is not in the inbox of marks."""

    zh = "inbox/marks 文件夹中没有这个文件；请把成绩文件放入该文件夹，只填写文件名。"
    en = "there is no such file in inbox/marks; put the mark file there and give its name only."


def import_marks(database: Database, settings: Settings, name: str | None = None) -> Result:
    """Take in mark files: the one named, else all of inbox/marks that are new; return counts, nobody's number or name.

    Raises:
        NoSuchMarkFile: nothing was read.
        Overtaken, LostLease, PublicError: of one file; nothing of it was kept, and the others were taken in before.
    """
    files = [_named(settings, name)] if name else _there(settings)
    seen = set[str]() if name else _known(database, settings)
    read, failed = list[Result](), list[TuoqiError]()
    for path in files:
        try:
            file = Steady(path, Limits().size)
            if file.digest not in seen:
                seen.add(file.digest)
                read.append(_one(database, settings, file))
        except FileChanged as error:
            if name:  # one of the inbox that is still being written waits for the next run
                failed.append(error)
        except TuoqiError as error:
            failed.append(error)
        except Exception as error:  # noqa: BLE001 - the border of a file: what it breaks must not keep others out
            failed.append(incident(error))
    if failed:
        raise failed[0]
    return {"files": read}


def _folder(settings: Settings) -> Path:
    return settings.own_folder("inbox") / "marks"


def _named(settings: Settings, name: str) -> Path:
    """Find a file by its bare name; nothing outside the folder is ever read."""
    path = _folder(settings) / Path(name).name
    if path.name != name or path.is_symlink() or not path.is_file():
        raise NoSuchMarkFile
    return path


def _there(settings: Settings) -> list[Path]:
    """The files of the inbox, by name; what Excel leaves beside an open one is none."""
    return [
        path
        for path in sorted(_folder(settings).glob("*"))
        if path.suffix.lower() in _SUFFIXES
        and path.is_file()
        and not path.is_symlink()
        and not path.name.startswith(("~$", "."))
    ]


def _known(database: Database, settings: Settings) -> set[str]:
    """The hashes of the files that this district took in before."""
    with database.read() as session:
        mine = (col(ImportLog.district_id) == district_id(session, settings.district), col(ImportLog.kind) == KIND)
        return set(session.scalars(select(col(ImportLog.sha256)).where(*mine)))


def _one(database: Database, settings: Settings, file: Steady) -> Result:
    name = shown(file.path.name)
    arrived = Arrived(name, file.digest)
    told = at_work(
        database, JOB, file.digest, settings.district, lambda held: _take(database, settings, file, arrived, held)
    )
    return {"file": name, **told}


def _take(database: Database, settings: Settings, file: Steady, arrived: Arrived, held: Claim) -> Result:
    telling = Telling(settings.district, settings.now(), settings.tz, settings.lang, CHANNELS)
    operators = reachable(settings)
    try:
        sheets = Sheets(file.path, register(KIND))
        file.check()
    except FileChanged:
        raise
    except FileRefused as refusal:
        remedy = say(
            "请学校重新导出或另存为 xlsx 再报送；旧文件请移出 inbox/marks。",
            "Ask the school to save it as xlsx and send it again; take the old file out of inbox/marks.",
        )
        with database.write() as session:
            renew(session, held, lease_end())
            found = [Unplaced("unreadable", str(refusal), remedy)]
            mails = tell_operators(session, telling, operators, arrived, found)
        return {"state": "unreadable", "schools": [], "mails": mails}
    with one_transaction(database) as session:
        renew(session, held, lease_end())
        taken = store_within(session, settings, KIND, sheets.rows, JOB, digest=arrived.digest)
        district = district_id(session, settings.district)
        back = give_back(session, settings, telling, district, arrived, sheets, taken)
        mails = back.mails + tell_operators(session, telling, operators, arrived, back.unplaced)
        if _counts(taken) and (taken.added or taken.changed or not _logged(session, district, arrived.digest)):
            log_rows(session, settings, KIND, taken, JOB, digest=arrived.digest)
    return {"state": "read" if _counts(taken) else "nothing", "schools": back.rows, "mails": mails}


def _counts(taken: Taken) -> bool:
    """Whether anything of a file was kept; one of which nothing was is looked at again when registers may be there."""
    return bool(taken.added or taken.changed or taken.unchanged or taken.held)


def _logged(session: Session, district: int, digest: str) -> bool:
    mine = (col(ImportLog.district_id) == district, col(ImportLog.kind) == KIND, col(ImportLog.sha256) == digest)
    return session.execute(select(col(ImportLog.id)).where(*mine).limit(1)).first() is not None


def summed(files: Iterable[Result]) -> dict[str, int]:
    """Add up the counts of all files and schools."""
    rows = [row for file in files for row in file.get("schools", [])]
    return {name: sum(row[name] for row in rows) for name in ("taken", "unchanged", "refused", "held")}
