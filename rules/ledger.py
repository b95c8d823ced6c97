"""The fair-share ledger 应值台账: facts (rosters, leave, who served) -> three accounts per cadre and centre.

The carpool rule of Fagin & Williams (1983): each day a duty is served, every cadre present is credited 1/k of a duty,
k = number present, and the one who served is debited 1. On rest and statutory days the rest account moves too, on
statutory days also the statutory one. GAP, missed and slotless days move nothing. Nothing is stored: the ledger is
replayed from the facts, so it is idempotent, a substitute earns, a no-show does not, and a newcomer starts at 0.

**Accrual clock.** Crediting k cadres a day costs O(k). Instead each centre keeps one running total per account, the
clock, which a served day moves by 1/k; a cadre who is counted holds only an offset, and balance = offset + clock. Who
stops being counted (leave, end of membership) takes offset + clock out as a plain balance, who starts puts
balance - clock in. Only the exceptions of a day are touched: the server (-1), the counted who are not present that
day (-1/k: exempt on a rest day, serving in another centre), the server who was not counted (+1/k). Candidates of one
centre are all on its clock, so their offsets compare as their balances do.

Where the page is silent: who served counts as present that day even if on leave, exempt or from another centre - so
each account always sums to 0. Overlapping leaves accrue only if all of them do.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import date, timedelta

from rules.calendar import Day, DayKind
from rules.duty_book import ALL, MOVES, Amount, Balance, Book, U, share
from rules.duty_facts import Leave, Membership, Slot, by_number, kind_of, served

__all__ = ["MOVES", "Amount", "Balance", "Ledger", "U", "replay", "share"]


class Ledger:
    """The accounts of all centres, moved forward one day at a time: `open` the day, then `settle` who served.

    Attributes:
        books: centre -> its accounts.
        seats: cadre -> the centres where the cadre has an account.
        last: cadre -> last settled duty in any centre.
    """

    def __init__(
        self, memberships: Iterable[Membership], leaves: Iterable[Leave], accruing: frozenset[str] = frozenset()
    ) -> None:
        self.books: defaultdict[str, Book] = defaultdict(Book)
        self.seats: defaultdict[str, list[str]] = defaultdict(list)
        self.last: dict[str, date] = {}
        self._on_leave: dict[bool, dict[str, int]] = {True: {}, False: {}}
        self._turns = _turns(memberships, leaves, accruing)
        self._pending = sorted(self._turns, reverse=True)

    def copy(self) -> "Ledger":
        """Return a ledger that can be moved forward without touching this one."""
        twin = Ledger((), ())
        twin.books, twin.seats, twin.last = deepcopy(self.books), deepcopy(self.seats), dict(self.last)
        twin._on_leave = deepcopy(self._on_leave)
        twin._turns, twin._pending = self._turns, list(self._pending)
        return twin

    def open(self, day: date) -> None:
        """Let memberships and leaves start and end up to the day; days never go back."""
        while self._pending and self._pending[-1] <= day:
            for turn in self._turns[self._pending.pop()]:
                self._apply(turn)

    def settle(self, day: date, kind: DayKind, duties: Sequence[tuple[str, str]]) -> None:
        """Move the accounts of one opened day; `duties` are the pairs (centre, cadre who served)."""
        elsewhere: dict[str, set[str]] = {}
        for centre, cadre in duties:
            self.last[cadre] = day
            if self.seats.get(cadre) == [centre]:
                continue
            for other in self.seats.get(cadre, ()):
                self.books[other].queue = None
                if other != centre:
                    elsewhere.setdefault(other, set()).add(cadre)
        for centre, cadre in duties:
            self.books[centre].move(cadre, kind, elsewhere.get(centre, ()))

    def balance(self, centre: str, cadre: str) -> Balance:
        """Return what the cadre is owed at the centre after the days settled so far."""
        return self.books[centre].balance(cadre)

    def balances(self, centre: str) -> dict[str, Balance]:
        """Return all accounts of a centre, also of those who left; each column sums to 0."""
        book = self.books[centre]
        return {cadre: book.balance(cadre) for cadre in sorted(book.accounts[ALL].keys() | book.roster, key=by_number)}

    def order(self, centre: str, cadres: Iterable[str], kind: DayKind) -> list[str]:
        """Sort by ledger order: highest balance, then longest since last duty (never first), then lowest number."""
        book = self.books[centre]

        def rank(cadre: str) -> tuple[list[Amount], date, tuple[list[str | int], str]]:
            balance = book.balance(cadre)
            return [-balance[i] for i in MOVES[kind]], self.last.get(cadre, date.min), by_number(cadre)

        return sorted(cadres, key=rank)

    def _apply(self, turn: "Turn") -> None:
        cadre, centre, marked, step = turn
        if centre is None:
            _count(self._on_leave[marked], cadre, step)
        else:
            book = self.books[centre]
            book.numbered = None
            _count(book.roster, cadre, step)
            if marked:
                _count(book.exempt, cadre, step)
            if centre not in self.seats[cadre]:
                self.seats[cadre].append(centre)
        counted = cadre not in self._on_leave[False]
        choosable = counted and cadre not in self._on_leave[True]
        for code in self.seats[cadre] if centre is None else (centre,):
            book = self.books[code]
            member = cadre in book.roster
            book.enter(cadre, counted=member and counted, choosable=member and choosable)


def replay(
    memberships: Iterable[Membership],
    leaves: Iterable[Leave],
    slots: Iterable[Slot],
    calendar: Mapping[date, Day],
    until: date,
    accruing: frozenset[str] = frozenset(),
) -> Ledger:
    """Derive the ledger as it stands on the morning of `until`: all duties before that date are settled.

    Raises:
        DayNotInCalendar: a duty lies on a date that the calendar does not know.
    """
    ledger = Ledger(memberships, leaves, accruing)
    by_date: dict[date, list[tuple[str, str]]] = {}
    for slot in slots:
        if slot.date < until and (cadre := served(slot)) is not None:
            by_date.setdefault(slot.date, []).append((slot.centre, cadre))
    for day in sorted(by_date):
        ledger.open(day)
        ledger.settle(day, kind_of(calendar, day), by_date[day])
    ledger.open(until)
    return ledger


Turn = tuple[str, str | None, bool, int]
"""A cadre starts (+1) or stops (-1) being on a centre's roster (and exempt), or, centre None, on leave (accruing)."""


def _turns(
    memberships: Iterable[Membership], leaves: Iterable[Leave], accruing: frozenset[str]
) -> dict[date, list[Turn]]:
    turns: dict[date, list[Turn]] = {}
    for seat in memberships:
        _span(turns, seat, seat.centre, seat.rest_day_exempt)
    for leave in leaves:
        _span(turns, leave, None, leave.kind in accruing)
    return turns


def _span(turns: dict[date, list[Turn]], span: Membership | Leave, centre: str | None, marked: bool) -> None:
    if span.until is not None and span.until < span.since:
        return
    turns.setdefault(span.since, []).append((span.cadre, centre, marked, 1))
    if span.until is not None and span.until < date.max:
        turns.setdefault(span.until + timedelta(days=1), []).append((span.cadre, centre, marked, -1))


def _count(counts: dict[str, int], cadre: str, step: int) -> None:
    """Count overlapping spans; a cadre in no span is not in the dict."""
    count = counts.get(cadre, 0) + step
    if count:
        counts[cadre] = count
    else:
        counts.pop(cadre, None)
