"""Circuits: a provider in trouble is left alone, longer each time, and then tried with one message."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from models.providers import trouble
from notifications.channels.contract import TOMORROW, Outcome
from tests.notifications.office import ASSIGNED, DRAFT, NOON, Office, Post, drafts, here, mixed

STOP = Outcome("", "stop", code="BALANCE")
NOT_APPROVED = Outcome("", "stop", code="TEMPLATE", scope="template")


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


def test_a_template_on_trial_whose_messages_are_held_keeps_no_other_waiting(office: Office) -> None:
    office.at("2026-07-11 22:00")
    with office.database.write() as session:
        trouble(session, "sms:post", DRAFT.template, code="TEMPLATE", now=office.real, resume_at=office.real)
    office.put(DRAFT, audience="public")
    office.put(replace(DRAFT, key="m:2", **ASSIGNED))
    assert office.drain(Post()).states == {"held": 1, "accepted": 1}


def test_no_call_of_a_chunk_begins_when_its_lease_is_over(office: Office) -> None:
    """Two calls; the first takes so long that others may have taken the second's messages over by now."""
    office.put(*mixed(2))

    class Slow(Post):
        def send(self, call_id: str, requests: Any) -> Any:
            office.later(minutes=5)
            return super().send(call_id, requests)

    post = Slow()
    office.drain(post)
    assert len(post.calls) == 1
    assert office.states() == {"accepted": 1, "pending": 1}


def test_operators_hear_why_the_rest_of_a_call_was_not_tried(office: Office) -> None:
    office.put(*drafts(2))
    tally = office.drain(Post("unknown", Outcome("", "stop", code="not tried"), batch=2))
    assert tally.stopped == {"sms:post": "E1"}


@pytest.mark.parametrize("trouble", [STOP, "unknown"], ids=["stopped", "no answer"])
def test_a_good_call_before_it_in_the_same_chunk_does_not_close_the_circuit_again(
    office: Office, trouble: str | Outcome
) -> None:
    office.put(*mixed(2))
    office.drain(Post("accepted", trouble))
    assert office.health().failures == 1


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
