"""Messages by hand: what staff decide is done whole, or refused with the key that is in the way."""

import pytest
from sqlalchemy import text

from flows.message_desk import NoSuchMessage, resend_messages
from flows.settings import Settings
from models.db import Database
from notifications.outbox import Draft, enqueue


@pytest.fixture
def dead(database: Database, configured: Settings) -> Settings:
    """Two messages: m:1 could not be sent, m:2 still waits."""
    told = {"name": "李建国", "date": "2026-07-12", "weekday": "周日", "centre": "马街中心"}
    drafts = [
        Draft(f"m:{n}", "duty-released", "sms", "C-7K3Q-9XM1", "13800138000", told, configured.district) for n in (1, 2)
    ]
    with database.write() as session:
        enqueue(session, drafts, configured.now())
        session.execute(
            text(
                "UPDATE message SET state = 'dead', finished_at = created_at, request_hash = variables_hash "
                "WHERE dedupe_key = 'm:1'"
            )
        )
    return configured


def _states(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.execute(text("SELECT state FROM message ORDER BY dedupe_key")).scalars())


def test_a_dead_message_goes_again(database: Database, dead: Settings) -> None:
    assert resend_messages(database, dead, ["m:1"]) == {"again": 1, "asked": 1, "keys": "m:1"}
    assert _states(database) == ["pending", "pending"]


def test_resending_what_is_not_dead_is_refused_and_names_it(database: Database, dead: Settings) -> None:
    with pytest.raises(NoSuchMessage, match="m:2"):
        resend_messages(database, dead, ["m:1", "m:2"])
    assert _states(database) == ["dead", "pending"]
