"""Swap 换班 a(d1) <-> b(d2): the board and two duties of one centre -> nothing, or the rule that forbids it."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from rules.duty_board import Board, is_over
from rules.duty_facts import Facts, Policy, kind_of
from rules.errors import TuoqiError, say

SwapRule = Literal[
    "same_cadre",
    "same_date",
    "not_the_cadre",
    "past",
    "already_served",
    "pinned",
    "off_roster",
    "on_leave",
    "exempt",
    "one_duty_a_date",
    "rest_rule",
]

SENTENCES: dict[SwapRule, tuple[str, str]] = {
    "same_cadre": (
        "换班须在两人之间进行，双方都是 {cadre}；请核对编号。",
        "a swap is between two cadres, both are {cadre}; check the numbers.",
    ),
    "same_date": (
        "换班须换两个日期，双方都是 {day}；请核对日期。",
        "a swap is between two dates, both are {day}; check the dates.",
    ),
    "not_the_cadre": (
        "{centre} 在 {day} 的值班不是 {cadre} 的；请按最新值班表重新申请。",
        "{centre} on {day} is not the duty of {cadre}; apply again with the latest roster.",
    ),
    "past": (
        "{day} 已过，过去的值班不能调换；请选今天或以后的日期。",
        "{day} is past, and past duties cannot be swapped; choose today or a later date.",
    ),
    "already_served": (
        "{centre} 在 {day} 的值班已签到或已记缺岗，不能调换；请选另一天。",
        "the duty of {centre} on {day} has begun or was missed and cannot be swapped; choose another date.",
    ),
    "pinned": (
        "{centre} 在 {day} 的值班已锁定；请先请中心负责人解锁。",
        "the duty of {centre} on {day} is pinned; ask the centre head to unpin it first.",
    ),
    "off_roster": (
        "{cadre} 在 {day} 不在 {centre} 的名册上；请换人或更正名册。",
        "{cadre} is not on the roster of {centre} on {day}; choose someone else or correct the roster.",
    ),
    "on_leave": (
        "{cadre} 在 {day} 请假；请另选日期。",
        "{cadre} is on leave on {day}; choose another date.",
    ),
    "exempt": (
        "{cadre} 休息日免值，{day} 是休息日；请另选日期。",
        "{cadre} is exempt on rest days and {day} is one; choose another date.",
    ),
    "one_duty_a_date": (
        "{cadre} 在 {day} 另有值班，一人一天只值一班；请另选日期。",
        "{cadre} has another duty on {day}, and one duty a date is the limit; choose another date.",
    ),
    "rest_rule": (
        "换班后 {cadre} 在 {day} 与 {other} 的值班间隔不足 {gap} 天；请另选日期。",
        "after the swap {cadre} serves on {day} and {other}, less than {gap} days apart; choose another date.",
    ),
}


@dataclass(eq=False)
class SwapRefused(TuoqiError):
    """The swap breaks `rule` for `cadre` on `day`; `other` is the duty too near by the rest rule of `gap` days."""

    rule: SwapRule
    centre: str
    day: date
    cadre: str
    other: date | None = None
    gap: int = 0

    def __str__(self) -> str:
        return say(*SENTENCES[self.rule]).format(**vars(self))


def check_swap(
    facts: Facts, centre: str, date_a: date, cadre_a: str, date_b: date, cadre_b: str, today: date, policy: Policy
) -> None:
    """Refuse a swap that breaks a hard rule or the rest rule; whether both agreed is the caller's question.

    An acknowledged duty may be swapped, as both consent; a pinned one must be unpinned first.

    Args:
        facts: all slots, also of other centres that share cadres, and all leave.
        centre: the centre of both duties.
        date_a: the duty of `cadre_a`, who is to take `date_b`.
        cadre_a: holds `date_a`.
        date_b: the duty of `cadre_b`, who is to take `date_a`.
        cadre_b: holds `date_b`.
        today: duties before it are past.
        policy: the gap between duties.

    Raises:
        SwapRefused: names the first rule broken: by the duties given away, then by those taken over, a before b.
    """
    if cadre_a == cadre_b:
        raise SwapRefused("same_cadre", centre, date_a, cadre_a)
    if date_a == date_b:
        raise SwapRefused("same_date", centre, date_a, cadre_a)
    board = Board(facts, today, policy)
    for day, cadre in ((date_a, cadre_a), (date_b, cadre_b)):
        _check_given(board, centre, day, cadre)
    for day in (date_a, date_b):
        board.put((day, centre), None)
    for day, cadre in ((date_b, cadre_a), (date_a, cadre_b)):
        _check_taken(board, centre, day, cadre)


def _check_given(board: Board, centre: str, day: date, cadre: str) -> None:
    """Check the duty that its cadre gives away."""
    if day < board.today:
        raise SwapRefused("past", centre, day, cadre)
    slot = board.slots.get((day, centre))
    if slot is None or slot.cadre != cadre:
        raise SwapRefused("not_the_cadre", centre, day, cadre)
    if is_over(slot, board.today):
        raise SwapRefused("already_served", centre, day, cadre)
    if slot.pinned:
        raise SwapRefused("pinned", centre, day, cadre)


def _check_taken(board: Board, centre: str, day: date, cadre: str) -> None:
    """Check the duty that the cadre takes over, after both were given away."""
    if (bar := board.roster.bar(cadre, centre, day, kind_of(board.calendar, day))) is not None:
        raise SwapRefused(bar, centre, day, cadre)
    near = sorted(board.near(cadre, day))
    if any(other == day for other, _ in near):
        raise SwapRefused("one_duty_a_date", centre, day, cadre)
    if near:
        raise SwapRefused("rest_rule", centre, day, cadre, near[0][0], board.policy.gap)
