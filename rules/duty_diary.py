"""The diary 值班簿 of a plan: slots -> duties that stand, slots still open, and who the rest rule holds back."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

from rules.calendar import Day
from rules.duty_clusters import Cluster
from rules.duty_facts import Roster, Slot, kind_of, served

Duty = tuple[str, str]
"""A centre and the cadre who serves it."""

OPEN_STATES = frozenset({"draft", "gap"})
"""Unpublished slots in these states are decided anew."""


class Diary:
    """What stands while the days of a plan are decided.

    Attributes:
        taken: (centre, date) of the slots in question that stand as they are.
        duties: date -> duties that stand, kept and decided.
        resting: date -> cadres with a duty fewer than `gap` days before or after it, in any centre.
    """

    def __init__(self, kept: Iterable[Slot], horizon: "Horizon") -> None:
        self.taken: set[tuple[str, date]] = set()
        self.duties: defaultdict[date, list[Duty]] = defaultdict(list)
        self.resting: defaultdict[date, set[str]] = defaultdict(set)
        self._horizon = horizon
        for slot in kept:
            if slot.date in horizon.later:
                self.taken.add((slot.centre, slot.date))
            if (cadre := served(slot)) is not None:
                self.duties[slot.date].append((slot.centre, cadre))
        for day, duties in self.duties.items():
            self._hold([cadre for _, cadre in duties], horizon.around(day))

    def days(self) -> Iterable[date]:
        """Return the dates to go through: those with duties up to the last wanted one, and the wanted ones."""
        wanted = self._horizon.later
        return (
            sorted({day for day in self.duties if day <= self._horizon.last} | wanted.keys()) if self.duties else wanted
        )

    def enter(self, day: date, duties: list[Duty]) -> None:
        """Enter the duties decided for a wanted date; only later dates are still to be decided."""
        self.duties[day] += duties
        self._hold([cadre for _, cadre in duties], self._horizon.later[day])

    def _hold(self, cadres: list[str], days: Iterable[date]) -> None:
        for day in days:
            self.resting[day].update(cadres)


class Horizon:
    """The wanted dates in order, each with the later wanted dates fewer than `gap` days away."""

    def __init__(self, days: Iterable[date], gap: int) -> None:
        wanted = sorted(set(days))
        self.gap = timedelta(days=gap)
        self.first, self.last = min(wanted, default=date.max), max(wanted, default=date.min)
        self.later = {day: [other for other in wanted if timedelta(0) < other - day < self.gap] for day in wanted}

    def around(self, day: date) -> list[date]:
        """Return the wanted dates fewer than `gap` days before or after the day."""
        if not self.first - day < self.gap > day - self.last:
            return []
        return [other for other in self.later if other != day and abs(other - day) < self.gap]


def kept_slots(cluster: Cluster, horizon: Horizon, calendar: Mapping[date, Day]) -> Iterator[Slot]:
    """Yield the slots that stand: all but drafts and gaps in question, and pinned ones whose cadre cannot serve."""
    pins, centres = [], set(cluster.centres)
    for slot in cluster.slots:
        if (
            slot.published
            or slot.state not in OPEN_STATES
            or slot.date not in horizon.later
            or slot.centre not in centres
        ):
            yield slot
        elif slot.pinned:
            pins.append(slot)
    if pins:
        roster = Roster(cluster.memberships, cluster.leaves)
        yield from (pin for pin in pins if _can_stand(pin, roster, calendar))


def _can_stand(pin: Slot, roster: Roster, calendar: Mapping[date, Day]) -> bool:
    return pin.cadre is None or roster.bar(pin.cadre, pin.centre, pin.date, kind_of(calendar, pin.date)) is None
