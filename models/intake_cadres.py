"""Cadres and their roster places from the register: persons once, places dated, nothing overlapping."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from models.cadre import Cadre, Roster, cadre_ids, contacts, fresh_refs
from models.db import keys_of
from models.district import Centre, centre_ids
from models.intake import Scope, Taken, differing
from rules.registers import CellError, Row

_PERSON = ("name", "phone", "email")
_PLACE = ("until", "head", "rest_day_exempt")
IN_ONE = {"render_nulls": True}
"""Else the ORM begins a new statement at each row that has a NULL where the one before has none."""
Stay = tuple[str, str, date]
"""Cadre number, centre code, first day."""


def store_cadres(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store persons by number and roster places by (number, centre, from); refuses contradictions and overlaps."""
    taken = Taken()
    centres = centre_ids(session, scope.district)
    places = _known_places(session, scope.district, {_number(row) for row in rows})
    taken.errors = [*_two_persons(scope, rows), *_no_centre(scope, rows, centres), *_overlaps(scope, rows, places)]
    if taken.errors:
        return taken
    changed_persons = _store_persons(session, scope, rows)
    ids = cadre_ids(session, scope.district)
    fresh, changed = [], []
    for row in rows:
        key = _stay(row)
        values = {
            name: row.values.get(name, default) for name, default in zip(_PLACE, (None, False, False), strict=True)
        }
        if key not in places:
            cadre, centre, since = key
            fresh.append({"cadre_id": ids[cadre], "centre_id": centres[centre], "since": since, **values})
            taken.add()
            continue
        moved = list(differing(row, places[key], _PLACE))
        if taken.compare(row, key[0], [*changed_persons.get(row.number, ()), *moved]) and moved:
            changed.append({"id": places[key]["id"], **{n: row.values[n] for n in _PLACE if n in row.values}})
    if fresh:
        session.execute(insert(Roster), fresh, execution_options=IN_ONE)
    if changed:
        session.execute(update(Roster), changed)
    return taken


def _number(row: Row) -> str:
    return str(row.values["number"])


def _stay(row: Row) -> Stay:
    since = row.values["from"]
    assert isinstance(since, date)
    return _number(row), str(row.values["centre"]), since


def _two_persons(scope: Scope, rows: Iterable[Row]) -> Iterator[CellError]:
    first: dict[str, Row] = {}
    for row in rows:
        other = first.setdefault(_number(row), row)
        for name in _PERSON:
            if row.values.get(name) != other.values.get(name):
                where = (
                    f"与第 {other.number} 行同一编号但内容不同",
                    f"differs from row {other.number} of the same number",
                )
                yield scope.wrong(
                    row, name, where, ("一个编号只能是一个人；请核对两行", "one number is one person; check both")
                )


def _no_centre(scope: Scope, rows: Iterable[Row], centres: dict[str, int]) -> Iterator[CellError]:
    for row in rows:
        if str(row.values["centre"]) not in centres:
            yield scope.unknown(row, "centre")


def _overlaps(scope: Scope, rows: Iterable[Row], known: dict[Stay, dict[str, Any]]) -> Iterator[CellError]:
    spans: dict[tuple[str, str], dict[date, date]] = defaultdict(dict)
    for (cadre, centre, since), place in known.items():
        spans[cadre, centre][since] = place["until"] or date.max
    given = {_stay(row): row for row in rows}
    for (cadre, centre, since), row in given.items():
        until = row.values.get("until", known.get((cadre, centre, since), {}).get("until"))
        spans[cadre, centre][since] = until if isinstance(until, date) else date.max
    remedy = ("请先给较早的一行填截止日期", "end the earlier one with an `until` first")
    for (cadre, centre, since), row in given.items():
        others = spans[cadre, centre]
        clash = [o for o in others if o != since and o <= others[since] and since <= others[o]]
        if clash:
            problem = (f"与 {min(clash)} 起的在册时间重叠", f"overlaps the place that began on {min(clash)}")
            yield scope.wrong(row, "from", problem, remedy)


def _known_places(session: Session, district: int, numbers: set[str]) -> dict[Stay, dict[str, Any]]:
    columns = (Cadre.number, Centre.code, Roster.since, Roster.id, Roster.until, Roster.head, Roster.rest_day_exempt)
    query = (
        select(*map(col, columns))
        .join(Cadre, col(Cadre.id) == col(Roster.cadre_id))
        .join(Centre, col(Centre.id) == col(Roster.centre_id))
        .where(col(Cadre.district_id) == district)
    )
    names = ("id", *_PLACE)
    rows = session.execute(query)
    return {(row[0], row[1], row[2]): dict(zip(names, row[3:], strict=True)) for row in rows if row[0] in numbers}


def _store_persons(session: Session, scope: Scope, rows: Iterable[Row]) -> dict[int, list[str]]:
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(_number(row), row)
    known, ids = contacts(session, scope.district, set(first)), cadre_ids(session, scope.district)
    refs = iter(fresh_refs(session, "C", len(first) - len(known)))
    fresh, changed, differences = [], [], {}
    for number, row in first.items():
        person = known.get(number)
        if person is None:
            sealed = _sealed(session, next_ref := next(refs), row)
            fresh.append({"district_id": scope.district, "number": number, "ref": next_ref, **_NOBODY, **sealed})
            continue
        now = {"name": person.name, "phone": person.phone, "email": person.email}
        columns = list(differing(row, now, _PERSON))
        if columns:
            differences[row.number] = columns
            changed.append({"id": ids[number], **_sealed(session, person.ref, row)})
    if fresh:
        session.execute(insert(Cadre), fresh, execution_options=IN_ONE)
    if changed:
        session.execute(update(Cadre), changed)
    return differences


_NOBODY: dict[str, Any] = {"name": None, "phone": None, "email": None, "phone_index": None}


def _sealed(session: Session, ref: str, row: Row) -> dict[str, Any]:
    keys = keys_of(session)
    given = {name: row.values[name] for name in _PERSON if name in row.values}
    sealed: dict[str, Any] = {name: keys.seal(f"cadre.{name}", ref, str(value or "")) for name, value in given.items()}
    if "phone" in given:
        sealed["phone_index"] = keys.blind("phone", str(given["phone"])) if given["phone"] else None
    return sealed
