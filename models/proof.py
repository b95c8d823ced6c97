"""Proving who approves: number and one-time code -> compared -> the try is written down, whatever becomes of it.

Everything happens in one transaction of its own, under the lock of the person's row: a wrong try stays counted though
the approval is refused, and of two tries with one code at the same moment one is too late.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import select, update
from sqlmodel import Session, col

from models import audit
from models.db import Database, keys_of
from models.district import District
from models.one_time import WINDOW, instant_of, matching_step, step_of
from models.staff import APPROVERS, Staff, read_number
from rules.registers.days import SHANGHAI
from rules.staff_refusals import ClockBehind, CodeUsed, NotAnApprover, NotProved

Path = Literal["form", "cli"]
TRIES = 5
LOCKED_FOR = timedelta(minutes=15)
_COLUMNS = ("id", "ref", "role", "until", "totp_secret", "totp_counter", "form_failures", "form_locked_until")


@dataclass(frozen=True, slots=True, repr=False)
class Try:
    """One try to prove who one is; its repr shows nothing of it."""

    district: int
    number: str
    code: str
    path: Path
    now: datetime


def authenticate(database: Database, district: int, number: str, code: str, path: Path, now: datetime) -> int:
    """Return the id of the approver whose code it is.

    Args:
        database: where the staff is; the try commits at once, whatever the caller does next.
        district: district id.
        number: staff number as typed.
        code: six digits as typed.
        path: `form` is closed to a number for 15 minutes by five wrong tries, `cli` never is, so that nobody can
            keep an approver from approving.
        now: aware; codes of the step before and after count too.

    Raises:
        NotProved: number unknown, nothing enrolled, wrong code or closed form, told apart by nothing.
        CodeUsed, ClockBehind: the code is right, but it or a later one was used.
        NotAnApprover: the code is right, but the person may not approve or is out of office.
    """
    tried = Try(district, number, code, path, now)
    with database.write() as session:
        outcome = _outcome(session, tried)
    if isinstance(outcome, NotProved):
        raise outcome
    return outcome


def _outcome(session: Session, tried: Try) -> int | NotProved:
    """Decide and write down; a refusal is returned, for raising it here would undo what was written."""
    person = _locked(session, tried)
    secret = keys_of(session).open("staff.totp_secret", person["ref"], person["totp_secret"]) if person else ""
    step = matching_step(secret or None, tried.code, tried.now)
    if person is None:
        return _refused(session, tried, NotProved())
    closed = person["form_locked_until"]
    if tried.path == "form" and closed is not None and tried.now < closed:
        return _refused(session, tried, NotProved(), person)
    if step is None:
        _count(session, tried, person)
        return _refused(session, tried, NotProved(), person)
    if not _use(session, tried, person["id"], step):
        behind = person["totp_counter"] > step_of(tried.now) + WINDOW
        late = ClockBehind(instant_of(person["totp_counter"])) if behind else CodeUsed()
        return _refused(session, tried, late, person)
    today = tried.now.astimezone(SHANGHAI).date()
    if person["role"] not in APPROVERS or (person["until"] is not None and person["until"] < today):
        return _refused(session, tried, NotAnApprover(), person)
    return int(person["id"])


def _locked(session: Session, tried: Try) -> dict[str, Any] | None:
    """Lock the person's row and read it; None if nobody has the number."""
    mine = (col(Staff.district_id) == tried.district, col(Staff.number) == read_number(tried.number))
    columns = [col(getattr(Staff, name)) for name in _COLUMNS]
    row = session.execute(
        update(Staff).where(*mine).values(form_failures=col(Staff.form_failures)).returning(*columns)
    ).first()
    return dict(zip(_COLUMNS, row, strict=True)) if row else None


def _use(session: Session, tried: Try, person: int, step: int) -> bool:
    """Use a step up; False if it or a later one was used."""
    fresh: dict[str, Any] = {"totp_counter": step}
    if tried.path == "form":
        fresh["form_failures"] = 0
    using = update(Staff).where(col(Staff.id) == person, col(Staff.totp_counter) < step).values(fresh)
    return session.execute(using.returning(col(Staff.id))).first() is not None


def _count(session: Session, tried: Try, person: dict[str, Any]) -> None:
    """Count a wrong try on the form; the fifth closes it."""
    if tried.path != "form":
        return
    failures = person["form_failures"] + 1
    closing = {"form_failures": 0, "form_locked_until": tried.now + LOCKED_FOR}
    counted = closing if failures >= TRIES else {"form_failures": failures}
    session.execute(update(Staff).where(col(Staff.id) == person["id"]).values(counted))


def _refused(session: Session, tried: Try, why: NotProved, person: dict[str, Any] | None = None) -> NotProved:
    """Enter a refusal in the audit: by which path, and who, if it was anybody's number."""
    code = session.scalar(select(col(District.code)).where(col(District.id) == tried.district))
    told = {"staff": person["ref"]} if person else {}
    audit.record(
        session, str(code), f"proof:{tried.path}", "staff.refused", tried.now, reason=type(why).__name__, **told
    )
    return why
