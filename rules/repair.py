"""Repair, never re-plan 补班: a published roster and what happened since -> the fewest changes that mend it.

Broken are published slots from today on whose own cadre cannot serve, whatever their state, and published gaps. They
are mended in date order, each on the board the earlier ones left: a direct substitute in ledger order; else the
shortest chain of moves; else the longest rested substitute with the rest rule relaxed; else a GAP.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal

from rules.duty import longest_rested
from rules.duty_board import Board, Key, is_over
from rules.duty_chain import Moves, shortest_chain
from rules.duty_facts import Bar, Facts, Policy, Slot, Why, kind_of

Reason = Bar | Literal["gap", "chain"]
"""Why a slot changed: its cadre cannot serve, it was a gap, or it moved to mend another slot."""


@dataclass(frozen=True, slots=True)
class Change:
    """One slot that changes hands; `after` None is a GAP."""

    centre: str
    date: date
    before: str | None
    after: str | None
    rest_relaxed: bool
    why: Why
    reason: Reason


def repair(facts: Facts, today: date, policy: Policy) -> list[Change]:
    """Mend the published slots that nobody can serve as they stand.

    Args:
        facts: all slots, also the past ones, drafts and other centres that share cadres; `centres` is not looked at.
        today: slots before it are never touched.
        policy: gap, accruing leave and the most slots a chain may change.

    Returns:
        The slots that change, by date, then centre; an unfilled published gap is no change.
    """
    board = Board(facts, today, policy)
    before = dict(board.slots)
    reasons = {key: reason for key, slot in sorted(before.items()) if (reason := _broken(board, slot)) is not None}
    for key in reasons:
        board.put(key, None)
    mended: dict[Key, Change] = {}
    for key in reasons:
        moves, relaxed = _mend(board, key)
        for other, after, why in _apply(board, key, moves):
            cause = reasons.get(other, "chain")
            mended[other] = Change(other[1], other[0], before[other].cadre, after, relaxed, why, cause)
    return [change for _, change in sorted(mended.items()) if change.before != change.after]


def substitutes(
    facts: Facts, centre: str, day: date, excluding: Collection[str], policy: Policy, first: int = 3
) -> list[str]:
    """Return who could step in for the slot today, in ledger order: eligible by the rest rule too, at most `first`.

    Args:
        facts: as for `repair`.
        centre: the centre of the slot.
        day: the date of the slot.
        excluding: cadres not to propose, such as the one who did not come.
        policy: gap and accruing leave.
        first: the longest list wanted.
    """
    board = Board(facts, day, policy)
    key = (day, centre)
    if key in board.slots:
        board.put(key, None)
    return board.order(key, [cadre for cadre in board.scene(key).eligible if cadre not in excluding])[:first]


def _broken(board: Board, slot: Slot) -> Reason | None:
    """Return why the slot needs mending, or None; a pinned gap is meant to stay."""
    if not (slot.published or slot.state in {"published", "acknowledged"}) or is_over(slot, board.today):
        return None
    if slot.cadre is None:
        return None if slot.pinned else "gap"
    return board.roster.bar(slot.cadre, slot.centre, slot.date, kind_of(board.calendar, slot.date))


def _mend(board: Board, key: Key) -> tuple[Moves, bool]:
    """Return the moves that fill the open slot, none if nobody is left, and whether rest was relaxed."""
    scene = board.scene(key)
    if scene.eligible:
        return {key: board.order(key, scene.eligible)[0]}, False
    if chain := shortest_chain(board, key):
        return chain, False
    if not scene.present:
        return {}, False
    return {key: board.order(key, longest_rested(scene.present, board.ledger(key).last))[0]}, True


def _apply(board: Board, key: Key, moves: Moves) -> list[tuple[Key, str | None, Why]]:
    """Write the moves on the board in date order; each why is taken before its own slot is filled."""
    if not moves:
        return [(key, None, board.why(key, None))]
    for other in moves:
        board.put(other, None)
    done: list[tuple[Key, str | None, Why]] = []
    for other, cadre in sorted(moves.items()):
        done.append((other, cadre, board.why(other, cadre)))
        board.put(other, cadre)
    return done
