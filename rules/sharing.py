"""Centres that share cadres must be decided together; all others are independent of each other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from rules.duty_facts import Membership


def sharing_groups(codes: Iterable[str], memberships: Iterable[Membership]) -> list[list[str]]:
    """Return the centres in groups that share no cadre with another group, each and all in the order of codes."""
    parent = {code: code for code in codes}

    def root(code: str) -> str:
        while parent[code] != code:
            parent[code] = code = parent[parent[code]]
        return code

    first_centre: dict[str, str] = {}
    for membership in memberships:
        if membership.centre in parent:
            other = root(first_centre.setdefault(membership.cadre, membership.centre))
            parent[root(membership.centre)] = other
    groups: dict[str, list[str]] = defaultdict(list)
    for code in sorted(parent):
        groups[root(code)].append(code)
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
