"""The bench: every job has a figure or a reason, and the table says what the lines say."""

import pytest
import yaml

from bench.__main__ import LONG, MODULES
from bench.document import document
from bench.jobs import MEASURED, NOT_MEASURED
from bench.machine import Machine
from bench.run_cost import a_day
from bench.timing import Cost, Line, power
from flows.child import ROOT
from flows.run import JOBS


def test_every_job_is_measured_or_named_with_the_reason_why_not() -> None:
    assert not MEASURED.keys() & NOT_MEASURED.keys()
    assert MEASURED.keys() | NOT_MEASURED.keys() == JOBS.keys() | {"district-run"}
    assert {module for modules in MEASURED.values() for module in modules} | LONG.keys() <= set(MODULES)
    assert {path.stem for path in (ROOT / "bench").glob("*.py")} >= set(MODULES)


def test_no_job_with_a_schedule_is_without_a_figure() -> None:
    jobs = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    scheduled = {each["name"] for each in jobs if each["schedules"]}
    assert scheduled <= MEASURED.keys()


def test_the_page_names_the_machine_the_job_and_what_is_missing() -> None:
    lines = [
        Line("plan", "33 x 30", Cost(1.5, 2.0), Cost(0.5, 0.6), "3.00", "5", "81 MB", "n^1.02"),
        Line("  replay", "none", Cost(0.0121, 0.0134)),
    ]
    page = document(Machine({"CPU": "two cores"}, 70.0), lines, {"plan_rule": 12.4}, {"visits": "160,000 elders"})
    assert "| CPU | two cores |" in page
    assert "| plan | 33 x 30 | 1.50 s / 2.00 s | 500 ms / 600 ms | 3.00 | 5 | 81 MB | n^1.02 |" in page
    assert "| · replay | none | 12 ms / 13 ms |" in page
    assert "**The machine was not quiet**" in page
    assert "- `visits`: 160,000 elders" in page
    assert all(f"- `{job}`: " in page for job in NOT_MEASURED)
    assert "not quiet" not in document(Machine({}, 3.0), lines, {}, {})


def test_growth_is_the_exponent_from_the_size_before() -> None:
    assert power(Cost(1, 1), Cost(10, 10), 10) == "n^1.00"
    assert power(Cost(1, 1), Cost(100, 100), 10) == "n^2.00"


@pytest.mark.parametrize(
    ("job", "runs"),
    [
        pytest.param("deliver", 144, id="every ten minutes"),
        pytest.param("duty-watch", 96, id="every quarter of an hour"),
        pytest.param("visits-watch", 14, id="hours of the day and one more"),
        pytest.param("exam-import", 30, id="half hours of the day"),
        pytest.param("allowance-reconcile", 5, id="every two hours"),
        pytest.param("duty-report", 12 / 365, id="a day of the month"),
        pytest.param("allowance-release", 5 / 7, id="weekdays"),
    ],
)
def test_runs_a_day_are_read_from_the_crons(job: str, runs: float) -> None:
    assert a_day(job) == pytest.approx(runs)
