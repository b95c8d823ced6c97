"""The outbox table: drafts become rows in the business transaction, single by key, sealed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from models.consent import opt_out
from models.db import Database
from models.drafts import Class, Draft, SameKeyOtherPayload, insert_drafts
from models.message_views import EXPORT_COLUMNS, counts, exported, oldest_pending
from models.messages import Message, cancel, change, note

NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)
CLASSES = {"duty-released": Class(1, "notice", "staff")}
DRAFT = Draft(
    key="duty-released:S1:C-7K3Q-9XM2:1",
    template="duty-released",
    channel="sms",
    recipient="C-7K3Q-9XM2",
    address="13800138000",
    variables={"name": "李建国", "date": "2026-07-12", "weekday": "周日", "centre": "马街中心"},
    district="530112",
)


def _insert(database: Database, *drafts: Draft, now: datetime = NOW) -> int:
    with database.write() as session:
        return insert_drafts(session, drafts, CLASSES, now)


def _fail_after(_stored: int) -> None:
    raise ZeroDivisionError


def test_a_rolled_back_transaction_leaves_no_message(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as session:
        _fail_after(insert_drafts(session, [DRAFT], CLASSES, NOW))
    with database.read() as session:
        assert counts(session) == {}


def test_the_same_key_and_payload_is_stored_once(database: Database) -> None:
    assert _insert(database, DRAFT, DRAFT) == 1
    assert _insert(database, DRAFT, replace(DRAFT, key="another:key")) == 1
    with database.read() as session:
        assert counts(session) == {("sms", "duty-released", "pending"): 2}


def test_a_new_address_of_the_same_person_is_no_other_payload(database: Database) -> None:
    _insert(database, DRAFT)
    assert _insert(database, replace(DRAFT, channel="email", address="li@example.org")) == 0


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(DRAFT, variables={**DRAFT.variables, "date": "2026-07-13"}), id="variables"),
        pytest.param(replace(DRAFT, recipient="C-0000-0000"), id="recipient"),
    ],
)
@pytest.mark.parametrize("together", [True, False], ids=["one call", "two calls"])
def test_the_same_key_with_another_payload_is_refused_and_nothing_of_it_stays(
    database: Database, other: Draft, together: bool
) -> None:
    if not together:
        _insert(database, DRAFT)
    with pytest.raises(SameKeyOtherPayload, match=r"duty-released:S1"):
        _insert(database, *([DRAFT] if together else []), replace(DRAFT, key="fresh:key"), other)
    with database.read() as session:
        assert sum(counts(session).values()) == (0 if together else 1)


def test_thousands_of_drafts_go_in_at_once_and_only_the_new_ones_count(database: Database) -> None:
    drafts = [replace(DRAFT, key=f"bulk:{number}") for number in range(2500)]
    _insert(database, *drafts[:1200])
    assert _insert(database, *drafts) == 1300


def test_names_and_addresses_are_sealed(database: Database) -> None:
    _insert(database, DRAFT)
    with database.read() as session:
        row = session.connection().exec_driver_sql("SELECT * FROM message").one()
    stored = b"".join(v if isinstance(v, bytes) else str(v).encode() for v in row)
    assert "李建国".encode() not in stored
    assert b"13800138000" not in stored


def test_only_pending_messages_are_cancelled(database: Database) -> None:
    _insert(database, DRAFT, replace(DRAFT, key="gone:1"))
    with database.write() as session:
        session.connection().execute(
            text(
                "UPDATE message SET state = 'claimed', lease_owner = 'x', lease_until = created_at "
                "WHERE dedupe_key = 'gone:1'"
            )
        )
    with database.write() as session:
        assert cancel(session, [DRAFT.key, "gone:1", "never:was"], "leave withdrawn", NOW) == 1
    with database.read() as session:
        states = {state: number for (_, _, state), number in counts(session).items()}
    assert states == {"cancelled": 1, "claimed": 1}


def test_of_two_changes_of_one_message_the_last_one_holds_and_a_try_is_noted_once(database: Database) -> None:
    with database.write() as session:
        insert_drafts(session, [DRAFT], CLASSES, NOW)
        row = session.execute(select(col(Message.id))).scalar_one()
        change(session, [{"row": row, "error_code": code, "not_before": NOW} for code in ("first", None, "last")])
        tried = {"message_id": row, "number": 1, "owner": "x", "outcome": "accepted", "request_hash": b"h", "at": NOW}
        note(session, [tried, tried])
        assert session.execute(select(col(Message.error_code), col(Message.not_before))).one() == ("last", NOW)
        assert session.execute(text("SELECT count(*) FROM attempt")).scalar_one() == 1


def test_oldest_pending_looks_at_what_might_leave_now(database: Database) -> None:
    later = replace(DRAFT, key="later:1", not_before=NOW + timedelta(hours=1))
    _insert(database, later, DRAFT, replace(DRAFT, key="old:1", not_before=NOW - timedelta(hours=3)))
    with database.read() as session:
        assert oldest_pending(session, NOW, "530112") == {"sms": NOW - timedelta(hours=3)}


def test_the_export_names_references_and_no_persons(database: Database) -> None:
    _insert(database, DRAFT, replace(DRAFT, key="call:1", channel="call", address=""))
    with database.read() as session:
        rows = list(exported(session, "530112", since=NOW, until=NOW + timedelta(days=1)))
        assert list(exported(session, "530112", since=NOW + timedelta(days=1))) == []
    assert [tuple(row) for row in rows] == [EXPORT_COLUMNS] * 2
    assert [(row["channel"], row["state"], row["recipient"]) for row in rows] == [
        ("sms", "pending", "C-7K3Q-9XM2"),
        ("call", "pending", "C-7K3Q-9XM2"),
    ]
    assert "李建国" not in str(rows)


def test_another_districts_messages_are_neither_exported_nor_counted(database: Database) -> None:
    theirs = replace(DRAFT, key="theirs:1", district="530102", not_before=NOW - timedelta(hours=9))
    _insert(database, DRAFT, theirs)
    with database.read() as session:
        assert [row["key"] for row in exported(session, "530112")] == [DRAFT.key]
        assert counts(session, district="530112") == {("sms", "duty-released", "pending"): 1}
        assert counts(session) == {("sms", "duty-released", "pending"): 2}
        assert oldest_pending(session, NOW, "530112") == {"sms": NOW}


def test_an_export_of_some_days_reads_an_index(database: Database) -> None:
    query = "SELECT * FROM message WHERE district = '530112' AND created_at >= '2026-07-11' ORDER BY created_at"
    with database.read() as session:
        lite = session.get_bind().dialect.name == "sqlite"
        if not lite:  # an empty table is read as a whole unless that is forbidden
            session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN " if lite else "EXPLAIN "
        plan = str(session.connection().exec_driver_sql(explain + query).all())
    assert "ix_message_district_created_at" in plan


def test_opting_out_twice_is_one_row(database: Database) -> None:
    for _ in range(2):
        with database.write() as session:
            opt_out(session, "email", "Li@Example.org", "staff", NOW)
    with database.read() as session:
        assert session.connection().execute(text("SELECT count(*) FROM opt_out")).scalar() == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("state = 'lost'", id="unknown state"),
        pytest.param("state = 'claimed'", id="claimed without a lease"),
        pytest.param("state = 'accepted', finished_at = created_at", id="accepted without a frozen request"),
        pytest.param("state = 'expired'", id="final without an end"),
        pytest.param("channel = 'fax'", id="unknown channel"),
        pytest.param("priority = 10", id="priority"),
    ],
)
def test_the_database_refuses_what_the_protocol_never_does(database: Database, change: str) -> None:
    _insert(database, DRAFT)
    with pytest.raises(IntegrityError), database.write() as session:
        session.connection().exec_driver_sql(f"UPDATE message SET {change}")
