"""Alibaba Cloud SMS (dysmsapi 2017-05-25): signature > action > checks of the call > ledger > Code.

SendSms and SendBatchSms take a call whole or refuse it whole. What stands against a single number of many comes out
later, in its report. Business refusals are HTTP 200, those of the gateway 4xx.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from notifications.rehearsal.acs3 import Acs3
from notifications.rehearsal.aliyun_checks import against, checked_sign, checked_values, mainland, template_of
from notifications.rehearsal.calls import Answer, Call, Refusal, as_json
from notifications.rehearsal.forms import read_form
from notifications.rehearsal.ledger import Entry
from notifications.rehearsal.receipts import Receipt
from notifications.rehearsal.stage import Stage
from notifications.rehearsal.times import beijing

VERSION = "2017-05-25"
_BATCH = 100
_SINGLE = 1000
_PAGE = 50
_STATUS = {"waiting": 1, "undeliverable": 2, "delivered": 3}


class Aliyun:
    """The desk of Alibaba Cloud SMS."""

    name = "aliyun"
    busy = "Throttling.User"

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.gate = Acs3(stage.account, stage.clock)
        self.actions: dict[str, Callable[[Mapping[str, str]], dict[str, Any]]] = {
            "SendSms": self._send,
            "SendBatchSms": self._send_batch,
            "QuerySendDetails": self._details,
        }

    def sends(self, call: Call) -> bool:
        """Sending is SendSms and SendBatchSms."""
        return call.headers["x-acs-action"].startswith("Send")

    def answer(self, call: Call) -> Answer:
        """Verify, act, answer; every answer carries a RequestId."""
        try:
            self.gate.check(call)
            content = self._action(call)(_parameters(call))
        except Refusal as refusal:
            return self.refusal(refusal)
        return Answer(as_json({"Code": "OK", "Message": "OK", "RequestId": _request_id()} | content))

    def _action(self, call: Call) -> Callable[[Mapping[str, str]], dict[str, Any]]:
        if call.headers.get("x-acs-version") != VERSION:
            raise Refusal("InvalidVersion", "Specified parameter Version is not valid.", 404)
        action = self.actions.get(call.headers["x-acs-action"])
        if action is None:
            raise Refusal("InvalidAction.NotFound", "Specified api is not found, check url and method.", 404)
        return action

    def refusal(self, refusal: Refusal) -> Answer:
        """Code and Message; the gateway's refusals add HostId."""
        content = {"Code": refusal.code, "Message": refusal.message, "RequestId": _request_id()}
        if refusal.status != 200:
            content["HostId"] = "dysmsapi.aliyuncs.com"
        return Answer(as_json(content), refusal.status)

    def empty(self, _call: Call) -> Answer:
        """An object without a Code."""
        return Answer(as_json({"RequestId": _request_id()}))

    def _send(self, given: Mapping[str, str]) -> dict[str, Any]:
        """SendSms: one text for up to 1,000 numbers, separated by commas."""
        phones = _required(given, "PhoneNumbers").split(",")
        sign, code = _required(given, "SignName"), _required(given, "TemplateCode")
        if len(phones) > _SINGLE:
            raise Refusal("isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制")
        values = _json(given.get("TemplateParam") or "{}")
        return self._accept(given, code, phones, [sign] * len(phones), [values] * len(phones))

    def _send_batch(self, given: Mapping[str, str]) -> dict[str, Any]:
        """SendBatchSms: up to 100 numbers, each with its own sign and values."""
        phones, signs = (_array(_required(given, name)) for name in ("PhoneNumberJson", "SignNameJson"))
        code = _required(given, "TemplateCode")
        values = _array(given["TemplateParamJson"]) if given.get("TemplateParamJson") else [{}] * len(phones)
        if len(phones) > _BATCH:
            raise Refusal("isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制")
        if not phones or not len(phones) == len(signs) == len(values):
            raise Refusal("isv.INVALID_PARAMETERS", "手机号码、签名、模板变量的个数不一致")
        return self._accept(given, code, phones, signs, values)

    def _accept(
        self, given: Mapping[str, str], code: str, phones: Sequence[Any], signs: Sequence[Any], values: Sequence[Any]
    ) -> dict[str, Any]:
        """Check everything, then book everything."""
        account, faults = self.stage.account, self.stage.faults
        call_id = given.get("OutId", "")
        if len(call_id) >= 256:
            raise Refusal("isv.INVALID_PARAMETERS", "OutId 长度超过限制")
        template = template_of(account, code)
        numbers = [mainland(phone) for phone in phones]
        for sign in signs:
            checked_sign(account, sign)
        filled = [checked_values(template, one) for one in values]
        if faults.no_balance:
            raise Refusal("isv.AMOUNT_NOT_ENOUGH", "账户余额不足")
        held = [against(faults.phones.get(number)) for number in numbers]
        if len(numbers) == 1 and held[0] is not None:
            raise held[0]
        fates = [hold.code if hold else "" for hold in held]
        ref, now = f"{self.stage.ledger.reference()}^0", self.stage.clock()
        self.stage.book(
            [
                Entry(self.name, call_id, number, sign, code, one, template.filled(sign, one), ref, now, fails)
                for number, sign, one, fails in zip(numbers, signs, filled, fates, strict=True)
            ]
        )
        return {"BizId": ref}

    def _details(self, given: Mapping[str, str]) -> dict[str, Any]:
        """QuerySendDetails: what was sent to one number on one day in Beijing, newest first."""
        number = mainland(_required(given, "PhoneNumber"))
        day = _required(given, "SendDate")
        size, page = _whole(given, "PageSize", _PAGE), _whole(given, "CurrentPage", 10**9)
        biz_id = given.get("BizId")
        found = [
            receipt
            for receipt in reversed(self.stage.receipts.about(self.name, number))
            if beijing(receipt.entry.at, "%Y%m%d") == day and biz_id in (None, "", receipt.entry.ref)
        ]
        shown = found[(page - 1) * size : page * size]
        details = [_detail(receipt) for receipt in shown]
        return {"TotalCount": str(len(found)), "SmsSendDetailDTOs": {"SmsSendDetailDTO": details}}


def _detail(receipt: Receipt) -> dict[str, Any]:
    entry = receipt.entry
    detail = {
        "PhoneNum": entry.phone,
        "SendStatus": _STATUS[receipt.state],
        "SendDate": beijing(entry.at),
        "TemplateCode": entry.template,
        "Content": entry.content,
        "OutId": entry.call_id,
        "ErrCode": receipt.code,
    }
    if receipt.state == "delivered":
        detail |= {"ErrCode": "DELIVERED", "ReceiveDate": beijing(receipt.at)}
    return detail


def _parameters(call: Call) -> dict[str, str]:
    """Parameters stand in the query or in a form body, some here and some there."""
    return read_form(call.query.encode("latin-1")) | read_form(call.body)


def _required(given: Mapping[str, str], name: str) -> str:
    value = given.get(name)
    if not value:
        raise Refusal(f"Missing{name}", f"{name} is mandatory for this action.", 400)
    return value


def _whole(given: Mapping[str, str], name: str, most: int) -> int:
    value = _required(given, name)
    if re.fullmatch(r"[0-9]{1,9}", value) is None or not 1 <= int(value) <= most:
        raise Refusal("isv.INVALID_PARAMETERS", f"{name} 不合法")
    return int(value)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Refusal("isv.INVALID_JSON_PARAM", "参数格式错误，请使用JSON格式") from None


def _array(text: str) -> list[Any]:
    value = _json(text)
    if not isinstance(value, list):
        raise Refusal("isv.INVALID_JSON_PARAM", "参数格式错误，请使用JSON数组")
    return value


def _request_id() -> str:
    return str(uuid4()).upper()
