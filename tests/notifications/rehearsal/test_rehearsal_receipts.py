"""What became of messages and what people answered, by asking, pulling and callbacks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from notifications.rehearsal.receipts import Fate
from notifications.rehearsal.server import Rehearsal

LI, WANG = "13800000001", "13800000002"
APP = {"SmsSdkAppId": "1400006666"}


def test_alibaba_tells_of_a_delivered_message_in_beijing_time(caller: Any) -> None:
    caller.single(LI, "c7")
    assert caller.details(LI)["SmsSendDetailDTOs"]["SmsSendDetailDTO"] == [
        {
            "PhoneNum": LI,
            "SendStatus": 3,
            "SendDate": "2026-02-26 08:00:00",
            "TemplateCode": "SMS_100001",
            "Content": "【托起】您好，李明，2月26日由您在碧鸡中心值班。",
            "OutId": "c7",
            "ErrCode": "DELIVERED",
            "ReceiveDate": "2026-02-26 08:00:01",
        }
    ]


@pytest.mark.parametrize(
    ("fate", "states"),
    [
        pytest.param(Fate("waiting"), [1], id="waiting"),
        pytest.param(Fate("undeliverable", "MK:0001"), [2], id="undeliverable"),
        pytest.param(Fate("forgotten"), [], id="forgotten"),
    ],
)
def test_a_number_may_have_a_fate_of_its_own(rehearsal: Rehearsal, caller: Any, fate: Fate, states: list[int]) -> None:
    rehearsal.receipts.carrier.fates[LI] = fate
    caller.batch([LI, WANG])
    assert (caller.states(LI), caller.states(WANG)) == (states, [3])


def test_a_carrier_that_forgets_finds_nothing_though_it_was_accepted(rehearsal: Rehearsal, caller: Any) -> None:
    rehearsal.receipts.carrier.default = Fate("forgotten")
    caller.batch([LI])
    caller.send([LI])
    assert (caller.details(LI)["TotalCount"], caller.pull(), len(rehearsal.ledger)) == ("0", [], 2)


def test_details_are_of_one_day_in_beijing(caller: Any, clock: Any) -> None:
    clock.now = datetime(2026, 2, 26, 15, 59, 59, tzinfo=UTC).timestamp()
    caller.single(LI)
    clock.now += 1
    caller.single(LI)
    assert [caller.details(LI, day)["TotalCount"] for day in ("20260225", "20260226", "20260227")] == ["0", "1", "1"]


def test_details_come_in_pages_newest_first(caller: Any) -> None:
    refs = [caller.single(LI, f"c{n}").json()["BizId"] for n in range(5)]
    pages = [caller.details(LI, PageSize="2", CurrentPage=str(page)) for page in (1, 2, 3, 4)]
    shown = [[one["OutId"] for one in page["SmsSendDetailDTOs"]["SmsSendDetailDTO"]] for page in pages]
    assert shown == [["c4", "c3"], ["c2", "c1"], ["c0"], []]
    assert {page["TotalCount"] for page in pages} == {"5"}
    assert caller.details(LI, BizId=refs[1])["SmsSendDetailDTOs"]["SmsSendDetailDTO"][0]["OutId"] == "c1"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        pytest.param({"PageSize": "51"}, "isv.INVALID_PARAMETERS", id="51 on a page"),
        pytest.param({"PageSize": "9" * 5000}, "isv.INVALID_PARAMETERS", id="5,000 digits"),
        pytest.param({"CurrentPage": "0"}, "isv.INVALID_PARAMETERS", id="page 0"),
        pytest.param({"PageSize": ""}, "MissingPageSize", id="no page size"),
        pytest.param({"PhoneNumber": "1"}, "isv.MOBILE_NUMBER_ILLEGAL", id="no number"),
    ],
)
def test_details_have_their_limits(caller: Any, more: dict[str, str], code: str) -> None:
    assert caller.details(LI, **more)["Code"] == code


def test_a_lag_shows_nothing_until_asked_often_enough(rehearsal: Rehearsal, caller: Any) -> None:
    rehearsal.receipts.carrier.lag = 2
    caller.single(LI)
    assert [caller.states(LI) for _ in range(4)] == [[], [], [3], [3]]
    caller.send([LI])
    assert [len(caller.pull()) for _ in range(4)] == [0, 0, 1, 0]


def test_a_pull_takes_reports_away(caller: Any) -> None:
    serials = [one["SerialNo"] for one in caller.send([f"138{n:08d}" for n in range(5)])["SendStatusSet"]]
    pulled = [[one["SerialNo"] for one in caller.pull(2)] for _ in range(4)]
    assert pulled == [serials[:2], serials[2:4], serials[4:], []]


def test_a_pull_waits_for_reports_that_are_not_there_yet(rehearsal: Rehearsal, caller: Any) -> None:
    rehearsal.receipts.carrier.fates[LI] = Fate("waiting")
    caller.send([LI, WANG])
    assert [one["SubscriberNumber"] for one in caller.pull()] == [WANG]
    rehearsal.receipts.carrier.fates[LI] = Fate("undeliverable", "MK:0001")
    assert [(one["ReportStatus"], one["Description"]) for one in caller.pull()] == [("FAIL", "MK:0001")]


def test_reports_may_come_twice(rehearsal: Rehearsal, caller: Any) -> None:
    rehearsal.receipts.carrier.twice = True
    caller.send([LI, WANG])
    assert [[one["SubscriberNumber"] for one in caller.pull(3)] for _ in range(3)] == [[LI, LI, WANG], [WANG], []]


@pytest.mark.parametrize(
    ("asked", "context"), [pytest.param(False, "", id="as at first"), pytest.param(True, "c7", id="on request")]
)
def test_tencent_gives_the_context_back_only_to_those_who_asked(
    rehearsal: Rehearsal, another: Callable[[str], Any], clock: Any, asked: bool, context: str
) -> None:
    account = replace(rehearsal.account, session_in_reports=asked)
    with Rehearsal(account, clock=clock) as theirs:
        caller = another(theirs.url)
        caller.send([LI], "c7")
        assert caller.pull()[0]["SessionContext"] == context


@pytest.mark.parametrize("limit", [pytest.param(0, id="0"), pytest.param(101, id="101")])
def test_a_pull_has_its_limit(caller: Any, limit: int) -> None:
    answer = caller.tencent("PullSmsSendStatus", APP | {"Limit": limit})
    assert answer["Error"]["Code"] == "InvalidParameterValue.LimitVerifyFail"


def _about(caller: Any, clock: Any, **changed: Any) -> Any:
    now = int(clock.now)
    content = APP | {"PhoneNumber": f"+86{LI}", "BeginTime": now - 60, "EndTime": now, "Offset": 0, "Limit": 10}
    return caller.tencent("PullSmsSendStatusByPhoneNumber", content | changed)


def test_tencent_tells_of_one_number_as_often_as_asked_but_not_while_waiting(
    rehearsal: Rehearsal, caller: Any, clock: Any
) -> None:
    caller.send([LI, WANG])
    assert [len(_about(caller, clock)["PullSmsSendStatusSet"]) for _ in range(2)] == [1, 1]
    rehearsal.receipts.carrier.default = Fate("waiting")
    assert _about(caller, clock)["PullSmsSendStatusSet"] == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"BeginTime": 0}, "InvalidParameterValue.BeginTimeVerifyFail", id="more than a week ago"),
        pytest.param({"EndTime": 0}, "InvalidParameterValue.EndTimeVerifyFail", id="an end before the begin"),
        pytest.param({"Offset": 1}, "InvalidParameterValue.OffsetVerifyFail", id="an offset"),
        pytest.param({"PhoneNumber": "1"}, "InvalidParameterValue.IncorrectPhoneNumber", id="no number"),
        pytest.param({"BeginTime": "x"}, "InvalidParameter", id="a begin that is no number"),
    ],
)
def test_asking_tencent_has_its_limits(caller: Any, clock: Any, changed: dict[str, Any], code: str) -> None:
    assert _about(caller, clock, **changed)["Error"]["Code"] == code


def test_answers_are_pulled_once(rehearsal: Rehearsal, caller: Any, clock: Any) -> None:
    caller.send([LI])
    rehearsal.reply(LI, "收到")
    ask = APP | {"Limit": 100}
    answers = [caller.tencent("PullSmsReplyStatus", ask)["PullSmsReplyStatusSet"] for _ in range(2)]
    assert answers == [
        [
            {
                "ExtendCode": "",
                "CountryCode": "86",
                "PhoneNumber": f"+86{LI}",
                "SignName": "托起",
                "ReplyContent": "收到",
                "ReplyTime": int(clock.now),
                "SubscriberNumber": LI,
            }
        ],
        [],
    ]


def test_alibaba_calls_back_with_reports_and_answers(rehearsal: Rehearsal, caller: Any, callback: Any) -> None:
    rehearsal.receipts.carrier.fates[WANG] = Fate("undeliverable", "MOBILE_NOT_ON_SERVICE")
    biz_id = caller.batch([LI, WANG], "c7").json()["BizId"]
    rehearsal.reply(LI, "退订")
    assert [rehearsal.push_reports("aliyun", callback.url) for _ in range(2)] == [2, 0]
    assert rehearsal.push_replies("aliyun", callback.url) == 1
    reports, replies = callback.got
    assert reports[0] == {
        "phone_number": LI,
        "send_time": "2026-02-26 08:00:00",
        "report_time": "2026-02-26 08:00:01",
        "success": True,
        "err_code": "DELIVERED",
        "err_msg": "用户接收成功",
        "sms_size": "1",
        "biz_id": biz_id,
        "out_id": "c7",
    }
    assert (reports[1]["success"], reports[1]["err_code"]) == (False, "MOBILE_NOT_ON_SERVICE")
    assert [(one["phone_number"], one["content"], one["sign_name"]) for one in replies] == [(LI, "退订", "托起")]


def test_tencent_calls_back_with_an_array_of_reports_and_an_object_for_each_answer(
    rehearsal: Rehearsal, caller: Any, callback: Any
) -> None:
    serial = caller.send([LI])["SendStatusSet"][0]["SerialNo"]
    rehearsal.reply(LI, "好的")
    rehearsal.reply(LI, "谢谢")
    assert (rehearsal.push_reports("tencent", callback.url), rehearsal.push_replies("tencent", callback.url)) == (1, 2)
    assert callback.got[0] == [
        {
            "user_receive_time": "2026-02-26 08:00:01",
            "nationcode": "86",
            "mobile": LI,
            "report_status": "SUCCESS",
            "errmsg": "DELIVRD",
            "description": "用户短信送达成功",
            "sid": serial,
        }
    ]
    assert [one["text"] for one in callback.got[1:]] == ["好的", "谢谢"]


def test_what_a_receiver_does_not_take_comes_again_in_order(rehearsal: Rehearsal, caller: Any, callback: Any) -> None:
    caller.batch([f"138{n:08d}" for n in range(100)])
    caller.batch([WANG])
    callback.answer = {"code": 1}
    assert rehearsal.push_reports("aliyun", callback.url) == 0
    callback.answer = {"code": 0}
    assert rehearsal.push_reports("aliyun", callback.url) == 101
    assert callback.got[0] == callback.got[1]
    assert [one["phone_number"] for one in callback.got[2]] == [WANG]


def test_what_nobody_listens_to_is_kept(rehearsal: Rehearsal, caller: Any, callback: Any) -> None:
    caller.batch([LI])
    with pytest.raises(ConnectionRefusedError):
        rehearsal.push_reports("aliyun", "http://127.0.0.1:9/sms")
    assert rehearsal.push_reports("aliyun", callback.url) == 1


def test_an_early_report_comes_before_the_call_is_answered(rehearsal: Rehearsal, caller: Any, callback: Any) -> None:
    rehearsal.receipts.carrier.early = callback.url
    rehearsal.faults.then("accept-reset")
    with pytest.raises(Exception, match="reset"):
        caller.batch([LI])
    assert [one["phone_number"] for one in callback.got[0]] == [LI]


def test_an_early_report_nobody_listens_to_comes_later(rehearsal: Rehearsal, caller: Any, callback: Any) -> None:
    rehearsal.receipts.carrier.early = "http://127.0.0.1:9/sms"
    assert caller.batch([LI]).json()["Code"] == "OK"
    assert rehearsal.push_reports("aliyun", callback.url) == 1


@pytest.mark.parametrize(
    "push",
    [
        pytest.param(lambda one: one.push_reports("aliyun", "http://192.0.2.1/"), id="another machine"),
        pytest.param(lambda one: one.push_reports("wecom", "http://127.0.0.1/"), id="a provider without callbacks"),
    ],
)
def test_pushes_stay_on_this_machine_and_come_from_providers(
    rehearsal: Rehearsal, caller: Any, push: Callable[[Rehearsal], int]
) -> None:
    caller.batch([LI])
    with pytest.raises(ValueError, match=r"this machine|pushes nothing"):
        push(rehearsal)


def test_an_unknown_fate_is_named() -> None:
    with pytest.raises(ValueError, match="undeliverable"):
        Fate("lost")  # type: ignore[arg-type]
