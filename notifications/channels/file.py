"""The embedded default: messages become files under var/outbox, for demonstration, tests and a district without SMTP.

Files are complete and on the disk before they count as sent; the same out_id twice is one file, one line.
"""

import errno
import fcntl
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from notifications.channels import mime
from notifications.channels.contract import ChannelDown, Letter, Outcome, Request
from notifications.rendering import Mail, Sms

_UNSAFE = re.compile(r"[^A-Za-z0-9-]")


class MailFiles:
    """Each e-mail one .eml that any mail program opens."""

    provider = "file"
    batch = 50

    def __init__(self, folder: Path, sender: str) -> None:
        self.folder, self.sender = folder, sender

    def open(self) -> None:
        """Make the folder, for its owner only."""
        _make(self.folder)

    def compose(self, letter: Letter) -> str:
        """Return the message that will be frozen."""
        return mime.compose(letter, self.sender)

    def carries(self, _template: str, _language: str) -> bool:
        """A file takes any text."""
        return True

    def send(self, _call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        """Write files; a folder that cannot be written stops the channel."""
        try:
            for request in requests:
                self._write(request)
            _sync(self.folder)
        except OSError as error:
            return [Outcome(request.out_id, "stop", code=_code(error)) for request in requests]
        return [Outcome(request.out_id, "accepted", request.out_id) for request in requests]

    def _write(self, request: Request) -> None:
        path = self.folder / f"{_UNSAFE.sub('-', request.label)}-{request.out_id}.eml"
        new = path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(request.body.encode("ascii"))
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError:  # half a message on a full disk only takes up room
            new.unlink(missing_ok=True)
            raise

    def close(self) -> None:
        """Nothing is kept open."""


class _Lines:
    """One JSON line for each message, whoever writes it."""

    provider = "file"
    batch = 50

    def __init__(self, path: Path) -> None:
        self.folder = path.parent
        self.path = path
        self._known: set[str] = set()
        self._read_to = 0

    def open(self) -> None:
        """Make the folder, for its owner only."""
        _make(self.folder)

    def carries(self, _template: str, _language: str) -> bool:
        """A file takes any text."""
        return True

    def send(self, _call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        """Append lines under a lock; other processes may write the same file."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._append(file.fileno(), requests)
            _sync(self.folder)
        except OSError as error:
            return [Outcome(request.out_id, "stop", code=_code(error)) for request in requests]
        return [Outcome(request.out_id, "accepted", request.out_id) for request in requests]

    def _append(self, file: int, requests: Sequence[Request]) -> None:
        self._catch_up(file)
        lines = b"".join(request.body.encode() + b"\n" for request in requests if request.out_id not in self._known)
        if os.pwrite(file, lines, self._read_to) < len(lines):
            raise OSError(errno.ENOSPC, "short write")  # the cut line goes at the next look
        os.fsync(file)

    def _catch_up(self, file: int) -> None:
        """Learn what others wrote since; a last line without its end was cut by a kill and never counted."""
        size = os.fstat(file).st_size
        if size < self._read_to:
            self._known, self._read_to = set(), 0
        fresh = os.pread(file, size - self._read_to, self._read_to)
        whole = fresh.rpartition(b"\n")[0]
        self._known.update(json.loads(line)["out_id"] for line in whole.splitlines())
        self._read_to += len(whole) + (b"\n" in fresh)
        os.ftruncate(file, self._read_to)

    def close(self) -> None:
        """Nothing is kept open."""


def _code(error: OSError) -> str:
    """What stopped the channel, as the system names it: ENOSPC says more than OSError."""
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ChannelDown("file", _code(error)) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class SmsFile(_Lines):
    """Every SMS one JSON line in sms.jsonl."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "sms.jsonl")

    def compose(self, letter: Letter) -> str:
        """Return the line that will be frozen."""
        assert isinstance(letter.content, Sms)
        line = {
            "out_id": letter.out_id,
            "label": letter.label,
            "phone": letter.address,
            "text": letter.content.text,
            "parts": letter.content.parts,
            "at": letter.at.isoformat(),
        }
        return json.dumps(line, ensure_ascii=False)


class RobotFiles(_Lines):
    """Every message of a group robot one JSON line in robots.jsonl."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "robots.jsonl")

    def compose(self, letter: Letter) -> str:
        """Return the line that will be frozen."""
        assert isinstance(letter.content, Mail)
        line = {
            "out_id": letter.out_id,
            "label": letter.label,
            "robot": letter.address,
            "subject": letter.content.subject,
            "text": letter.content.text,
            "at": letter.at.isoformat(),
        }
        return json.dumps(line, ensure_ascii=False)
