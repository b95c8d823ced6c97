"""Five-helps-one 五帮一: elders, helpers, care teams -> roles missing, helpers overloaded, proposals within capacity.

Each elder with special difficulties has a team of five roles. A helper is of a building where they already care for
somebody; the register of helpers knows only communities.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rules.duty_facts import in_number_order
from rules.visits_list import ROLES, Pairing, Role


class CaredFor(NamedTuple):
    """An elder with special difficulties 特殊困难老年人, who is owed a care team."""

    elder: str
    community: str
    building: str


class Carer(NamedTuple):
    """A helper with a role and visits a day."""

    number: str
    community: str
    role: Role
    capacity: int


class Overload(NamedTuple):
    """A helper with more elders than the rule allows."""

    helper: str
    elders: int
    limit: int


class Proposal(NamedTuple):
    """Who could fill a missing role; `helper` None where nobody of the community has room."""

    elder: str
    role: Role
    helper: str | None
    same_building: bool = False


class Coverage(NamedTuple):
    """The report: elders with a full team, missing roles with proposals by elder and role, overloaded helpers."""

    full: int
    missing: list[Proposal]
    overloaded: list[Overload]


@dataclass(frozen=True, slots=True)
class CareRule:
    """A helper may care for so many elders for each visit a day of capacity: 20 workdays, one visit a month."""

    elders_per_daily_visit: int = 20


def coverage(
    elders: Iterable[CaredFor], carers: Iterable[Carer], pairings: Iterable[Pairing], rule: CareRule
) -> Coverage:
    """Report on the care teams, in any order of input.

    A pairing with somebody who is no helper any more fills no role. Proposals are made for the elders with most roles
    missing first, and each counts against the helper's room for the next.
    """
    known = {carer.number: carer for carer in carers}
    teams: dict[str, dict[Role, set[str]]] = defaultdict(lambda: defaultdict(set))
    for pairing in pairings:
        if pairing.helper in known:
            teams[pairing.elder][pairing.role].add(pairing.helper)
    people = sorted(elders)
    gaps = {one.elder: [role for role in ROLES if not teams[one.elder][role]] for one in people}
    people.sort(key=lambda one: -len(gaps[one.elder]))
    room = _Room(known, teams, people, rule)
    missing = [room.propose(one, role) for one in people for role in gaps[one.elder]]
    missing.sort(key=lambda proposal: (proposal.elder, ROLES.index(proposal.role)))
    return Coverage(sum(not roles for roles in gaps.values()), missing, room.overloaded)


class _Room:
    """How many elders each helper has, and where."""

    def __init__(
        self,
        carers: Mapping[str, Carer],
        teams: Mapping[str, Mapping[Role, set[str]]],
        people: Sequence[CaredFor],
        rule: CareRule,
    ) -> None:
        self._teams = {elder: set().union(*team.values()) for elder, team in teams.items()}
        self._load = Counter(helper for team in self._teams.values() for helper in team)
        self._limit = {number: carer.capacity * rule.elders_per_daily_visit for number, carer in carers.items()}
        self._place = {number: place for place, number in enumerate(in_number_order(carers))}
        self._crews: dict[tuple[str, Role], list[str]] = defaultdict(list)
        for number, carer in carers.items():
            self._crews[carer.community, carer.role].append(number)
        self._buildings = {(h, e.community, e.building) for e in people for h in self._teams.get(e.elder, ())}
        self.overloaded = [
            Overload(number, self._load[number], self._limit[number])
            for number in self._place
            if self._load[number] > self._limit[number]
        ]

    def propose(self, one: CaredFor, role: Role) -> Proposal:
        """Take the helper of the role with room: of the same building, then with fewest elders, then by number."""
        team = self._teams.setdefault(one.elder, set())
        free = [h for h in self._crews[one.community, role] if self._load[h] < self._limit[h] and h not in team]
        if not free:
            return Proposal(one.elder, role, None)
        helper = min(free, key=lambda h: (not self._serves(h, one), self._load[h], self._place[h]))
        near = self._serves(helper, one)
        self._load[helper] += 1
        team.add(helper)
        return Proposal(one.elder, role, helper, near)

    def _serves(self, helper: str, one: CaredFor) -> bool:
        return bool(one.building) and (helper, one.community, one.building) in self._buildings
