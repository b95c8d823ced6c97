"""What every channel does: open, compose the request to be frozen, send frozen requests, say what came of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from notifications.errors import NotificationError
from notifications.leases import Verdict
from notifications.rendering import Mail, Sms


@dataclass(frozen=True, slots=True)
class Letter:
    """A rendered message and its envelope.

    Attributes:
        out_id: our random id, the same at every try.
        address: normalised e-mail address or mobile number.
        label: template and recipient reference; names files, holds no personal data.
        content: what was rendered.
        at: the business instant, for the Date header.
    """

    out_id: str
    address: str
    label: str
    content: Mail | Sms
    at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """A frozen request: `body` leaves exactly as it was committed."""

    out_id: str
    address: str
    label: str
    body: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request.

    accepted: the next system has it. rejected: it never will, trying again is useless. defer: not accepted, try later.
    stop: not accepted, and the channel itself is in trouble. unknown: it may or may not have been accepted.
    """

    out_id: str
    verdict: Verdict
    provider_ref: str | None = None
    code: str | None = None


@dataclass(eq=False)
class ChannelDown(NotificationError):
    """Nothing can be sent now; messages stay pending."""

    provider: str
    code: str
    zh = "消息通道 {provider} 目前不可用（{code}）；消息保留待发，请检查该通道的设置与网络。"
    en = "channel {provider} is down ({code}); messages stay pending. Check its settings and the network."


class Channel(Protocol):
    """A way out of the house."""

    @property
    def provider(self) -> str:
        """Name stored on each message it sent."""

    def open(self) -> None:
        """Get ready to send; called once per drain, before anything is claimed.

        Raises:
            ChannelDown: it cannot send now.
        """

    def compose(self, letter: Letter) -> str:
        """Return the request to be frozen; no side effects."""

    def send(self, requests: Sequence[Request]) -> list[Outcome]:
        """Send frozen requests; one outcome for each, in any order. Called without an open transaction."""

    def close(self) -> None:
        """Let go of connections and files."""
