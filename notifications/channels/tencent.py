"""Tencent Cloud SMS (sms 2021-01-11): frozen values -> SendSms -> fate of each number; receipts and replies are pulled.

One call has one set of values for all its numbers: only requests of the same kin share one. Every call carries our call
id as SessionContext. Only a status "Ok" is a success, matched by number, never by place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

import httpx

from notifications.channels.contract import ChannelDown, Letter, Outcome, Request
from notifications.channels.enquiry import Found, Reply, Report, Unclear
from notifications.channels.fates import ACCEPTED, LATER, by_code, of_call, plain
from notifications.channels.gateway import Gateway, NotSent
from notifications.channels.http import InDoubt, Line
from notifications.channels.receipts import BEIJING, BadPush, mainland, reference
from notifications.channels.signers import Tc3
from notifications.channels.sms import VARIABLE_LIMIT, Approved, Frozen, in_turn, kinship
from notifications.channels.tencent_api import Api, Entries, error_code, listed
from notifications.channels.tencent_codes import BLACKLISTED, FATES
from notifications.channels.tencent_told import parse_replies, parse_reports, pulled_reply, pulled_report

GATEWAY = Gateway(
    "tencent", "TUOQI_TENCENT_URL", "https://sms.tencentcloudapi.com", frozenset({"sms.tencentcloudapi.com"})
)

REMEMBERED = timedelta(days=7) - timedelta(minutes=10)
"""How far back the provider can be asked: 7 days by its own clock."""

SETTLED = timedelta(hours=72)
"""The provider shows only what a carrier has reported on: before this, silence says nothing."""

_PORTION, _MOST_PORTIONS, _MOST_WINDOWS = 100, 500, 40

Told = TypeVar("Told")


class Tencent:
    """Tencent Cloud SMS: a `Channel` and an `Enquiry`.

    Pulling receipts and replies, and SessionContext in them, must be switched on by Tencent's service desk.

    Args:
        key_id: SecretId of a sub-account that may only use SMS.
        secret: its SecretKey.
        app_id: SmsSdkAppId.
        sign: approved sign, with or without 【】.
        templates: our template -> language -> TemplateId.
        clock: real time, aware, whatever `--at` says: it is signed.
        region: whose gateway serves us.
        gateway: where to; `dataclasses.replace` the default for another address.
        variable_limit: UTF-16 units of one value; longer ones are cut, with an ellipsis. New accounts have 6.
        settled: how long a carrier's report may take; `find` says "nothing" only after it.
        transport: stands in for the network in tests.

    Raises:
        BadGateway: the gateway may not be called.
    """

    provider = "tencent"
    batch = 200

    parse_reports = staticmethod(parse_reports)

    def __init__(  # noqa: PLR0913 - an account, what is approved in it, and a gateway
        self,
        key_id: str,
        secret: str,
        app_id: str,
        sign: str,
        templates: Mapping[str, Mapping[str, str]],
        *,
        clock: Callable[[], datetime],
        region: str = "ap-guangzhou",
        gateway: Gateway = GATEWAY,
        variable_limit: int = VARIABLE_LIMIT,
        settled: timedelta = SETTLED,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._approved = Approved(self.provider, sign.strip("【】"), templates, variable_limit)
        self._line = Line(gateway, Tc3(key_id, secret, "sms", clock), transport)
        self._api = Api(self._line, app_id, region, clock)
        self._key, self._clock, self._settled = secret.encode(), clock, settled

    def open(self) -> None:
        """Look whether the gateway may be called."""
        self._line.open()

    def carries(self, template: str, language: str) -> bool:
        """Tell whether this message has a TemplateId."""
        return self._approved.carries(template, language)

    def compose(self, letter: Letter) -> str:
        """Return what is personal to the message, to be frozen.

        Raises:
            NotApproved, LinkInValue: it cannot be sent by SMS.
        """
        return self._approved.freeze(letter)

    def kin(self, body: str) -> str:
        """Return a key: frozen requests with the same one may share a call; here their values are the same."""
        return kinship(body, "sign", "template_id", "values")

    def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        """Send frozen requests: one call; more, one at a time, where kin differ or one number spoils a call."""
        return in_turn(requests, self.kin, lambda rows: self._send(call_id, rows))

    def _send(self, call_id: str, rows: Sequence[Frozen]) -> tuple[list[Outcome], bool]:
        first = rows[0]
        told = {
            "PhoneNumberSet": [f"+86{row.phone}" for row in rows],
            "SignName": first.sign,
            "TemplateId": first.template_id,
            "TemplateParamSet": first.values,
            "SessionContext": call_id,
        }
        try:
            answer = self._api.call("SendSms", told)
        except NotSent as down:
            return [Outcome(row.out_id, "stop", code=down.code) for row in rows], False
        except InDoubt as doubt:
            return [Outcome(row.out_id, "unknown", code=doubt.code) for row in rows], False
        said = listed(answer, "SendStatusSet")
        if answer.status == 200 and said and error_code(answer) is None:
            return _each(rows, said), False
        fate, code = of_call(answer, error_code(answer), FATES, self._clock())
        return [fate.outcome(row.out_id, code) for row in rows], fate.one

    def find(self, phone: str, days: Sequence[date], call_id: str, provider_ref: str | None) -> Found | None:
        """Ask what became of one message: by number, then by SessionContext or SerialNo.

        The provider shows only messages that a carrier has reported on, of the last 7 days. A record without either of
        our names may be any message to that number: it is no answer.

        Raises:
            ChannelDown: no answer; Unclear, when what it answers proves nothing.
        """
        now = self._clock()
        begin, end = (datetime.combine(day, time(), BEIJING) for day in (min(days), max(days) + timedelta(days=1)))
        since, until = max(begin, now - REMEMBERED), min(now, end + self._settled)
        records = self._records(phone, since, until) if since < until else []
        for record in records:
            serial = record.get("SerialNo")
            if record.get("SessionContext") == call_id or (provider_ref is not None and serial == provider_ref):
                return self._found(record)
        reported = now >= min(now, end) + self._settled
        if provider_ref is not None and not reported:
            return Found("accepted", provider_ref)
        named = provider_ref is not None or all(record.get("SessionContext") for record in records)
        self._insist(
            (named, "records without SessionContext"), (begin == since, "too long ago"), (reported, "no report")
        )
        return None

    def _insist(self, *proofs: tuple[bool, str]) -> None:
        """Say nothing rather than "nothing" where a proof is missing."""
        for holds, code in proofs:
            if not holds:
                raise Unclear(self.provider, code)

    def _records(self, phone: str, begin: datetime, end: datetime) -> Entries:
        """Return all records of a window; the API has no pages, so a full answer is asked again in halves."""
        records: Entries = []
        windows = [(int(begin.timestamp()), int(end.timestamp()))]
        for _ in range(_MOST_WINDOWS):
            if not windows:
                return records
            since, until = windows.pop()
            window = {
                "BeginTime": since,
                "EndTime": until,
                "Offset": 0,
                "Limit": _PORTION,
                "PhoneNumber": f"+86{phone}",
            }
            found = self._api.ask("PullSmsSendStatusByPhoneNumber", window)
            if len(found) < _PORTION or since >= until:
                records += found
            else:
                middle = (since + until) // 2
                windows += [(since, middle), (middle + 1, until)]
        raise Unclear(self.provider, "too many records")

    def _found(self, record: Mapping[str, Any]) -> Found:
        serial, code = reference(record.get("SerialNo")), str(record.get("Description") or "")
        if record.get("ReportStatus") == "FAIL":
            return Found("undeliverable", serial, plain(code, "FAIL"), code in BLACKLISTED)
        return Found("delivered" if record.get("ReportStatus") == "SUCCESS" else "accepted", serial)

    def reports(self) -> Iterator[Sequence[Report]]:
        """Yield receipts in portions; the provider hands each out once.

        Raises:
            ChannelDown: it does not answer, or, after the readable ones were yielded, some could not be read.
        """
        return self._pull("PullSmsSendStatus", pulled_report)

    def replies(self) -> Iterator[Sequence[Reply]]:
        """Yield replies in portions, under the same conditions."""
        return self._pull("PullSmsReplyStatus", lambda entry: pulled_reply(entry, self._key))

    def parse_replies(self, payload: bytes) -> list[Reply]:
        """Read the body of a reply callback; a reply has the same id as when it is pulled.

        Raises:
            BadPush: it is not as documented; nothing of it was used.
        """
        return parse_replies(payload, self._key)

    def _pull(self, action: str, read: Callable[[Mapping[str, Any]], Told | None]) -> Iterator[list[Told]]:
        for _ in range(_MOST_PORTIONS):
            found = self._api.ask(action, {"Limit": _PORTION})
            portion, unreadable = [], ""
            for entry in found:
                try:
                    told = read(entry)
                except BadPush as bad:
                    unreadable = bad.what
                    continue
                portion += [told] if told is not None else []
            yield portion
            if unreadable:
                raise ChannelDown(self.provider, f"unreadable {unreadable}")
            if len(found) < _PORTION:
                return

    def close(self) -> None:
        """Let go of the connection."""
        self._line.close()


def _each(rows: Sequence[Frozen], said: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    """Match statuses by number. Where others got theirs, a template that is refused for one is that number's fault."""
    by_phone: dict[str | None, Mapping[str, Any]] = {}
    for status in sorted(said, key=lambda status: status.get("Code") == "Ok"):
        by_phone[mainland(str(status.get("PhoneNumber")))] = status
    outcomes = []
    for row in rows:
        status = by_phone.get(row.phone, {})
        code, serial = status.get("Code"), reference(status.get("SerialNo"))
        if not isinstance(code, str):
            outcomes.append(Outcome(row.out_id, "unknown", code="no status"))
            continue
        fate = ACCEPTED if code == "Ok" else by_code(FATES, code) or LATER
        if fate.scope == "template" and any(other.get("Code") == "Ok" for other in said):
            fate = LATER
        outcomes.append(fate.outcome(row.out_id, plain(code), serial if fate is ACCEPTED else None))
    return outcomes
