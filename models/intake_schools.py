"""Schools from their register: known by code, new ones get a reference; columns the file lacks are kept."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from models.db import keys_of
from models.exam import SCHOOL_SEALED, School
from models.helper import drawn_refs
from models.intake import Scope, Taken, differing
from models.intake_cadres import IN_ONE
from rules.registers import Row


def store_schools(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store schools by code."""
    taken, known = Taken(), _known(session, scope.district)
    refs = iter(drawn_refs("X", len(rows)))
    fresh, changed = [], []
    for row in rows:
        code = str(row.values["code"])
        before = known.get(code)
        ref = before["ref"] if before else next(refs)
        columns = {"name": row.values["name"], **_sealed(session, ref, row)}
        if before is None:
            taken.add()
            blank = dict.fromkeys(SCHOOL_SEALED)
            fresh.append({"district_id": scope.district, "code": code, "ref": ref, **blank, **columns})
        elif taken.compare(row, code, differing(row, before, ("name", *SCHOOL_SEALED))):
            changed.append({"id": before["id"], **columns})
    if fresh:
        session.execute(insert(School), fresh, execution_options=IN_ONE)
    if changed:
        session.execute(update(School), changed)
    return taken


def _sealed(session: Session, ref: str, row: Row) -> dict[str, Any]:
    keys = keys_of(session)
    given = [name for name in SCHOOL_SEALED if name in row.values]
    return {name: keys.seal(f"school.{name}", ref, str(row.values[name] or "")) for name in given}


def _known(session: Session, district: int) -> dict[str, dict[str, Any]]:
    keys = keys_of(session)
    query = select(School).where(col(School.district_id) == district)
    return {
        each.code: {
            "id": each.id,
            "ref": each.ref,
            "name": each.name,
            **{name: keys.open(f"school.{name}", each.ref, getattr(each, name)) for name in SCHOOL_SEALED},
        }
        for each in session.execute(query).scalars()
    }
