"""The life of elders as a state machine: no task is lost or doubled, and what is stored is a fresh reckoning's.

People are registered, met and missed, graded anew, go to hospital and come back, move, refuse and die; paper comes late
and twice; mornings come on some days and not on others.
"""

import shutil
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlmodel import col

from flows.visit_desk import NotRecorded
from models.db import Database
from models.visit import VisitTask
from tests.flows.elders import elder, refs
from tests.flows.test_duty import Office
from tests.flows.test_visits_derived import OUTCOMES, stored_and_fresh
from tests.flows.visits import Visits

START = date(2026, 3, 2)
WHO, BACK = st.integers(0, 30), st.sampled_from((0, 0, 0, 1, 2, 9))
_numbers = count()


class Town(RuleBasedStateMachine):
    """One district from the second of March on."""

    like: Visits
    file: Path
    folder: Path

    @initialize()
    def open(self) -> None:
        path = self.folder / f"life-{next(_numbers)}.db"
        shutil.copy(self.file, path)
        base = self.like.office.base.model_copy(update={"database_url": f"sqlite:///{path}"})
        self.visits = Visits.__new__(Visits)
        self.visits.database = Database(base.url, base.keys())
        self.visits.office = Office(self.visits.database, base, self.folder)
        self.visits.refs = list(self.like.refs)
        self.day, self.people, self.seen = START, count(100), set[tuple[int, str, str]]()
        self.seconds = count()

    def teardown(self) -> None:
        if hasattr(self, "visits"):
            try:
                self.a_morning_comes(1)
            finally:
                self.visits.database.close()

    def one(self, who: int) -> str:
        return self.visits.refs[who % len(self.visits.refs)]

    @property
    def moment(self) -> str:
        """A moment of its own for each thing that is recorded on a day."""
        minute, second = divmod(next(self.seconds), 60)
        return f"{self.day}T{10 + minute // 60:02}:{minute % 60:02}:{second:02}"

    def back(self, days: int) -> date:
        return max(self.day - timedelta(days=days), START)

    @rule(tier=st.sampled_from(("red", "yellow", "green")))
    def somebody_is_registered(self, tier: str) -> None:
        number = next(self.people)
        row = elder("1944-05-06", serial=number, tier=tier, registered_on=self.day.isoformat(), name="李秀")
        self.visits.send("elder", [row], self.moment)
        self.visits.refs = refs(self.visits.office)

    @rule(who=WHO, days=BACK, outcome=st.sampled_from(OUTCOMES), helper=st.sampled_from(("H1", "H2")))
    def a_contact_is_recorded(self, who: int, days: int, outcome: str, helper: str) -> None:
        try:
            on = self.back(days).isoformat()
            self.visits.contact(self.one(who), on, outcome, self.moment, helper)
        except NotRecorded:
            return

    @rule(
        who=WHO, days=BACK, status=st.sampled_from(("HOSPITAL", "AWAY", "ACTIVE", "ACTIVE", "REFUSED", "DEAD", "MOVED"))
    )
    def a_status_is_recorded(self, who: int, days: int, status: str) -> None:
        try:
            self.visits.status(self.one(who), self.back(days).isoformat(), status, self.moment)
        except NotRecorded:
            return

    @rule(who=WHO)
    def somebody_moves_inside(self, who: int) -> None:
        try:
            more = {"community": "普坪社区"}
            self.visits.status(self.one(who), self.day.isoformat(), "MOVED", self.moment, **more)
        except NotRecorded:
            return

    @rule(who=WHO, tier=st.sampled_from(("red", "yellow", "green")))
    def somebody_is_graded_anew(self, who: int, tier: str) -> None:
        self.visits.send("elder", [{"id_number": self.one(who), "tier": tier}], self.moment)

    @rule(days=st.sampled_from((1, 1, 1, 2, 5, 33)))
    def a_morning_comes(self, days: int) -> None:
        self.day += timedelta(days=days)
        self.visits.morning(self.day.isoformat())
        stored, fresh = stored_and_fresh(self.visits, self.day, f"{self.day}T06:00")
        assert stored == fresh
        columns = (VisitTask.elder_id, VisitTask.kind, VisitTask.cycle)
        with self.visits.database.read() as session:
            keys = [tuple(row) for row in session.execute(select(*map(col, columns)))]
        assert len(keys) == len(set(keys))
        assert self.seen <= set(keys)
        self.seen = set(keys)


@pytest.fixture
def town(database: Database, tmp_path: Path) -> type[Town]:
    like = Visits(database, tmp_path, ("red", "yellow", "green"))
    database.engine.dispose()
    Town.like, Town.folder = like, tmp_path
    Town.file = Path(like.office.base.url.removeprefix("sqlite:///"))
    return Town


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("examples", "steps"),
    [pytest.param(6, 14, id="few"), pytest.param(150, 40, marks=pytest.mark.proof, id="many")],
)
def test_no_task_is_lost_or_doubled_whatever_happens_in_whatever_order(
    town: type[Town], database: Database, examples: int, steps: int
) -> None:
    del database  # SQLite, whose file is copied for each example; test_visits_derived.py walks on both
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    phases = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
    bounds = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=checks, phases=phases
    )
    run_state_machine_as_test(town, settings=bounds)
