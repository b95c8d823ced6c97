"""What goes back of a mark file: bad rows by exam and school -> a workbook of that school's rows alone -> its contact.

Rows that nobody can place go to no school: operators hear of them, by count only.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from sqlmodel import Session

from flows.exam_senders import Owner, owners
from flows.forms_errors import write_left_out
from flows.intake_sheets import Sheets
from flows.intake_store import register
from flows.jobs import Result
from flows.settings import Settings
from models.drafts import Enclosure
from models.exam import exams_of, school_codes
from models.exam_families import SchoolContact, school_contacts
from models.intake import Taken
from models.message_keys import known_keys
from notifications.duty import Telling
from notifications.exams import ENCLOSED
from notifications.exams_files import Returned, Unplaced, errors_key, tell_school
from notifications.outbox import address_of
from notifications.visit_month import XLSX
from rules.errors import say
from rules.registers import CellError


class Arrived(NamedTuple):
    """A file: its name as it may be shown, and its SHA-256."""

    name: str
    digest: str


@dataclass
class Back:
    """What went back: a row of counts for each exam and school, mails, and what no school can mend."""

    rows: list[Result] = field(default_factory=list)
    mails: int = 0
    unplaced: list[Unplaced] = field(default_factory=list)


def give_back(
    session: Session,
    settings: Settings,
    telling: Telling,
    district: int,
    arrived: Arrived,
    sheets: Sheets,
    taken: Taken,
) -> Back:
    """Write to the schools whose rows have errors, in the transaction that stored the others."""
    errors = [*sheets.errors, *taken.left_out]
    whose = owners(session, district, sheets, taken, {error.row for error in errors})
    exams = {entry.id: entry for entry in exams_of(session, district)}
    codes, contacts = school_codes(session, district), school_contacts(session, district)
    back = Back()
    for owner in sorted(
        {*whose.values(), *(Owner(*key) for key in taken.kept)}, key=lambda each: (each[0] or 0, each[1] or 0)
    ):
        mine = {row for row, each in whose.items() if each == owner}
        wrong = [error for error in errors if error.row in mine]
        counts = _counts(owner, wrong, taken)
        exam, code = exams.get(owner.exam or 0), codes.get(owner.school or 0)
        row: Result = {"exam": exam.code if exam else "—", "school": code or "—", **counts}
        back.rows.append(row)
        if not wrong:
            continue
        if exam is None or code is None:
            back.unplaced.append(_nobody_s(arrived, len({error.row for error in wrong}), known=exam is not None))
            continue
        key = errors_key(exam.id, arrived.digest, contacts[code].contact.ref)
        if known_keys(session, [key]):
            continue
        told = Returned(
            contacts[code].name, exam.name, counts["taken"] + counts["unchanged"], counts["refused"], counts["held"]
        )
        content = _workbook(settings, sheets, wrong, mine, told)
        if why := _undeliverable(arrived, contacts[code], content):
            back.unplaced.append(why)
            continue
        file = Enclosure(say(f"成绩问题清单-{exam.code}.xlsx", f"marks-to-correct-{exam.code}.xlsx"), XLSX, content)
        back.mails += tell_school(session, telling, key, contacts[code].contact, told, file)
    return back


def _counts(owner: Owner, wrong: Collection[CellError], taken: Taken) -> dict[str, int]:
    stored, known = taken.kept.get((owner.exam, owner.school), (0, 0)) if owner.exam is not None else (0, 0)
    kinds = Counter(row in taken.held for row in {error.row for error in wrong})
    return {"taken": stored, "unchanged": known, "refused": kinds[False], "held": kinds[True]}


def _workbook(
    settings: Settings, sheets: Sheets, wrong: Collection[CellError], mine: Collection[int], told: Returned
) -> bytes:
    """Write the school's rows with its bad cells marked; nothing of it stays on the disk."""
    with TemporaryDirectory(dir=settings.own_folder("reports")) as folder:
        path = Path(folder) / "marks.xlsx"
        write_left_out(
            path, register("mark"), sheets.tables, sheets.placed(wrong), told.accepted or None, sheets.showing(mine)
        )
        return path.read_bytes()


def _nobody_s(arrived: Arrived, rows: int, *, known: bool) -> Unplaced:
    if not known:
        return Unplaced(
            "unknown-exam",
            say(f"{rows} 行没有写明已登记的考试，未收", f"{rows} rows name no exam that is registered; not taken"),
            say(
                f"请核对考试代码，或先导入考试登记表，再运行 exam-import，文件名填 {arrived.name}。",
                f"Check the exam's code or import the exam register, then run exam-import for {arrived.name}.",
            ),
        )
    return Unplaced(
        "unknown-school",
        say(f"{rows} 行有误，判断不出是哪所学校的", f"{rows} rows are wrong, and nobody can tell whose they are"),
        say(
            "请报送人核对学校、考号、科目三列（学校填代码或全称，考号设为文本，科目须已登记），改好放回 inbox/marks。",
            "Have the school, number and subject columns checked (school by code or name, numbers as text, subjects "
            "registered) and the corrected file put into inbox/marks.",
        ),
    )


def _undeliverable(arrived: Arrived, school: SchoolContact, content: bytes) -> Unplaced | None:
    if not address_of("email", school.contact.email):
        return Unplaced(
            f"no-contact-{school.contact.ref}",
            say(f"{school.name} 没有联系邮箱，错误清单发不出", f"{school.name} has no e-mail address for its list"),
            say(
                f"请在学校登记表中补上联系邮箱并导入，再运行 exam-import，文件名填 {arrived.name}。",
                f"Add the address to the school register, import it, then run exam-import for {arrived.name}.",
            ),
        )
    if len(content) > ENCLOSED:
        return Unplaced(
            f"too-large-{school.contact.ref}",
            say(f"{school.name} 的错误清单过大，邮件发不出", f"the list of {school.name} is too large for a mail"),
            say("请学校按科目分成几个文件报送。", "Ask the school to send a file for each subject."),
        )
    return None
