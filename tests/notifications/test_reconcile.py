"""Reconciling: what a provider knows settles a message, what it does not know is sent again or waits for a person."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from models.awaited import Awaited, Patience
from models.receipts import Report
from notifications.channels.contract import ChannelDown, Outcome
from notifications.channels.enquiry import Found, Reply
from notifications.reconcile import days_of, reconcile
from tests.notifications.office import DRAFT, NOON, Asked, Office, Post, drafts, here

PHONE = DRAFT.address


@pytest.fixture
def doubt(office: Office) -> Office:
    """One notice without an answer, just before it is settled."""
    office.put(DRAFT)
    office.drain(Post("unknown"))
    office.later(minutes=14)
    return office


def says(found: Found | BaseException | None) -> Asked:
    asked = Asked()
    asked.answers[PHONE] = found
    return asked


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


def test_a_late_receipt_still_settles_what_waited_for_a_person(office: Office) -> None:
    office.put(DRAFT, kind="payment")
    post = Post("unknown")
    office.drain(post)
    office.later(minutes=15)
    office.ask(says(None))
    office.told(Report("9001", PHONE, "delivered", call_id=post.calls[0][0]))
    assert office.states() == {"delivered": 1}


def test_a_late_receipt_of_what_is_to_be_sent_again_keeps_it_at_home(office: Office) -> None:
    office.put(DRAFT)
    first, second = Post("unknown"), Post()
    office.drain(first)
    office.later(minutes=15)
    office.ask(says(None))
    office.told(Report("9001", PHONE, "delivered", call_id=first.calls[0][0]))
    office.drain(second)
    assert (second.sent, office.states()) == ([], {"delivered": 1})


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
    office.later(days=3)
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


def test_a_kill_between_asking_and_storing_is_harmless(office: Office) -> None:
    office.put(*drafts(5))
    office.drain(Post(*["unknown"] * 5))
    office.later(minutes=15)
    provider = Asked()
    provider.answers = {f"138{n:08}": Found("delivered", str(n)) for n in range(5)}
    provider.answers["13800000004"] = KeyboardInterrupt()
    broken = office.database.write
    office.database.write = _no_more  # type: ignore[method-assign, assignment]
    with pytest.raises(_Killed):
        office.ask(provider)
    office.database.write = broken  # type: ignore[method-assign]
    assert office.states() == {"unknown": 5}
    provider.answers["13800000004"] = Found("delivered", "4")
    office.ask(provider)
    assert office.states() == {"delivered": 5}


class _Killed(BaseException):
    """Nothing can be stored any more."""


def _no_more() -> None:
    raise _Killed


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


def test_a_message_that_moved_while_we_asked_is_left_as_it_is(office: Office) -> None:
    """A receipt, or the slow owner itself, was quicker."""
    office.put(DRAFT)
    post = Post("unknown")
    office.drain(post)
    office.later(minutes=15)
    provider = says(None)
    receipt = Report("9001", PHONE, "delivered", call_id=post.calls[0][0])
    provider.before = lambda _: _take(office, receipt)
    assert not office.ask(provider).moves
    assert office.states() == {"delivered": 1}


def _take(office: Office, report: Report) -> None:
    office.told(report)


def test_a_slow_owner_that_speaks_after_reconciliation_is_too_late_and_nothing_doubles(office: Office) -> None:
    """Its lease lapsed, the row was unknown, absent, sent again; only then it says that it was refused."""
    office.put(DRAFT)
    second = Post()

    class Slow(Post):
        def send(self, call_id: str, requests: object) -> list[Outcome]:
            outcomes = super().send(call_id, requests)  # type: ignore[arg-type]
            office.later(minutes=15)
            other = replace(office, owner="host:2:0")
            other.drain(Post(down="closed"))
            other.ask(says(None))
            other.later(minutes=1)  # the circuit of the closed provider
            other.drain(second)
            return outcomes

    tally = office.drain(Slow("defer"))
    assert (tally.lost, len(second.sent)) == (1, 1)
    office.later(hours=1)
    office.drain(second)
    assert (len(second.sent), office.states()) == (1, {"accepted": 1})


def test_nothing_is_called_absent_while_a_slow_drain_may_still_be_sending(office: Office) -> None:
    """A settling time shorter than a lease does not shorten this."""
    office.policy = replace(office.policy, settle=timedelta(minutes=1))
    office.put(DRAFT)
    office.drain(Post("unknown"))
    office.later(minutes=9)
    office.ask(says(None))
    assert office.states() == {"unknown": 1}
    office.later(minutes=5)
    office.ask(says(None))
    assert office.states() == {"pending": 1}


def test_a_damaged_address_does_not_keep_the_others_from_being_asked_about(office: Office) -> None:
    office.put(*drafts(3))
    office.drain(Post(*["unknown"] * 3))
    office.execute("UPDATE message SET address = variables WHERE dedupe_key = 'm:0'")
    office.later(minutes=15)
    provider = Asked()
    provider.answers = {f"138{n:08}": Found("delivered", str(n)) for n in range(3)}
    office.ask(provider)
    assert office.states() == {"delivered": 2, "unknown": 1}


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
