"""Five-helps-one 五帮一 as a file: residents and helpers -> missing roles, proposals, overloads, a line a community."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlmodel import Session

from flows.forms_rows import workbook_at, write_rows, write_sheet
from flows.settings import Settings
from models.care import care_teams, carers
from models.helper import helper_contacts
from models.residents import Resident, elder_names, place_of, residents
from models.visit_month import Home, homes
from policies.visits import visits
from rules.errors import say
from rules.five_helps import CaredFor, Coverage, coverage
from rules.registers.visits import ROLES as NAMES
from rules.visits_list import ROLES

ROLE_NAMES = {"party": "party member", "building": "building head", "women": "women's volunteer"}
Rows = list[list[Any]]


@dataclass(frozen=True, slots=True)
class _Report:
    """What the sheets are made of; names are empty unless revealed."""

    owed: list[Resident]
    found: Coverage
    places: Mapping[int, Home]
    elders: Mapping[str, str]
    helpers: Mapping[str, str]
    reveal: bool


def write_care_team(session: Session, settings: Settings, district: int, day: date, to: Path, *, reveal: bool) -> int:
    """Write who lacks whom on a day: .xlsx with three sheets, .csv the missing roles alone.

    Args:
        session: reading.
        settings: policy and language.
        district: district id.
        day: pairings, tiers and places as of it.
        to: the file.
        reveal: with names of elders and helpers.

    Returns:
        How many roles are missing.
    """
    owed = [one for one in residents(session, district, day) if one.special]
    found = _coverage(session, settings, district, day, owed)
    elders, helpers = _names(session, district, found) if reveal else ({}, {})
    report = _Report(owed, found, homes(session, district), elders, helpers, reveal)
    missing = _missing(report)
    if to.suffix.lower() == ".csv":
        write_rows(to, *missing)
        return len(found.missing)
    with workbook_at(to) as book:
        sheets = ((say("各社区", "Communities"), _summary(report)), (say("缺岗与建议", "Missing"), missing))
        for title, (headers, rows) in (*sheets, (say("超负荷", "Overloaded"), _overloaded(report))):
            write_sheet(book, book.add_worksheet(title), headers, rows, settings.lang)
    return len(found.missing)


def _coverage(session: Session, settings: Settings, district: int, day: date, owed: Sequence[Resident]) -> Coverage:
    people = [CaredFor(one.ref, str(one.community_id), one.building) for one in owed]
    rule = visits(day, settings.policy).care_team
    return coverage(people, carers(session, district), care_teams(session, district, day), rule)


def _names(session: Session, district: int, found: Coverage) -> tuple[dict[str, str], dict[str, str]]:
    numbers = {each.helper for each in found.missing if each.helper} | {each.helper for each in found.overloaded}
    people = helper_contacts(session, district, numbers)
    elders = elder_names(session, {each.elder for each in found.missing})
    return elders, {number: contact.name for number, contact in people.items()}


def role_name(role: str) -> str:
    """Name a role of the care team."""
    return say(NAMES[role], ROLE_NAMES.get(role, role))


def _missing(report: _Report) -> tuple[list[str], Rows]:
    """Elder, community, building, role and who is proposed; names in columns of their own."""
    where = {one.ref: one for one in report.owed}
    headers = [say("老人编号", "elder"), say("社区", "community"), say("楼栋", "building"), say("缺少角色", "missing")]
    headers += [say("建议帮扶人", "proposed"), say("依据", "because")]
    rows: Rows = []
    for gap in report.found.missing:
        one = where[gap.elder]
        because = say("同楼栋", "same building") if gap.same_building else say("同社区", "same community")
        because = because if gap.helper else say("本社区无人有余力", "nobody of the community has room")
        row = [gap.elder, place_of(report.places[one.community_id]), one.building, role_name(gap.role)]
        row += [gap.helper or "", because]
        rows.append(
            row + ([report.elders[gap.elder], report.helpers.get(gap.helper or "", "")] if report.reveal else [])
        )
    if report.reveal:
        headers += [say("老人姓名", "elder's name"), say("建议帮扶人姓名", "helper's name")]
    return headers, rows


def _summary(report: _Report) -> tuple[list[str], Rows]:
    """A line a community: elders with special difficulties, full teams, share, missing of each role."""
    owed = Counter(one.community_id for one in report.owed)
    where = {one.ref: one.community_id for one in report.owed}
    lacking = Counter((where[gap.elder], gap.role) for gap in report.found.missing)
    short = Counter(where[elder] for elder in {gap.elder for gap in report.found.missing})
    headers = [
        say("社区", "community"),
        say("应配老人", "elders"),
        say("五人齐全", "full team"),
        say("齐全率%", "full %"),
    ]
    headers += [say(f"缺{role_name(role)}", f"no {role_name(role)}") for role in ROLES]
    rows: Rows = []
    for number, home in report.places.items():
        full = owed[number] - short[number]
        share = full * 1000 // owed[number] / 10 if owed[number] else None
        rows.append([place_of(home), owed[number], full, share, *(lacking[number, role] for role in ROLES)])
    return headers, [*rows, _total(rows)] if len(rows) > 1 else rows


def _total(rows: Rows) -> list[Any]:
    """The line of the whole district: sums, and the share of the sums."""
    owed, full, *lacking = (sum(row[column] for row in rows) for column in (1, 2, *range(4, 4 + len(ROLES))))
    return [say("合计", "total"), owed, full, full * 1000 // owed / 10 if owed else None, *lacking]


def _overloaded(report: _Report) -> tuple[list[str], Rows]:
    headers = [say("帮扶人编号", "helper"), say("老人数", "elders"), say("上限", "limit")]
    rows = [
        [each.helper, each.elders, each.limit, *([report.helpers[each.helper]] if report.reveal else [])]
        for each in report.found.overloaded
    ]
    return headers + ([say("帮扶人姓名", "helper's name")] if report.reveal else []), rows
