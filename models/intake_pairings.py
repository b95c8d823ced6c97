"""Pairings 结对帮扶 from their register: rows are gathered by elder -> compared with the team's history -> poured.

One pair of elder, helper and role has intervals that do not overlap, and an elder has one primary helper at a time.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Column, Date, Integer, String, and_, select, update
from sqlmodel import Session, col

from models.elder import batches, elder_ids
from models.helper import Pairing, helper_ids
from models.intake import Refused, Scope, Taken
from models.staging import Staging, fill, insert_all
from rules.registers import Row

_TOLD = ("role", "primary", "from", "until")
_COLUMNS = ("elder_id", "helper_id", "role", "is_primary", "since", "until")


class Place(NamedTuple):
    """One interval in a care team: stored (`id`) or of the file (`row`); `until` far away means it lasts."""

    row: int
    id: int | None
    helper_id: int
    role: str
    is_primary: bool
    since: date
    until: date

    @property
    def pair(self) -> tuple[int, str]:
        """Helper and role, which may not overlap with themselves."""
        return self.helper_id, self.role

    def meets(self, other: "Place") -> bool:
        """Tell whether two intervals share a day."""
        return self.since <= other.until and other.since <= self.until


class PairingIntake:
    """One file of the pairing register on its way in; its rows are kept as short tuples until all are there."""

    def __init__(self, staging: Staging, scope: Scope) -> None:
        self.taken = Taken()
        self._staging, self._scope = staging, scope
        self._rows: dict[int, list[tuple[int, int, dict[str, Any]]]] = defaultdict(list)
        self._refs: dict[int, str] = {}
        self._fresh = 0
        with staging.read() as session:
            self._helpers = helper_ids(session, scope.district)
        self._numbers = {number: name for name, number in self._helpers.items()}
        ids = [Column(name, Integer) for name in ("id", "elder_id", "helper_id")]
        dates = [Column("since", Date), Column("until", Date)]
        self._places = staging.table(
            "staged_pairing", *ids, Column("role", String), Column("is_primary", Boolean), *dates
        )

    def take(self, rows: Sequence[Row]) -> None:
        """Look one batch up and gather it by elder."""
        with self._staging.read() as session:
            elders = elder_ids(session, self._scope.district, {str(row.values["elder"]) for row in rows})
        for row in rows:
            elder, helper = elders.get(str(row.values["elder"])), self._helpers.get(str(row.values["helper"]))
            if elder is None or helper is None:
                self.taken.errors.append(self._scope.unknown(row, "elder" if elder is None else "helper"))
                continue
            self._refs[elder[0]] = elder[1]
            told: dict[str, Any] = {name: row.values[name] for name in _TOLD if name in row.values}
            self._rows[elder[0]].append((row.number, helper, told))

    def settle(self) -> None:
        """Compare each elder's rows with the team's history."""
        for some in batches(sorted(self._rows)):
            staged: list[dict[str, Any]] = []
            with self._staging.read() as session:
                known = _known(session, some)
                for elder in some:
                    try:
                        staged += self._elder(elder, known.get(elder, []))
                    except Refused as refusal:
                        self.taken.errors.append(refusal.error)
                fill(session, self._places, staged)
        self.taken.errors.sort(key=lambda error: error.row)

    def _elder(self, elder: int, known: Sequence[Place]) -> list[dict[str, Any]]:
        team, touched = list(known), []
        for number, helper, told in self._rows[elder]:
            before = _meant(team, helper, told, self._scope.today)
            place = _place(number, helper, told, before, self._scope.today)
            if before is None:
                self.taken.add()
            else:
                columns = [n for n in ("is_primary", "until") if getattr(place, n) != getattr(before, n)]
                names = ["primary" if name == "is_primary" else name for name in columns]
                if not self.taken.compare(Row(number, {}), self._refs[elder], names):
                    continue
                team.remove(before)
            team.append(place)
            touched.append(place)
        for place in touched:
            self._check(place, [other for other in team if other is not place and other.meets(place)])
        self._fresh += sum(place.id is None for place in touched)
        return [_staged(elder, place) for place in touched]

    def _check(self, place: Place, others: Sequence[Place]) -> None:
        """Refuse two overlapping intervals of one pair, and two primary helpers on one day."""
        if place.until < place.since:
            problem = (f"早于起始日期 {place.since}", f"before the first day {place.since}")
            raise Refused(self._wrong(place, "until", problem, ("请改正其中一个日期", "correct one of the two days")))
        for other in others:
            if other.pair == place.pair:
                problem = (f"与 {other.since} 起的同一结对重叠", f"overlaps the same pairing from {other.since}")
                remedy = ("请先给较早的一段填截止日期", "end the earlier one with an `until` first")
                raise Refused(self._wrong(place, "from", problem, remedy))
            if other.is_primary and place.is_primary:
                name = self._numbers[other.helper_id]
                problem = (f"{name} 自 {other.since} 起已是主责", f"{name} is primary from {other.since}")
                remedy = ("请在同一文件里把原来的改为非主责或填截止日期", "end that one, or make it not primary, too")
                raise Refused(self._wrong(place, "primary", problem, remedy))

    def _wrong(self, place: Place, column: str, problem: tuple[str, str], remedy: tuple[str, str]) -> Any:
        return self._scope.wrong(Row(place.row, {}), column, problem, remedy)

    def pour(self, session: Session) -> None:
        """Store what changed and what is new; changes first, for they may free the primary's place."""
        staged = self._places
        changed = {"is_primary": staged.c.is_primary, "until": staged.c.until}
        lasting = and_(staged.c.is_primary, staged.c.until.is_(None))
        for these in (~lasting, lasting) if self.taken.changed else ():
            session.execute(update(Pairing).where(col(Pairing.id) == staged.c.id, these).values(changed))
        fresh = select(*(staged.c[name] for name in _COLUMNS)).where(staged.c.id.is_(None)).order_by(staged.c.row)
        insert_all(session, Pairing, _COLUMNS, fresh, self._fresh)


def _meant(team: Sequence[Place], helper: int, told: dict[str, Any], today: date) -> Place | None:
    """Return the stored interval a row is about: that of its first day, or without one the interval of today."""
    mine = [place for place in team if place.pair == (helper, told["role"])]
    since = told.get("from")
    if since is not None:
        return next((place for place in mine if place.since == since), None)
    return next((place for place in mine if place.since <= today <= place.until), None)


def _place(number: int, helper: int, told: dict[str, Any], before: Place | None, today: date) -> Place:
    is_primary, until = told.get("primary"), told.get("until")
    if before is None:
        since = told.get("from") or today
        return Place(number, None, helper, told["role"], bool(is_primary), since, until or date.max)
    return before._replace(
        row=number,
        is_primary=bool(is_primary) if "primary" in told else before.is_primary,
        until=(until or date.max) if "until" in told else before.until,
    )


def _staged(elder: int, place: Place) -> dict[str, Any]:
    own = {name: getattr(place, name) for name in ("row", "id", "helper_id", "role", "is_primary", "since")}
    return {**own, "elder_id": elder, "until": None if place.until == date.max else place.until}


def _known(session: Session, elders: Sequence[int]) -> dict[int, list[Place]]:
    names = ("id", "helper_id", "role", "is_primary", "since", "until")
    query = select(col(Pairing.elder_id), *(col(getattr(Pairing, name)) for name in names))
    found: dict[int, list[Place]] = defaultdict(list)
    for elder, *place in session.execute(query.where(col(Pairing.elder_id).in_(elders))):
        stored = dict(zip(names, place, strict=True))
        found[elder].append(Place(row=0, **{**stored, "until": stored["until"] or date.max}))
    return found
