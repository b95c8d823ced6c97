"""What Alibaba Cloud SMS tells: the fate of a message that is asked for, and what it pushes."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from notifications.channels.aliyun import Aliyun
from notifications.channels.contract import ChannelDown
from notifications.channels.enquiry import Found, Reply, Report, Unclear
from notifications.channels.receipts import BadPush
from tests.notifications.test_aliyun import Gateway, open_channel


def _detail(out_id: str | None = "call-1", status: Any = 3, **rest: Any) -> dict[str, Any]:
    return {"PhoneNum": "13800000001", "OutId": out_id, "SendStatus": status, "ErrCode": "DELIVERED", **rest}


def _page(*details: Any, total: Any = None) -> dict[str, Any]:
    total = len(details) if total is None else total
    return {"Code": "OK", "TotalCount": total, "SmsSendDetailDTOs": {"SmsSendDetailDTO": list(details)}}


DAYS = (date(2026, 7, 12), date(2026, 7, 13))


def _find(*answers: Any, days: Sequence[date] = DAYS, ref: str | None = None) -> tuple[Found | None, Gateway]:
    gateway = Gateway(*answers)
    return open_channel(gateway).find("13800000001", days, "call-1", ref), gateway


@pytest.mark.parametrize(
    ("detail", "found"),
    [
        pytest.param(_detail(status=1), Found("accepted"), id="waiting"),
        pytest.param(_detail(status=3), Found("delivered"), id="delivered"),
        pytest.param(
            _detail(status=2, ErrCode="MOBILE_NOT_ON_SERVICE"),
            Found("undeliverable", code="MOBILE_NOT_ON_SERVICE"),
            id="failed",
        ),
        pytest.param(
            _detail(status=2, ErrCode="MOBILE_IN_BLACK"),
            Found("undeliverable", code="MOBILE_IN_BLACK", blocked=True),
            id="blacklisted",
        ),
        pytest.param(_detail("call-2"), None, id="another call"),
        pytest.param(_detail(None), None, id="no call of ours"),
    ],
)
def test_a_message_is_found_by_number_day_and_call(detail: dict[str, Any], found: Found | None) -> None:
    assert _find(_page(detail))[0] == found


def test_the_days_asked_are_those_of_beijing() -> None:
    _, gateway = _find(_page())
    assert [call["SendDate"] for call in gateway.seen] == ["20260712", "20260713"]
    assert gateway.seen[0] == {
        "action": "QuerySendDetails",
        "PhoneNumber": "13800000001",
        "SendDate": "20260712",
        "PageSize": "50",
        "CurrentPage": "1",
    }


def test_pages_are_turned_until_the_message_is_found() -> None:
    others = [_detail("call-0")] * 50
    found, gateway = _find(_page(*others, total="101"), _page(*others, total="101"), _page(_detail(), total="101"))
    assert found == Found("delivered")
    assert [call["CurrentPage"] for call in gateway.seen] == ["1", "2", "3"]


def test_a_known_biz_id_narrows_the_question_and_finds_a_record_without_out_id() -> None:
    found, gateway = _find(_page(_detail(None)), ref="9006^0")
    assert found == Found("delivered", "9006^0")
    assert gateway.seen[0]["BizId"] == "9006^0"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param({"Code": "isp.SYSTEM_ERROR"}, "isp.SYSTEM_ERROR", id="refused"),
        pytest.param({"Code": "OK"}, "unreadable details", id="no details"),
        pytest.param(_page(total="many"), "unreadable details", id="no number"),
        pytest.param(_page("x"), "unreadable details", id="no object"),
        pytest.param(_page(_detail(status=7)), "unreadable details", id="no such status"),
        pytest.param(_page(*[_detail("call-0")] * 50, total=9999), "too many details", id="endless"),
        pytest.param(httpx.Response(200, content=b"?"), "http 200", id="no JSON"),
        pytest.param(httpx.Response(500), "http 500", id="500"),
        pytest.param(httpx.ReadTimeout("x"), "ReadTimeout", id="no answer"),
        pytest.param(httpx.ConnectError("x"), "ConnectError", id="no connection"),
    ],
)
def test_no_clear_answer_is_never_taken_for_nothing(answer: Any, code: str) -> None:
    with pytest.raises(ChannelDown) as caught:
        _find(answer)
    assert caught.value.code == code


def test_a_day_the_provider_no_longer_remembers_is_no_answer() -> None:
    day = date(2026, 7, 13)
    with pytest.raises(Unclear, match="too long ago"):
        _find(_page(), days=(day - timedelta(days=31), day))
    assert _find(_page(), days=(day - timedelta(days=30),))[0] is None


def test_receipts_and_replies_are_pushed_not_pulled() -> None:
    channel = open_channel(Gateway(AssertionError("nobody was to be asked")))
    assert [*channel.reports(), *channel.replies()] == []


REPORT = {
    "phone_number": "13800000001",
    "send_time": "2026-07-12 08:00:00",
    "report_time": "2026-07-12 08:03:04",
    "success": True,
    "err_code": "DELIVERED",
    "err_msg": "用户接收成功",
    "sms_size": "1",
    "biz_id": "9006^0",
    "out_id": "call-1",
}
AT = datetime(2026, 7, 12, 0, 3, 4, tzinfo=UTC)


def _pushed(*entries: Any) -> bytes:
    return json.dumps(list(entries)).encode()


@pytest.mark.parametrize("phone", ["13800000001", "+8613800000001", "8613800000001", "008613800000001"])
def test_a_pushed_receipt_is_read_whatever_the_country_code(phone: str) -> None:
    assert Aliyun.parse_reports(_pushed({**REPORT, "phone_number": phone})) == [
        Report("9006^0", "13800000001", "delivered", at=AT, call_id="call-1")
    ]


@pytest.mark.parametrize(
    ("code", "kept", "blocked"),
    [
        pytest.param("MOBILE_NOT_ON_SERVICE", "MOBILE_NOT_ON_SERVICE", False, id="off"),
        pytest.param("MOBILE_IN_BLACK", "MOBILE_IN_BLACK", True, id="blacklisted"),
        pytest.param("号码13800000001停机", "unreadable code", False, id="a text with the number"),
    ],
)
def test_a_pushed_failure_keeps_its_code(code: str, kept: str, blocked: bool) -> None:
    failed = {**REPORT, "success": False, "err_code": code}
    assert Aliyun.parse_reports(_pushed(failed)) == [
        Report("9006^0", "13800000001", "undeliverable", kept, call_id="call-1", blocked=blocked)
    ]


@pytest.mark.parametrize("out_id", [None, "", 7, "别的应用"])
def test_a_receipt_of_another_application_has_no_call_of_ours(out_id: Any) -> None:
    (report,) = Aliyun.parse_reports(_pushed({**REPORT, "out_id": out_id}))
    assert report.call_id is None


def test_receipts_about_numbers_elsewhere_are_passed_over() -> None:
    pushed = _pushed({**REPORT, "phone_number": "85221234567"}, REPORT)
    assert [report.phone for report in Aliyun.parse_reports(pushed)] == ["13800000001"]


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<xml/>", id="no JSON"),
        pytest.param(b"[1]", id="no objects"),
        pytest.param(b'"x"', id="a text"),
        pytest.param(b"[" * 100_000, id="nested"),
        *(
            pytest.param(_pushed(REPORT, {**REPORT, name: value}), id=f"{name}={value!r}")
            for name, value in (
                ("phone_number", 13800000001), ("phone_number", "abc"), ("phone_number", "１３８００００００００１"),
                ("success", "true"), ("success", None), ("biz_id", ""), ("biz_id", 7), ("biz_id", "x" * 200),
                ("biz_id", "a\x00"), ("report_time", "yesterday"), ("report_time", 1752278584),
            )
        ),
    ],
)  # fmt: skip
def test_a_push_that_is_not_as_documented_is_refused_whole(payload: bytes) -> None:
    with pytest.raises(BadPush, match="aliyun") as caught:
        Aliyun.parse_reports(payload)
    assert "13800000001" not in str(caught.value)


UP = {
    "phone_number": "+8613800000001",
    "send_time": "2026-07-12 08:03:04",
    "content": "收到😀",
    "sign_name": "托起",
    "dest_code": "1234",
    "sequence_id": 1234567890,
}


def test_a_pushed_reply_has_the_same_id_each_time_and_no_number_in_it() -> None:
    assert (
        Aliyun.parse_replies(_pushed(UP, UP)) == [Reply("1234567890-20260712080304", "13800000001", "收到😀", AT)] * 2
    )


@pytest.mark.parametrize(
    ("content", "text"), [pytest.param("", "", id="empty"), pytest.param("好\ud83d", "好?", id="half a character")]
)
def test_any_reply_can_be_stored(content: str, text: str) -> None:
    (reply,) = Aliyun.parse_replies(_pushed({**UP, "content": content}))
    assert reply.text == text
    assert isinstance(reply.text.encode(), bytes)


@pytest.mark.parametrize(
    ("name", "value"),
    [("sequence_id", "7"), ("sequence_id", True), ("content", None), ("send_time", ""), ("phone_number", "")],
)
def test_a_reply_that_is_not_as_documented_is_refused(name: str, value: Any) -> None:
    with pytest.raises(BadPush):
        Aliyun.parse_replies(_pushed({**UP, name: value}))
