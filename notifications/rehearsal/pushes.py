"""The callbacks: take reports or replies > write them as the provider does > POST > put back what was not taken."""

import json
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from notifications.rehearsal.account import sms_parts
from notifications.rehearsal.calls import JSON, as_json
from notifications.rehearsal.receipts import Answered, Receipt, Receipts
from notifications.rehearsal.times import beijing

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_PORTION = 100
_TIMEOUT_S = 5


def push_reports(receipts: Receipts, provider: str, url: str) -> int:
    """POST all due reports of one provider, 100 at a time; returns how many the receiver took.

    Raises:
        ValueError: the URL leaves this machine, or the provider pushes nothing.
        OSError, HTTPException: nobody answers there; the portion is kept.
    """
    shape = _of(_REPORTS, provider)
    taken = 0
    while portion := receipts.take(provider, "push", _PORTION):
        if not _delivered(url, [shape(receipt) for receipt in portion], lambda: receipts.give_back(provider, portion)):
            break
        taken += len(portion)
    return taken


def push_replies(receipts: Receipts, provider: str, url: str) -> int:
    """POST what people answered; returns how many the receiver took. Tencent sends one object for each.

    Raises:
        ValueError, OSError, HTTPException: as push_reports.
    """
    shape = _of(_REPLIES, provider)
    taken = 0
    while portion := receipts.take_replies(provider, "push", 1 if provider == "tencent" else _PORTION):
        written = [shape(reply) for reply in portion]
        content = written[0] if provider == "tencent" else written
        if not _delivered(url, content, lambda: receipts.give_replies_back(provider, portion)):
            break
        taken += len(portion)
    return taken


def _of(shapes: dict[str, Callable[[Any], dict[str, Any]]], provider: str) -> Callable[[Any], dict[str, Any]]:
    if provider not in shapes:
        raise ValueError(f"{provider} pushes nothing; choose one of {', '.join(shapes)}")
    return shapes[provider]


def _delivered(url: str, content: Any, give_back: Callable[[], None]) -> bool:
    """POST; a receiver takes it with HTTP 200 and code or result 0, as both providers ask."""
    try:
        took = _post(url, content)
    except (OSError, HTTPException):
        give_back()
        raise
    if not took:
        give_back()
    return took


def _post(url: str, content: Any) -> bool:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        raise ValueError("a rehearsal pushes to http on this machine alone")
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    with closing(HTTPConnection(parts.hostname, parts.port or 80, timeout=_TIMEOUT_S)) as line:
        line.request("POST", target or "/", as_json(content), {"Content-Type": JSON})
        response = line.getresponse()
        answer = response.read()
    try:
        said = json.loads(answer)
        return response.status == 200 and said.get("code", said.get("result")) == 0
    except (ValueError, AttributeError):
        return False


def _aliyun_report(receipt: Receipt) -> dict[str, Any]:
    entry, delivered = receipt.entry, receipt.state == "delivered"
    return {
        "phone_number": entry.phone,
        "send_time": beijing(entry.at),
        "report_time": beijing(receipt.at),
        "success": delivered,
        "err_code": "DELIVERED" if delivered else receipt.code,
        "err_msg": "用户接收成功" if delivered else "用户接收失败",
        "sms_size": str(sms_parts(entry.content)),
        "biz_id": entry.ref,
        "out_id": entry.call_id,
    }


def _tencent_report(receipt: Receipt) -> dict[str, Any]:
    delivered = receipt.state == "delivered"
    return {
        "user_receive_time": beijing(receipt.at),
        "nationcode": "86",
        "mobile": receipt.entry.phone,
        "report_status": "SUCCESS" if delivered else "FAIL",
        "errmsg": "DELIVRD" if delivered else receipt.code,
        "description": "用户短信送达成功" if delivered else "用户短信接收失败",
        "sid": receipt.entry.ref,
    }


def _aliyun_reply(reply: Answered) -> dict[str, Any]:
    return {
        "phone_number": reply.phone,
        "send_time": beijing(reply.at),
        "content": reply.text,
        "sign_name": reply.sign,
        "dest_code": "1234",
        "sequence_id": reply.number,
    }


def _tencent_reply(reply: Answered) -> dict[str, Any]:
    return {
        "extend": "",
        "mobile": reply.phone,
        "nationcode": "86",
        "sign": reply.sign,
        "text": reply.text,
        "time": int(reply.at),
    }


_REPORTS: dict[str, Callable[[Any], dict[str, Any]]] = {"aliyun": _aliyun_report, "tencent": _tencent_report}
_REPLIES: dict[str, Callable[[Any], dict[str, Any]]] = {"aliyun": _aliyun_reply, "tencent": _tencent_reply}
