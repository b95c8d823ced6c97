"""Alarms: what waits too long or is in trouble is told to operators at once, again after hours, never in between."""

import email
from datetime import timedelta
from email.policy import default

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from flows import messages
from flows.failures import PublicError
from models.messages import Message
from tests.flows.answer_page.conftest import CANARY, ON_SQLITE, PHONE, town
from tests.flows.post_town import PostTown, post

assert town
assert post  # the fixtures


def alarms(post: PostTown) -> list[tuple[str, str, str]]:
    """What operators were told: trouble, channel, state."""
    with post.database.read() as session:
        columns = (col(Message.dedupe_key), col(Message.channel), col(Message.state))
        rows = session.execute(select(*columns).where(col(Message.template) == "alarm").order_by(col(Message.id)))
        return [(key.split(":")[1], channel, state) for key, channel, state in rows.tuples()]


def test_a_backlog_is_told_to_operators_at_once_and_again_after_four_hours(post: PostTown) -> None:
    post.stuck(minutes=29)
    assert {trouble for trouble, *_ in alarms(post)} == set()
    post.later(minutes=2)
    assert post.reconcile()["alarms"] == 6  # the backlog and two providers, to two operators
    told = alarms(post)
    assert {trouble for trouble, *_ in told} == {"pending-sms", "stopped-sms-aliyun", "stopped-sms-tencent"}
    assert {state for _, _, state in told} == {"accepted"}  # they flew in the round that raised them
    for _ in range(5):
        post.later(minutes=10)
        assert post.reconcile()["alarms"] == 0
    post.later(hours=3, minutes=11)
    assert post.reconcile()["alarms"] == 6
    assert "已向值守人员发出 6 条告警" in post.shown("reconcile-messages").content


def alarm_mail(post: PostTown, trouble: str = "") -> str:
    """What the mail about a trouble to the first operator says."""
    letters = sorted(post.settings.folder("outbox").glob("alarm-OPERATOR-1-*.eml"))
    bodies = [email.message_from_bytes(path.read_bytes(), policy=default).get_body(("plain",)) for path in letters]
    told: list[str] = [body.get_content() for body in bodies if body is not None]
    (found,) = [text for text in told if "积压" in text or not trouble]
    return found


@ON_SQLITE
def test_an_alarm_says_what_since_when_and_what_to_do(post: PostTown) -> None:
    post.stuck()
    post.reconcile()
    told = alarm_mail(post, "pending-sms")
    assert "短信积压，自 03-09 17:05 起没有发出" in told
    assert "等得最久的已经31分钟" in told
    assert "tuoqi doctor" in told
    assert CANARY not in told
    assert PHONE not in told


@ON_SQLITE
def test_a_backlog_that_drains_slowly_is_one_trouble(post: PostTown) -> None:
    post.stuck()
    assert post.reconcile()["alarms"] > 0
    with post.database.write() as session:  # the oldest left, but others were behind it
        moved = post.now - timedelta(minutes=40)
        session.execute(update(Message).where(col(Message.template) == "duty-notice").values(not_before=moved))
    post.later(minutes=10)
    assert post.reconcile()["alarms"] == 0


@ON_SQLITE
def test_a_new_backlog_after_a_cleared_one_is_told_anew(post: PostTown) -> None:
    post.stuck()
    post.reconcile()
    post.rehearsal.faults.no_balance = False
    post.later(hours=1)
    post.deliver()
    post.later(minutes=89)
    post.rehearsal.faults.no_balance = True
    post.notice()  # 20:00, the reminder
    post.later(minutes=35)
    assert [trouble for trouble, *_ in alarms(post)].count("pending-sms") == 2
    post.reconcile()
    assert [trouble for trouble, *_ in alarms(post)].count("pending-sms") == 4


@ON_SQLITE
def test_an_operator_who_cannot_be_reached_keeps_no_other_from_hearing(post: PostTown) -> None:
    post.stuck()
    post.set(operators="0871-6789012,ops@example.cn")
    assert post.reconcile()["alarms"] == 3
    assert {channel for _, channel, _ in alarms(post)} == {"email"}


@ON_SQLITE
def test_without_operators_nobody_is_alarmed(post: PostTown) -> None:
    post.stuck()
    post.set(operators="")
    assert post.reconcile()["alarms"] == 0


@ON_SQLITE
def test_a_missing_key_reaches_operators_by_the_channels_that_work(post: PostTown) -> None:
    post.set(sms="aliyun", aliyun_key_id="", operators="ops@example.cn")
    post.deliver()
    post.later(minutes=6)
    assert post.reconcile()["alarms"] == 1
    assert "代码 TUOQI_ALIYUN_KEY_ID" in alarm_mail(post)


@ON_SQLITE
def test_operators_hear_of_trouble_even_when_asking_fails(post: PostTown, monkeypatch: pytest.MonkeyPatch) -> None:
    post.stuck()

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(messages, "reconcile", fail)
    with pytest.raises(PublicError):
        post.reconcile()
    assert "pending-sms" in {trouble for trouble, *_ in alarms(post)}
