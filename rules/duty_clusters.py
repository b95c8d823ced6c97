"""Centres that share cadres decide together, all others alone: facts -> independent clusters of facts.

A district has few shared cadres, so nearly every cluster is one centre; deciding it on its own keeps its thirty
accounts in the processor's cache through the whole month.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rules.duty_facts import Leave, Membership, Slot
from rules.sharing import Bonds


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
    bonds = Bonds(memberships, slots)
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
