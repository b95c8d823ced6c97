"""What SMS providers share: an approved template and its values -> frozen request; frozen requests -> calls, in turn.

In China only an approved sign, an approved template and short values may be sent. The text of sms.txt is the preview.
"""

import json
import re
import time
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from notifications.channels.contract import Letter, Outcome, Request
from notifications.errors import NotificationError
from notifications.rendering import Sms
from notifications.words import shortened

VARIABLE_LIMIT = 35
"""UTF-16 units of one value that providers take; new accounts at Tencent Cloud have 6."""

_LINK = re.compile(
    r"[a-z][a-z0-9+.-]*://|\bwww\.|\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|\b(?:[a-z0-9-]+\.)+(?:com|cn|net|org|gov|edu|top|xyz|vip|cc|me|io|info|biz|shop|site|club|link|ltd|co)\b",
    re.ASCII | re.IGNORECASE,
)


@dataclass(eq=False)
class NotApproved(NotificationError):
    """The provider has no approved template for this message."""

    provider: str
    template: str
    language: str
    zh = "短信服务商 {provider} 没有模板 {template}（{language}）的编号；请先报备模板，再在设置中填入编号。"
    en = "provider {provider} has no id of template {template!r} ({language}); have it approved, then set its id."


@dataclass(eq=False)
class LinkInValue(NotificationError):
    """A value holds a web address, which no provider takes."""

    template: str
    position: int
    zh = "短信模板 {template} 的第 {position} 个变量含有网址，运营商不予发送；请从该变量中删去网址。"
    en = "SMS template {template!r}: value {position} holds a web address, which carriers refuse; take it out."


@dataclass(frozen=True, slots=True)
class Approved:
    """What a provider has approved, and lets into it.

    Attributes:
        provider: name.
        sign: of every message, without 【】.
        templates: our template -> language -> the provider's id.
        limit: UTF-16 units of one value, at least 1.
    """

    provider: str
    sign: str
    templates: Mapping[str, Mapping[str, str]]
    limit: int = VARIABLE_LIMIT

    def carries(self, template: str, language: str) -> bool:
        """Tell whether this message has an approved template."""
        return bool(self.templates.get(template, {}).get(language))

    def freeze(self, letter: Letter) -> str:
        """Return what is personal to a message as JSON, the same for the same letter; long values are shortened.

        Raises:
            NotApproved: it has no approved template here.
            LinkInValue: a value holds a web address.
        """
        assert isinstance(letter.content, Sms)
        if not self.carries(letter.template, letter.language):
            raise NotApproved(self.provider, letter.template, letter.language)
        for position, value in enumerate(letter.content.values, 1):
            if _LINK.search(unicodedata.normalize("NFKC", value)):
                raise LinkInValue(letter.template, position)
        frozen = {
            "phone": letter.address,
            "sign": self.sign,
            "template_id": self.templates[letter.template][letter.language],
            "values": [shortened(value, self.limit) for value in letter.content.values],
        }
        return json.dumps(frozen, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen request, read again."""

    out_id: str
    phone: str
    sign: str
    template_id: str
    values: tuple[str, ...]


def thaw(request: Request) -> Frozen:
    """Read a frozen request."""
    told = json.loads(request.body)
    return Frozen(request.out_id, told["phone"], told["sign"], told["template_id"], tuple(told["values"]))


def kinship(body: str, *names: str) -> str:
    """Return a key that is the same for frozen requests that agree in the named fields; it shows none of them."""
    told = json.loads(body)
    return sha256(json.dumps([told[name] for name in names]).encode()).hexdigest()


LONGEST_S = 120.0
"""No call begins later than this after the first one of the same rows."""

Call = Callable[[Sequence[Frozen]], tuple[list[Outcome], bool]]
"""Makes one call; returns its outcomes, and whether it was refused as a whole on account of one of several."""


def in_turn(requests: Iterable[Request], kin: Callable[[str], str], call: Call) -> list[Outcome]:
    """Make one call for each kin, one after the other.

    A call that was refused on account of one row is made again in halves until that row stands alone: it was refused
    as a whole, so nothing is sent twice. Behind a call in doubt or a channel in trouble nothing more flies: at most
    one call's rows are ever in doubt, and the rest goes back untried. So does the rest when calls are so slow that the
    lease of these rows might end.
    """
    ends = time.monotonic() + LONGEST_S
    groups: dict[str, list[Frozen]] = {}
    for request in requests:
        groups.setdefault(kin(request.body), []).append(thaw(request))
    waiting: deque[Sequence[Frozen]] = deque(groups.values())
    outcomes: list[Outcome] = []
    while waiting:
        if time.monotonic() > ends:
            slow = [row for rest in waiting for row in rest]
            return outcomes + [Outcome(row.out_id, "stop", code="slow") for row in slow]
        rows = waiting.popleft()
        came, split = call(rows)
        if split and len(rows) > 1:
            middle = len(rows) // 2
            waiting.extendleft((rows[middle:], rows[:middle]))
            continue
        outcomes += came
        trouble = next((outcome for outcome in came if outcome.verdict in ("stop", "unknown")), None)
        if trouble is not None:
            untried = [row for rest in waiting for row in rest]
            return outcomes + [_untried(row, trouble) for row in untried]
    return outcomes


def _untried(row: Frozen, trouble: Outcome) -> Outcome:
    if trouble.verdict == "stop":
        return Outcome(row.out_id, "stop", code=trouble.code, scope=trouble.scope, wait=trouble.wait)
    return Outcome(row.out_id, "stop", code="not tried")
