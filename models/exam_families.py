"""Who hears of an exam: a student's family at a verified address, a school's contact; opened a portion at a time."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlmodel import Session, col

from models.db import keys_of
from models.district import Contact
from models.elder import batches
from models.exam import School, Student
from models.messages import Message

TOLD = ("sending", "accepted", "unknown", "delivered")
"""States of a message that reached, or may have reached, its reader."""


@dataclass(frozen=True, slots=True)
class Family:
    """A student as the family is written to; `email` is "" unless it is verified."""

    id: int
    ref: str
    name: str = field(repr=False)
    email: str = field(repr=False)
    class_name: str


@dataclass(frozen=True, slots=True)
class SchoolContact:
    """A school with the one person there who hears of exams; `email` of the contact may be ""."""

    code: str
    name: str
    contact: Contact = field(repr=False)


def families(session: Session, ids: Collection[int]) -> list[Family]:
    """Open students with the verified addresses of their families, in the order of ids."""
    keys, found = keys_of(session), []
    columns = (Student.id, Student.ref, Student.name, Student.contact_email, Student.contact_verified,
               Student.class_name)  # fmt: skip
    for some in batches(sorted(ids)):
        query = select(*map(col, columns)).where(col(Student.id).in_(some)).order_by(col(Student.id))
        for number, ref, name, email, verified, class_name in session.execute(query):
            usable = keys.open("student.contact_email", ref, email) if verified and email else ""
            found.append(Family(number, ref, keys.open("student.name", ref, name), usable, class_name))
    return found


def verified_addresses(session: Session, refs: Iterable[str]) -> Mapping[str, str]:
    """Open the verified addresses of families, by the student's reference; who has none is left out."""
    keys, found = keys_of(session), {}
    for some in batches(sorted(set(refs))):
        mine = (col(Student.ref).in_(some), col(Student.contact_verified), col(Student.contact_email).is_not(None))
        for ref, email in session.execute(select(col(Student.ref), col(Student.contact_email)).where(*mine)):
            found[ref] = keys.open("student.contact_email", ref, email)
    return found


def school_contacts(session: Session, district: int) -> dict[str, SchoolContact]:
    """Open the contacts of a district's schools, by code."""
    keys, found = keys_of(session), {}
    columns = (School.code, School.ref, School.name, School.contact_name, School.contact_email)
    query = select(*map(col, columns)).where(col(School.district_id) == district).order_by(col(School.code))
    for code, ref, name, person, email in session.execute(query):
        opened = (
            keys.open(f"school.{n}", ref, v) if v else ""
            for n, v in (("contact_name", person), ("contact_email", email))
        )
        who, address = opened
        found[code] = SchoolContact(code, name, Contact(ref, who, "", address))
    return found


def message_states(session: Session, keys: Collection[str]) -> dict[str, str]:
    """Map those message keys that exist to their states."""
    found: dict[str, str] = {}
    for some in batches(sorted(keys)):
        query = select(col(Message.dedupe_key), col(Message.state)).where(col(Message.dedupe_key).in_(some))
        found |= dict(session.execute(query).tuples().all())
    return found
