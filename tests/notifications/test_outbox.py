"""Enqueueing: what is refused, by name, before anything is stored."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from models.db import Database
from models.message_views import counts
from notifications.errors import (
    BadAddress,
    BadDraft,
    BadVariable,
    ExtraVariable,
    MissingVariable,
    NotificationError,
    TooMany,
    UnknownTemplate,
)
from notifications.outbox import Draft, address_of, enqueue
from rules.errors import LANGUAGE

NOW = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)
VARIABLES: dict[str, Any] = {"name": "李建国", "date": date(2026, 7, 12), "weekday": "周日", "centre": "马街中心"}
DRAFT = Draft("duty-released:S1:1", "duty-released", "sms", "C-7K3Q-9XM2", "138 0013 8000", VARIABLES, "530112")
MONTH: dict[str, Any] = {"name": "李", "month": "2026-10", "centre": "马街中心"}


def _with(**variables: Any) -> Draft:
    return replace(DRAFT, variables={**VARIABLES, **variables})


def _month(**variables: Any) -> Draft:
    return replace(DRAFT, template="duty-published", variables={**MONTH, **variables})


@pytest.mark.parametrize(
    ("draft", "error", "named"),
    [
        pytest.param(replace(DRAFT, template="nothing"), UnknownTemplate, "nothing", id="unknown template"),
        pytest.param(replace(DRAFT, variables={}), MissingVariable, "name", id="missing variable"),
        pytest.param(_with(colour="red"), ExtraVariable, "colour", id="extra variable"),
        pytest.param(_with(name="李" * 51), BadVariable, "name", id="too long"),
        pytest.param(_with(name=" "), BadVariable, "name", id="empty"),
        pytest.param(_with(name="李\nBcc: x"), BadVariable, "name", id="line break"),
        pytest.param(_with(name=7), BadVariable, "name", id="not a text"),
        pytest.param(_with(date="tomorrow"), BadVariable, "date", id="not a date"),
        pytest.param(_with(date=NOW), BadVariable, "date", id="an instant is not a date"),
        pytest.param(_month(days=[]), ExtraVariable, "days", id="what is read at sending"),
        pytest.param(_month(month="10月"), BadVariable, "month", id="not a month"),
        pytest.param(replace(DRAFT, address="12345"), BadAddress, "C-7K3Q-9XM2", id="not a mobile number"),
        pytest.param(replace(DRAFT, channel="email"), BadAddress, "email", id="a number is no e-mail address"),
        pytest.param(
            replace(DRAFT, channel="call", address="li"), BadAddress, "call", id="a call wants a number or none"
        ),
        pytest.param(replace(DRAFT, channel="fax"), BadDraft, "channel", id="channel"),  # type: ignore[arg-type]
        pytest.param(replace(DRAFT, key="two words"), BadDraft, "key", id="a key is made of references"),
        pytest.param(replace(DRAFT, language="fr"), BadDraft, "language", id="language"),
        pytest.param(replace(DRAFT, priority=10), BadDraft, "priority", id="priority"),
        pytest.param(
            replace(DRAFT, not_before=NOW, expires_at=NOW), BadDraft, "expires_at", id="expires before it leaves"
        ),
    ],
)
def test_a_wrong_draft_is_refused_by_name_and_rolls_the_business_back(
    database: Database, draft: Draft, error: type[NotificationError], named: str
) -> None:
    with pytest.raises(error, match=named) as refused, database.write() as session:
        enqueue(session, [replace(DRAFT, key="good:1"), draft], NOW)
    assert "李建国" not in str(refused.value)
    with database.read() as session:
        assert counts(session) == {}


def test_errors_speak_chinese_and_english() -> None:
    error = MissingVariable("duty-notice", "k:1", "centre")
    assert "缺少变量 centre" in str(error)
    token = LANGUAGE.set("en")
    try:
        assert "lacks variable 'centre'" in str(error)
    finally:
        LANGUAGE.reset(token)


def test_more_than_the_ceiling_is_refused(database: Database) -> None:
    drafts = [replace(DRAFT, key=f"many:{number}") for number in range(6)]
    with pytest.raises(TooMany, match="6"), database.write() as session:
        enqueue(session, drafts, NOW, ceiling=5)


def test_enqueue_says_how_many_were_new(database: Database) -> None:
    drafts = [replace(DRAFT, key=f"many:{number}", expires_at=NOW + timedelta(hours=1)) for number in range(6)]
    with database.write() as session:
        assert enqueue(session, drafts, NOW) == 6
    with database.write() as session:
        assert enqueue(session, [*drafts, DRAFT], NOW) == 1


@pytest.mark.parametrize(
    ("channel", "text", "address"),
    [
        pytest.param("sms", "+86 138-0013-8000", "13800138000", id="country code and dashes"),
        pytest.param("sms", "0871-6812345", None, id="a landline takes no SMS"),
        pytest.param("email", " li@example.org ", "li@example.org", id="spaces around"),
        pytest.param("email", "li@localhost", None, id="no domain"),
        pytest.param("email", "li@example.org\r\nBcc: a@b.cn", None, id="header injection"),
        pytest.param("call", "", "", id="a call needs no address"),
    ],
)
def test_addresses_are_normalised_or_refused(channel: str, text: str, address: str | None) -> None:
    assert address_of(channel, text) == address
