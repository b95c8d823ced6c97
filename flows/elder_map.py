"""The elder map 敬老地图: residents -> a sheet a community, a card a building -> a page to print, or a workbook.

Coarse on purpose: tier, how long ago, whether the care team is whole; no name, no diagnosis, no address below the
building, and nothing is fetched from anywhere. It is still for authorised staff alone, so it takes --reveal.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlmodel import Session

from flows.duty_sheets import QUIET, RED, WHITE, Looks, Piece, banner, put, tab_names
from flows.elder_map_page import render
from flows.failures import writing
from flows.forms_rows import ACCENT, LINE, page, whole_file, workbook_at
from flows.settings import Settings
from models.residents import Resident, place_of, residents
from models.visit_month import homes
from policies.visits import visits
from rules.errors import say
from rules.visits_clock import Clock
from rules.visits_facts import TIERS
from rules.visits_list import ROLES

LISTED = 3
"""So many elders of a building, not seen for longest, are named by reference on its card."""
YELLOW_DAYS = 31
"""The longest month: who was seen within it was seen in the quota's time."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One elder as the map shows them; `seen` and `whole` are None where nothing is owed: paused, no team owed."""

    ref: str
    tier: str
    days: int | None
    seen: bool | None
    whole: bool | None


@dataclass(frozen=True, slots=True)
class Building:
    """The elders of one building, those most in need first."""

    name: str
    marks: list[Mark]

    def of(self, tier: str) -> int:
        """Count the elders of a tier."""
        return sum(mark.tier == tier for mark in self.marks)

    @property
    def unseen(self) -> int:
        """Count those not seen within their tier's time."""
        return sum(mark.seen is False for mark in self.marks)

    @property
    def teams(self) -> tuple[int, int]:
        """Count the whole care teams, and those owed."""
        owed = [mark.whole for mark in self.marks if mark.whole is not None]
        return sum(owed), len(owed)

    @property
    def longest(self) -> list[Mark]:
        """Return those not seen within their time, longest first; never seen is longest."""
        late = [mark for mark in self.marks if mark.seen is False]
        late.sort(key=lambda mark: (mark.days is not None, -(mark.days or 0), mark.ref))
        return late[:LISTED]


@dataclass(frozen=True, slots=True)
class Community:
    """One sheet of the map."""

    name: str
    buildings: list[Building]

    @property
    def whole(self) -> Building:
        """All its elders as one, for the totals at the top."""
        return Building("", [mark for building in self.buildings for mark in building.marks])


def write_elder_map(session: Session, settings: Settings, district: int, day: date, to: Path) -> int:
    """Write the map of a day: .xlsx one workbook, .html one page for all, else a folder with a page a community.

    Args:
        session: reading.
        settings: policy and names.
        district: district id.
        day: who lives where, as of it.
        to: file or folder.

    Returns:
        How many elders are on it.

    Raises:
        CannotWrite: the file or folder cannot be made.
    """
    clock = visits(day, settings.policy).clock
    sheets = _communities(session, district, day, clock)
    if to.suffix.lower() == ".xlsx":
        _write_workbook(to, sheets, day)
    elif to.suffix.lower() == ".html":
        _write_page(to, sheets, day, settings, clock)
    else:
        with writing(to):
            to.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number, sheet in enumerate(sheets, start=1):
            name = re.sub(r"[^\w·-]+", "", sheet.name)[:60]
            _write_page(to / f"{number:02}-{name}.html", [sheet], day, settings, clock)
    return sum(len(sheet.whole.marks) for sheet in sheets)


def seen_within(clock: Clock) -> dict[str, int]:
    """Return by tier within how many days an elder is to have been seen."""
    return {"red": clock.red.every_days or 7, "yellow": YELLOW_DAYS, "green": clock.green.every_days or 90}


def _communities(session: Session, district: int, day: date, clock: Clock) -> list[Community]:
    within = seen_within(clock)
    found: dict[int, dict[str, list[Mark]]] = defaultdict(lambda: defaultdict(list))
    for one in residents(session, district, day):
        found[one.community_id][one.building].append(_mark(one, day, within))
    return [
        Community(place_of(home), [_building(name, marks) for name, marks in sorted(found[number].items(), key=_order)])
        for number, home in homes(session, district).items()
    ]


def _order(item: tuple[str, Any]) -> tuple[bool, list[tuple[int, str]]]:
    """Buildings as numbers: 3 before 12; those without a name last."""
    parts = re.split(r"(\d+)", item[0])
    return not item[0], [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _building(name: str, marks: Iterable[Mark]) -> Building:
    ordered = sorted(marks, key=lambda mark: (TIERS.index(mark.tier), mark.seen is not False, mark.ref))
    return Building(name or say("未登记楼栋", "no building"), ordered)


def _mark(one: Resident, day: date, within: dict[str, int]) -> Mark:
    days = None if one.last_contact is None else (day - one.last_contact).days
    owed = one.status == "ACTIVE"
    seen = (days is not None and days <= within[one.tier]) if owed else None
    return Mark(one.ref, one.tier, days, seen, set(ROLES) <= one.roles if one.special else None)


def _write_page(to: Path, sheets: Sequence[Community], day: date, settings: Settings, clock: Clock) -> None:
    text = render(sheets, day, settings.district_name, seen_within(clock), settings.lang)
    with whole_file(to) as part:
        part.write_text(text, encoding="utf-8")


WIDTHS = (26, 8, 8, 8, 8, 14, 14, 12, 46)


def _write_workbook(to: Path, sheets: Sequence[Community], day: date) -> None:
    with workbook_at(to) as book:
        looks = Looks(book)
        labels = [(f"{number:02}", sheet.name.rpartition(" · ")[2]) for number, sheet in enumerate(sheets, start=1)]
        for name, community in zip(tab_names(labels), sheets, strict=True):
            sheet = book.add_worksheet(name)
            for column, width in enumerate(WIDTHS):
                sheet.set_column(column, column, width)
            banner(sheet, looks, (6, 3), say(f"敬老地图 {community.name}", f"Elder map {community.name}"), str(day))
            head = {"bold": True, "font_color": WHITE, "bg_color": ACCENT, "align": "center"}
            heads = say(
                "楼栋|红|黄|绿|合计|未按期见到|最久未见(天)|五人齐全|久未见到的老人编号",
                "building|red|yellow|green|all|not seen in time|longest (days)|full team|not seen for longest",
            )
            put(sheet, 2, 0, [(1, text, head) for text in heads.split("|")], looks)
            rows = [*community.buildings, Building(say("合计", "all"), community.whole.marks)]
            for row, building in enumerate(rows, start=3):
                put(sheet, row, 0, _line(building, total=building is rows[-1]), looks)
            sheet.freeze_panes(3, 1)
            page(sheet, header_row=2)
        if not sheets:
            put(book.add_worksheet("-"), 0, 0, [(1, say("没有社区", "no community"), {"font_color": QUIET})], looks)


def _line(building: Building, *, total: bool) -> list[Piece]:
    look: dict[str, Any] = {"bottom": 1, "bottom_color": LINE, "bold": total}
    middle = look | {"align": "center", "num_format": "0;-0;–"}
    full, owed = building.teams
    late = building.longest
    longest = (say("从未", "never") if late[0].days is None else late[0].days) if late else "—"
    return [
        (1, building.name, look),
        *((1, building.of(tier), middle) for tier in TIERS),
        (1, len(building.marks), middle),
        (1, building.unseen, middle | ({"font_color": RED} if building.unseen else {})),
        (1, longest, middle),
        (1, f"{full}/{owed}" if owed else "—", middle),
        (1, "" if total else say("、", ", ").join(mark.ref for mark in late), look),
    ]
