"""The rule book of jobs: what is watched, and that nothing in it is silent or misspelt."""

from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import book
from policies.book import BadPolicy
from policies.jobs import jobs
from rules.watched import PERIODS

DAY = date(2026, 3, 26)
BASE: dict[str, Any] = yaml.safe_load((Path(book.__file__).parent / "jobs.yaml").read_text("utf-8"))["versions"][0]


def test_the_policy_reads_whole_and_watches_every_job_that_can_be() -> None:
    policy = jobs(DAY)
    assert (policy.grace, policy.attempts) == (timedelta(minutes=10), 3)
    assert {each.job for each in policy.deadlines} == PERIODS.keys()
    (duty,) = (each for each in policy.deadlines if each.job == "duty-day")
    assert (duty.starts, duty.due) == (time(6), time(6, 45))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        pytest.param({"jobs": {"duty-dya": {"starts": "06:00", "due": "06:45"}}}, "duty-dya", id="no such job"),
        pytest.param({"jobs": {"duty-day": {"starts": "06:00"}}}, "due", id="no deadline"),
        pytest.param({"jobs": {"duty-day": {"starts": "06:00", "due": "05:45"}}}, "duty-day", id="due too early"),
        pytest.param({"jobs": {"duty-day": {"starts": "06:00", "due": "07:00", "day": 1}}}, "day", id="a day too many"),
        pytest.param({"jobs": {"duty-publish": {"starts": "08:00", "due": "10:00"}}}, "day", id="a day too few"),
        pytest.param(
            {"jobs": {"duty-publish": {"day": 29, "starts": "08:00", "due": "10:00"}}}, "28", id="a day February lacks"
        ),
        pytest.param(
            {"jobs": {"visits-callback": {"day": 8, "starts": "08:00", "due": "10:00"}}}, "7", id="an eighth weekday"
        ),
        pytest.param({"jobs": {"duty-day": {"starts": "06:00+08:00", "due": "06:45"}}}, "offset", id="an offset"),
        pytest.param({"grace_minutes": -1}, "whole", id="a negative grace"),
        pytest.param({"attemps": 3}, "attemps", id="a misspelt key"),
    ],
)
def test_a_wrong_version_is_named_with_what_is_wrong(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    path = tmp_path / "overlay.yaml"
    path.write_text(yaml.safe_dump({"jobs": {"versions": [{**BASE, **changed}]}}, allow_unicode=True), "utf-8")
    book._versions.cache_clear()
    with pytest.raises(BadPolicy, match=says):
        jobs(DAY, path)
