"""The whole road of an allowance on real databases: plan, notice, approval, bank, return, re-issue, report."""

import csv
import hashlib
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update
from sqlmodel import col

from flows.allowance_approve import Yes, approve
from flows.allowance_due import plan_due
from flows.allowance_report import headline
from flows.allowance_settle import MaybePaid, NothingOpen, NotUnknown
from flows.allowance_sheet import read_sheet
from flows.intake import FileHasErrors
from flows.rehearsal_bank.script import Script
from models import audit
from models.account import Certification, PayeeAccount
from models.allowance import AllowanceCycle, Approval, Entitlement, Exclusion
from models.audit import AuditEntry
from models.bank_files import content_of
from models.db import Database, keys_of
from models.elder import Elder
from models.messages import Message
from models.payment import BankFile, BankLine, Payment, Receivable
from models.staff import Staff
from rules.allowance_refusals import (
    Changed,
    Disputed,
    NoBudget,
    NotNow,
    OpenObjections,
    OverBudget,
    OwnList,
    StillShown,
    WrongConfirmation,
)
from rules.staff_refusals import NotProved
from tests.flows.elders import elder, refs
from tests.flows.money import ANSWERED, APPROVED, MONTH, PLANNED, RELEASED, SHOWN, Money

LONG_AGO = date(2025, 8, 6)


@pytest.fixture
def money(database: Database, tmp_path: Path) -> Money:
    return Money(database, tmp_path)


def ready(money: Money) -> str:
    """A list that can be approved."""
    batch: str = money.plan()["batch"]
    money.show(batch)
    return batch


def test_five_elders_are_paid_once_and_told_and_all_books_agree(money: Money) -> None:
    planned = money.plan()
    assert (planned["registered"], planned["entitled"], planned["excluded"], planned["not_of_age"]) == (5, 5, 0, 0)
    batch = planned["batch"]
    shown = money.show(batch)
    assert (shown["first"], shown["last"], shown["people"]) == ("2026-10-12", "2026-10-16", 5)
    approved = money.approve(batch)
    assert approved["approved"]
    assert (approved["people"], approved["fen"]) == (5, 5 * 8000)
    assert money.balances()["committed"] == 40000
    released = money.release()
    assert [each["batch"] for each in released["released"]] == [batch]
    assert money.balances()["in_transit"] == 40000
    money.bank_takes()
    seen = money.reconcile()
    assert (seen["files"][0]["new"], seen["exceptions"], seen["unknown"]) == (5, [], 0)
    assert seen["messages"]["paid"] == 5
    assert money.states() == {"paid": 5}
    assert money.balances()["paid"] == 40000
    money.agrees_with_the_bank()
    told = money.report()
    assert told["people"] == {"paid": 5}
    assert told["planned"] == {"registered": 5, "entitled": 5, "excluded": 0, "not_of_age": 0}


def test_every_step_twice_does_its_work_once(money: Money) -> None:
    first = money.plan()
    again = money.plan()
    assert again["already"]
    assert again["batch"] == first["batch"]
    batch = first["batch"]
    assert money.show(batch)["messages"] > 0
    assert money.show(batch)["messages"] == 0
    assert money.approve(batch)["approved"]
    with pytest.raises(NotNow):
        money.approve(batch, staff="A2")
    assert money.release()["files"]
    assert money.release() == {"released": [], "refused": [], "files": []}
    with pytest.raises(NotNow):
        money.release(batch)
    money.bank_takes()
    money.reconcile()
    before = money.payments(), money.balances()
    for path in list(money.inbox.iterdir()):
        path.rename(path.with_name(f"copy-{path.name}"))
    seen = money.reconcile("2026-10-22T09:00")
    assert (seen["files"], seen["messages"]["paid"]) == ([], 0)
    assert (money.payments(), money.balances()) == before
    money.agrees_with_the_bank()


def test_a_list_is_not_approved_before_its_time_nor_by_its_maker_nor_with_a_wrong_code(money: Money) -> None:
    batch = money.plan()["batch"]
    with pytest.raises(NotNow):
        money.approve(batch, SHOWN)
    money.show(batch)
    with pytest.raises(StillShown):
        money.approve(batch, "2026-10-16T18:00")
    with pytest.raises(OwnList):
        money.approve(batch, staff="M1")
    with pytest.raises(WrongConfirmation):
        money.approve(batch, confirmation="7KQ3-9XM2-4TCE")
    with pytest.raises(NotProved) as refused:
        approve(money.database, money.at(APPROVED), batch, Yes("X9", money.code(batch), "123456", "cli"))
    assert "X9" not in str(refused.value)
    assert money.balances()["committed"] == 0
    assert money.approve(batch)["approved"]


def test_over_the_budget_nothing_is_approved_and_the_shortfall_is_told(money: Money) -> None:
    batch = ready(money)
    money.budget(MONTH, 39_999, moment=SHOWN)
    with pytest.raises(OverBudget, match=r"0\.01") as over:
        money.approve(batch)
    assert over.value.short_fen == 1
    assert money.balances()["committed"] == 0
    assert money.rows(Approval.id) == []
    money.budget(MONTH, 40_000, moment=SHOWN)
    assert money.approve(batch)["approved"]
    assert money.balances()["budget"] == 0


def test_without_a_budget_nothing_is_approved(money: Money) -> None:
    batch = money.plan("2026-11", moment="2026-11-10T09:00")["batch"]
    money.show(batch, "2026-11-10T10:00")
    with pytest.raises(NoBudget):
        money.approve(batch, "2026-11-20T09:00")


def test_a_large_list_needs_two_approvers(database: Database, tmp_path: Path) -> None:
    money = Money(database, tmp_path, people=2)
    batch = ready(money)
    with database.write() as session:  # as if a million yuan were on it
        session.execute(update(Entitlement).values(fen=60_000_000))
    money.budget(MONTH, 200_000_000, moment=SHOWN)
    first = money.approve(batch)
    assert (first["given"], first["needed"], first["approved"]) == (1, 2, False)
    assert money.approve(batch)["already"]
    assert money.release()["released"] == []
    second = money.approve(batch, staff="A2")
    assert (second["given"], second["approved"]) == (2, True)


@pytest.mark.parametrize("edit", ["one fen", "swapped accounts", "a person more", "a person less"])
def test_what_changes_after_approval_is_refused_audited_and_needs_approval_again(money: Money, edit: str) -> None:
    batch = ready(money)
    if edit == "a person more":
        _take_one_off(money)
    money.approve(batch)
    with money.database.write() as session:
        ids = list(session.scalars(select(col(Entitlement.id)).order_by(col(Entitlement.id))))
        if edit == "one fen":
            session.execute(update(Entitlement).where(col(Entitlement.id) == ids[0]).values(fen=8001))
        elif edit == "a person more":
            back = {"state": "live", "cancel_reason": None}
            session.execute(update(Entitlement).where(col(Entitlement.id) == ids[0]).values(back))
        elif edit == "a person less":
            gone = {"state": "cancelled", "cancel_reason": "mistaken"}
            session.execute(update(Entitlement).where(col(Entitlement.id) == ids[0]).values(gone))
    if edit == "swapped accounts":
        money.send("account", [money.account(money.refs[0], 77, "2026-10-19")], "2026-10-20T09:30")
    with pytest.raises(Changed):
        money.release(batch)
    assert money.payments() == []
    assert money.balances()["committed"] == 0
    actions = [action for (action,) in money.rows(AuditEntry.action)]
    assert actions.count("allowance.release-refused") == 1
    assert money.batches()[batch] == "notice"
    with pytest.raises(NotNow):
        money.release(batch)
    assert money.approve(batch, "2026-10-20T11:00")["approved"]
    assert money.release(batch, "2026-10-20T12:00")["files"]


def _take_one_off(money: Money) -> None:
    with money.database.write() as session:
        first = session.scalar(select(col(Entitlement.id)).order_by(col(Entitlement.id)))
        gone = {"state": "cancelled", "cancel_reason": "mistaken"}
        session.execute(update(Entitlement).where(col(Entitlement.id) == first).values(gone))


def test_a_death_known_before_the_file_frees_the_money_and_voids_the_approval(money: Money) -> None:
    batch = ready(money)
    money.approve(batch)
    money.status(money.refs[0], "2026-09-30", "DEAD", "2026-10-20T09:30")
    with pytest.raises(NotNow):
        money.release(batch)
    assert money.balances()["committed"] == 0
    assert money.batches()[batch] == "notice"
    approved = money.approve(batch, "2026-10-20T11:00")
    assert (approved["people"], approved["approved"]) == (4, True)
    money.release(batch, "2026-10-20T12:00")
    assert len(money.payments()) == 4


def test_the_month_of_death_is_paid(money: Money) -> None:
    batch = ready(money)
    money.approve(batch)
    money.status(money.refs[0], "2026-10-02", "DEAD", "2026-10-20T09:30")
    money.release(batch)
    assert len(money.payments()) == 5


def test_a_death_known_after_the_payment_is_a_receivable_until_it_is_given_back(money: Money) -> None:
    money.pay()
    money.bank_takes()
    money.reconcile()
    money.status(money.refs[0], "2026-09-30", "DEAD", "2026-10-25T09:00")
    stopped = money.stop("2026-10-26T06:40")
    assert [(row["elder"], row["state"]) for row in stopped["claimed"]] == [(money.refs[0], "paid")]
    assert money.stop("2026-10-27T06:40")["claimed"] == []
    assert money.balances()["receivable"] == 8000
    assert [(fen, reason) for fen, reason in money.rows(Receivable.fen, Receivable.reason)] == [(8000, "dead")]
    money.agrees_with_the_bank()
    key = money.keys()[0]
    assert money.recovered(key, "2026-11-02T09:00")["recovered"]
    assert money.balances()["receivable"] == 0
    with pytest.raises(NothingOpen):
        money.recovered(key, "2026-11-02T10:00")
    money.agrees_with_the_bank()


def test_a_death_known_while_the_bank_has_it_is_claimed_when_the_bank_says_paid(money: Money) -> None:
    money.pay()
    money.status(money.refs[0], "2026-09-30", "DEAD", "2026-10-20T18:00")
    money.stop("2026-10-21T06:40")
    assert money.balances()["receivable"] == 0
    money.bank_takes()
    assert money.reconcile()["messages"]["paid"] == 4
    assert money.balances()["receivable"] == 8000
    money.agrees_with_the_bank()


def test_what_comes_back_is_sent_again_to_the_corrected_account_only(database: Database, tmp_path: Path) -> None:
    money = Money(database, tmp_path, script=Script(returned={"00000001": "AC04", "00000011": "AC04"}))
    money.pay()
    money.bank_takes()
    seen = money.reconcile()
    assert seen["messages"]["returned"] == 2
    assert money.states() == {"paid": 3, "returned": 2}
    assert money.balances()["returned"] == 16000
    assert [row["ready"] for row in money.reissue("2026-10-22T09:00")["waiting"]] == [False, False]
    money.send("account", [money.account(money.refs[1], 66, "2026-10-22")], "2026-10-22T10:00")
    made = money.reissue("2026-10-22T11:00")
    assert (made["people"], [row["ready"] for row in made["waiting"]]) == (1, [False, True])
    assert money.reissue("2026-10-22T12:00")["batch"] is None
    assert money.approve(made["batch"], "2026-10-22T14:00")["fen"] == 8000
    assert money.balances()["returned"] == 8000
    money.release(made["batch"], "2026-10-22T15:00")
    money.bank_takes()
    money.reconcile("2026-10-23T15:00")
    assert [(n, state) for ref, n, state, _ in money.payments() if ref == money.refs[1]] == [
        (1, "returned"),
        (2, "paid"),
    ]
    money.agrees_with_the_bank()


def test_lines_that_do_not_fit_become_exceptions_which_a_person_closes(database: Database, tmp_path: Path) -> None:
    script = Script(off=("00000001",), twice=("00000011",), strangers=1)
    money = Money(database, tmp_path, script=script)
    money.pay()
    money.bank_takes()
    money.reconcile()
    found = money.exceptions()
    assert sorted(finding for _, _, finding in found) == ["amount", "double", "unknown_key"]
    assert money.states() == {"paid": 4, "sent": 1}
    for number, _, _ in found:
        assert money.close(number, "2026-10-22T09:00")["closed"]
    with pytest.raises(NothingOpen):
        money.close(found[0][0], "2026-10-22T10:00")
    assert money.exceptions() == []


def test_late_answers_leave_payments_unknown_and_never_failed(database: Database, tmp_path: Path) -> None:
    money = Money(database, tmp_path, script=Script(late=("00000001",)))
    money.pay()
    money.bank_takes()
    assert money.reconcile()["unknown"] == 0
    assert money.reconcile("2026-10-27T15:00")["unknown"] == 0  # the fifth workday after the 20th
    assert money.reconcile("2026-10-28T09:00")["unknown"] == 1
    assert money.reissue("2026-10-28T10:00")["waiting"] == []
    assert money.balances()["in_transit"] == 8000
    money.carry(money.bank.reply_later())
    money.reconcile("2026-10-29T09:00")
    assert money.states() == {"paid": 5}
    money.agrees_with_the_bank()


def test_two_persons_settle_what_the_bank_never_answers(database: Database, tmp_path: Path) -> None:
    money = Money(database, tmp_path, script=Script(lost=1))
    money.pay()
    money.bank.take_all()
    money.reconcile("2026-10-28T09:00")
    key, other = money.keys()[:2]
    assert not money.vouch(key, "paid", "2026-10-20", "2026-10-28T10:00", "A1")["settled"]
    assert not money.vouch(key, "paid", "2026-10-20", "2026-10-28T10:10", "A1")["settled"]
    assert money.vouch(key, "paid", "2026-10-20", "2026-10-28T10:20", "A2")["settled"]
    with pytest.raises(NotUnknown):
        money.vouch(key, "paid", "2026-10-20", "2026-10-28T10:30", "M1")
    assert not money.vouch(other, "returned", "2026-10-21", "2026-10-28T11:00", "A1")["differ"]
    told = money.vouch(other, "paid", "2026-10-20", "2026-10-28T11:10", "A2")
    assert (told["settled"], told["differ"]) == (False, True)
    told = money.vouch(other, "paid", "2026-10-21", "2026-10-28T11:20", "A1")  # another day is not the same
    assert (told["settled"], told["differ"]) == (False, True)
    assert money.states() == {"paid": 1, "unknown": 4}
    assert money.vouch(other, "paid", "2026-10-20", "2026-10-28T11:30", "A1")["settled"]
    assert money.states() == {"paid": 2, "unknown": 3}
    money.carry(money.bank.ask(money.rows(BankFile.ref)[0][0]))
    money.reconcile("2026-10-29T09:00")
    assert money.states() == {"paid": 5}
    money.agrees_with_the_bank()


def test_the_bank_is_heard_when_it_calls_paid_what_persons_called_returned(database: Database, tmp_path: Path) -> None:
    """Persons may be wrong; an earlier booking is then no late paper, or the payee would have it twice in silence."""
    money = Money(database, tmp_path, script=Script(lost=1))
    money.pay()
    money.bank.take_all()
    money.reconcile("2026-10-28T09:00")
    key = money.keys()[0]
    money.vouch(key, "returned", "2026-10-27", "2026-10-28T10:00", "A1")
    assert money.vouch(key, "returned", "2026-10-27", "2026-10-28T10:10", "A2")["settled"]
    line = {"key": key, "fen": 8000, "result": "paid", "reason": "", "booked_on": "2026-10-20"}
    money.send("bank-return", [line], "2026-10-29T09:00")
    assert [finding for _, _, finding in money.exceptions()] == ["contradiction"]


def test_money_that_comes_back_after_it_was_paid_waits_for_a_re_issue(database: Database, tmp_path: Path) -> None:
    money = Money(database, tmp_path, script=Script(recalled=("00000001",)))
    money.pay()
    money.bank_takes()
    money.reconcile()
    assert money.states() == {"paid": 5}
    money.carry(money.bank.reply_later())
    money.reconcile("2026-10-24T09:00")
    assert money.states() == {"paid": 4, "returned": 1}
    assert money.balances()["returned"] == 8000
    money.agrees_with_the_bank()


def test_paid_after_it_was_sent_again_is_a_receivable(database: Database, tmp_path: Path) -> None:
    money = Money(database, tmp_path, script=Script(returned={"00000001": "AC04"}))
    money.pay()
    money.bank_takes()
    money.reconcile()
    money.send("account", [money.account(money.refs[0], 66, "2026-10-22")], "2026-10-22T10:00")
    batch = money.reissue("2026-10-22T11:00")["batch"]
    money.approve(batch, "2026-10-22T14:00")
    money.release(batch, "2026-10-22T15:00")
    key = next(key for key, state in money.rows(Payment.key, Payment.state) if state == "returned")
    line = {"key": key, "fen": 8000, "result": "paid", "reason": "", "booked_on": "2026-10-23"}
    money.send("bank-return", [line], "2026-10-23T09:00")
    assert [finding for _, _, finding in money.exceptions()] == ["paid_after_reissue"]
    assert money.rows(Receivable.fen, Receivable.reason) == [(8000, "paid_twice")]
    assert money.balances()["receivable"] == 8000
    money.send("bank-return", [line | {"booked_on": "2026-10-24"}], "2026-10-24T09:00")
    assert money.balances()["receivable"] == 8000


def on_a_list_and_called_paid(database: Database, folder: Path, many: int, *, approved: bool) -> tuple[Money, str, str]:
    """Some came back and are on a list to be sent again; then the bank calls the first of them paid."""
    money = Money(database, folder, script=Script(returned={f"000000{n}1": "AC04" for n in range(many)}))
    money.pay()
    money.bank_takes()
    money.reconcile()
    accounts = [money.account(ref, 66 + n, "2026-10-22") for n, ref in enumerate(money.refs[:many])]
    money.send("account", accounts, "2026-10-22T10:00")
    batch: str = money.reissue("2026-10-22T11:00")["batch"]
    if approved:
        money.approve(batch, "2026-10-22T14:00")
    key = next(key for key, state in money.rows(Payment.key, Payment.state) if state == "returned")
    line = {"key": key, "fen": 8000, "result": "paid", "reason": "", "booked_on": "2026-10-23"}
    money.send("bank-return", [line], "2026-10-23T09:00")
    return money, batch, key


@pytest.mark.parametrize("approved", [False, True])
def test_a_list_that_sends_again_what_the_bank_now_calls_paid_stands_still(
    database: Database, tmp_path: Path, *, approved: bool
) -> None:
    """Returned, put on a list, and then: paid. The list is there already, and would pay a second time."""
    money, batch, key = on_a_list_and_called_paid(database, tmp_path, 1, approved=approved)
    ((number, _, finding),) = money.exceptions()
    assert finding == "contradiction"
    with pytest.raises(Disputed):
        money.release(batch, "2026-10-23T10:00") if approved else money.approve(batch, "2026-10-23T10:00")
    assert len(money.keys()) == 5
    with pytest.raises(MaybePaid):
        money.close(number, "2026-10-24T09:00")
    for minute, staff in enumerate(("A1", "A2")):
        money.vouch(key, "returned", "2026-10-21", f"2026-10-24T09:1{minute}", staff)
    money.close(number, "2026-10-24T09:30")
    if not approved:
        money.approve(batch, "2026-10-24T10:00")
    money.release(batch, "2026-10-24T11:00")
    assert len(money.keys()) == 6


@pytest.mark.parametrize("approved", [False, True])
def test_what_is_paid_after_all_is_taken_off_the_list_that_would_send_it_again(
    database: Database, tmp_path: Path, *, approved: bool
) -> None:
    """Two came back and are on a list; the bank then calls one paid, and two approvers have seen that it is."""
    money, batch, key = on_a_list_and_called_paid(database, tmp_path, 2, approved=approved)
    assert not money.vouch(key, "paid", "2026-10-23", "2026-10-23T10:00", "A1")["settled"]
    assert money.batches()[batch] == ("approved" if approved else "notice")
    assert money.vouch(key, "paid", "2026-10-23", "2026-10-23T10:10", "A2")["settled"]
    assert money.batches()[batch] == "notice"  # who approved two must look at one
    assert (money.states(), money.balances()["paid"]) == ({"paid": 4, "returned": 1}, 32000)
    ((number, *_),) = money.exceptions()
    assert money.close(number, "2026-10-23T11:00")["closed"]
    told = money.approve(batch, "2026-10-24T09:00")
    assert (told["people"], told["fen"], told["approved"]) == (1, 8000, True)
    money.release(batch, "2026-10-24T10:00")
    assert len(money.keys()) == 6
    assert money.reissue("2026-10-24T11:00")["waiting"] == []
    money.bank_takes()
    money.reconcile("2026-10-27T09:00")
    assert (money.states(), money.balances()["paid"]) == ({"paid": 5, "returned": 1}, 40000)


def test_a_missed_certification_stops_and_a_new_one_pays_every_month_since(money: Money) -> None:
    """Certified in August 2025: due in August 2026, stopped from September on."""
    late = money.refs[0]
    with money.database.write() as session:
        session.execute(update(Certification).where(col(Certification.elder_id) == 1).values(certified_on=LONG_AGO))
    for period, moment in (("2026-08", "2026-08-10"), ("2026-09", "2026-09-10"), (MONTH, PLANNED[:10])):
        money.budget(period, 100_000_00)
        planned = money.plan(period, moment=f"{moment}T09:00")
        assert planned["entitled"] == (5 if period == "2026-08" else 4)
    assert money.excluded() == {late: "not_certified"}
    money.send("certification", [money.certified(late, "2026-11-03")], "2026-11-04T09:00")
    money.budget("2026-11", 100_000_00)
    planned = money.plan("2026-11", moment="2026-11-10T09:00")
    assert (planned["entitled"], planned["back_paid"]) == (5, 2)
    assert money.excluded() == {}
    lists = money.rows(Entitlement.period, Entitlement.elder_id, Entitlement.batch_id)
    assert sorted(period for period, elder, batch in lists if batch == 4 and elder == 1) == [
        "2026-09",
        MONTH,
        "2026-11",
    ]
    money.show(planned["batch"], "2026-11-10T10:00")
    money.approve(planned["batch"], "2026-11-20T09:00")
    money.release(planned["batch"], "2026-11-20T10:00")
    assert len(money.payments()) == 7
    assert money.balances()["in_transit"] == 7 * 8000


def test_objections_block_and_an_upheld_one_takes_the_person_off(money: Money) -> None:
    batch = ready(money)
    row = {
        "programme": "longevity",
        "period": MONTH,
        "elder": money.refs[0],
        "raised_on": "2026-10-13",
        "text": "已迁居外地",
    }
    money.send("objection", [row | {"upheld": ""}], "2026-10-13T09:00")
    with pytest.raises(OpenObjections):
        money.approve(batch)
    assert [each["elder"] for each in money.morning()["objections"]] == [money.refs[0]]
    money.send("objection", [row | {"upheld": "yes"}], "2026-10-19T09:00")
    with pytest.raises(OpenObjections):
        money.approve(batch)
    result = money.morning("2026-10-20T08:00")
    assert result["cancelled"] == {batch: 1}
    assert [(sheet["batch"], sheet["people"]) for sheet in result["sheets"]] == [(batch, 4)]
    assert money.approve(batch)["people"] == 4


def test_an_objection_after_the_approval_holds_the_file_back_and_upheld_voids_it(money: Money) -> None:
    batch = ready(money)
    assert money.approve(batch)["approved"]
    row = {"programme": "longevity", "period": MONTH, "elder": money.refs[0], "raised_on": "2026-10-16"}
    money.send("objection", [row | {"text": "已迁居外地", "upheld": ""}], "2026-10-19T09:30")
    with pytest.raises(OpenObjections):
        money.release(batch)
    money.send("objection", [row | {"text": "", "upheld": "yes"}], "2026-10-20T07:00")
    assert money.morning("2026-10-20T08:00")["cancelled"] == {batch: 1}
    assert (money.balances()["committed"], money.batches()[batch]) == (0, "notice")
    assert money.approve(batch, "2026-10-20T10:00")["people"] == 4
    money.release(batch, "2026-10-20T11:00")
    assert len(money.keys()) == 4


def test_the_bank_file_is_frozen_before_it_is_written_and_reads_as_it_was(money: Money) -> None:
    money.pay()
    ((ref, name, digest, count, fen),) = money.rows(
        BankFile.ref, BankFile.name, BankFile.sha256, BankFile.count, BankFile.fen
    )
    with money.database.read() as session:
        kept = content_of(session, ref)
    written = (money.at(RELEASED).folder("outbox") / "bank" / name).read_bytes()
    assert written == kept
    assert hashlib.sha256(kept).hexdigest() == digest
    lines = list(csv.reader(kept.decode("gb18030").splitlines()))
    assert lines[0][:4] == ["序号", "收款账号", "收款户名", "金额"]
    assert (lines[-1][1], lines[-1][3]) == (str(count), "400.00")
    assert fen == 40000


def test_the_public_list_and_the_sheet_show_no_name_and_no_number(money: Money) -> None:
    batch = ready(money)
    sent = money.morning()["sheets"]
    assert (sent[0]["approvers"], sent[0]["messages"]) == (2, 2)
    assert money.morning("2026-10-20T10:00")["sheets"][0]["messages"] == 0
    folder = money.at(SHOWN).folder("outbox")
    page = (folder / "notice" / batch / "公示名单.html").read_text("utf-8")
    assert "王*兰" in page
    assert "990112********" in page
    assert "王桂兰" not in page
    cells = [
        str(cell.value)
        for sheet in load_workbook(sent[0]["file"]).worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    ]
    assert sent[0]["code"] in cells
    with money.database.read() as session:  # the code stands in the sheet alone: who forwards the mail gives away none
        query = select(col(Message.dedupe_key), col(Message.variables)).where(
            col(Message.template) == "allowance-approval"
        )
        told = [key + keys_of(session).open("message.variables", key, sealed) for key, sealed in session.execute(query)]
    assert len(told) == 2
    assert not any(sent[0]["code"] in each for each in told)
    assert not any("王桂" in cell or "990112" in cell for cell in cells)
    assert sum(ref in cells for ref in money.refs) == 5


def test_who_waits_is_planned_when_policy_says_so_and_missed_cycles_are_made_up(money: Money) -> None:
    chosen = money.at("2026-10-09T07:00")
    due = [each["period"] for each in plan_due(money.database, chosen, chosen.today())]
    assert due == ["2026-09", "2026-double-ninth"]  # both opened within the 31 days that policy looks back
    chosen = money.at("2026-10-12T07:00")
    planned = plan_due(money.database, chosen, chosen.today())
    assert [each["period"] for each in planned if not each.get("already")] == [MONTH]
    assert money.rows(AllowanceCycle.programme, AllowanceCycle.period) == [
        ("longevity", "2026-09"), ("condolence", "2026-double-ninth"), ("longevity", MONTH),
    ]  # fmt: skip


def test_each_is_left_out_with_a_reason_and_nobody_is_lost(database: Database, tmp_path: Path) -> None:
    money = Money(database, tmp_path, people=9)
    dead, moved, nobody, proxy, stranger = money.refs[:5]
    money.status(dead, "2026-09-30", "DEAD", "2026-10-01T09:00")
    money.status(moved, "2026-10-05", "MOVED", "2026-10-06T09:00")
    with money.database.write() as session:
        ids = dict(session.execute(select(col(Elder.ref), col(Elder.id))).tuples().all())
        session.execute(PayeeAccount.__table__.delete().where(col(PayeeAccount.elder_id) == ids[nobody]))  # type: ignore[attr-defined]
        session.execute(update(Elder).where(col(Elder.ref) == stranger).values(hukou="other"))
        session.execute(Certification.__table__.delete().where(col(Certification.elder_id) == ids[money.refs[5]]))  # type: ignore[attr-defined]
    expired = money.account(
        proxy,
        55,
        "2026-09-02",
        proxy_name="王小明",
        proxy_reason="行动不便",
        proxy_document="1234",
        proxy_until="2026-10-01",
    )
    money.send("account", [expired], "2026-09-02T09:00")
    planned = money.plan()
    assert (planned["registered"], planned["entitled"], planned["excluded"], planned["not_of_age"]) == (9, 3, 6, 0)
    assert money.excluded() == {
        dead: "dead", moved: "moved_out", nobody: "no_account", proxy: "proxy_expired", stranger: "hukou_other",
        money.refs[5]: "not_certified",
    }  # fmt: skip


def test_a_death_recorded_by_mistake_is_made_good_by_a_supplement(money: Money) -> None:
    batch = ready(money)
    money.status(money.refs[0], "2026-09-30", "DEAD", "2026-10-19T09:00")
    assert [row["reason"] for row in money.stop("2026-10-20T06:40")["stopped"]] == ["dead"]
    money.approve(batch)
    money.release(batch)
    money.status(money.refs[0], "2026-09-30", "ACTIVE", "2026-10-22T09:00")
    made = money.supplement("2026-10-22T10:00")
    assert (made["restored"], made["back_paid"]) == (1, 0)
    assert money.supplement("2026-10-22T11:00")["batch"] is None
    money.show(made["batch"], "2026-10-22T12:00")
    money.approve(made["batch"], "2026-11-02T09:00")
    money.release(made["batch"], "2026-11-02T10:00")
    assert len(money.payments()) == 5
    assert len({ref for ref, *_ in money.payments()}) == 5


def test_messages_and_artifacts_hold_references_only(money: Money) -> None:
    money.pay()
    money.bank_takes()
    money.reconcile()
    keys = [key for (key,) in money.rows(Message.dedupe_key)]
    assert sum(key.startswith("allowance-paid:") for key in keys) == 5
    with money.database.read() as session:
        assert audit.verify(session, "530112") is None
    assert all("王" not in str(detail) for (detail,) in money.rows(AuditEntry.detail))
    assert money.rows(BankLine.finding) == [("matched",)] * 5
    assert money.rows(Exclusion.id) == []
    assert ANSWERED > PLANNED


def test_who_is_due_to_certify_is_asked_once(money: Money) -> None:
    """Certified in May 2026: due by the end of May 2027; asked in that month only, and not after a death."""
    money.plan()
    assert money.morning("2027-04-30T08:00")["certify"] == 0
    money.status(money.refs[0], "2027-05-01", "DEAD", "2027-05-02T07:00")
    assert money.morning("2027-05-02T08:00")["certify"] == 4
    assert money.morning("2027-05-03T08:00")["certify"] == 0


def test_communities_hear_of_what_was_sent_once(money: Money) -> None:
    money.pay()
    money.release(moment="2026-10-20T11:00")
    keys = [key for (key,) in money.rows(Message.dedupe_key) if key.startswith("allowance-batch:")]
    assert len(keys) == 1


def test_two_persons_settle_what_the_bank_returned_and_then_called_paid(database: Database, tmp_path: Path) -> None:
    money = Money(database, tmp_path, script=Script(returned={"00000001": "AC04"}))
    money.pay()
    money.bank_takes()
    money.reconcile()
    key = next(key for key, state in money.rows(Payment.key, Payment.state) if state == "returned")
    with pytest.raises(NotUnknown):
        money.vouch(key, "paid", "2026-10-22", "2026-10-22T09:00", "A1")
    line = {"key": key, "fen": 8000, "result": "paid", "reason": "", "booked_on": "2026-10-22"}
    money.send("bank-return", [line], "2026-10-23T09:00")
    assert [finding for _, _, finding in money.exceptions()] == ["contradiction"]
    assert not money.vouch(key, "paid", "2026-10-22", "2026-10-23T10:00", "A1")["settled"]
    assert money.vouch(key, "paid", "2026-10-22", "2026-10-23T10:10", "A2")["settled"]
    assert money.states() == {"paid": 5}
    assert money.balances()["paid"] == 40000
    money.close(money.exceptions()[0][0], "2026-10-23T11:00")
    assert money.reissue("2026-10-23T12:00")["waiting"] == []


def test_what_the_bank_returned_and_then_called_paid_is_not_sent_again_by_one_person_s_word(
    database: Database, tmp_path: Path
) -> None:
    """Closing its line is all that a new payment waits for, once the account is corrected: two must know better."""
    money = Money(database, tmp_path, script=Script(returned={"00000001": "AC04"}))
    money.pay()
    money.bank_takes()
    money.reconcile()
    key = next(key for key, state in money.rows(Payment.key, Payment.state) if state == "returned")
    line = {"key": key, "fen": 8000, "result": "paid", "reason": "", "booked_on": "2026-10-22"}
    money.send("bank-return", [line], "2026-10-23T09:00")
    money.send("account", [money.account(money.refs[0], 77, "2026-10-01")], "2026-10-23T09:10")
    ((number, *_),) = money.exceptions()
    before = money.rows(Staff.totp_counter)
    with pytest.raises(MaybePaid, match=str(number)):
        money.close(number, "2026-10-23T10:00")
    assert money.rows(Staff.totp_counter) == before  # and no code is used up
    assert not money.vouch(key, "returned", "2026-10-21", "2026-10-23T10:10", "A1")["settled"]
    with pytest.raises(MaybePaid):
        money.close(number, "2026-10-23T10:20")
    assert money.reissue("2026-10-23T10:30", None)["waiting"] == []
    assert money.vouch(key, "returned", "2026-10-21", "2026-10-23T10:40", "A2")["settled"]
    assert money.states() == {"paid": 4, "returned": 1}
    assert money.close(number, "2026-10-23T10:50")["closed"]
    assert [each["payment"] for each in money.reissue("2026-10-23T11:00", None)["waiting"]] == [key]
    again = {**line, "booked_on": "2026-10-24"}
    money.send("bank-return", [again], "2026-10-24T09:00")  # it says so once more: the words of before are not of this
    ((number, *_),) = money.exceptions()
    with pytest.raises(MaybePaid):
        money.close(number, "2026-10-24T10:00")


def test_what_a_bank_writes_in_place_of_a_key_is_kept_without_the_number_of_a_person(money: Money) -> None:
    """The page and the mail of exceptions show it."""
    money.pay()
    keys = ("530112194101150022", "530112194101150030", "王桂兰13800000000", "F7K3Q9XM1-0000001")
    lines = [{"key": key, "fen": 8000, "result": "paid", "reason": "", "booked_on": "2026-10-22"} for key in keys]
    for _ in range(2):  # the same file twice is once
        money.send("bank-return", lines, "2026-10-23T09:00")
    kept = [key for (key,) in money.rows(BankLine.key)]
    assert [key.partition("·")[0] for key in kept] == ["****", "****", "*******", "F7K3Q9XM1-0000001"]
    assert len(set(kept)) == 4  # one stranger is not taken for another
    assert [finding for _, _, finding in money.exceptions()] == ["unknown_key"] * 4


def test_a_bad_file_of_the_bank_keeps_no_other_from_being_read(money: Money) -> None:
    money.pay()
    money.bank_takes()
    (money.inbox / "A-first.csv").write_text("key,fen,result,reason,booked_on\nF1,eight,paid,,2026-10-20\n", "utf-8")
    with pytest.raises(FileHasErrors, match="A-first"):
        money.reconcile()
    assert money.states() == {"paid": 5}
    assert sum(key.startswith("allowance-paid:") for (key,) in money.rows(Message.dedupe_key)) == 5


def test_twins_on_one_card_are_two_people_and_one_person_in_two_spellings_is_one(money: Money) -> None:
    """Born the same day, numbers next to each other, one account: both are paid, and the sheet says so."""
    twins = [elder("1942-02-15", serial=n, hukou="district", registered_on="2025-01-05", name="李秀") for n in (71, 73)]
    money.send("elder", twins, "2026-09-02T09:00")
    fifteen = twins[0] | {"id_number": "９９０１１２４２０２１５０７１"}  # full-width, of the first issue
    assert money.send("elder", [fifteen], "2026-09-03T09:00").added == 0
    both = refs(money.office)[5:]
    money.send("account", [money.account(ref, 90) for ref in both], "2026-09-04T09:00")
    money.send("certification", [money.certified(ref, "2026-05-06") for ref in both], "2026-09-04T09:00")
    batch = ready(money)
    with money.database.read() as session:
        found = read_sheet(session, money.at(APPROVED), batch).exceptions
    assert sorted(ref for what, ref, _ in found if what == "共用账户") == sorted(both)
    money.approve(batch)
    money.release(batch)
    money.bank_takes()
    money.reconcile()
    assert money.states() == {"paid": 7}
    money.agrees_with_the_bank()


def test_the_published_totals_of_a_district_read_as_they_were_published() -> None:
    """19,882 people and 15.41 million yuan are 775.07 yuan each (1,541,000,000 fen / 19,882 = 77,507.29 fen)."""
    figures = {"title": "高龄保健金", "people": {"paid": 19_882}, "fen": {"paid": 1_541_000_000}}
    assert headline(figures) == "高龄保健金：19,882 人，15,410,000.00 元，人均 775.07 元；已入账 19,882 人"
