"""Staff 工作人员: who makes a payment list 经办 and who approves it 审批, and the authenticator that proves it.

The secret of an authenticator is sealed under staff.totp_secret and the reference; `totp_counter` is the last time step
that was used, so no code works twice, nor an older one after a newer one. models/proof.py asks for the code.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, LargeBinary, UniqueConstraint, select, update
from sqlmodel import Field, Session, SQLModel, col

from models.db import Instant, insert_for, keys_of
from models.district import Contact
from models.elder import batches
from models.messages import one_of
from rules.registers.spelling import plain
from rules.staff_refusals import NoSuchStaff, NotAMaker, NumberTaken

ROLES = ("maker", "approver", "both")
MAKERS, APPROVERS = ("maker", "both"), ("approver", "both")
SEALED = ("name", "phone", "email")


class Staff(SQLModel, table=True):
    """A civil-affairs officer, known by the staff number."""

    __table_args__ = (
        UniqueConstraint("district_id", "number"),
        CheckConstraint(one_of("role", ROLES), name="role"),
        CheckConstraint("(totp_secret IS NULL) = (enrolled_at IS NULL)", name="enrolled"),
        CheckConstraint("form_failures >= 0", name="failures"),
    )
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    number: str
    ref: str = Field(unique=True)
    name: bytes = Field(sa_type=LargeBinary, description="sealed")
    phone: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    email: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    role: str
    until: date | None = Field(default=None, description="last day of office")
    totp_secret: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    enrolled_at: datetime | None = Field(default=None, sa_type=Instant)
    totp_counter: int = Field(default=0, description="the last time step used, 30 s each")
    form_failures: int = Field(default=0, description="wrong tries on the form since the last right one")
    form_locked_until: datetime | None = Field(default=None, sa_type=Instant)


def read_number(said: str) -> str:
    """Return a staff number in the one spelling: full-width and spaced digits are the same number."""
    return plain(said).replace(" ", "").upper()


def add_staff(session: Session, district: int, ref: str, values: dict[str, str]) -> str:
    """Add a member of staff.

    Args:
        session: a writing session.
        district: district id.
        ref: a fresh reference.
        values: number, name, role, and phone and email, "" if there is none.

    Returns:
        The reference.

    Raises:
        NumberTaken: somebody has or had the number.
    """
    keys = keys_of(session)
    sealed = {name: keys.seal(f"staff.{name}", ref, values[name]) for name in SEALED}
    row = {"district_id": district, "number": read_number(values["number"]), "ref": ref, "role": values["role"]}
    adding = insert_for(session, Staff).values({**row, **sealed, "totp_counter": 0, "form_failures": 0})
    adding = adding.on_conflict_do_nothing(index_elements=["district_id", "number"])
    if session.execute(adding.returning(col(Staff.id))).first() is None:
        raise NumberTaken
    return ref


def staff_list(session: Session, district: int) -> list[dict[str, Any]]:
    """Return all staff by number, without anything personal."""
    columns = (Staff.number, Staff.ref, Staff.role, Staff.until, Staff.enrolled_at, Staff.form_locked_until)
    query = select(*map(col, columns)).where(col(Staff.district_id) == district).order_by(col(Staff.number))
    names = ("number", "ref", "role", "until", "enrolled_at", "form_locked_until")
    return [dict(zip(names, row, strict=True)) for row in session.execute(query)]


def retire_staff(session: Session, district: int, number: str, until: date) -> str:
    """Set the last day of office, and return the reference.

    Raises:
        NoSuchStaff: nobody has the number.
    """
    return _changed(session, district, number, {"until": until})


def ref_of(session: Session, district: int, number: str) -> tuple[str, bool]:
    """Return the reference of a number, and whether an authenticator is enrolled.

    Raises:
        NoSuchStaff: nobody has the number.
    """
    mine = (col(Staff.district_id) == district, col(Staff.number) == read_number(number))
    found = session.execute(select(col(Staff.ref), col(Staff.totp_secret).is_not(None)).where(*mine)).first()
    if found is None:
        raise NoSuchStaff
    return found[0], found[1]


def enrol_staff(session: Session, district: int, number: str, secret: str, step: int, at: datetime) -> str:
    """Bind an authenticator in place of any other; the code that confirmed it counts as used. Return the reference.

    Raises:
        NoSuchStaff: nobody has the number.
    """
    ref, _ = ref_of(session, district, number)
    sealed = keys_of(session).seal("staff.totp_secret", ref, secret)
    fresh = {"form_failures": 0, "form_locked_until": None}
    bound = {"totp_secret": sealed, "enrolled_at": at, "totp_counter": step}
    return _changed(session, district, number, {**bound, **fresh})


def maker_of(session: Session, district: int, number: str, today: date) -> int:
    """Return the id of a maker in office.

    Raises:
        NotAMaker: unknown, out of office, or an approver only.
    """
    mine = (col(Staff.district_id) == district, col(Staff.number) == read_number(number))
    in_office = col(Staff.until).is_(None) | (col(Staff.until) >= today)
    found = session.scalar(select(col(Staff.id)).where(*mine, in_office, col(Staff.role).in_(MAKERS)))
    if found is None:
        raise NotAMaker
    return found


def approvers_of(session: Session, district: int, today: date, *, other_than: int | None) -> list[Contact]:
    """Open how to reach the approvers in office, but for the maker, by number."""
    in_office = col(Staff.until).is_(None) | (col(Staff.until) >= today)
    mine = (col(Staff.district_id) == district, in_office, col(Staff.role).in_(APPROVERS))
    query = select(col(Staff.id)).where(*mine).order_by(col(Staff.number))
    ids = [number for number in session.scalars(query) if number is not None and number != other_than]
    found = staff_contacts(session, ids)
    return [found[number] for number in ids]


def makers_in_office(session: Session, district: int, today: date) -> list[Contact]:
    """Open how to reach the makers in office, by number."""
    in_office = col(Staff.until).is_(None) | (col(Staff.until) >= today)
    mine = (col(Staff.district_id) == district, in_office, col(Staff.role).in_(MAKERS))
    ids = list(session.scalars(select(col(Staff.id)).where(*mine).order_by(col(Staff.number))))
    found = staff_contacts(session, [number for number in ids if number is not None])
    return list(found.values())


def staff_contacts(session: Session, ids: Iterable[int]) -> dict[int, Contact]:
    """Open how to reach staff, by id."""
    keys, found = keys_of(session), {}
    columns = (col(Staff.id), col(Staff.ref), *(col(getattr(Staff, name)) for name in SEALED))
    for some in batches(sorted(set(ids))):
        for number, ref, *sealed in session.execute(select(*columns).where(col(Staff.id).in_(some))):
            opened = (keys.open(f"staff.{name}", ref, value) for name, value in zip(SEALED, sealed, strict=True))
            found[number] = Contact(ref, *opened)
    return found


def staff_behind(session: Session, district: int, ref: str) -> dict[str, Any] | None:
    """Return who a reference is; None if no member of staff."""
    mine = (col(Staff.district_id) == district, col(Staff.ref) == ref)
    found = session.execute(select(col(Staff.id), col(Staff.number)).where(*mine)).first()
    if found is None:
        return None
    contact = staff_contacts(session, [found[0]])[found[0]]
    return {"ref": ref, "kind": "staff", "number": found[1], "name": contact.name, "phone": contact.phone}


def _changed(session: Session, district: int, number: str, values: dict[str, Any]) -> str:
    mine = (col(Staff.district_id) == district, col(Staff.number) == read_number(number))
    ref = session.execute(update(Staff).where(*mine).values(values).returning(col(Staff.ref))).scalar_one_or_none()
    if ref is None:
        raise NoSuchStaff
    return str(ref)
