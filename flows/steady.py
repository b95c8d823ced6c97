"""A file somebody put there -> is it one, how large, which -> and is it still the same when it has been read?

A copy into an inbox may end while we read: half of the lines would be kept under the digest of the whole, and the rest
never be taken. So its size, time and number are noted before the digest, and compared after the last line was read.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TypeVar

from rules.registers.refusals import FileChanged, FileMissing, FileTooBig, NotATable

T = TypeVar("T")
_Mark = tuple[int, int, int, int]


class Steady:
    """A regular file as it was when it was first looked at.

    Attributes:
        digest: its SHA-256, by which a file that was taken in is known again.
    """

    def __init__(self, path: Path, most: int) -> None:
        """Look at the file.

        Raises:
            FileMissing, NotATable, FileTooBig: as open_regular.
            FileChanged: it was written to meanwhile.
        """
        self.path = path
        with open_regular(path, most) as file:
            self._mark = _mark(os.fstat(file.fileno()))
            self.digest = hashlib.file_digest(_Bounded(file, most), "sha256").hexdigest()
        self.check()

    def check(self) -> None:
        """Call it between the last byte that was read and the first row that is stored.

        Raises:
            FileChanged: the file is not what it was.
        """
        try:
            now = _mark(self.path.stat())
        except OSError:
            raise FileChanged(self.path.name) from None
        if now != self._mark:
            raise FileChanged(self.path.name)

    def to_the_end(self, rows: Iterable[T]) -> Iterator[T]:
        """Give the rows of the file on, and check once it is read."""
        yield from rows
        self.check()


class _Bounded:
    """A stream that ends after so many bytes: one that grows faster than it is read would never end."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._left = file, most + 1

    def readinto(self, buffer: bytearray) -> int:
        got = self._file.readinto(memoryview(buffer)[: self._left])  # type: ignore[attr-defined]
        self._left -= got
        return int(got)

    def readable(self) -> bool:
        return True


def open_regular(path: Path, most: int) -> IO[bytes]:
    """Open a file to read, never a pipe, a device or a folder: a pipe that nobody writes to would wait for ever.

    Args:
        path: links are followed; whoever reads an inbox leaves them out before.
        most: bytes it may have.

    Raises:
        FileMissing: it is not there or may not be read.
        NotATable: it is no file.
        FileTooBig: it has more bytes.
    """
    try:
        _check(path.name, path.stat(), most)
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), "rb")
    except (OSError, ValueError):  # ValueError: a NUL in the name
        raise FileMissing(path.name) from None
    try:
        _check(path.name, os.fstat(file.fileno()), most)  # what was a file a moment ago may be a pipe now
    except BaseException:
        file.close()
        raise
    return file


def _check(name: str, status: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotATable(name, "文件夹或设备", "a folder or device")
    if status.st_size > most:
        raise FileTooBig(name, "字节数", "bytes", status.st_size, most)


def _mark(status: os.stat_result) -> _Mark:
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev
