"""The ledger: accept > number > append > flush. What stands here was accepted, whatever the caller came to know.

Append-only: the same call twice is two acceptances, as with the real providers, and both stand here.
"""

import json
import secrets
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted message.

    Attributes:
        provider: aliyun, tencent, gateway, wecom or dingtalk.
        call_id: what the caller gave as OutId, SessionContext or out_id.
        phone: 11 digits; a robot has none.
        sign: without brackets.
        template: the provider's id of it.
        values: the variables, by name or number.
        content: what the handset shows.
        ref: BizId of the call, SerialNo of the message, or the gateway's id.
        at: Unix time of acceptance, seconds.
        fails: the code with which it will be reported undeliverable, when that was clear at once.
    """

    provider: str
    call_id: str
    phone: str = field(repr=False)
    sign: str
    template: str
    values: dict[str, str] = field(repr=False)
    content: str = field(repr=False)
    ref: str
    at: float
    fails: str = ""

    @property
    def text(self) -> str:
        """The values as one text, to compare by."""
        return json.dumps(self.values, ensure_ascii=False, sort_keys=True)

    def plain(self) -> dict[str, Any]:
        """Return the fields for JSON; a third of the time that dataclasses.asdict takes."""
        return {name: getattr(self, name) for name in self.__slots__}


class Ledger:
    """All acceptances in order; also in `path` as JSON lines, when given, read again at the next start."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = Condition()
        self._entries: list[Entry] = []
        self._of: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._series, self._number = secrets.randbelow(10**9), 0
        if path is not None and path.exists():
            self._keep([Entry(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()])
        self._file = None if path is None else path.open("a", encoding="utf-8")

    def reference(self) -> int:
        """Return a new number of 18 digits, unlike those of other servers."""
        with self._lock:
            self._number += 1
            return (10**9 + self._series) * 10**8 + self._number

    def book(self, entries: Sequence[Entry]) -> range:
        """Accept messages, all of one call; returns their places in the ledger.

        The lines are flushed to the operating system, so they outlive whatever happens to caller or server; not synced
        to the disk, for nobody pulls the plug in a rehearsal.
        """
        lines = "".join(_encode(entry.plain()) + "\n" for entry in entries)
        with self._lock:
            if self._file is not None:
                self._file.write(lines)
                self._file.flush()
            self._lock.notify_all()
            return self._keep(entries)

    def wait_for(self, count: int, timeout_s: float = 10) -> bool:
        """Wait until so many messages were accepted; False when it takes too long."""
        with self._lock:
            return self._lock.wait_for(lambda: len(self._entries) >= count, timeout_s)

    def _keep(self, entries: Sequence[Entry]) -> range:
        start = len(self._entries)
        self._entries.extend(entries)
        for place, entry in enumerate(entries, start):
            self._of[entry.provider, entry.phone].append(place)
        return range(start, len(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, place: int) -> Entry:
        return self._entries[place]

    @property
    def entries(self) -> list[Entry]:
        """A copy of all entries."""
        with self._lock:
            return list(self._entries)

    def places(self, provider: str, phone: str) -> list[int]:
        """Return where the messages of one provider to one number stand, oldest first."""
        with self._lock:
            return list(self._of.get((provider, phone), ()))

    def last_provider(self, phone: str) -> str | None:
        """Return who last sent to a number."""
        for entry in reversed(self.entries):
            if entry.phone == phone:
                return entry.provider
        return None

    def duplicates(self) -> dict[str, dict[Any, int]]:
        """Return what was accepted more than once, with how often, in two ways.

        Returns:
            by_call: (call_id, phone); one call id may cover many numbers, none twice. Calls without an id are left out.
            by_content: (phone, template, values), the person's own view; also finds a repeat under a new call id.
        """
        entries = self.entries
        return {
            "by_call": _repeated([(entry.call_id, entry.phone) for entry in entries if entry.call_id]),
            "by_content": _repeated([(entry.phone, entry.template, entry.text) for entry in entries]),
        }

    def close(self) -> None:
        """Close the file; the entries stay readable."""
        if self._file is not None:
            self._file.close()


def _repeated(keys: Sequence[Hashable]) -> dict[Hashable, int]:
    return {key: times for key, times in Counter(keys).items() if times > 1}
