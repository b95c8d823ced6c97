"""Whom reconciling asks, when, about which days, and what it does when there is no answer."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from models.awaited import Awaited, Patience
from models.receipts import Report
from notifications.channels.contract import ChannelDown
from notifications.channels.enquiry import Found, Reply
from notifications.reconcile import days_of, reconcile
from tests.notifications.office import DRAFT, NOON, Asked, Office, Post, drafts, here, says

PHONE = DRAFT.address


@pytest.fixture
def doubt(office: Office) -> Office:
    """One notice without an answer, just before it is settled."""
    office.put(DRAFT)
    office.drain(Post("unknown"))
    office.later(minutes=14)
    return office


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        pytest.param("unknown", [2, 7, 12, 17, 22, 27], id="unknown soon and often"),
        pytest.param("accepted", [10, 130, 250], id="accepted later and seldom"),
    ],
)
def test_patience(office: Office, answer: str, asked: list[int]) -> None:
    office.policy = replace(office.policy, settle=timedelta(days=1))
    office.put(DRAFT)
    office.drain(Post(answer))
    moments: list[int] = []
    for minute in range(260 if answer == "accepted" else 30):
        provider = says(None)
        office.ask(provider)
        moments += [minute] * len(provider.asked)
        office.later(minutes=1)
    assert moments == asked


def test_after_the_days_of_receipts_nobody_is_asked_any_more(office: Office) -> None:
    office.put(DRAFT, kind="payment")
    office.drain(Post("unknown"))
    office.later(days=5)
    provider = says(None)
    office.ask(provider)
    assert len(provider.asked) == 1
    office.execute("UPDATE message SET error_code = NULL")
    office.later(seconds=1, hours=1)
    office.ask(provider)
    assert len(provider.asked) == 1


def test_unknown_ones_come_first_and_the_limit_holds(office: Office) -> None:
    office.put(*drafts(6))
    office.drain(Post(*["accepted"] * 3 + ["unknown"] * 3))
    office.later(minutes=10)
    provider = Asked()
    office.ask(provider, limit=4)
    assert [phone[-1] for phone, *_ in provider.asked] == ["3", "4", "5", "0"]
    office.ask(provider, limit=4)
    assert [phone[-1] for phone, *_ in provider.asked[4:]] == ["1", "2"]


def test_only_its_own_messages_are_asked_about(office: Office) -> None:
    office.put(DRAFT)
    office.drain(Post("unknown", provider="first"))
    office.later(minutes=5)
    second = Asked("second")
    office.ask(second)
    assert second.asked == []


def test_a_provider_that_goes_down_midway_keeps_what_it_said(office: Office) -> None:
    office.put(*drafts(45))
    office.drain(Post(*["unknown"] * 45))
    office.later(minutes=15)
    provider = Asked()
    provider.answers = {f"138{n:08}": Found("delivered", str(n)) for n in range(45)}
    provider.answers["13800000030"] = ChannelDown("post", "busy")
    findings = office.ask(provider)
    assert (findings.down, findings.asked) == ({"post": "busy"}, 30)
    assert office.states() == {"delivered": 30, "unknown": 15}
    assert provider.closed == 1


def test_one_provider_that_is_down_does_not_keep_the_others_from_being_asked(office: Office) -> None:
    office.put(DRAFT)
    office.drain(Post("unknown"))
    office.later(minutes=15)
    first, second = Asked("first"), says(Found("delivered", "9001"))
    first.down = "connect"
    assert office.ask(first, second).down == {"first": "connect"}
    assert office.states() == {"delivered": 1}
    assert (first.closed, second.closed) == (1, 1)


@pytest.mark.parametrize("part", ["told", "replied"])
def test_an_account_without_the_right_to_pull_can_still_be_asked(doubt: Office, part: str) -> None:
    provider = says(Found("delivered", "9001"))
    getattr(provider, part).append(ChannelDown("post", "no right"))
    assert doubt.ask(provider).down == {"post": "no right"}
    assert doubt.states() == {"delivered": 1}


def test_receipts_are_stored_portion_by_portion(office: Office) -> None:
    office.put(*drafts(3))
    office.drain(Post())
    refs = [row[0] for row in office.rows("SELECT provider_ref FROM message ORDER BY id")]
    provider = Asked()
    provider.told = [
        [Report(refs[0], "13800000000", "delivered")],
        [Report(refs[1], "13800000001", "undeliverable", "OFF")],
        ChannelDown("post", "busy"),
    ]
    findings = office.ask(provider)
    assert (findings.receipts, office.states()) == (2, {"delivered": 1, "undeliverable": 1, "accepted": 1})


def test_answers_of_people_are_handed_on_one_by_one(office: Office) -> None:
    provider, heard = Asked(), list[tuple[str, Reply]]()
    replies = [Reply(str(n), PHONE, "1", NOON) for n in range(3)]
    provider.replied = [replies[:2], replies[2:]]
    findings = reconcile(office.round(), [provider], lambda name, reply: heard.append((name, reply)))
    assert heard == [("post", reply) for reply in replies]
    assert findings.replies == 3


def test_e_mail_is_not_asked_about(office: Office) -> None:
    office.put(replace(DRAFT, channel="email", address="li@example.org"))
    office.drain(channels={"email": [Post("unknown")]})
    office.later(hours=1)
    provider = Asked()
    office.ask(provider)
    assert (provider.asked, office.states()) == ([], {"unknown": 1})


def _awaited(flown_at: datetime) -> Awaited:
    return Awaited(1, "sms", "t", "notice", "unknown", 1, "call", None, flown_at, b"", b"", PHONE)


@pytest.mark.parametrize(
    ("flown", "days"),
    [
        pytest.param("2026-07-11 12:00", [11], id="noon"),
        pytest.param("2026-07-11 23:49:59", [11], id="eleven minutes before midnight"),
        pytest.param("2026-07-11 23:50", [11, 12], id="ten minutes before midnight"),
        pytest.param("2026-07-11 23:59:59", [11, 12], id="a second before midnight"),
        pytest.param("2026-07-12 00:00", [12], id="midnight"),
    ],
)
def test_days_are_beijings(office: Office, flown: str, days: list[int]) -> None:
    office.at(flown)
    assert [day.day for day in days_of(office.round(), _awaited(here(flown)))] == days


def test_where_the_clock_is_replaced_todays_date_is_asked_about_too(office: Office) -> None:
    office.real = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
    days = days_of(office.round(), _awaited(NOON))
    assert days == [date(2026, 7, 11), date(2026, 11, 27)]


def test_a_patience_of_its_own(doubt: Office) -> None:
    provider = says(None)
    doubt.ask(provider, patience=Patience(unknown_after=timedelta(hours=1)))
    assert provider.asked == []


def test_what_is_printed_of_an_awaited_message_names_no_phone() -> None:
    assert PHONE not in repr(_awaited(NOON))
