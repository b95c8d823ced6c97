"""Tencent Cloud SMS (sms 2021-01-11): signature > action > checks > ledger > a status for each number.

HTTP is always 200. What concerns the call is `Response.Error`; what concerns content, account or a number stands in
SendStatusSet, number by number, and the others go out. Reports and replies are gone once they were pulled.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from notifications.rehearsal.account import sms_parts
from notifications.rehearsal.calls import Answer, Call, Refusal, as_json
from notifications.rehearsal.ledger import Entry
from notifications.rehearsal.receipts import Answered, Receipt
from notifications.rehearsal.stage import Stage
from notifications.rehearsal.tc3 import Tc3
from notifications.rehearsal.tencent_checks import (
    against,
    approved,
    mainland,
    numbers_of,
    text_of,
    texts_of,
    values_of,
    whole,
)

VERSION = "2021-01-11"
_REGIONS = {"ap-beijing", "ap-guangzhou", "ap-nanjing"}
_MOST = 200
_PULL = 100
_WEEK_S = 7 * 24 * 3600


class Tencent:
    """The desk of Tencent Cloud SMS."""

    name = "tencent"
    busy = "RequestLimitExceeded"

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.gate = Tc3(stage.account, stage.clock)
        self.actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "SendSms": self._send,
            "PullSmsSendStatus": self._pull,
            "PullSmsReplyStatus": self._pull_replies,
            "PullSmsSendStatusByPhoneNumber": self._about,
        }

    def sends(self, call: Call) -> bool:
        """Only SendSms sends."""
        return call.headers["x-tc-action"] == "SendSms"

    def answer(self, call: Call) -> Answer:
        """Verify, act, answer."""
        try:
            self.gate.check(call)
            action = self._action(call)
            return _enveloped(action(_parameters(call)))
        except Refusal as refusal:
            return self.refusal(refusal)

    def _action(self, call: Call) -> Callable[[dict[str, Any]], dict[str, Any]]:
        if call.headers.get("x-tc-version") != VERSION:
            raise Refusal("NoSuchVersion", "The version does not exist.")
        action = self.actions.get(call.headers["x-tc-action"])
        if action is None:
            raise Refusal("InvalidAction", "The action does not exist.")
        region = call.headers.get("x-tc-region")
        if not region:
            raise Refusal("MissingParameter", "The request is missing the parameter X-TC-Region.")
        if region not in _REGIONS:
            raise Refusal("UnsupportedRegion", "The region is not supported.")
        return action

    def refusal(self, refusal: Refusal) -> Answer:
        """Response.Error with Code and Message."""
        return _enveloped({"Error": {"Code": refusal.code, "Message": refusal.message}}, refusal.status)

    def empty(self, call: Call) -> Answer:
        """The right set with nothing in it."""
        names = {"SendSms": "SendStatusSet", "PullSmsReplyStatus": "PullSmsReplyStatusSet"}
        return _enveloped({names.get(call.headers["x-tc-action"], "PullSmsSendStatusSet"): []})

    def _send(self, given: dict[str, Any]) -> dict[str, Any]:
        """SendSms: the same text to up to 200 numbers."""
        phones, (template_id, sign, session) = numbers_of(given, _MOST), texts_of(given)
        values = values_of(given)
        template, problem = approved(self.stage.account, text_of(given, "SmsSdkAppId"), template_id, sign, values)
        if problem is None and self.stage.faults.no_balance:
            problem = Refusal("FailedOperation.InsufficientBalanceInSmsPackage", "insufficient balance in SMS package")
        content, now = template.filled(sign, values), self.stage.clock()
        entries: list[Entry] = []
        statuses: list[dict[str, Any]] = []
        for phone in phones:
            number, held = self._number(phone)
            refused = problem or held
            if refused is None:
                ref = f"2021:{self.stage.ledger.reference()}"
                entries.append(Entry(self.name, session, number, sign, template_id, values, content, ref, now))
                statuses.append(_status(f"+86{number}", session, ref, sms_parts(content)))
            else:
                statuses.append(_status(phone, session, refused=refused))
        self.stage.book(entries)
        return {"SendStatusSet": statuses}

    def _number(self, phone: str) -> tuple[str, Refusal | None]:
        """Return the 11 digits, and what stands against them."""
        number = mainland(phone)
        if number is None:
            return "", Refusal("InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number")
        return number, against(self.stage.faults.phones.get(number))

    def _pull(self, given: dict[str, Any]) -> dict[str, Any]:
        """PullSmsSendStatus: reports not pulled before."""
        taken = self.stage.receipts.take(self.name, "pull", self._limit(given))
        return {"PullSmsSendStatusSet": [self._report(receipt) for receipt in taken]}

    def _pull_replies(self, given: dict[str, Any]) -> dict[str, Any]:
        """PullSmsReplyStatus: what people answered, not pulled before."""
        taken = self.stage.receipts.take_replies(self.name, "pull", self._limit(given))
        return {"PullSmsReplyStatusSet": [_reply(reply) for reply in taken]}

    def _about(self, given: dict[str, Any]) -> dict[str, Any]:
        """PullSmsSendStatusByPhoneNumber: reports of one number, as often as asked; none while waiting."""
        number = mainland(text_of(given, "PhoneNumber"))
        if number is None:
            raise Refusal("InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number")
        begin, limit = whole(given, "BeginTime"), self._limit(given)
        end = whole(given, "EndTime") if "EndTime" in given else int(self.stage.clock())
        if begin < self.stage.clock() - _WEEK_S - 60:
            raise Refusal("InvalidParameterValue.BeginTimeVerifyFail", "BeginTime verify fail")
        if end < begin:
            raise Refusal("InvalidParameterValue.EndTimeVerifyFail", "EndTime verify fail")
        if whole(given, "Offset") != 0:
            raise Refusal("InvalidParameterValue.OffsetVerifyFail", "Offset verify fail")
        found = [
            receipt
            for receipt in self.stage.receipts.about(self.name, number)
            if begin <= receipt.entry.at <= end + 1 and receipt.state != "waiting"
        ]
        return {"PullSmsSendStatusSet": [self._report(receipt) for receipt in found[:limit]]}

    def _limit(self, given: dict[str, Any]) -> int:
        limit = whole(given, "Limit")
        if text_of(given, "SmsSdkAppId") != self.stage.account.app_id:
            raise Refusal("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SmsSdkAppId verify fail")
        if not 1 <= limit <= _PULL:
            raise Refusal("InvalidParameterValue.LimitVerifyFail", "Limit verify fail")
        return limit

    def _report(self, receipt: Receipt) -> dict[str, Any]:
        entry, delivered = receipt.entry, receipt.state == "delivered"
        return {
            "UserReceiveTime": int(receipt.at),
            "CountryCode": "86",
            "SubscriberNumber": entry.phone,
            "PhoneNumber": f"+86{entry.phone}",
            "SerialNo": entry.ref,
            "ReportStatus": "SUCCESS" if delivered else "FAIL",
            "Description": "DELIVRD" if delivered else receipt.code,
            "SessionContext": entry.call_id if self.stage.account.session_in_reports else "",
        }


def _status(phone: str, session: str, ref: str = "", fee: int = 0, *, refused: Refusal | None = None) -> dict[str, Any]:
    code, message = ("Ok", "send success") if refused is None else (refused.code, refused.message)
    return {
        "SerialNo": ref,
        "PhoneNumber": phone,
        "Fee": fee,
        "SessionContext": session,
        "Code": code,
        "Message": message,
        "IsoCode": "CN" if refused is None else "",
    }


def _reply(reply: Answered) -> dict[str, Any]:
    return {
        "ExtendCode": "",
        "CountryCode": "86",
        "PhoneNumber": f"+86{reply.phone}",
        "SignName": reply.sign,
        "ReplyContent": reply.text,
        "ReplyTime": int(reply.at),
        "SubscriberNumber": reply.phone,
    }


def _enveloped(content: dict[str, Any], status: int = 200) -> Answer:
    return Answer(as_json({"Response": content | {"RequestId": str(uuid4())}}), status)


def _parameters(call: Call) -> dict[str, Any]:
    try:
        given = json.loads(call.body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refusal("InvalidParameter", "The body is not a JSON object.")
    return given
