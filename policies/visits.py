"""The rule book of visits: policies/visits.yaml -> the versions of its clocks, and everything in force on a day."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from policies.book import BadPolicy, check_names, in_force, whole
from rules.errors import NoPolicyInForce
from rules.five_helps import CareRule
from rules.issues import IssueRule, Limit
from rules.issues_log import ISSUE_KINDS
from rules.visits_clock import Clock, Clocks, TierClock
from rules.visits_facts import TIERS
from rules.visits_list import ListRule
from rules.visits_unreachable import Unreachable

_KEYS = ("since", "source", "clocks", "reoffer", "list", "unreachable", "issues", "kpi", "care_team")
_EVERY_TIER = ("first_days", "return_days", "ahead_days")
_OF_TIER = {"red": ("every_days",), "yellow": (), "green": ("every_days", "grace_workdays")}
_LIMIT = re.compile(r"([1-9][0-9]*) (workdays|hours)")


@dataclass(frozen=True, slots=True)
class VisitsPolicy:
    """One version of policies/visits.yaml."""

    since: date
    source: str
    clock: Clock
    list: ListRule
    forecast_days: int
    unreachable: Unreachable
    issues: IssueRule
    eligible_days: int
    care_team: CareRule


def visits(day: date, overlay: Path | None = None) -> VisitsPolicy:
    """Return the visits policy in force on `day`.

    Raises:
        NoPolicyInForce: no version covers the day.
        BadPolicy: the version cannot be understood.
    """
    version = in_force("visits", day, overlay)
    try:
        return _read(version)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        files = f"visits.yaml + {overlay}" if overlay else "visits.yaml"
        raise BadPolicy("visits", f"{files}, since {version['since']}: {error}") from error


def clocks(day: date, overlay: Path | None = None) -> Clocks:
    """Return all versions of the clocks up to the one in force on `day`: a task keeps the one it started under."""
    found = [visits(day, overlay).clock]
    try:
        while True:
            found.append(visits(found[-1].since - timedelta(days=1), overlay).clock)
    except NoPolicyInForce:
        return Clocks(found)


def _read(version: Mapping[str, Any]) -> VisitsPolicy:
    check_names("version", version, _KEYS)
    check_names("list", version["list"], ("promote_after_days", "forecast_days"))
    return VisitsPolicy(
        since=version["since"],
        source=version["source"],
        clock=_clock(version),
        list=ListRule(_positive(version["list"]["promote_after_days"])),
        forecast_days=_positive(version["list"]["forecast_days"]),
        unreachable=_unreachable(version["unreachable"]),
        issues=_issues(version["issues"]),
        eligible_days=_numbers("kpi", version["kpi"], ("eligible_days",))["eligible_days"],
        care_team=CareRule(**_of(CareRule, "care_team", version["care_team"])),
    )


def _clock(version: Mapping[str, Any]) -> Clock:
    check_names("clocks", version["clocks"], TIERS)
    tiers = {
        tier: TierClock(**_numbers(f"clocks of {tier}", version["clocks"][tier], (*_EVERY_TIER, *own), whole))
        for tier, own in _OF_TIER.items()
    }
    if 0 in {tiers["red"].every_days, tiers["green"].every_days}:
        raise ValueError("clocks: every_days is at least 1")
    reoffer = _numbers("reoffer", version["reoffer"], ("after_days", "grace_workdays"), whole)
    _positive(reoffer["after_days"])
    return Clock(
        version["since"],
        **tiers,
        reoffer_days=reoffer["after_days"],
        reoffer_grace_workdays=reoffer["grace_workdays"],
    )


def _unreachable(stated: Mapping[str, Any]) -> Unreachable:
    rule = Unreachable(**_of(Unreachable, "unreachable", stated))
    if not rule.emergency_contact < rule.neighbour < rule.wellness_check:
        raise ValueError("unreachable: emergency_contact comes before neighbour, neighbour before wellness_check")
    return rule


def _issues(stated: Mapping[str, Any]) -> IssueRule:
    check_names("issues", stated, ("limits", "working_hours", "waiting_workdays", "ladder"))
    check_names("limits", stated["limits"], ISSUE_KINDS)
    ladder = ("owner_percent", "subdistrict_workdays", "district_workdays")
    rule = IssueRule(
        limits={kind: _limit(stated["limits"][kind]) for kind in ISSUE_KINDS},
        hours=tuple(_hours(text) for text in stated["working_hours"]),
        waiting_workdays=whole(stated["waiting_workdays"]),
        **_numbers("ladder", stated["ladder"], ladder),
    )
    ends = [clock for span in rule.hours for clock in span]
    if not ends or ends != sorted(set(ends)):
        raise ValueError("working_hours: some, in order, without overlap")
    if rule.owner_percent >= 100 or rule.subdistrict_workdays >= rule.district_workdays:
        raise ValueError("ladder: owner before 100 percent, subdistrict before district")
    return rule


def _limit(text: object) -> Limit:
    if text == "day_end":
        return Limit()
    found = _LIMIT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is neither day_end nor a number of workdays or hours, such as 3 workdays")
    return Limit(**{found[2]: int(found[1])})


def _hours(text: object) -> tuple[time, time]:
    if not isinstance(text, str):
        raise TypeError(f'{text!r} is no span of hours, such as "09:00-12:00" in quotes')
    start, _, end = text.partition("-")
    return time.fromisoformat(start), time.fromisoformat(end)


def _of(rule: type[Any], what: str, stated: Mapping[str, Any]) -> dict[str, int]:
    return _numbers(what, stated, tuple(field.name for field in fields(rule)))


def _numbers(
    what: str, stated: Mapping[str, Any], names: tuple[str, ...], number: Callable[[object], int] | None = None
) -> dict[str, int]:
    """Return whole numbers of exactly these names, by default above 0."""
    check_names(what, stated, names)
    return {name: (number or _positive)(stated[name]) for name in names}


def _positive(value: object) -> int:
    if whole(value) == 0:
        raise ValueError("0 is too little")
    return whole(value)
