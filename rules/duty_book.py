"""One centre's book 账本: who is present, who served -> three accounts on an accrual clock (see rules/ledger.py)."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from rules.calendar import DayKind
from rules.duty_facts import in_number_order

Amount = int | Fraction
"""An amount on an account in 1/U of a duty; a Fraction only where U / k is not whole."""

U = lcm(*range(1, 41))
"""One duty: 5342931457063200, divisible by every k up to 40, fits BIGINT."""

STATUTORY, REST, ALL = 0, 1, 2
MOVES: Mapping[DayKind, tuple[int, ...]] = {"work": (ALL,), "rest": (REST, ALL), "statutory": (STATUTORY, REST, ALL)}
"""The accounts that a day moves; also the order in which they are compared that day."""


class Balance(NamedTuple):
    """What a cadre is owed at a centre: above 0 it is their turn."""

    statutory: Amount
    rest: Amount
    all: Amount


def share(k: int) -> Amount:
    """Return one cadre's credit on a day with k present."""
    return Fraction(U, k) if U % k else U // k


SHARES = {k: share(k) for k in range(1, 41)}


def new_accounts() -> tuple[defaultdict[str, Amount], ...]:
    """Return empty statutory, rest and all accounts."""
    return tuple(defaultdict(int) for _ in range(3))


@dataclass(slots=True)
class Book:
    """One centre's accounts, and who is on its roster on the ledger's day.

    Attributes:
        roster: cadres on the roster, with the number of memberships that say so; `exempt` likewise.
        counted: on the clock; `choosable`: those of them not on (accruing) leave.
        accounts: statutory, rest, all: offsets of the counted, plain balances of the others.
        queue: the counted in the ledger order of a workday; None when it has to be sorted anew.
        numbered: the roster by number, which the queue is sorted from; None when the roster changed.
    """

    roster: dict[str, int] = field(default_factory=dict)
    exempt: dict[str, int] = field(default_factory=dict)
    counted: set[str] = field(default_factory=set)
    choosable: set[str] = field(default_factory=set)
    accounts: tuple[defaultdict[str, Amount], ...] = field(default_factory=new_accounts)
    clocks: list[Amount] = field(default_factory=lambda: [0, 0, 0])
    queue: list[str] | None = None
    numbered: list[str] | None = None

    def enter(self, cadre: str, *, counted: bool, choosable: bool) -> None:
        """Put the cadre on or off the clock, and among those who may be chosen or not."""
        if counted != (cadre in self.counted):
            self.queue = None
            (self.counted.add if counted else self.counted.remove)(cadre)
            if self.clocks[ALL]:
                for account, clock in zip(self.accounts, self.clocks, strict=True):
                    account[cadre] += -clock if counted else clock
        (self.choosable.add if choosable else self.choosable.discard)(cadre)

    def move(self, cadre: str, kind: DayKind, elsewhere: Collection[str]) -> None:
        """Credit everyone present, debit the cadre who served; `elsewhere` served in another centre that day."""
        absent = self._absent(cadre, kind, elsewhere) if elsewhere or (self.exempt and kind != "work") else ()
        extra = cadre not in self.counted
        k = len(self.counted) - len(absent) + extra
        credit = SHARES.get(k) or share(k)
        for i in MOVES[kind]:
            self.clocks[i] += credit
            self.accounts[i][cadre] += credit - U if extra else -U
            for other in absent:
                self.accounts[i][other] -= credit
        if absent:
            self.queue = None
        elif self.queue and not extra:
            self._move_back(cadre)

    def _absent(self, cadre: str, kind: DayKind, elsewhere: Collection[str]) -> set[str]:
        """Return the counted who are not present that day, although on the clock."""
        absent = self.counted.intersection(elsewhere)
        if kind != "work":
            absent |= self.counted & self.exempt.keys()
        absent.discard(cadre)
        return absent

    def amount(self, cadre: str, account: int) -> Amount:
        """Return the balance of one account, 0 for a cadre never seen here."""
        return self.accounts[account].get(cadre, 0) + (self.clocks[account] if cadre in self.counted else 0)

    def balance(self, cadre: str) -> Balance:
        """Return the cadre's three balances."""
        return Balance(self.amount(cadre, STATUTORY), self.amount(cadre, REST), self.amount(cadre, ALL))

    def first(self, candidates: Collection[str], last: Mapping[str, date], kind: DayKind) -> str:
        """Return the first in ledger order of the candidates, at least one, all of them choosable.

        All are on the clock, so offsets compare as balances do. The queue is in workday order, and max takes the
        first of equals, so only the accounts that come before `all` are left to compare.
        """
        queue = self._queue(last)
        if kind == "work":
            return next(filter(candidates.__contains__, queue))
        waiting = list(filter(candidates.__contains__, queue))
        if kind == "statutory":
            amounts = list(map(self.accounts[STATUTORY].__getitem__, waiting))
            most = max(amounts)
            waiting = [cadre for cadre, amount in zip(waiting, amounts, strict=True) if amount == most]
        return max(waiting, key=self.accounts[REST].__getitem__)

    def _queue(self, last: Mapping[str, date]) -> list[str]:
        if self.queue is None:
            if self.numbered is None:
                self.numbered = in_number_order(self.roster)
            queue = sorted(
                filter(self.counted.__contains__, self.numbered), key=lambda cadre: last.get(cadre, date.min)
            )
            self.queue = sorted(queue, key=self.accounts[ALL].__getitem__, reverse=True)
        return self.queue

    def _move_back(self, cadre: str) -> None:
        """Queue the cadre who has just served: behind all whose balance is not lower."""
        queue, offset = self.queue or [], self.accounts[ALL].__getitem__
        queue.remove(cadre)
        own, place = offset(cadre), len(queue)
        while place and offset(queue[place - 1]) < own:
            place -= 1
        queue.insert(place, cadre)
