"""What Tencent Cloud SMS tells: callbacks it makes, and entries that it hands out once -> receipts and replies.

A callback wants HTTP 200 and `{"result": 0, "errmsg": "OK"}` for an answer. A reply has no number of its own: its id is
made of what it says, under our key, so that no number can be guessed from it.
"""

import hmac
from datetime import UTC, datetime

from notifications.channels.enquiry import Reply, Report
from notifications.channels.fates import plain
from notifications.channels.receipts import Entry, Reader, entries, reference
from notifications.channels.tencent_codes import BLACKLISTED

_READ = Reader("tencent")


def parse_reports(payload: bytes) -> list[Report]:
    """Read the body of a status callback.

    Raises:
        BadPush: it is not as documented; nothing of it was used.
    """
    found = (_called_back(entry) for entry in entries("tencent", payload))
    return [report for report in found if report is not None]


def parse_replies(payload: bytes, key: bytes) -> list[Reply]:
    """Read the body of a reply callback.

    Args:
        payload: as it came.
        key: makes ids.

    Raises:
        BadPush: it is not as documented; nothing of it was used.
    """
    found = (_reply(entry, key, ("mobile", "text", "time")) for entry in entries("tencent", payload))
    return [reply for reply in found if reply is not None]


def pulled_report(entry: Entry) -> Report | None:
    """Read an entry of PullSmsSendStatus; None when it is not about a number of the mainland."""
    phone, call_id = _READ.phone(entry, "PhoneNumber"), reference(entry.get("SessionContext"))
    serial, state = _READ.reference(entry, "SerialNo"), _READ.text(entry, "ReportStatus")
    if state == "SUCCESS":
        return _delivered(serial, phone, _READ.unix(entry, "UserReceiveTime"), call_id)
    return _undeliverable(serial, phone, state, _READ.text(entry, "Description", least=0), call_id)


def pulled_reply(entry: Entry, key: bytes) -> Reply | None:
    """Read an entry of PullSmsReplyStatus; None when it is not from a number of the mainland."""
    return _reply(entry, key, ("PhoneNumber", "ReplyContent", "ReplyTime"))


def _called_back(entry: Entry) -> Report | None:
    phone, nation = _READ.phone(entry, "mobile"), _READ.text(entry, "nationcode")
    serial, state = _READ.reference(entry, "sid"), _READ.text(entry, "report_status")
    phone = phone if nation.removeprefix("+") == "86" else None
    if state == "SUCCESS":
        return _delivered(serial, phone, _READ.beijing(entry, "user_receive_time").astimezone(UTC), None)
    return _undeliverable(serial, phone, state, _READ.text(entry, "errmsg", least=0), None)


def _delivered(serial: str, phone: str | None, at: datetime, call_id: str | None) -> Report | None:
    return Report(serial, phone, "delivered", at=at, call_id=call_id) if phone else None


def _undeliverable(serial: str, phone: str | None, state: str, code: str, call_id: str | None) -> Report | None:
    if state != "FAIL":
        raise _READ.bad("report status")
    if phone is None:
        return None
    blocked = code in BLACKLISTED
    return Report(serial, phone, "undeliverable", plain(code, "FAIL"), call_id=call_id, blocked=blocked)


def _reply(entry: Entry, key: bytes, names: tuple[str, str, str]) -> Reply | None:
    phone, text = _READ.phone(entry, names[0]), _READ.text(entry, names[1], least=0)
    at = _READ.unix(entry, names[2])
    if phone is None or entry.get("nationcode", "86") not in ("86", "+86"):
        return None
    told = f"{phone}\n{at.timestamp():.0f}\n{text}".encode()
    return Reply(hmac.digest(key, told, "sha256").hex()[:32], phone, text, at)
