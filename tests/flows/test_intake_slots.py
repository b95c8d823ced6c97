"""The slot register may do by hand what planning does, and breaks no hard rule: from today on; the past is free."""

import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows.intake import FileHasErrors, take_file
from flows.settings import settings
from models.db import Database
from models.duty import DutySlot
from rules.slots import NAMES
from tests.flows.test_duty import Office

NOW = "2026-03-02T08:00"  # a Monday
DAY = date(2026, 3, 10)
SUNDAY = date(2026, 3, 15)


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    """Two centres; K1-K4 serve C1, K5 C2; K3 is on leave around DAY, K4 exempt on rest days."""
    office = Office(database, settings(), tmp_path)
    office.send("centre", [{"code": code, "name": f"{code}中心", "subdistrict": "马街"} for code in ("C1", "C2")])
    people = [("K1", "C1"), ("K2", "C1"), ("K3", "C1"), ("K4", "C1"), ("K5", "C2")]
    rows = [
        {"number": n, "name": "张三", "centre": c, "from": "2020-01-01", "rest_day_exempt": n == "K4"}
        for n, c in people
    ]
    office.send("cadre", rows)
    office.send("leave", [{"person": "K3", "from": "2026-03-09", "until": "2026-03-16", "type": "sick"}])
    return office


def slot(cadre: str, state: str = "", day: date = DAY, **more: Any) -> dict[str, Any]:
    return {"date": day, "centre": "C1", "cadre": cadre, "state": state, **more}


def states(office: Office) -> dict[date, tuple[str | None, str]]:
    return {held.day: (held.cadre, held.state) for held in office.slots(date(2025, 1, 1), date(2029, 1, 1))}


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        pytest.param(slot("K5"), "不在该中心的名册上", id="off the roster"),
        pytest.param(slot("K5", "published"), "不在该中心的名册上", id="off the roster, published"),
        pytest.param(slot("K3", "published"), "请假", id="on leave"),
        pytest.param(slot("K4", "published", SUNDAY), "休息日免排", id="exempt on a Sunday"),
        pytest.param(slot("K5", day=date(2026, 3, 2)), "名册", id="today"),
        pytest.param(slot("K1", "published", date(2027, 3, 2)), "国务院", id="published in a year not announced"),
        pytest.param(slot("K1", "acknowledged", date(2027, 3, 2)), "国务院", id="known in a year not announced"),
        pytest.param(slot("K1", day=date(2126, 3, 10)), "年份", id="a mistyped year"),
        pytest.param(slot("", "published"), "没有值班人", id="published without anybody"),
        pytest.param(slot("K9"), "没有这个编号的干部", id="unknown cadre"),
        pytest.param(slot("K1") | {"centre": "C9"}, "没有这个编号的中心", id="unknown centre"),
    ],
)
def test_a_new_duty_that_breaks_a_rule_is_refused_naming_it(office: Office, row: Mapping[str, Any], rule: str) -> None:
    with pytest.raises(FileHasErrors, match=rule):
        office.send("slot", [row], NOW)
    assert states(office) == {}


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(slot("K4", "published"), id="exempt, on a workday"),
        pytest.param(slot("K3", "published", date(2026, 3, 17)), id="after the leave"),
        pytest.param(slot("K1", "draft", date(2027, 3, 2)), id="a draft in a year not announced"),
        pytest.param(slot("K5", "handed_over", date(2026, 3, 1)), id="history of somebody off the roster"),
        pytest.param(slot("K4", "missed", date(2026, 2, 15)), id="history of somebody exempt"),
        pytest.param(slot("", "gap", date(2026, 3, 1)), id="a gap of the past"),
    ],
)
def test_what_the_rules_allow_and_history_is_taken(office: Office, row: Mapping[str, Any]) -> None:
    assert office.send("slot", [row], NOW) == 1


@pytest.mark.parametrize(
    ("before", "row", "rule"),
    [
        pytest.param(slot("K1", "published"), slot("K2", "acknowledged"), "换了值班人.*“已确认”", id="new, knows"),
        pytest.param(slot("K1", "published"), slot("K2", "on_duty"), "换了值班人.*“在岗”", id="new, there"),
        pytest.param(slot("K1", "published"), slot("K2", "draft"), "不能退回草稿", id="another, draft again"),
        pytest.param(slot("K1", "published"), slot("K1", "draft"), "不能退回草稿", id="draft again"),
        pytest.param(slot("K1", "published"), slot("K3"), "请假", id="to somebody on leave"),
        pytest.param(slot("K1", "draft"), slot("K3"), "请假", id="a draft to somebody on leave"),
        pytest.param(slot("K1", "on_duty"), slot("K1", "published"), "不能从“在岗”变为“已发布”", id="back in Chinese"),
        pytest.param(
            slot("K1", "draft", date(2027, 3, 2)), slot("K1", "published", date(2027, 3, 2)), "国务院", id="d"
        ),
    ],
)
def test_a_change_that_breaks_a_rule_is_refused_naming_it(
    office: Office, before: Mapping[str, Any], row: Mapping[str, Any], rule: str
) -> None:
    office.send("slot", [before], NOW)
    kept = states(office)
    with pytest.raises(FileHasErrors, match=rule):
        office.send("slot", [row], NOW)
    assert states(office) == kept


@pytest.mark.parametrize(
    ("before", "asked", "after"),
    [
        pytest.param("published", "", "published", id="published"),
        pytest.param("acknowledged", "", "published", id="acknowledged"),
        pytest.param("acknowledged", "published", "published", id="acknowledged, said so"),
        pytest.param("draft", "", "draft", id="draft"),
        pytest.param("draft", "draft", "draft", id="draft, said so"),
    ],
)
def test_another_person_starts_as_published_or_draft(office: Office, before: str, asked: str, after: str) -> None:
    office.send("slot", [slot("K1", before)], NOW)
    office.send("slot", [slot("K2", asked)], NOW)
    assert states(office) == {DAY: ("K2", after)}


def test_rows_that_change_nothing_are_not_judged_anew(office: Office) -> None:
    office.send("slot", [slot("K1", "published", pinned="no")], NOW)
    office.send("leave", [{"person": "K1", "from": DAY, "until": DAY, "type": "sick"}], NOW)
    assert office.send("slot", [slot("K1", "published", pinned="yes")], NOW) == 1
    assert office.send("slot", [slot("K1", "published", pinned="yes")], NOW) == 0


def test_without_a_cadre_column_the_person_stays(office: Office) -> None:
    office.send("slot", [slot("K1", "draft")], NOW)
    office.send("slot", [{"date": DAY, "centre": "C1", "state": "已发布"}], NOW)
    assert states(office) == {DAY: ("K1", "published")}


@pytest.mark.parametrize("said", ["在岗", "已到岗", "on_duty"])
def test_both_words_for_on_duty_are_read(office: Office, said: str) -> None:
    office.send("slot", [slot("K1", said, date(2026, 3, 1))], NOW)
    assert NAMES[states(office)[date(2026, 3, 1)][1]] == "在岗"


def test_pins_and_leaders_of_a_month_are_kept_together(office: Office) -> None:
    days = [date(2026, 3, n) for n in range(3, 8)]
    office.send("slot", [slot("K1", "published", day) for day in days], NOW)
    rows = [slot("K1", "", day, leader=f"李{'一二三四五'[n]}", pinned=n % 2 == 0) for n, day in enumerate(days)]
    assert office.send("slot", rows, NOW) == 5
    assert office.send("slot", rows, NOW) == 0
    with office.database.read() as session:
        pinned = session.execute(select(col(DutySlot.pinned)).order_by(col(DutySlot.day))).scalars().all()
    assert list(pinned) == [True, False, True, False, True]


def test_a_leader_alone_leaves_the_pin(office: Office) -> None:
    office.send("slot", [slot("K1", "published", pinned="yes", leader="李一")], NOW)
    path = office.folder / "leader.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["date", "centre", "cadre", "leader"], [DAY, "C1", "K1", "李二"]])
    taken = take_file(office.database, office.at(NOW), "slot", path).taken
    assert taken.changes == [(2, f"C1 {DAY}", ("leader",))]
    (held,) = office.slots()
    assert held.pinned
