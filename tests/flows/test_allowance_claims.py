"""Claims on real databases: in whole or in part, withdrawn when the register is put right, raised anew."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows.allowance_claims import StillNotOwed, withdraw
from flows.allowance_desk import waiting
from flows.allowance_settle import NothingOpen, Person, close, vouch
from flows.rehearsal_bank.script import Script
from models.allowance import Entitlement, EntitlementChange
from models.audit import AuditEntry
from models.db import Database
from models.elder import Elder
from models.payment import BankLine, Payment, Receivable
from rules.free_text import NumberOfAPerson
from rules.staff_refusals import NotProved
from tests.flows.elders import elder, refs
from tests.flows.money import REGISTERED, Money

WHY = "户籍核实健在，2026-10-28"


@pytest.fixture
def money(database: Database, tmp_path: Path) -> Money:
    """Five of 80 to 84, 8000 fen each, have been paid."""
    made = Money(database, tmp_path)
    made.pay()
    made.bank_takes()
    made.reconcile()
    return made


@pytest.fixture
def with_ninety(database: Database, tmp_path: Path) -> Money:
    """One of 85 and one who turns 90 on 25 October have been paid 8000 and 15000 fen; the bank may recall the latter.

    By the notice a death before the birthday leaves 80 yuan of the 150 owed.
    """
    made = Money(database, tmp_path, people=1, script=Script(recalled=("61",)))
    row = elder("1936-10-25", serial=90, hukou="district", registered_on="2025-01-05", phone="13800000090")
    made.send("elder", [row], REGISTERED)
    made.refs = refs(made.office)
    ninety = made.refs[-1]
    made.send("account", [made.account(ninety, 6)], REGISTERED)
    made.send("certification", [made.certified(ninety, "2026-05-06")], REGISTERED)
    made.pay()
    made.bank_takes()
    made.reconcile()
    assert sorted(fen for *_, fen in made.payments()) == [8000, 15000]
    return made


def withdrawn(money: Money, key: str, moment: str, reason: str = WHY, staff: str = "A1") -> dict[str, Any]:
    once, chosen = money.one_time(staff, moment)
    return withdraw(money.database, chosen, Person(staff, once), key, reason)


def wrong(money: Money, moment: str) -> list[tuple[int, int, int]]:
    rows = waiting(money.database, money.at(moment))["wrong_claims"]
    return [(row["paid_fen"], row["claimed_fen"], row["not_owed_fen"]) for row in rows]


def claims(money: Money) -> list[tuple[int, bool, bool]]:
    """Fen, given back, withdrawn, of every claim ever raised."""
    rows = money.rows(Receivable.fen, Receivable.settled_at, Receivable.withdrawn_at)
    return [(fen, settled is not None, gone is not None) for fen, settled, gone in rows]


def key_of(money: Money, ref: str) -> str:
    """The key under which an elder was paid."""
    query = (
        select(col(Payment.key))
        .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
        .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
    )
    with money.database.read() as session:
        return session.execute(query.where(col(Elder.ref) == ref)).scalar_one()


def test_a_claim_after_a_death_that_was_none_is_withdrawn_and_a_true_death_claims_again(money: Money) -> None:
    """40000 paid; 8000 of it claimed, withdrawn, claimed again and given back."""
    who, key = money.refs[0], key_of(money, money.refs[0])
    money.status(who, "2026-09-30", "DEAD", "2026-10-25T09:00")
    money.stop("2026-10-26T06:40")
    told = money.balances()
    assert (told["paid"], told["receivable"]) == (32000, 8000)
    with pytest.raises(StillNotOwed, match="仍有 80"):
        withdrawn(money, key, "2026-10-27T09:00")
    assert wrong(money, "2026-10-27T09:00") == []
    money.status(who, "2026-09-30", "ACTIVE", "2026-10-28T09:00")
    assert wrong(money, "2026-10-28T10:00") == [(8000, 8000, 0)]
    with pytest.raises(NumberOfAPerson):
        withdrawn(money, key, "2026-10-28T10:10", "家属电话 13800000000")
    with pytest.raises(NotProved):
        withdraw(money.database, money.at("2026-10-28T10:20"), Person("A1", "000000"), key, WHY)
    assert withdrawn(money, key, "2026-10-28T11:00")["withdrawn"]
    told = money.balances()
    assert (told["paid"], told["receivable"]) == (40000, 0)
    assert claims(money) == [(8000, False, True)]
    assert {state for (state,) in money.rows(Entitlement.state)} == {"live"}
    assert [what for (what,) in money.rows(EntitlementChange.what)] == ["cancelled", "restored"]
    with money.database.read() as session:
        query = select(col(AuditEntry.detail)).where(col(AuditEntry.action) == "allowance.withdraw-claim")
        (entry,) = session.execute(query).scalars()
    assert (entry["payment"], entry["fen"], entry["still_claimed_fen"], entry["reason"]) == (key, 8000, 0, WHY)
    assert wrong(money, "2026-10-28T12:00") == []
    assert waiting(money.database, money.at("2026-10-28T12:00"))["receivables"] == []
    with pytest.raises(NothingOpen):
        withdrawn(money, key, "2026-10-28T13:00")
    assert money.stop("2026-10-29T06:40")["claimed"] == []
    assert money.supplement("2026-10-29T09:00")["batch"] is None  # it was paid all along
    money.agrees_with_the_bank()
    money.status(who, "2026-09-29", "DEAD", "2026-11-02T09:00")
    (again,) = money.stop("2026-11-03T06:40")["claimed"]
    assert (again["elder"], again["fen"], money.balances()["receivable"]) == (who, 8000, 8000)
    assert money.recovered(key, "2026-11-04T09:00")["fen"] == 8000
    assert claims(money) == [(8000, False, True), (8000, True, False)]
    money.agrees_with_the_bank()
    money.status(who, "2026-09-29", "ACTIVE", "2026-11-05T09:00")
    assert wrong(money, "2026-11-05T10:00") == [(8000, 8000, 0)]  # given back already: for a person to settle
    with pytest.raises(NothingOpen):
        withdrawn(money, key, "2026-11-05T11:00")


def test_a_death_before_the_birthday_claims_the_difference_and_no_more(with_ninety: Money) -> None:
    """150 yuan paid at 90; dead on the 20th, at 89, so 80 were owed and 70 are claimed: paid 80 + 80, claimed 70."""
    money, who = with_ninety, with_ninety.refs[-1]
    key = key_of(money, who)
    money.status(who, "2026-10-20", "DEAD", "2026-10-25T09:00")
    (row,) = money.stop("2026-10-26T06:40")["claimed"]
    assert (row["elder"], row["fen"], row["state"]) == (who, 7000, "paid")
    told = money.balances()
    assert (told["paid"], told["receivable"]) == (16000, 7000)
    assert money.stop("2026-10-27T06:40")["claimed"] == []
    assert {state for (state,) in money.rows(Entitlement.state)} == {"live"}
    (claimed,) = waiting(money.database, money.at("2026-10-27T09:00"))["receivables"]
    assert (claimed["payment"], claimed["fen"]) == (key, 7000)
    money.agrees_with_the_bank()
    assert money.recovered(key, "2026-10-28T09:00")["fen"] == 7000
    money.agrees_with_the_bank()
    assert money.stop("2026-10-29T06:40")["claimed"] == []
    money.status(who, "2026-09-30", "DEAD", "2026-11-02T09:00")  # it was a month earlier: nothing was owed at all
    assert money.stop("2026-11-03T06:40")["claimed"] == []
    assert wrong(money, "2026-11-03T09:00") == [(15000, 7000, 15000)]
    money.agrees_with_the_bank()


def test_a_claim_of_a_part_becomes_one_of_all_and_back(with_ninety: Money) -> None:
    """Died on 20 October: 7000. No, on 30 September: 15000. No, on 20 October after all: 7000 once more."""
    money, who = with_ninety, with_ninety.refs[-1]
    key = key_of(money, who)
    money.status(who, "2026-10-20", "DEAD", "2026-10-25T09:00")
    money.stop("2026-10-26T06:40")
    money.status(who, "2026-09-30", "DEAD", "2026-10-27T09:00")
    (row,) = money.stop("2026-10-28T06:40")["claimed"]
    assert (row["fen"], money.balances()["receivable"]) == (15000, 15000)
    assert claims(money) == [(7000, False, True), (15000, False, False)]
    money.agrees_with_the_bank()
    money.status(who, "2026-09-30", "ACTIVE", "2026-10-29T09:00")
    assert wrong(money, "2026-10-29T10:00") == [(15000, 15000, 7000)]
    assert withdrawn(money, key, "2026-10-29T11:00")["still_claimed_fen"] == 7000
    told = money.balances()
    assert (told["paid"], told["receivable"]) == (16000, 7000)
    assert claims(money)[2:] == [(7000, False, False)]
    assert money.stop("2026-10-30T06:40")["claimed"] == []
    money.agrees_with_the_bank()


def test_money_claimed_in_part_that_the_bank_takes_back_is_all_returned(with_ninety: Money) -> None:
    """Of 15000 paid 7000 are claimed; then all 15000 come back, and the claim is at an end."""
    money, who = with_ninety, with_ninety.refs[-1]
    money.status(who, "2026-10-20", "DEAD", "2026-10-22T09:00")
    money.stop("2026-10-23T06:40")
    money.carry(money.bank.reply_later())
    money.reconcile("2026-10-24T15:00")
    told = money.balances()
    assert (told["paid"], told["returned"], told["receivable"]) == (8000, 15000, 0)
    assert claims(money) == [(7000, False, True)]
    money.agrees_with_the_bank()
    assert money.stop("2026-10-25T06:40")["claimed"] == []


def test_what_the_bank_writes_of_a_person_is_not_kept(money: Money) -> None:
    """One in a known reason's words, one in its own: of the first the reason is kept, of the second no number."""
    first, second = money.keys()[:2]
    line = {"fen": "8000", "result": "退回", "booked_on": "2026-10-22"}
    said = {first: "王桂兰 6222020000000011 账户已销户", second: "存折6222020000000111有误"}
    money.send("bank-return", [{"key": key, "reason": why, **line} for key, why in said.items()], "2026-10-23T09:00")
    kept = {first: "账户已销户", second: "存折****有误"}
    lines = money.rows(BankLine.key, BankLine.result, BankLine.reason)
    assert {key: why for key, result, why in lines if result == "returned"} == kept
    assert {key: why for key, why in money.rows(Payment.key, Payment.reason) if why} == kept


def test_notes_of_persons_hold_no_number_of_anybody(money: Money) -> None:
    """Refused before the code is looked at, so that it can be used for the note that is put right."""
    chosen, day, key = money.at("2026-10-22T09:00"), money.at("2026-10-21T09:00").today(), money.keys()[0]
    with pytest.raises(NumberOfAPerson):
        vouch(money.database, chosen, Person("A1", "0"), key, "paid", day, "存折 6222 0200 0000 0001")
    with pytest.raises(NumberOfAPerson):
        close(money.database, chosen, Person("A1", "0"), 1, "本人 99011219440115002X 已核实")
