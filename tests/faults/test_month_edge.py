"""The edge of a month: a minute before and after midnight in Shanghai, on machines of any time zone; births of 1986-91.

Exports between midnights: tests/flows/test_exports.py. Paper of the first: tests/flows/test_visit_month.py. Summer time
of instants: tests/models/test_db.py, tests/flows/test_settings.py. 29 February: tests/rules/test_allowances_facts.py,
test_allowances_due.py, test_calendar.py, test_identity.py, test_marks.py, test_visits_month.py and
tests/flows/test_duty_workbook.py.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows import artifacts
from flows.allowances import allowance_plan
from flows.duty import duty_plan
from flows.settings import Settings, settings
from flows.visit_month import visits_month
from models.elder import Elder
from rules.identity import identity
from tests.faults.whole import Whole
from tests.flows.elders import elder, number

BEFORE = ["2026-10-31T23:59", "2026-10-31T15:59+00:00"]
AFTER = ["2026-11-01T00:01", "2026-10-31T16:01+00:00"]


@pytest.fixture(params=["UTC", "Asia/Shanghai", "America/Los_Angeles"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The time zone of the machine, which must not matter."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.fixture
def whole(copied: Callable[[str], Whole], monkeypatch: pytest.MonkeyPatch) -> Iterator[Whole]:
    """A district that the jobs find by their settings, as in life."""
    made = copied("sqlite")
    monkeypatch.setenv("TUOQI_DATABASE_URL", made.office.base.url)
    monkeypatch.setenv("TUOQI_VAR_DIR", str(made.folder / "var"))
    monkeypatch.setenv("TUOQI_KEY_FILE", str(made.office.base.keys_path))
    yield made
    settings.cache_clear()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def put(moment: str) -> None:
        monkeypatch.setenv("TUOQI_AT", moment)
        settings.cache_clear()

    return put


@pytest.mark.usefixtures("zone")
def test_each_job_takes_the_month_of_shanghai(whole: Whole, at: Callable[[str], None]) -> None:
    """Duty of the coming month, visits of the one before, allowances that are due."""
    assert whole.database
    for moment in BEFORE:
        at(moment)
        assert duty_plan.fn()["month"] == "2026-11"
        assert visits_month.fn()["month"] == "2026-09"
        assert {row["period"] for row in allowance_plan.fn()["plans"] if "people" in row} <= {"2026-09", "2026-10"}
    for moment in AFTER:
        at(moment)
        assert duty_plan.fn()["month"] == "2026-12"
        assert visits_month.fn()["month"] == "2026-10"


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("scheduled", "day"),
    [
        pytest.param("2026-10-31T15:59", date(2026, 10, 31), id="23:59 in Shanghai"),
        pytest.param("2026-10-31T16:01", date(2026, 11, 1), id="00:01 in Shanghai"),
        pytest.param("2026-12-31T16:00", date(2027, 1, 1), id="midnight of the year"),
        pytest.param("2028-02-28T16:00", date(2028, 2, 29), id="29 February begins"),
        pytest.param("2028-02-29T15:59", date(2028, 2, 29), id="29 February ends"),
    ],
)
def test_the_business_date_of_a_run_is_that_of_its_schedule_in_shanghai(
    configured: Settings, monkeypatch: pytest.MonkeyPatch, scheduled: str, day: date
) -> None:
    when = datetime.fromisoformat(scheduled).replace(tzinfo=UTC)
    run = SimpleNamespace(flow_run=SimpleNamespace(expected_start_time=when))
    monkeypatch.setattr(artifacts, "FlowRunContext", SimpleNamespace(get=lambda: run))
    assert artifacts.as_of(None, configured) == day


def test_every_birth_of_the_years_with_summer_time_is_its_own_day() -> None:
    """Clocks went forward at midnight of these years: a date that passed through an instant would slip."""
    first = date(1986, 1, 1)
    days = [first + timedelta(days=n) for n in range((date(1992, 1, 1) - first).days)]
    assert [identity(number(f"{day}"), date(2026, 3, 1)).birth_date for day in days] == days


SWITCHES = [
    "1986-05-04",
    "1986-09-14",
    "1987-04-12",
    "1988-04-17",
    "1989-04-16",
    "1990-04-15",
    "1991-04-14",
    "1991-09-15",
]


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_births_on_the_days_when_clocks_changed_come_back_as_they_were_written(
    copied: Callable[[str], Whole], kind: str
) -> None:
    whole = copied(kind)
    rows = [elder(day, serial=900 + 2 * n, registered_on="2026-01-05") for n, day in enumerate(SWITCHES)]
    whole.send("elder", rows, "2026-03-01T09:00")
    with whole.database.read() as session:
        born = session.scalars(select(col(Elder.birth_date)).order_by(col(Elder.id).desc()).limit(len(SWITCHES))).all()
    assert [f"{day}" for day in born][::-1] == SWITCHES
