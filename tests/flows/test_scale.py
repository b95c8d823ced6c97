"""A city of processes: two districts, two workers; one worker and the API killed in the middle; complete and single."""

from pathlib import Path

import pytest

from flows.prefect_api import Run
from models.db import Database
from tests.flows.city import City, city
from tests.flows.city_office import ANSWERED, DAYS, MONTH, MORNING, PUBLISHED, RELEASED, SEEN, Office

DISTRICTS = {"530112": "西山区", "530102": "五华区"}
ELDERS = 150
JOBS = {"duty-day": "2026-04-01", "visits-day": "2026-04-01", "allowance-plan": "longevity/2026-03"}


@pytest.mark.timeout(600)
def test_two_districts_end_complete_and_single_though_a_worker_and_the_api_are_killed(
    tmp_path: Path, postgres: str, key_file: Path
) -> None:
    with city(tmp_path, postgres, key_file, DISTRICTS) as town:
        database = Database(town.settings.url, town.settings.keys())
        try:
            offices = [Office(town.settings, code, database, ELDERS) for code in DISTRICTS]
            _story(town, offices)
            for office in offices:
                _look(office)
        finally:
            database.close()


def _story(town: City, offices: list[Office]) -> None:
    for name in ("first", "second"):
        town.start("worker", name)
    town.start("watcher")
    for office in offices:
        office.registers()
    _all_done(town, "duty-plan", PUBLISHED, month=MONTH, publish=True)
    for job in JOBS:
        town.trigger(job, MORNING)
    town.until(lambda: any(run.state == "RUNNING" for run in _children(town, *JOBS)), "a child at work")
    town.kill("first")
    town.kill("server")
    town.start("server")
    town.until(town.api.healthy, "the server again")
    _heal(town, offices)
    for office in offices:
        office.say_yes()
    _all_done(town, "allowance-release", RELEASED)
    for office in offices:
        office.answers()
    _all_done(town, "allowance-reconcile", ANSWERED)


def _heal(town: City, offices: list[Office]) -> None:
    """Let the watchdog begin again what the dead left, until all is done."""
    for _ in range(9):
        town.bury()
        town.until(lambda: not town.api.unfinished(), "what is under way")
        if all(office.done() >= set(JOBS.items()) for office in offices):
            return
        watched = town.trigger("watch-jobs", SEEN)
        town.until(lambda run=watched: town.ended(run), "the watchdog")  # type: ignore[misc]
        assert town.api.run(watched).done
    raise AssertionError([set(JOBS.items()) - office.done() for office in offices])


def _look(office: Office) -> None:
    """Everything is there, and nothing twice."""
    facts = office.facts()
    assert len(facts["duties"]) == 2 * DAYS == len({row[:2] for row in facts["duties"]})
    assert len(facts["listed"]) == len({row[:2] for row in facts["listed"]}) > 0
    assert {row[3] for row in facts["paid"]} == {"paid"}
    assert [row[0] for row in facts["paid"]] == [row[0] for row in facts["owed"]]
    assert office.paid() == dict(office.bank().totals().by_key) != {}


def _children(town: City, *jobs: str) -> list[Run]:
    return [run for run in town.runs() if run.parameters["job"] in jobs]


def _all_done(town: City, job: str, at: str, **given: object) -> None:
    """A job that nobody disturbs is done once in each district."""
    town.trigger(job, at, **given)

    def ended() -> bool:
        runs = _children(town, job)
        assert not [run for run in runs if run.state in {"FAILED", "CRASHED"}], runs
        return len(runs) == len(DISTRICTS) and all(run.done for run in runs)

    town.until(ended, job)
