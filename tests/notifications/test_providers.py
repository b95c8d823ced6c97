"""Providers in order: failover, circuits, token buckets, budgets; only what was definitely not accepted ever moves."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from notifications.channels.contract import TOMORROW, Outcome, Request
from tests.notifications.office import ASSIGNED, DRAFT, NOON, Office, Post, drafts, here, mixed

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
    two[0].answers = ["accepted"] * 5 + [STOP] * 5
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


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        pytest.param([STOP] * 5, "BALANCE", id="all stopped"),
        pytest.param(["accepted", "accepted", STOP, "accepted", "accepted"], "BALANCE", id="one stopped among others"),
        pytest.param(["unknown"] * 5, "E1", id="a whole call without an answer"),
        pytest.param(["accepted"] * 5 + ["unknown"] * 5, "E1", id="no answer after a good call"),
    ],
)
def test_a_circuit_opens(office: Office, answers: Sequence[str | Outcome], code: str) -> None:
    office.put(*drafts(20))
    post = Post(*answers, batch=5)
    office.drain(post)
    state = office.health()
    assert (state.failures, state.code) == (1, code)
    assert (state.since, state.resume_at) == (NOON, NOON + timedelta(minutes=1))
    assert len(post.sent) == len(answers)
    office.later(seconds=59)
    assert office.drain(post).stopped == {"sms:post": code}
    assert len(post.sent) == len(answers)


def test_no_answer_to_the_first_of_several_calls_keeps_the_others_at_home(office: Office) -> None:
    """Two templates fly in one chunk, in a call each; after the first times out the other is not tried."""
    office.put(*mixed(3))
    post = Post(*["unknown"] * 3)
    office.drain(post)
    assert len(post.calls) == 1
    assert office.states() == {"unknown": 2, "pending": 1}
    assert office.message("m:1").attempts == 0
    assert (1, "stop", "not tried") in office.tries()


def test_some_unknown_among_answers_opens_nothing(office: Office) -> None:
    office.put(*drafts(5))
    office.drain(Post("accepted", "unknown", "rejected", "defer"))
    assert office.rows("SELECT failures FROM provider_state WHERE failures > 0") == []
    assert office.states() == {"accepted": 2, "unknown": 1, "dead": 1, "pending": 1}


def test_a_half_open_circuit_lets_one_message_through_and_then_the_rest(office: Office) -> None:
    office.put(*drafts(12))
    office.drain(Post(*[STOP] * 12))
    office.later(minutes=1)
    post = Post()
    office.drain(post)
    assert [len(requests) for _, requests in post.calls] == [1, 11]
    state = office.health()
    assert (state.failures, state.since, state.resume_at, state.code) == (0, None, None, None)


def test_a_half_open_circuit_that_fails_again_costs_one_message(office: Office) -> None:
    office.put(*drafts(12))
    office.drain(Post(*[STOP] * 12))
    office.later(minutes=1)
    post = Post("unknown")
    office.drain(post)
    assert (len(post.sent), office.states()) == (1, {"unknown": 1, "pending": 11})


@pytest.mark.parametrize("answer", ["rejected", "defer"])
def test_a_clear_answer_about_a_message_closes_the_circuit(office: Office, answer: str) -> None:
    office.put(*drafts(4))
    office.drain(Post(*[STOP] * 4))
    office.later(minutes=1)
    post = Post(answer)
    office.drain(post)
    assert [len(requests) for _, requests in post.calls] == [1, 3]


def test_trouble_is_left_alone_twice_as_long_each_time_up_to_an_hour(office: Office) -> None:
    office.put(DRAFT)
    waits = []
    for _ in range(9):
        office.drain(Post(STOP))
        state = office.health()
        assert state.resume_at
        waits.append((state.resume_at - office.real) // timedelta(minutes=1))
        office.real = state.resume_at
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert office.health().since == NOON
    assert (office.message().attempts, office.states()) == (0, {"pending": 1})


@pytest.mark.parametrize(
    ("wait", "resumes"),
    [
        pytest.param(900.0, NOON + timedelta(minutes=15), id="Retry-After"),
        pytest.param(5.0, NOON + timedelta(minutes=1), id="shorter than our own first wait"),
        pytest.param(TOMORROW, here("2026-07-12 00:00"), id="tomorrow, as the district counts days"),
        pytest.param(None, NOON + timedelta(minutes=1), id="it said nothing"),
    ],
)
def test_a_provider_is_left_alone_as_long_as_it_asks(office: Office, wait: float | None, resumes: object) -> None:
    office.put(DRAFT)
    office.drain(Post(replace(STOP, wait=wait)))
    assert office.health().resume_at == resumes


@pytest.mark.parametrize(
    ("wait", "goes"),
    [
        pytest.param(120.0, NOON + timedelta(minutes=2), id="seconds"),
        pytest.param(TOMORROW, here("2026-07-12 00:00"), id="daily limit of the number"),
        pytest.param(None, NOON + timedelta(minutes=1), id="our own wait"),
    ],
)
def test_a_message_is_left_alone_as_long_as_the_provider_asks(office: Office, wait: float | None, goes: object) -> None:
    office.put(DRAFT)
    office.drain(Post(Outcome("", "defer", code="BUSY", wait=wait)))
    assert office.message().not_before == goes


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


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("failures = -1, since = NULL", id="fewer than no failures"),
        pytest.param("failures = 1, since = NULL", id="failures since never"),
        pytest.param("failures = 0", id="no failures, but since"),
    ],
)
def test_the_database_refuses_a_circuit_that_cannot_be(office: Office, change: str) -> None:
    office.put(DRAFT)
    office.drain(Post(STOP))
    with pytest.raises(IntegrityError):
        office.execute(f"UPDATE provider_state SET {change}")
