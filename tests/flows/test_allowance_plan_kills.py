"""Plans at once, and kill -9 in the middle of one: one cycle, one list, everybody on it once."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import flows.allowance_plan
import flows.jobs
from flows.allowance_plan import plan, supplement
from models import audit
from models.allowance import AllowanceCycle, Entitlement
from models.allowance_plan import Plan
from models.db import Database
from tests.flows.allowances import APRIL, Pay
from tests.flows.test_duty_kills import ended, in_child

OWED = {"eighty": 8000, "ninety": 15000, "hundred": 60000}


@pytest.fixture
def pay(database: Database, tmp_path: Path) -> Pay:
    made = Pay(database, tmp_path)
    born = {"eighty": "1940-01-01", "ninety": "1930-01-01", "hundred": "1920-01-01"}
    made.people({**{who: {"born": day} for who, day in born.items()}, "poor": {"born": "1941-01-01", "account": False}})
    return made


def in_another(pay: Pay, step: Callable[..., Any], *wanted: str) -> Callable[[], None]:
    """The same step for a child, with a database of its own."""
    base = pay.office.at(APRIL)
    pay.database.engine.dispose()
    return lambda: step(Database(base.url, base.keys()), base, *wanted)


def complete_once(pay: Pay) -> None:
    assert pay.entitled() == OWED
    assert pay.excluded() == {"poor": "no_account"}
    assert pay.batches() == [("2026-03", 1, "plan", "planned")]
    assert (pay.count(AllowanceCycle), pay.count(Entitlement), pay.audited("allowance.plan")) == (1, 3, 1)


def dies_at(owner: Any, name: str) -> None:
    """Kill this process when a function is called."""

    def deadly(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, deadly)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        pytest.param(Plan, "take", id="before anything is decided"),
        pytest.param(Plan, "open_cycle", id="before the cycle is written"),
        pytest.param(flows.allowance_plan, "open_batch", id="between cycle and list"),
        pytest.param(Plan, "_exclude", id="between who is paid and who is not"),
        pytest.param(audit, "record", id="before the audit entry"),
        pytest.param(flows.jobs, "_finish", id="after the plan is stored"),
    ],
)
def test_a_kill_while_planning_is_made_good_by_the_next_run(pay: Pay, owner: Any, name: str) -> None:
    run = in_another(pay, plan, "longevity", "2026-03")

    def work() -> None:
        dies_at(owner, name)
        run()

    assert ended(in_child(work)) == -signal.SIGKILL
    pay.plan()
    complete_once(pay)
    stored = pay.snapshot()
    assert pay.plan()["already"]
    assert pay.snapshot() == stored


def test_plans_at_once_leave_one(pay: Pay) -> None:
    work = in_another(pay, plan, "longevity", "2026-03")
    assert [ended(pid) for pid in [in_child(work) for _ in range(4)]] == [0] * 4
    pay.plan()
    complete_once(pay)


def test_supplements_at_once_hold_everybody_once(pay: Pay) -> None:
    pay.plan()
    pay.account("poor", "2026-04-02")
    work = in_another(pay, supplement, "longevity")
    assert [ended(pid) for pid in [in_child(work) for _ in range(4)]] == [0] * 4
    assert pay.entitled() == OWED | {"poor": 8000}
    assert pay.batches()[1:] == [("2026-03", 2, "supplement", "planned")]
    assert pay.audited("allowance.supplement") == 1
