"""Sealed columns: AEAD envelopes bound to table.column and reference, and the blind index for look-up.

Envelope: version (1 byte) | suite (1) | key id (2, big endian) | nonce (12) | ciphertext with tag.
Suite and key id stand in front in plain text, so that SQL finds what is still sealed under another key or suite.
"""

import hashlib
import hmac
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm

from models.suites import AES_256_GCM, NAMES, Aead, NoSuite, cipher
from rules.errors import TuoqiError

VERSION = 1
HEAD = struct.Struct(">BBH")
"""Version, suite, key id."""
_NONCE = 12


class SealError(TuoqiError):
    """A sealed value cannot be opened."""


@dataclass(eq=False)
class WrongSeal(SealError):
    """The value was moved, altered, or sealed with a key that is not here."""

    column: str
    ref: str
    zh = "无法解密 {column}({ref})：密钥不符或数据被改动。请核对 TUOQI_KEY_FILE 是否为本库的密钥。"
    en = "cannot open {column} of {ref}: wrong key or altered data; check that TUOQI_KEY_FILE belongs to this database."


@dataclass(eq=False)
class MissingKey(WrongSeal):
    """The key that sealed it has another number than those of the key file."""

    number: int
    zh = (
        "无法解密 {column}({ref})：密钥文件中没有 {number} 号密钥。请核对 TUOQI_KEY_FILE；"
        "若该密钥已停用，请把它从密钥备份放回密钥文件。"
    )
    en = (
        "cannot open {column} of {ref}: the key file has no key number {number}; check TUOQI_KEY_FILE, or if that key "
        "was retired put it back into the key file from its backup."
    )


@dataclass(frozen=True)
class KeyRing:
    """The sealing keys by id, the one used for new values, the blind-index key and the audit key (32 bytes each).

    Attributes:
        suite: of new values; a value opens with whatever suite its envelope names.
        source: gives the ring as the key file has it now, for keys are changed while processes run.
    """

    sealing: Mapping[int, bytes]
    current: int
    index: bytes
    audit: bytes
    suite: int = AES_256_GCM
    source: "Callable[[KeyRing], KeyRing] | None" = field(default=None, repr=False, compare=False)
    _ciphers: dict[tuple[int, int], Aead] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def head(self) -> bytes:
        """How every value begins that is sealed now."""
        return HEAD.pack(VERSION, self.suite, self.current)

    def fresh(self) -> "KeyRing":
        """Return the ring as the key file has it now; this one while nothing has changed or it cannot be read."""
        return self.source(self) if self.source else self

    def seal(self, column: str, ref: str, text: str | None) -> bytes | None:
        """Seal `text` for one column of one reference; None and "" stay None."""
        return self.seal_bytes(column, ref, text.encode()) if text else None

    def seal_bytes(self, column: str, ref: str, content: bytes) -> bytes:
        """Seal bytes for one column of one reference, such as a file.

        Raises:
            NoSuite: this machine cannot do the suite that is set.
        """
        nonce = os.urandom(_NONCE)
        try:
            sealing = self._cipher(self.suite, self.current)
        except UnsupportedAlgorithm as error:
            raise NoSuite from error
        return self.head + nonce + sealing.encrypt(nonce, content, f"{column}|{ref}".encode())

    def open(self, column: str, ref: str, envelope: bytes | None) -> str:
        """Open an envelope; None gives "".

        Raises:
            WrongSeal: the envelope belongs elsewhere, was altered, or its key is missing.
            NoSuite: it was sealed with a suite that this machine cannot do.
        """
        return "" if envelope is None else self.open_bytes(column, ref, envelope).decode()

    def open_bytes(self, column: str, ref: str, envelope: bytes) -> bytes:
        """Open what `seal_bytes` sealed.

        Raises:
            WrongSeal, NoSuite: as `open`.
        """
        try:
            version, suite, number = HEAD.unpack_from(envelope)
            if version != VERSION or suite not in NAMES:
                raise WrongSeal(column, ref)
            nonce, sealed = envelope[HEAD.size : HEAD.size + _NONCE], envelope[HEAD.size + _NONCE :]
            return self._cipher(suite, number).decrypt(nonce, sealed, f"{column}|{ref}".encode())
        except UnsupportedAlgorithm as error:
            raise NoSuite from error
        except KeyError as error:
            raise MissingKey(column, ref, number) from error
        except (InvalidTag, struct.error, ValueError) as error:
            raise WrongSeal(column, ref) from error

    def _cipher(self, suite: int, number: int) -> Aead:
        known = self._ciphers.get((suite, number))
        if known is None:
            key = self.sealing[number] if number in self.sealing else self.fresh().sealing[number]
            known = self._ciphers[suite, number] = cipher(suite, key)
        return known

    def blind(self, kind: str, text: str) -> bytes:
        """Return the blind index of a normalised value: equal values of one kind give equal bytes, nothing more."""
        return hmac.new(self.index, f"{kind}|{text}".encode(), hashlib.sha256).digest()
