"""Alibaba Cloud SMS (dysmsapi 2017-05-25): frozen values -> SendSms or SendBatchSms -> fates; QuerySendDetails.

Every call carries our call id as OutId, which a number and a date find again. Only Code "OK" is a success. The texts of
one batch may differ; one wrong number refuses the whole batch, which is then tried in halves.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from notifications.channels.aliyun_codes import BLACKLISTED, FATES, frequency
from notifications.channels.aliyun_told import parse_replies, parse_reports
from notifications.channels.contract import ChannelDown, Letter, Outcome, Request
from notifications.channels.enquiry import Found, Reply, Report, Unclear
from notifications.channels.fates import ACCEPTED, of_call, plain
from notifications.channels.gateway import Gateway, NotSent
from notifications.channels.http import Answer, InDoubt, Line
from notifications.channels.receipts import BEIJING, reference
from notifications.channels.signers import Acs3
from notifications.channels.sms import VARIABLE_LIMIT, Approved, Frozen, in_turn, kinship

GATEWAY = Gateway("aliyun", "TUOQI_ALIYUN_URL", "https://dysmsapi.aliyuncs.com", frozenset({"dysmsapi.aliyuncs.com"}))

REMEMBERED = timedelta(days=30)
"""How far back the provider can be asked."""

_PAGE, _MOST_PAGES = 50, 20
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Aliyun:
    """Alibaba Cloud SMS: a `Channel` and an `Enquiry`.

    A template's variables are named by position: p1, p2, ... in the order of sms.txt.

    Args:
        key_id: AccessKey id of a RAM user that may only use SMS.
        secret: its secret.
        sign: approved sign, with or without 【】.
        templates: our template -> language -> TemplateCode.
        clock: real time, aware, whatever `--at` says: it is signed.
        gateway: where to; `dataclasses.replace` the default for another address.
        variable_limit: UTF-16 units of one value; longer ones are cut, with an ellipsis.
        transport: stands in for the network in tests.

    Raises:
        BadGateway: the gateway may not be called.
    """

    provider = "aliyun"
    batch = 100

    parse_reports = staticmethod(parse_reports)
    parse_replies = staticmethod(parse_replies)

    def __init__(
        self,
        key_id: str,
        secret: str,
        sign: str,
        templates: Mapping[str, Mapping[str, str]],
        *,
        clock: Callable[[], datetime],
        gateway: Gateway = GATEWAY,
        variable_limit: int = VARIABLE_LIMIT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._approved = Approved(self.provider, sign.strip("【】"), templates, variable_limit)
        self._line = Line(gateway, Acs3(key_id, secret, clock), transport)
        self._clock = clock

    def open(self) -> None:
        """Look whether the gateway may be called."""
        self._line.open()

    def carries(self, template: str, language: str) -> bool:
        """Tell whether this message has a TemplateCode."""
        return self._approved.carries(template, language)

    def compose(self, letter: Letter) -> str:
        """Return what is personal to the message, to be frozen.

        Raises:
            NotApproved, LinkInValue: it cannot be sent by SMS.
        """
        return self._approved.freeze(letter)

    def kin(self, body: str) -> str:
        """Return a key: frozen requests with the same one may share a call; here texts may differ."""
        return kinship(body, "sign", "template_id")

    def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        """Send frozen requests: one call; more, one at a time, where kin differ or one row spoils a batch."""
        return in_turn(requests, self.kin, lambda rows: self._send(call_id, rows))

    def _send(self, call_id: str, rows: Sequence[Frozen]) -> tuple[list[Outcome], bool]:
        try:
            answer = self._one(call_id, rows[0]) if len(rows) == 1 else self._batch(call_id, rows)
        except NotSent as down:
            return [Outcome(row.out_id, "stop", code=down.code) for row in rows], False
        except InDoubt as doubt:
            return [Outcome(row.out_id, "unknown", code=doubt.code) for row in rows], False
        told = answer.json() or {}
        if answer.status == 200 and told.get("Code") == "OK":
            return [ACCEPTED.outcome(row.out_id, None, reference(told.get("BizId"))) for row in rows], False
        fate, code = of_call(answer, _refusal(told), FATES, self._clock())
        fate = frequency(fate, str(told.get("Message")))
        return [fate.outcome(row.out_id, code) for row in rows], fate.one

    def _one(self, call_id: str, row: Frozen) -> Answer:
        named = {"TemplateParam": _named(row)} if row.values else {}
        query = {"PhoneNumbers": row.phone, "SignName": row.sign, "TemplateCode": row.template_id, "OutId": call_id}
        return self._call("SendSms", {**query, **named})

    def _batch(self, call_id: str, rows: Sequence[Frozen]) -> Answer:
        lists = {
            "PhoneNumberJson": _json([row.phone for row in rows]),
            "SignNameJson": _json([row.sign for row in rows]),
        }
        if any(row.values for row in rows):
            lists["TemplateParamJson"] = f"[{','.join(map(_named, rows))}]"
        query = {"TemplateCode": rows[0].template_id, "OutId": call_id}
        return self._call("SendBatchSms", query, _FORM, urlencode(lists).encode())

    def _call(
        self, action: str, query: Mapping[str, str], headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        headers = {"x-acs-action": action, "x-acs-version": "2017-05-25", **(headers or {})}
        return self._line.post(query, headers, body)

    def find(self, phone: str, days: Sequence[date], call_id: str, provider_ref: str | None) -> Found | None:
        """Ask what became of one message: by number, date and OutId; where we know the BizId, only of that call.

        Raises:
            ChannelDown: no answer; Unclear, when it may have been sent longer ago than the provider remembers.
        """
        today = self._clock().astimezone(BEIJING).date()
        narrow = {"BizId": provider_ref} if provider_ref else {}
        for day in sorted({day for day in days if today - REMEMBERED <= day <= today}):
            for detail in self._details({"PhoneNumber": phone, "SendDate": f"{day:%Y%m%d}", **narrow}):
                told = detail.get("OutId")
                if told == call_id or (provider_ref and not told):
                    return self._found(detail, provider_ref)
        if any(day < today - REMEMBERED for day in days):
            raise Unclear(self.provider, "too long ago")
        return None

    def _details(self, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        for page in range(1, _MOST_PAGES + 1):
            total, details = self._page({**query, "PageSize": str(_PAGE), "CurrentPage": str(page)})
            yield from details
            if not details or page * _PAGE >= total:
                return
        raise Unclear(self.provider, "too many details")

    def _page(self, query: Mapping[str, str]) -> tuple[int, list[dict[str, Any]]]:
        answer = self._call("QuerySendDetails", query)
        told = answer.json() or {}
        if answer.status != 200 or told.get("Code") != "OK":
            raise ChannelDown(self.provider, of_call(answer, _refusal(told), FATES, self._clock())[1])
        try:
            total, details = int(told["TotalCount"]), told["SmsSendDetailDTOs"]["SmsSendDetailDTO"]
            return total, [dict(detail) for detail in details]
        except (KeyError, TypeError, ValueError) as error:
            raise ChannelDown(self.provider, "unreadable details") from error

    def _found(self, detail: Mapping[str, Any], provider_ref: str | None) -> Found:
        status, code = detail.get("SendStatus"), str(detail.get("ErrCode") or "")
        if status == 2:
            return Found("undeliverable", provider_ref, plain(code), code in BLACKLISTED)
        if status not in (1, 3):
            raise Unclear(self.provider, "unreadable details")
        return Found("accepted" if status == 1 else "delivered", provider_ref)

    def reports(self) -> Iterator[Sequence[Report]]:
        """Nothing: receipts are pushed, see `parse_reports`."""
        yield from ()

    def replies(self) -> Iterator[Sequence[Reply]]:
        """Nothing: replies are pushed, see `parse_replies`."""
        yield from ()

    def close(self) -> None:
        """Let go of the connection."""
        self._line.close()


def _named(row: Frozen) -> str:
    return _json({f"p{position}": value for position, value in enumerate(row.values, 1)})


def _json(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _refusal(told: Mapping[str, Any]) -> str | None:
    """Return the code of a refusal; a 200 with OK has none, and OK with another status says nothing."""
    code = told.get("Code")
    return code if isinstance(code, str) and code != "OK" else None
