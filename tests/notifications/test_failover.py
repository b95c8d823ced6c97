"""Providers in order: what the first cannot carry the next takes; only what was definitely not accepted ever moves."""

from dataclasses import replace

import pytest

from notifications.channels.contract import Outcome
from tests.notifications.office import ASSIGNED, DRAFT, Office, Post, drafts

STOP = Outcome("", "stop", code="BALANCE")
NOT_APPROVED = Outcome("", "stop", code="TEMPLATE", scope="template")


@pytest.fixture
def two(office: Office) -> tuple[Post, Post]:
    """Ten messages, and two providers that take five in a call."""
    office.put(*drafts(10))
    return Post(provider="first", batch=5), Post(provider="second", batch=5)


def test_the_first_provider_takes_everything_while_it_is_well(office: Office, two: tuple[Post, Post]) -> None:
    office.drain(*two)
    assert [len(post.sent) for post in two] == [10, 0]
    assert office.rows("SELECT DISTINCT provider FROM message") == [("first",)]


def test_what_the_first_cannot_open_the_second_takes(office: Office, two: tuple[Post, Post]) -> None:
    two[0].down = "connect"
    tally = office.drain(*two)
    assert (len(two[1].sent), tally.stopped) == (10, {"sms:first": "connect"})


def test_what_the_first_stops_at_the_second_goes_on_with(office: Office, two: tuple[Post, Post]) -> None:
    two[0].answers = [*["accepted"] * 5, *[STOP] * 5]
    office.drain(*two)
    assert office.states() == {"accepted": 10}
    assert set(two[0].phones[:5]).isdisjoint(two[1].phones)
    assert sorted(two[0].phones[5:]) == sorted(two[1].phones)


def test_while_its_circuit_is_open_the_first_is_not_even_opened(office: Office, two: tuple[Post, Post]) -> None:
    two[0].answers = [STOP] * 5
    office.drain(*two)
    office.put(replace(DRAFT, key="x:1"))
    two[0].down = "must not be opened"
    assert office.drain(*two).stopped == {"sms:first": "BALANCE"}
    assert office.states() == {"accepted": 11}


def test_what_may_have_been_accepted_never_moves_to_the_second(office: Office, two: tuple[Post, Post]) -> None:
    two[0].answers = ["unknown"] * 5
    office.drain(*two)
    assert office.states() == {"unknown": 5, "accepted": 5}
    assert set(two[0].phones).isdisjoint(two[1].phones)
    office.later(days=1)
    assert not office.drain(*two)


def test_a_refusal_for_good_is_the_messages_and_does_not_move(office: Office, two: tuple[Post, Post]) -> None:
    two[0].answers = ["rejected"] * 5
    office.drain(*two)
    assert (len(two[1].sent), office.states()) == (0, {"dead": 5, "accepted": 5})


def test_a_template_the_first_has_not_the_second_carries(office: Office, two: tuple[Post, Post]) -> None:
    two[0].lacks = ["duty-released"]
    assert not office.drain(*two).uncarried
    assert [len(post.sent) for post in two] == [0, 10]


def test_a_template_nobody_carries_is_reported_and_waits(office: Office, two: tuple[Post, Post]) -> None:
    for post in two:
        post.lacks = ["duty-released"]
    tally = office.drain(*two)
    assert tally.uncarried == {("sms", "duty-released")}
    assert tally
    assert office.states() == {"pending": 10}


def test_a_channel_without_providers_reports_its_templates(office: Office) -> None:
    office.put(DRAFT)
    assert office.drain().uncarried == {("sms", "duty-released")}


def test_a_template_that_only_the_resting_provider_carries_is_not_uncarried(
    office: Office, two: tuple[Post, Post]
) -> None:
    two[0].down, two[1].lacks = "connect", ["duty-released"]
    tally = office.drain(*two)
    assert (tally.uncarried, tally.stopped) == (set(), {"sms:first": "connect"})


def test_a_template_not_approved_moves_alone_and_the_rest_stays(office: Office, two: tuple[Post, Post]) -> None:
    office.put(*drafts(1, "a", **ASSIGNED))
    two[0].answers = [NOT_APPROVED] * 5
    tally = office.drain(*two)
    assert tally.stopped == {"sms:first:duty-released": "TEMPLATE"}
    assert office.states() == {"accepted": 11}
    by = office.rows("SELECT provider, template, count(*) FROM message GROUP BY provider, template ORDER BY 1, 2")
    assert by == [("first", "duty-assigned", 1), ("second", "duty-released", 10)]


def test_the_next_round_leaves_a_template_not_approved_alone(office: Office) -> None:
    office.put(*drafts(5))
    post = Post(*[NOT_APPROVED] * 5)
    office.drain(post)
    tally = office.drain(post)
    assert tally.stopped == {"sms:post:duty-released": "TEMPLATE"}
    assert (len(post.calls), office.states()) == (1, {"pending": 5})


def test_a_template_that_was_not_approved_is_tried_with_one_message_of_its_own(office: Office) -> None:
    """Others are not slowed down by it, nor let through as its proof."""
    office.put(*drafts(6))
    office.drain(Post(*[NOT_APPROVED] * 6))
    office.put(*drafts(6, "a", **ASSIGNED, priority=0))
    office.later(minutes=1)
    post = Post(NOT_APPROVED)
    office.drain(post)
    assert [(requests[0].template, len(requests)) for _, requests in post.calls] == [
        ("duty-released", 1),
        ("duty-assigned", 6),
    ]
    office.later(minutes=2)
    approved = Post()
    office.drain(approved)
    assert [len(requests) for _, requests in approved.calls] == [1, 5]


def test_a_suspect_template_without_messages_does_not_slow_the_others(office: Office) -> None:
    office.put(*drafts(1))
    office.drain(Post(NOT_APPROVED))
    office.execute("UPDATE message SET state = 'cancelled', finished_at = created_at")
    office.put(*drafts(6, "a", **ASSIGNED))
    office.later(minutes=1)
    post = Post()
    office.drain(post)
    assert [len(requests) for _, requests in post.calls] == [6]
