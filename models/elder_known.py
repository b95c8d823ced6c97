"""What the register already says of the elders that a batch of rows names, as a change is compared with it."""

import secrets
from collections.abc import Collection, Iterable
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select
from sqlmodel import Session, col

from models.db import keys_of
from models.elder import SEALED, Elder, ElderCategory, ElderStatus, ElderTier, batches, id_index, is_elder_ref
from rules.refs import new_ref

PLAIN = ("id_index", "sex", "birth_date", "building", "hukou", "registered_on")


class Known(NamedTuple):
    """An elder as stored: sealed columns still sealed, community and tier as they are on the day.

    `left` are the communities from before the last move, if the status register recorded that one.
    """

    id: int
    ref: str
    columns: dict[str, Any]
    community_id: int
    tier: str | None
    categories: frozenset[str]
    left: frozenset[int] = frozenset()


def known_elders(session: Session, district: int, said: Collection[str], day: date) -> dict[str, Known]:
    """Find elders by what a file says of them, normalised ID number or reference; the others are missing."""
    numbers = {id_index(keys_of(session), each): each for each in said if not is_elder_ref(each)}
    refs = [each for each in said if is_elder_ref(each)]
    rows = [
        *_rows(session, district, (col(Elder.id_index).in_(some) for some in batches(list(numbers)))),
        *_rows(session, district, (col(Elder.ref).in_(some) for some in batches(refs))),
    ]
    ids = {row["id"] for row in rows}
    moves, tiers, categories = _moves(session, ids, day), _tiers(session, ids, day), _categories(session, ids)
    found: dict[str, Known] = {}
    for row in rows:
        number = row["id"]
        homes = [row["community_id"], *(home for home, _ in moves.get(number, ()))]
        left = frozenset(homes[:-1]) if moves.get(number, [(0, "")])[-1][1] == "status" else frozenset()
        told = frozenset(categories.get(number, ()))
        elder = Known(number, row["ref"], row, homes[-1], tiers.get(number), told, left)
        found[elder.ref] = elder
        if row["id_index"] in numbers:
            found[numbers[row["id_index"]]] = elder
    return found


def _rows(session: Session, district: int, some: Iterable[ColumnElement[bool]]) -> list[dict[str, Any]]:
    names = ("id", "ref", "community_id", *SEALED, *PLAIN)
    query = select(*(col(getattr(Elder, name)) for name in names)).where(col(Elder.district_id) == district)
    return [dict(row) for these in some for row in session.execute(query.where(these)).mappings()]


def _tiers(session: Session, ids: Collection[int], day: date) -> dict[int, str]:
    """The tier of each on a day: the last date's, and of one date the last recorded."""
    query = select(col(ElderTier.elder_id), col(ElderTier.tier)).where(col(ElderTier.since) <= day)
    query = query.order_by(col(ElderTier.elder_id), col(ElderTier.since), col(ElderTier.recorded_at))
    return dict(_each(session, query, col(ElderTier.elder_id), ids))


def _moves(session: Session, ids: Collection[int], day: date) -> dict[int, list[tuple[int, str]]]:
    """The moves of each inside the district by a day, in order: community, and the register that said so."""
    moved = (col(ElderStatus.community_id).is_not(None), col(ElderStatus.since) <= day)
    columns = (ElderStatus.elder_id, ElderStatus.community_id, ElderStatus.source)
    query = select(*map(col, columns)).where(*moved)
    query = query.order_by(col(ElderStatus.elder_id), col(ElderStatus.since), col(ElderStatus.recorded_at))
    found: dict[int, list[tuple[int, str]]] = {}
    for elder, community, source in _each(session, query, col(ElderStatus.elder_id), ids):
        found.setdefault(elder, []).append((community, source))
    return found


def _categories(session: Session, ids: Collection[int]) -> dict[int, list[str]]:
    query = select(col(ElderCategory.elder_id), col(ElderCategory.category))
    found: dict[int, list[str]] = {}
    for elder, category in _each(
        session, query.where(col(ElderCategory.ended_on).is_(None)), col(ElderCategory.elder_id), ids
    ):
        found.setdefault(elder, []).append(category)
    return found


def _each(session: Session, query: Any, key: Any, ids: Collection[int]) -> Iterable[Any]:
    for some in batches(sorted(ids)):
        yield from session.execute(query.where(key.in_(some))).tuples()


def fresh_elder_refs(session: Session, count: int, drawn: set[str]) -> list[str]:
    """Draw references that neither an elder nor this file has; they are added to `drawn`.

    A district of 160,000 has a chance of one in three that two of its draws meet, so this is not left to luck.
    """
    refs: set[str] = set()
    while len(refs) < count:
        refs |= {new_ref("E", secrets.randbits) for _ in range(count - len(refs))} - drawn
        for some in batches(sorted(refs)):
            refs -= set(session.execute(select(col(Elder.ref)).where(col(Elder.ref).in_(some))).scalars())
    drawn |= refs
    return list(refs)
