"""Sealing anew: values under an older key or suite, batch after batch -> opened and sealed -> put back where unchanged.

No progress is kept: the envelopes themselves say what is left, so a run that was killed is simply run again. A batch is
read in a session that holds nobody up, sealed outside any transaction, and written value for value only where the old
bytes still stand: whoever corrected a row meanwhile has sealed it himself, and his word stays.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import LargeBinary, Row, Table, bindparam, or_, select, update
from sqlmodel import Session, SQLModel

from models.db import Database, keys_of
from models.seal import KeyRing, WrongSeal
from models.sealed import sealed_columns, stale

ROWS, FILES = 500, 8
"""Rows of one batch, and of one of a table whose values are whole files."""


def reseal(database: Database, in_hand: Callable[[Session], None]) -> tuple[int, Counter[str]]:
    """Go through all sealed columns once.

    Args:
        database: whose values; the current key and suite are those of its key file.
        in_hand: called first in each transaction, to see that the run is still ours.

    Returns:
        How many rows were sealed anew, and how many values did not open, as table.column. Rows that somebody else had
        locked or changed meanwhile are in neither: the next pass finds what is still stale of them.

    Raises:
        NoSuite: this machine cannot do the suite that is set, or that of a value.
    """
    rows, unopened = 0, Counter[str]()
    for name, columns in sealed_columns().items():
        for batch in _batches(database, SQLModel.metadata.tables[name], columns):
            keys = database.keys
            changes = [_sealed_anew(keys, name, columns, row, unopened) for row in batch]
            with database.write() as session:
                in_hand(session)
                rows += _put_back(session, SQLModel.metadata.tables[name], columns, [c for c in changes if c])
    return rows, unopened


def _batches(database: Database, table: Table, columns: Sequence[str]) -> Iterator[Sequence[Row[Any]]]:
    """Yield the stale rows of a table in the order of their keys: key, sealed values, parts of the reference."""
    (key,), last = table.primary_key, 0
    size = FILES if "content" in columns else ROWS
    sealed = [table.c[name] for name in columns]
    parts = [part.label(f"part_{n}") for n, part in enumerate(_parts(table)[1])]
    while True:
        with database.read() as session:
            old = or_(*(stale(each, keys_of(session).head) for each in sealed))
            rows = session.execute(select(key, *sealed, *parts).where(key > last, old).order_by(key).limit(size)).all()
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _sealed_anew(
    keys: KeyRing, table: str, columns: Sequence[str], row: Row[Any], unopened: Counter[str]
) -> Mapping[str, Any] | None:
    """Return key, old and new values of a row; None when nothing of it can be sealed anew."""
    number, *cells = row
    old, parts = cells[: len(columns)], cells[len(columns) :]
    ref = _parts(SQLModel.metadata.tables[table])[0].join(map(str, parts))
    new = list(old)
    for n, (name, envelope) in enumerate(zip(columns, old, strict=True)):
        if envelope is None or envelope.startswith(keys.head):
            continue
        place = f"{table}.{name}"
        try:
            new[n] = keys.seal_bytes(place, ref, keys.open_bytes(place, ref, envelope))
        except WrongSeal:
            unopened[place] += 1
    told = {"of_key": number} | {f"old_{name}": cell for name, cell in zip(columns, old, strict=True)}
    return None if new == old else told | {f"new_{name}": cell for name, cell in zip(columns, new, strict=True)}


def _put_back(session: Session, table: Table, columns: Sequence[str], changes: Sequence[Mapping[str, Any]]) -> int:
    """Write what is still as it was read; on PostgreSQL rows that somebody works on are left for the next pass.

    They are locked in one order beforehand, so that two rotations, or one and an import, never wait for each other.
    """
    if not changes:
        return 0
    (key,) = table.primary_key
    mine = select(key).where(key.in_([each["of_key"] for each in changes])).order_by(key)
    free = set(session.execute(mine.with_for_update(key_share=True, skip_locked=True)).scalars())
    same = (table.c[name].is_not_distinct_from(bindparam(f"old_{name}", type_=LargeBinary)) for name in columns)
    values = {name: bindparam(f"new_{name}", type_=LargeBinary) for name in columns}
    changing = update(table).where(key == bindparam("of_key"), *same).values(values)
    kept = [dict(each) for each in changes if each["of_key"] in free]
    if not kept:
        return 0
    return int(session.connection().execute(changing, kept).rowcount)


def _parts(table: Table) -> tuple[str, list[Any]]:
    """Return of what a row's reference is made, to which its values are bound: a separator and the parts.

    It is said here once more than where the values are sealed; tests/models/test_reseal.py holds the two together.
    """
    tables = SQLModel.metadata.tables
    elder, issue, slot, centre = (tables[name].c for name in ("elder", "issue", "duty_slot", "centre"))
    if table.name in {"payee_account", "visit_contact", "objection"}:
        return "", [select(elder.ref).where(elder.id == table.c.elder_id).scalar_subquery()]
    if table.name == "issue_event":
        return "", [select(issue.number).where(issue.id == table.c.issue_id).scalar_subquery()]
    if table.name == "duty_slot":
        return "/", [select(centre.code).where(centre.id == slot.centre_id).scalar_subquery(), slot.day]
    if table.name == "duty_handover":
        mine = slot.id == table.c.slot_id
        code = select(centre.code).where(centre.id == slot.centre_id, mine).scalar_subquery()
        return "/", [code, select(slot.day).where(mine).scalar_subquery()]
    if table.name == "reply":
        return ":", [table.c.provider, table.c.reply_id]
    return "", [table.c[{"message": "dedupe_key", "enclosed_file": "digest"}.get(table.name, "ref")]]
