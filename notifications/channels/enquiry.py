"""What a provider can be asked after sending: what became of a message, receipts, and what people answered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol, runtime_checkable

from models.receipts import Report
from notifications.channels.contract import ChannelDown

__all__ = ["Enquiry", "Found", "Reply", "Report", "Unclear"]


@dataclass(eq=False)
class Unclear(ChannelDown):
    """The provider answers, but cannot tell yet, or no longer, what became of this one message; ask about others."""

    zh = "服务商 {provider} 目前无法说明这条消息的结果（{code}）；请稍后再查，期间不要重发。"
    en = "provider {provider} cannot tell what became of this message ({code}); ask later, and do not resend meanwhile."


@dataclass(frozen=True, slots=True)
class Found:
    """What a provider says of one message: accepted (on its way), delivered, or undeliverable with a code."""

    state: Literal["accepted", "delivered", "undeliverable"]
    provider_ref: str | None = None
    code: str | None = None
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMS that somebody sent us; `id` is the same however often the provider tells of it."""

    id: str
    phone: str = field(repr=False)
    text: str = field(repr=False)
    at: datetime


@runtime_checkable
class Enquiry(Protocol):
    """A provider that answers questions."""

    @property
    def provider(self) -> str:
        """The name stored on messages."""

    def open(self) -> None:
        """Get ready to ask.

        Raises:
            ChannelDown: it cannot be asked now.
        """

    def find(self, phone: str, days: Sequence[date], call_id: str, provider_ref: str | None) -> Found | None:
        """Ask what became of one message; None means that the provider has nothing of it.

        Args:
            phone: normalised mobile number.
            days: dates in Beijing time on which it may have been sent.
            call_id: our id of its call.
            provider_ref: the provider's own number, where we know it.

        Raises:
            Unclear: it cannot tell about this one; ask again later.
            ChannelDown: it does not answer.
        """

    def reports(self) -> Iterator[Sequence[Report]]:
        """Yield new receipts in portions; a provider may tell of each only once, so store one before asking for more.

        Raises:
            ChannelDown: it does not answer.
        """

    def replies(self) -> Iterator[Sequence[Reply]]:
        """Yield new answers of people in portions, under the same condition.

        Raises:
            ChannelDown: it does not answer.
        """

    def close(self) -> None:
        """Let go of connections."""
