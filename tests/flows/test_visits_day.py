"""The morning of visits on real databases: what is owed, who goes, who hears; twice, late, and after corrections."""

import email
import email.policy
from datetime import date
from pathlib import Path

import pytest

from flows.exports import Wish, export_file
from flows.visits_day import visits_morning
from models.db import Database
from tests.flows.elders import number
from tests.flows.visits import MONDAY, Visits, helper


@pytest.fixture
def visits(database: Database, tmp_path: Path) -> Visits:
    return Visits(database, tmp_path)


def test_every_elder_has_what_is_owed_and_the_list_says_who_goes(visits: Visits) -> None:
    red, yellow, green = visits.refs
    visits.pair(yellow, "H2")
    visits.pair(green, "H1")
    result = visits.morning("2026-03-09")
    assert [(row[0], row[1], row[3], row[6]) for row in visits.tasks()] == [
        (red, "FIRST", "ASSIGNED", "H1"),
        (yellow, "FIRST", "ASSIGNED", "H2"),
        (green, "FIRST", "ASSIGNED", "H1"),
    ]
    assert (result["visits"], result["gaps"], result["overdue"], result["new"]) == (3, 0, 1, 3)
    assert visits.listed() == [(red, "H1"), (green, "H1"), (yellow, "H2")]


def test_a_second_run_changes_nothing(visits: Visits) -> None:
    visits.morning("2026-03-09")
    before = visits.snapshot()
    again = visits.morning("2026-03-09")
    assert (again["new"], again["changed"], again["superseded"], again["list_changed"], again["messages"]) == (0,) * 5
    assert visits.snapshot() == before


def test_each_helper_gets_one_digest_whatever_the_number_of_elders(visits: Visits) -> None:
    visits.morning("2026-03-09")
    visits.morning("2026-03-09", "08:00")
    assert len(visits.keys("visit-digest")) == len({number for _, number in visits.listed()})
    assert all(key.startswith("visit-digest:2026-03-09:") for key in visits.keys("visit-digest"))


def test_after_three_days_without_a_run_only_the_digest_of_the_day_is_sent(visits: Visits) -> None:
    visits.morning("2026-03-05")
    visits.drain("2026-03-05T06:10")
    visits.morning("2026-03-09")
    days = {key.split(":")[1] for key in visits.keys("visit-digest")}
    assert days == {"2026-03-05", "2026-03-09"}
    assert visits.morning("2026-03-07", "07:00")["note"]
    assert {key.split(":")[1] for key in visits.keys("visit-digest")} == days


def test_a_visit_that_was_made_closes_its_task_and_opens_the_next(visits: Visits) -> None:
    red, yellow, _ = visits.refs
    visits.morning("2026-03-09")
    visits.contact(red, "2026-03-09 10:00")
    visits.contact(yellow, "2026-03-09", "PHONE")
    visits.morning("2026-03-10")
    assert visits.of(red) == {
        ("FIRST", "2026-03-02"): ("DONE", None),
        ("ROLLING", "2026-03-09"): ("PLANNED", None),
    }
    assert visits.of(yellow) == {("FIRST", "2026-03-02"): ("DONE", None)}


def test_a_month_that_passed_without_a_visit_is_missed_and_late_paper_mends_it(visits: Visits) -> None:
    _, yellow, _ = visits.refs
    visits.contact(yellow, "2026-03-05")
    visits.morning("2026-04-01")
    visits.morning("2026-05-06")
    assert visits.of(yellow)["MONTHLY", "2026-04"] == ("MISSED", None)
    visits.contact(yellow, "2026-04-29", moment="2026-05-06T10:00")
    visits.morning("2026-05-07")
    assert visits.of(yellow)["MONTHLY", "2026-04"] == ("DONE", None)


def test_a_death_cancels_what_was_to_come_and_takes_the_elder_off_a_digest_that_waits(visits: Visits) -> None:
    red, yellow, green = visits.refs
    for who in visits.refs:
        visits.pair(who, "H1")
    visits.morning("2026-03-06")
    visits.status(yellow, "2026-03-06", "DEAD", "2026-03-06T06:05")
    visits.drain("2026-03-06T06:10")
    text = outbox(visits)
    assert red in text
    assert green in text
    assert yellow not in text
    visits.morning("2026-03-09")
    assert visits.of(yellow) == {("FIRST", "2026-03-02"): ("CANCELLED", "dead")}


def test_a_digest_goes_from_building_to_building_also_across_communities(visits: Visits) -> None:
    red, yellow, green = visits.refs
    for who in visits.refs:
        visits.pair(who, "H1")
    place = {"community": "普坪社区", "subdistrict": "马街街道"}
    visits.status(red, "2026-03-05", "MOVED", "2026-03-05T09:00", **place)
    visits.morning("2026-03-06")
    visits.drain("2026-03-06T06:10")
    text = outbox(visits)
    assert sorted(visits.refs, key=text.index) == [red, yellow, green]


def test_a_digest_of_nobody_is_not_sent(database: Database, tmp_path: Path) -> None:
    visits = Visits(database, tmp_path, ("yellow",))
    visits.morning("2026-03-06")
    visits.contact(visits.refs[0], "2026-03-06", moment="2026-03-06T06:05")
    visits.drain("2026-03-06T06:10")
    assert visits.states("visit-digest") == {"cancelled": 1}


def test_leave_moves_only_the_days_of_the_leave(visits: Visits) -> None:
    red, *_ = visits.refs
    visits.pair(red, "H2")
    visits.send("leave", [{"person": "H2", "from": "2026-03-10", "until": "2026-03-10", "type": "sick"}])
    for day in ("2026-03-09", "2026-03-10", "2026-03-11"):
        visits.morning(day)
    helpers = [dict(visits.listed(date(2026, 3, day)))[red] for day in (9, 10, 11)]
    assert helpers == ["H2", "H1", "H2"]


def test_without_capacity_all_that_is_due_is_a_gap_and_the_office_hears_of_it(visits: Visits) -> None:
    visits.send("helper", [helper("H1", capacity=0), helper("H2", capacity=0)])
    result = visits.morning("2026-03-09")
    assert (result["visits"], result["gaps"]) == (0, 3)
    assert result["per_community"] == [{"community": "翠湖社区", "visits": 0, "gaps": 3, "overdue": 1}]
    assert result["forecast"][0]["short"] >= 1
    assert visits.keys("visit-digest") == []
    assert len(visits.keys("visit-overdue")) == 1


def test_the_lead_reads_of_one_elder_both_how_late_it_is_and_that_nobody_is_free(visits: Visits) -> None:
    """Red, registered on 2 March: due on the 4th, five days late on the 9th; yellow is in time and has nobody."""
    visits.send("helper", [helper("H1", capacity=0), helper("H2", capacity=0)])
    visits.send("subdistrict", [{"name": "翠湖街道", "email": "cuihu@example.cn"}])
    visits.morning("2026-03-09")
    visits.drain("2026-03-09T08:05")
    told = outbox(visits)
    assert f"（{visits.refs[0]}）：逾期5天，无人可派" in told
    assert f"（{visits.refs[1]}）：无人可派" in told


def test_namesakes_among_communities_are_told_apart(visits: Visits) -> None:
    visits.send("centre", [{"code": "C3", "name": "C3", "subdistrict": "马街街道", "community": "翠湖社区"}])
    names = [row["community"] for row in visits.morning("2026-03-09")["per_community"]]
    assert names == ["翠湖街道翠湖社区"]


def test_the_head_of_the_centre_leads_a_community_that_has_one(visits: Visits) -> None:
    visits.send("cadre", [{"number": "K9", "name": "陈主任", "centre": "C1", "from": "2020-01-01", "head": "yes"}])
    visits.morning("2026-03-09")
    (key,) = visits.keys("visit-overdue")
    assert key.split(":")[3].startswith("C-")


def test_a_re_grade_in_the_month_replaces_the_quota(visits: Visits) -> None:
    _, yellow, _ = visits.refs
    visits.contact(yellow, "2026-03-05")
    visits.morning("2026-04-02")
    row = {"id_number": _number(1), "name": "王桂芳", "community": "翠湖社区", "tier": "red"}
    visits.send("elder", [row], "2026-04-02T10:00")
    visits.morning("2026-04-03")
    assert visits.of(yellow)["MONTHLY", "2026-04"] == ("CANCELLED", "regraded")
    assert [key for key, (state, _) in visits.of(yellow).items() if state in {"PLANNED", "ASSIGNED"}] == [
        ("ROLLING", "2026-03-05")
    ]


def test_a_move_inside_the_district_keeps_the_clock_and_changes_who_goes(visits: Visits) -> None:
    red, *_ = visits.refs
    visits.send("helper", [helper("H3", "普坪社区")])
    visits.morning("2026-03-09")
    before = visits.of(red)
    place = {"community": "普坪社区", "subdistrict": "马街街道"}
    visits.status(red, "2026-03-10", "MOVED", "2026-03-10T05:00", **place)
    visits.morning("2026-03-10")
    assert visits.of(red) == before
    assert dict(visits.listed(date(2026, 3, 10)))[red] == "H3"


def test_a_stay_in_hospital_suspends_and_the_return_has_its_own_task(visits: Visits) -> None:
    red, *_ = visits.refs
    visits.contact(red, "2026-03-05")
    visits.morning("2026-03-06")
    visits.status(red, "2026-03-06", "HOSPITAL", "2026-03-06T10:00")
    visits.morning("2026-03-09")
    assert visits.of(red)["ROLLING", "2026-03-05"] == ("PLANNED", "paused")
    visits.status(red, "2026-03-10", "ACTIVE", "2026-03-10T10:00")
    visits.morning("2026-03-11")
    assert visits.of(red)["ROLLING", "2026-03-05"] == ("CANCELLED", "paused")
    assert visits.of(red)["RETURN", "2026-03-10"] == ("ASSIGNED", None)


def _silent(visits: Visits, who: str) -> None:
    for day in (5, 6, 7):
        visits.contact(who, f"2026-03-0{day} 10:00", "NO_ANSWER")


def test_three_dates_without_an_answer_raise_one_check_and_tell_it_once(visits: Visits) -> None:
    _, yellow, _ = visits.refs
    _silent(visits, yellow)
    result = visits.morning("2026-03-08")
    assert result["unreachable"]["wellness_check"] == 1
    assert visits.of(yellow)["WELLNESS_CHECK", "2026-03-07"][0] == "PLANNED"
    told, family = visits.keys("visit-wellness"), visits.keys("visit-contact-family")
    visits.morning("2026-03-09")
    visits.morning("2026-03-10")
    assert visits.keys("visit-wellness") == told
    assert visits.keys("visit-contact-family") == family
    assert len(told) == len(family) == 1


def test_late_paper_voids_the_check_without_a_second_message(visits: Visits) -> None:
    _, yellow, _ = visits.refs
    _silent(visits, yellow)
    visits.morning("2026-03-09")
    told = (visits.keys("visit-wellness"), visits.keys("visit-contact-family"))
    visits.contact(yellow, "2026-03-06 15:00", moment="2026-03-09T06:05")
    visits.drain("2026-03-09T09:00")
    visits.morning("2026-03-10")
    assert visits.states("visit-wellness") == {"cancelled": len(told[0])}
    assert visits.of(yellow)["WELLNESS_CHECK", "2026-03-07"] == ("CANCELLED", "superseded")
    assert visits.of(yellow)["FIRST", "2026-03-02"] == ("DONE", None)
    assert (visits.keys("visit-wellness"), visits.keys("visit-contact-family")) == told


def test_on_a_rest_day_red_elders_go_to_the_cadre_on_duty_and_others_wait(visits: Visits) -> None:
    red, *_ = visits.refs
    visits.office.plan(publish=True, moment="2026-02-25T08:00")
    result = visits.morning("2026-03-08")
    assert [who for who, _ in visits.listed(date(2026, 3, 8))] == [red]
    assert (result["visits"], result["gaps"]) == (1, 0)
    (key,) = visits.keys("visit-digest")
    assert key.split(":")[2].startswith("C-")


def test_nothing_of_a_person_is_in_the_result(visits: Visits) -> None:
    _silent(visits, visits.refs[1])
    result = str(visits.morning("2026-03-09"))
    assert not [word for word in ("王", "李四", "1380000", _number(1)) if word in result]


def test_a_day_before_the_last_planned_one_is_left_alone(visits: Visits) -> None:
    visits.morning("2026-03-10")
    before = visits.snapshot()
    assert visits_morning(visits.database, visits.office.at("2026-03-10T09:00"), MONDAY)["note"]
    assert visits.snapshot() == before


def _number(place: int) -> str:
    return number(f"194{place % 10}-0{place % 9 + 1}-15", serial=place + 1)


def outbox(visits: Visits) -> str:
    """All texts that left, mails decoded."""
    folder = visits.office.base.folder("outbox")
    texts = [path.read_text("utf-8") for path in folder.rglob("*") if path.is_file() and path.suffix != ".eml"]
    for path in folder.rglob("*.eml"):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = mail.get_body(("plain",))
        texts.append(body.get_content() if body else "")
    return "\n".join(texts).replace("\r\n", "\n")


def test_tasks_and_lists_are_exported_with_references_only(visits: Visits, tmp_path: Path) -> None:
    visits.pair(visits.refs[0], "H2")
    visits.morning("2026-03-09")
    wish = Wish(MONDAY, MONDAY)
    tasks, listed = tmp_path / "tasks.csv", tmp_path / "list.csv"
    chosen = visits.office.at("2026-03-09T10:00")
    assert export_file(visits.database, chosen, "visit-tasks", wish, tasks)["rows"] == 2
    assert export_file(visits.database, chosen, "visit-list", wish, listed)["rows"] == 3
    assert tasks.read_text("utf-8-sig").splitlines()[0] == "elder,kind,cycle,plan_on,deadline,state,reason,helper"
    lines = listed.read_text("utf-8-sig").splitlines()
    assert lines[0] == "date,helper,order,elder,why,deadline,gap"
    assert f"2026-03-09,H2,1,{visits.refs[0]},逾期5天,2026-03-04,no" in lines
