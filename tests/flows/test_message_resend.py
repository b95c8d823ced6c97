"""Failed messages: listed with why and what followed; dead ones may try again, unless they went on or are redacted."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from flows.message_desk import failed_messages, resend_messages
from flows.settings import Settings, settings
from models.audit import AuditEntry
from models.db import Database
from models.drafts import Route
from models.messages import Message
from models.successors import pass_on
from notifications.outbox import Draft, enqueue

NOW = datetime(2026, 7, 11, 4, 0, tzinfo=UTC)
GAP = {"name": "李建国", "centre": "马街街道养老服务中心", "date": "2026-07-12", "weekday": "周日"}


@pytest.fixture
def chosen() -> Settings:
    return settings().model_copy(update={"at": NOW})


def fail(database: Database, key: str, **changed: Any) -> None:
    """Enqueue a message and let it end, dead unless said otherwise."""
    others: tuple[Route, ...] = (("email", "li@example.cn"),)
    draft = Draft(key, "duty-gap", "sms", "C-7K3Q-9XM1", "13800138000", GAP, "530112", others=others)
    with database.write() as session:
        enqueue(session, [draft], NOW)
        ended: dict[str, Any] = {
            "state": "dead",
            "attempts": 8,
            "finished_at": NOW,
            "error_class": "permanent",
            "error_code": "x",
        }
        session.execute(update(Message).where(col(Message.dedupe_key) == key).values(ended | changed))


def state_of(database: Database, key: str) -> str:
    with database.read() as session:
        return str(session.execute(select(col(Message.state)).where(col(Message.dedupe_key) == key)).scalar_one())


def go_on(database: Database, key: str) -> None:
    with database.write() as session:
        mine = session.execute(select(col(Message.id)).where(col(Message.dedupe_key) == key)).scalar_one()
        assert pass_on(session, [mine], NOW) == 1


def test_failed_messages_are_listed_with_why_and_what_followed(database: Database, chosen: Settings) -> None:
    fail(database, "duty-gap:1:C-7K3Q-9XM1:r0")
    fail(database, "duty-gap:2:C-7K3Q-9XM1:r0", state="undeliverable")
    fail(database, "duty-gap:3:C-7K3Q-9XM1:r0", state="delivered", error_class=None, error_code=None)
    go_on(database, "duty-gap:1:C-7K3Q-9XM1:r0")
    told = failed_messages(database, chosen)
    assert told["failed"] == 2
    assert [(row["key"], row["state"], row["next"]) for row in told["messages"]] == [
        ("duty-gap:2:C-7K3Q-9XM1:r0", "undeliverable", None),
        ("duty-gap:1:C-7K3Q-9XM1:r0", "dead", "duty-gap:1:C-7K3Q-9XM1:r0~1"),
    ]


def test_a_dead_message_may_try_again_and_that_is_audited(database: Database, chosen: Settings) -> None:
    fail(database, "duty-gap:1:C-7K3Q-9XM1:r0")
    assert resend_messages(database, chosen, ["duty-gap:1:C-7K3Q-9XM1:r0"])["again"] == 1
    assert state_of(database, "duty-gap:1:C-7K3Q-9XM1:r0") == "pending"
    with database.read() as session:
        assert session.execute(select(col(AuditEntry.action))).scalars().all() == ["message.resend"]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"state": "undeliverable"}, id="it was accepted once"),
        pytest.param({"redacted_at": NOW, "address": None, "variables": None}, id="redacted"),
        pytest.param({"district": "530111"}, id="of another district"),
    ],
)
def test_what_cannot_go_again_stays_as_it_is(database: Database, chosen: Settings, changed: dict[str, Any]) -> None:
    key = "duty-gap:1:C-7K3Q-9XM1:r0"
    fail(database, key, **changed)
    before = state_of(database, key)
    assert resend_messages(database, chosen, [key]) == {"again": 0, "asked": 1, "keys": ""}
    assert state_of(database, key) == before


def test_a_message_that_went_on_by_another_channel_does_not_go_twice(database: Database, chosen: Settings) -> None:
    fail(database, "duty-gap:1:C-7K3Q-9XM1:r0")
    go_on(database, "duty-gap:1:C-7K3Q-9XM1:r0")
    assert resend_messages(database, chosen, ["duty-gap:1:C-7K3Q-9XM1:r0"])["again"] == 0
