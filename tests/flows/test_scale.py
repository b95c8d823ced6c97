"""A city of processes: a worker, the API and the broker are killed in the middle, and all ends complete and single."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.prefect_api import ENDED, Run
from models.db import Database
from tests.flows.city import City, city
from tests.flows.city_office import ANSWERED, DAYS, MONTH, MORNING, PUBLISHED, RELEASED, SEEN, Office

ELDERS = 150
TWENTY = {f"5301{n:02}": f"第{n}区" for n in range(1, 21)}
JOBS = {"duty-day": "2026-04-01", "visits-day": "2026-04-01", "allowance-plan": "longevity/2026-03"}


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: the districts, the workers, what is killed in turn; and whether the test buries the dead itself."""

    districts: Mapping[str, str]
    workers: Sequence[str]
    kills: Sequence[str]
    buried: bool = True


@pytest.mark.timeout(1500)
def test_two_districts_end_complete_and_single_though_a_worker_the_api_and_the_broker_are_killed(
    tmp_path: Path, postgres: str, key_file: Path
) -> None:
    two = {"530112": "西山区", "530102": "五华区"}
    _story(tmp_path, postgres, key_file, Cast(two, ("first", "second"), ("first", "server", "valkey")))


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_twenty_districts_end_complete_and_single_though_everything_is_killed_once(
    tmp_path: Path, postgres: str, key_file: Path
) -> None:
    """Runs of the dead are called crashed by the automation, or by the ringer when the broker took its events along."""
    kills = ("first", "server", "second", "valkey", "services", "third", "watcher", "server")
    _story(tmp_path, postgres, key_file, Cast(TWENTY, ("first", "second", "third"), kills, buried=False))


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_more_workers_do_the_districts_of_a_city_sooner(
    tmp_path: Path, postgres: str, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each worker does one district at a time; a day of visits in every district, with one worker, two, three."""
    with city(tmp_path, postgres, key_file, TWENTY, worker_limit=1) as town:
        database = Database(town.settings.url, town.settings.keys())
        try:
            for code in TWENTY:
                Office(town.settings, code, database, ELDERS).registers()
        finally:
            database.close()
        rates: list[float] = []
        for number in (1, 2, 3):
            town.start("worker", f"worker-{number}")
            town.until(lambda least=number: len(town.api.workers()) >= least, "the workers")  # type: ignore[misc]
            begun = time.monotonic()
            _all_done(town, len(TWENTY), "visits-day", f"2026-04-0{number}T06:00:00+08:00", earlier=bool(rates))
            rates.append(len(TWENTY) * 60 / (time.monotonic() - begun))
        told = ", ".join(f"{number} workers {rate:.1f}" for number, rate in enumerate(rates, 1))
        with capsys.disabled():
            sys.stdout.write(f"\ndistricts a minute on {os.cpu_count()} cores: {told}\n")
    assert rates[1] > rates[0]


def _story(folder: Path, postgres: str, key_file: Path, cast: Cast) -> None:
    with city(folder, postgres, key_file, cast.districts) as town:
        database = Database(town.settings.url, town.settings.keys())
        try:
            offices = [Office(town.settings, code, database, ELDERS) for code in cast.districts]
            for office in offices:
                office.registers()
            _acts(town, offices, cast)
            for office in offices:
                _look(office)
        finally:
            database.close()


def _acts(town: City, offices: list[Office], cast: Cast) -> None:
    for name in cast.workers:
        town.start("worker", name)
    town.start("watcher")
    if not cast.buried:
        town.start("ringer")
    _all_done(town, len(offices), "duty-plan", PUBLISHED, month=MONTH, publish=True)
    for job in JOBS:
        town.trigger(job, MORNING)
    for number, name in enumerate(cast.kills):
        _wait_a_little(town)
        town.kill_and_start(name, again=number + 1 < len(cast.workers) or name not in cast.workers)
    _heal(town, offices, buried=cast.buried)
    for office in offices:
        office.say_yes()
    _all_done(town, len(offices), "allowance-release", RELEASED)
    for office in offices:
        office.answers()
    _all_done(town, len(offices), "allowance-reconcile", ANSWERED)


def _wait_a_little(town: City) -> None:
    """Until one more child has come to its end; what was killed before may keep all others from theirs."""
    before, until = _ended(town), time.monotonic() + 15
    town.until(lambda: _ended(town) > before or time.monotonic() > until, "a child's end")


def _ended(town: City) -> int:
    return sum(run.state in ENDED for run in _children(town, *JOBS))


def _heal(town: City, offices: list[Office], *, buried: bool) -> None:
    """Let the watchdog begin again what the dead left, until all is done."""
    for _ in range(9):
        if buried:
            town.bury()
        town.until(lambda: not town.api.unfinished(), "what is under way", 900)
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


def _all_done(town: City, districts: int, job: str, at: str, *, earlier: bool = False, **given: object) -> None:
    """A job that nobody disturbs is done once in each district; `earlier` when it was done for other days before."""
    before = {run.id for run in _children(town, job)} if earlier else set()
    town.trigger(job, at, **given)

    def ended() -> bool:
        runs = [run for run in _children(town, job) if run.id not in before]
        assert not [run for run in runs if run.state in {"FAILED", "CRASHED"}], runs
        return len(runs) == districts and all(run.done for run in runs)

    town.until(ended, job, 900)
