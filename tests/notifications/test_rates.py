"""Token buckets, budgets and leases: how much leaves in a round, and what a round that fails leaves behind."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from notifications.channels.contract import Outcome, Request
from tests.notifications.office import DRAFT, Office, Post, drafts, mixed


def test_a_token_bucket_gives_its_burst_and_then_its_rate(office: Office) -> None:
    office.rated("post", per_s=2, burst=5)
    office.put(*drafts(20))
    post = Post()
    office.drain(post)
    assert len(post.sent) == 5
    office.later(seconds=2)
    office.drain(post)
    assert len(post.sent) == 9


def test_two_providers_have_a_bucket_each(office: Office) -> None:
    office.rated("first", per_s=1, burst=4)
    office.put(*drafts(10))
    first, second = Post(provider="first"), Post(provider="second")
    office.drain(first, second)
    assert [len(post.sent) for post in (first, second)] == [4, 0], "slow is not in trouble"


def test_with_a_pause_one_round_waits_for_the_bucket(office: Office) -> None:
    office.rated("post", per_s=2, burst=5)
    office.put(*drafts(9))
    waits: list[timedelta] = []

    def pause(wait: timedelta) -> None:
        waits.append(wait)
        office.real += wait

    post = Post()
    office.drain(post, pause=pause)
    assert len(post.sent) == 9
    assert waits[0] == timedelta(seconds=0.5)


def test_no_pause_goes_beyond_the_budget_of_the_round(office: Office) -> None:
    """A clock that was set back for an hour must not put a round to sleep for one."""
    office.rated("post", per_s=1, burst=100)
    office.put(*drafts(100))
    office.drain(Post())
    office.put(replace(DRAFT, key="late"))
    office.real -= timedelta(hours=1)
    paused: list[timedelta] = []
    office.drain(Post(), pause=paused.append, budget=timedelta(seconds=1))
    assert paused == []
    office.real += timedelta(seconds=1)
    assert office.drain(Post()).states == {"accepted": 1}, "and the bucket fills again from there"


def test_a_budget_that_is_over_leaves_the_rest_for_the_next_round(office: Office) -> None:
    office.put(*drafts(20))

    class Slow(Post):
        def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
            office.later(seconds=20)
            return super().send(call_id, requests)

    post = Slow(batch=4)
    office.drain(post)
    assert (len(post.sent), office.states()) == (12, {"accepted": 12, "pending": 8})
    assert office.rows("SELECT count(lease_owner) FROM message") == [(0,)]


def test_no_call_begins_after_the_lease_is_over(office: Office) -> None:
    """By then others may have asked the provider, found nothing, and sent it themselves."""
    office.put(*mixed(2))

    class Slow(Post):
        def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
            office.later(minutes=5)
            return super().send(call_id, requests)

    post = Slow()
    office.drain(post)
    assert len(post.calls) == 1
    assert office.states() == {"accepted": 1, "pending": 1}


def test_a_channel_that_cannot_even_close_keeps_no_messages_claimed(office: Office) -> None:
    office.put(*drafts(2))

    class Stuck(Post):
        def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
            office.later(minutes=1)
            return super().send(call_id, requests)

        def close(self) -> None:
            raise OSError("broken pipe")

    with pytest.raises(OSError, match="broken pipe"):
        office.drain(Stuck(batch=1))
    assert office.states() == {"accepted": 1, "pending": 1}


def test_a_channel_that_fails_as_it_never_should_is_loud_and_contained(office: Office) -> None:
    """What is known is recorded, the call is in doubt, and the next minutes do not put a chunk each in doubt."""
    office.put(*mixed(2), *drafts(30, "n", priority=9))
    post = Post("accepted", RuntimeError("bug"), batch=2)
    with pytest.raises(RuntimeError):
        office.drain(post)
    assert (office.message("m:0").state, office.message("m:1").state) == ("accepted", "unknown")
    assert (office.health().code, office.health().failures) == ("RuntimeError", 1)
    assert office.drain(post).stopped == {"sms:post": "RuntimeError"}
    assert office.states() == {"accepted": 1, "unknown": 1, "pending": 30}
