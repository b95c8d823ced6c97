"""Staff at the command line: added, retired, enrolled -> stored and audited by reference; nothing comes back."""

import getpass
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from flows.jobs import Result
from flows.settings import Settings
from models import audit, staff
from models.db import Database
from models.district import district_id
from models.one_time import enrolment_uri, matching_step, new_secret
from rules.errors import TuoqiError
from rules.refs import new_ref
from rules.registers import REGISTERS, BadCell, read_cell
from rules.registers.days import day_of
from rules.staff_refusals import WrongFirstCode

ROLE_NAMES = {"maker": "经办", "approver": "审批", "both": "经办和审批"}


@dataclass(eq=False)
class NotUnderstood(TuoqiError):
    """What was typed is not repeated: it may be a name or a number of a person."""

    option: str
    problem: str
    remedy: str
    zh = "{option}：{problem}；{remedy}。"
    en = "{option}: {problem}; {remedy}."


@dataclass(frozen=True, slots=True, repr=False)
class Enrolment:
    """An authenticator that waits for its first code; the repr shows no secret."""

    number: str
    ref: str
    secret: str
    replaces: bool

    @property
    def uri(self) -> str:
        """The address that the phone scans."""
        return enrolment_uri(self.secret, self.number)


def add(database: Database, settings: Settings, values: Mapping[str, str | None]) -> Result:
    """Add a member of staff: number, name, role, and phone and email if there are.

    Raises:
        NotUnderstood: a value cannot be read.
        NumberTaken: somebody has or had the number.
    """
    read = {name: _read(name, values.get(name) or "") for name in ("number", "name", "phone", "email")}
    role = str(values["role"])
    if role not in staff.ROLES:
        raise NotUnderstood("--role", "不在可填内容之中", "/".join(staff.ROLES))
    with database.write() as session:
        ref = new_ref("T", secrets.randbits)
        staff.add_staff(session, district_id(session, settings.district), ref, {**read, "role": role})
        _audited(session, settings, "staff.add", ref, role=role)
    return {"number": staff.read_number(read["number"]), "ref": ref, "role": role, "added": True}


def listed(database: Database, settings: Settings) -> Result:
    """List staff without anything personal."""
    with database.read() as session:
        found = staff.staff_list(session, district_id(session, settings.district))
    now = settings.now()
    rows = [
        {
            "number": each["number"], "ref": each["ref"], "role": each["role"], "until": each["until"],
            "enrolled": each["enrolled_at"] is not None,
            "form_locked": each["form_locked_until"] is not None and now < each["form_locked_until"],
        }
        for each in found
    ]  # fmt: skip
    return {"staff": rows, "count": len(rows)}


def retire(database: Database, settings: Settings, number: str, until: str) -> Result:
    """Set the last day of office.

    Raises:
        NotUnderstood: the day cannot be read.
        NoSuchStaff: nobody has the number.
    """
    try:
        day = day_of(until)
    except BadCell as bad:
        raise NotUnderstood("--until", bad.problem, bad.remedy) from None
    with database.write() as session:
        ref = staff.retire_staff(session, district_id(session, settings.district), number, day)
        _audited(session, settings, "staff.retire", ref, until=day.isoformat())
    return {"number": staff.read_number(number), "ref": ref, "until": day}


def begin_enrolment(database: Database, settings: Settings, number: str) -> Enrolment:
    """Draw a secret for a number; nothing is stored before its first code is right.

    Raises:
        NoSuchStaff: nobody has the number.
    """
    with database.read() as session:
        ref, enrolled = staff.ref_of(session, district_id(session, settings.district), number)
    return Enrolment(staff.read_number(number), ref, new_secret(), enrolled)


def finish_enrolment(database: Database, settings: Settings, enrolment: Enrolment, code: str) -> Result:
    """Bind the authenticator whose first code this is, in place of any other.

    Raises:
        WrongFirstCode: it is not; what was bound before stays.
    """
    now = settings.now()
    step = matching_step(enrolment.secret, code, now)
    if step is None:
        raise WrongFirstCode
    with database.write() as session:
        district = district_id(session, settings.district)
        staff.enrol_staff(session, district, enrolment.number, enrolment.secret, step, now)
        _audited(session, settings, "staff.enrol", enrolment.ref, replaced=enrolment.replaces)
    return {"number": enrolment.number, "ref": enrolment.ref, "enrolled": True, "replaced": enrolment.replaces}


def _read(name: str, text: str) -> str:
    """Read a value as the register of cadres reads it."""
    column = REGISTERS["cadre"].column(name)
    try:
        return str(read_cell(column, text) or "")
    except BadCell as bad:
        raise NotUnderstood("NUMBER" if name == "number" else f"--{name}", bad.problem, bad.remedy) from None


def _audited(session: Session, settings: Settings, action: str, ref: str, **told: Any) -> None:
    audit.record(session, settings.district, getpass.getuser(), action, settings.now(), staff=ref, **told)
