"""The key file: made once, read by every process, read again when it has changed, edited whole or not at all.

    {"current": 2, "sealing": {"1": KEY, "2": KEY}, "since": {"2": INSTANT}, "index": KEY, "audit": KEY}

A KEY is 32 bytes in base64. `since` says when a sealing key came into use; the first has been there from the beginning.
"""

import base64
import fcntl
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.seal import KeyRing
from rules.errors import TuoqiError

_KEY_BYTES = 32


class SettingsError(TuoqiError):
    """The service may not start with these settings."""


@dataclass(eq=False)
class NoKeys(SettingsError):
    """Production never makes its own keys."""

    path: Path
    zh = "生产环境缺少密钥文件 {path}；请由管理员放置密钥文件（tuoqi keys 生成）并设置 TUOQI_KEY_FILE。"
    en = "no key file at {path}; in production an administrator places it (`tuoqi keys` makes one): set TUOQI_KEY_FILE."


@dataclass(eq=False)
class OpenKeys(SettingsError):
    """Somebody else can read the keys."""

    path: Path
    zh = "密钥文件 {path} 可被他人读取；请执行 chmod 600 后再启动。"
    en = "key file {path} can be read by others; chmod 600 it, then start again."


@dataclass(eq=False)
class BadKeys(SettingsError):
    """The key file is damaged."""

    path: Path
    zh = "密钥文件 {path} 无法读取或识别；请检查其属主，或从密钥备份恢复。"
    en = "key file {path} cannot be read or understood; check its owner, or restore it from the key backup."


class KeyFile:
    """A key file and the ring it gave; called, it gives the ring as the file has it now, for KeyRing.source.

    A file that cannot be read at the moment, or that holds the keys of another database, changes nothing for a process
    that runs: it would seal what nobody can open.
    """

    def __init__(self, path: Path, suite: int) -> None:
        self._path, self._suite = path, suite
        self._stamp = _stamp(path)
        self.ring = self._read()

    def __call__(self, ring: KeyRing) -> KeyRing:
        """Return the ring as it is now: the one given while its keys are still those of the file."""
        with suppress(OSError, SettingsError):
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                read = self._read()
                self._stamp = stamp
                self.ring = read if _belongs(self.ring, read) else self.ring
        return ring if ring.sealing is self.ring.sealing else replace(self.ring, suite=ring.suite)

    def _read(self) -> KeyRing:
        return replace(read_keys(self._path), suite=self._suite, source=self)


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _belongs(known: KeyRing, read: KeyRing) -> bool:
    """Tell whether two rings are of one database: what both have is the same."""
    both = known.sealing.keys() & read.sealing.keys()
    same = all(known.sealing[number] == read.sealing[number] for number in both)
    return same and bool(both) and (known.index, known.audit) == (read.index, read.audit)


def fresh_key() -> str:
    """Return a new key as it stands in the file."""
    return base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def write_keys(path: Path) -> None:
    """Make a new key file, readable by its owner only; it appears whole or not at all.

    Raises:
        FileExistsError: there is one already; keys are never replaced.
    """
    content = {"current": 1, "sealing": {"1": fresh_key()}, "index": fresh_key(), "audit": fresh_key()}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_beside(path, content, once=True)


def write_beside(path: Path, content: Mapping[str, Any], *, once: bool) -> None:
    """Write a file of keys as a draft, then put it in its place in one step, for its owner (0600) only.

    Args:
        path: where it comes to lie.
        content: of the JSON.
        once: refuse to replace a file that is there.

    Raises:
        FileExistsError: it is there, and may not be replaced.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file, indent=1)
            file.flush()
            _keep_owner(file.fileno(), path)
            os.fsync(file.fileno())
        if once:
            os.link(draft, path)
        else:
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _keep_owner(descriptor: int, path: Path) -> None:
    """An administrator who edits the file of the service's user leaves it to him."""
    with suppress(FileNotFoundError):
        there, here = path.stat(), os.fstat(descriptor)
        if (there.st_uid, there.st_gid) != (here.st_uid, here.st_gid):
            os.fchown(descriptor, there.st_uid, there.st_gid)


@contextmanager
def edited(path: Path) -> Iterator[dict[str, Any]]:
    """Give the content of a key file to change; at the end it is written, unless there was an error.

    Raises:
        OpenKeys, BadKeys: the file may not be trusted; it stays as it is.
    """
    path = path.resolve()  # a link stays a link
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        read_keys(path)
        content: dict[str, Any] = json.loads(path.read_text())
        yield content
        write_beside(path, content, once=False)


def read_keys(path: Path) -> KeyRing:
    """Read a key file.

    Raises:
        OpenKeys, BadKeys: it is readable by others, or damaged.
    """
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise OpenKeys(path)
    try:
        content = json.loads(path.read_text())
        sealing = {int(number): _key(text) for number, text in content["sealing"].items()}
        sealing[content["current"]]  # the key for new values is here
        return KeyRing(sealing, content["current"], _key(content["index"]), _key(content["audit"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadKeys(path) from error


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != _KEY_BYTES:
        raise ValueError("a key has 32 bytes")
    return key
