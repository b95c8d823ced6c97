"""What a row of the elder register may not say: checked against its own ID number and against who is known."""

from collections.abc import Iterator, Mapping
from datetime import date

from models.elder import is_elder_ref
from models.elder_known import Known
from models.intake import Refused, Scope
from models.intake_communities import Home
from rules.identity import Identity, IdentityRefused, identity
from rules.refs import canonical, is_ref
from rules.registers import Row
from rules.registers.cells import broken_number
from rules.registers.spelling import tidy_name

_NEEDED = ("name", "tier")


def named(row: Row) -> Iterator[str]:
    """Yield what a row says of who it is about: ID number or reference, and the reference in its own column."""
    yield str(row.values["id_number"])
    written = row.values.get("ref")
    if written is not None and is_ref(str(written)):
        yield canonical(str(written))


def person_of(scope: Scope, row: Row, known: Mapping[str, Known]) -> Known | None:
    """Return the elder a row is about, None for a new one.

    A reference beside another ID number corrects the number, if the number is nobody's; check_identity sees the rest.

    Raises:
        Refused: a reference nobody has, or reference and ID number of two persons.
    """
    said, written = str(row.values["id_number"]), row.values.get("ref")
    by_number = known.get(said)
    if is_elder_ref(said) and by_number is None:
        raise Refused(scope.unknown(row, "id_number"))
    if written is None:
        return by_number
    by_ref = known.get(canonical(str(written))) if is_ref(str(written)) else None
    if by_ref is None:
        problem = ("没有这个系统编号的老人", "no elder has this reference")
        raise Refused(scope.wrong(row, "ref", problem, ("新登记的老人请留空", "leave it blank for a new elder")))
    if by_number is not None and by_number.id != by_ref.id:
        problem = ("与身份证号不是同一位老人", "belongs to another elder than the ID number")
        raise Refused(scope.wrong(row, "ref", problem, ("请核对这一行", "check the row")))
    return by_ref


def check_identity(scope: Scope, row: Row) -> Identity | None:
    """Return what the ID number says, None for a row by reference.

    Raises:
        Refused: born in the future, or another birth date or sex than the number's.
    """
    said, given = str(row.values["id_number"]), row.values
    if is_elder_ref(said):
        return None
    try:
        person = identity(said, scope.today)
    except IdentityRefused as refused:
        told = broken_number(refused)
        raise Refused(scope.wrong(row, "id_number", (told.problem,) * 2, (told.remedy,) * 2)) from None
    remedy = ("请按证件核对身份证号，或把这一格留空", "compare the ID number with the card, or leave this cell blank")
    if given.get("birth_date") not in {None, person.birth_date}:
        problem = ("与身份证号中的出生日期不同", "differs from the birth date in the ID number")
        raise Refused(scope.wrong(row, "birth_date", problem, remedy))
    if given.get("sex") not in {None, person.sex}:
        problem = ("与身份证号中的性别不同", "differs from the sex in the ID number")
        raise Refused(scope.wrong(row, "sex", problem, remedy))
    return person


def check_registered(scope: Scope, row: Row, born: date) -> None:
    """Refuse a registration before the birth or after today."""
    since = row.values.get("registered_on")
    if isinstance(since, date) and not born <= since <= scope.today:
        problem = ("不在出生之后、今天之前", "lies before the birth or after today")
        remedy = ("请填列入探访的日期", "give the day from which visits are owed")
        raise Refused(scope.wrong(row, "registered_on", problem, remedy))


def check_new(scope: Scope, row: Row, home: Home | None) -> None:
    """Refuse a new elder without name, community or tier."""
    missing = [name for name in _NEEDED if row.values.get(name) is None]
    missing += [] if home else ["community"]
    if missing:
        problem = ("新登记的老人不能缺这一项", "a new elder needs it")
        raise Refused(scope.wrong(row, missing[0], problem, ("请补填", "fill it in")))


def check_same_person(scope: Scope, row: Row, name: str) -> None:
    """Refuse a corrected ID number unless the row repeats the name: a shifted column must not exchange people."""
    if tidy_name(str(row.values.get("name") or "")) != name:
        problem = ("系统编号、姓名与身份证号对不上", "reference, name and ID number do not go together")
        remedy = ("更正身份证号时姓名须与登记的一致", "to correct an ID number, give the name as registered")
        raise Refused(scope.wrong(row, "id_number", problem, remedy))
