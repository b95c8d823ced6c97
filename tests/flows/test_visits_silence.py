"""Who does not answer: the family at once, the neighbours at the second date; late paper and deaths void what waits."""

import csv
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select, update
from sqlmodel import Session, col

from flows.call_list import write_call_list
from flows.child import ROOT
from flows.visits_watch import watch
from models.db import Database
from models.messages import Message
from models.successors import pass_on
from tests.flows.visits import Visits, helper

ASKED, FAMILY = "visit-ask-neighbour", "visit-contact-family"


@pytest.fixture
def visits(database: Database, tmp_path: Path) -> Visits:
    made = Visits(database, tmp_path, ("red", "yellow"))
    made.send("cadre", [{"number": "K9", "name": "陈主任", "centre": "C1", "from": "2020-01-01", "head": "yes"}])
    return made


def look(visits: Visits, moment: str) -> None:
    watch(visits.database, visits.office.at(moment))


def in_vain(visits: Visits, who: str, *days: int) -> None:
    for day in days:
        visits.contact(who, f"2026-03-{day:02} 10:00", "NO_ANSWER")


def test_the_building_head_is_asked_at_the_second_date_and_once_a_streak(visits: Visits) -> None:
    who = visits.refs[1]
    visits.pair(who, "H2")
    in_vain(visits, who, 9)
    look(visits, "2026-03-09T18:30")
    assert visits.keys(ASKED) == []
    in_vain(visits, who, 10)
    for moment in ("2026-03-10T18:30", "2026-03-10T19:00"):
        look(visits, moment)
    visits.morning("2026-03-11")
    assert visits.keys(ASKED) == [f"{ASKED}:{who}:2026-03-10:0"]
    assert visits.drain("2026-03-11T08:00")["accepted"] >= 1
    assert visits.states(ASKED) == {"accepted": 1}


def test_without_a_building_head_or_with_one_on_leave_the_lead_is_asked(visits: Visits) -> None:
    red, yellow = visits.refs
    visits.pair(yellow, "H2")
    visits.pair(red, "H1", "women")
    visits.send("leave", [{"person": "H2", "from": "2026-03-10", "until": "2026-03-10", "type": "sick"}])
    for who in visits.refs:
        in_vain(visits, who, 9, 10)
    look(visits, "2026-03-10T18:30")
    assert {ref[:2] for ref in _recipients(visits)} == {"C-"}
    assert len(visits.keys(ASKED)) == 2


def test_the_third_date_is_a_check_and_no_question_to_neighbours(visits: Visits) -> None:
    in_vain(visits, visits.refs[1], 6, 9, 10)
    look(visits, "2026-03-10T18:30")
    assert (visits.keys(ASKED), len(visits.keys("visit-wellness"))) == ([], 1)


def test_late_paper_that_breaks_the_streak_voids_the_question_and_a_new_second_date_asks_again(visits: Visits) -> None:
    who = visits.refs[1]
    visits.pair(who, "H2")
    in_vain(visits, who, 9, 10)
    look(visits, "2026-03-10T18:30")
    visits.contact(who, "2026-03-09 15:00", "MET", "2026-03-10T18:40")
    visits.drain("2026-03-10T18:45")
    assert visits.states(ASKED) == {"cancelled": 1}
    in_vain(visits, who, 11)
    look(visits, "2026-03-11T18:30")
    assert visits.keys(ASKED)[-1] == f"{ASKED}:{who}:2026-03-11:0"


def test_an_elder_who_was_met_or_died_is_asked_about_no_more(visits: Visits) -> None:
    red, yellow = visits.refs
    for who in visits.refs:
        in_vain(visits, who, 9, 10)
    look(visits, "2026-03-10T18:30")
    visits.status(red, "2026-03-10", "DEAD", "2026-03-10T18:35")
    visits.contact(yellow, "2026-03-10 18:36", "PHONE", "2026-03-10T18:40")
    look(visits, "2026-03-10T19:00")
    assert visits.states(ASKED) == {"cancelled": 2}


@pytest.mark.parametrize("swept", [True, False], ids=["by the watch", "before the watch looks"])
def test_a_call_is_off_the_list_when_the_elder_died(visits: Visits, tmp_path: Path, *, swept: bool) -> None:
    """An SMS that was refused has its entry ~1 on the call list, and the death voids it as it would the SMS."""
    who = visits.refs[0]
    visits.send("helper", [{**helper("H3"), "email": ""}])
    visits.pair(who, "H3")
    in_vain(visits, who, 9, 10)
    look(visits, "2026-03-10T18:30")
    assert _called(visits, tmp_path, "2026-03-10T18:31") == {ASKED}
    with visits.database.write() as session:
        _succeed(session, visits)
    assert _called(visits, tmp_path, "2026-03-10T18:31") == {ASKED, FAMILY}
    visits.status(who, "2026-03-10", "DEAD", "2026-03-10T18:35")
    if swept:
        look(visits, "2026-03-10T19:00")
        assert visits.states(ASKED) == {"cancelled": 1}
        assert visits.states(FAMILY) == {"cancelled": 1, "dead": 1}
    assert _called(visits, tmp_path, "2026-03-10T19:01") == set()


def test_a_red_elder_s_family_is_asked_on_the_day_an_old_attempt_is_recorded(visits: Visits) -> None:
    visits.contact(visits.refs[0], "2026-03-06 10:00", "NO_ANSWER", "2026-03-09T10:05")
    look(visits, "2026-03-09T11:00")
    assert visits.keys(FAMILY) == [f"{FAMILY}:{visits.refs[0]}:2026-03-06"]


def test_the_last_look_of_the_day_comes_before_the_quiet_hours() -> None:
    """What is recorded by 20:55 of any day is told that day: from 21:00 on nobody is woken."""
    jobs = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    (crons,) = [[each["cron"] for each in job["schedules"]] for job in jobs if job["name"] == "visits-watch"]
    assert crons == ["55 20 * * *", "0 8-20 * * *"]


def _recipients(visits: Visits) -> list[str]:
    with visits.database.read() as session:
        return list(session.execute(select(col(Message.recipient)).where(col(Message.template) == ASKED)).scalars())


def _succeed(session: Session, visits: Visits) -> None:
    """The family's SMS is refused for good, so the news goes to the call list."""
    mine, now = col(Message.template) == FAMILY, visits.at("2026-03-10T18:31")
    session.execute(update(Message).where(mine).values(state="dead", finished_at=now))
    ids = [number for number in session.execute(select(col(Message.id)).where(mine)).scalars() if number]
    assert pass_on(session, ids, now) == 1


def _called(visits: Visits, folder: Path, moment: str) -> set[str]:
    path = folder / "calls.csv"
    with visits.database.read() as session:
        write_call_list(session, visits.office.at(moment), path, reveal=False)
    with path.open(encoding="utf-8-sig", newline="") as file:
        keys = {row["key"].split(":")[0] for row in csv.DictReader(file)}
    return keys & {ASKED, FAMILY}
