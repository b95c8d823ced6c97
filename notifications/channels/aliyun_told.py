"""What Alibaba Cloud SMS pushes over HTTP: SmsReport and SmsUp, JSON arrays -> receipts and replies.

A push wants HTTP 200 and `{"code": 0}` for an answer; else it comes again after 1, 5 and 10 minutes, then never.
"""

from datetime import UTC

from notifications.channels.aliyun_codes import BLACKLISTED
from notifications.channels.enquiry import Reply, Report
from notifications.channels.fates import plain
from notifications.channels.receipts import Entry, Reader, entries, reference

_READ = Reader("aliyun")


def parse_reports(payload: bytes) -> list[Report]:
    """Read a pushed SmsReport body.

    Raises:
        BadPush: it is not as documented; nothing of it was used.
    """
    found = (_report(entry) for entry in entries("aliyun", payload))
    return [report for report in found if report is not None]


def parse_replies(payload: bytes) -> list[Reply]:
    """Read a pushed SmsUp body.

    Raises:
        BadPush: it is not as documented; nothing of it was used.
    """
    found = (_reply(entry) for entry in entries("aliyun", payload))
    return [reply for reply in found if reply is not None]


def _report(entry: Entry) -> Report | None:
    success, biz_id = entry.get("success"), _READ.reference(entry, "biz_id")
    if not isinstance(success, bool):
        raise _READ.bad("success")
    at, phone = _READ.beijing(entry, "report_time"), _READ.phone(entry, "phone_number")
    call_id = reference(entry.get("out_id"))
    if phone is None:
        return None
    if success:
        return Report(biz_id, phone, "delivered", at=at.astimezone(UTC), call_id=call_id)
    code = _READ.text(entry, "err_code")
    return Report(biz_id, phone, "undeliverable", plain(code), call_id=call_id, blocked=code in BLACKLISTED)


def _reply(entry: Entry) -> Reply | None:
    at, phone = _READ.beijing(entry, "send_time"), _READ.phone(entry, "phone_number")
    text, number = _READ.text(entry, "content", least=0), entry.get("sequence_id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise _READ.bad("sequence_id")
    return Reply(f"{number}-{at:%Y%m%d%H%M%S}", phone, text, at.astimezone(UTC)) if phone else None
