"""Half a year of follow-up visits in the made-up district: people -> care teams, statuses, contacts, issues -> rows.

It is as untidy as a real half-year: visits are recorded late and out of order, twice or with the wrong outcome first;
some elders have nobody for a role, some are forgotten, a death is recorded weeks after it, and one is visited later.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from flows.sample import District
from flows.sample_elders import Elder, Helper, make_elders, make_helpers
from flows.sample_files import write_register_files
from flows.sample_names import stream
from rules.registers.visits import ROLES

Rows = Iterator[dict[str, Any]]

EVERY = {"red": 7, "yellow": 27, "green": 80}
"""Days from one visit to the next, about."""
CHANNELS = {"home": ("MET", 74), "phone": ("PHONE", 22), "video": ("VIDEO", 4)}
FAILURES = {"NO_ANSWER": 60, "AWAY": 25, "REFUSED": 15}
FATES = {
    "": 905, "HOSPITAL": 30, "AWAY": 20, "MOVED inside": 10, "REFUSED": 10, "DEAD": 10, "INSTITUTION": 5, "MOVED": 10,
}  # fmt: skip
"""What becomes of a thousand elders in the half-year."""
ISSUE_KINDS = {"urgent": 8, "consult": 30, "help": 42, "other": 20}
ASKED = {
    "urgent": "家中水管爆裂",
    "consult": "咨询高龄津贴办理",
    "help": "要求加装扶手",
    "other": "反映楼道灯不亮",
}
NOTES = ("精神尚好", "血压偏高，已提醒服药", "膝盖疼，上下楼不便", "一切正常", "想参加社区活动")
SEND = ("helper", "elder", "pairing", "status", "contact", "issue")
"""The order in which the files go in."""


@dataclass(frozen=True, slots=True)
class Visits:
    """Who visits whom; the rows of the other registers follow from it, register by register."""

    made: District
    first: date
    last: date
    elders: list[Elder]
    helpers: list[Helper]
    teams: dict[str, list[tuple[str, str]]]
    fates: dict[str, list[dict[str, Any]]]


def visits(made: District, elders: int = 2000, helpers: int = 60, days: int = 181, last: date | None = None) -> Visits:
    """Make up the people of the district's follow-up visits and what became of them.

    Args:
        made: the district; its communities are those of its centres.
        elders: how many; 160,000 are a whole district.
        helpers: how many, the five roles in turn.
        days: how many days of contacts; 181 are half a year, and give 4 to 5 contacts an elder.
        last: the last of them; ten days before the district's month if not given.
    """
    last = last or made.first + timedelta(days=18)
    first = last - timedelta(days=days - 1)
    people = list(make_elders(made.seed, elders, made.centres, last, days))
    staff = make_helpers(made.seed, helpers, made.centres)
    rng = stream(made.seed, "fate")
    homes = [(centre.subdistrict, centre.community) for centre in made.centres]
    fates = {each.id_number: list(_fate(rng, each, homes, first, last)) for each in people}
    return Visits(made, first, last, people, staff, _teams(made, people, staff), fates)


def visit_rows(made: Visits) -> dict[str, Rows]:
    """Give the rows of each register, in file order, under the English column names."""
    return {
        "helper": ({name: getattr(each, name) for name in Helper.__slots__} for each in made.helpers),
        "elder": map(_elder_row, made.elders),
        "pairing": _pairings(made),
        "status": (row for rows in made.fates.values() for row in rows),
        "contact": _contacts(made),
        "issue": _issues(made),
    }


def write_visit_files(made: Visits, folder: Path) -> dict[str, list[Path]]:
    """Write the files that the district would send, by register, in the order in which they go in."""
    rows = visit_rows(made)
    told = {kind: list(rows[kind]) for kind in SEND}
    return {kind: write_register_files(made.made, kind, told[kind], folder) for kind in SEND if told[kind]}


def _elder_row(elder: Elder) -> dict[str, Any]:
    own = {name: getattr(elder, name) for name in Elder.__slots__ if name not in {"woman", "hukou"}}
    return {**own, "sex": "female" if elder.woman else "male", "hukou": elder.hukou or None}


def _teams(made: District, elders: Sequence[Elder], helpers: Sequence[Helper]) -> dict[str, list[tuple[str, str]]]:
    """Give each elder a care team of (role, helper): of the community, else of anywhere; some roles stay empty."""
    rng = stream(made.seed, "pairing")
    near: dict[tuple[str, str], list[str]] = defaultdict(list)
    for helper in helpers:
        for place in ("", helper.community):
            near[place, helper.role].append(helper.number)
    teams = {}
    for elder in elders:
        roles = [r for r in ROLES if rng.random() < (0.06 if elder.tier == "green" else 0.85)] or ["building"]
        some = [(role, near.get((elder.community, role)) or near["", role]) for role in roles]
        teams[elder.id_number] = [(role, rng.choice(numbers)) for role, numbers in some if numbers]
    return teams


def _pairings(made: Visits) -> Rows:
    """Say who helps whom; one in fifty care teams had another primary helper before."""
    rng = stream(made.made.seed, "pairing dates")
    numbers = [helper.number for helper in made.helpers]
    for elder in made.elders:
        since = max(elder.registered_on, made.first - timedelta(days=60))
        for place, (role, helper) in enumerate(made.teams[elder.id_number]):
            row = {"elder": elder.id_number, "helper": helper, "role": role, "primary": place == 0}
            change = made.first + timedelta(days=rng.randrange(10, (made.last - made.first).days))
            before = rng.choice(numbers)
            if place == 0 and since < change and before != helper and rng.random() < 0.02:
                yield {**row, "helper": before, "from": since, "until": change - timedelta(days=1)}
                yield {**row, "from": change, "until": None}
            else:
                yield {**row, "from": since, "until": None}


def _fate(rng: random.Random, elder: Elder, homes: Sequence[tuple[str, str]], first: date, last: date) -> Rows:
    """Give some elders a status within the days: with a return, without one, recorded late."""
    (said,) = rng.choices(list(FATES), list(FATES.values()))
    start = max(first, elder.registered_on)
    if not said or (last - start).days < 20:
        return
    since = start + timedelta(days=rng.randrange(5, (last - start).days))
    delay = timedelta(days=rng.randint(5, 30) if said == "DEAD" and rng.random() < 0.4 else rng.randint(0, 2))
    status, inside = said.removesuffix(" inside"), said.endswith("inside")
    office, community = rng.choice([home for home in homes if home[1] != elder.community] or homes)
    row = {"elder": elder.id_number, "from": since, "status": status}
    place = {"subdistrict": office if inside else None, "community": community if inside else None}
    offer = since + timedelta(days=60) if status == "REFUSED" and rng.random() < 0.5 else None
    yield {**row, **place, "reoffer_on": offer, "recorded_at": _evening(min(since + delay, last))}
    back = since + timedelta(days=rng.randint(3, 40))
    if status in {"HOSPITAL", "AWAY"} and back <= last and rng.random() < 0.8:
        nowhere = {"subdistrict": None, "community": None, "reoffer_on": None}
        yield {**row, "from": back, "status": "ACTIVE", **nowhere, "recorded_at": _evening(back)}


def _contacts(made: Visits) -> Rows:
    """Visit each elder about as often as the tier asks; one in fifty is forgotten in the last third."""
    rng = stream(made.made.seed, "contact")
    for elder in made.elders:
        rows = made.fates[elder.id_number]
        away = [(row["from"], row["status"]) for row in rows if row["community"] is None]
        start = max(made.first, elder.registered_on)
        until = made.last - timedelta(days=(made.last - start).days // 3) if rng.random() < 0.02 else made.last
        day, visited = start + timedelta(days=rng.randrange(EVERY[elder.tier])), start
        while day <= until:
            status = next((said for since, said in reversed(away) if since <= day), "ACTIVE")
            if status == "ACTIVE" or (status == "DEAD" and rng.random() < 0.05):
                yield from _visit(rng, elder, made.teams[elder.id_number], day, made.last)
                visited = day
            every = EVERY[elder.tier]
            day += timedelta(days=rng.randint(max(1, every - 2), every + 2 + every // 10))
        quiet = [made.last - timedelta(days=back) for back in range(9) if made.last - timedelta(days=back) > visited]
        if away == [] and len(quiet) >= 3 and rng.random() < 0.01:
            yield from _silence(rng, elder, made.teams[elder.id_number][0][1], quiet)


def _visit(rng: random.Random, elder: Elder, team: Sequence[tuple[str, str]], day: date, last: date) -> Rows:
    """Record one visit: often by another helper, sometimes late, sometimes twice, sometimes after a knock in vain."""
    helper = team[0][1] if rng.random() < 0.7 else rng.choice(team)[1]
    (channel,) = rng.choices(list(CHANNELS), [weight for _, weight in CHANNELS.values()])
    outcome = CHANNELS[channel][0] if rng.random() < 0.9 else rng.choices(list(FAILURES), list(FAILURES.values()))[0]
    late = timedelta(days=rng.randint(1, 20) if rng.random() < 0.08 else 0)
    at = datetime.combine(day, time(rng.randint(8, 17), rng.choice((0, 10, 15, 30, 45))))
    row = {"elder": elder.id_number, "helper": helper, "channel": channel, "outcome": outcome}
    note = rng.choice(NOTES) if rng.random() < 0.15 else None
    recorded = _evening(min(day + late, last))
    told = {**row, "occurred_at": at if rng.random() < 0.4 else day, "recorded_at": recorded, "note": note}
    yield told
    if rng.random() < 0.01:
        yield told
    if told["occurred_at"] is at and rng.random() < 0.02:
        yield {**told, "occurred_at": day, "recorded_at": _evening(min(day + timedelta(days=1), last))}
    if told["occurred_at"] is at and rng.random() < 0.03:
        yield {**told, "occurred_at": at - timedelta(minutes=30), "outcome": "NO_ANSWER", "note": None}


def _silence(rng: random.Random, elder: Elder, helper: str, days: Sequence[date]) -> Rows:
    """Three dates without an answer at the end."""
    for day in sorted(rng.sample(days, 3)):
        row = {"elder": elder.id_number, "helper": helper, "channel": "home", "outcome": "NO_ANSWER", "note": None}
        yield {**row, "occurred_at": day, "recorded_at": _evening(day)}


def _issues(made: Visits) -> Rows:
    """Let one elder in fifty raise a problem, and take it as far as the days allow."""
    rng, numbers = stream(made.made.seed, "issue"), count(1)
    cadres = [cadre.number for cadre in made.made.cadres]
    for elder in made.elders:
        if rng.random() < 0.02:
            opened = max(made.first, elder.registered_on) + timedelta(days=rng.randrange(1, 170))
            if opened <= made.last:
                number = f"S{opened.year}-{next(numbers):04d}"
                yield from _issue(rng, number, elder, _moment(rng, opened), made.last, rng.choice(cadres))


def _issue(rng: random.Random, number: str, elder: Elder, at: datetime, last: date, cadre: str) -> Rows:
    (kind,) = rng.choices(list(ISSUE_KINDS), list(ISSUE_KINDS.values()))
    waits = ("wait", "approve", "resume") if rng.random() < 0.2 else ()
    again = ("assign", "resolve", "verify") if rng.random() < 0.1 else ()
    answers = [False, True] if again else [True]
    row = {"number": number, "elder": elder.id_number, "kind": kind}
    for event in ("open", "assign", *waits, "resolve", "verify", *again, "close"):
        if at.date() > last:
            return
        satisfied = answers.pop(0) if event == "verify" else None
        note = ASKED[kind] if event == "open" else None
        yield {**row, "event": event, "at": at, "actor": cadre, "satisfied": satisfied, "note": note}
        at += timedelta(hours=rng.choice((1, 3, 20, 26, 50, 75)), minutes=rng.randint(0, 59))


def _moment(rng: random.Random, day: date) -> datetime:
    return datetime.combine(day, time(rng.randint(9, 16), rng.randrange(60)))


def _evening(day: date) -> datetime:
    return datetime.combine(day, time(18, 30))
