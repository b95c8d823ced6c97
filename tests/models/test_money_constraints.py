"""The database itself keeps the promises of allowances, whoever writes to it: raw SQL against each of its rules."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from models.db import Database

AT, DAY = "2026-10-20 09:00:00", "2026-10-20"
CYCLE = {
    "district_id": 1, "programme": "longevity", "period": "2026-10", "as_of": "2026-10-31", "version": "2026-01-01",
    "notice": "n", "registered": 3, "entitled": 2, "excluded": 1, "not_of_age": 0, "opened_at": AT, "opened_by": "t",
}  # fmt: skip
BATCH = {
    "ref": "B-9", "district_id": 1, "programme": "longevity", "period": "2026-10", "number": 9, "kind": "plan",
    "state": "notice", "created_at": AT, "created_by": "t", "maker_id": 1, "notice_from": DAY, "notice_until": DAY,
    "content_hash": None, "released_at": None,
}  # fmt: skip
ENTITLEMENT = {
    "cycle_id": 1, "batch_id": 1, "programme": "longevity", "period": "2026-10", "person": b"p9", "elder_id": 1,
    "community_id": 1, "band": "age-80", "fen": 8000, "version": "2026-01-01", "notice": "n", "state": "live",
    "cancel_reason": None,
}  # fmt: skip
FILE = {
    "ref": "F-9", "batch_id": 1, "part": 9, "form": "csv", "name": "f", "content": b"x", "sha256": "s", "count": 1,
    "fen": 8000, "frozen_at": AT, "sent_at": None,
}  # fmt: skip
PAYMENT = {
    "entitlement_id": 2, "n": 1, "key": "F9-1", "file_id": 1, "account_id": 1, "fen": 8000, "state": "sent",
    "reason": None, "booked_on": None,
}  # fmt: skip
APPROVAL = {
    "batch_id": 1, "maker_id": 1, "approver_id": 2, "content_hash": "h", "people": 1, "fen": 8000, "path": "cli",
    "at": AT, "withdrawn_at": None,
}  # fmt: skip
TRANSFER = {
    "cycle_id": 1, "kind": "release", "debit": "in_transit", "credit": "committed", "fen": 8000, "count": 1,
    "document": "d9", "at": AT, "actor": "t",
}  # fmt: skip
LINE = {
    "district_id": 1, "key": "F9-1", "fen": 8000, "result": "paid", "reason": "", "booked_on": DAY, "repeat": 1,
    "finding": "matched", "recorded_at": AT, "actor": "t", "closed_at": None, "closed_by": None,
}  # fmt: skip
CLAIM = {"payment_id": 1, "fen": 8000, "reason": "dead", "raised_at": AT}
BUDGET = {
    "district_id": 1, "programme": "longevity", "period": "2026-10", "fen": 1, "recorded_at": AT, "actor": "t",
}  # fmt: skip
EXCLUSION = {
    "cycle_id": 1, "elder_id": 1, "community_id": 1, "band": "age-80", "reason": "dead", "recorded_at": AT,
    "lifted_at": None,
}  # fmt: skip
CHANGE = {"payment_id": 1, "before": "sent", "after": "paid", "at": AT, "source": "bank"}
VERDICT = {"payment_id": 1, "staff_id": 2, "result": "paid", "booked_on": DAY, "evidence": "e", "at": AT}
ELDER = {
    "district_id": 1, "ref": "E-1", "id_number": b"x", "id_index": b"p1", "name": b"x", "sex": "female",
    "birth_date": "1940-02-29", "community_id": 1, "building": "", "registered_on": "2025-01-01", "recorded_at": AT,
}  # fmt: skip
ACCOUNT = {
    "elder_id": 1, "since": "2026-01-01", "bank": "b", "account": b"x", "holder": b"x", "tail": "0001",
    "account_index": b"a", "card_index": b"a", "recorded_at": AT, "actor": "t",
}  # fmt: skip
STAFF = {"district_id": 1, "name": b"x", "totp_counter": 0, "form_failures": 0}
TOWN: list[tuple[str, dict[str, Any]]] = [
    ("subdistrict", {"district_id": 1, "ref": "S-1", "name": "马街"}),
    ("community", {"subdistrict_id": 1, "name": "一社区"}),
    ("elder", ELDER),
    ("payee_account", ACCOUNT),
    ("staff", {**STAFF, "number": "1", "ref": "T-1", "role": "both"}),
    ("staff", {**STAFF, "number": "2", "ref": "T-2", "role": "both"}),
    ("allowance_cycle", CYCLE),
    ("allowance_budget", BUDGET),
    ("allowance_batch", {**BATCH, "ref": "B-1", "number": 1}),
    ("entitlement", {**ENTITLEMENT, "person": b"p1"}),
    ("entitlement", {**ENTITLEMENT, "person": b"p2"}),
    ("bank_file", {**FILE, "ref": "F-1", "part": 1}),
    ("payment", {**PAYMENT, "entitlement_id": 1, "key": "F1-1"}),
    ("ledger_transfer", {**TRANSFER, "document": "d1"}),
    ("payment_change", CHANGE),
    ("bank_line", {**LINE, "key": "F1-1"}),
    ("receivable", CLAIM),
    ("payment_verdict", VERDICT),
    ("approval", APPROVAL),
    ("exclusion", EXCLUSION),
]


@pytest.fixture
def town(database: Database) -> Database:
    """One of everything: entitlement 1 has a payment that is sent, entitlement 2 has none."""
    for table, row in TOWN:
        put(database, table, row)
    return database


def put(database: Database, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join(f":{name}" for name in row)
    run(database, f"INSERT INTO {table} ({names}) VALUES ({marks})", row)


def run(database: Database, statement: str, values: dict[str, Any] | None = None) -> int:
    with database.engine.begin() as connection:
        return connection.execute(text(statement), values or {}).rowcount


REFUSED: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("one period planned twice", "allowance_cycle", CYCLE, {}),
    ("somebody disappeared from a cycle", "allowance_cycle", CYCLE, {"period": "2026-11", "registered": 4}),
    ("two budgets of a period", "allowance_budget", BUDGET, {}),
    ("budget below zero", "allowance_budget", BUDGET, {"period": "2026-11", "fen": -1}),
    ("two lists of one reference", "allowance_batch", BATCH, {"ref": "B-1"}),
    ("two lists of one number", "allowance_batch", BATCH, {"number": 1}),
    ("unknown kind of list", "allowance_batch", BATCH, {"kind": "gift"}),
    ("unknown state of a list", "allowance_batch", BATCH, {"state": "paid"}),
    ("list put forward by nobody", "allowance_batch", BATCH, {"maker_id": None}),
    ("approved without its content", "allowance_batch", BATCH, {"state": "approved"}),
    ("released at no time", "allowance_batch", BATCH, {"state": "released", "content_hash": "h"}),
    ("released and not released", "allowance_batch", BATCH, {"released_at": AT}),
    ("notice that ends before it begins", "allowance_batch", BATCH, {"notice_until": "2026-10-19"}),
    ("notice without a beginning", "allowance_batch", BATCH, {"notice_from": None}),
    ("one person twice in a period", "entitlement", ENTITLEMENT, {"person": b"p1"}),
    (
        "one person twice in a period, once cancelled",
        "entitlement",
        ENTITLEMENT,
        {"person": b"p1", "state": "cancelled", "cancel_reason": "dead"},
    ),
    ("entitled to nothing", "entitlement", ENTITLEMENT, {"fen": 0}),
    ("entitled to less than nothing", "entitlement", ENTITLEMENT, {"fen": -8000}),
    ("cancelled for no reason", "entitlement", ENTITLEMENT, {"state": "cancelled"}),
    ("live and cancelled", "entitlement", ENTITLEMENT, {"cancel_reason": "dead"}),
    ("entitled on no list", "entitlement", ENTITLEMENT, {"batch_id": 99}),
    ("entitlement of nobody", "entitlement", ENTITLEMENT, {"elder_id": 99}),
    ("maker approves", "approval", APPROVAL, {"approver_id": 1}),
    ("maker approves as another", "approval", APPROVAL, {"maker_id": 2, "approver_id": 1}),
    ("one approver twice", "approval", APPROVAL, {}),
    ("approved by nobody", "approval", APPROVAL, {"approver_id": 99}),
    ("approved by telephone", "approval", APPROVAL, {"path": "phone", "approver_id": 2}),
    ("two files of one reference", "bank_file", FILE, {"ref": "F-1"}),
    ("one part of a list twice", "bank_file", FILE, {"part": 1}),
    ("file of nothing", "bank_file", FILE, {"fen": 0}),
    ("file of nobody", "bank_file", FILE, {"count": 0}),
    ("second attempt while the first is open", "payment", PAYMENT, {"entitlement_id": 1, "n": 2}),
    (
        "second attempt paid while the first is open",
        "payment",
        PAYMENT,
        {"entitlement_id": 1, "n": 2, "state": "paid", "booked_on": DAY},
    ),
    ("one attempt twice", "payment", PAYMENT, {"entitlement_id": 1, "n": 1}),
    ("one key twice", "payment", PAYMENT, {"key": "F1-1"}),
    ("a fen more than is owed", "payment", PAYMENT, {"fen": 8001}),
    ("a fen less than is owed", "payment", PAYMENT, {"fen": 7999}),
    ("attempt zero", "payment", PAYMENT, {"n": 0}),
    ("payment that nobody is owed", "payment", PAYMENT, {"entitlement_id": 99}),
    ("unknown state of a payment", "payment", PAYMENT, {"state": "lost"}),
    ("paid on no day", "payment", PAYMENT, {"state": "paid"}),
    ("booked and still open", "payment", PAYMENT, {"booked_on": DAY}),
    ("returned for no reason", "payment", PAYMENT, {"state": "returned", "booked_on": DAY}),
    ("unknown and booked", "payment", PAYMENT, {"state": "unknown", "booked_on": DAY}),
    ("one line of the bank twice", "bank_line", LINE, {"key": "F1-1"}),
    ("unknown result", "bank_line", LINE, {"result": "maybe"}),
    ("unknown finding", "bank_line", LINE, {"finding": "fine"}),
    ("closed by nobody", "bank_line", LINE, {"closed_at": AT}),
    ("claimed back twice", "receivable", CLAIM, {}),
    ("claim withdrawn by nobody", "receivable", CLAIM, {"withdrawn_at": AT}),
    (
        "claim given back and withdrawn",
        "receivable",
        CLAIM,
        {"settled_at": AT, "settled_by": "t", "withdrawn_at": AT, "withdrawn_by": "t"},
    ),
    ("claim without a payment", "receivable", CLAIM, {"payment_id": 99}),
    ("one person says both", "payment_verdict", VERDICT, {"result": "returned"}),
    ("one document booked twice", "ledger_transfer", TRANSFER, {"document": "d1"}),
    ("transfer of nothing", "ledger_transfer", TRANSFER, {"fen": 0}),
    ("transfer backwards", "ledger_transfer", TRANSFER, {"fen": -1}),
    ("from an account to itself", "ledger_transfer", TRANSFER, {"credit": "in_transit"}),
    ("to an unknown account", "ledger_transfer", TRANSFER, {"debit": "pocket"}),
    ("from an unknown account", "ledger_transfer", TRANSFER, {"credit": "pocket"}),
    ("to no account: it could not sum to zero", "ledger_transfer", TRANSFER, {"debit": None}),
    ("from no account: it could not sum to zero", "ledger_transfer", TRANSFER, {"credit": None}),
    ("unknown kind of move", "ledger_transfer", TRANSFER, {"kind": "gift"}),
    ("left out twice", "exclusion", EXCLUSION, {}),
    ("nobody left out", "exclusion", EXCLUSION, {"elder_id": 99}),
    ("half a fen", "entitlement", ENTITLEMENT, {"fen": 0.5}),
    ("no whole fen booked", "ledger_transfer", TRANSFER, {"fen": 0.25}),
    ("no whole fen claimed", "receivable", CLAIM, {"fen": 0.25}),
    ("no number", "entitlement", ENTITLEMENT, {"fen": "many"}),
]


def test_the_database_refuses_what_must_never_be(town: Database) -> None:
    taken = [what for what, table, base, row in REFUSED if not refused(town, table, {**base, **row})]
    assert taken == []


def refused(database: Database, table: str, row: dict[str, Any]) -> bool:
    try:
        put(database, table, row)
    except (IntegrityError, DataError):
        return True
    return False


def test_fen_are_whole_on_every_database(town: Database) -> None:
    """PostgreSQL rounds what is written into a column of integers; SQLite would keep it, and is told not to."""
    tries = (
        ("entitlement", ENTITLEMENT),
        ("ledger_transfer", TRANSFER),
        ("bank_file", FILE),
        ("allowance_budget", BUDGET),
    )
    for table, row in tries:
        refused(
            town, table, {**row, "fen": 8000.25, "period": "2026-12"} if "period" in row else {**row, "fen": 8000.25}
        )
        with town.engine.connect() as connection:
            fens = connection.execute(text(f"SELECT fen FROM {table}")).scalars().all()
        assert {type(fen) for fen in fens} == {int}


def test_the_next_attempt_waits_for_the_return_of_the_last(town: Database) -> None:
    second = {**PAYMENT, "entitlement_id": 1, "n": 2, "key": "F9-2"}
    for state in ("frozen", "sent", "unknown"):
        run(town, "UPDATE payment SET state = :state WHERE id = 1", {"state": state})
        assert refused(town, "payment", second)
    run(town, "UPDATE payment SET state = 'paid', booked_on = :day WHERE id = 1", {"day": DAY})
    assert refused(town, "payment", second)
    run(town, "UPDATE payment SET state = 'returned', reason = 'AC04' WHERE id = 1")
    put(town, "payment", second)
    with pytest.raises(IntegrityError):  # nor can the first come back to life beside it
        run(town, "UPDATE payment SET state = 'paid', reason = NULL WHERE id = 1")


def test_what_was_decided_and_paid_cannot_be_moved_under_a_payment(town: Database) -> None:
    for statement in (
        "UPDATE entitlement SET fen = 8001 WHERE id = 1",
        "UPDATE payment SET fen = 8001 WHERE id = 1",
        "DELETE FROM entitlement WHERE id = 1",
        "UPDATE entitlement SET person = (SELECT person FROM entitlement WHERE id = 1) WHERE id = 2",
        "UPDATE approval SET approver_id = 1",
        "UPDATE approval SET maker_id = 2, approver_id = 1",
        "UPDATE allowance_batch SET maker_id = 2 WHERE id = 1",
        "UPDATE allowance_batch SET maker_id = NULL WHERE id = 1",
    ):
        with pytest.raises(IntegrityError):
            run(town, statement)


def test_what_is_written_down_stays_as_it_was_written(town: Database) -> None:
    for statement in (
        "UPDATE ledger_transfer SET fen = 1",
        "UPDATE ledger_transfer SET debit = 'paid'",
        "UPDATE ledger_transfer SET actor = actor",
        "DELETE FROM ledger_transfer",
        "DELETE FROM ledger_transfer WHERE id = 1",
        "UPDATE payment_change SET after = 'returned'",
        "DELETE FROM payment_change",
        "UPDATE bank_file SET content = :content",
        "UPDATE bank_file SET sha256 = 'x'",
        "UPDATE bank_file SET ref = 'x'",
        "UPDATE bank_file SET fen = 1, sent_at = :at",
        "UPDATE bank_file SET count = 2",
        "DELETE FROM bank_file",
        "DELETE FROM payment_change WHERE 1 = 1",
        "UPDATE payment SET key = 'F-OTHER-1'",
        "UPDATE payment SET entitlement_id = entitlement_id",
        "UPDATE payment SET n = n + 1",
        "UPDATE payment SET fen = fen + 1",
        "UPDATE payment SET file_id = file_id",
        "UPDATE payment SET account_id = account_id",
        "UPDATE payment SET state = state, account_id = account_id",
        "DELETE FROM payment",
        "UPDATE approval SET content_hash = 'x'",
        "UPDATE approval SET fen = fen + 1",
        "UPDATE approval SET people = people + 1",
        "UPDATE approval SET path = 'form'",
        "UPDATE approval SET at = :at",
        "UPDATE approval SET batch_id = batch_id",
        "UPDATE approval SET approver_id = approver_id",
        "UPDATE approval SET maker_id = maker_id",
        "DELETE FROM approval",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            run(town, statement, {"content": b"y", "at": AT})
    assert run(town, "UPDATE bank_file SET sent_at = :at", {"at": AT}) == 1  # that it went is no part of it
    assert run(town, "UPDATE payment SET state = state, booked_on = booked_on, reason = reason")
    assert run(town, "UPDATE approval SET withdrawn_at = :at", {"at": AT})


def test_nothing_is_written_over_by_inserting_it_again(town: Database) -> None:
    """REPLACE deletes without asking a trigger, unless SQLite is told to fire them."""
    if town.engine.dialect.name != "sqlite":
        return
    with pytest.raises(DBAPIError):
        run(town, "INSERT OR REPLACE INTO ledger_transfer SELECT id, cycle_id, kind, debit, credit, 1, count, document,"
                  " at, actor FROM ledger_transfer")  # fmt: skip


def test_emptying_a_table_is_refused_too(town: Database) -> None:
    if town.engine.dialect.name != "postgresql":
        return
    for table in ("ledger_transfer", "payment_change", "bank_file", "payment", "approval"):
        with pytest.raises(DBAPIError):
            run(town, f"TRUNCATE {table} CASCADE")
