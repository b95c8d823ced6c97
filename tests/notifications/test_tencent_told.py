"""What Tencent Cloud SMS tells: the fate of a message that is asked for, what it hands out once, and its callbacks."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from notifications.channels.contract import ChannelDown
from notifications.channels.enquiry import Found, Reply, Report, Unclear
from notifications.channels.receipts import BadPush
from notifications.channels.tencent import Tencent
from tests.notifications.test_sms import NOW
from tests.notifications.test_tencent import Gateway, open_channel

AT = datetime(2026, 7, 12, 0, 3, 4, tzinfo=UTC)
SENT = date(2026, 7, 12)
LATER = NOW + timedelta(days=4)


def _record(session: str = "call-1", state: str = "SUCCESS", **rest: Any) -> dict[str, Any]:
    return {
        "UserReceiveTime": int(AT.timestamp()),
        "CountryCode": "86",
        "SubscriberNumber": "13800000001",
        "PhoneNumber": "+8613800000001",
        "SerialNo": "2021:1",
        "ReportStatus": state,
        "Description": "DELIVRD",
        "SessionContext": session,
        **rest,
    }


def _told(*records: Any) -> dict[str, Any]:
    return {"PullSmsSendStatusSet": list(records)}


def _find(
    *answers: Any, ref: str | None = None, now: datetime = LATER, days: Sequence[date] = (SENT,)
) -> tuple[Found | None, Gateway]:
    gateway = Gateway(*answers)
    return open_channel(gateway, clock=lambda: now).find("13800000001", days, "call-1", ref), gateway


@pytest.mark.parametrize(
    ("record", "found"),
    [
        pytest.param(_record(), Found("delivered", "2021:1"), id="delivered"),
        pytest.param(
            _record(state="FAIL", Description="MK:0005"), Found("undeliverable", "2021:1", "MK:0005"), id="failed"
        ),
        pytest.param(
            _record(state="FAIL", Description="MBBLACK"),
            Found("undeliverable", "2021:1", "MBBLACK", blocked=True),
            id="blacklisted",
        ),
        pytest.param(
            _record(state="FAIL", Description="号码13800000001停机"),
            Found("undeliverable", "2021:1", "FAIL"),
            id="text",
        ),
        pytest.param(_record(state=""), Found("accepted", "2021:1"), id="on its way"),
        pytest.param(_record("call-2"), None, id="another call"),
    ],
)
def test_a_message_is_found_by_the_call_it_was_sent_with(record: dict[str, Any], found: Found | None) -> None:
    assert _find(_told(record))[0] == found


def test_a_message_is_found_by_its_serial_number_where_reports_have_no_session() -> None:
    assert _find(_told(_record("", SerialNo="2021:7")), ref="2021:7")[0] == Found("delivered", "2021:7")


def test_the_window_is_the_days_of_beijing_and_the_time_a_carrier_may_take() -> None:
    _, gateway = _find(_told())
    begin = datetime(2026, 7, 11, 16, 0, tzinfo=UTC)
    assert gateway.seen == [
        {
            "action": "PullSmsSendStatusByPhoneNumber",
            "SmsSdkAppId": "1400006666",
            "PhoneNumber": "+8613800000001",
            "BeginTime": int(begin.timestamp()),
            "EndTime": int((begin + timedelta(days=4)).timestamp()),
            "Offset": 0,
            "Limit": 100,
        }
    ]


def test_a_record_that_names_no_call_may_be_any_message_and_is_no_answer() -> None:
    with pytest.raises(Unclear, match="records without SessionContext"):
        _find(_told(_record("")))


def test_silence_is_no_answer_while_a_carrier_may_still_report() -> None:
    with pytest.raises(Unclear, match="no report"):
        _find(_told(), now=NOW)


def test_silence_about_a_message_that_was_taken_is_no_news() -> None:
    assert _find(_told(), now=NOW, ref="2021:1")[0] == Found("accepted", "2021:1")


def test_silence_after_that_means_that_nothing_was_taken() -> None:
    assert _find(_told())[0] is None


def test_what_is_forgotten_is_no_answer() -> None:
    answer, gateway = _told(), Gateway(AssertionError("not to be asked"))
    with pytest.raises(Unclear, match="too long ago"):
        _find(answer, now=NOW + timedelta(days=8))
    with pytest.raises(Unclear, match="too long ago"):
        open_channel(gateway, clock=lambda: NOW + timedelta(days=30)).find("13800000001", [SENT], "call-1", None)


def test_a_full_answer_is_asked_again_in_halves_until_every_record_was_seen() -> None:
    begin = datetime(2026, 7, 11, 16, 0, tzinfo=UTC).timestamp()
    times = [begin + number * 600 for number in range(350)]  # one every ten minutes, ours the last

    def answer(call: dict[str, Any]) -> Any:
        inside = [at for at in times if call["BeginTime"] <= at <= call["EndTime"]]
        return _told(*(_record("call-1" if at == times[-1] else "call-0") for at in inside[: call["Limit"]]))

    found, gateway = _find(answer)
    assert found == Found("delivered", "2021:1")
    assert {call["Offset"] for call in gateway.seen} == {0}


def test_an_endless_list_of_records_is_given_up() -> None:
    with pytest.raises(Unclear, match="too many records"):
        _find(_told(*[_record("call-0")] * 100))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param({"Error": {"Code": "AuthFailure.SignatureExpire"}}, "AuthFailure.SignatureExpire", id="refused"),
        pytest.param({}, "http 200", id="no list"),
        pytest.param(_told("x"), "http 200", id="no objects"),
        pytest.param(httpx.Response(500, json={"Response": _told()}), "http 500", id="500"),
        pytest.param(httpx.ReadTimeout("x"), "ReadTimeout", id="no answer"),
    ],
)
def test_no_answer_is_never_taken_for_nothing(answer: Any, code: str) -> None:
    channel = open_channel(Gateway(answer), clock=lambda: LATER)
    for ask in (
        lambda: channel.find("13800000001", [SENT], "call-1", None),
        lambda: list(channel.reports()),
        lambda: list(channel.replies()),
    ):
        with pytest.raises(ChannelDown) as caught:
            ask()
        assert caught.value.code == code


def test_receipts_are_pulled_in_portions_each_handed_over_before_the_next_is_asked_for() -> None:
    gateway = Gateway(_told(*[_record()] * 100), _told(_record("", "FAIL", Description="MK:0005")))
    portions = open_channel(gateway).reports()
    assert not gateway.seen
    first = next(iter(portions))
    assert len(gateway.seen) == 1
    assert list(first) == [Report("2021:1", "13800000001", "delivered", at=AT, call_id="call-1")] * 100
    assert [list(portion) for portion in portions] == [[Report("2021:1", "13800000001", "undeliverable", "MK:0005")]]
    assert gateway.seen == [{"action": "PullSmsSendStatus", "SmsSdkAppId": "1400006666", "Limit": 100}] * 2


def test_what_can_be_read_of_a_portion_is_handed_over_before_the_rest_is_complained_of() -> None:
    portions = iter(open_channel(Gateway(_told(_record(SerialNo=None), _record()))).reports())
    assert [report.provider_ref for report in next(portions)] == ["2021:1"]
    with pytest.raises(ChannelDown, match="unreadable SerialNo"):
        next(portions)


def _answer(text: str = "收到", **rest: Any) -> dict[str, Any]:
    told = {"PhoneNumber": "+8613800000001", "CountryCode": "86", "SignName": "托起", "ExtendCode": ""}
    return {**told, "ReplyContent": text, "ReplyTime": int(AT.timestamp()), **rest}


def test_replies_are_pulled() -> None:
    gateway = Gateway({"PullSmsReplyStatusSet": [_answer(), _answer(PhoneNumber="+85221234567"), _answer("R")]})
    ((first, second),) = open_channel(gateway).replies()
    assert (first.phone, first.text, first.at) == ("13800000001", "收到", AT)
    assert first.id != second.id
    assert gateway.seen[0]["action"] == "PullSmsReplyStatus"


def _called(text: str = "收到", **rest: Any) -> dict[str, Any]:
    told = {"extend": "", "mobile": "13800000001", "nationcode": "86", "sign": "托起"}
    return {**told, "text": text, "time": int(AT.timestamp()), **rest}


def test_a_reply_has_the_same_id_whichever_way_it_comes() -> None:
    channel = open_channel(Gateway({"PullSmsReplyStatusSet": [_answer()]}))
    ((pulled,),) = channel.replies()
    assert channel.parse_replies(json.dumps(_called()).encode()) == [pulled]
    assert channel.parse_replies(json.dumps([_called(nationcode="852"), _called()]).encode()) == [pulled]


def test_the_id_of_a_reply_does_not_give_its_number_away() -> None:
    reply: Reply = open_channel(Gateway({})).parse_replies(json.dumps(_called()).encode())[0]
    other = Tencent("testId", "other", "1400006666", "托起", {}, clock=lambda: NOW)
    assert "13800000001" not in reply.id
    assert other.parse_replies(json.dumps(_called()).encode())[0].id != reply.id


STATUS = {
    "user_receive_time": "2026-07-12 08:03:04",
    "nationcode": "86",
    "mobile": "13800000001",
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "用户短信送达成功",
    "sid": "2021:1",
}


def _pushed(*entries: Any) -> bytes:
    return json.dumps(list(entries)).encode()


def test_a_status_callback_is_read() -> None:
    failed = {**STATUS, "report_status": "FAIL", "errmsg": "DB:0144", "user_receive_time": ""}
    assert Tencent.parse_reports(_pushed(STATUS, failed, {**STATUS, "nationcode": "852"})) == [
        Report("2021:1", "13800000001", "delivered", at=AT),
        Report("2021:1", "13800000001", "undeliverable", "DB:0144", blocked=True),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("report_status", "success"), ("report_status", None), ("sid", ""), ("sid", 7), ("mobile", None),
        ("mobile", "none"), ("nationcode", None), ("user_receive_time", "soon"), ("user_receive_time", 7),
    ],
)  # fmt: skip
def test_a_status_callback_that_is_not_as_documented_is_refused_whole(name: str, value: Any) -> None:
    with pytest.raises(BadPush, match="tencent"):
        Tencent.parse_reports(_pushed(STATUS, {**STATUS, name: value}))


@pytest.mark.parametrize(("name", "value"), [("time", "x"), ("time", 0), ("time", 1 << 60), ("text", None)])
def test_a_reply_callback_that_is_not_as_documented_is_refused(name: str, value: Any) -> None:
    with pytest.raises(BadPush, match=name):
        open_channel(Gateway({})).parse_replies(_pushed(_called(**{name: value})))
