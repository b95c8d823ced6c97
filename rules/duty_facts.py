"""The facts of daily duty 每日轮值: centres, rosters, leave, slots, and what a decision about them looks like."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from rules.calendar import Day, DayKind
from rules.errors import PolicyError

Bar = Literal["off_roster", "on_leave", "exempt"]
"""Why a cadre cannot serve: 不在名册, 请假, 休息日免值."""

DIGITS = re.compile(r"([0-9]+)")
PATTERN = str.maketrans("123456789", "000000000")


@dataclass(eq=False)
class DayNotInCalendar(PolicyError):
    """The work calendar does not know `day`; taking it for a work day would be a guess."""

    day: date
    zh = "工作日历中没有 {day}；请先导入该年度的日历。"
    en = "the work calendar has no {day}; import the calendar of that year first."


@dataclass(frozen=True, slots=True)
class Centre:
    """A service centre 服务中心, on duty every day unless its policy closes it on rest and statutory days."""

    code: str
    opens_on_rest_days: bool = True


@dataclass(frozen=True, slots=True)
class Membership:
    """A cadre 社区干部 on a centre's roster, both ends inclusive; `until` None is open."""

    cadre: str
    centre: str
    since: date
    until: date | None
    head: bool = False
    rest_day_exempt: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """A leave 请假, both ends inclusive; kind is annual, sick, personal, official or maternity."""

    cadre: str
    since: date
    until: date | None
    kind: str


@dataclass(frozen=True, slots=True)
class Slot:
    """One duty 值班: a centre on a date. `cadre` None is a GAP; `checked_in` is who really came."""

    centre: str
    date: date
    cadre: str | None
    state: str
    pinned: bool = False
    checked_in: str | None = None
    published: bool = False
    rest_relaxed: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What the district sets: days between duties, leave kinds that accrue, slots a repair may change."""

    gap: int = 3
    accruing_leave: frozenset[str] = frozenset()
    chain_depth: int = 4


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides a roster; the collections may come in any order."""

    centres: Iterable[Centre]
    memberships: Iterable[Membership]
    leaves: Iterable[Leave]
    slots: Iterable[Slot]
    calendar: Mapping[date, Day]


class Why(NamedTuple):
    """The numbers behind a choice; members = present + on_leave + exempt + elsewhere, present = eligible + resting.

    `balance` is the chosen cadre's balance of the deciding account (statutory, rest or all, by `kind`) before the
    day's credits, in 1/U of a duty, rounded when the ledger is fractional; 0 for a GAP.
    """

    kind: DayKind
    members: int
    present: int
    eligible: int
    on_leave: int
    resting: int
    elsewhere: int
    exempt: int
    balance: int
    last_duty: date | None

    def to_json(self) -> dict[str, Any]:
        """Return a plain dict, the date as ISO text."""
        return self._asdict() | {"last_duty": self.last_duty and self.last_duty.isoformat()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Why":
        """Read back what `to_json` gave."""
        last = stored["last_duty"]
        return cls(**{**stored, "last_duty": date.fromisoformat(last) if last else None})


class Assignment(NamedTuple):
    """Who is to serve a slot; `cadre` None is a GAP, raised and never filled silently."""

    centre: str
    date: date
    cadre: str | None
    rest_relaxed: bool
    why: Why


def served(slot: Slot) -> str | None:
    """Return who served: the one who checked in; else, unless missed or a gap, the slot's cadre (as planned)."""
    if slot.checked_in is not None:
        return slot.checked_in
    return None if slot.state in {"missed", "gap"} else slot.cadre


def kind_of(calendar: Mapping[date, Day], day: date) -> DayKind:
    """Return the kind of the day; raise DayNotInCalendar where the calendar is silent."""
    try:
        return calendar[day].kind
    except KeyError:
        raise DayNotInCalendar(day) from None


@lru_cache(maxsize=1 << 18)
def by_number(cadre: str) -> tuple[list[str | int], str]:
    """Return the sort key of a cadre number: runs of digits compare as numbers, so 9 comes before 10."""
    parts = DIGITS.split(cadre)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], cadre


def in_number_order(cadres: Iterable[str]) -> list[str]:
    """Sort cadre numbers; numbers of one pattern, like C-007 and C-012, sort as plain text, which is much faster."""
    numbers = list(cadres)
    same_pattern = len({number.translate(PATTERN) for number in numbers}) < 2
    return sorted(numbers, key=None if same_pattern else by_number)


def covers(span: Membership | Leave, day: date) -> bool:
    """Tell whether the day lies within the span, both ends inclusive."""
    return span.since <= day and (span.until is None or day <= span.until)


class Roster:
    """Memberships and leave, looked up by centre and cadre."""

    def __init__(self, memberships: Iterable[Membership], leaves: Iterable[Leave]) -> None:
        self._seats: dict[str, dict[str, list[Membership]]] = {}
        self._leaves: dict[str, list[Leave]] = {}
        for seat in memberships:
            self._seats.setdefault(seat.centre, {}).setdefault(seat.cadre, []).append(seat)
        for leave in leaves:
            self._leaves.setdefault(leave.cadre, []).append(leave)

    def bar(self, cadre: str, centre: str, day: date, kind: DayKind) -> Bar | None:
        """Return why the cadre cannot serve the centre that day, or None; other duties are not a bar."""
        seats = [seat for seat in self._seats.get(centre, {}).get(cadre, ()) if covers(seat, day)]
        if not seats:
            return "off_roster"
        if any(covers(leave, day) for leave in self._leaves.get(cadre, ())):
            return "on_leave"
        exempt = kind != "work" and any(seat.rest_day_exempt for seat in seats)
        return "exempt" if exempt else None

    def members(self, centre: str, day: date, kind: DayKind) -> dict[str, Bar | None]:
        """Return who is on the centre's roster that day, each with the bar that keeps them from serving, if any."""
        bars = {cadre: self.bar(cadre, centre, day, kind) for cadre in self._seats.get(centre, {})}
        return {cadre: why for cadre, why in bars.items() if why != "off_roster"}


def blocked(
    slot: Slot, memberships: Iterable[Membership], leaves: Iterable[Leave], calendar: Mapping[date, Day]
) -> Bar | None:
    """Return why the slot's own cadre cannot serve it, or None if nothing is in the way (or there is no cadre).

    Any kind of leave counts, accruing or not. To ask about many slots, build one Roster and use its `bar`.
    """
    if slot.cadre is None:
        return None
    own = [seat for seat in memberships if seat.cadre == slot.cadre]
    away = [leave for leave in leaves if leave.cadre == slot.cadre]
    return Roster(own, away).bar(slot.cadre, slot.centre, slot.date, kind_of(calendar, slot.date))
