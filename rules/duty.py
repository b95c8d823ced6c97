"""Daily duty 每日轮值: facts -> the ledger up to each day -> who serves which centre that day -> assignments.

Planning is greedy, day by day, jointly for centres that share cadres. A choice never looks ahead, except that duties
already kept in the future hold their cadre back by the rest rule.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from operator import attrgetter

from rules.calendar import Day, DayKind
from rules.collector import collector_paused
from rules.duty_book import Book
from rules.duty_clusters import Cluster, clusters
from rules.duty_diary import Diary, Horizon, kept_slots
from rules.duty_facts import (
    Assignment,
    Bar,
    Centre,
    DayNotInCalendar,
    Facts,
    Leave,
    Membership,
    Policy,
    Roster,
    Slot,
    Why,
    blocked,
    kind_of,
    served,
)
from rules.ledger import MOVES, Ledger

__all__ = [
    "Assignment",
    "Bar",
    "Centre",
    "DayNotInCalendar",
    "Facts",
    "Leave",
    "Membership",
    "Policy",
    "Roster",
    "Slot",
    "Why",
    "blocked",
    "longest_rested",
    "plan",
    "served",
]


def plan(
    centres: Iterable[Centre],
    memberships: Iterable[Membership],
    leaves: Iterable[Leave],
    slots: Iterable[Slot],
    days: Iterable[date],
    calendar: Mapping[date, Day],
    policy: Policy,
) -> list[Assignment]:
    """Decide every slot of `days` x open centres that no kept slot holds.

    Kept are published and pinned slots and any state but draft and gap - except an unpublished pinned one whose own
    cadre cannot serve: it is reopened. Unpublished drafts and gaps are decided anew, so planning twice changes
    nothing; a draft of a day on which its centre is now closed is neither kept nor returned: the caller deletes it.
    All other slots, also those outside `days` or `centres`, are facts that feed the ledger and the rest rule.

    Args:
        centres: the centres to plan, in any order, as all collections here; N up to 3,300 with 30 cadres each.
        memberships: rosters of these centres and of those they share cadres with.
        leaves: all leave of these cadres.
        slots: all existing slots: past, frozen, published, drafts.
        days: the dates to decide, usually a month.
        calendar: every date with a slot, and `days`.
        policy: gap in days and kinds of leave that accrue.

    Returns:
        One Assignment per decided slot, by date, then centre code.

    Raises:
        DayNotInCalendar: the calendar is silent on a date it is needed for.
    """
    horizon = Horizon(days, policy.gap)
    opening = {centre.code: centre.opens_on_rest_days for centre in centres}
    decided: dict[date, list[Assignment]] = {day: [] for day in horizon.later}
    with collector_paused():
        for cluster in clusters(opening, list(memberships), leaves, list(slots)):
            for new in _plan_cluster(cluster, opening, horizon, calendar, policy):
                decided[new.date].append(new)
    return [new for today in decided.values() for new in sorted(today, key=attrgetter("centre"))]


def _plan_cluster(
    cluster: Cluster, opening: Mapping[str, bool], horizon: Horizon, calendar: Mapping[date, Day], policy: Policy
) -> Iterator[Assignment]:
    """Go through the days: decide the wanted ones, then settle who serves."""
    diary = Diary(kept_slots(cluster, horizon, calendar), horizon)
    ledger = Ledger(cluster.memberships, cluster.leaves, policy.accruing_leave)
    for day in diary.days():
        kind = kind_of(calendar, day)
        ledger.open(day)
        if day in horizon.later:
            codes = [c for c in cluster.centres if (kind == "work" or opening[c]) and (c, day) not in diary.taken]
            today = _decide(day, kind, codes, ledger, diary)
            diary.enter(day, [(new.centre, new.cadre) for new in today if new.cadre is not None])
            yield from today
        ledger.settle(day, kind, diary.duties.get(day, ()))


@dataclass(slots=True)
class _View:
    """One open centre on one day: who is there, and who of them may serve."""

    code: str
    book: Book
    away: int
    exempt: int
    present: set[str]
    eligible: set[str]

    def why(self, kind: DayKind, balance: int, last_duty: date | None) -> Why:
        members, present, eligible = len(self.book.roster), len(self.present), len(self.eligible)
        elsewhere = members - present - self.away - self.exempt
        resting = present - eligible
        return Why(kind, members, present, eligible, self.away, resting, elsewhere, self.exempt, balance, last_duty)


def _look(code: str, book: Book, kind: DayKind, busy: set[str], resting: set[str]) -> _View:
    """See the centre while `busy` cadres serve elsewhere; on leave counts before exempt, exempt before elsewhere."""
    present = book.choosable
    away = len(book.roster) - len(present)
    if kind != "work" and book.exempt:
        present = present - book.exempt.keys()
    exempt = len(book.roster) - away - len(present)
    if busy:
        present = present - busy
    return _View(code, book, away, exempt, present, present - resting)


def _decide(day: date, kind: DayKind, codes: list[str], ledger: Ledger, diary: Diary) -> list[Assignment]:
    """Choose who serves each of the centres that day, those with the fewest eligible cadres first."""
    resting = diary.resting.get(day, set())
    busy = {cadre for _, cadre in diary.duties.get(day, ())}
    views = [_look(code, ledger.books[code], kind, busy, resting) for code in codes]
    if len(views) > 1:
        views.sort(key=lambda view: (len(view.eligible), view.code))
    chosen: list[Assignment] = []
    for seen in views:
        view = seen if busy.isdisjoint(seen.present) else _look(seen.code, seen.book, kind, busy, resting)
        chosen.append(_choose(day, kind, view, ledger))
        if (cadre := chosen[-1].cadre) is not None:
            busy.add(cadre)
    return chosen


def _choose(day: date, kind: DayKind, view: _View, ledger: Ledger) -> Assignment:
    """Take the first of the ledger among the eligible; else, rest relaxed, the longest rested present; else GAP."""
    candidates: Collection[str] = view.eligible or longest_rested(view.present, ledger.last)
    if not candidates:
        return Assignment(view.code, day, None, False, view.why(kind, 0, None))
    cadre = view.book.first(candidates, ledger.last, kind)
    balance = round(view.book.amount(cadre, MOVES[kind][0]))
    return Assignment(view.code, day, cadre, not view.eligible, view.why(kind, balance, ledger.last.get(cadre)))


def longest_rested(cadres: Iterable[str], last: Mapping[str, date]) -> list[str]:
    """Return those with the earliest last duty, in any centre; never served is earliest."""
    since = {cadre: last.get(cadre, date.min) for cadre in cadres}
    earliest = min(since.values(), default=date.min)
    return [cadre for cadre, day in since.items() if day == earliest]
