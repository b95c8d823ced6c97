"""Centres and sub-district offices from their registers."""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from models.db import keys_of
from models.district import Centre, Community, Subdistrict, ensure_places
from models.intake import Scope, Taken, differing
from rules.refs import new_ref
from rules.registers import Row

_CENTRE = ("name", "address", "phone", "opens_on_rest_days")
_PLACE = ("subdistrict", "community")


def store_centres(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Add new centres and update known ones, by code."""
    taken, known = Taken(), _known_centres(session, scope.district)
    pairs = {row.number: _place(row, known.get(str(row.values["code"]), {})) for row in rows}
    refs = (new_ref("S", secrets.randbits) for _ in pairs)  # drawn only as needed, never more than one a row
    places = ensure_places(session, scope.district, pairs.values(), refs)
    fresh, changed = [], []
    for row in rows:
        code = str(row.values["code"])
        values: dict[str, Any] = {name: row.values[name] for name in _CENTRE if row.values.get(name) is not None}
        values["community_id"] = places[pairs[row.number]]
        if code not in known:
            fresh.append({"district_id": scope.district, "code": code, **_blank_centre(), **values})
            taken.add()
        elif taken.compare(row, code, differing(row, known[code], (*_CENTRE, *_told_places(row)))):
            changed.append({"id": known[code]["id"], **_cleared(row), **values})
    if fresh:
        session.execute(insert(Centre), fresh)
    if changed:
        session.execute(update(Centre), changed)
    return taken


def _blank_centre() -> dict[str, Any]:
    return {"address": "", "phone": "", "opens_on_rest_days": True}


def _cleared(row: Row) -> dict[str, Any]:
    return {name: "" for name in ("address", "phone") if name in row.values and row.values[name] is None}


def _place(row: Row, known: dict[str, Any]) -> tuple[str, str]:
    subdistrict, community = (row.values.get(name) or known.get(name) or "" for name in _PLACE)
    return str(subdistrict), str(community)


def _told_places(row: Row) -> list[str]:
    """The parts of a place that a row names: what is blank stays as it is known, and is no change."""
    return [name for name in _PLACE if row.values.get(name)]


def _known_centres(session: Session, district: int) -> dict[str, dict[str, Any]]:
    columns = (Centre.id, Centre.code, Centre.name, Centre.address, Centre.phone, Centre.opens_on_rest_days)
    query = (
        select(*map(col, columns), col(Subdistrict.name), col(Community.name))
        .join(Community, col(Community.id) == col(Centre.community_id))
        .join(Subdistrict, col(Subdistrict.id) == col(Community.subdistrict_id))
        .where(col(Centre.district_id) == district)
    )
    names = ("id", "code", *_CENTRE, *_PLACE)
    return {row[1]: dict(zip(names, row, strict=True)) for row in session.execute(query)}


def store_subdistricts(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Add or update the contacts of sub-district offices, by name."""
    taken, known, keys = Taken(), _known_offices(session, scope.district), keys_of(session)
    fresh, changed = [], []
    for row in rows:
        name = str(row.values["name"])
        office = known.get(name, {"ref": new_ref("S", secrets.randbits), "phone": "", "email": ""})
        told = {n: row.values[n] if n in row.values else office[n] for n in ("phone", "email")}
        sealed = {n: keys.seal(f"subdistrict.{n}", office["ref"], str(told[n] or "")) for n in ("phone", "email")}
        if name not in known:
            fresh.append({"district_id": scope.district, "name": name, "ref": office["ref"], **sealed})
            taken.add()
        elif taken.compare(row, name, differing(row, office, ("phone", "email"))):
            changed.append({"id": office["id"], **sealed})
    if fresh:
        session.execute(insert(Subdistrict), fresh)
    if changed:
        session.execute(update(Subdistrict), changed)
    return taken


def _known_offices(session: Session, district: int) -> dict[str, dict[str, Any]]:
    keys = keys_of(session)
    query = select(Subdistrict).where(col(Subdistrict.district_id) == district)
    return {
        office.name: {
            "id": office.id,
            "ref": office.ref,
            "phone": keys.open("subdistrict.phone", office.ref, office.phone),
            "email": keys.open("subdistrict.email", office.ref, office.email),
        }
        for office in session.execute(query).scalars()
    }
