"""What every channel does: open, compose the request to be frozen, send frozen requests, say what came of each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from notifications.errors import NotificationError
from notifications.leases import Verdict
from notifications.rendering import Mail, Sms

TOMORROW: Literal["tomorrow"] = "tomorrow"
"""Wait until the district's next day, as for a provider's daily limit."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A rendered message and its envelope.

    Attributes:
        out_id: our random id, the same at every try.
        address: normalised e-mail address or mobile number, or the name of a robot.
        label: template and recipient reference; names files, holds no personal data.
        template: name of the template, by which a provider knows its own approved template.
        language: zh-CN or en.
        content: what was rendered.
        at: the business instant, for the Date header.
    """

    out_id: str
    address: str = field(repr=False)
    label: str
    template: str
    language: str
    content: Mail | Sms = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """A frozen request: `body` leaves exactly as it was committed."""

    out_id: str
    address: str = field(repr=False)
    label: str
    template: str
    language: str
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request.

    Attributes:
        out_id: of the request.
        verdict: accepted: the next system has it. rejected: it never will, trying again is useless. defer: not
            accepted, try this message later. stop: not accepted, and the channel itself is in trouble. unknown: it may
            or may not have been accepted.
        provider_ref: the provider's own number for it, when accepted.
        code: the provider's code, never its text, which may quote the address.
        scope: how far a `stop` reaches: the whole channel, or messages of this template alone (not approved).
        wait: not before so many seconds, or tomorrow; None leaves it to us. With defer it concerns the message, with
            stop the channel.
        blocked: the number is on the provider's blacklist: it opted out.
    """

    out_id: str
    verdict: Verdict
    provider_ref: str | None = None
    code: str | None = None
    scope: Literal["channel", "template"] = "channel"
    wait: float | Literal["tomorrow"] | None = None
    blocked: bool = False


@dataclass(eq=False)
class ChannelDown(NotificationError):
    """Nothing can be sent or asked now; messages stay as they are."""

    provider: str
    code: str
    zh = "消息通道 {provider} 目前不可用（{code}）；消息保留待发，请检查该通道的设置与网络。"
    en = "channel {provider} is down ({code}); messages stay pending. Check its settings and the network."


class Channel(Protocol):
    """A way out of the house."""

    @property
    def provider(self) -> str:
        """Name stored on each message it sent."""

    @property
    def batch(self) -> int:
        """The most requests of one call; a kill leaves at most so many in doubt."""

    def carries(self, template: str, language: str) -> bool:
        """Tell whether it can send this template: a provider needs an approved one of its own."""

    def open(self) -> None:
        """Get ready to send; called once per drain, before anything is claimed.

        Raises:
            ChannelDown: it cannot send now.
        """

    def compose(self, letter: Letter) -> str:
        """Return the request to be frozen; no side effects."""

    def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        """Send frozen requests in one call; one outcome for each, in any order. Called without an open transaction.

        Args:
            call_id: our random id of the call, which the provider keeps with it.
            requests: at most `batch`, all of one template and language, no address twice.
        """

    def close(self) -> None:
        """Let go of connections and files."""
