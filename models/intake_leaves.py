"""Leave 请假 from its register: of cadres and of helpers, whose number a person has.

A cadre who visits elders has one number in both registers, and one leave counts for both.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from models.cadre import Cadre, Leave, cadre_ids
from models.helper import Helper, HelperLeave, helper_ids
from models.intake import Scope, Taken, differing
from models.intake_cadres import IN_ONE
from rules.registers import Row

_LEAVE = {"until": "until", "type": "kind", "cancelled": "cancelled"}
_NEW_LEAVE = {"until": None, "kind": "personal", "cancelled": False}
LEAVE_TABLES: tuple[tuple[Any, Any, str], ...] = ((Leave, Cadre, "cadre_id"), (HelperLeave, Helper, "helper_id"))
Known = Mapping[tuple[str, object], dict[str, Any]]


def store_leaves(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store leave by (person, from); a withdrawn one stays, marked cancelled; columns the file lacks are kept."""
    taken = Taken()
    people = (cadre_ids(session, scope.district), helper_ids(session, scope.district))
    taken.errors = [scope.unknown(row, "person") for row in rows if all(_person(row) not in ids for ids in people)]
    if taken.errors:
        return taken
    told = [_stored(session, scope, rows, ids, *tables) for ids, tables in zip(people, LEAVE_TABLES, strict=True)]
    for row in rows:
        columns = [each[row.number] for each in told if row.number in each]
        if all(each is None for each in columns):
            taken.add()
        else:  # new to one of the two registers only: the person has joined it since
            taken.compare(
                row, _person(row), next((each for each in columns if each), ["person"] if None in columns else [])
            )
    return taken


def _stored(
    session: Session, scope: Scope, rows: Sequence[Row], ids: Mapping[str, int], table: Any, person: Any, owner: str
) -> dict[int, list[str] | None]:
    """Store the leave of those in one register; return, by row, the columns it changes, None for a new one."""
    known = _known(session, scope.district, table, person, owner)
    told: dict[int, list[str] | None] = {}
    fresh, changed = [], []
    for row in (row for row in rows if _person(row) in ids):
        given = {column: row.values[name] for name, column in _LEAVE.items() if name in row.values}
        since = row.values["from"]
        before = known.get((_person(row), since))
        if before is None:
            told[row.number] = None
            fresh.append({owner: ids[_person(row)], "since": since, **_NEW_LEAVE, **given})
            continue
        told[row.number] = list(differing(row, before, _LEAVE))
        if told[row.number]:
            changed.append({"id": before["id"], **given})
    if fresh:
        session.execute(insert(table), fresh, execution_options=IN_ONE)
    if changed:
        session.execute(update(table), changed)
    return told


def _person(row: Row) -> str:
    return str(row.values["person"])


def _known(session: Session, district: int, table: Any, person: Any, owner: str) -> Known:
    columns = (person.number, table.since, table.id, table.until, table.kind, table.cancelled)
    query = select(*map(col, columns)).join(person, col(person.id) == col(getattr(table, owner)))
    rows = session.execute(query.where(col(person.district_id) == district))
    names = ("id", *_LEAVE)
    return {(row[0], row[1]): dict(zip(names, row[2:], strict=True)) for row in rows}
