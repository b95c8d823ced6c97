"""A message that cannot take all rows says how many are missing and where; a day of another year has its year."""

from pathlib import Path

import pytest

import notifications.callbacks
import notifications.visits_late
import notifications.visits_week
from flows.visit_desk import record
from flows.visits_callback import call_back
from models.db import Database
from tests.flows.test_visits_day import outbox
from tests.flows.visits import MONDAY, Visits, helper


@pytest.fixture
def visits(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Visits:
    """Every list takes one row; three elders are H1's, and the office has an address."""
    monkeypatch.setattr(notifications.visits_late, "LONGEST", {"visit-digest": 1, "visit-overdue": 1})
    monkeypatch.setattr(notifications.visits_week, "ROWS", 1)
    monkeypatch.setattr(notifications.callbacks, "MOST", 1)
    made = Visits(database, tmp_path, ("red", "red", "yellow"))
    made.send("subdistrict", [{"name": "翠湖街道", "email": "cuihu@example.cn"}])
    for who in made.refs:
        made.pair(who, "H1")
    return made


def test_digest_pages_and_weekly_page_say_what_they_leave_out(visits: Visits) -> None:
    visits.send("helper", [helper("H1", capacity=2), helper("H2", capacity=0)])
    visits.morning("2026-03-09")
    visits.drain("2026-03-09T08:00")
    text = outbox(visits)
    assert "请您探访2位老人，已按楼栋排好" in text
    assert "名单只列前1位，其余1位请向翠湖社区领取。" in text
    assert "名单只列前1人，另有2人未列出，见区里导出的当日名单（tuoqi export visit-list）。" in text
    assert "高风险老人逾期2人：" in text
    assert "另有1人未列出，见区里导出的探访任务（tuoqi export visit-tasks）。" in text


def test_call_backs_say_what_they_leave_out(visits: Visits) -> None:
    for number in ("S1", "S2"):
        for said, at in (("open", "03-09 09:00"), ("assign", "03-09 10:00"), ("resolve", "03-10 10:00")):
            values = {"number": number, "elder": visits.refs[0], "kind": "help", "event": said, "at": f"2026-{at}"}
            chosen = visits.office.at(f"2026-{at}")
            record(visits.database, chosen, "issue", "office", {**values, "actor": "H2"})
    call_back(visits.database, visits.office.at("2026-03-16T08:00"), MONDAY.replace(day=16))
    visits.drain("2026-03-16T08:10")
    assert "只列前1件，其余1件见区里的待回访页面（visits-callback）。" in outbox(visits)


def test_a_visit_owed_since_last_year_has_its_year(visits: Visits) -> None:
    visits.morning("2027-01-04")
    visits.drain("2027-01-04T08:00")
    text = outbox(visits)
    assert "最晚2026年3月4日" in text
    assert "今天（1月4日，周一）" in text
