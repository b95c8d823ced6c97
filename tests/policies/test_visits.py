"""The rule book of visits: it reads whole, its versions follow each other, and nothing misspelt or absurd is taken."""

from collections.abc import Callable
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import book
from policies.book import BadPolicy
from policies.visits import clocks, visits
from rules.errors import NoPolicyInForce
from rules.five_helps import CareRule
from rules.issues import IssueRule, Limit
from rules.visits_clock import Clock
from rules.visits_list import ListRule
from rules.visits_unreachable import Unreachable

DAY = date(2026, 3, 1)
BASE: dict[str, Any] = yaml.safe_load((Path(book.__file__).parent / "visits.yaml").read_text("utf-8"))["versions"][0]
Lay = Callable[..., Path]


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """Write an overlay with one version, by default from 2026."""

    def write(since: date = date(2026, 1, 1), **stated: Any) -> Path:
        path = tmp_path / "overlay.yaml"
        content = {"visits": {"versions": [{"since": since, "source": "试点", **stated}]}}
        path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
        book._versions.cache_clear()
        return path

    return write


def test_the_book_states_the_defaults_of_the_rules() -> None:
    policy = visits(DAY)
    assert policy.clock == Clock(date(2025, 1, 1))
    assert (policy.list, policy.unreachable, policy.issues) == (ListRule(), Unreachable(), IssueRule())
    assert (policy.care_team, policy.eligible_days, policy.forecast_days) == (CareRule(), 15, 31)
    assert policy.source


def test_a_day_before_the_first_version_is_an_error() -> None:
    with pytest.raises(NoPolicyInForce):
        visits(date(2024, 12, 31))


def test_the_clocks_keep_every_version_up_to_the_day(lay: Lay) -> None:
    path = lay(date(2026, 3, 1), clocks={**BASE["clocks"], "red": {**BASE["clocks"]["red"], "every_days": 5}})
    both = clocks(DAY, path)
    assert [both.on(day).red.every_days for day in (date(2019, 1, 1), date(2026, 2, 28), DAY)] == [7, 7, 5]
    assert clocks(date(2026, 2, 28), path).on(DAY).red.every_days == 7


def test_limits_may_be_hours_and_the_day_may_have_other_hours(lay: Lay) -> None:
    issues = {
        **BASE["issues"],
        "limits": {**BASE["issues"]["limits"], "help": "4 hours", "other": "day_end"},
        "working_hours": ["08:30-17:30"],
    }
    rule = visits(DAY, lay(issues=issues)).issues
    assert (rule.limits["help"], rule.limits["other"]) == (Limit(hours=4), Limit())
    assert rule.hours == ((time(8, 30), time(17, 30)),)


def _with(key: str, **stated: Any) -> dict[str, Any]:
    return {key: {**BASE[key], **stated}}


def _tier(tier: str, **stated: Any) -> dict[str, Any]:
    return {"clocks": {**BASE["clocks"], tier: {**BASE["clocks"][tier], **stated}}}


def _issue(key: str, **stated: Any) -> dict[str, Any]:
    return {"issues": {**BASE["issues"], key: {**BASE["issues"][key], **stated}}}


@pytest.mark.parametrize(
    "stated",
    [
        pytest.param({"clokcs": {}}, id="misspelt key"),
        pytest.param({"clocks": {"red": BASE["clocks"]["red"]}}, id="clocks not whole"),
        pytest.param({"clocks": None}, id="clocks left empty"),
        pytest.param(_tier("red", every_days=0), id="red every 0 days"),
        pytest.param(_tier("red", every_days="seven"), id="a number in words"),
        pytest.param(_tier("red", first_days=-1), id="a negative number"),
        pytest.param(_tier("red", grace_workdays=1), id="red is never rolled"),
        pytest.param(_tier("yellow", every_days=30), id="yellow is a quota of the month"),
        pytest.param(_with("reoffer", after_days=0), id="asked again at once"),
        pytest.param(_with("list", promote_after_days=True), id="yes for a number"),
        pytest.param(_with("list", promote=30), id="unknown name in the list"),
        pytest.param(_with("unreachable", neighbour=3), id="neighbour together with the check"),
        pytest.param(_with("unreachable", check_hours=0), id="a check at once"),
        pytest.param(_with("kpi", eligible_days=0), id="nobody needs a day"),
        pytest.param(_with("care_team", elders_per_daily_visit=0), id="a helper for no elder"),
        pytest.param(_issue("limits", help="3 days"), id="days that are not workdays"),
        pytest.param(_issue("limits", help=3), id="a limit without a unit"),
        pytest.param(_issue("limits", help="0 hours"), id="no time at all"),
        pytest.param(_issue("limits", hepl="3 workdays"), id="unknown kind of issue"),
        pytest.param(_issue("ladder", owner_percent=100), id="owner told at the deadline"),
        pytest.param(_issue("ladder", district_workdays=2), id="district together with subdistrict"),
        pytest.param(_with("issues", working_hours=[]), id="no working hours"),
        pytest.param(_with("issues", working_hours=["14:00-18:00", "09:00-12:00"]), id="hours in reverse"),
        pytest.param(_with("issues", working_hours=["09:00-13:00", "12:00-18:00"]), id="hours that overlap"),
        pytest.param(_with("issues", working_hours=["nine to five"]), id="hours in words"),
        pytest.param(_with("issues", working_hours=[540]), id="an hour without quotes"),
        pytest.param(_with("issues", waiting_workdays=-1), id="negative waiting"),
    ],
)
def test_a_bad_version_is_refused_and_the_file_named(lay: Lay, stated: dict[str, Any]) -> None:
    with pytest.raises(BadPolicy, match=r"overlay\.yaml"):
        visits(DAY, lay(**stated))
