"""Today's list 今日回访清单: open tasks, helpers, care teams -> classes -> one pass in order -> lists and gaps.

Nothing is dropped in silence: work that is due and finds no helper is a CAPACITY GAP row. Upcoming work only fills
spare capacity. The list is derived anew every day, so leave re-assigns its own days and nothing else.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from heapq import heapify, heappop, heappush
from typing import Literal, NamedTuple, get_args

from rules.duty_facts import by_number, in_number_order
from rules.visits_clock import Clock, Kind
from rules.visits_facts import Tier

Role = Literal["party", "building", "women", "police", "gate"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Five-helps-one 五帮一 in backup order: party member, building head, women's volunteer, police, gatekeeper."""

URGENT, RED, DUE, UPCOMING = range(4)


class Candidate(NamedTuple):
    """An open task of one elder; `tier` is the elder's tier today, `deadline` of a wellness check the day it ends."""

    elder: str
    community: str
    building: str
    tier: Tier
    kind: Kind
    cycle: str
    plan_on: date
    deadline: date
    through: date


class Helper(NamedTuple):
    """A helper 联系人 with visits a day; 0 is nobody to send."""

    number: str
    community: str
    capacity: int


class Pairing(NamedTuple):
    """A helper in an elder's care team today; the primary one 第一联系人 goes first."""

    elder: str
    helper: str
    role: Role
    primary: bool = False


class Visit(NamedTuple):
    """A row of the list: `helper` None is a CAPACITY GAP; `order` counts from 1 in the helper's way through buildings.

    `by_duty` says that the helper is the duty cadre of a rest day.
    """

    candidate: Candidate
    class_: int
    helper: str | None
    order: int = 0
    by_duty: bool = False


class DayList(NamedTuple):
    """The visits of a day by helper and order, and the gaps in list order."""

    visits: list[Visit]
    gaps: list[Visit]


@dataclass(frozen=True, slots=True)
class ListRule:
    """When lateness promotes a task to the red class."""

    promote_after_days: int = 30


def class_of(task: Candidate, day: date, clock: Clock, rule: ListRule) -> int | None:
    """Return the class of an open task on a day, None if it is too far ahead.

    Urgent: wellness checks. Red: of red elders due or overdue, and anything later than the rule's days. Due: planned
    for the day or before. Upcoming: the deadline is no further than the tier's clock looks ahead.
    """
    if task.kind == "WELLNESS_CHECK":
        return URGENT
    if (day - task.through).days > rule.promote_after_days:
        return RED
    if task.plan_on <= day:
        return RED if _is_red(task) else DUE
    return UPCOMING if (task.deadline - day).days <= clock.of(task.tier).ahead_days else None


def in_list_order(tasks: Iterable[Candidate], day: date, clock: Clock, rule: ListRule) -> list[tuple[int, Candidate]]:
    """Return what to visit by (class, deadline, elder); of an elder's tasks the first, as one visit serves all."""
    ranked = [(kind, task) for task in tasks if (kind := class_of(task, day, clock, rule)) is not None]
    ranked.sort(key=lambda item: (item[0], item[1].deadline, item[1].elder, item[1].kind, item[1].cycle))
    first: dict[str, tuple[int, Candidate]] = {}
    for item in ranked:
        first.setdefault(item[1].elder, item)
    return list(first.values())


def todays_list(
    ordered: Iterable[tuple[int, Candidate]],
    helpers: Iterable[Helper],
    pairings: Iterable[Pairing],
    away: Collection[str],
) -> DayList:
    """Assign a workday: the primary helper, the care team by role, then the community's by fewest assigned and number.

    Args:
        ordered: what `in_list_order` gave.
        helpers: all helpers of the district, in any order.
        pairings: the care teams in force today, in any order.
        away: numbers of helpers on leave today.

    Returns:
        The lists and the gaps. Upcoming work without a helper is neither.
    """
    desk = _Desk([helper for helper in helpers if helper.number not in away], pairings)
    placed = [Visit(task, kind, desk.assign(task)) for kind, task in ordered]
    gaps = [visit for visit in placed if visit.helper is None and visit.class_ != UPCOMING]
    return DayList(_by_way(visit for visit in placed if visit.helper is not None), gaps)


def rest_day_list(ordered: Iterable[tuple[int, Candidate]], on_duty: Mapping[str, str]) -> DayList:
    """Assign a rest day: wellness checks and red elders go to the community's cadre on duty, the rest to no one.

    Args:
        ordered: what `in_list_order` gave.
        on_duty: the number of the cadre on duty by community; a community without one has a gap.
    """
    called = [(kind, task) for kind, task in ordered if kind == URGENT or (kind == RED and _is_red(task))]
    placed = [Visit(task, kind, on_duty.get(task.community), by_duty=True) for kind, task in called]
    return DayList(_by_way(v for v in placed if v.helper is not None), [v for v in placed if v.helper is None])


def _is_red(task: Candidate) -> bool:
    """Tell whether a visit of a red elder is owed; asking one who refused again can wait its turn."""
    return task.tier == "red" and task.kind != "REOFFER"


def _by_way(visits: Iterable[Visit]) -> list[Visit]:
    """Sort the visits of each helper by building, then urgency, and number them."""
    found: dict[str, list[Visit]] = defaultdict(list)
    for visit in visits:
        found[visit.helper or ""].append(visit)
    return [
        visit._replace(order=order)
        for helper in in_number_order(found)
        for order, visit in enumerate(sorted(found[helper], key=_way), 1)
    ]


def _way(visit: Visit) -> tuple[bool, tuple[list[str | int], str], int, date, str]:
    task = visit.candidate
    return not task.building, by_number(task.building), visit.class_, task.deadline, task.elder


class _Desk:
    """Who still has room today."""

    def __init__(self, helpers: Iterable[Helper], pairings: Iterable[Pairing]) -> None:
        self._left = {helper.number: helper.capacity for helper in helpers}
        self._assigned = dict.fromkeys(self._left, 0)
        self._place = {number: place for place, number in enumerate(in_number_order(self._left))}
        self._community = {helper.number: helper.community for helper in helpers}
        self._queues: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        for number, community in self._community.items():
            self._queues[community].append((0, self._place[number], number))
        for queue in self._queues.values():
            heapify(queue)
        self._teams: dict[str, list[str]] = defaultdict(list)
        for pairing in sorted(pairings, key=self._backup_order):
            self._teams[pairing.elder].append(pairing.helper)

    def _backup_order(self, pairing: Pairing) -> tuple[bool, int, int]:
        return not pairing.primary, ROLES.index(pairing.role), self._place.get(pairing.helper, 0)

    def assign(self, task: Candidate) -> str | None:
        """Take one visit from the first who has room; None if nobody has."""
        for number in self._teams.get(task.elder, ()):
            if self._left.get(number, 0) > 0:
                return self._take(number)
        queue = self._queues.get(task.community, [])
        while queue:
            assigned, _, number = queue[0]
            if assigned == self._assigned[number] and self._left[number] > 0:
                return self._take(number)
            heappop(queue)  # out of date, or full
        return None

    def _take(self, number: str) -> str:
        self._left[number] -= 1
        self._assigned[number] += 1
        heappush(self._queues[self._community[number]], (self._assigned[number], self._place[number], number))
        return number
