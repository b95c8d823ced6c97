"""The duty board 值班牌: the roster as it stands, to ask who could serve a slot and what would be in the way.

facts -> slots from today on, which may change, and the past, which only feeds the ledger.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from rules.calendar import DayKind
from rules.duty_book import MOVES
from rules.duty_facts import Bar, Facts, Policy, Roster, Slot, Why, kind_of, served
from rules.ledger import Ledger, replay

Key = tuple[date, str]
"""A slot: its date, then its centre, so that keys sort in the order in which slots are mended."""

SERVED_STATES = frozenset({"on_duty", "handed_over", "missed"})


def is_over(slot: Slot, today: date) -> bool:
    """Tell whether the duty is past or has begun (or was missed): nothing may change it any more."""
    return slot.date < today or slot.state in SERVED_STATES or slot.checked_in is not None


def is_frozen(slot: Slot, today: date) -> bool:
    """Tell whether a chain of moves must leave the slot alone: over, pinned or acknowledged."""
    return is_over(slot, today) or slot.pinned or slot.state == "acknowledged"


@dataclass(frozen=True, slots=True)
class Scene:
    """Who is there for one slot; the balances are those of the morning of its date."""

    kind: DayKind
    bars: Mapping[str, Bar | None]
    present: list[str]
    eligible: list[str]

    def able(self) -> list[str]:
        """Return whom no leave or exemption keeps from serving, whatever their other duties."""
        return [cadre for cadre, bar in self.bars.items() if bar is None]


class Board:
    """The slots from today on, by key, and the duties that come from them."""

    def __init__(self, facts: Facts, today: date, policy: Policy) -> None:
        self.today, self.policy, self.calendar = today, policy, facts.calendar
        self._memberships, self._leaves = list(facts.memberships), list(facts.leaves)
        self.roster = Roster(self._memberships, self._leaves)
        self.slots: dict[Key, Slot] = {}
        self._past: list[Slot] = []
        self._duties: dict[tuple[str, date], list[Key]] = {}
        self._ledgers: dict[str, Ledger] = {}
        for slot in facts.slots:
            if slot.date < today:
                self._past.append(slot)
            else:
                self.slots[slot.date, slot.centre] = slot
            self._book(slot)

    def put(self, key: Key, cadre: str | None) -> None:
        """Give the slot to the cadre, or to nobody; an acknowledgement or check-in goes with the cadre it was of."""
        slot = self.slots[key]
        if (old := served(slot)) is not None:
            self._duties[old, slot.date].remove(key)
        state = "draft" if slot.state == "draft" else "published"
        self.slots[key] = replace(slot, cadre=cadre, state=state, checked_in=None)
        self._book(self.slots[key])

    def near(self, cadre: str, day: date) -> list[Key]:
        """Return the cadre's duties on the date or closer to it than the rest rule allows, in any centre."""
        reach = max(self.policy.gap, 1)
        days = (day + timedelta(days=n) for n in range(1 - reach, reach))
        return [key for other in days for key in self._duties.get((cadre, other), ())]

    def scene(self, key: Key) -> Scene:
        """See who could serve the slot, which is open: nobody holds it."""
        day, centre = key
        kind = kind_of(self.calendar, day)
        bars = self.roster.members(centre, day, kind)
        present = [cadre for cadre, bar in bars.items() if bar is None and not self._duties.get((cadre, day))]
        return Scene(kind, bars, present, [cadre for cadre in present if not self.near(cadre, day)])

    def why(self, key: Key, cadre: str | None) -> Why:
        """Return the numbers of the open slot if the cadre, or nobody, serves it."""
        scene = self.scene(key)
        bars, present, eligible = list(scene.bars.values()), scene.present, scene.eligible
        away, exempt = bars.count("on_leave"), bars.count("exempt")
        elsewhere = len(bars) - away - exempt - len(present)
        balance, last = 0, None
        if cadre is not None:
            ledger = self.ledger(key)
            balance = round(ledger.balance(key[1], cadre)[MOVES[scene.kind][0]])
            last = ledger.last.get(cadre)
        resting = len(present) - len(eligible)
        return Why(scene.kind, len(bars), len(present), len(eligible), away, resting, elsewhere, exempt, balance, last)

    def order(self, key: Key, cadres: Iterable[str]) -> list[str]:
        """Sort cadres by the ledger of the slot's centre as it stands on the morning of its date."""
        return self.ledger(key).order(key[1], cadres, kind_of(self.calendar, key[0]))

    def ledger(self, key: Key) -> Ledger:
        """Return the ledger of the slot's centre on the morning of its date; open slots are served by nobody."""
        until, centre = key
        ledger = self._base(centre).copy()
        seated = {seat.cadre for seat in self._memberships if seat.centre == centre}
        by_date: dict[date, list[tuple[str, str]]] = {}
        for (day, code), slot in self.slots.items():
            cadre = served(slot)
            if cadre is not None and day < until and (code == centre or cadre in seated):
                by_date.setdefault(day, []).append((code, cadre))
        for day in sorted(by_date):
            ledger.open(day)
            ledger.settle(day, kind_of(self.calendar, day), by_date[day])
        ledger.open(until)
        return ledger

    def _base(self, centre: str) -> Ledger:
        """Return the centre's ledger on the morning of today, derived once: the past does not change."""
        if centre not in self._ledgers:
            seats = [seat for seat in self._memberships if seat.centre == centre]
            cadres = {seat.cadre for seat in seats}
            leaves = [leave for leave in self._leaves if leave.cadre in cadres]
            past = [slot for slot in self._past if slot.centre == centre or served(slot) in cadres]
            accruing = self.policy.accruing_leave
            self._ledgers[centre] = replay(seats, leaves, past, self.calendar, self.today, accruing)
        return self._ledgers[centre]

    def _book(self, slot: Slot) -> None:
        if (cadre := served(slot)) is not None:
            self._duties.setdefault((cadre, slot.date), []).append((slot.date, slot.centre))
