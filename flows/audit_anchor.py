"""The audit log and its anchor outside the database: walk the chain -> compare it with every line -> add today's line.

The file is TUOQI_ANCHOR_DIR/DISTRICT.jsonl, by default under var/anchor; copy it to another machine, or put it where
nobody can rewrite it. Lines are only added, under a lock, and are on disk before the command ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from sqlmodel import Session

from flows.failures import writing
from flows.jobs import Result
from flows.settings import Settings
from models import audit
from models.audit import Break
from models.db import Database, keys_of
from models.restores import restored_after
from rules.anchors import FIRST, Anchor, anchor, first_broken, read_anchors, standing
from rules.errors import TuoqiError, say

STALE = timedelta(days=2)
WHATS = {
    "altered": ("被改动", "altered"),
    "missing": ("被删除", "deleted"),
    "cut": ("之后的记录被截断", "and what follows were cut off"),
    "rewritten": ("起被整体改写", "and what follows were written anew"),
}


class Entry(NamedTuple):
    """An entry of the log: its number and its seal; 0 and "" before the first."""

    seq: int
    mac: str


@dataclass(eq=False)
class AuditBroken(TuoqiError):
    """The chain does not hold, by itself or against its anchors."""

    seq: int
    what: str
    district: str
    zh = (
        "区县 {district} 的审计记录第 {seq} 条{said}；请保全现场，不要继续写入，"
        "与备份和异地保存的锚文件比对，查清何人改动了数据库。"
    )
    en = (
        "audit entry {seq} of {district} {said}; keep everything as it is, compare with backups and anchors, find out "
        "who did it."
    )

    @property
    def said(self) -> str:
        """What was done to it."""
        return say(*WHATS[self.what])

    def __str__(self) -> str:
        return say(self.zh, self.en).format(seq=self.seq, said=self.said, district=self.district)


def anchor_file(settings: Settings) -> Path:
    """Where the lines of the district are."""
    folder = settings.anchor_dir or settings.folder("anchor")
    return folder / f"{settings.district}.jsonl"


def anchors(settings: Settings) -> list[Anchor]:
    """Read the anchors of the district, oldest first.

    Raises:
        AnchorDamaged: a line is not what was written.
    """
    try:
        lines = anchor_file(settings).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return read_anchors(settings.keys().audit, settings.district, lines)


def broken(session: Session, settings: Settings, lines: list[Anchor]) -> Break | None:
    """Return the first entry that does not hold, by itself or against the anchors."""
    found, counted = audit.verify(session, settings.district), standing(lines)
    last, macs = audit.macs_at(session, settings.district, [each.seq for each in counted])
    against = first_broken(counted, macs, last)
    breaks = [each for each in (found, against and Break(settings.district, *against)) if each]
    return min(breaks, key=lambda each: each.seq, default=None)


def verify(database: Database, settings: Settings) -> Result:
    """Compare the district's audit log with itself and with its anchors.

    Raises:
        AnchorDamaged, AuditBroken: the first thing that does not hold.
    """
    lines = anchors(settings)
    with database.read() as session:
        if wrong := broken(session, settings, lines):
            raise AuditBroken(wrong.seq, wrong.what, settings.district)
        entries, _ = audit.macs_at(session, settings.district, [])
    restarts = sum(bool(each.restart) for each in lines)
    last = lines[-1].on if lines else None
    return {"entries": entries, "anchors": len(lines), "restarts": restarts, "last_anchor": last, "holds": True}


def add_anchor(database: Database, settings: Settings, restart: str = "") -> Result:
    """Verify, then add today's line; once a day is enough, and a day without news has a line too.

    Args:
        database: whose log.
        settings: district, clock, folder.
        restart: why lines that do not fit the log count no longer, such as a backup that was restored.

    Raises:
        AnchorDamaged, AuditBroken: nothing is added to a log that does not hold.
        CannotWrite: the disk is full, say; nothing of the line stays.
    """
    path = anchor_file(settings)
    with writing(path), _locked(path) as file, database.read() as session:
        lines = anchors(settings)
        fork = _fork(session, settings, lines) if restart else None
        counted = lines if fork is None else [each for each in lines if each.seq <= fork.seq]
        if wrong := broken(session, settings, counted):
            raise AuditBroken(wrong.seq, wrong.what, settings.district)
        before = len(lines)
        if fork is not None and fork != _end(session, settings):
            _write(file, session, settings, lines, fork, restart)
            restart = ""
        last, today = _end(session, settings), settings.today()
        known = lines[-1] if lines else None
        if last.seq and (restart or known is None or (known.on, known.seq) != (today, last.seq)):
            _write(file, session, settings, lines, last, restart)
    return {"entries": last.seq, "anchors": len(lines), "added": len(lines) > before, "file": str(path)}


def _fork(session: Session, settings: Settings, lines: list[Anchor]) -> Entry:
    """The last anchored entry on which log and anchors agree; the log is another one from there on.

    A log that is only shorter than its anchors was cut by a restore. One that goes on otherwise must say that it was
    restored: who writes a chain anew is not helped by a reason.

    Raises:
        AuditBroken: it says nothing of a restore.
    """
    counted = standing(lines)
    last, macs = audit.macs_at(session, settings.district, [each.seq for each in counted])
    fork, strange = Entry(0, ""), False
    for each in counted:
        if macs.get(each.seq) != each.mac:
            strange = each.seq <= last
            break
        fork = Entry(each.seq, each.mac)
    if strange and not restored_after(session, settings.district, fork.seq):
        raise AuditBroken(fork.seq + 1, "rewritten", settings.district)
    return fork


def _write(file: int, session: Session, settings: Settings, lines: list[Anchor], entry: Entry, restart: str) -> None:
    previous = lines[-1].seal if lines else FIRST
    key = keys_of(session).audit
    line = anchor(key, settings.district, settings.today(), entry.seq, entry.mac, previous, restart)
    _append(file, line.line() + "\n")
    lines.append(line)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Open the file for adding, for one process at a time."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _append(file: int, line: str) -> None:
    """Add a line and bring it to the disk, or leave none of it: half a line would count as one that was altered."""
    size = os.fstat(file).st_size
    try:
        left = line.encode()
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    except OSError:
        with suppress(OSError):  # a disk that only appends keeps it, and the next look says so
            os.ftruncate(file, size)
        raise


def _end(session: Session, settings: Settings) -> Entry:
    last, _ = audit.macs_at(session, settings.district, [])
    return Entry(last, audit.macs_at(session, settings.district, [last])[1].get(last, ""))
