"""What SMS providers tell us by themselves: receipts and replies, to an address with a secret in it -> stored.

A provider repeats what is not answered rightly, and may repeat what was; receipts and replies are single by key.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlmodel import Session

from flows.answer_page.desk import Desk
from flows.replies import hear_reply
from notifications.channels.enquiry import Reply, Report
from notifications.errors import NotificationError

T = TypeVar("T")
ParseReports = Callable[[bytes], Sequence[Report]]
ParseReplies = Callable[[bytes], Sequence[Reply]]
StoreReports = Callable[[Session, str, Sequence[Report], datetime], object]


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider speaks: its two payloads, read from the body as it came, and the answer it takes for a yes."""

    parse_reports: ParseReports
    parse_replies: ParseReplies
    yes: Mapping[str, Any]


class BadPayload(Exception):
    """It cannot be read; nothing of it was stored."""


ALIYUN_YES = {"code": 0, "msg": "成功"}
TENCENT_YES = {"result": 0, "errmsg": "OK"}


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Which providers may call, and where what they tell is stored."""

    providers: Mapping[str, Provider] = field(default_factory=dict)
    store_reports: StoreReports | None = None

    def hear(self, desk: Desk, provider: str, what: str, body: bytes) -> Mapping[str, Any] | None:
        """Store what a provider tells; return its yes, or None when there is no such provider or subject.

        Raises:
            BadPayload: the payload is not what the provider's manual says.
        """
        known = self.providers.get(provider)
        if known is None:
            return None
        if what == "replies":
            for reply in _parsed(known.parse_replies, body):
                hear_reply(desk.database, desk.settings, provider, reply)
            return known.yes
        if what == "reports" and self.store_reports is not None:
            reports = _parsed(known.parse_reports, body)
            with desk.database.write() as session:
                self.store_reports(session, provider, reports, desk.now)
            return known.yes
        return None


def _parsed(parse: Callable[[bytes], Sequence[T]], body: bytes) -> list[T]:
    try:
        return list(parse(body))
    except (NotificationError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise BadPayload from None
