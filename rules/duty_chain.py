"""The shortest chain of moves 连环调班: an open slot nobody is eligible for -> few slots change hands, none stays open.

**Search.** An open slot is offered to each cadre whom neither leave nor exemption keeps away. Whatever duties of that
cadre the newcomer breaks - the same date, or nearer than the rest rule allows - are opened in turn; a broken frozen
duty, a clash with a move of the same chain, or more open and moved slots than the limit ends the branch. When no slot
is open, the moves are a chain. The limit grows from 2, so the first limit with a chain is the fewest slots changed.

**Complete for fewest slots.** Let M be any valid set of moves with the fewest slots. Follow, for each open slot, the
cadre M gives it. A duty that move breaks must itself change in M, or M would break the rule; so only slots of M are
ever opened, and the branch ends with a part of M. That part is valid by itself: every old duty it leaves in place does
not clash with it, or it would have been opened. M has the fewest slots, so the part is M. Each M is met exactly once.
A cadre may appear more than once in a chain.
"""

from collections.abc import Iterator

from rules.duty_board import Board, Key, is_frozen
from rules.duty_facts import by_number

Moves = dict[Key, str]
"""Slots changed, each with the cadre who serves it instead."""


def shortest_chain(board: Board, broken: Key) -> Moves | None:
    """Return the moves that fill the open slot, at most `chain_depth` of them, or None.

    Of equal chains the one whose slots, in date order, have the earlier (date, place in ledger order) is taken, where
    the places are among all whom no leave or exemption keeps from serving that slot.
    """
    search = _Search(board)
    for limit in range(2, board.policy.chain_depth + 1):
        if found := list(search.chains({}, (broken,), limit)):
            return min(found, key=search.rank) if len(found) > 1 else found[0]
    return None


class _Search:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._able: dict[Key, list[str]] = {}
        self._places: dict[Key, dict[str, int]] = {}

    def chains(self, moves: Moves, still_open: tuple[Key, ...], limit: int) -> Iterator[Moves]:
        """Yield every closed set of moves of at most `limit` slots that extends `moves`."""
        if not still_open:
            yield moves
            return
        key, *rest = still_open
        for cadre in self._candidates(key):
            broken = self._breaks(cadre, key, moves, still_open)
            if broken is not None and len(moves) + len(still_open) + len(broken) <= limit:
                yield from self.chains({**moves, key: cadre}, (*rest, *broken), limit)

    def rank(self, moves: Moves) -> tuple[object, ...]:
        """Return what equal chains compare by; centre and number only decide between slots of the same date."""
        slots = sorted(moves.items())
        places = tuple((key[0], self._place(key, cadre)) for key, cadre in slots)
        return places, tuple((key[1], by_number(cadre)) for key, cadre in slots)

    def _candidates(self, key: Key) -> list[str]:
        if key not in self._able:
            holder = self._board.slots[key].cadre
            self._able[key] = [cadre for cadre in self._board.scene(key).able() if cadre != holder]
        return self._able[key]

    def _breaks(self, cadre: str, key: Key, moves: Moves, still_open: tuple[Key, ...]) -> list[Key] | None:
        """Return the duties to open if the cadre takes the slot, or None if that cannot be."""
        reach = max(self._board.policy.gap, 1)
        if any(mover == cadre and abs(other[0] - key[0]).days < reach for other, mover in moves.items()):
            return None
        broken = [other for other in self._board.near(cadre, key[0]) if other not in moves and other not in still_open]
        slots = self._board.slots
        if any(other not in slots or is_frozen(slots[other], self._board.today) for other in broken):
            return None
        return broken

    def _place(self, key: Key, cadre: str) -> int:
        if key not in self._places:
            order = self._board.order(key, self._board.scene(key).able())
            self._places[key] = {other: place for place, other in enumerate(order)}
        return self._places[key][cadre]
