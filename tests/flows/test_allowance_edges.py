"""What goes wrong around an allowance: files again, lost answers, a full disk, a clock set back, later edits."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlmodel import col

import flows.allowance_release
from flows.failures import CannotWrite
from models import bank_files
from models.account import PayeeAccount
from models.allowance import AllowanceBatch, Approval
from models.audit import AuditEntry
from models.db import Database
from models.payment import BankFile, BankLine, LedgerTransfer, Payment
from rules.allowance_refusals import Changed
from rules.staff_refusals import ClockBehind
from tests.flows.allowance_life import Life

MONTH = "2026-10"
SHOWN, APPROVED, RELEASED, SENT, ANSWERED = 2, 4, 5, 5, 6
"""How many steps of a month lead there."""


@pytest.fixture
def life(database: Database, tmp_path: Path) -> Life:
    return Life(database, tmp_path)


def live_until(life: Life, steps: int) -> None:
    for step in life.walk(MONTH)[:steps]:
        step()


def standing(life: Life) -> tuple[Any, ...]:
    """All that money means."""
    rows = (Payment.key, Payment.state, Payment.booked_on), (LedgerTransfer.document, LedgerTransfer.fen)
    return (*(life.rows(*columns) for columns in rows), life.rows(BankLine.key, BankLine.finding), life.batches())


def test_every_return_file_again_in_any_order_changes_nothing(life: Life) -> None:
    for step in life.walk(MONTH):
        step()
    before, files = standing(life), sorted(life.inbox.iterdir())
    assert len(files) == 2
    whole = [path.read_bytes() for path in files]
    for number, content in enumerate([*whole[::-1], *whole]):
        (life.inbox / f"again-{number}.xml").write_bytes(content + b"\n" * number)
        life.reconcile("2026-10-26T09:00")
        assert standing(life) == before
    life.reconcile("2026-10-26T09:00")
    assert standing(life) == before
    life.paid_once(MONTH)


def test_every_register_file_again_in_the_middle_of_a_month_changes_nothing(life: Life) -> None:
    live_until(life, APPROVED)
    before = standing(life)
    life.send("account", [life.account(ref, n) for n, ref in enumerate(life.refs)], "2026-10-20T09:30")
    life.send("certification", [life.certified(ref, "2026-05-06") for ref in life.refs], "2026-10-20T09:30")
    life.budget(MONTH, 100_000_00, moment="2026-10-20T09:30")
    assert standing(life) == before
    for step in life.walk(MONTH)[APPROVED:]:
        step()
    life.paid_once(MONTH)


def test_an_answer_that_is_lost_is_unknown_and_never_paid_again(life: Life) -> None:
    """The bank has paid and says nothing: no time and no run sends the money once more."""
    live_until(life, SENT)
    life.bank.take_all()
    life.bank.reply("pain.002")  # and nobody hears it
    for day in (21, 22, 27, 28, 30):
        life.reconcile(f"2026-10-{day}T09:00")
        life.release(moment=f"2026-10-{day}T10:00")
        assert life.reissue(f"2026-10-{day}T11:00")["batch"] is None
        life.bank.take_all()
    assert life.states() == {"unknown": 4}
    assert life.balances()["in_transit"] == 4 * 8000
    assert len(life.bank.files()) == 1
    (ref,) = (ref for (ref,) in life.rows(BankFile.ref))
    life.carry(life.bank.ask(ref, "pain.002"))
    life.reconcile("2026-11-02T09:00")
    assert life.states() == {"paid": 2, "returned": 2}
    life.agrees_with_the_bank()


def test_a_sender_that_was_overtaken_does_not_hand_the_file_in_again(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its look and its writing another run sends the file, and the bank takes it away."""
    live_until(life, APPROVED)
    whole = bank_files.content_of

    def slow(session: Any, ref: str) -> bytes:
        content = whole(session, ref)
        monkeypatch.setattr(flows.allowance_release, "content_of", whole)
        life.release(moment="2026-10-20T10:00")
        life.bank.take_all()
        return content

    monkeypatch.setattr(flows.allowance_release, "content_of", slow)
    life.release(moment="2026-10-20T10:00")
    assert len(life.bank.take_all()) == 0
    life.files_once()
    for step in life.walk(MONTH)[SENT:]:
        step()
    life.paid_once(MONTH)


def full(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("what", ["fsync", "open"])
def test_a_full_disk_stops_the_release_and_the_next_run_goes_on(
    life: Life, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    live_until(life, APPROVED)
    with monkeypatch.context() as disk:
        disk.setattr(os, what, full)
        with pytest.raises(CannotWrite, match="磁盘已满"):
            life.release(moment="2026-10-20T10:00")
    life.bank.take_all()
    assert life.bank.files() == []
    assert life.states() == {"frozen": 4}
    for step in life.walk(MONTH)[APPROVED:]:
        step()
    life.paid_once(MONTH)


def test_a_disk_that_is_full_when_lists_are_shown_or_reported_loses_nothing(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_until(life, 1)
    with monkeypatch.context() as disk:
        disk.setattr(os, "replace", full)
        with pytest.raises(CannotWrite):
            life.walk(MONTH)[1]()
    for step in life.walk(MONTH)[1:]:
        step()
    life.paid_once(MONTH)


def test_a_clock_set_back_a_day_pays_nobody_twice(life: Life) -> None:
    """Each step, and then each step again by a clock that is a day behind."""
    for step in life.walk(MONTH):
        step()
    before = standing(life)
    life.plan(MONTH, moment="2026-10-09T09:00")
    life.morning("2026-10-19T07:00")
    life.stop("2026-10-20T10:00")
    life.release(moment="2026-10-19T10:00")
    life.settle("2026-10-20T15:00")
    life.reissue("2026-10-22T09:00")
    assert standing(life) == before
    life.paid_once(MONTH)


def test_a_clock_set_back_between_two_steps_finds_the_list_changed_or_pays_it_once(life: Life) -> None:
    """An account that began today is not in force yesterday: what was approved is not what would be sent."""
    live_until(life, SHOWN)
    life.send("account", [life.account(life.refs[0], 88, "2026-10-20")], "2026-10-20T08:00")
    life.approve_all("2026-10-20T09:00")
    life.release(moment="2026-10-19T10:00")
    assert life.rows(BankFile.id) == []
    assert set(life.batches().values()) == {"notice"}
    with pytest.raises(ClockBehind):
        life.approve(life.lists("notice")[0], "2026-10-19T11:00")
    life.approve_all("2026-10-20T12:00")
    life.release(moment="2026-10-20T13:00")
    life.reconcile("2026-10-19T15:00")  # the clock goes back once more while nothing is answered
    for step in life.walk(MONTH)[SENT:]:
        step()
    life.paid_once(MONTH)


_COPIED = "person, elder_id, community_id, band, fen, version, notice, state"
ENTITLED = (
    f"INSERT INTO entitlement (cycle_id, batch_id, programme, period, {_COPIED})"
    f" SELECT cycle_id, batch_id, programme, '2026-09', {_COPIED} FROM entitlement WHERE id = 1"
)
EDITS = {
    "a fen more": "UPDATE entitlement SET fen = fen + 1 WHERE id = 1",
    "a fen less": "UPDATE entitlement SET fen = fen - 1 WHERE id = 2",
    "from one to another": "UPDATE entitlement SET fen = fen + 200 * id - 300 WHERE id IN (1, 2)",
    "another account": "UPDATE payee_account SET account_index = card_index WHERE elder_id = 1",
    "a row added": ENTITLED,
    "a row less": "UPDATE entitlement SET state = 'cancelled', cancel_reason = 'dead' WHERE id = 4",
    "another period": "UPDATE entitlement SET period = '2026-08' WHERE id = 1",
}


def test_an_edit_after_approval_is_refused_and_audited_and_takes_the_approval_back(life: Life) -> None:
    live_until(life, SHOWN)
    (ref,) = life.lists("notice")
    for hour, (what, edit) in enumerate(EDITS.items(), start=9):
        before = len(life.rows(AuditEntry.id))
        life.approve(ref, f"2026-10-20T{hour:02}:00")
        assert life.lists("approved") == [ref]
        with life.database.write() as session:
            session.connection().execute(text(edit))
        with pytest.raises(Changed):
            life.release(ref, f"2026-10-20T{hour:02}:50")
        assert life.rows(AllowanceBatch.state, AllowanceBatch.content_hash) == [("notice", None)], what
        assert all(at for (at,) in life.rows(Approval.withdrawn_at)), what
        assert "allowance.release-refused" in {word for (word,) in life.rows(AuditEntry.action)[before:]}, what
        life.release(moment=f"2026-10-20T{hour:02}:55")
    assert life.rows(BankFile.id) == life.rows(Payment.id) == []
    assert life.balances()["committed"] == 0


def test_accounts_swapped_under_an_approval_are_never_paid(life: Life) -> None:
    """An account is sealed for its elder, so that it cannot even be read as another's."""
    live_until(life, APPROVED)
    (ref,) = life.lists("approved")
    rows = life.rows(PayeeAccount.account, PayeeAccount.holder, PayeeAccount.account_index, PayeeAccount.id)[:2]
    for (account, holder, index, _), (*_, number) in zip(rows, rows[::-1], strict=True):
        values = {"account": account, "holder": holder, "account_index": index}
        with life.database.write() as session:
            session.execute(update(PayeeAccount).where(col(PayeeAccount.id) == number).values(values))
    with pytest.raises(Changed):
        life.release(ref, "2026-10-20T10:00")
    assert life.rows(BankFile.id) == life.rows(Payment.id) == []
    assert life.rows(AllowanceBatch.state) == [("notice",)]
    assert "allowance.release-refused" in {word for (word,) in life.rows(AuditEntry.action)}


def test_what_came_back_is_not_sent_again_while_the_bank_contradicts_itself(life: Life) -> None:
    """Returned, it said, and later: paid. Sent again, somebody would have it twice."""
    live_until(life, 7)
    (key,) = [key for key, state in life.rows(Payment.key, Payment.state) if state == "returned"][:1]
    said = {"key": key, "fen": 8000, "result": "paid", "reason": "", "booked_on": "2026-10-22"}
    life.send("bank-return", [said], "2026-10-22T12:00")
    ((line, _, finding),) = life.exceptions()
    assert finding == "contradiction"
    assert life.reissue("2026-10-23T09:00")["people"] == 1
    assert life.reissue("2026-10-23T09:10", same=[key])["batch"] is None
    for minute, staff in enumerate(("A1", "A2")):  # both have seen that it came back
        life.vouch(key, "returned", "2026-10-21", f"2026-10-23T09:3{minute}", staff)
    life.close(line, "2026-10-23T10:00")
    assert life.reissue("2026-10-23T11:00")["people"] == 1


def test_an_amount_that_was_sent_once_is_not_changed_under_its_payment(life: Life) -> None:
    """Ninety on the 25th, dead on the 12th, known on the 22nd, when the money for ninety had come back."""
    with life.database.write() as session:
        session.connection().execute(text("UPDATE elder SET birth_date = '1936-10-25' WHERE id = 4"))
    live_until(life, 9)
    life.status(life.refs[3], "2026-10-12", "DEAD", "2026-10-23T09:30")
    (stopped,) = life.stop("2026-10-23T10:00")["stopped"]
    assert (stopped["fen"], stopped["reason"]) == (15000, "dead")
    assert life.balances()["returned"] == 8000
    life.agrees_with_the_bank()
