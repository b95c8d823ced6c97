"""Cipher suites of sealed columns: 1 is AES-256-GCM, 2 is SM4-GCM (GB/T 32907, RFC 8998).

Both take one 32-byte key of the key file, yet never the same key material: the 16 bytes of SM4 are derived from it by
HKDF over SM3, so that what is learnt of the one says nothing of the other. Nonce 12 bytes, tag 16, at the end.
"""

from collections.abc import Callable
from functools import cache
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from rules.errors import TuoqiError

AES_256_GCM, SM4_GCM = 1, 2
SUITES = {"aes-256-gcm": AES_256_GCM, "sm4-gcm": SM4_GCM}
NAMES = {number: name for name, number in SUITES.items()}
_TAG = 16


class Aead(Protocol):
    """What a suite does: a tag follows the ciphertext, InvalidTag is raised for anything that was altered."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Seal."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Open."""


class NoSuite(TuoqiError):
    """The OpenSSL that `cryptography` was built with has no SM4 or SM3."""

    zh = "本机的 OpenSSL 不支持国密 SM4-GCM；请安装 PyPI 官方的 cryptography 包，或设置 TUOQI_SUITE=aes-256-gcm。"
    en = "OpenSSL here has no SM4-GCM; install the cryptography wheel from PyPI, or set TUOQI_SUITE=aes-256-gcm."


class Sm4Gcm:
    """SM4 in GCM mode, with the interface of AESGCM."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Seal."""
        sealing = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(associated_data or b"")
        return sealing.update(data) + sealing.finalize() + sealing.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Open.

        Raises:
            InvalidTag: altered, or of another place or key.
            ValueError: shorter than a tag.
        """
        opening = Cipher(self._algorithm, modes.GCM(nonce, data[-_TAG:])).decryptor()
        opening.authenticate_additional_data(associated_data or b"")
        return opening.update(data[:-_TAG]) + opening.finalize()


def sm4_key(key: bytes) -> bytes:
    """Derive the 16 bytes of SM4 from a key of the file."""
    return HKDF(algorithm=hashes.SM3(), length=16, salt=None, info=b"tuoqi sm4-gcm").derive(key)


@cache
def works(suite: int) -> bool:
    """Tell whether this machine can seal with a suite."""
    try:
        cipher(suite, b"\x00" * 32).encrypt(b"\x00" * 12, b"", b"")
    except UnsupportedAlgorithm:
        return False
    return True


def cipher(suite: int, key: bytes) -> Aead:
    """Return a suite with a key of the file.

    Raises:
        KeyError: there is no such suite.
        UnsupportedAlgorithm: this machine cannot do it.
    """
    made: dict[int, Callable[[bytes], Aead]] = {AES_256_GCM: AESGCM, SM4_GCM: lambda whole: Sm4Gcm(sm4_key(whole))}
    return made[suite](key)


def check(suite: int) -> None:
    """Refuse a suite that this machine cannot do.

    Raises:
        NoSuite: SM4 is missing here.
    """
    if not works(suite):
        raise NoSuite
