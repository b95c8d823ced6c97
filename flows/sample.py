"""A made-up district: seed -> nouns, each from its own stream -> register rows; flows/sample_files.py writes them.

Xishan 西山区 (530112) in outline: ten sub-districts, 33 centres, 985 cadres. Nobody in it is real, and none of its
phones and addresses reaches anyone (flows/sample_names.py says why).
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate, pairwise

from flows.sample_names import Cadre, Centre, Subdistrict, make_cadres, make_centres, make_subdistricts, stream

LEAVE_KINDS = {
    "annual": (45, 1, 7),
    "sick": (25, 1, 12),
    "personal": (15, 1, 3),
    "official": (15, 2, 6),
    "maternity": (0.3, 158, 158),
}
"""How often in a hundred, the fewest and the most days; 158 = 98 + 60 days in Yunnan."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One cadre on one centre's roster (花名册), both days included; no `until` means for good."""

    cadre: Cadre
    centre: str
    since: date
    until: date | None
    head: bool

    def covers(self, since: date, until: date) -> bool:
        """Say whether all days from `since` to `until` lie on the roster."""
        return self.since <= since and (self.until is None or until <= self.until)


@dataclass(frozen=True, slots=True)
class Leave:
    """One leave of one person (请假), both days included."""

    person: str
    since: date
    until: date
    kind: str


@dataclass(frozen=True, slots=True)
class District:
    """All nouns of one made-up district; `first` and `last` bound the three months that it shows."""

    seed: int
    name: str
    code: str
    first: date
    last: date
    subdistricts: list[Subdistrict]
    centres: list[Centre]
    cadres: list[Cadre]
    postings: list[Posting]
    leaves: list[Leave]


def district(seed: int = 530112, centres: int = 33, cadres: int = 985, month: date = date(2026, 3, 1)) -> District:
    """Make up a district around `month`: the month before, itself and the month after are full of comings and goings.

    Raises:
        ValueError: fewer than three cadres a centre.
    """
    if not 1 <= centres <= cadres // 3:
        raise ValueError(f"{cadres} cadres cannot staff {centres} centres; ask for three or more a centre")
    first, last = _month_start(month, -1), _month_start(month, 2) - timedelta(days=1)
    offices = list(make_subdistricts(seed))
    places = list(make_centres(seed, centres))
    people = list(make_cadres(seed, cadres))
    postings = list(_postings(seed, places, people, first, last))
    leaves = list(_leaves(seed, postings, first, last))
    return District(seed, "西山区", "530112", first, last, offices, places, people, postings, leaves)


def register_rows(made: District) -> dict[str, list[dict[str, object]]]:
    """Give the rows of each register, in file order, under the English column names."""
    return {
        "subdistrict": [{"name": s.name, "phone": s.phone, "email": s.email} for s in made.subdistricts],
        "centre": [{column: getattr(c, column) for column in Centre.__slots__} for c in made.centres],
        "cadre": [_roster_row(posting) for posting in made.postings],
        "leave": [{"person": x.person, "from": x.since, "until": x.until, "type": x.kind} for x in made.leaves],
    }


def _month_start(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def _roster_row(posting: Posting) -> dict[str, object]:
    cadre = posting.cadre
    person = {"number": cadre.number, "name": cadre.name, "phone": cadre.phone, "email": cadre.email}
    term = {"centre": posting.centre, "from": posting.since, "until": posting.until, "head": posting.head}
    return {**person, **term, "rest_day_exempt": cadre.rest_day_exempt}


def _sizes(rng: random.Random, centres: int, cadres: int) -> list[int]:
    """Staff per centre, adding up to `cadres`: one in eleven has 3-6, the others lie within 30 % of their mean."""
    tiny = {i: 3 + k % 4 for k, i in enumerate(rng.sample(range(centres), centres // 11))}
    weights = [0.0 if i in tiny else rng.uniform(0.7, 1.3) for i in range(centres)]
    left, total = cadres - sum(tiny.values()), sum(weights)
    edges = [round(left * reached / total) for reached in accumulate(weights, initial=0.0)]
    return [tiny.get(i, above - below) for i, (below, above) in enumerate(pairwise(edges))]


def _postings(seed: int, centres: Sequence[Centre], cadres: list[Cadre], first: date, last: date) -> Iterator[Posting]:
    """Staff each centre in number order: a head, and cadres some of whom come, go, move or serve next door too.

    Centres of six and fewer lend and borrow nobody, so that they are the hard case on each day.
    """
    rng = stream(seed, "posting")
    sizes = _sizes(rng, len(centres), len(cadres))
    large = [centre.code for centre, size in zip(centres, sizes, strict=True) if size > 6]
    next_door = dict(pairwise([*large, *large[:1]])) if len(large) > 1 else {}
    waiting = iter(cadres)
    for centre, size in zip(centres, sizes, strict=True):
        head = rng.randrange(size)
        for place in range(size):
            since = first - timedelta(days=rng.randint(30, 2500))
            stay = Posting(next(waiting), centre.code, since, None, place == head)
            steady = stay.head or centre.code not in next_door
            yield from [stay] if steady else _changes(rng, stay, next_door[centre.code], first, last)


def _changes(rng: random.Random, stay: Posting, next_door: str, first: date, last: date) -> Iterator[Posting]:
    """Make some postings a joiner's, a leaver's, a mover's, a shared cadre's or a contract's; `fate` is per mille."""
    fate = rng.randrange(1000)
    day = first + timedelta(days=rng.randrange(1, (last - first).days))
    if fate < 12:
        yield replace(stay, since=day)
    elif fate < 28:
        yield replace(stay, until=day)
    elif fate < 36:
        yield stay
    else:
        yield stay if fate < 900 else replace(stay, until=date(last.year, 12, 31))
    if 24 <= fate < 28:
        yield replace(stay, centre=next_door, since=day + timedelta(days=1))
    if 28 <= fate < 36:
        yield replace(stay, centre=next_door, since=first - timedelta(days=rng.randint(0, 29)))


def _leaves(seed: int, postings: Sequence[Posting], first: date, last: date) -> Iterator[Leave]:
    """Give each centre one leave after the other on as many lines as its size bears: 1-3 people away on most days."""
    rng = stream(seed, "leave")
    rosters = defaultdict(list)
    for posting in postings:
        rosters[posting.centre].append(posting)
    taken: dict[str, list[Leave]] = defaultdict(list)
    for staff in rosters.values():
        gaps = [(0, 1), (0, 4), (3, 12)][: 1 + len(staff) // 16] if len(staff) > 8 else [(6, 25)]
        for gap in gaps:
            yield from _line(rng, staff, taken, gap, first, last)


def _line(
    rng: random.Random,
    staff: Sequence[Posting],
    taken: dict[str, list[Leave]],
    gap: tuple[int, int],
    first: date,
    last: date,
) -> Iterator[Leave]:
    """Put leaves in a row with `gap` days between; the one that covers the first day is as likely as it is long."""
    day, opening = first, True
    while day <= last:
        kind, days = _kind(rng, by_length=opening)
        since = day - timedelta(days=rng.randrange(days)) if opening else day
        until = since + timedelta(days=days - 1)
        asking = rng.sample(staff, min(8, len(staff)))
        taker = next((p.cadre.number for p in asking if _may_take(p, kind, since, until, taken)), None)
        if taker is not None:
            taken[taker].append(Leave(taker, since, until, kind))
            yield taken[taker][-1]
            day = until + timedelta(days=rng.randint(*gap))
        day, opening = day + timedelta(days=1), False


def _kind(rng: random.Random, *, by_length: bool) -> tuple[str, int]:
    weights = [often * (fewest + most if by_length else 1) for often, fewest, most in LEAVE_KINDS.values()]
    (kind,) = rng.choices(list(LEAVE_KINDS), weights)
    return kind, rng.randint(*LEAVE_KINDS[kind][1:])


def _may_take(posting: Posting, kind: str, since: date, until: date, taken: dict[str, list[Leave]]) -> bool:
    fits = posting.covers(since, until) and (posting.cadre.woman or kind != "maternity")
    return fits and all(x.until < since or until < x.since for x in taken[posting.cadre.number])
