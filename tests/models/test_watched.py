"""What a watched job is about: the district's own data and rows of job_run, nobody else's."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from models import audit
from models.cadre import Cadre, Roster
from models.db import Database
from models.district import Centre, District, ensure_places
from models.jobs import JobRun
from models.watched import Subjects, last_ends, seen, subjects

NOW = datetime(2026, 3, 26, tzinfo=UTC)
DAY = date(2026, 3, 26)


def run(job: str, key: str, state: str = "done", partition: str = "530112", **more: Any) -> JobRun:
    times = {"lease_until": NOW, "started_at": NOW, "finished_at": NOW if state == "done" else None, **more}
    return JobRun(job=job, run_key=key, partition=partition, state=state, owner="a:1:1", **times)


def test_a_district_without_data_has_nothing_to_watch_and_one_that_nobody_registered_neither(
    database: Database,
) -> None:
    with database.read() as session:
        assert subjects(session, "530112", DAY) == Subjects(None)
        assert subjects(session, "999999", DAY) == Subjects(None)


def test_what_the_district_has_is_seen_and_not_what_another_has(database: Database) -> None:
    with database.write() as session:
        session.add(District(code="530102", name="五华区"))
        community = ensure_places(session, 1, [("马街", "一社区")], ["S-1"])["马街", "一社区"]
        session.add(Centre(district_id=1, community_id=community, code="C1", name="中心"))
        session.add(Cadre(district_id=1, number="G1", ref="C-1", name=b"x"))
        session.flush()
        session.add(Roster(centre_id=1, cadre_id=1, since=DAY))
        for number, at in enumerate((NOW, NOW + timedelta(days=1))):
            audit.record(session, "530112", "import", "import.cadre", at, rows=number)
    with database.read() as session:
        assert subjects(session, "530112", DAY) == Subjects(since=NOW, duty=True)
        assert subjects(session, "530102", DAY) == Subjects(None)


@pytest.mark.parametrize(("dead", "lapsed"), [(False, False), (True, True)])
def test_rows_are_found_by_job_and_period_and_a_dead_owner_holds_nothing(
    database: Database, dead: bool, lapsed: bool
) -> None:
    with database.write() as session:
        session.add_all(
            [
                run("duty-day", "2026-03-26", "running"),
                run("duty-day", "2026-03-25"),
                run("duty-day", "2026-03-26", partition="530102"),
                run("duty-publish", "2026-04", partition="530112/C1"),
                run("visits-day", "2026-03-26", "failed"),
            ]
        )
    with database.read() as session:
        found = seen(session, "530112", {"2026-03-26", "2026-04"}, lambda owner: dead and owner == "a:1:1")
    assert {key: row.state for key, row in found.items()} == {
        ("duty-day", "2026-03-26"): "running",
        ("visits-day", "2026-03-26"): "failed",
    }
    assert (found["duty-day", "2026-03-26"].lease_until < NOW) == lapsed


def test_the_last_end_of_each_job_counts_done_ones_only(database: Database) -> None:
    later = NOW + timedelta(days=1)
    with database.write() as session:
        session.add_all(
            [
                run("duty-day", "2026-03-26"),
                run("duty-day", "2026-03-27", finished_at=later),
                run("duty-day", "2026-03-28", "failed", finished_at=later + timedelta(days=1)),
                run("visits-day", "2026-03-28", "running"),
            ]
        )
    with database.read() as session:
        assert last_ends(session) == {("duty-day", "530112"): later}
