"""Delivering and reconciling end to end: real duties, real HTTP to rehearsed providers, receipts, replies.

Whatever goes wrong on the way, the providers' own ledger shows nobody told twice (the fixture looks).
"""

import json
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from flows import replies
from flows.message_desk import settle_message
from models.answers import ReplyTaken
from models.consent import OptOut
from models.messages import Attempt
from models.receipts import Receipt
from notifications.rehearsal.faults import Fault
from notifications.rehearsal.receipts import Fate
from tests.flows.answer_page.conftest import CANARY, MINE, ON_SQLITE, PHONE, town
from tests.flows.post_town import SECRET, PostTown, post

assert town
assert post  # the fixtures
PROVIDERS = pytest.mark.parametrize("provider", ["aliyun", "tencent"])


@PROVIDERS
def test_a_notice_goes_out_by_either_provider_once(post: PostTown, provider: str) -> None:
    post.set(sms=provider)
    assert post.deliver() == {"accepted": 1}
    assert post.deliver() == {}
    assert post.ledger == [(provider, "1")]
    (entry,) = post.rehearsal.ledger.entries
    assert entry.content.startswith(f"【托起】{CANARY}1您好，3月10日（周二）您在马街街道养老服务中心值班")
    assert "回复1" in entry.content


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        pytest.param(Fault("429", seconds=120), "Throttling.User", id="429 with Retry-After"),
        pytest.param(Fault("error", code="isv.AMOUNT_NOT_ENOUGH"), "isv.AMOUNT_NOT_ENOUGH", id="no money"),
    ],
)
@ON_SQLITE
def test_what_the_first_provider_refuses_the_second_takes(post: PostTown, fault: Fault, code: str) -> None:
    post.rehearsal.faults.then(fault)
    result = post.deliver()
    assert (result["accepted"], post.ledger) == (1, [("tencent", "1")]), result
    assert list(result["stopped"]) == ["sms:aliyun"]
    assert post.states() == {"sms": "accepted"}
    assert f"**通道 sms:aliyun 暂停**（代码 {result['stopped']['sms:aliyun']}）" in post.shown("deliver").content
    assert code.casefold() in result["stopped"]["sms:aliyun"].casefold()


def test_a_provider_that_is_set_wrongly_is_passed_over(post: PostTown) -> None:
    post.set(aliyun_secret="", robots="{")
    result = post.deliver()
    assert result["accepted"] == 1
    assert result["stopped"] == {"sms:aliyun": "TUOQI_ALIYUN_SECRET"}
    assert post.ledger == [("tencent", "1")]


@ON_SQLITE
def test_a_provider_that_wants_to_be_left_alone_is_left_alone_for_so_long(post: PostTown) -> None:
    post.set(sms="aliyun")
    post.rehearsal.faults.then(Fault("429", seconds=90))
    assert post.deliver() == {"pending": 1, "stopped": {"sms:aliyun": post.deliver()["stopped"]["sms:aliyun"]}}
    post.later(seconds=80)
    assert "accepted" not in post.deliver()
    post.later(seconds=20)
    assert post.deliver() == {"accepted": 1}


@pytest.mark.parametrize(
    "kind",
    ["accept-timeout", "accept-reset", "accept-500", "accept-503", "wrong-json", "truncated", "500", "503", "reset"],
)
@PROVIDERS
@ON_SQLITE
def test_what_may_have_been_taken_is_unknown_and_not_sent_again(post: PostTown, provider: str, kind: Any) -> None:
    if kind == "accept-timeout":
        post.impatient()
    post.set(sms=f"{provider},{'tencent' if provider == 'aliyun' else 'aliyun'}")
    post.rehearsal.faults.then(Fault(kind, provider=provider))
    assert post.deliver()["unknown"] == 1
    post.later(hours=1)
    assert "accepted" not in post.deliver()
    assert post.ledger == ([(provider, "1")] if Fault(kind).accepts else [])
    assert post.states() == {"sms": "unknown"}


@pytest.mark.parametrize("kind", ["accept-timeout", "accept-reset", "wrong-json"])
def test_alibaba_knows_what_became_of_the_unknown(post: PostTown, kind: Any) -> None:
    if kind == "accept-timeout":
        post.impatient()
    post.set(sms="aliyun")
    post.rehearsal.faults.then(kind)
    post.deliver()
    post.later(minutes=3)
    result = post.reconcile()
    assert (result["delivered"], result["asked"]) == (1, 1)
    assert post.states() == {"sms": "delivered"}
    page = post.shown("reconcile-messages")
    assert "| 值班通知 | 短信 | 已送达 | 1 |" in page.content
    assert page.title == "消息核对"


def test_what_alibaba_has_nothing_of_goes_again_when_it_is_a_reminder(post: PostTown) -> None:
    post.set(sms="aliyun")
    post.rehearsal.faults.then("reset")
    post.deliver()
    assert (post.states(), post.ledger) == ({"sms": "unknown"}, [])
    post.later(minutes=5)
    assert "pending" not in post.reconcile()  # it may still be on its way
    post.later(minutes=15)
    assert post.reconcile()["pending"] == 1
    assert "未送达，重新发送" in post.shown("reconcile-messages").content
    assert post.deliver() == {"accepted": 1}
    assert post.ledger == [("aliyun", "1")]


@ON_SQLITE
def test_tencent_s_silence_proves_nothing_for_days(post: PostTown) -> None:
    post.set(sms="tencent")
    post.rehearsal.faults.then("accept-reset")
    post.rehearsal.receipts.carrier.default = Fate("waiting")
    post.deliver()
    post.later(hours=2)
    assert "pending" not in post.reconcile()
    assert post.states() == {"sms": "unknown"}


@PROVIDERS
@ON_SQLITE
def test_an_empty_answer_is_not_a_success(post: PostTown, provider: str) -> None:
    post.set(sms=provider)
    post.rehearsal.faults.then("empty-set")
    assert "accepted" not in post.deliver()
    assert post.ledger == []


@ON_SQLITE
def test_a_slow_provider_is_waited_for(post: PostTown) -> None:
    post.rehearsal.faults.then(Fault("slow", seconds=0.2))
    assert post.deliver() == {"accepted": 1}


@ON_SQLITE
def test_a_wrong_number_gives_way_to_the_next_channel(post: PostTown) -> None:
    post.set(sms="tencent")
    post.rehearsal.faults.phones[f"{PHONE}1"] = "blacklist"
    post.deliver()
    assert post.states() == {"sms": "dead", "email~1": "pending"}
    assert post.deliver() == {"accepted": 1}
    (mail,) = post.settings.folder("outbox").glob("*.eml")
    assert mail.name.startswith("duty-notice-C-")


def test_receipts_that_are_polled_move_messages(post: PostTown) -> None:
    post.set(sms="tencent")
    post.deliver()
    result = post.reconcile()
    assert (result["receipts"], result["delivered"]) == (1, 1)
    assert post.states() == {"sms": "delivered"}
    assert post.reconcile()["receipts"] == 0


@PROVIDERS
def test_receipts_that_are_called_back_move_messages(post: PostTown, provider: str) -> None:
    post.set(sms=provider)
    post.deliver()
    for _ in range(2):  # told twice, stored once
        assert called_back(post, provider, "reports", [report_of(post, provider)]).status_code == 200
    assert post.states() == {"sms": "delivered"}
    with post.database.read() as session:
        assert session.execute(select(func.count()).select_from(Receipt)).scalar_one() == 1


@ON_SQLITE
def test_a_callback_with_a_wrong_secret_moves_nothing(post: PostTown) -> None:
    post.deliver()
    told = post.page().post(f"/callback/aliyun/{'x' * 20}/reports", json.dumps([report_of(post, "aliyun")]).encode())
    assert told.status_code == 404
    assert post.states() == {"sms": "accepted"}


@ON_SQLITE
def test_a_receipt_of_failure_gives_way_to_the_next_channel(post: PostTown) -> None:
    post.set(sms="tencent")
    post.rehearsal.receipts.carrier.fates[f"{PHONE}1"] = Fate("undeliverable", "UNKNOWN")
    post.deliver()
    assert post.reconcile()["undeliverable"] == 1
    assert post.states() == {"sms": "undeliverable", "email~1": "pending"}


def test_moves_of_several_messages_and_channels_are_added_up(post: PostTown) -> None:
    post.set(sms="tencent")
    post.later(hours=3)
    post.notice()  # the reminder joins the notice
    assert post.deliver()["accepted"] == 1  # the notice has expired by then
    post.later(minutes=2)
    post.town.give("K2", at="2026-03-09T20:06")
    assert post.deliver() == {"accepted": 2}  # one is released, the other takes over
    assert post.reconcile()["delivered"] == 3


def test_a_one_by_sms_acknowledges_the_duty(post: PostTown) -> None:
    post.set(sms="tencent")
    post.deliver()
    post.later(minutes=1)
    post.rehearsal.reply(f"{PHONE}1", "１。", "tencent")
    assert post.reconcile()["replies"] == 1
    assert post.town.slot(MINE).state == "acknowledged"
    assert post.reconcile()["replies"] == 0


@ON_SQLITE
def test_a_t_by_callback_opts_the_phone_out(post: PostTown) -> None:
    post.deliver()
    reply = {"phone_number": f"{PHONE}1", "send_time": "2026-03-09 17:06:00", "content": "T", "sign_name": "托起"}
    told = called_back(post, "aliyun", "replies", [reply | {"dest_code": "1", "sequence_id": 7}])
    assert told.json() == {"code": 0, "msg": "成功"}
    with post.database.read() as session:
        assert session.execute(select(col(OptOut.source))).scalars().all() == ["reply"]
    post.later(hours=3)
    post.notice()
    assert post.deliver()["suppressed"] == 1
    assert post.states("duty-reminder") == {"sms": "suppressed", "email~1": "pending"}
    assert post.ledger == [("aliyun", "1")]


def test_a_reply_that_fails_is_kept_for_staff_and_the_next_one_is_heard(
    post: PostTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.set(sms="tencent")
    post.deliver()
    post.later(minutes=1)
    take = replies.take_reply

    def fail(*told: Any) -> str:
        if told[-1].text == "1":
            raise ZeroDivisionError(f"{PHONE}1")
        return take(*told)

    monkeypatch.setattr(replies, "take_reply", fail)
    for text in ("1", "几点到？"):
        post.rehearsal.reply(f"{PHONE}1", text, "tencent")
    assert post.reconcile()["replies"] == 2
    with post.database.read() as session:
        rows = session.execute(select(col(ReplyTaken.meaning), col(ReplyTaken.outcome))).tuples().all()
    assert rows == [("other", "kept"), ("other", "kept")]
    log = post.settings.folder("logs") / "incidents.log"
    assert "ZeroDivisionError" in log.read_text("utf-8")


@ON_SQLITE
def test_a_provider_that_is_down_is_named_and_the_other_is_asked(post: PostTown) -> None:
    post.set(sms="tencent,aliyun")
    post.deliver()
    post.later(minutes=11)
    post.rehearsal.faults.then(Fault("503", provider="tencent", on="ask"), Fault("503", provider="tencent", on="ask"))
    post.reconcile()
    page = post.shown("reconcile-messages").content
    assert "**服务商 tencent 没有应答**" in page
    assert "aliyun" not in page


def test_asking_when_nothing_happened_leaves_no_page(post: PostTown) -> None:
    assert post.reconcile() == {"receipts": 0, "replies": 0, "asked": 0, "alarms": 0}
    assert post.pages == []


@ON_SQLITE
def test_what_staff_found_not_sent_goes_again_and_a_late_receipt_still_finds_it(post: PostTown) -> None:
    post.set(sms="aliyun")
    post.rehearsal.faults.then("accept-reset")
    post.deliver()
    receipt = report_of(post, "aliyun")
    post.later(minutes=5)
    settle_message(post.database, post.settings.moved_to(post.now), post.message().dedupe_key, "not-sent")
    called_back(post, "aliyun", "reports", [receipt])  # staff were wrong
    assert post.states() == {"sms": "delivered"}
    assert post.deliver() == {}


def test_every_try_is_kept(post: PostTown) -> None:
    post.set(sms="aliyun")
    post.rehearsal.faults.then("accept-reset")
    post.deliver()
    post.later(minutes=3)
    post.reconcile()
    with post.database.read() as session:
        columns = (col(Attempt.number), col(Attempt.provider), col(Attempt.outcome))
        tries = session.execute(select(*columns).order_by(col(Attempt.id))).tuples().all()
    assert tries == [(1, "aliyun", "unknown"), (1, "aliyun", "delivered")]


def report_of(post: PostTown, provider: str) -> dict[str, Any]:
    """The provider's report of the last message, as it pushes it."""
    entry = post.rehearsal.ledger.entries[-1]
    if provider == "tencent":
        known = {"mobile": entry.phone, "nationcode": "86", "sid": entry.ref, "report_status": "SUCCESS"}
        return known | {"errmsg": "DELIVRD", "user_receive_time": "2026-03-09 17:06:00", "description": "ok"}
    known = {"phone_number": entry.phone, "biz_id": entry.ref, "out_id": entry.call_id, "success": True}  # type: ignore[dict-item]
    times = {"send_time": "2026-03-09 17:05:00", "report_time": "2026-03-09 17:06:00"}
    return known | times | {"err_code": "DELIVERED", "err_msg": "ok", "sms_size": "1"}


def called_back(post: PostTown, provider: str, what: str, payload: Any) -> Any:
    path = f"/callback/{provider}/{SECRET}/{what}"
    return post.page().post(path, json.dumps(payload).encode(), **{"content-type": "application/json"})
