"""A city of processes: two districts, two workers; one worker and the API killed in the middle; complete and single."""

from pathlib import Path

import pytest

from models.db import Database
from tests.flows.city import City, city
from tests.flows.city_office import (
    ANSWERED,
    MONDAY,
    MONTH,
    PLANNED,
    PUBLISHED,
    RELEASED,
    Office,
)

DISTRICTS = {"530112": "西山区", "530102": "五华区"}
ROUND = (("duty-plan", PUBLISHED, {"month": "2026-03", "publish": True}), ("visits-day", MONDAY, {}))
DONE = {("duty-publish", "2026-03"), ("visits-day", "2026-03-02"), ("allowance-plan", "longevity/2026-03")}


@pytest.mark.timeout(600)
def test_two_districts_end_complete_and_single_though_a_worker_and_the_api_are_killed(
    tmp_path: Path, postgres: str, key_file: Path
) -> None:
    with city(tmp_path, postgres, key_file, DISTRICTS) as town:
        database = Database(town.settings.url, town.settings.keys())
        try:
            _story(town, database)
        finally:
            database.close()


def _story(town: City, database: Database) -> None:
    offices = [Office(town.settings, code, database, 150) for code in DISTRICTS]
    for office in offices:
        office.registers()
    town.start("worker", "first")
    town.start("worker", "second")
    _trigger(town)
    town.until(lambda: any(run.state == "RUNNING" for run in town.runs()), "a child at work")
    town.kill("first")
    town.kill("server")
    town.start("server")
    town.until(town.api.healthy, "the server again")
    town.start("worker", "third")
    _heal(town, offices)
    for office in offices:
        office.say_yes()
    _all_done(town, "allowance-release", RELEASED)
    for office in offices:
        office.answers()
    _all_done(town, "allowance-reconcile", ANSWERED)
    for office in offices:
        facts = office.facts()
        assert len(facts["duties"]) == 2 * MONTH == len({row[:2] for row in facts["duties"]})
        assert len(facts["listed"]) == len({row[:2] for row in facts["listed"]}) > 0
        assert {row[3] for row in facts["paid"]} == {"paid"}
        assert [row[0] for row in facts["paid"]] == [row[0] for row in facts["owed"]]
        assert office.paid() == dict(office.bank().totals().by_key) != {}


def _trigger(town: City) -> None:
    for job, at, given in ROUND:
        town.trigger(job, at, **given)
    town.trigger("allowance-plan", PLANNED, programme="高龄保健金", period="2026-03")


def _heal(town: City, offices: list[Office]) -> None:
    """Press again until all is done, as the watchdog does."""
    for _ in range(5):
        if all(office.done() >= DONE for office in offices):
            return
        town.until(lambda: not town.api.unfinished(), "what is under way", 60)
        _trigger(town)
    raise AssertionError([DONE - office.done() for office in offices])


def _all_done(town: City, job: str, at: str) -> None:
    before = {run.id for run in town.runs()}
    town.trigger(job, at)

    def ended() -> bool:
        fresh = [run for run in town.runs() if run.id not in before and run.parameters["job"] == job]
        assert not [run for run in fresh if run.state in {"FAILED", "CRASHED"}], fresh
        return len(fresh) == len(DISTRICTS) and all(run.done for run in fresh)

    town.until(ended, job)
