"""Swaps 换班: asked for by anybody, done when both - or the centre head for them - have confirmed."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col

from models.cadre import Cadre, Roster, cadre_ids
from models.district import Centre, centre_ids
from models.duty import Swap
from models.duty_facts import facts_around
from models.duty_record import Held, Step, move, slots_at
from models.intake import Scope, Taken
from rules.duty import Policy
from rules.duty_swap import SwapRefused, check_swap
from rules.errors import say
from rules.registers import CellError, Row

_CODES = ("cadre_a", "cadre_b", "confirmed_a", "confirmed_b")


def store_swaps(session: Session, scope: Scope, rows: Sequence[Row], policy: Policy) -> Taken:
    """Store requests and confirmations; a swap confirmed on both sides is checked again and carried out.

    Args:
        session: a writing session.
        scope: where and when.
        rows: parsed rows of the swap register.
        policy: the rest rule in force.
    """
    taken = Taken()
    centres, cadres = centre_ids(session, scope.district), cadre_ids(session, scope.district)
    for row in rows:
        wrong = list(_unknown(scope, row, centres, cadres)) or list(_no_consent(session, scope, row))
        if wrong:
            taken.errors += wrong
            continue
        try:
            _one(session, scope, row, (centres, cadres), policy, taken)
        except SwapRefused as refused:
            taken.errors.append(
                CellError(row.number, None, "", str(refused), say("未做任何改动", "nothing was changed"))
            )
    return taken


def _unknown(scope: Scope, row: Row, centres: dict[str, int], cadres: dict[str, int]) -> list[CellError]:
    check = ("请核对编号", "check it")
    wrong = []
    if str(row.values["centre"]) not in centres:
        wrong.append(scope.wrong(row, "centre", ("没有这个编号的中心", "no centre has this code"), check))
    for name in _CODES:
        number = row.values.get(name)
        if number is not None and str(number) not in cadres:
            wrong.append(scope.wrong(row, name, ("没有这个编号的干部", "no cadre has this number"), check))
    return wrong


def _no_consent(session: Session, scope: Scope, row: Row) -> list[CellError]:
    """Only the person, or a head of the centre on that date, may confirm for a side."""
    wrong = []
    for side in "ab":
        by = row.values.get(f"confirmed_{side}")
        if by is None or by == row.values[f"cadre_{side}"]:
            continue
        if str(by) not in _heads(session, scope, str(row.values["centre"]), scope.today):
            problem = ("不是本人，也不是该中心负责人", "neither the person nor a head of the centre")
            remedy = ("请由本人或中心负责人确认", "the person or the centre head must confirm")
            wrong.append(scope.wrong(row, f"confirmed_{side}", problem, remedy))
    return wrong


def _heads(session: Session, scope: Scope, centre: str, day: date) -> set[str]:
    query = (
        select(col(Cadre.number))
        .join(Roster, col(Roster.cadre_id) == col(Cadre.id))
        .join(Centre, col(Centre.id) == col(Roster.centre_id))
        .where(col(Centre.district_id) == scope.district, col(Centre.code) == centre, col(Roster.head))
        .where(col(Roster.since) <= day, col(Roster.until).is_(None) | (col(Roster.until) >= day))
    )
    return set(session.execute(query).scalars())


def _one(
    session: Session, scope: Scope, row: Row, ids: tuple[dict[str, int], dict[str, int]], policy: Policy, taken: Taken
) -> None:
    centres, cadres = ids
    swap = _stored(session, scope, row, centres, cadres)
    before = (swap.confirmed_a_id, swap.confirmed_b_id) if swap.id else None
    for side in "ab":
        by = row.values.get(f"confirmed_{side}")
        if by is not None:
            setattr(swap, f"confirmed_{side}_id", cadres[str(by)])
    now = (swap.confirmed_a_id, swap.confirmed_b_id)
    if swap.state == "done" or before == now:
        taken.unchanged += 1
        return
    _check(session, scope, row, policy)
    key = f"{row.values['centre']} {swap.date_a}/{swap.date_b}"
    _save(session, swap)
    if before is None:
        taken.add()
    else:
        taken.compare(row, key, ["confirmed_a"] * (before[0] != now[0]) + ["confirmed_b"] * (before[1] != now[1]))
    if None not in now:
        taken.moved += _carry_out(session, scope, row, swap)


def _stored(session: Session, scope: Scope, row: Row, centres: dict[str, int], cadres: dict[str, int]) -> Swap:
    identity: dict[str, Any] = {
        "centre_id": centres[str(row.values["centre"])],
        "date_a": row.values["date_a"],
        "cadre_a_id": cadres[str(row.values["cadre_a"])],
        "date_b": row.values["date_b"],
        "cadre_b_id": cadres[str(row.values["cadre_b"])],
    }
    known = select(Swap).where(*(col(getattr(Swap, name)) == value for name, value in identity.items()))
    found = session.execute(known.with_for_update()).scalar_one_or_none()
    return found or Swap(**identity, asked_at=scope.now)


def _save(session: Session, swap: Swap) -> None:
    session.add(swap)
    session.flush()


def _check(session: Session, scope: Scope, row: Row, policy: Policy) -> None:
    centre, date_a, cadre_a, date_b, cadre_b = (
        row.values[n] for n in ("centre", "date_a", "cadre_a", "date_b", "cadre_b")
    )
    assert isinstance(date_a, date)
    assert isinstance(date_b, date)
    known = facts_around(
        session, scope.district, str(centre), {str(cadre_a), str(cadre_b)}, min(date_a, date_b), max(date_a, date_b)
    )
    check_swap(known, str(centre), date_a, str(cadre_a), date_b, str(cadre_b), scope.today, policy)


def _carry_out(session: Session, scope: Scope, row: Row, swap: Swap) -> list[Step]:
    centre = str(row.values["centre"])
    held = slots_at(session, scope.district, {(centre, swap.date_a), (centre, swap.date_b)})
    a, b = held[centre, swap.date_a], held[centre, swap.date_b]
    reason = say("换班", "swap")
    steps = [Step(a, _after(a), swap.cadre_b_id, reason), Step(b, _after(b), swap.cadre_a_id, reason)]
    move(session, steps, scope.now, scope.actor)
    done = update(Swap).where(col(Swap.id) == swap.id)
    session.execute(done.values(state="done", done_at=scope.now))
    return steps


def _after(slot: Held) -> str:
    return "published" if slot.published else "draft"
