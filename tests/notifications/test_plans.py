"""What every minute does must not read the finished messages, of which there may be millions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session

from models.awaited import Patience, awaited
from models.db import Database
from models.message_views import calls_waiting, due_by_channel, oldest_pending
from models.receipts import settle
from models.redaction import redact_messages
from notifications import leases
from notifications.outbox import Draft, enqueue
from notifications.parcels import claim, release

NOW = datetime(2026, 7, 11, 1, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
VARIABLES: dict[str, Any] = {"name": "李建国", "date": "2026-07-12", "weekday": "周日", "centre": "马街中心"}
DRAFT = Draft("m:1", "duty-released", "sms", "C-7K3Q-9XM2", "13800138000", VARIABLES, "530112")
PAIRS = {("duty-released", "zh-CN")}


def _fenced(session: Session) -> None:
    found = claim(session, "sms", "a", pairs=PAIRS, now=NOW, lease_until=LATER, limit=9)
    assert leases.held(session, "a", found, ("claimed",))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda session: leases.standing(session, ["sms"], NOW), id="look"),
        pytest.param(lambda session: leases.take_back(session, ["a"], lambda _: True, NOW, NOW), id="take back"),
        pytest.param(lambda session: leases.expire(session, NOW), id="expire"),
        pytest.param(_fenced, id="claim and fence"),
        pytest.param(lambda session: release(session, "a"), id="release"),
        pytest.param(lambda session: awaited(session, "aliyun", LATER, NOW, 9, Patience()), id="ask"),
        pytest.param(lambda session: settle(session, "aliyun", NOW), id="settle"),
        pytest.param(lambda session: oldest_pending(session, NOW, "530112"), id="oldest"),
        pytest.param(lambda session: due_by_channel(session, NOW, "530112"), id="due"),
        pytest.param(lambda session: calls_waiting(session, "530112", NOW), id="calls"),
        pytest.param(lambda session: redact_messages(session, NOW, NOW), id="redact"),
    ],
)
def test_what_runs_all_day_reads_no_finished_messages(database: Database, work: Callable[[Session], Any]) -> None:
    with database.write() as session:
        enqueue(session, [DRAFT], NOW)
    with database.write() as session, _statements(session) as sent:
        work(session)
    assert sent
    with database.engine.connect() as connection:
        for statement, values in sent:
            plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            assert "SCAN message" not in plan, statement
            assert not any("ix_message_district_created_at" in step for step in plan), statement


@contextmanager
def _statements(session: Session) -> Iterator[list[tuple[str, Any]]]:
    sent: list[tuple[str, Any]] = []

    def keep(*told: Any) -> None:
        statement, values, many = told[2], told[3], told[5]
        if "message" in statement and not many:
            sent.append((statement, values))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", keep)
    yield sent
    event.remove(engine, "before_cursor_execute", keep)
