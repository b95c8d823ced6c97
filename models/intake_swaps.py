"""Swaps 换班: asked for by anybody, done when both - or the centre head for them - have confirmed.

All slots are locked first, so that nobody moves them between the check and the exchange. The sides are ordered by
date, so that A's request and B's, each from his own side, are one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col

from models.cadre import cadre_ids, heads
from models.district import centre_ids
from models.duty import Swap
from models.duty_facts import facts_around
from models.duty_record import Held, SlotMoved, Step, move, slots_at
from models.intake import Refused, Scope, Taken
from rules.duty import Policy
from rules.duty_swap import SwapRefused, check_swap
from rules.errors import say
from rules.registers import CellError, Row


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a request: its letter in the file, the duty given away, and who confirmed for it."""

    letter: str
    day: date
    cadre: str
    by: str | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """One row: the earlier duty first, whichever letter it has in the file."""

    row: Row
    centre: str
    first: _Side
    second: _Side

    @property
    def sides(self) -> tuple[_Side, _Side]:
        return self.first, self.second


@dataclass(frozen=True, slots=True)
class _Ids:
    """Database ids by code and number."""

    centres: dict[str, int]
    cadres: dict[str, int]


def store_swaps(session: Session, scope: Scope, rows: Sequence[Row], policy: Policy) -> Taken:
    """Store requests and confirmations; a swap confirmed on both sides is checked again and carried out.

    Args:
        session: a writing session.
        scope: where and when.
        rows: parsed rows of the swap register.
        policy: the rest rule in force.

    Raises:
        SlotMoved: somebody changed a slot while this one waited for it; nothing may be kept.
    """
    taken = Taken()
    ids = _Ids(centre_ids(session, scope.district), cadre_ids(session, scope.district))
    asked = [_asked(row) for row in rows]
    slots_at(session, scope.district, {(each.centre, side.day) for each in asked for side in each.sides})  # locks
    chiefs = heads(session, scope.district, scope.today, {each.centre for each in asked})
    for each in asked:
        wrong = _unknown(scope, each.row, ids) or _no_consent(scope, each, chiefs.get(each.centre, []))
        if wrong:
            taken.errors += wrong
            continue
        try:
            _take(session, scope, each, ids, policy, taken)
        except Refused as refused:
            taken.errors.append(refused.error)
        except SwapRefused as refused:
            remedy = say("未做任何改动", "nothing was changed")
            taken.errors.append(CellError(each.row.number, None, "", str(refused).rstrip("。."), remedy))
    return taken


def _asked(row: Row) -> _Asked:
    a, b = (_side(row, letter) for letter in "ab")
    first, second = (b, a) if (b.day, b.cadre) < (a.day, a.cadre) else (a, b)
    return _Asked(row, str(row.values["centre"]), first, second)


def _side(row: Row, letter: str) -> _Side:
    day, by = row.values[f"date_{letter}"], row.values.get(f"confirmed_{letter}")
    assert isinstance(day, date)
    return _Side(letter, day, str(row.values[f"cadre_{letter}"]), None if by is None else str(by))


def _unknown(scope: Scope, row: Row, ids: _Ids) -> list[CellError]:
    wrong = [] if str(row.values["centre"]) in ids.centres else [scope.unknown(row, "centre")]
    return wrong + [scope.unknown(row, name) for name in ("cadre_a", "cadre_b") if row.values[name] not in ids.cadres]


def _no_consent(scope: Scope, asked: _Asked, chiefs: Sequence[str]) -> list[CellError]:
    """Only the person, or whoever heads the centre today, may confirm for a side."""
    problem = ("不是本人，也不是该中心负责人", "neither the person nor a head of the centre")
    remedy = ("请由本人或中心负责人确认", "the person or the centre head must confirm")
    return [
        scope.wrong(asked.row, f"confirmed_{side.letter}", problem, remedy)
        for side in asked.sides
        if side.by not in {None, side.cadre, *chiefs}
    ]


def _take(session: Session, scope: Scope, asked: _Asked, ids: _Ids, policy: Policy, taken: Taken) -> None:
    """Store what one row adds: the request, confirmations, and with the second one the exchange."""
    swap = _stored(session, scope, asked, ids)
    before = (swap.confirmed_a_id, swap.confirmed_b_id) if swap.id else None
    now = tuple(
        ids.cadres[side.by] if side.by is not None else known
        for side, known in zip(asked.sides, (swap.confirmed_a_id, swap.confirmed_b_id), strict=True)
    )
    if swap.state == "done" or before == now:
        taken.unchanged += 1
        return
    if swap.state == "refused" and None in {side.by for side in asked.sides}:
        problem = ("对方已不同意这次换班", "this swap was refused")
        remedy = ("请换一天，或由中心负责人确认双方", "choose another date, or have the centre head confirm both sides")
        raise Refused(scope.wrong(asked.row, "date_b", problem, remedy))
    slots = _checked(session, scope, asked, policy)
    swap.confirmed_a_id, swap.confirmed_b_id = now
    session.add(swap)
    session.flush()
    if before is None:
        taken.add()
    else:
        changed = [f"confirmed_{side.letter}" for side, a, b in zip(asked.sides, before, now, strict=True) if a != b]
        taken.compare(asked.row, f"{asked.centre} {swap.date_a}/{swap.date_b}", changed)
    if None not in now:
        taken.moved += _carry_out(session, scope, swap, slots)


def _stored(session: Session, scope: Scope, asked: _Asked, ids: _Ids) -> Swap:
    identity: dict[str, Any] = {
        "centre_id": ids.centres[asked.centre],
        "date_a": asked.first.day,
        "cadre_a_id": ids.cadres[asked.first.cadre],
        "date_b": asked.second.day,
        "cadre_b_id": ids.cadres[asked.second.cadre],
    }
    known = select(Swap).where(*(col(getattr(Swap, name)) == value for name, value in identity.items()))
    found = session.execute(known.with_for_update()).scalar_one_or_none()
    return found or Swap(**identity, asked_at=scope.now)


def _checked(session: Session, scope: Scope, asked: _Asked, policy: Policy) -> list[Held]:
    """Return both slots, the earlier first, when every rule allows the exchange and both are published."""
    first, second = asked.sides
    cadres, span = {first.cadre, second.cadre}, (first.day, second.day)
    held = slots_at(session, scope.district, {(asked.centre, day) for day in span})
    for side in asked.sides:
        slot = held.get((asked.centre, side.day))
        if slot is not None and not slot.published:
            problem = ("这一天的值班还没有发布，草稿会重新排", "this duty is a draft, which is planned anew")
            remedy = ("请发布后再换班", "swap after publishing")
            raise Refused(scope.wrong(asked.row, f"date_{side.letter}", problem, remedy))
    known = facts_around(session, scope.district, asked.centre, cadres, *span)
    check_swap(known, asked.centre, first.day, first.cadre, second.day, second.cadre, scope.today, policy)
    for side in asked.sides:
        if held[asked.centre, side.day].cadre != side.cadre:  # the rules and the locked slot must mean one person
            raise SlotMoved(asked.centre, side.day)
    return [held[asked.centre, day] for day in span]


def _carry_out(session: Session, scope: Scope, swap: Swap, slots: Sequence[Held]) -> list[Step]:
    """Exchange two published slots; both persons have to acknowledge anew."""
    first, second = slots
    reason = say("换班", "swap")
    steps = [Step(first, "published", second.cadre_id, reason), Step(second, "published", first.cadre_id, reason)]
    move(session, steps, scope.now, scope.actor)
    done = update(Swap).where(col(Swap.id) == swap.id)
    session.execute(done.values(state="done", done_at=scope.now))
    return steps


def refuse(session: Session, swap: int) -> bool:
    """End a request that was not answered yet; False when it was."""
    waiting = update(Swap).where(col(Swap.id) == swap, col(Swap.state) == "asked").values(state="refused")
    return session.execute(waiting.returning(col(Swap.id))).first() is not None
