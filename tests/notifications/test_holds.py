"""Holding back: quiet hours, the window of greetings, and caps for a number, a run and a day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.notifications.office import ASSIGNED, DRAFT, Office, Post, drafts, here


@pytest.mark.parametrize(
    ("now", "leaves"),
    [
        pytest.param("2026-07-11 21:00", "2026-07-12 08:00", id="the first quiet moment"),
        pytest.param("2026-07-11 23:59", "2026-07-12 08:00", id="before midnight"),
        pytest.param("2026-07-12 00:00", "2026-07-12 08:00", id="midnight"),
        pytest.param("2026-07-31 22:30", "2026-08-01 08:00", id="over the end of a month"),
    ],
)
def test_quiet_hours_hold_what_goes_to_the_public_and_let_it_go_at_eight(office: Office, now: str, leaves: str) -> None:
    office.at(now)
    office.put(DRAFT, audience="public")
    post = Post()
    assert office.drain(post).states == {"held": 1}
    held = office.message()
    assert (held.state, held.not_before, held.attempts, held.lease_owner) == ("pending", here(leaves), 0, None)
    office.now = office.real = here(leaves) - timedelta(seconds=1)
    assert not office.drain(post)
    office.at(leaves)
    assert office.drain(post).states == {"accepted": 1}


def test_a_moment_before_quiet_hours_it_still_leaves(office: Office) -> None:
    office.at("2026-07-11 20:59:59")
    office.put(DRAFT, audience="public")
    assert office.drain(Post()).states == {"accepted": 1}


@pytest.mark.parametrize(
    ("kind", "audience"),
    [
        pytest.param("urgent", "public", id="urgent checks"),
        pytest.param("notice", "staff", id="staff"),
    ],
)
def test_urgent_checks_and_staff_messages_leave_at_night(office: Office, kind: str, audience: str) -> None:
    office.at("2026-07-12 03:00")
    office.put(DRAFT, kind=kind, audience=audience)
    assert office.drain(Post()).states == {"accepted": 1}


def test_a_robot_disturbs_nobody_at_night(office: Office) -> None:
    office.at("2026-07-12 03:00")
    office.put(replace(DRAFT, channel="robot", address="duty-office"), audience="public")
    assert office.drain(channels={"robot": [Post()]}).states == {"accepted": 1}


@pytest.mark.parametrize(
    ("now", "audience", "state"),
    [
        pytest.param("2026-07-11 21:30", "staff", "accepted", id="staff before ten"),
        pytest.param("2026-07-11 22:00", "staff", "held", id="staff after ten"),
        pytest.param("2026-07-11 21:00", "public", "held", id="the public from nine"),
    ],
)
def test_greetings_keep_to_their_window(office: Office, now: str, audience: str, state: str) -> None:
    office.at(now)
    office.put(DRAFT, kind="promotional", audience=audience)
    assert office.drain(Post()).states == {state: 1}


def test_what_expires_while_it_is_held_never_leaves(office: Office) -> None:
    office.at("2026-07-11 22:00")
    office.put(replace(DRAFT, expires_at=here("2026-07-12 07:00")), audience="public")
    office.drain(Post())
    office.at("2026-07-12 08:00")
    post = Post()
    assert office.drain(post).states == {"expired": 1}
    assert not post.sent


def test_a_number_gets_so_many_a_day_and_the_rest_when_the_next_day_begins(office: Office) -> None:
    office.capped(number_day=3)
    office.put(*drafts(5, address="13800138000"), replace(DRAFT, key="other", address="13900139000"))
    post = Post()
    assert office.drain(post).states == {"accepted": 4, "held": 2}
    assert {row[0] for row in office.rows("SELECT count(*) FROM message WHERE state = 'pending'")} == {2}
    with office.database.read() as session:
        waiting = session.connection().execute(text("SELECT dedupe_key FROM message WHERE state = 'pending'")).scalars()
        assert {office.message(key).not_before for key in waiting.all()} == {here("2026-07-12 00:00")}
    office.at("2026-07-11 23:59:59")
    assert not office.drain(post)
    office.at("2026-07-12 00:00")
    assert office.drain(post).states == {"accepted": 2}


def test_a_thousand_messages_to_one_number_under_a_cap_of_ten_are_ten_a_day(office: Office) -> None:
    office.capped(number_day=10)
    office.put(*drafts(1000, address="13800138000"))
    post = Post()
    assert office.drain(post, chunk=100).states == {"accepted": 10, "held": 990}
    assert not office.drain(post)
    office.at("2026-07-12 00:00")
    assert office.drain(post).states == {"accepted": 10, "held": 980}


def test_the_public_over_a_cap_waits_for_the_next_day_and_then_for_the_morning(office: Office) -> None:
    office.capped(number_day=1)
    office.put(*drafts(2, address="13800138000"), audience="public")
    office.drain(Post())
    office.at("2026-07-12 00:00")
    assert office.drain(Post()).states == {"held": 1}
    office.at("2026-07-12 08:00")
    assert office.drain(Post()).states == {"accepted": 1}


def test_a_number_is_counted_over_rounds_and_per_channel(office: Office) -> None:
    office.capped(number_day=1)
    office.put(DRAFT, replace(DRAFT, key="mail", channel="email", address="li@example.org"))
    channels = {"sms": [Post()], "email": [Post(provider="mail")]}
    assert office.drain(channels=channels).states == {"accepted": 2}
    office.put(replace(DRAFT, key="m:2"))
    office.later(hours=2)
    assert office.drain(channels=channels).states == {"held": 1}


def test_a_message_that_was_refused_for_now_does_not_count_against_itself(office: Office) -> None:
    office.capped(number_day=1)
    office.put(DRAFT)
    office.drain(Post("defer"))
    office.later(minutes=1)
    assert office.drain(Post()).states == {"accepted": 1}


@pytest.mark.parametrize("answer", ["accepted", "unknown"])
def test_what_may_have_left_counts_for_the_number(office: Office, answer: str) -> None:
    office.capped(number_day=1)
    office.put(DRAFT)
    office.drain(Post(answer))
    office.put(replace(DRAFT, key="m:2"))
    office.later(minutes=2)
    assert office.drain(Post()).states == {"held": 1}


def test_a_run_sends_so_many_and_leaves_the_rest_for_the_next_day(office: Office) -> None:
    office.capped(run=7)
    office.put(*drafts(12))
    assert office.drain(Post(), chunk=5).states == {"accepted": 7, "held": 5}
    office.later(hours=1)
    assert not office.drain(Post(), chunk=5)


def test_the_cap_of_a_run_holds_over_all_providers_of_the_channel(office: Office) -> None:
    office.capped(run=7)
    office.put(*drafts(12))
    first, second = Post(*["accepted"] * 5, "stop", "stop", provider="first", batch=5), Post(provider="second", batch=5)
    office.drain(first, second)
    assert office.states() == {"accepted": 5, "pending": 7}
    assert (len(first.sent), len(second.sent)) == (7, 0)


def test_a_day_has_its_cap_whatever_the_runs(office: Office) -> None:
    office.capped(day=10)
    office.put(*drafts(25))
    for _ in range(3):
        office.drain(Post(), chunk=4)
        office.later(hours=1)
    assert office.states() == {"accepted": 10, "pending": 15}
    office.at("2026-07-12 00:00")
    assert office.drain(Post(), chunk=4).states == {"accepted": 10, "held": 5}


def test_urgent_checks_are_exempt_from_caps_but_count(office: Office) -> None:
    office.capped(number_day=1, run=2, day=3)
    office.put(*drafts(5, address="13800138000"), kind="urgent")
    assert office.drain(Post()).states == {"accepted": 5}
    office.put(replace(DRAFT, key="notice", address="13900139000"))
    assert office.drain(Post()).states == {"held": 1}


def test_urgent_checks_of_the_same_chunk_count_too(office: Office) -> None:
    office.capped(number_day=2, run=100, day=100)
    office.put(replace(DRAFT, key="notice", priority=0))
    office.put(*drafts(2, address=DRAFT.address), kind="urgent")
    assert office.drain(Post()).states == {"accepted": 2, "held": 1}


def test_a_cap_of_one_channel_leaves_the_other_alone(office: Office) -> None:
    office.capped(day=1)
    mails = [replace(one, key=f"mail:{one.key}", channel="email", address="li@example.org") for one in drafts(1)]
    office.put(*drafts(2), *mails)
    channels = {"sms": [Post()], "email": [Post(provider="mail")]}
    assert office.drain(channels=channels).moves == {
        ("sms", "duty-released", "accepted"): 1,
        ("sms", "duty-released", "held"): 1,
        ("email", "duty-released", "accepted"): 1,
    }


def test_the_day_of_a_cap_is_the_districts_not_utc(office: Office) -> None:
    office.capped(day=1)
    office.at("2026-07-11 07:59")  # still the 10th in UTC
    office.put(*drafts(2))
    office.drain(Post())
    office.at("2026-07-11 08:01")
    assert not office.drain(Post())
    assert office.rows("SELECT channel, messages FROM sending_day") == [("sms", 1)]


def test_urgent_messages_of_the_same_chunk_take_room_under_a_cap(office: Office) -> None:
    office.capped(run=3)
    office.put(*drafts(2, prefix="u", template="duty-assigned", variables=ASSIGNED["variables"]), kind="urgent")
    office.put(*drafts(3))
    assert office.drain(Post()).states == {"accepted": 3, "held": 2}
    assert {"u:0", "u:1"} < office.keys("accepted")


def test_most_urgent_messages_come_first_under_a_cap(office: Office) -> None:
    office.capped(run=2)
    office.put(*drafts(3), *(replace(one, key=f"p:{one.key}", priority=1) for one in drafts(2)))
    office.drain(Post())
    assert office.keys("accepted") == {"p:m:0", "p:m:1"}


def test_a_zone_of_its_own_moves_nothing_but_the_clock(office: Office) -> None:
    """The same instant, told in UTC: 13:30 there is 21:30 here."""
    office.now = office.real = datetime(2026, 7, 11, 13, 30, tzinfo=UTC)
    office.put(DRAFT, audience="public")
    assert office.drain(Post()).states == {"held": 1}
