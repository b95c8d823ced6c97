"""Reconciling: what a provider knows settles a message, what it does not know is sent again or waits for a person."""

from dataclasses import replace
from datetime import date

import pytest

from notifications.channels.contract import Outcome
from notifications.channels.enquiry import Found
from tests.notifications.office import DRAFT, Asked, Office, Post, drafts, says

PHONE = DRAFT.address


@pytest.fixture
def doubt(office: Office) -> Office:
    """One notice without an answer, just before it is settled."""
    office.put(DRAFT)
    office.drain(Post("unknown"))
    office.later(minutes=14)
    return office


@pytest.mark.parametrize(
    ("found", "state", "code"),
    [
        pytest.param(Found("accepted", "9001"), "accepted", None, id="on its way"),
        pytest.param(Found("delivered", "9001"), "delivered", None, id="delivered"),
        pytest.param(Found("undeliverable", "9001", "DEAD"), "undeliverable", "DEAD", id="undeliverable"),
    ],
)
@pytest.mark.parametrize("minutes", [0, 600], ids=["soon", "late"])
def test_what_is_found_settles_an_unknown_message(
    doubt: Office, found: Found, state: str, code: str | None, minutes: int
) -> None:
    doubt.later(minutes=minutes)
    findings = doubt.ask(says(found))
    message = doubt.message()
    assert (message.state, message.error_code, message.provider_ref) == (state, code, "9001")
    assert (message.lease_owner, message.finished_at) == (None, doubt.now)
    assert findings.moves == {("sms", "duty-released", state): 1}
    assert doubt.tries()[-1][1] == state


def test_it_is_asked_by_phone_days_call_and_number(office: Office) -> None:
    office.put(DRAFT)
    post = Post("unknown")
    office.drain(post)
    office.later(minutes=2)
    provider = says(None)
    office.ask(provider)
    assert provider.asked == [(PHONE, [date(2026, 7, 11)], post.calls[0][0], None)]


def test_not_found_before_it_is_settled_says_nothing_yet(doubt: Office) -> None:
    findings = doubt.ask(says(None))
    assert (doubt.states(), findings.asked, bool(findings.moves)) == ({"unknown": 1}, 1, False)
    assert doubt.message().error_code != "absent"


def test_a_notice_that_is_not_there_is_sent_again_once(doubt: Office) -> None:
    doubt.later(minutes=1)
    assert doubt.ask(says(None)).moves == {("sms", "duty-released", "pending"): 1}
    message = doubt.message()
    assert (message.state, message.not_before, message.finished_at, message.lease_owner) == (
        "pending",
        doubt.now,
        None,
        None,
    )
    post = Post()
    for _ in range(3):
        doubt.drain(post)
        doubt.later(hours=1)
    assert (len(post.sent), doubt.states()) == (1, {"accepted": 1})
    assert doubt.tries() == [(1, "unknown", "E1"), (1, "absent", "absent"), (2, "accepted", None)]


def test_what_is_sent_again_flies_in_a_call_of_its_own_under_the_same_out_id(office: Office) -> None:
    office.put(DRAFT)
    first, second = Post("unknown"), Post()
    office.drain(first)
    office.later(minutes=15)
    office.ask(says(None))
    office.drain(second)
    assert first.calls[0][0] != second.calls[0][0]
    assert first.sent[0].out_id == second.sent[0].out_id


@pytest.mark.parametrize("kind", ["payment", "promotional"])
def test_a_payment_that_is_not_there_waits_for_a_person_and_is_asked_about_no_more(office: Office, kind: str) -> None:
    office.put(DRAFT, kind=kind)
    office.drain(Post("unknown"))
    office.later(minutes=15)
    provider = says(None)
    office.ask(provider)
    assert (office.states(), office.message().error_code) == ({"unknown": 1}, "absent")
    for _ in range(5):
        office.later(hours=3)
        office.ask(provider)
    assert len(provider.asked) == 1
    assert not office.drain(Post())


def test_absent_as_often_as_that_it_is_dead_and_the_next_channel_takes_over(office: Office) -> None:
    office.put(replace(DRAFT, others=(("email", "li@example.org"),)))
    for _ in range(8):
        office.drain(Post("unknown"))
        office.later(hours=2)
        office.ask(says(None))
    assert office.rows("SELECT dedupe_key, channel, state FROM message ORDER BY id") == [
        ("m:1", "sms", "dead"),
        ("m:1~1", "email", "pending"),
    ]


def test_undeliverable_when_asked_the_next_channel_takes_over(office: Office) -> None:
    office.put(replace(DRAFT, others=(("email", "li@example.org"),)))
    office.drain(Post())
    office.later(minutes=10)
    office.ask(says(Found("undeliverable", "9001", "DEAD", blocked=True)))
    assert office.states() == {"undeliverable": 1, "pending": 1}
    assert office.rows("SELECT channel, source FROM opt_out") == [("sms", "provider")]


def test_an_accepted_message_the_provider_no_longer_knows_stays_accepted(office: Office) -> None:
    office.put(DRAFT)
    office.drain(Post())
    office.later(days=1)
    office.ask(says(None))
    assert (office.states(), office.message().error_code) == ({"accepted": 1}, None)


def test_the_provider_may_tell_the_number_of_an_accepted_message_later(office: Office) -> None:
    office.put(DRAFT)
    office.drain(Post(Outcome("", "accepted")))
    office.later(minutes=10)
    office.ask(says(Found("accepted", "9001")))
    assert (office.states(), office.message().provider_ref) == ({"accepted": 1}, "9001")


def test_a_damaged_address_does_not_keep_the_others_from_being_asked_about(office: Office) -> None:
    office.put(*drafts(3))
    office.drain(Post(*["unknown"] * 3))
    office.execute("UPDATE message SET address = variables WHERE dedupe_key = 'm:0'")
    office.later(minutes=15)
    provider = Asked()
    provider.answers = {f"138{n:08}": Found("delivered", str(n)) for n in range(3)}
    office.ask(provider)
    assert office.states() == {"delivered": 2, "unknown": 1}
