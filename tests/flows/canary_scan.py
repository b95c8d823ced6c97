"""Looking for canaries: files and databases, whatever they are wrapped in -> which value stands where.

A view is one way to read bytes as text: several encodings, escapes undone, base64 and hex decoded, archives and
compressed streams opened, pickles and mails taken apart. What a view yields is looked through in its turn.
"""

import base64
import binascii
import email
import gzip
import html
import io
import lzma
import pickletools
import re
import sqlite3
import zipfile
import zlib
from bz2 import BZ2Decompressor
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from email.message import Message
from email.policy import default
from pathlib import Path
from urllib.parse import unquote_to_bytes

_DEEP = 6
"""Wrappings within wrappings that are followed."""
_MOST = 64_000_000
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{12,}={0,2}|[A-Za-z0-9_-]{12,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){6,}")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\x([0-9a-fA-F]{2})")
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_SQLITE = b"SQLite format 3\x00"


@dataclass(frozen=True)
class Hit:
    """A canary that was found: its value, where, and by which unwrappings."""

    value: str
    place: str
    how: str


class Scanner:
    """Looks for values that a pattern matches and that are among the canaries."""

    def __init__(self, pattern: str, canaries: Callable[[str], bool]) -> None:
        self._pattern, self._known = re.compile(pattern), canaries
        self._clean = set[bytes]()  # values that hold none: most stand in many rows, and all again in a backup

    def content(self, content: bytes, place: str = "") -> set[Hit]:
        """Look through bytes."""
        return {Hit(value, place, how) for value, how in self._found(content, "", 0)}

    def file(self, path: Path, place: str) -> set[Hit]:
        """Look through a file as it lies on the disk, and if it is a SQLite database through every value of it."""
        content = path.read_bytes()
        if not content.startswith(_SQLITE):
            return self.content(content, place)
        pages = {Hit(value, place, how) for value, how in self._found(content, "", _DEEP)}  # what was deleted, too
        return pages | self._database(path, place)

    def _database(self, path: Path, place: str) -> set[Hit]:
        found = set[Hit]()
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            database.text_factory = bytes
            names = [
                str(name, "utf-8") for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
            ]
            for table in names:
                cursor = database.execute(f'SELECT * FROM "{table}"')
                columns = [each[0] for each in cursor.description]
                for row in cursor:
                    for column, value in zip(columns, row, strict=True):
                        if isinstance(value, bytes) and len(value) > 3 and value not in self._clean:
                            hits = self.content(value, f"{place}:{table}.{column}")
                            found |= hits
                            if not hits:
                                self._clean.add(value)
        return found

    def _found(self, content: bytes, how: str, depth: int) -> Iterator[tuple[str, str]]:
        for name, text in _texts(content):
            for match in self._pattern.finditer(text):
                if self._known(match[0]):
                    yield match[0], f"{how}{name}"
        if depth < _DEEP:
            for name, inner in _unwrapped(content):
                if inner != content:
                    yield from self._found(inner, f"{how}{name}>", depth + 1)


def _texts(content: bytes) -> Iterator[tuple[str, str]]:
    """Read bytes as text in each encoding that they may have."""
    text = content.decode("utf-8", "replace")
    yield "utf-8", text
    if not content.isascii():
        yield "gb18030", content.decode("gb18030", "replace")
    if not content.isascii() or b"\x00" in content:
        for encoding in ("utf-16-le", "utf-16-be"):
            yield encoding, content.decode(encoding, "replace")
            yield encoding, content[1:].decode(encoding, "replace")
    if "\\" in text:
        yield "escapes", _unescaped(text)
    if "&#" in text:
        yield "entities", html.unescape(text)


def _unescaped(text: str) -> str:
    r"""Undo \uXXXX, \UXXXXXXXX and \xXX, doubled strokes too; bytes that were shown are read as UTF-8."""
    plain = text.replace("\\\\", "\\").replace("\\\\", "\\")
    plain = _ESCAPED.sub(lambda found: chr(int(found[1] or found[2] or found[3], 16) % 0x110000), plain)
    plain = _SURROGATES.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), plain)
    as_bytes = plain.encode("latin-1", "replace").decode("utf-8", "replace")
    return plain + "\n" + as_bytes


def _unwrapped(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Take off each wrapping that bytes may have."""
    yield from _unpacked(content)
    if content.startswith(b"PK\x03\x04"):
        yield from _zip(content)
    if content[:1] == b"\x80" and content[1:2] in b"\x02\x03\x04\x05":
        yield "pickle", _pickle(content)
    if b"MIME-Version:" in content[:4000]:
        yield from _mail(content)
    if b"%" in content:
        yield "percent", unquote_to_bytes(content.replace(b"+", b" "))
    if b"=" in content and b"\n" in content:
        yield "quoted-printable", binascii.a2b_qp(content)
    yield from _coded(content)


def _unpacked(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Undo compression."""
    for start, name, opened in (
        (b"\x1f\x8b", "gzip", _gzip),
        (b"BZh", "bzip2", lambda each: BZ2Decompressor().decompress(each, _MOST)),
        (b"\xfd7zXZ", "xz", lambda each: lzma.LZMADecompressor().decompress(each, _MOST)),
        (b"x", "zlib", lambda each: zlib.decompressobj().decompress(each, _MOST)),
    ):
        if content.startswith(start):
            with suppress(OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
                yield name, opened(content)


def _gzip(content: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        return file.read(_MOST)


def _zip(content: bytes) -> Iterator[tuple[str, bytes]]:
    with (
        suppress(zipfile.BadZipFile, OSError, ValueError, RuntimeError, zlib.error),
        zipfile.ZipFile(io.BytesIO(content)) as archive,
    ):
        for name in archive.namelist():
            yield f"zip({name})", archive.read(name)


def _pickle(content: bytes) -> bytes:
    """Give the strings and bytes in a pickle, without running it; bytes are looked through as they are."""
    told = []
    with suppress(ValueError):
        for _, argument, _ in pickletools.genops(content):
            told += [argument.encode("utf-8", "replace")] if isinstance(argument, str) else []
            told += [bytes(argument)] if isinstance(argument, bytes | bytearray) else []
    return b"\n".join(told)


def _mail(content: bytes) -> Iterator[tuple[str, bytes]]:
    message: Message = email.message_from_bytes(content, policy=default)
    yield "headers", "\n".join(f"{name}: {value}" for name, value in message.items()).encode()
    for part in message.walk():
        if isinstance(body := part.get_payload(decode=True), bytes):
            yield f"mail({part.get_content_type()})", body


def _coded(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Decode runs of base64 and of hex; a run may begin with letters that do not belong to it."""
    words, digits = list[bytes](), list[bytes]()
    joined = content.replace(b"\r\n", b"").replace(b"\n", b"") if b"\n" in content else content
    for match in _BASE64.finditer(joined):
        run = match[0].rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        words += [_base64(run[start:]) for start in range(4)]
    for match in _HEX.finditer(content):
        digits.append(bytes.fromhex(match[0].decode("ascii")))
    for name, found in (("base64", words), ("hex", digits)):
        for start in (b"\x1f\x8b", b"\x80", b"x", b"PK", b"BZh"):
            yield from ((name, each) for each in found if each.startswith(start))
        if found:
            yield name, b"\n".join(found)


def _base64(run: bytes) -> bytes:
    return base64.b64decode(run[: len(run) // 4 * 4 + (len(run) % 4 if len(run) % 4 != 1 else 0)] + b"==")
