"""Centres that share cadres must be decided together; all others are independent of each other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from rules.duty_facts import Membership, Slot, served


class Bonds:
    """Which centres are tied by a cadre, through rosters or slots; a root stands for all centres tied to it.

    `home` is any one centre of a cadre.
    """

    def __init__(self, memberships: Iterable[Membership], slots: Iterable[Slot]) -> None:
        self.home: dict[str, str] = {}
        self._parent: dict[str, str] = {}
        for seat in memberships:
            self._tie(seat.cadre, seat.centre)
        for slot in slots:
            if (cadre := served(slot)) is not None:
                self._tie(cadre, slot.centre)

    def root(self, centre: str) -> str:
        """Return the centre that stands for all that are tied to this one."""
        parent = self._parent
        while (above := parent.get(centre, centre)) != centre:
            parent[centre] = centre = parent.get(above, above)
        return centre

    def _tie(self, cadre: str, centre: str) -> None:
        home = self.home.setdefault(cadre, centre)
        if home != centre and (one := self.root(home)) != (other := self.root(centre)):
            self._parent[max(one, other)] = min(one, other)


def sharing_groups(
    codes: Iterable[str], memberships: Iterable[Membership], slots: Iterable[Slot] = ()
) -> list[list[str]]:
    """Return the centres in groups that share no cadre with another group, each and all in the order of codes."""
    bonds = Bonds(memberships, slots)
    groups: dict[str, list[str]] = defaultdict(list)
    for code in sorted(codes):
        groups[bonds.root(code)].append(code)
    return sorted(groups.values())


def batches(groups: Iterable[list[str]], size: int) -> Iterator[list[str]]:
    """Yield groups joined to batches of about `size` centres; a group is never torn apart."""
    batch: list[str] = []
    for group in groups:
        if batch and len(batch) + len(group) > size:
            yield batch
            batch = []
        batch += group
    if batch:
        yield batch
