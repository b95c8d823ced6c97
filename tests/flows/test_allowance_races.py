"""Every step of an allowance triggered many times at once: it is done once, and nobody is paid twice.

Whoever comes too late is told so, by a refusal that says what stands, or finds the work done.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from flows.intake_store import Overtaken
from models.allowance import AllowanceBatch, Approval, Entitlement, EntitlementChange
from models.db import Database
from models.messages import Message
from models.payment import BankFile, LedgerTransfer
from rules.allowance_refusals import ListRefused
from rules.staff_refusals import NotProved
from tests.flows.allowance_life import Life

MONTH = "2026-10"
LATE = (ListRefused, NotProved, Overtaken)
"""What may be said to who comes too late. A disagreement of the books is none of it: they never disagree."""
WIDTH = 6


class Crowd(Life):
    """A district in which the bank, which is one, works before the crowd comes for its answers."""

    def settle(self, moment: str) -> None:
        self.reconcile(moment)

    def bank_answers(self) -> None:
        self.bank.take_all()
        self.bank.reply("pain.002")
        self.carry(sorted(self.bank.returns.glob("*.xml")))


@pytest.fixture
def crowd(database: Database, tmp_path: Path) -> Crowd:
    return Crowd(database, tmp_path)


def at_once(work: Callable[[], Any], times: int) -> list[Any]:
    """Call `work` so many times, some at the same moment; return what came of each."""
    results: list[Any] = []
    with ThreadPoolExecutor(WIDTH) as pool:
        for start in range(0, times, WIDTH):
            some = min(WIDTH, times - start)
            gate = Barrier(some)

            def one(gate: Barrier = gate) -> Any:
                gate.wait()
                try:
                    return work()
                except LATE as late:
                    return late

            results += [each.result() for each in [pool.submit(one) for _ in range(some)]]
    return results


def live_through(crowd: Crowd, times: int) -> None:
    """A month in which every step is triggered so many times at once; the bank takes files away in between."""
    for step in crowd.walk(MONTH):
        at_once(step, times)
        crowd.bank_answers()
        crowd.balances()
    crowd.paid_once(MONTH)
    told = Counter(crowd.rows(Message.dedupe_key))
    assert set(told.values()) == {1}
    assert Counter(crowd.rows(AllowanceBatch.kind)) == {("plan",): 1, ("reissue",): 1}
    assert len(crowd.rows(Approval.id)) == len(crowd.rows(BankFile.id)) == 2
    assert crowd.rows(EntitlementChange.what) == [("moved",), ("moved",)]
    kinds = Counter(kind for (kind,) in crowd.rows(LedgerTransfer.kind) if kind != "budget")
    assert kinds == {"commit": 1, "release": 2, "paid": 2, "returned": 1, "reissue": 1}


def test_every_step_at_once_several_times_is_done_once(crowd: Crowd) -> None:
    live_through(crowd, WIDTH)


@pytest.mark.proof
def test_every_step_two_hundred_times_is_done_once(crowd: Crowd) -> None:
    live_through(crowd, 200)


def returned_list(crowd: Crowd) -> str:
    """A re-issue that waits for its approval."""
    steps = crowd.walk(MONTH)
    for step in steps[:9]:
        step()
        crowd.bank_answers()
    (ref,) = crowd.lists("notice", reissue=True)
    return ref


def test_a_death_found_by_many_at_once_frees_the_money_of_a_reissue_once(crowd: Crowd) -> None:
    returned_list(crowd)
    crowd.status(crowd.refs[3], "2026-09-20", "DEAD", f"{MONTH}-23T09:30")
    at_once(lambda: crowd.stop(f"{MONTH}-23T10:00"), WIDTH)
    assert [why for (why,) in crowd.rows(Entitlement.cancel_reason) if why] == ["dead"]
    assert crowd.balances()["returned"] == 8000
    crowd.agrees_with_the_bank()


def test_an_objection_upheld_against_a_reissue_frees_its_money(crowd: Crowd) -> None:
    returned_list(crowd)
    raised = {"programme": "longevity", "period": MONTH, "elder": crowd.refs[3], "raised_on": f"{MONTH}-23"}
    crowd.send("objection", [{**raised, "text": "已搬走", "upheld": "yes"}], f"{MONTH}-23T09:30")
    at_once(lambda: crowd.morning(f"{MONTH}-24T07:00"), WIDTH)
    assert crowd.balances()["returned"] == 8000
    crowd.agrees_with_the_bank()


def test_a_release_beside_a_correction_sends_what_was_approved_or_nothing(crowd: Crowd) -> None:
    """Each payment goes to the account that the approved content names, whoever is faster."""
    for step in crowd.walk(MONTH)[:4]:
        step()
    work = iter(range(WIDTH))

    def either() -> None:
        if next(work) % 2:
            crowd.release(moment=f"{MONTH}-20T10:00")
        else:
            crowd.send("account", [crowd.account(crowd.refs[0], 88, f"{MONTH}-01")], f"{MONTH}-20T10:00")

    at_once(either, WIDTH)
    sent = len(crowd.rows(BankFile.id))
    assert set(crowd.batches().values()) == ({"released"} if sent else {"notice"})
    crowd.bank_answers()
    crowd.reconcile(f"{MONTH}-21T15:00")
    crowd.files_once()
    crowd.agrees_with_the_bank()
