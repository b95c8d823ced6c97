"""Messages by hand: what staff decide about messages, once, in time, audited; what is wrong changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows import message_desk as desk
from flows.exports import MisspeltRef, UnknownRef
from flows.replies import keep_reply
from flows.settings import Settings, settings
from models.audit import AuditEntry, verify
from models.cadre import Cadre
from models.consent import opted_out
from models.drafts import address_index
from models.redaction import redact_messages
from notifications.channels.enquiry import Reply
from notifications.outbox import enqueue
from rules.errors import LANGUAGE, TuoqiError
from tests.notifications.office import DRAFT, NOON, Office, Post

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
REF, PHONE, MAIL, CANARY = "C-7K3Q-9XM1", "13800138000", "li@example.org", "李建国"
ROUTED = replace(DRAFT, recipient=REF, others=(("email", MAIL), ("call", PHONE)))


def at(office: Office, **more: Any) -> Settings:
    return settings().model_copy(update={"at": office.now, **more})


def put(office: Office, *drafts: Any) -> None:
    with office.database.write() as session:
        enqueue(session, drafts, office.now)


def doubtful(office: Office, draft: Any = ROUTED) -> None:
    """A message that was sent, and nobody answered."""
    put(office, draft)
    office.drain(Post("unknown"))
    assert office.states() == {"unknown": 1}


def on_call(office: Office, **more: Any) -> None:
    put(office, replace(DRAFT, channel="call", others=(), recipient=REF, **more))


def audited(office: Office) -> list[tuple[str, dict[str, Any]]]:
    """Action and detail of every entry; the chain holds and names nobody."""
    with office.database.read() as session:
        found = session.execute(select(AuditEntry).order_by(col(AuditEntry.id))).scalars().all()
        assert verify(session, "530112") is None
    told = [(entry.action, entry.detail) for entry in found]
    assert [word for word in (PHONE, MAIL, CANARY) if word in repr(told)] == []
    return told


def refused(office: Office, kind: type[TuoqiError], act: Callable[[], object]) -> str:
    """It is refused in one line that says what to do, in both languages, and nothing changed."""
    before = [office.rows(f"SELECT * FROM {name} ORDER BY 1") for name in TABLES]
    with pytest.raises(kind) as error:
        act()
    assert [office.rows(f"SELECT * FROM {name} ORDER BY 1") for name in TABLES] == before
    chinese = str(error.value)
    token = LANGUAGE.set("en")
    try:
        english = str(error.value)
    finally:
        LANGUAGE.reset(token)
    assert chinese.endswith("。")
    assert english.endswith((".", ")."))
    assert "\n" not in chinese + english
    return chinese


TABLES = ("message", "attempt", "audit_entry", "opt_out", "channel_preference", "reply")


def test_a_doubt_settled_as_delivered_is_at_its_end(office: Office) -> None:
    doubtful(office)
    assert desk.settle_message(office.database, at(office), "m:1", "delivered") == {"key": "m:1", "state": "delivered"}
    message = office.message()
    assert (message.state, message.error_class, message.error_code, message.finished_at) == (
        "delivered",
        None,
        None,
        NOON,
    )
    assert office.tries()[-1] == (1, "delivered", None)
    assert audited(office) == [("message.settle", {"key": "m:1", "verdict": "delivered"})]
    office.drain(again := Post())
    assert again.sent == []


def test_a_doubt_settled_as_not_sent_goes_again_once(office: Office) -> None:
    doubtful(office)
    office.later(minutes=5)
    assert desk.settle_message(office.database, at(office), "m:1", "not-sent")["state"] == "pending"
    assert audited(office) == [("message.settle", {"key": "m:1", "verdict": "not-sent"})]
    office.drain(again := Post())
    assert again.phones == [PHONE]
    assert office.states() == {"accepted": 1}
    assert office.tries() == [(1, "unknown", "E1"), (1, "absent", None), (2, "accepted", None)]


@ON_SQLITE
def test_a_drain_that_was_only_slow_changes_nothing_of_what_was_settled(office: Office) -> None:
    doubtful(office)
    desk.settle_message(office.database, at(office), "m:1", "not-sent")
    message = office.message()
    assert (message.lease_owner, message.lease_until) == (None, None)
    assert message.call_id is not None  # by which a late receipt still knows it


@ON_SQLITE
def test_what_was_redacted_cannot_go_again(office: Office) -> None:
    doubtful(office)
    office.later(days=100)
    with office.database.write() as session:
        redact_messages(session, office.now - timedelta(days=90), office.now)
    told = refused(office, desk.TooLate, lambda: desk.settle_message(office.database, at(office), "m:1", "not-sent"))
    assert "已脱敏" in told
    assert desk.settle_message(office.database, at(office), "m:1", "delivered")["state"] == "delivered"


@ON_SQLITE
@pytest.mark.parametrize("verdict", ["", "sent", "not_sent", "Delivered", "送达"])
def test_a_wrong_verdict_is_refused(office: Office, verdict: str) -> None:
    doubtful(office)
    told = refused(office, desk.BadWord, lambda: desk.settle_message(office.database, at(office), "m:1", verdict))
    assert "delivered, not-sent" in told


@ON_SQLITE
@pytest.mark.parametrize("key", ["m:2", "", "m:1 "])
def test_an_unknown_key_is_refused(office: Office, key: str) -> None:
    doubtful(office)
    told = refused(
        office, desk.NoSuchMessage, lambda: desk.settle_message(office.database, at(office), key, "delivered")
    )
    assert "结果不明" in told


@ON_SQLITE
def test_only_what_is_in_doubt_can_be_settled_and_only_once(office: Office) -> None:
    put(office, ROUTED)
    refused(office, desk.NoSuchMessage, lambda: desk.settle_message(office.database, at(office), "m:1", "delivered"))
    office.drain(Post("unknown"))
    desk.settle_message(office.database, at(office), "m:1", "delivered")
    refused(office, desk.NoSuchMessage, lambda: desk.settle_message(office.database, at(office), "m:1", "not-sent"))


@ON_SQLITE
@pytest.mark.parametrize("act", [desk.settle_message, desk.called])
def test_another_district_s_messages_cannot_be_decided(office: Office, act: Any) -> None:
    on_call(office, district="530102")
    word = "delivered" if act is desk.settle_message else "reached"
    refused(office, desk.NoSuchMessage, lambda: act(office.database, at(office), "m:1", word))
    refused(office, desk.NoSuchMessage, lambda: desk.cancel_messages(office.database, at(office), ["m:1"]))


def test_who_was_reached_by_telephone_was_told(office: Office) -> None:
    on_call(office)
    office.later(minutes=30)
    assert desk.called(office.database, at(office), "m:1", "reached") == {"key": "m:1", "state": "delivered"}
    message = office.message()
    assert (message.attempts, message.finished_at) == (1, office.now)
    assert audited(office) == [("message.called", {"key": "m:1", "reached": "reached"})]


def test_who_was_not_reached_by_telephone_is_told_on_the_next_channel(office: Office) -> None:
    put(office, replace(DRAFT, channel="call", recipient=REF, others=(("email", MAIL),)))
    assert desk.called(office.database, at(office), "m:1", "not-reached")["state"] == "undeliverable"
    follower = office.message("m:1~1")
    assert (follower.channel, follower.state, follower.follows) == ("email", "pending", office.message().id)
    assert audited(office) == [("message.called", {"key": "m:1", "reached": "not-reached"})]


@ON_SQLITE
def test_who_has_no_other_channel_ends_there(office: Office) -> None:
    on_call(office)
    desk.called(office.database, at(office), "m:1", "not-reached")
    assert office.states() == {"undeliverable": 1}


@ON_SQLITE
@pytest.mark.parametrize(
    ("key", "word", "kind"),
    [
        pytest.param("m:1", "yes", desk.BadWord, id="a wrong word"),
        pytest.param("m:2", "reached", desk.NoSuchMessage, id="an unknown key"),
        pytest.param("m:3", "reached", desk.NoSuchMessage, id="an SMS is no call"),
    ],
)
def test_a_call_that_is_none_is_refused(office: Office, key: str, word: str, kind: type[TuoqiError]) -> None:
    on_call(office)
    put(office, replace(DRAFT, key="m:3"))
    refused(office, kind, lambda: desk.called(office.database, at(office), key, word))


@ON_SQLITE
def test_a_call_is_recorded_once(office: Office) -> None:
    on_call(office)
    desk.called(office.database, at(office), "m:1", "reached")
    refused(office, desk.NoSuchMessage, lambda: desk.called(office.database, at(office), "m:1", "not-reached"))


def test_cancelled_messages_are_not_sent(office: Office) -> None:
    put(office, ROUTED, replace(ROUTED, key="m:2", address="13800138001"))
    assert desk.cancel_messages(office.database, at(office), ["m:1"]) == {"cancelled": 1, "asked": 1}
    office.drain(post := Post())
    assert post.phones == ["13800138001"]
    assert office.message().error_code == "staff"
    assert audited(office) == [("message.cancel", {"keys": '["m:1"]', "cancelled": 1})]


@ON_SQLITE
@pytest.mark.parametrize("others", [["m:9"], ["m:2"]], ids=["unknown", "already sent"])
def test_all_are_cancelled_or_none(office: Office, others: list[str]) -> None:
    put(office, replace(ROUTED, key="m:2"))
    office.drain(Post())
    put(office, ROUTED)
    told = refused(
        office, desk.NoSuchMessage, lambda: desk.cancel_messages(office.database, at(office), ["m:1", *others])
    )
    assert others[0] in told
    assert office.message().state == "pending"


@pytest.fixture
def person(office: Office) -> str:
    """Somebody on the register."""
    office.execute(f"INSERT INTO cadre (district_id, number, ref) SELECT id, 'K1', '{REF}' FROM district")
    with office.database.read() as session:
        return str(session.execute(select(col(Cadre.ref))).scalar_one())


@pytest.mark.parametrize("given", ["C-7K3Q-9XM1", " c-7k3q-9xm1 ", "C7K3Q9XM1".replace("C", "C-", 1), "c-7K3Q9XMI"])
@ON_SQLITE
def test_a_preference_counts_for_the_next_message(office: Office, person: str, given: str) -> None:
    told = desk.prefer_channels(office.database, at(office), given, "call, email")
    assert told == {"ref": person, "channels": "call,email"}
    put(office, ROUTED)
    assert office.message().channel == "call"
    assert audited(office) == [("message.prefer", {"ref": person, "channels": "call,email"})]


@ON_SQLITE
@pytest.mark.parametrize(
    ("ref", "channels", "kind"),
    [
        pytest.param("C-7K3Q-9XM2", "sms", MisspeltRef, id="a misspelt reference"),
        pytest.param("13800138000", "sms", MisspeltRef, id="a number is no reference"),
        pytest.param("C-0000-0000", "sms", UnknownRef, id="nobody's reference"),
        pytest.param(REF, "", desk.BadWord, id="no channel"),
        pytest.param(REF, "sms,wechat", desk.BadWord, id="an unknown channel"),
        pytest.param(REF, "sms,,email", desk.BadWord, id="a comma too many"),
        pytest.param(REF, "sms,email,sms", desk.BadWord, id="a channel twice"),
        pytest.param(REF, "robot", desk.BadWord, id="no person is a robot"),
    ],
)
def test_a_wrong_preference_is_refused(
    office: Office, person: str, ref: str, channels: str, kind: type[TuoqiError]
) -> None:
    assert person
    refused(office, kind, lambda: desk.prefer_channels(office.database, at(office), ref, channels))


@pytest.mark.parametrize(("channel", "address"), [("sms", "+86 138-0013-8000"), ("email", " li@example.org ")])
def test_an_address_opts_out_and_in_again_and_the_audit_knows_its_index_only(
    office: Office, channel: Any, address: str
) -> None:
    index = address_index(office.database.keys, channel, PHONE if channel == "sms" else MAIL)
    for wants, changed in ((False, True), (False, False), (True, True), (True, False)):
        told = desk.consent(office.database, at(office), channel, address, wants=wants)
        assert told == {"channel": channel, "wants": wants, "changed": changed}
        with office.database.read() as session:
            assert opted_out(session, channel, {index}) == (set() if wants else {index})
    actions = [action for action, _ in audited(office)]
    assert actions == ["message.opt-out", "message.opt-out", "message.opt-in", "message.opt-in"]
    assert {detail["address_index"] for _, detail in audited(office)} == {index.hex()}


@ON_SQLITE
@pytest.mark.parametrize(
    ("channel", "address"),
    [
        pytest.param("call", PHONE, id="a channel nobody opts out of"),
        pytest.param("sms", MAIL, id="a mail address for SMS"),
        pytest.param("email", PHONE, id="a number for mail"),
        pytest.param("sms", "0871-63123456", id="a landline"),
        pytest.param("sms", "", id="nothing"),
    ],
)
def test_a_wrong_address_is_refused_and_not_quoted(office: Office, channel: str, address: str) -> None:
    told = refused(
        office, desk.BadWord, lambda: desk.consent(office.database, at(office), channel, address, wants=False)
    )
    assert not address or address not in told


def test_the_last_messages_to_a_person_newest_first(office: Office) -> None:
    put(office, ROUTED)
    office.later(hours=1)
    put(office, replace(ROUTED, key="m:2", address="13800138001"), replace(ROUTED, key="m:3", recipient="S-9"))
    told = desk.recent_of(office.database, at(office), " c-7k3q-9xm1 ")
    assert told["recipient"] == REF
    assert [(row["key"], row["created"]) for row in told["messages"]] == [
        ("m:2", "2026-07-11 13:00"),
        ("m:1", "2026-07-11 12:00"),
    ]
    assert [word for word in (PHONE, CANARY, MAIL) if word in str(told)] == []
    assert len(desk.recent_of(office.database, at(office), REF, limit=1)["messages"]) == 1


@ON_SQLITE
def test_of_a_misspelt_reference_nothing_can_be_listed(office: Office) -> None:
    put(office, replace(ROUTED, recipient="OPERATOR-1"))
    assert len(desk.recent_of(office.database, at(office), "operator-1")["messages"]) == 1
    assert desk.recent_of(office.database, at(office), REF)["messages"] == []
    refused(office, MisspeltRef, lambda: desk.recent_of(office.database, at(office), "C-7K3Q-9XM2"))


@ON_SQLITE
def test_messages_in_doubt_are_listed_with_when_they_left(office: Office) -> None:
    doubtful(office)
    told = desk.doubtful(office.database, at(office))
    assert told == {
        "unknown": 1,
        "messages": [
            {
                "key": "m:1",
                "message": "值班取消通知",
                "recipient": REF,
                "provider": "post",
                "sent": "2026-07-11 12:00",
                "asked": "",
            }
        ],
    }
    assert desk.doubtful(office.database, at(office, district="530102")) == {"unknown": 0, "messages": []}


def heard(office: Office, number: int, text: str) -> None:
    reply = Reply(f"r{number}", PHONE, text, office.now + timedelta(minutes=number))
    keep_reply(office.database, at(office), "aliyun", reply)


def test_replies_are_read_once_and_reading_is_audited(office: Office) -> None:
    put(office, ROUTED)
    office.drain(Post())
    heard(office, 1, "几点到？")
    heard(office, 2, "我病了")
    kept = desk.read_replies(office.database, at(office), keep=True)
    read = desk.read_replies(office.database, at(office), keep=False)
    assert kept == read
    assert read["replies"] == [
        {"at": "2026-07-11 12:01", "recipient": REF, "text": "几点到？"},
        {"at": "2026-07-11 12:02", "recipient": REF, "text": "我病了"},
    ]
    assert desk.read_replies(office.database, at(office), keep=False) == {"unread": 0, "replies": []}
    told = audited(office)
    assert told == [("message.replies", {"read": number}) for number in (2, 2, 0)]
    assert "病" not in str(told)


@ON_SQLITE
def test_a_reply_of_nobody_we_know_is_shown_without_a_reference(office: Office) -> None:
    heard(office, 1, "你是谁")
    (reply,) = desk.read_replies(office.database, at(office), keep=False)["replies"]
    assert reply["recipient"] == ""


@ON_SQLITE
def test_a_damaged_reply_hides_no_other(office: Office) -> None:
    heard(office, 1, "几点到？")
    heard(office, 2, "我病了")
    office.execute("UPDATE reply SET text = x'00' WHERE reply_id = 'r1'")
    replies = desk.read_replies(office.database, at(office), keep=False)["replies"]
    assert [reply["text"] for reply in replies] == ["（内容已损坏，请按编号联系本人）", "我病了"]
