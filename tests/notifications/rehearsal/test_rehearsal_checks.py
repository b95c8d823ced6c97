"""What the providers refuse of a well-signed call, in their own words, and what they keep of what they take."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.rehearsal.account import Account, Approved, read_account, sms_parts
from notifications.rehearsal.forms import read_form
from notifications.rehearsal.ledger import Entry
from notifications.rehearsal.server import Rehearsal

LI, WANG = "13800000001", "13800000002"


def _values(**changed: Any) -> str:
    return json.dumps({"name": "李明", "day": "2月26日", "centre": "碧鸡中心"} | changed)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"PhoneNumbers": "1380000000"}, "isv.MOBILE_NUMBER_ILLEGAL", id="ten digits"),
        pytest.param({"PhoneNumbers": "+8613800000001"}, "OK", id="number with +86"),
        pytest.param({"PhoneNumbers": "１３８００００００１"}, "isv.MOBILE_NUMBER_ILLEGAL", id="full-width digits"),
        pytest.param({"PhoneNumbers": ",".join([LI] * 1001)}, "isv.MOBILE_COUNT_OVER_LIMIT", id="1,001 numbers"),
        pytest.param({"PhoneNumbers": ""}, "MissingPhoneNumbers", id="no number"),
        pytest.param({"SignName": "别人"}, "isv.SMS_SIGNATURE_ILLEGAL", id="a sign nobody approved"),
        pytest.param({"TemplateCode": "SMS_1"}, "isv.SMS_TEMPLATE_ILLEGAL", id="a template nobody approved"),
        pytest.param({"TemplateParam": "{"}, "isv.INVALID_JSON_PARAM", id="no JSON"),
        pytest.param({"TemplateParam": "[]"}, "isv.INVALID_JSON_PARAM", id="no object"),
        pytest.param({"TemplateParam": _values(day=26)}, "isv.INVALID_JSON_PARAM", id="a number for a text"),
        pytest.param({"TemplateParam": '{"name":"李明"}'}, "isv.TEMPLATE_MISSING_PARAMETERS", id="a variable missing"),
        pytest.param({"TemplateParam": _values(name="")}, "isv.TEMPLATE_MISSING_PARAMETERS", id="a variable empty"),
        pytest.param({"TemplateParam": _values(name="长" * 35)}, "OK", id="35 characters"),
        pytest.param({"TemplateParam": _values(name="长" * 36)}, "isv.PARAM_LENGTH_LIMIT", id="36 characters"),
        pytest.param({"TemplateParam": _values(name="见 a.cn/x")}, "isv.PARAM_NOT_SUPPORT_URL", id="a web address"),
        pytest.param({"TemplateParam": _values(name="08:30 3.5元")}, "OK", id="a time and a price are no web address"),
        pytest.param({"TemplateParam": _values(more="x")}, "OK", id="a variable too many is ignored"),
        pytest.param({"OutId": "x" * 256}, "isv.INVALID_PARAMETERS", id="an OutId of 256 characters"),
    ],
)
def test_alibaba_refuses_in_its_own_words(
    rehearsal: Rehearsal, caller: Any, changed: dict[str, str], code: str
) -> None:
    response = caller.single(LI, **changed)
    assert (response.json()["Code"], response.status_code) == (code, 400 if code.startswith("Missing") else 200)
    assert len(rehearsal.ledger) == (code == "OK")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"SignNameJson": '["托起"]'}, "isv.INVALID_PARAMETERS", id="fewer signs than numbers"),
        pytest.param({"TemplateParamJson": f"[{_values()}]"}, "isv.INVALID_PARAMETERS", id="fewer values than numbers"),
        pytest.param({"PhoneNumberJson": "[]", "SignNameJson": "[]"}, "isv.INVALID_PARAMETERS", id="nobody"),
        pytest.param({"PhoneNumberJson": LI}, "isv.INVALID_JSON_PARAM", id="no array"),
        pytest.param({"PhoneNumberJson": f'["{LI}", 7]'}, "isv.MOBILE_NUMBER_ILLEGAL", id="one bad number"),
        pytest.param({"SignNameJson": '["托起", "别人"]'}, "isv.SMS_SIGNATURE_ILLEGAL", id="one bad sign"),
        pytest.param({"SignNameJson": '["托起", []]'}, "isv.SMS_SIGNATURE_ILLEGAL", id="a sign that is no text"),
        pytest.param({"TemplateParamJson": f"[{_values()}, {{}}]"}, "isv.TEMPLATE_MISSING_PARAMETERS", id="one empty"),
    ],
)
def test_alibaba_takes_a_batch_whole_or_not_at_all(
    rehearsal: Rehearsal, caller: Any, changed: dict[str, str], code: str
) -> None:
    assert caller.batch([LI, WANG], **changed).json()["Code"] == code
    assert len(rehearsal.ledger) == 0


@pytest.mark.parametrize(
    ("size", "code"),
    [pytest.param(100, "OK", id="100"), pytest.param(101, "isv.MOBILE_COUNT_OVER_LIMIT", id="101")],
)
def test_alibaba_takes_a_hundred_in_a_batch(caller: Any, size: int, code: str) -> None:
    assert caller.batch([f"138{n:08d}" for n in range(size)]).json()["Code"] == code


def test_alibaba_takes_a_batch_without_variables(rehearsal: Rehearsal, caller: Any) -> None:
    assert caller.batch([LI, WANG], TemplateCode="SMS_100002", TemplateParamJson="").json()["Code"] == "OK"
    assert rehearsal.ledger[1].content == "【托起】系统维护通知，请留意。"


def test_alibaba_wants_its_version(caller: Any) -> None:
    response = caller.aliyun("SendSms", {}, **{"x-acs-version": "2018-01-01"})
    assert (response.status_code, response.json()["Code"]) == (404, "InvalidVersion")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"PhoneNumberSet": ["+86138"]}, "InvalidParameterValue.IncorrectPhoneNumber", id="short number"),
        pytest.param({"PhoneNumberSet": ["008613800000001"]}, "Ok", id="number with 0086"),
        pytest.param({"SmsSdkAppId": "1"}, "UnauthorizedOperation.SmsSdkAppIdVerifyFail", id="another application"),
        pytest.param({"SignName": "别人"}, "FailedOperation.SignatureIncorrectOrUnapproved", id="sign"),
        pytest.param({"TemplateId": "1"}, "FailedOperation.TemplateUnapprovedOrNotExist", id="template"),
        pytest.param(
            {"TemplateParamSet": ["一"]}, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate", id="one too few"
        ),
        pytest.param(
            {"TemplateParamSet": ["一", "二", "三"]},
            "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
            id="one too many",
        ),
        pytest.param(
            {"TemplateParamSet": ["长" * 36, "二"]},
            "InvalidParameterValue.TemplateParameterLengthLimit",
            id="36 characters",
        ),
        pytest.param(
            {"TemplateParamSet": ["https://x", "二"]},
            "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
            id="a web address",
        ),
    ],
)
def test_tencent_refuses_number_by_number(
    rehearsal: Rehearsal, caller: Any, changed: dict[str, Any], code: str
) -> None:
    status = caller.send([LI], **changed)["SendStatusSet"][0]
    assert (status["Code"], bool(status["SerialNo"]), status["Fee"]) == (code, code == "Ok", int(code == "Ok"))
    assert len(rehearsal.ledger) == (code == "Ok")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"PhoneNumberSet": []}, "MissingParameter.EmptyPhoneNumberSet", id="nobody"),
        pytest.param({"PhoneNumberSet": [LI] * 201}, "LimitExceeded.PhoneNumberCountLimit", id="201 numbers"),
        pytest.param({"PhoneNumberSet": [7]}, "InvalidParameter", id="a number that is no text"),
        pytest.param({"TemplateId": 2000001}, "InvalidParameter", id="a template that is no text"),
        pytest.param({"TemplateParamSet": [1, 2]}, "InvalidParameter", id="values that are no text"),
        pytest.param({"TemplateParamSet": 7}, "InvalidParameter", id="values that are no array"),
        pytest.param({"SessionContext": "长" * 171}, "InvalidParameterValue", id="a context of 513 bytes"),
        pytest.param({"TemplateId": None}, "MissingParameter", id="no template"),
    ],
)
def test_tencent_refuses_a_call_it_cannot_read(caller: Any, changed: dict[str, Any], code: str) -> None:
    assert caller.send([LI], **changed)["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        pytest.param("x-tc-version", "2019-07-11", "NoSuchVersion", id="an older version"),
        pytest.param("x-tc-region", "ap-kunming", "UnsupportedRegion", id="no such region"),
        pytest.param("x-tc-region", "", "MissingParameter", id="no region"),
    ],
)
def test_tencent_wants_version_and_region(caller: Any, header: str, value: str, code: str) -> None:
    assert caller.tencent("SendSms", {}, **{header: value})["Error"]["Code"] == code


def test_tencent_takes_two_hundred_numbers_and_sends_to_the_good_ones(rehearsal: Rehearsal, caller: Any) -> None:
    phones = [f"+86138{n:08d}" for n in range(199)]
    codes = [one["Code"] for one in caller.send([*phones, "+1 555"])["SendStatusSet"]]
    assert codes == ["Ok"] * 199 + ["InvalidParameterValue.IncorrectPhoneNumber"]
    assert len(rehearsal.ledger) == 199


def test_an_entry_keeps_everything_but_shows_nobody(rehearsal: Rehearsal, caller: Any, clock: Any) -> None:
    biz_id = caller.single(LI, "c7").json()["BizId"]
    content = "【托起】您好，李明，2月26日由您在碧鸡中心值班。"
    values = {"name": "李明", "day": "2月26日", "centre": "碧鸡中心"}
    assert rehearsal.ledger.entries == [
        Entry("aliyun", "c7", LI, "托起", "SMS_100001", values, content, biz_id, clock.now)
    ]
    assert LI not in repr(rehearsal.ledger.entries)
    assert "李明" not in repr(rehearsal.ledger.entries)


def test_a_repeat_under_a_new_call_id_shows_by_content(rehearsal: Rehearsal, caller: Any) -> None:
    caller.batch([LI, WANG], "c1")
    caller.single(LI, "c2")
    found = rehearsal.ledger.duplicates()
    assert found["by_call"] == {}
    assert [(phone, times) for (phone, *_), times in found["by_content"].items()] == [(LI, 2)]


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=4), st.text("%aF0=&+z", max_size=8))
def test_forms_are_read_as_the_standard_library_reads_them(pairs: list[tuple[str, str]], noise: str) -> None:
    text = f"{urlencode(pairs, errors='replace')}&{noise}"
    assert read_form(text.encode()) == dict(parse_qsl(text, keep_blank_values=True))


@pytest.mark.parametrize(
    ("units", "parts"), [pytest.param(70, 1, id="70"), pytest.param(71, 2, id="71"), pytest.param(135, 3, id="135")]
)
def test_long_messages_are_billed_in_parts_of_67(units: int, parts: int) -> None:
    assert sms_parts("长" * units) == parts


def test_an_account_is_read_from_json(tmp_path: Any) -> None:
    path = tmp_path / "account.json"
    given = {"signs": ["托起"], "aliyun": {"SMS_1": {"text": "${a}", "limit": 6}}, "tencent": {"1": "{1}"}}
    path.write_text(json.dumps(given), encoding="utf-8")
    assert read_account(path) == Account(aliyun={"SMS_1": Approved("${a}", 6)}, tencent={"1": Approved("{1}")})
