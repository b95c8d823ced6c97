"""One call as it came over the line, and the answer as it shall leave, well or badly."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

JSON = "application/json"
Ending = Literal["whole", "half", "silent", "reset"]


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request; header names are lower case, `query` is still percent-encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response and how it ends.

    Attributes:
        body: bytes of the body.
        status: HTTP status.
        type: content type.
        headers: further headers.
        ending: whole; half of the body, then closed; silent until the caller hangs up; reset (RST) without a byte.
        wait_s: seconds before the first byte.
    """

    body: bytes = field(repr=False)
    status: int = 200
    type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Ending = "whole"
    wait_s: float = 0


@dataclass(eq=False)
class Refusal(Exception):
    """A provider refuses a call, in its own words; it becomes an answer and never leaves the server."""

    code: str
    message: str
    status: int = 200


class Desk(Protocol):
    """One provider's protocol."""

    @property
    def name(self) -> str:
        """The provider's name in the ledger."""

    @property
    def busy(self) -> str:
        """Its code for too many calls."""

    def sends(self, call: Call) -> bool:
        """Tell whether the call sends messages; all others ask or fetch."""

    def answer(self, call: Call) -> Answer:
        """Do what the call asks and answer as the provider does."""

    def refusal(self, refusal: Refusal) -> Answer:
        """Wrap a refusal in the provider's envelope."""

    def empty(self, call: Call) -> Answer:
        """Answer in the right envelope with nothing in it."""


def as_json(content: Any) -> bytes:
    """Return compact JSON, Chinese as it is."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
