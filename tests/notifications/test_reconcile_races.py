"""Reconciling while others move: kills, slow owners, late receipts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from models.receipts import Report
from notifications.channels.contract import Outcome
from notifications.channels.enquiry import Found
from tests.notifications.office import DRAFT, Asked, Office, Post, drafts, says

PHONE = DRAFT.address


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


def test_nothing_is_known_of_an_earlier_call_says_nothing_of_a_later_one(office: Office) -> None:
    """While we ask, another reconciler lets it go again, and that flight has no answer either."""
    office.put(DRAFT)
    office.drain(Post("unknown"))
    office.later(minutes=15)
    slow, again = says(None), Post("unknown")

    def meanwhile(_: str) -> None:
        office.ask(says(None))
        office.drain(again, chunk=1)

    slow.before = meanwhile
    office.ask(slow)
    assert len(again.calls) == 1
    assert (office.states(), office.message().call_id) == ({"unknown": 1}, again.calls[0][0])


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
