"""The elders and helpers of the made-up district: seed -> people with valid ID numbers of an area nobody ever had.

Names, telephones and places come from where the cadres' do (flows/sample_names.py). 990112 is no area code, for 99 was
never a province: no number here is anybody's, though every check character is right.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flows.sample_names import DOMAIN, Centre, full_names, phones, stream
from rules.identity import check_character
from rules.registers.elders import CATEGORIES
from rules.registers.visits import ROLES

AREA = "990112"
TIER_SHARES = {"red": 6, "yellow": 24, "green": 70}
CAPACITY = {"party": (2, 4), "building": (4, 7), "women": (3, 5), "police": (1, 3), "gate": (4, 6)}
"""Fewest and most visits a day, by role."""
HARD = ("alone", "disabled", "severely_handicapped")
SOFT = ("alone", "empty_nest", "left_behind", "bereaved_family")
_LEAP = (date(1936, 2, 29), date(1940, 2, 29), date(1944, 2, 29), date(1948, 2, 29))


@dataclass(frozen=True, slots=True)
class Elder:
    """One elder, as the register has it."""

    id_number: str
    name: str
    woman: bool
    birth_date: date
    phone: str
    address: str
    subdistrict: str
    community: str
    building: str
    hukou: str
    categories: tuple[str, ...]
    tier: str
    registered_on: date
    emergency_name: str
    emergency_phone: str


@dataclass(frozen=True, slots=True)
class Helper:
    """One helper; without a community one for the whole district."""

    number: str
    name: str
    phone: str
    email: str
    community: str
    role: str
    team: str
    capacity: int


def make_helpers(seed: int, count: int, centres: Sequence[Centre]) -> list[Helper]:
    """Number the helpers H0001 and on, the five roles in turn over the communities; one in thirty rests at present."""
    rng = stream(seed, "helper")
    names = full_names(stream(seed, "helper name"), [rng.random() < 0.6 for _ in range(count)])
    roles = list(ROLES)
    made = []
    for n, (name, phone) in enumerate(zip(names, phones(seed, "helper", count), strict=True)):
        role, place = roles[n % len(roles)], centres[n // len(roles) * 7 % len(centres)].community
        number, capacity = f"H{n + 1:04d}", rng.randint(*CAPACITY[role])
        team = f"{place}{ROLES[role]}组"
        community = "" if role == "police" else place
        resting = rng.random() < 0.03
        made.append(
            Helper(number, name, phone, f"{number.lower()}@{DOMAIN}", community, role, team, 0 if resting else capacity)
        )
    return made


def make_elders(seed: int, count: int, centres: Sequence[Centre], last: date, days: int) -> Iterator[Elder]:
    """Make up the elders registered by `last`; some of them within the `days` before it."""
    rng = stream(seed, "elder")
    women = [rng.random() < 0.56 for _ in range(count)]
    names = full_names(stream(seed, "elder name"), women)
    relatives = full_names(stream(seed, "emergency name"), [rng.random() < 0.5 for _ in range(count)])
    numbers = _Numbers()
    lines = zip(women, names, relatives, phones(seed, "elder", count), phones(seed, "emergency", count), strict=True)
    weights = [rng.uniform(0.5, 2.0) for _ in centres]
    (*tiers,) = rng.choices(list(TIER_SHARES), list(TIER_SHARES.values()), k=count)
    places = rng.choices(centres, weights, k=count)
    for tier, place, (woman, name, relative, phone, family) in zip(tiers, places, lines, strict=True):
        born = _born(rng, last)
        house, lonely = rng.randint(1, 40), rng.random() < 0.12
        address = f"{place.address.rstrip('0123456789号')}{rng.randint(1, 299)}号{house}栋{rng.randint(101, 1804)}室"
        yield Elder(
            id_number=numbers.next(born, woman=woman),
            name=name,
            woman=woman,
            birth_date=born,
            phone=phone if rng.random() < 0.9 else "",
            address=address,
            subdistrict=place.subdistrict,
            community=place.community,
            building=f"{house} 栋",
            hukou=rng.choices(["district", "other", ""], [88, 10, 2])[0],
            categories=_categories(rng, tier),
            tier=tier,
            registered_on=_registered(rng, last, days),
            emergency_name="" if lonely else relative,
            emergency_phone="" if lonely else family,
        )


class _Numbers:
    """ID numbers, each once: the serials of one birth date and sex are given out in turn."""

    def __init__(self) -> None:
        self._given: dict[tuple[date, bool], int] = {}

    def next(self, born: date, *, woman: bool) -> str:
        """Return the next number; an odd serial is a man's."""
        serial = self._given.get((born, woman), 2 if woman else 1)
        self._given[born, woman] = serial + 2
        body = f"{AREA}{born:%Y%m%d}{serial:03d}"
        return body + check_character(body)


def _born(rng: random.Random, last: date) -> date:
    """Sixty to a hundred and four years old, fewer with each year; one in fifty on 29 February."""
    if rng.random() < 0.02:
        return rng.choice(_LEAP)
    years = 60 + min(int(rng.expovariate(1 / 13)), 44)
    return last - timedelta(days=round(years * 365.25) + rng.randrange(1, 365))


def _categories(rng: random.Random, tier: str) -> tuple[str, ...]:
    if tier == "green":
        found = set(rng.sample(SOFT, 1)) if rng.random() < 0.25 else set()
    else:
        found = set(rng.sample(HARD if tier == "red" else SOFT, 1 + (rng.random() < 0.3)))
    return tuple(category for category in CATEGORIES if category in found)


def _registered(rng: random.Random, last: date, days: int) -> date:
    """Most were registered before the days that the sample shows."""
    since = rng.randrange(days) if rng.random() < 0.04 else days + rng.randrange(1, 1200)
    return last - timedelta(days=since)
