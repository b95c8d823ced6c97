"""A line of the bank's return file against the payment it names: what it is, and what the payment is after it.

A line counts once, on key and amount. What does not fit changes nothing and is an exception, which a person closes: an
unanswered payment is unknown, not failed, and money the bank says it paid is never quietly written off.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

State = Literal["frozen", "sent", "unknown", "paid", "returned"]
Result = Literal["paid", "returned"]
Claim = Literal["none", "open", "part", "settled"]
Finding = Literal["matched", "unknown_key", "amount", "double", "contradiction", "paid_after_reissue"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A payment attempt as it is known.

    `reissued`: a later attempt of the same entitlement exists. `claim`: whether its money is claimed back, all or part,
    or was given back already. `vouched`: persons said what became of it, not the bank.
    """

    fen: int
    state: State
    booked_on: date | None
    reissued: bool
    claim: Claim = "none"
    vouched: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What a line says; `repeat` counts the same line within one file, from 1."""

    fen: int
    result: Result
    booked_on: date
    repeat: int = 1


def match(  # noqa: PLR0911 - one return a case, in their order of precedence
    attempt: Attempt | None, said: Said
) -> tuple[Finding, Attempt | None]:
    """Decide what a line is.

    Args:
        attempt: the payment with the line's key; None if we never sent such a key.
        said: the line.

    Returns:
        The finding, and the attempt after it: unchanged unless `matched`. In order of precedence:
        unknown key; another amount, be it by 1 fen; the same line again in one file;
        an open attempt (frozen, sent or unknown) takes the result;
        paid, then returned: 退汇, the money came back, unless the payee had given it back already, which contradicts;
        a claim of a part of it is at an end then;
        paid again: double;
        returned, then returned again: double; returned, then paid with an earlier booking: late paper of what came
        before the return, nothing changes, unless it was persons who called it returned; otherwise the bank
        contradicts itself: `paid_after_reissue` if the money was sent once more meanwhile, which is a receivable, else
        `contradiction`.
    """
    if attempt is None:
        return "unknown_key", None
    if said.fen != attempt.fen:
        return "amount", attempt
    if said.repeat > 1:
        return "double", attempt
    if attempt.booked_on is None:
        return "matched", _after(attempt, said)
    if attempt.state == "paid":
        return _after_paid(attempt, said)
    if said.result == "returned" or attempt.claim != "none":
        return "double", attempt
    if said.booked_on < attempt.booked_on and not attempt.vouched:
        return "matched", attempt
    return ("paid_after_reissue" if attempt.reissued else "contradiction"), attempt


def _after_paid(attempt: Attempt, said: Said) -> tuple[Finding, Attempt]:
    if said.result == "paid":
        return "double", attempt
    if attempt.claim == "settled":
        return "contradiction", attempt
    back = _after(attempt, said)
    return "matched", replace(back, claim="none") if attempt.claim == "part" else back


def _after(attempt: Attempt, said: Said) -> Attempt:
    return replace(attempt, state=said.result, booked_on=said.booked_on)
