"""Anchors of the audit log 审计锚: a file of lines outside the database, against which the chain inside is compared.

A line says: on this day entry number `seq` had this seal. Who rewrites the whole chain, even with its key, lacks the
lines that were copied elsewhere. Each line is sealed together with the one before it.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from rules.errors import TuoqiError

FIRST = "0" * 64
What = Literal["altered", "missing", "cut", "rewritten"]


@dataclass(eq=False)
class AnchorDamaged(TuoqiError):
    """A line of the anchor file is not what was written."""

    line: int
    zh = "审计锚文件第 {line} 行被改动或损坏；请保全现场，并与异地保存的锚文件比对。"
    en = "line {line} of the anchor file was altered or is damaged; keep everything, compare it with its copy."


class Anchor(NamedTuple):
    """One line; with `restart` the lines before it that are ahead of it no longer count: a backup was restored."""

    on: date
    seq: int
    mac: str
    restart: str
    seal: str

    def line(self) -> str:
        """The line as the file has it."""
        return json.dumps({**self._asdict(), "on": self.on.isoformat()}, ensure_ascii=False, sort_keys=True)


def anchor(key: bytes, district: str, on: date, seq: int, mac: str, previous: str, restart: str = "") -> Anchor:
    """Seal one line, after the one whose seal is `previous`; FIRST for the first."""
    told = json.dumps([district, on.isoformat(), seq, mac, restart, previous])
    return Anchor(on, seq, mac, restart, hmac.new(key, told.encode(), hashlib.sha256).hexdigest())


def read_anchors(key: bytes, district: str, lines: Iterable[str]) -> list[Anchor]:
    """Read the lines of a district's file, oldest first.

    Raises:
        AnchorDamaged: a line is not ours, or one before it is gone.
    """
    found: list[Anchor] = []
    for number, line in enumerate(lines, 1):
        previous = found[-1].seal if found else FIRST
        try:
            said = json.loads(line)
            on, seq, mac, restart, seal = (said[name] for name in Anchor._fields)
            good = anchor(key, district, date.fromisoformat(on), seq, mac, previous, restart)
        except (ValueError, KeyError, TypeError):
            raise AnchorDamaged(number) from None
        if not hmac.compare_digest(good.seal.encode(), str(seal).encode()):
            raise AnchorDamaged(number)
        found.append(good)
    return found


def standing(anchors: Iterable[Anchor]) -> list[Anchor]:
    """Return the anchors that count, in the order of entries: after a restart those ahead of it do not."""
    found: list[Anchor] = []
    for each in anchors:
        if each.restart:
            found = [other for other in found if other.seq <= each.seq]
        found.append(each)
    return sorted(found, key=lambda each: each.seq)


def first_broken(anchors: Iterable[Anchor], macs: Mapping[int, str], last: int) -> tuple[int, What] | None:
    """Compare a chain that holds by itself with its anchors.

    Args:
        anchors: those that count.
        macs: seals of the chain's entries, at least of those that are anchored.
        last: number of the chain's last entry.

    Returns:
        None if they agree; else the first entry that is not what it was: the one after the end of a chain that was
        cut, or the first after the last anchor that agrees of a chain that was written anew.
    """
    good = 0
    for each in sorted(anchors, key=lambda one: one.seq):
        if each.seq > last:
            return last + 1, "cut"
        if not hmac.compare_digest(macs.get(each.seq, "").encode(), each.mac.encode()):
            return good + 1, "rewritten"
        good = each.seq
    return None
