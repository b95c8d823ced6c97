"""Allowances as a state machine: whatever happens in whatever order, all books agree and nobody is paid twice.

Time passes, months are planned, people die, come back to life in the register, move, certify, change accounts, are
objected to; lists are shown, approved, released, withdrawn; the bank answers, late, twice, a fen off, not at all, takes
payments back; persons vouch and close. The bank does not de-duplicate, and its own books are what is compared.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlmodel import col

from flows.allowance_claims import withdraw
from flows.allowance_settle import Person
from flows.intake_store import register, store_rows
from flows.rehearsal_bank.script import Script
from models.allowance import AllowanceBatch as Batch
from models.allowance import Entitlement
from models.db import Database
from models.ledger import Disagreement
from models.payment import BankLine, Payment, Receivable
from rules.errors import TuoqiError
from rules.registers import parse
from tests.flows.allowance_life import Life

START, END = datetime.fromisoformat("2026-09-10T09:00"), datetime.fromisoformat("2026-12-28T09:00")
PEOPLE = 7
UNRELIABLE = Script(returned={"21": "AC04"}, late=("31",), twice=("41",), off=("51",), recalled=("61",), lost=1)
"""What happens to whose account: the bank has its days, and the answer to the first file is lost."""
WHO = st.integers(0, PEOPLE - 1)
_numbers = count()


class Town(RuleBasedStateMachine):
    """One district, one bank, and the days between September and the end of the year."""

    like: Life
    folder: Path

    @initialize()
    def open(self) -> None:
        number = next(_numbers)
        folder = self.folder / str(number)
        folder.mkdir()
        self.life = self.like.copied(folder, number)
        self.clock, self.cards = START, count(100)
        self.returns: list[Path] = []

    def teardown(self) -> None:
        """In the end the bank has told all, persons have settled the rest, and both books are the same."""
        if hasattr(self, "life"):
            try:
                self._settle_all()
            finally:
                self.life.database.close()
                shutil.rmtree(self.life.folder)

    def _settle_all(self) -> None:
        self.pass_days(3)
        self.release()
        self.bank_answers()
        self.bank_is_asked()
        self.bank_answers_later()
        self.clock += timedelta(days=20)  # more than five workdays, be it over National Day
        self.reconcile()
        self.persons_vouch()
        self.stop()
        assert not set(self.life.states()) - {"paid", "returned"}
        self.life.agrees_with_the_bank()

    @property
    def now(self) -> str:
        """A moment of its own for each thing that happens."""
        self.clock += timedelta(minutes=20)
        self.life.now = self.clock.isoformat(timespec="minutes")
        return self.life.now

    def may(self, work: Callable[[], Any]) -> Any:
        """Do what may be refused with a sentence; the books may never disagree."""
        try:
            return work()
        except Disagreement:
            raise
        except TuoqiError:
            return None

    def send(self, kind: str, row: dict[str, Any]) -> None:
        """Import a row, which the register may refuse."""
        parsed = parse(register(kind), [list(row), [str(cell) for cell in row.values()]])
        self.may(lambda: store_rows(self.life.database, self.life.at(self.now), kind, parsed.rows, "test"))

    @rule(days=st.integers(1, 9))
    def pass_days(self, days: int) -> None:
        self.clock = min(self.clock + timedelta(days=days), max(END, self.clock))

    @rule()
    def a_list_is_planned_and_shown(self) -> None:
        self.may(lambda: self.life.plan(self.clock.strftime("%Y-%m"), moment=self.now))
        for ref in self.life.lists("planned"):
            self.may(lambda ref=ref: self.life.show(ref, self.now))  # type: ignore[misc]

    @rule()
    def a_supplement_is_made(self) -> None:
        self.may(lambda: self.life.supplement(self.now))

    @rule(staff=st.sampled_from(["A1", "A2", "M1"]))
    def approve(self, staff: str) -> None:
        for ref in self.life.lists("notice") + self.life.lists("notice", reissue=True):
            self.may(lambda ref=ref: self.life.approve(ref, self.now, staff))  # type: ignore[misc]

    @rule()
    def release(self) -> None:
        self.may(lambda: self.life.release(moment=self.now))

    @rule()
    def a_month_goes_its_way(self) -> None:
        self.a_list_is_planned_and_shown()
        self.pass_days(9)
        self.morning()
        self.approve("A1")
        self.release()
        self.bank_answers()

    @rule()
    def morning(self) -> None:
        self.may(lambda: self.life.morning(self.now))

    @rule()
    def stop(self) -> None:
        self.may(lambda: self.life.stop(self.now))

    @rule()
    def reissue(self) -> None:
        self.may(lambda: self.life.reissue(self.now))

    @rule()
    def reconcile(self) -> None:
        self.may(lambda: self.life.reconcile(self.now))

    def _carry(self, files: list[Path]) -> None:
        self.returns += [self.life.inbox / path.name for path in files]
        self.life.carry(files)
        self.life.reconcile(self.now)  # without fail

    @rule()
    def bank_answers(self) -> None:
        assert self.now
        self.life.bank.take_all()
        self._carry(self.life.bank.reply("pain.002"))

    @rule()
    def bank_answers_later(self) -> None:
        assert self.now
        self._carry(self.life.bank.reply_later("pain.002"))

    @rule()
    def bank_is_asked(self) -> None:
        assert self.now
        for taken in self.life.bank.files():
            self._carry(self.life.bank.ask(taken.ref, "pain.002"))

    @rule(which=st.integers(0, 99))
    def a_return_file_comes_again(self, which: int) -> None:
        if not self.returns:
            return
        path = self.returns[which % len(self.returns)]
        self.life.reconcile(self.now)  # what time alone calls unknown is no news of the file
        before = self.life.payments(), self.life.rows(BankLine.id)
        path.write_bytes(path.read_bytes() + b"\n")  # another file to the eye, the same lines
        self.life.reconcile(self.now)
        assert (self.life.payments(), self.life.rows(BankLine.id)) == before

    @rule(who=WHO, ago=st.integers(0, 40))
    def dies(self, who: int, ago: int) -> None:
        since = self.clock.date() - timedelta(days=ago)
        self.send("status", {"elder": self.life.refs[who], "from": since, "status": "DEAD"})

    @rule(who=WHO, ago=st.integers(0, 20), status=st.sampled_from(["ACTIVE", "MOVED"]))
    def moves(self, who: int, ago: int, status: str) -> None:
        since = self.clock.date() - timedelta(days=ago)
        self.send("status", {"elder": self.life.refs[who], "from": since, "status": status})

    @rule(who=WHO)
    def death_was_a_mistake(self, who: int) -> None:
        query = "SELECT since FROM elder_status JOIN elder ON elder.id = elder_id WHERE ref = :ref AND status = 'DEAD'"
        with self.life.database.read() as session:
            days = session.connection().exec_driver_sql(query.replace(":ref", f"'{self.life.refs[who]}'")).scalars()
            since = [str(day) for day in days]
        for day in since:
            self.send("status", {"elder": self.life.refs[who], "from": day, "status": "ACTIVE"})

    @rule(who=WHO)
    def account_is_corrected(self, who: int) -> None:
        self.send("account", self.life.account(self.life.refs[who], next(self.cards), str(self.clock.date())))

    @rule(who=WHO)
    def certifies(self, who: int) -> None:
        self.send("certification", self.life.certified(self.life.refs[who], str(self.clock.date())))

    @rule(who=WHO, upheld=st.sampled_from(["是", "否", ""]))
    def is_objected_to(self, who: int, upheld: str) -> None:
        month = self.clock.strftime("%Y-%m")
        row = {"programme": "longevity", "period": month, "elder": self.life.refs[who], "text": "已迁居外地"}
        self.send("objection", {**row, "raised_on": f"{month}-10", "upheld": upheld})

    @rule()
    def persons_vouch(self) -> None:
        """Two persons look into the bank's books for what it has not answered."""
        paid, on = self.life.bank.totals().by_key, self.now[:10]  # both read one date, also about midnight
        for key, state in self.life.rows(Payment.key, Payment.state):
            if state == "unknown":
                for staff in ("A1", "A2"):
                    self._vouch(key, "paid" if key in paid else "returned", on, staff)

    def _vouch(self, key: str, result: str, on: str, staff: str) -> None:
        self.may(lambda: self.life.vouch(key, result, on, self.now, staff))

    @rule()
    def money_is_given_back(self) -> None:
        open_claims = select(col(Payment.key)).join(Receivable).where(col(Receivable.settled_at).is_(None))
        with self.life.database.read() as session:
            keys = session.scalars(open_claims.where(col(Receivable.withdrawn_at).is_(None))).all()
        for key in keys[:1]:
            self.may(lambda key=key: self.life.recovered(key, self.now))  # type: ignore[misc]

    @rule()
    def wrong_claims_are_withdrawn(self) -> None:
        open_claims = select(col(Payment.key)).join(Receivable).where(col(Receivable.settled_at).is_(None))
        with self.life.database.read() as session:
            keys = session.scalars(open_claims.where(col(Receivable.withdrawn_at).is_(None))).all()
        for key in keys[:2]:
            self.may(lambda key=key: self._withdraw(key))  # type: ignore[misc]

    def _withdraw(self, key: str) -> None:
        once, chosen = self.life.one_time("A1", self.now)
        withdraw(self.life.database, chosen, Person("A1", once), key, "登记更正")

    @rule()
    def an_exception_is_closed(self) -> None:
        for number, _, _ in self.life.exceptions()[:1]:
            self.life.close(number, self.now)

    @invariant()
    def books_agree(self) -> None:
        """Ledger and payments of every cycle; and of each payment what the bank has really done."""
        if not hasattr(self, "life"):
            return
        self.life.balances()
        totals = self.life.bank.totals()
        assert totals.paid_twice == {}
        got: Counter[int] = Counter()
        for key, fen, state, entitlement in self.life.rows(
            Payment.key, Payment.fen, Payment.state, Payment.entitlement_id
        ):
            really = totals.by_key.get(key, 0)
            assert really in {"paid": {fen}, "returned": {0}}.get(state, {0, fen}), (key, state, really)
            got[entitlement] += really
        owed = dict(self.life.rows(Entitlement.id, Entitlement.fen))
        assert all(fen <= owed[number] for number, fen in got.items())

    @invariant()
    def nobody_disappears(self) -> None:
        """Each list that is not over holds somebody, and each person of a planned month is entitled or left out."""
        if not hasattr(self, "life"):
            return
        live = {batch for batch, state in self.life.rows(Entitlement.batch_id, Entitlement.state) if state == "live"}
        numbers = self.life.rows(Batch.id, Batch.ref, Batch.state)
        assert all(number in live for number, _, state in numbers if state in {"notice", "approved"})


@pytest.mark.parametrize(
    ("examples", "steps"),
    [pytest.param(5, 30, id="quick"), pytest.param(100, 60, id="long", marks=pytest.mark.proof)],
)
def test_no_order_of_events_pays_twice_or_makes_the_books_disagree(
    database: Database, tmp_path: Path, examples: int, steps: int
) -> None:
    like = Life(database, tmp_path, PEOPLE, UNRELIABLE)
    database.close()
    run_state_machine_as_test(
        type("TownAt", (Town,), {"like": like, "folder": tmp_path}),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[*HealthCheck],
            phases=[Phase.explicit, Phase.generate],  # shrinking runs for minutes; the steps of a failure are printed
        ),
    )
