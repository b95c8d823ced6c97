"""Exams from their register: known by code; the exam one is compared with must be there or stand above it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from models.exam import Exam
from models.intake import Scope, Taken, differing
from rules.registers import Row


def store_exams(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store exams by code, in the order of their dates, so that a file may name an earlier exam of its own."""
    taken, known = Taken(), _known(session, scope.district)
    for row in sorted(rows, key=lambda row: str(row.values["date"])):
        code, other = str(row.values["code"]), row.values.get("compare_with")
        if other is not None and (str(other) not in known or str(other) == code):
            taken.errors.append(scope.unknown(row, "compare_with"))
            continue
        if other is not None and known[str(other)]["date"] >= row.values["date"]:
            problem = ("不早于本次考试", "is no earlier exam")
            taken.errors.append(scope.wrong(row, "compare_with", problem, ("请填上一次考试", "give an earlier one")))
            continue
        columns: dict[str, Any] = {
            "name": row.values["name"],
            "held_on": row.values["date"],
            "school_group": row.values["group"],
        }
        if "compare_with" in row.values:
            columns["compare_with_id"] = known[str(other)]["id"] if other is not None else None
        before = known.get(code)
        if before is None:
            taken.add()
            statement = insert(Exam).values(district_id=scope.district, code=code, **columns)
            number = session.execute(statement.returning(col(Exam.id))).scalar_one()
        else:
            number = before["id"]
            if taken.compare(row, code, differing(row, before, ("name", "date", "group", "compare_with"))):
                session.execute(update(Exam).where(col(Exam.id) == number).values(**columns))
        known[code] = {"id": number, "compare_with": None, **(before or {}), **row.values}
    taken.errors.sort(key=lambda error: error.row)
    return taken


def _known(session: Session, district: int) -> dict[str, dict[str, Any]]:
    query = select(Exam).where(col(Exam.district_id) == district)
    exams = list(session.execute(query).scalars())
    codes = {each.id: each.code for each in exams}
    return {
        each.code: {
            "id": each.id,
            "name": each.name,
            "date": each.held_on,
            "group": each.school_group,
            "compare_with": codes.get(each.compare_with_id),
        }
        for each in exams
    }
