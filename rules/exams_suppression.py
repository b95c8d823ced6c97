"""Small groups hidden 小数隐藏: groups in a tree -> unsafe cells -> more cells, until totals give none of them away.

Joint is the sum of schools, a school of its classes, so who reads the visible cells can take the visible descendants
of a visible group from it. What is left is its *residue*: everything a reader can work out is a union of residues.
No residue may therefore be unsafe, and no hidden group may be a union of them. Source: complementary suppression,
e.g. Willenborg & de Waal, Elements of Statistical Disclosure Control, 2001.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

Parts = tuple[int, ...]
"""What adds up over a group: (n,) of a group; (count, n - count, enrolled - count) of a rate."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Groups numbered from 0, parents before children; the root's parent is None. Leaves add up to each parent."""

    parents: Sequence[int | None]
    children: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Cells:
    """One kind of cell: its parts in each group, and when they must not be read.

    `unsafe` judges a cell or a residue. `told` says that a part of a residue, though safe, fixes its cells (0 does);
    it is then widened as long as that part of the group above does not. Complements are taken in the order of `cost`.
    """

    parts: Sequence[Parts]
    unsafe: Callable[[Parts], bool]
    told: Callable[[int], bool]
    cost: Callable[[Parts], tuple[int, ...]]


@dataclass(slots=True)
class _Open:
    """What lies below a group: leaves that nothing visible covers, the visible ones, hidden ones without a leaf."""

    leaves: list[int] = field(default_factory=list)
    visible: list[int] = field(default_factory=list)
    covered: list[int] = field(default_factory=list)


def tree(parents: Sequence[int | None]) -> Tree:
    """Put groups under their parents."""
    children: list[list[int]] = [[] for _ in parents]
    for node, parent in enumerate(parents):
        if parent is not None:
            children[parent].append(node)
    return Tree(parents, children)


def hidden_cells(
    groups: Tree, cells: Cells, forced: frozenset[int] = frozenset(), known: frozenset[int] = frozenset()
) -> frozenset[int]:
    """Choose the cells to hide: the unsafe and the forced, and complements until none can be worked out.

    Args:
        groups: the tree.
        cells: one kind of cell.
        forced: hidden for another reason.
        known: cells that follow from other figures, hidden or not; they cover nothing. Where nothing else is left to
            cover a cell, the group above is hidden.
    """
    hidden = set(forced) | {node for node, parts in enumerate(cells.parts) if cells.unsafe(parts)}
    settled = False
    while not settled:
        settled = True
        for node in range(len(groups.parents)):
            if node in hidden and groups.parents[node] is not None:
                continue
            found = _next(groups, cells, hidden, known, node)
            while found is not None:
                settled = False
                hidden.add(found)
                found = _next(groups, cells, hidden, known, node)
    return frozenset(hidden)


def _next(groups: Tree, cells: Cells, hidden: set[int], known: frozenset[int], node: int) -> int | None:
    """Return the next cell to hide for the sake of what lies below `node`: a visible group or a hidden root.

    A complement shares its residue with the cell for which it is hidden, so neither is a residue by itself.
    """
    below = _Open()
    _walk(groups, hidden, known, node, below)
    if below.covered:
        parts = [each for each in groups.children[below.covered[0]] if each not in hidden]
        if parts:
            return min(parts, key=lambda each: cells.cost(cells.parts[each]))
    if node in hidden or not below.leaves:
        return None
    residue = _sum(cells.parts[leaf] for leaf in below.leaves)
    pairs = zip(residue, cells.parts[node], strict=True)
    if cells.unsafe(residue) or any(cells.told(left) and not cells.told(whole) for left, whole in pairs):
        free = (each for each in below.visible if each not in known)
        return min(free, key=lambda each: cells.cost(cells.parts[each]), default=node)
    return None


def _walk(groups: Tree, hidden: set[int], known: frozenset[int], node: int, found: _Open) -> None:
    """Walk down to the visible; a hidden group whose parts are all visible is covered, the lowest named first."""
    for child in groups.children[node]:
        if child not in hidden or child in known:
            found.visible.append(child)
        elif not groups.children[child]:
            found.leaves.append(child)
        else:
            before = len(found.leaves)
            _walk(groups, hidden, known, child, found)
            if len(found.leaves) == before:
                found.covered.append(child)


def _sum(parts: Iterator[Parts]) -> Parts:
    return tuple(map(sum, zip(*parts, strict=True)))
