"""Planning a month by the rule alone: no database, the facts already in memory.

Floor A, "the rule alone": the rule written down by hand for centres without leave or shared cadres. Three accounts per
cadre in plain lists; each day everyone present is credited, the eligible are those whose last duty lies `gap` days
back, the highest tuple of balances, then the longest rested, then the lowest number serves and is debited. It returns
(centre, date, cadre) and no reasons. The bench refuses to run unless its roster is ours, duty for duty.

Floor B, the barest loop: one account, k credits, one `max` and one debit a day; no rest rule, no kinds of day, no
roster. It plans nothing; it is what Python needs to touch k numbers a day.

Ours is rules.duty.plan, from facts to assignments with the numbers of why: for the even centres of the floors, and for
the made-up district of flows.sample, whose cadres go on leave, come, go, are exempt on rest days and shared.
"""

from collections.abc import Sequence
from datetime import date

from bench.timing import Line, in_turn, mb, ratio
from flows.sample import District, district
from models.calendar import year_days
from rules.calendar import Day, DayKind, month_dates
from rules.duty import Assignment, Centre, Facts, Leave, Membership, Policy, plan
from rules.ledger import U

MONTH, GAP, CADRES = "2026-03", 3, 30
Pick = tuple[str, date, str]


def figures(*, quick: bool) -> list[Line]:
    """Compare ours with both floors."""
    centres, repeats = (330, 2) if quick else (3300, 5)
    first, last = month_dates(MONTH)
    days = [day for day in year_days(first.year) if first <= day.date <= last]
    even, real = _even(centres, days), _real(district(centres=centres, cadres=centres * CADRES), days)
    cadres = [place.cadre for place in even.memberships]
    rosters = {each.code: cadres[at * CADRES :][:CADRES] for at, each in enumerate(even.centres)}
    same = [(new.centre, new.date, new.cadre) for new in _ours(even, days)]
    assert sorted(naive(rosters, days)) == sorted(same), "floor A must decide as we do"
    rule, bare, mine, untidy = in_turn(
        repeats,
        lambda: naive(rosters, days),
        lambda: barest(rosters, days),
        lambda: _ours(even, days),
        lambda: _ours(real, days),
    )
    size = f"{centres} x {CADRES} x {len(days)}"
    return [
        Line("plan, the rule alone", size, mine, rule, ratio(mine, rule), "1.5", mb(mine)),
        Line("  beside the barest loop", size, mine, bare, ratio(mine, bare)),
        Line("  of an untidy district", size, untidy, rule, ratio(untidy, rule), "", mb(untidy)),
    ]


def naive(rosters: dict[str, list[str]], days: Sequence[Day]) -> list[Pick]:
    """Floor A: decide every centre, day by day, with three plain lists a centre."""
    chosen: list[Pick] = []
    for centre, cadres in rosters.items():
        everyone, credit = range(len(cadres)), U // len(cadres)
        statutory, rest, every, last = ([0] * len(cadres) for _ in range(4))
        moved: dict[DayKind, tuple[list[int], ...]]
        moved = {"work": (every,), "rest": (rest, every), "statutory": (statutory, rest, every)}
        for day in days:
            today, accounts = day.date.toordinal(), moved[day.kind]
            eligible = [i for i in everyone if today - last[i] >= GAP]
            if day.kind == "work":
                first = max(eligible, key=lambda i: (every[i], -last[i], -i))
            elif day.kind == "rest":
                first = max(eligible, key=lambda i: (rest[i], every[i], -last[i], -i))
            else:
                first = max(eligible, key=lambda i: (statutory[i], rest[i], every[i], -last[i], -i))
            for account in accounts:
                for i in everyone:
                    account[i] += credit
                account[first] -= U
            last[first] = today
            chosen.append((centre, day.date, cadres[first]))
    return chosen


def barest(rosters: dict[str, list[str]], days: Sequence[Day]) -> None:
    """Floor B: k credits, one max, one debit."""
    for cadres in rosters.values():
        balances, credit = [0] * len(cadres), U // len(cadres)
        for _ in days:
            balances = [balance + credit for balance in balances]
            balances[balances.index(max(balances))] -= U


def _ours(known: Facts, days: Sequence[Day]) -> list[Assignment]:
    dates = [day.date for day in days]
    return plan(known.centres, known.memberships, known.leaves, known.slots, dates, known.calendar, Policy(GAP))


def _even(count: int, days: Sequence[Day]) -> Facts:
    """Make centres with the same number of cadres, all present on all days."""
    centres = [Centre(f"C{n:04d}") for n in range(count)]
    places = [Membership(f"{c.code}-{n:02d}", c.code, date(2025, 1, 1), None) for c in centres for n in range(CADRES)]
    return Facts(centres, places, [], [], {day.date: day for day in days})


def _real(made: District, days: Sequence[Day]) -> Facts:
    return Facts(
        [Centre(each.code, each.opens_on_rest_days) for each in made.centres],
        [
            Membership(each.cadre.number, each.centre, each.since, each.until, each.head, each.cadre.rest_day_exempt)
            for each in made.postings
        ],
        [Leave(each.person, each.since, each.until, each.kind) for each in made.leaves],
        [],
        {day.date: day for day in days},
    )
