"""The elder map as one self-contained page: communities -> cards of marks in SVG -> HTML that prints on A4."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from rules.errors import say
from rules.registers import Lang

if TYPE_CHECKING:
    from flows.elder_map import Building, Community  # which imports this module

PER_ROW, STEP = 18, 17
"""Marks in a row of a card, and pixels from one to the next."""


class Drawn(NamedTuple):
    """One mark where it stands: `kind` is the symbol, `title` what the screen shows under the pointer."""

    kind: str
    x: int
    y: int
    short: bool
    title: str


def render(communities: "Sequence[Community]", day: date, district: str, within: Mapping[str, int], lang: Lang) -> str:
    """Return the page.

    Args:
        communities: one sheet each.
        day: as of.
        district: its name.
        within: by tier, within how many days an elder is to have been seen.
        lang: of the page.
    """
    return _template().render(
        communities=communities, day=day, district=district, within=within, lang=lang, say=say, draw=draw, rows=rows
    )


def draw(building: "Building") -> Iterator[Drawn]:
    """Yield the marks of a building, in rows, those most in need first."""
    for place, mark in enumerate(building.marks):
        row, column = divmod(place, PER_ROW)
        kind = mark.tier + ("" if mark.seen else "-late" if mark.seen is False else "-away")
        ago = say("从未见到", "never seen") if mark.days is None else say(f"{mark.days}天前", f"{mark.days} days ago")
        yield Drawn(kind, column * STEP, row * STEP, mark.whole is False, f"{mark.ref} {ago}")


def rows(building: "Building") -> int:
    """Return how many rows the marks of a building take."""
    return -(-len(building.marks) // PER_ROW)


@cache
def _template() -> Template:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return made.get_template("elder_map.html")
