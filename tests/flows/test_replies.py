"""SMS replies: 1 acknowledges the duty it answers, T ends messages, all else is kept for staff; each once."""

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from flows.replies import meaning_of, take_reply
from models.answers import ReplyTaken
from models.audit import AuditEntry, verify
from models.consent import OptOut
from models.db import keys_of
from models.drafts import address_index
from models.duty import SlotTransition
from models.messages import Message
from notifications import lint
from notifications.channels.enquiry import Reply
from tests.flows.answer_page.conftest import MINE, PHONE, THEIRS, Town, town

assert town  # the fixture
NOTICE = "2026-03-09T17:05"
REPLIED = datetime(2026, 3, 9, 9, 30, tzinfo=UTC)
NOW = "2026-03-09T17:31"


def noticed(town: Town) -> None:
    """The notices of the evening went out by SMS."""
    town.office.watch(NOTICE)
    with town.database.write() as session:
        keys = keys_of(session)
        for message in session.execute(select(Message)).scalars():
            phone = f"{PHONE}1"
            message.channel, message.state = "sms", "accepted"
            message.address_index = address_index(keys, "sms", phone)
            message.request_hash, message.finished_at = b"x", message.created_at


def reply(text: str = "1", identity: str = "r1", phone: str = f"{PHONE}1", at: datetime = REPLIED) -> Reply:
    return Reply(identity, phone, text, at)


def take(town: Town, given: Reply, at: str = NOW) -> str:
    return take_reply(town.database, town.office.at(at), "aliyun", given)


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "１",
        " 1 ",
        "1。",
        "【1】",
        "确认",
        "确认!",
        "收到",
        "收到👍",
        "好",
        "好的~",
        "知道了。",
        "OK",
        "ok",
        "Ｏｋ",
        "O K",
    ],
)
def test_a_yes_in_any_spelling_is_a_yes(text: str) -> None:
    assert meaning_of(text) == "ack"


@pytest.mark.parametrize("text", ["R", "r", "Ｒ", "拒收", "T", "t", "TD", "ＴＤ", "td.", "退订", "退订！", "N", "n"])
def test_an_opt_out_in_any_spelling_is_an_opt_out(text: str) -> None:
    assert meaning_of(text) == "optout"


@pytest.mark.parametrize(
    "text", ["", "2", "换班", "11", "不好", "好不好", "收到了吗", "NO", "1号来不了", "确认不了", "👍"]
)
def test_anything_else_is_for_staff(text: str) -> None:
    assert meaning_of(text) == "other"


def test_a_yes_acknowledges_the_duty_of_the_latest_notice(town: Town) -> None:
    noticed(town)
    assert take(town, reply()) == "acknowledged"
    assert town.slot().state == "acknowledged"
    with town.database.read() as session:
        last = session.execute(select(SlotTransition).order_by(col(SlotTransition.id).desc())).scalars().first()
        entry = session.execute(select(AuditEntry).order_by(col(AuditEntry.id).desc())).scalars().first()
        assert verify(session, "530112") is None
    assert last is not None
    assert entry is not None
    assert (last.actor, last.at) == ("K1", REPLIED)
    assert (entry.actor, entry.action, entry.detail["source"]) == ("K1", "register.ack", "reply")


def test_a_reply_is_stored_sealed_with_what_it_did(town: Town) -> None:
    noticed(town)
    take(town, reply("收到，谢谢"))
    with town.database.read() as session:
        (kept,) = session.execute(select(ReplyTaken)).scalars()
        keys = keys_of(session)
        assert keys.open("reply.text", "aliyun:r1", kept.text) == "收到，谢谢"
        assert kept.address_index == address_index(keys, "sms", f"{PHONE}1")
    assert (kept.meaning, kept.outcome, kept.recipient, kept.read_at) == ("other", "kept", town.slot().ref, None)
    assert "谢谢".encode() not in (kept.text or b"")


def test_the_same_reply_told_twice_does_nothing_twice(town: Town) -> None:
    noticed(town)
    assert [take(town, reply()) for _ in range(3)] == ["acknowledged", "known", "known"]
    with town.database.read() as session:
        entries = session.execute(select(AuditEntry).where(col(AuditEntry.action) == "register.ack")).scalars().all()
    assert len(entries) == 1


def test_the_same_number_of_two_providers_is_two_replies(town: Town) -> None:
    noticed(town)
    take(town, reply())
    assert take_reply(town.database, town.office.at(NOW), "tencent", reply()) == "already"


def test_the_same_reply_told_twice_at_once_acts_once(town: Town) -> None:
    noticed(town)
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def tell() -> None:
        ready.wait(10)
        outcomes.append(take(town, reply()))

    threads = [threading.Thread(target=tell) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(outcomes) == ["acknowledged", "known"]


def test_a_yes_after_the_duty_moved_acknowledges_nothing(town: Town) -> None:
    noticed(town)
    town.give("K3", MINE, NOW)
    assert take(town, reply()) == "moved"
    assert town.slot().state == "published"


def test_a_yes_after_the_duty_moved_and_came_back_acknowledges_nothing(town: Town) -> None:
    noticed(town)
    town.give("K3", MINE, NOTICE)
    town.give("K1", MINE, NOTICE)
    with town.database.write() as session:  # the new notice has not been sent yet
        session.execute(update(Message).where(col(Message.template) == "duty-assigned").values(state="pending"))
    assert take(town, reply()) == "moved"
    assert town.slot().state == "published"


def test_a_yes_to_a_duty_that_is_over_acknowledges_nothing(town: Town) -> None:
    noticed(town)
    assert take(town, reply(at=REPLIED + timedelta(days=1)), "2026-03-11T08:00") == "moved"


def test_a_yes_to_what_was_acknowledged_is_already_done(town: Town) -> None:
    noticed(town)
    take(town, reply())
    assert take(town, reply(identity="r2")) == "already"


@pytest.mark.parametrize("phone", [f"{PHONE}9", "10086"])
def test_a_yes_from_a_phone_that_got_no_notice_is_no_duty(town: Town, phone: str) -> None:
    noticed(town)
    assert take(town, reply(phone=phone)) == "no-duty"


def test_a_yes_before_the_notice_was_written_is_not_its_answer(town: Town) -> None:
    noticed(town)
    assert take(town, reply(at=REPLIED - timedelta(hours=1))) == "no-duty"


def test_a_notice_that_never_left_is_not_answered(town: Town) -> None:
    noticed(town)
    with town.database.write() as session:
        session.execute(update(Message).values(state="expired"))
    assert take(town, reply()) == "no-duty"


def test_the_latest_duty_is_meant_when_there_are_two(town: Town) -> None:
    noticed(town)
    town.give("K1", THEIRS, "2026-03-09T17:20")
    with town.database.write() as session:
        later = update(Message).where(col(Message.template) == "duty-assigned", col(Message.recipient) == ref(town))
        session.execute(later.values(state="delivered", request_hash=b"x", finished_at=REPLIED))
    assert take(town, reply()) == "acknowledged"
    assert (town.slot(MINE).state, town.slot(THEIRS).state) == ("published", "acknowledged")


def test_a_yes_after_a_swap_was_asked_for_is_not_guessed_at(town: Town) -> None:
    noticed(town)
    town.telephone("2026-03-09T17:20").post(town.link(THEIRS), {"do": "swap", "date": str(MINE)})
    with town.database.write() as session:
        asked = update(Message).where(col(Message.template) == "duty-swap-asked")
        session.execute(asked.values(state="delivered", request_hash=b"x", finished_at=REPLIED))
    assert take(town, reply()) == "ambiguous"
    assert (town.slot(MINE).state, town.slot(MINE).cadre) == ("published", "K1")
    with town.database.read() as session:
        assert session.execute(select(col(ReplyTaken.meaning))).scalars().all() == ["other"]


def ref(town: Town) -> str | None:
    return town.slot(MINE).ref


def test_a_reply_from_a_clock_that_is_ahead_is_of_now(town: Town) -> None:
    noticed(town)
    assert take(town, reply(at=REPLIED + timedelta(hours=3))) == "acknowledged"


def test_a_reply_between_two_seconds_is_taken(town: Town) -> None:
    noticed(town)
    assert take(town, reply(at=REPLIED + timedelta(microseconds=123_456))) == "acknowledged"


def test_t_opts_the_phone_out_and_nothing_else(town: Town) -> None:
    noticed(town)
    assert take(town, reply("T", phone=f"+86 {PHONE}1")) == "opted-out"
    with town.database.read() as session:
        (out,) = session.execute(select(OptOut)).scalars()
    assert (out.channel, out.source) == ("sms", "reply")
    assert out.address_index == address_index(town.database.keys, "sms", f"{PHONE}1")
    assert town.slot().state == "published"


def test_a_very_long_reply_is_kept_short(town: Town) -> None:
    take(town, reply("长" * 50_000))
    with town.database.read() as session:
        (kept,) = session.execute(select(ReplyTaken)).scalars()
        assert len(keys_of(session).open("reply.text", "aliyun:r1", kept.text)) == 1_000


def test_a_failure_leaves_nothing_of_the_reply(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    noticed(town)

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("flows.replies.log_rows", fail)
    with pytest.raises(ZeroDivisionError):
        take(town, reply())
    monkeypatch.undo()
    assert town.slot().state == "published"
    assert take(town, reply()) == "acknowledged"


def test_the_opt_out_that_greetings_offer_is_understood() -> None:
    for wording in lint.OPT_OUT.values():
        (offered,) = re.findall(r"(?:回复|Reply )(\w)", wording)
        assert meaning_of(offered) == "optout"
