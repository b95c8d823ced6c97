"""What a provider's answer means for a message: HTTP status and the provider's code -> fate -> outcome.

A code is looked up whole, then by what stands before its first dot. A code that nobody knows refuses the call and stops
the template: nothing is lost, nobody is called again and again, and the operator is told which code it was.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from notifications.channels.contract import TOMORROW, Outcome
from notifications.channels.http import Answer
from notifications.leases import Verdict

_CODE = re.compile(r"[A-Za-z0-9:._-]{1,64}")
_NUMBER = re.compile(r"\d{7}")


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of the messages of a call, or of one of them.

    Attributes:
        verdict: as in `Outcome`.
        scope: as in `Outcome`.
        wait: as in `Outcome`.
        blocked: as in `Outcome`.
        one: one number or text of the call is at fault: the others are tried without it.
    """

    verdict: Verdict
    scope: Literal["channel", "template"] = "channel"
    wait: float | Literal["tomorrow"] | None = None
    blocked: bool = False
    one: bool = False

    def outcome(self, out_id: str, code: str | None, provider_ref: str | None = None) -> Outcome:
        """Return it for one message."""
        told = None if self.verdict == "accepted" else code
        return Outcome(out_id, self.verdict, provider_ref, told, self.scope, self.wait, self.blocked)


ACCEPTED = Fate("accepted")
UNKNOWN = Fate("unknown")
STOP = Fate("stop")
STOP_TEMPLATE = Fate("stop", scope="template")
STOP_TODAY = Fate("stop", wait=TOMORROW)
REJECTED = Fate("rejected", one=True)
BLOCKED = Fate("rejected", blocked=True, one=True)
LATER = Fate("defer", one=True)
NOT_TODAY = Fate("defer", wait=TOMORROW, one=True)

Fates = Mapping[str, Fate]
"""Fates by code, or by the part of a code before its first dot."""

_STATUS = {
    303: UNKNOWN,  # "see elsewhere" may follow upon something done
    400: LATER,
    408: UNKNOWN,
    413: LATER,
    414: LATER,
    422: LATER,
}


def by_code(fates: Fates, code: str) -> Fate | None:
    """Return what a code means; None when nobody knows."""
    return fates.get(code) or fates.get(code.partition(".")[0])


def by_status(status: int) -> Fate:
    """Decide by HTTP status alone, when the body is not the provider's word.

    A 2xx that cannot be read may be a success, and a 5xx may come from a relay after the provider took the request:
    both are unknown. Redirects and 4xx refuse; most of them concern whoever calls, not this message.
    """
    if 200 <= status < 300 or status >= 500:
        return UNKNOWN
    return _STATUS.get(status, STOP)


def of_call(answer: Answer, code: str | None, fates: Fates, now: datetime) -> tuple[Fate, str]:
    """Return the fate of a whole call that was not accepted, and the code to keep.

    Args:
        answer: the answer.
        code: the provider's own code in it, where there is one.
        fates: the provider's.
        now: real time, for a Retry-After that names an instant.
    """
    kept = plain(code) if code else f"http {answer.status}"
    wait = answer.retry_after(now)
    if answer.status in (429, 503) and wait is not None:
        return Fate("stop", wait=wait), kept
    if not code:
        return by_status(answer.status), kept
    return by_code(fates, code) or (UNKNOWN if answer.status >= 500 else STOP_TEMPLATE), kept


def plain(code: str, otherwise: str = "unreadable code") -> str:
    """Return a code as it is, or a stand-in for what is none: a provider's text may quote a number."""
    return code if _CODE.fullmatch(code) and not _NUMBER.search(code) else otherwise
