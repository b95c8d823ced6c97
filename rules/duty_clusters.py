"""Centres that share cadres decide together, all others alone: facts -> independent clusters of facts.

A district has few shared cadres, so nearly every cluster is one centre; deciding it on its own keeps its thirty
accounts in the processor's cache through the whole month.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rules.duty_facts import Leave, Membership, Slot, served


@dataclass(slots=True)
class Cluster:
    """Some centres, and all that bears on them."""

    centres: list[str] = field(default_factory=list)
    memberships: list[Membership] = field(default_factory=list)
    leaves: list[Leave] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)


def clusters(
    centres: Iterable[str], memberships: Sequence[Membership], leaves: Iterable[Leave], slots: Sequence[Slot]
) -> Iterator[Cluster]:
    """Yield the clusters that hold at least one of the centres; a cadre's rosters and duties all lie in one cluster."""
    bonds = _Bonds(memberships, slots)
    found: dict[str, Cluster] = {}
    for centre in sorted(centres):
        found.setdefault(bonds.root(centre), Cluster()).centres.append(centre)
    for seat in memberships:
        if (cluster := found.get(bonds.root(seat.centre))) is not None:
            cluster.memberships.append(seat)
    for leave in leaves:
        if (home := bonds.home.get(leave.cadre)) and (cluster := found.get(bonds.root(home))) is not None:
            cluster.leaves.append(leave)
    for slot in slots:
        if (cluster := found.get(bonds.root(slot.centre))) is not None:
            cluster.slots.append(slot)
    yield from found.values()


class _Bonds:
    """Which centres are tied by a cadre; `home` is any one centre of the cadre, a root stands for its cluster."""

    def __init__(self, memberships: Iterable[Membership], slots: Iterable[Slot]) -> None:
        self.home: dict[str, str] = {}
        self._parent: dict[str, str] = {}
        for seat in memberships:
            self._tie(seat.cadre, seat.centre)
        for slot in slots:
            if (cadre := served(slot)) is not None:
                self._tie(cadre, slot.centre)

    def root(self, centre: str) -> str:
        parent = self._parent
        while (above := parent.get(centre, centre)) != centre:
            parent[centre] = centre = parent.get(above, above)
        return centre

    def _tie(self, cadre: str, centre: str) -> None:
        home = self.home.setdefault(cadre, centre)
        if home != centre and (one := self.root(home)) != (other := self.root(centre)):
            self._parent[max(one, other)] = min(one, other)
