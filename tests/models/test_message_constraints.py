"""The database itself refuses messages, receipts, circuits and wishes that cannot be, whoever writes to it."""

import pytest
from sqlalchemy.exc import IntegrityError

from models.db import Database

AT = "'2026-07-11 04:00:00+00:00'"
HASH = "'\\x01'"
SENT: dict[str, str] = {"request_hash": HASH, "finished_at": AT}
LEASED: dict[str, str] = {"lease_owner": "'host:1:0#a'", "lease_until": AT}


def message(key: str = "m:2", state: str = "pending", **more: str) -> str:
    told = {
        "dedupe_key": f"'{key}'",
        "channel": "'sms'",
        "template": "'duty-released'",
        "template_version": "1",
        "kind": "'notice'",
        "audience": "'staff'",
        "language": "'zh-CN'",
        "district": "'530112'",
        "recipient": "'C-7K3Q-9XM2'",
        "variables_hash": HASH,
        "priority": "5",
        "not_before": AT,
        "state": f"'{state}'",
        "attempts": "0",
        "out_id": f"'out-{key}'",
        "created_at": AT,
        **more,
    }
    return f"INSERT INTO message ({', '.join(told)}) VALUES ({', '.join(told.values())})"


def attempt(outcome: str = "accepted", of: int = 1, number: int = 1) -> str:
    return (
        "INSERT INTO attempt (message_id, number, owner, outcome, request_hash, at) "
        f"VALUES ({of}, {number}, 'host:1:0#a', '{outcome}', {HASH}, {AT})"
    )


def receipt(state: str = "delivered", ref: str = "9002", phone: str = HASH) -> str:
    return (
        "INSERT INTO receipt (provider, provider_ref, address_index, state, blocked, told_at) "
        f"VALUES ('aliyun', '{ref}', {phone}, '{state}', false, {AT})"
    )


def opt_out(channel: str = "sms", ended: str = "NULL", phone: str = HASH) -> str:
    return (
        "INSERT INTO opt_out (channel, address_index, source, at, ended_at) "
        f"VALUES ('{channel}', {phone}, 'reply', {AT}, {ended})"
    )


def circuit(provider: str = "sms:aliyun", template: str = "", failures: int = 0, since: str = "NULL") -> str:
    return (
        "INSERT INTO provider_state (provider, template, failures, since) "
        f"VALUES ('{provider}', '{template}', {failures}, {since})"
    )


def counted(channel: str = "sms", day: str = "2026-07-11", messages: int = 0) -> str:
    return f"INSERT INTO sending_day (channel, day, messages) VALUES ('{channel}', '{day}', {messages})"


def prefers(recipient: str = "C-7K3Q-9XM2") -> str:
    return (
        f"INSERT INTO channel_preference (recipient, channels, source, at) VALUES ('{recipient}', 'sms', 'staff', {AT})"
    )


def enclosed(digest: str = "d1") -> str:
    return f"INSERT INTO enclosed_file (digest, created_at) VALUES ('{digest}', {AT})"


FIRST = [
    message("m:1"),
    attempt(),
    receipt(ref="9001"),
    opt_out(),
    opt_out("email", ended=AT),
    circuit(),
    counted(),
    prefers(),
    enclosed(),
]


def _execute(database: Database, *statements: str) -> None:
    with database.write() as session:
        for statement in statements:
            session.connection().exec_driver_sql(statement)


@pytest.fixture
def filled(database: Database) -> Database:
    """One row of everything."""
    _execute(database, *FIRST)
    return database


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(message("m:1", out_id="'another'"), id="the same key"),
        pytest.param(message(out_id="'out-m:1'"), id="the same id at the provider"),
        pytest.param(message(channel="'fax'"), id="unknown channel"),
        pytest.param(message(kind="'gossip'"), id="unknown class"),
        pytest.param(message(audience="'press'"), id="unknown audience"),
        pytest.param(message(language="'fr'"), id="unknown language"),
        pytest.param(message(priority="-1"), id="priority"),
        pytest.param(message(attempts="-1"), id="fewer than no attempts"),
        pytest.param(message(parts="0"), id="no parts"),
        pytest.param(message(error_class="'odd'"), id="unknown class of error"),
        pytest.param(message(follows="99"), id="successor of nothing"),
        pytest.param(message(finished_at=AT), id="pending, but at its end"),
        pytest.param(message(state="expired"), id="expired at no time"),
        pytest.param(message(state="claimed"), id="claimed by nobody"),
        pytest.param(message(state="claimed", lease_owner="'x'"), id="claimed for ever"),
        pytest.param(message(state="sending", **LEASED), id="sending without a frozen request"),
        pytest.param(message(state="sending", request_hash=HASH), id="sending without a lease"),
        pytest.param(message(state="accepted", finished_at=AT), id="accepted without a frozen request"),
        pytest.param(message(state="unknown", finished_at=AT), id="unknown without a frozen request"),
        pytest.param(message(channel="'call'", state="claimed", **LEASED), id="a call that is claimed"),
        pytest.param(
            message(channel="'call'", state="sending", request_hash=HASH, **LEASED), id="a call that is being sent"
        ),
        pytest.param(message(channel="'call'", state="unknown", **SENT), id="a call without an answer"),
        pytest.param(attempt("perhaps", number=2), id="unknown outcome"),
        pytest.param(attempt(), id="the same outcome of the same try"),
        pytest.param(attempt(of=99), id="a try of nothing"),
        pytest.param("DELETE FROM message", id="deleting a message that was tried"),
        pytest.param(receipt("accepted"), id="a receipt that says nothing"),
        pytest.param(receipt(ref="9001"), id="the same receipt"),
        pytest.param(opt_out("fax"), id="opting out of an unknown channel"),
        pytest.param(opt_out(), id="opting out twice at a time"),
        pytest.param(circuit(), id="two circuits of one provider"),
        pytest.param(circuit("sms:x", failures=-1), id="fewer than no failures"),
        pytest.param(circuit("sms:x", failures=1), id="failures since never"),
        pytest.param(circuit("sms:x", since=AT), id="no failures, but since"),
        pytest.param(counted(), id="two counters of a day"),
        pytest.param(counted(day="2026-07-12", messages=-1), id="fewer than no messages"),
        pytest.param(counted("fax"), id="counter of an unknown channel"),
        pytest.param(prefers(), id="two wishes of one person"),
        pytest.param(enclosed(), id="a file kept twice"),
    ],
)
def test_the_database_refuses(filled: Database, statement: str) -> None:
    with pytest.raises(IntegrityError):
        _execute(filled, statement)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(message(channel="'robot'"), id="a message for a robot"),
        pytest.param(message(channel="'call'"), id="a call"),
        pytest.param(message(follows="1"), id="a successor"),
        pytest.param(message(state="claimed", **LEASED), id="claimed"),
        pytest.param(message(state="sending", request_hash=HASH, **LEASED), id="sending"),
        pytest.param(message(state="unknown", **SENT, **LEASED), id="unknown, its slow owner known"),
        *(pytest.param(message(state=state, **SENT), id=state) for state in ("accepted", "delivered", "undeliverable")),
        *(pytest.param(attempt(outcome), id=outcome) for outcome in ("absent", "delivered", "undeliverable")),
        pytest.param(receipt(phone="'\\x02'"), id="the same number to another phone"),
        pytest.param(opt_out("email"), id="opting out again after coming back"),
        pytest.param(opt_out(phone="'\\x02'"), id="somebody else opting out"),
        pytest.param(circuit(template="duty-released", failures=2, since=AT), id="a template in trouble"),
        pytest.param(counted("email"), id="another channel's counter"),
    ],
)
def test_and_takes_what_is_right(filled: Database, statement: str) -> None:
    _execute(filled, statement)
