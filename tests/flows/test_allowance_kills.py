"""Kill -9 at every named point and at random moments of an allowance's life: the next run completes it, once.

The bank here does not de-duplicate: a file or a key that is handed in twice is paid twice, in its own books.
"""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import flows.allowance_approve
import flows.allowance_notice
import flows.allowance_plan
import flows.allowance_reconcile
import flows.allowance_reissue
import flows.allowance_release
import flows.allowance_stop
import flows.allowance_tell
import flows.intake_store
import flows.jobs
import models.ledger
from models.allowance_plan import Plan
from models.bank_files import Files
from models.db import Database
from models.intake_returns import ReturnIntake
from tests.flows.allowance_life import MONTHS, Life, dies_at_moment, ended, in_child
from tests.flows.test_visits_kills import dies_at


@pytest.fixture
def life(database: Database, tmp_path: Path) -> Life:
    return Life(database, tmp_path)


def killed(life: Life, arm: Callable[[], Any], period: str) -> bool:
    """Live a month in a child that dies; tell whether it did."""
    life.database.engine.dispose()

    def work() -> None:
        life.alone()
        arm()
        life.month(period)

    return ended(in_child(work)) == -signal.SIGKILL


POINTS: list[tuple[str, Any, str, int, int]] = [
    # what is cut off; the function before which it is, and at which call of it: in a row, and on its own
    ("plan: before people are decided", flows.allowance_plan, "_new_lines", 1, 1),
    ("plan: cycle stored, no list", flows.allowance_plan, "open_batch", 1, 1),
    ("plan: list stored, nobody on it", Plan, "pour", 1, 1),
    ("plan: people stored, budget not booked", flows.allowance_plan, "book_budget", 1, 1),
    ("plan: done, the run not recorded", flows.jobs, "_finish", 1, 1),
    ("notice: stored, not shown", flows.allowance_notice, "publish", 1, 1),
    ("notice: shown, nobody told", flows.allowance_notice, "tell_notice", 1, 1),
    ("approve: code used up, no approval", flows.allowance_approve, "ready", 1, 1),
    ("approve: approval stored, nothing committed", flows.allowance_approve, "_commit", 1, 1),
    ("approve: before the books are compared", models.ledger, "agree", 1, 1),
    ("release: before the file is frozen", Files, "freeze", 1, 1),
    ("release: frozen, not booked", models.ledger, "book", 1, 1),
    ("send: frozen, not written", flows.allowance_release, "content_of", 1, 1),
    ("send: marked, not written", flows.allowance_release, "_write", 1, 1),
    ("send: half written", os, "fsync", 1, 1),
    ("send: written and marked, not there for the bank", flows.allowance_release, "sent_names", 1, 2),
    ("send: the bank may have it, the run does not know", flows.allowance_release, "_keep", 1, 2),
    ("reconcile: read, nothing stored", ReturnIntake, "pour", 1, 1),
    ("reconcile: lines stored, payments not changed", ReturnIntake, "_change_payments", 1, 1),
    ("reconcile: booked, the file not logged", flows.intake_store, "log_rows", 1, 1),
    ("reconcile: taken in, nothing else", flows.allowance_reconcile, "_call_unknown", 1, 1),
    ("reconcile: payees not told", flows.allowance_tell, "tell_payees", 1, 1),
    ("reissue: a list with nobody on it", flows.allowance_reissue, "move_to", 1, 1),
    ("reissue: nothing committed", flows.allowance_approve, "_commit", 1, 2),
    ("second release: before the file is frozen", Files, "freeze", 1, 2),
    ("second release: written, not marked", flows.allowance_release, "mark_sent", 1, 2),
    ("second release: the bank may have it", flows.allowance_release, "_keep", 2, 4),
    ("second return: lines stored, payments not changed", ReturnIntake, "_change_payments", 1, 2),
]


def test_a_kill_at_every_named_point_in_turn_leaves_one_complete_month(life: Life) -> None:
    for what, holder, name, call, _ in POINTS:
        assert killed(life, lambda h=holder, n=name, c=call: dies_at(h, n, c), "2026-10"), what  # type: ignore[misc]
        life.bank.take_all()
        life.balances()
    life.month("2026-10")
    life.paid_once("2026-10")


@pytest.mark.proof
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point[0])
def test_a_kill_at_a_named_point_is_made_good_by_the_next_run(life: Life, point: tuple[Any, ...]) -> None:
    what, holder, name, _, call = point
    assert killed(life, lambda: dies_at(holder, name, call), "2026-10"), what
    life.bank.take_all()
    life.month("2026-10")
    life.paid_once("2026-10")


def kill_at_random(life: Life, times: int, seed: int) -> list[str]:
    """Kill a run again and again at random moments of up to four months; return the months."""
    dice, kills, months = random.Random(seed), 0, []
    for period in MONTHS:
        months.append(period)
        while kills < times and killed(life, lambda: dies_at_moment(dice.randint(1, 70)), period):
            kills += 1
            life.bank.take_all()
        life.month(period)
        if kills == times:
            return months
    pytest.fail(f"only {kills} kills in {len(months)} months")


def test_random_kills_in_a_row_pay_everybody_once(life: Life) -> None:
    life.paid_once(*kill_at_random(life, 26, seed=20261027))


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(10))
def test_many_random_kills_in_a_row_pay_everybody_once(life: Life, seed: int) -> None:
    life.paid_once(*kill_at_random(life, 26, seed))
