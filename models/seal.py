"""Sealed columns: AES-256-GCM envelopes bound to table.column and reference, and the blind index for look-up.

Envelope: version (1 byte) | suite (1) | key id (2, big endian) | nonce (12) | ciphertext with tag.
The suite and key id make key rotation and a second suite possible without touching old rows.
"""

import hashlib
import hmac
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rules.errors import TuoqiError

VERSION, AES_256_GCM = 1, 1
_HEAD = struct.Struct(">BBH")
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


@dataclass(frozen=True)
class KeyRing:
    """The sealing keys by id, the one used for new values, the blind-index key and the audit key (32 bytes each)."""

    sealing: Mapping[int, bytes]
    current: int
    index: bytes
    audit: bytes
    _ciphers: dict[int, AESGCM] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ciphers", {number: AESGCM(key) for number, key in self.sealing.items()})

    def seal(self, column: str, ref: str, text: str | None) -> bytes | None:
        """Seal `text` for one column of one reference; None and "" stay None."""
        return self.seal_bytes(column, ref, text.encode()) if text else None

    def seal_bytes(self, column: str, ref: str, content: bytes) -> bytes:
        """Seal bytes for one column of one reference, such as a file."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self.current].encrypt(nonce, content, f"{column}|{ref}".encode())
        return _HEAD.pack(VERSION, AES_256_GCM, self.current) + nonce + sealed

    def open(self, column: str, ref: str, envelope: bytes | None) -> str:
        """Open an envelope; None gives "".

        Raises:
            WrongSeal: the envelope belongs elsewhere, was altered, or its key is missing.
        """
        return "" if envelope is None else self.open_bytes(column, ref, envelope).decode()

    def open_bytes(self, column: str, ref: str, envelope: bytes) -> bytes:
        """Open what `seal_bytes` sealed.

        Raises:
            WrongSeal: as `open`.
        """
        try:
            version, suite, number = _HEAD.unpack_from(envelope)
            if (version, suite) != (VERSION, AES_256_GCM):
                raise WrongSeal(column, ref)
            nonce, sealed = envelope[_HEAD.size : _HEAD.size + _NONCE], envelope[_HEAD.size + _NONCE :]
            return self._ciphers[number].decrypt(nonce, sealed, f"{column}|{ref}".encode())
        except (InvalidTag, KeyError, struct.error, ValueError) as error:
            raise WrongSeal(column, ref) from error

    def blind(self, kind: str, text: str) -> bytes:
        """Return the blind index of a normalised value: equal values of one kind give equal bytes, nothing more."""
        return hmac.new(self.index, f"{kind}|{text}".encode(), hashlib.sha256).digest()
