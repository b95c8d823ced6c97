"""Redaction: personal data goes N days after the end, counts and states stay; and the call list."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from models.db import Database
from models.drafts import Draft, Enclosure, SameKeyOtherPayload, insert_drafts
from models.message_views import calls, counts
from models.messages import Message
from models.receipts import Report, keep
from models.redaction import redact_files, redact_messages, redact_receipts
from tests.models.test_messages import CLASSES, DRAFT, NOW

PDF = Enclosure("名单.pdf", "application/pdf", b"%PDF-1.7")
ROUTED = replace(DRAFT, others=(("email", "li@example.org"),), enclosed=(PDF,))
DAYS = timedelta(days=90)
PERSONAL = ("address", "address_index", "routes", "variables", "enclosures", "request")


def _insert(database: Database, *drafts: Draft, now: datetime = NOW) -> None:
    with database.write() as session:
        insert_drafts(session, drafts, CLASSES, now)


def _execute(database: Database, statement: str, **bound: Any) -> None:
    with database.write() as session:
        session.connection().execute(text(statement), bound)


def _end(database: Database, state: str = "accepted", at: datetime = NOW) -> None:
    ended = {"state": state, "finished_at": at}
    with database.write() as session:
        for message in session.exec(select(Message)):
            message.request, message.request_hash = message.address, message.variables_hash
            for name, value in ended.items():
                setattr(message, name, value)


def _redact(database: Database, now: datetime, limit: int = 5000) -> int:
    with database.write() as session:
        return redact_messages(session, now - DAYS, now, limit)


def _columns(database: Database, *names: str) -> Sequence[Any]:
    with database.read() as session:
        return tuple(
            session.connection().execute(text(f"SELECT {', '.join(names)} FROM message ORDER BY id")).first() or ()
        )


@pytest.mark.parametrize(
    "state", ["accepted", "delivered", "undeliverable", "unknown", "dead", "suppressed", "expired", "cancelled"]
)
def test_personal_data_goes_so_many_days_after_the_end(database: Database, state: str) -> None:
    _insert(database, ROUTED)
    _end(database, state)
    assert _redact(database, NOW + DAYS - timedelta(seconds=1)) == 0
    assert None not in _columns(database, *PERSONAL)
    assert _redact(database, NOW + DAYS) == 1
    assert set(_columns(database, *PERSONAL)) == {None}
    assert _redact(database, NOW + DAYS) == 0


def test_states_counts_references_and_hashes_stay(database: Database) -> None:
    _insert(database, ROUTED)
    _end(database)
    before = _columns(database, "state", "recipient", "dedupe_key", "variables_hash", "request_hash", "out_id")
    _redact(database, NOW + DAYS)
    assert _columns(database, "state", "recipient", "dedupe_key", "variables_hash", "request_hash", "out_id") == before
    with database.read() as session:
        assert counts(session) == {("sms", "duty-released", "accepted"): 1}


@pytest.mark.parametrize("state", ["pending", "claimed", "sending"])
def test_what_is_under_way_keeps_its_data_however_old(database: Database, state: str) -> None:
    _insert(database, ROUTED)
    lease = "lease_owner = 'x', lease_until = created_at, request_hash = variables_hash"
    _execute(database, f"UPDATE message SET state = '{state}', {lease}")
    assert _redact(database, NOW + 10 * DAYS) == 0


def test_a_redacted_message_still_keeps_its_key(database: Database) -> None:
    _insert(database, ROUTED)
    _end(database)
    _redact(database, NOW + DAYS)
    _insert(database, ROUTED)
    with pytest.raises(SameKeyOtherPayload):
        _insert(database, replace(ROUTED, recipient="C-0000-0000"))
    with database.read() as session:
        assert counts(session) == {("sms", "duty-released", "accepted"): 1}


def test_a_transaction_takes_so_many_and_the_oldest_first(database: Database) -> None:
    _insert(database, *(replace(DRAFT, key=f"r:{n}") for n in range(7)))
    _end(database)
    assert [_redact(database, NOW + DAYS, limit=3) for _ in range(4)] == [3, 3, 1, 0]


def test_a_file_goes_when_it_was_last_enclosed_long_ago(database: Database) -> None:
    _insert(database, ROUTED)
    _insert(database, replace(ROUTED, key="later:1"), now=NOW + timedelta(days=1))
    _end(database)
    with database.write() as session:
        assert redact_files(session, NOW) == 0
        assert redact_files(session, NOW + timedelta(days=1)) == 1
        assert redact_files(session, NOW + timedelta(days=1)) == 0
        assert session.connection().execute(text("SELECT content, digest FROM enclosed_file")).one()[0] is None


def test_a_file_stays_while_an_open_message_carries_one(database: Database) -> None:
    _insert(database, ROUTED)
    with database.write() as session:
        assert redact_files(session, NOW + DAYS) == 0
    _end(database)
    with database.write() as session:
        assert redact_files(session, NOW + DAYS) == 1


def test_open_messages_without_files_keep_none(database: Database) -> None:
    _insert(database, replace(ROUTED, key="with:1"))
    _end(database)
    _insert(database, DRAFT)
    with database.write() as session:
        assert redact_files(session, NOW + DAYS) == 1


def test_receipts_go_after_the_same_time(database: Database) -> None:
    with database.write() as session:
        keep(session, "aliyun", [Report("1", "13800138000", "delivered")], NOW)
        keep(session, "aliyun", [Report("2", "13800138000", "delivered")], NOW + timedelta(days=1))
    with database.write() as session:
        assert redact_receipts(session, NOW) == 1
        assert session.connection().execute(text("SELECT provider_ref FROM receipt")).scalars().all() == ["2"]


def _call(key: str, **more: Any) -> Draft:
    return replace(DRAFT, key=key, channel="call", address="0871-6812345", **more)


def _listed(database: Database, now: datetime = NOW) -> list[str]:
    with database.read() as session:
        return [call.key for call in calls(session, "530112", now)]


def test_the_call_list_has_the_urgent_first_then_who_waits_longest(database: Database) -> None:
    _insert(
        database,
        _call("c:1", not_before=NOW),
        _call("c:2", not_before=NOW - timedelta(hours=1)),
        _call("c:3", priority=0),
        _call("c:4", not_before=NOW - timedelta(hours=1)),
    )
    assert _listed(database) == ["c:3", "c:2", "c:4", "c:1"]


def test_the_call_list_leaves_out_what_is_not_yet_no_longer_or_not_here_to_be_said(database: Database) -> None:
    _insert(
        database,
        _call("c:now", expires_at=NOW + timedelta(seconds=1)),
        _call("c:later", not_before=NOW + timedelta(seconds=1)),
        _call("c:over", expires_at=NOW),
        _call("c:elsewhere", district="530102"),
        replace(DRAFT, key="c:sms"),
    )
    assert _listed(database) == ["c:now"]


def test_a_call_is_opened_for_who_telephones_and_printed_for_nobody(database: Database) -> None:
    _insert(database, _call("c:1"))
    with database.read() as session:
        (call,) = calls(session, "530112", NOW)
    assert (call.phone, call.variables, call.unreadable) == ("0871-6812345", dict(DRAFT.variables), False)
    assert "0871" not in repr(call)
    assert "李建国" not in repr(call)


def test_a_damaged_row_stays_on_the_call_list_by_its_reference(database: Database) -> None:
    _insert(database, _call("c:1"), _call("c:2"))
    _execute(database, "UPDATE message SET variables = address WHERE dedupe_key = 'c:1'")
    with database.read() as session:
        first, second = calls(session, "530112", NOW)
    assert (first.unreadable, first.recipient, first.phone, first.variables) == (True, DRAFT.recipient, "", {})
    assert not second.unreadable
