"""Receipts in any order, early, double, late, of others, contradicting: the state never goes back."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from models.receipts import Report
from tests.notifications.office import DRAFT, Office, Post, drafts

PHONE = DRAFT.address


@pytest.fixture
def sent(office: Office) -> Office:
    """One message that the provider accepted as number ref-…"""
    office.put(DRAFT)
    office.drain(Post())
    return office


def ref(office: Office, key: str = "m:1") -> str:
    found = office.message(key).provider_ref
    assert found
    return found


def delivered(of: str, phone: str = PHONE, **more: Any) -> Report:
    return Report(of, phone, "delivered", **more)


def lost(of: str, phone: str = PHONE, **more: Any) -> Report:
    return Report(of, phone, "undeliverable", "UNREACHABLE", **more)


def in_doubt(office: Office, key: str = "m:1") -> str:
    """A message without an answer; return the id of its call."""
    office.put(replace(DRAFT, key=key))
    post = Post("unknown")
    office.drain(post)
    return post.calls[-1][0]


def unsettled(office: Office) -> int:
    return int(office.rows("SELECT count(*) FROM receipt WHERE settled_at IS NULL")[0][0])


def test_delivered_is_the_end_of_an_accepted_message(sent: Office) -> None:
    assert sent.told(delivered(ref(sent))) == {("sms", "duty-released", "delivered"): 1}
    message = sent.message()
    assert (message.state, message.error_class, message.finished_at) == ("delivered", None, sent.now)
    assert [outcome for _, outcome, _ in sent.tries()] == ["accepted", "delivered"]


def test_undeliverable_keeps_the_code(sent: Office) -> None:
    sent.told(lost(ref(sent)))
    assert (sent.message().error_class, sent.message().error_code) == ("permanent", "UNREACHABLE")


@pytest.mark.parametrize("times", [2, 3])
def test_told_again_it_is_no_news(sent: Office, times: int) -> None:
    for _ in range(times):
        sent.told(delivered(ref(sent)), delivered(ref(sent)))
    assert sent.states() == {"delivered": 1}
    assert sent.rows("SELECT count(*) FROM receipt") == [(1,)]
    assert len(sent.tries()) == 2


def test_delivered_never_goes_back(sent: Office) -> None:
    number = ref(sent)
    sent.told(delivered(number))
    assert not sent.told(lost(number))
    assert (sent.states(), sent.message().error_code) == ({"delivered": 1}, None)
    assert sent.rows("SELECT state FROM receipt") == [("delivered",)]


def test_undeliverable_may_still_turn_out_delivered(sent: Office) -> None:
    number = ref(sent)
    sent.told(lost(number))
    assert sent.told(delivered(number)) == {("sms", "duty-released", "delivered"): 1}
    assert (sent.message().state, sent.message().error_class) == ("delivered", None)


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_contradictions_in_one_portion_end_delivered_in_any_order(sent: Office, order: tuple[int, ...]) -> None:
    number = ref(sent)
    told = [lost(number), delivered(number), lost(number)]
    sent.told(*(told[place] for place in order))
    assert sent.states() == {"delivered": 1}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["lost first", "delivered first"])
def test_two_numbers_for_one_call_end_delivered_in_any_order(office: Office, order: tuple[int, ...]) -> None:
    """A provider that gave the message two numbers of its own, one for each part, say."""
    call = in_doubt(office)
    told = [lost("part-1", call_id=call), delivered("part-2", call_id=call)]
    office.told(*(told[place] for place in order))
    assert office.states() == {"delivered": 1}


def test_a_receipt_that_comes_before_the_acceptance_is_recorded_waits(office: Office) -> None:
    office.put(DRAFT)

    class Hasty(Post):
        def send(self, call_id: str, requests: Any) -> Any:
            outcomes = super().send(call_id, requests)
            assert not office.told(delivered(f"ref-{requests[0].out_id}", call_id=call_id))
            return outcomes

    office.drain(Hasty())
    assert (office.states(), unsettled(office)) == ({"accepted": 1}, 1)
    assert office.told() == {("sms", "duty-released", "delivered"): 1}
    assert unsettled(office) == 0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["lost first", "delivered first"])
def test_contradicting_receipts_that_both_came_early_end_delivered(office: Office, order: tuple[int, ...]) -> None:
    office.put(DRAFT)

    class Hasty(Post):
        def send(self, call_id: str, requests: Any) -> Any:
            told = [lost("part-1", call_id=call_id), delivered("part-2", call_id=call_id)]
            for place in order:
                office.told(told[place])
            return super().send(call_id, requests)

    office.drain(Hasty())
    office.told()
    assert office.states() == {"delivered": 1}


def test_a_receipt_settles_what_was_unknown_by_our_call_alone(office: Office) -> None:
    call = in_doubt(office)
    assert office.told(delivered("9001", call_id=call)) == {("sms", "duty-released", "delivered"): 1}
    assert office.message().provider_ref == "9001"


def test_what_a_killed_drain_left_is_settled_when_its_receipt_was_early(office: Office) -> None:
    """Killed after sending: the receipt comes while the row says sending, then the lease lapses, then it settles."""
    office.put(DRAFT)
    calls: list[str] = []

    class Killed(Post):
        def send(self, call_id: str, requests: Any) -> Any:
            super().send(call_id, requests)
            calls.append(call_id)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        office.drain(Killed())
    office.execute(
        "UPDATE message SET state = 'sending', finished_at = NULL, lease_owner = 'host:1:0#a', lease_until = flown_at"
    )
    office.told(delivered("9001", call_id=calls[0]))
    assert office.states() == {"sending": 1}
    office.later(minutes=6)
    office.drain(Post())
    office.told()
    assert office.states() == {"delivered": 1}


def test_a_receipt_of_another_phone_in_the_same_call_is_not_ours(office: Office) -> None:
    office.put(*drafts(3))
    post = Post(*["unknown"] * 3)
    office.drain(post)
    office.told(delivered("9001", "13800000001", call_id=post.calls[0][0]))
    assert office.keys("delivered") == {"m:1"}
    office.told(delivered("9002", "13900139000", call_id=post.calls[0][0]))
    assert office.states() == {"delivered": 1, "unknown": 2}


def test_a_receipt_of_another_provider_is_not_ours(sent: Office) -> None:
    sent.told(delivered(ref(sent)), provider="another")
    assert (sent.states(), unsettled(sent)) == ({"accepted": 1}, 1)


def test_a_receipt_nobody_knows_waits_and_harms_nobody(sent: Office) -> None:
    assert not sent.told(delivered("0"), lost("1", call_id="nobody's"))
    assert (sent.states(), unsettled(sent)) == ({"accepted": 1}, 2)


def test_one_number_for_a_whole_call_is_told_apart_by_the_phone(office: Office) -> None:
    """As with Alibaba's BizId."""
    office.put(*drafts(2))
    office.drain(Post())
    office.execute("UPDATE message SET provider_ref = 'biz-1'")
    office.told(delivered("biz-1", "13800000000"), lost("biz-1", "13800000001"))
    assert (office.keys("delivered"), office.keys("undeliverable")) == ({"m:0"}, {"m:1"})


@pytest.mark.parametrize("state", ["dead", "suppressed", "expired", "cancelled"])
def test_what_ended_otherwise_stays_as_it_is(sent: Office, state: str) -> None:
    sent.execute(f"UPDATE message SET state = '{state}'")
    assert not sent.told(delivered(ref(sent)))
    assert (sent.states(), unsettled(sent)) == ({state: 1}, 0)


def test_a_late_receipt_keeps_a_message_from_being_sent_again(office: Office) -> None:
    """Refused, it waited for another try; but the provider had it, and the handset too."""
    office.put(DRAFT)
    refusing = Post("defer")
    office.drain(refusing)
    office.told(delivered("9001", call_id=refusing.calls[0][0]))
    office.later(hours=1)
    post = Post()
    office.drain(post)
    assert (post.sent, office.states()) == ([], {"delivered": 1})


def test_a_number_on_the_blacklist_has_opted_out(sent: Office) -> None:
    sent.told(replace(lost(ref(sent)), blocked=True))
    sent.put(replace(DRAFT, key="m:2"))
    assert sent.drain(Post()).states == {"suppressed": 1}


def test_a_receipt_for_somebody_else_opts_nobody_out(sent: Office) -> None:
    sent.told(replace(lost("0"), blocked=True))
    assert sent.rows("SELECT count(*) FROM opt_out") == [(0,)]


def test_a_delivered_message_whose_undeliverable_went_before_has_one_successor(office: Office) -> None:
    office.put(replace(DRAFT, others=(("email", "li@example.org"),)))
    office.drain(Post())
    number = ref(office)
    office.told(lost(number))
    office.told(delivered(number))
    office.told(lost(number))
    assert office.rows("SELECT dedupe_key, state FROM message ORDER BY id") == [
        ("m:1", "delivered"),
        ("m:1~1", "pending"),
    ]


def test_undeliverable_and_delivered_at_once_needs_no_successor(office: Office) -> None:
    office.put(replace(DRAFT, others=(("email", "li@example.org"),)))
    post = Post("unknown")
    office.drain(post)
    call = post.calls[0][0]
    office.told(lost("1", call_id=call), delivered("2", call_id=call))
    assert office.states() == {"delivered": 1}


def test_hundreds_of_receipts_settle_at_once(office: Office) -> None:
    office.put(*drafts(600))
    office.drain(Post(batch=100))
    told = [
        delivered(number, office.database.keys.open("message.address", key, sealed))
        for key, number, sealed in office.rows("SELECT dedupe_key, provider_ref, address FROM message")
    ]
    assert office.told(*told) == {("sms", "duty-released", "delivered"): 600}
    assert unsettled(office) == 0


def test_what_is_printed_of_a_receipt_names_no_phone() -> None:
    assert PHONE not in repr(delivered("1"))


def test_what_was_delivered_after_all_is_no_blacklisted_number(office: Office) -> None:
    office.put(DRAFT)

    class Hasty(Post):
        def send(self, call_id: str, requests: Any) -> Any:
            office.told(replace(lost("n", call_id=call_id), blocked=True))
            office.told(delivered("n", call_id=call_id))
            return super().send(call_id, requests)

    office.drain(Hasty())
    office.told()
    assert office.states() == {"delivered": 1}
    assert office.rows("SELECT count(*) FROM opt_out") == [(0,)]
