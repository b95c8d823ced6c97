"""Helpers 帮扶人 from their register: known by number, new ones get a reference."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from models.db import keys_of
from models.district import community_names
from models.helper import SEALED, Helper, drawn_refs
from models.intake import Refused, Scope, Taken, differing
from models.intake_cadres import IN_ONE
from models.intake_communities import Communities
from rules.registers import Row

_PLAIN = ("role", "team", "capacity")


def store_helpers(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store helpers by number; columns the file lacks are kept."""
    taken, known = Taken(), _known(session, scope.district)
    communities = Communities(session, scope)
    refs = iter(drawn_refs("H", len(rows)))
    fresh, changed = [], []
    for row in rows:
        number, before = str(row.values["number"]), known.get(str(row.values["number"]))
        try:
            values = _values(scope, row, communities)
        except Refused as refusal:
            taken.errors.append(refusal.error)
            continue
        ref = before["ref"] if before else next(refs)
        columns = {**values, **_sealed(session, ref, row)}
        if before is None:
            taken.add()
            fresh.append({"district_id": scope.district, "number": number, "ref": ref, **_BLANK, **columns})
        elif taken.compare(row, number, differing(row, before, (*SEALED, *_PLAIN, "community"))):
            changed.append({"id": before["id"], **columns})
    if fresh and not taken.errors:
        session.execute(insert(Helper), fresh, execution_options=IN_ONE)
    if changed and not taken.errors:
        session.execute(update(Helper), changed)
    return taken


_BLANK: dict[str, Any] = {"phone": None, "phone_index": None, "email": None, "community_id": None, "team": ""}


def _values(scope: Scope, row: Row, communities: Communities) -> dict[str, Any]:
    capacity = row.values["capacity"]
    if not isinstance(capacity, int) or capacity < 0:
        problem = ("不能小于 0", "is less than 0")
        raise Refused(scope.wrong(row, "capacity", problem, ("暂不安排请填 0", "write 0 for none at present")))
    given: dict[str, Any] = {name: row.values[name] for name in _PLAIN if name in row.values}
    if "team" in given:
        given["team"] = given["team"] or ""
    if "community" in row.values:
        given["community_id"] = communities.id_of(communities.home(row))
    return given


def _sealed(session: Session, ref: str, row: Row) -> dict[str, Any]:
    keys = keys_of(session)
    given = {name: row.values[name] for name in SEALED if name in row.values}
    sealed: dict[str, Any] = {name: keys.seal(f"helper.{name}", ref, str(value or "")) for name, value in given.items()}
    if "phone" in given:
        sealed["phone_index"] = keys.blind("phone", str(given["phone"])) if given["phone"] else None
    return sealed


def _known(session: Session, district: int) -> dict[str, dict[str, Any]]:
    keys, places = keys_of(session), community_names(session, district)
    query = select(Helper).where(col(Helper.district_id) == district)
    return {
        each.number: {
            "id": each.id,
            "ref": each.ref,
            **{name: keys.open(f"helper.{name}", each.ref, getattr(each, name)) for name in SEALED},
            **{name: getattr(each, name) for name in _PLAIN},
            "community": places[each.community_id][1] if each.community_id else None,
        }
        for each in session.execute(query).scalars()
    }
