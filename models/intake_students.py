"""Rosters of exams: each school may send its own; known by exam number, new ones get a reference.

A number that another school has already is a transfer during the exam if the name is the same, and then only the school
changes: marks stay with the student. With another name it is a number given out twice, and refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from models.db import keys_of
from models.elder import batches
from models.exam import STUDENT_SEALED, Student, exam_ids, lock_exam, school_ids
from models.helper import drawn_refs
from models.intake import Refused, Scope, Taken, differing
from models.intake_cadres import IN_ONE
from models.seal import KeyRing
from rules.registers import Row

Key = tuple[int, str]
"""Exam and number."""
_PLAIN = {"class": "class_name", "track": "track", "contact_verified": "contact_verified"}
_BLANK: dict[str, Any] = {"class_name": "", "track": "none", "contact_email": None, "contact_verified": False}
_MOVED = ("换了学校，按考试期间转学处理", "comes from another school: taken as a transfer")
_RENAMED = ("姓名与原来不同，已按更正处理", "has another name than before: taken as a correction")


def store_students(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store students by exam and number; columns the file lacks are kept."""
    taken, keys = Taken(), keys_of(session)
    exams, schools = exam_ids(session, scope.district), school_ids(session, scope.district)
    for exam in sorted({exams[str(row.values["exam"])] for row in rows if str(row.values["exam"]) in exams}):
        lock_exam(session, exam)
    known = _known(session, keys, rows, exams)
    refs = iter(drawn_refs("S", len(rows)))
    fresh, changed = [], []
    for row in rows:
        try:
            key, school = _whose(scope, row, exams, schools)
            before = known.get(key)
            if before:
                _check_known(taken, scope, row, before, school)
            _check_contact(scope, row, before)
        except Refused as refusal:
            taken.errors.append(refusal.error)
            continue
        ref = before["ref"] if before else next(refs)
        columns = {"school_id": school, **_columns(keys, ref, row)}
        if before is None:
            taken.add()
            fresh.append({"exam_id": key[0], "number": key[1], "ref": ref, **_BLANK, **columns})
            continue
        told = [
            *differing(row, before, (*STUDENT_SEALED, *_PLAIN)),
            *(["school"] if school != before["school"] else []),
        ]
        if taken.compare(row, ref, told):
            changed.append({"id": before["id"], **columns})
    if not taken.errors:
        _write(session, fresh, changed)
    return taken


def _write(session: Session, fresh: Sequence[dict[str, Any]], changed: Sequence[dict[str, Any]]) -> None:
    if fresh:
        session.execute(insert(Student), fresh, execution_options=IN_ONE)
    if changed:
        session.execute(update(Student), changed)


def _whose(scope: Scope, row: Row, exams: Mapping[str, int], schools: Mapping[str, int]) -> tuple[Key, int]:
    exam, school = exams.get(str(row.values["exam"])), schools.get(str(row.values["school"]))
    if exam is None:
        raise Refused(scope.unknown(row, "exam"))
    if school is None:
        raise Refused(scope.unknown(row, "school"))
    return (exam, str(row.values["number"])), school


def _check_known(taken: Taken, scope: Scope, row: Row, before: Mapping[str, Any], school: int) -> None:
    """Tell a transfer from a number given out twice, and a name corrected."""
    same = row.values["name"] == before["name"]
    if school != before["school"] and not same:
        problem = ("这个考号已是另一所学校另一名考生的", "the number is another student's of another school")
        remedy = ("请核对考号；确是转学的，姓名须与原来一致", "check it; of a transfer the name must be the same")
        raise Refused(scope.wrong(row, "number", problem, remedy))
    if school != before["school"]:
        taken.doubt(_MOVED, row.number)
    elif not same:
        taken.doubt(_RENAMED, row.number)


def _check_contact(scope: Scope, row: Row, before: Mapping[str, Any] | None) -> None:
    """A verified address is there, and another address is not verified by what was said of the one before."""
    stood = before or {"contact_email": "", "contact_verified": False}
    email = row.values.get("contact_email", stood["contact_email"]) or ""
    if email == stood["contact_email"] or "contact_verified" in row.values:
        verified = row.values.get("contact_verified", stood["contact_verified"])
    else:
        verified = row.values["contact_verified"] = False
    if verified and not email:
        problem = ("没有邮箱，不能核实", "there is no address to be verified")
        raise Refused(scope.wrong(row, "contact_verified", problem, ("请填家长邮箱或改为“否”", "give it, or say no")))


def _columns(keys: KeyRing, ref: str, row: Row) -> dict[str, Any]:
    given = row.values
    sealed = {n: keys.seal(f"student.{n}", ref, str(given[n] or "")) for n in STUDENT_SEALED if n in given}
    plain = {column: given[name] for name, column in _PLAIN.items() if name in given}
    if "class_name" in plain:
        plain["class_name"] = plain["class_name"] or ""
    return {**sealed, **plain}


def _known(session: Session, keys: KeyRing, rows: Sequence[Row], exams: Mapping[str, int]) -> dict[Key, dict[str, Any]]:
    found: dict[Key, dict[str, Any]] = {}
    wanted: dict[str, set[str]] = {}
    for row in rows:
        wanted.setdefault(str(row.values["exam"]), set()).add(str(row.values["number"]))
    for code in wanted.keys() & exams.keys():
        for some in batches(sorted(wanted[code])):
            query = select(Student).where(col(Student.exam_id) == exams[code], col(Student.number).in_(some))
            for each in session.execute(query).scalars():
                sealed = {n: keys.open(f"student.{n}", each.ref, getattr(each, n)) for n in STUDENT_SEALED}
                plain = {name: getattr(each, column) for name, column in _PLAIN.items()}
                found[each.exam_id, each.number] = {
                    "id": each.id, "ref": each.ref, "school": each.school_id, **sealed, **plain,
                }  # fmt: skip
    return found
