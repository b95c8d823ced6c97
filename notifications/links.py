"""Links in messages: a ticket -> a short signed code -> the ticket again, or a refusal.

A code carries its ticket and needs no table: varints of five numbers, then the first 80 bits of an HMAC-SHA256. It is
written in letters and digits only, for phones cut a trailing - or _ off a link, and providers refuse many signs in a
variable. There is nothing of a person in it but our own row numbers.
"""

import hashlib
import hmac
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from models.seal import KeyRing
from notifications.errors import NotificationError

Purpose = Literal["duty", "swap", "optout"]
_PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
LONGEST = 35
"""What an SMS variable takes; 26 bytes in base 62."""

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_CODE = re.compile(f"[0-9A-Za-z]{{1,{LONGEST}}}")
_VERSION = 0x10  # in the high half of the first byte, which is never 0: no code begins with an empty digit
_TAG = 10
_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BITS = (35, 28, 14, 28)
"""Of subject, person, revision and expiry in minutes: with the first byte 16 bytes at most."""


@dataclass(eq=False)
class BadLink(NotificationError):
    """Nobody made this code, or somebody changed it."""

    zh = "链接无效；请打开最新一条消息里的链接，或联系您所在的服务中心。"
    en = "this link is not valid; open the one in the latest message, or ask your centre."


@dataclass(eq=False)
class ExpiredLink(NotificationError):
    """Its time is over."""

    zh = "链接已过期；请打开最新一条消息里的链接，或联系您所在的服务中心。"
    en = "this link has expired; open the one in the latest message, or ask your centre."


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a link is for.

    Attributes:
        purpose: duty: acknowledge, check in, hand over, ask for a swap; swap: agree or not; optout: no more messages.
        subject: id of the duty slot, the swap, or the message.
        person: id of the cadre it was made for; 0 for an opt-out.
        revision: of the slot; of a swap, both slots' together, which rises when either changes hands.
        expires_at: aware; kept to the minute, rounded up.
    """

    purpose: Purpose
    subject: int
    person: int
    revision: int
    expires_at: datetime


def make(keys: KeyRing, ticket: Ticket) -> str:
    """Return the code of a ticket, at most 35 letters and digits; the same ticket gives the same code.

    Raises:
        ValueError: a number is negative, or larger than any table grows.
    """
    minutes = -((_EPOCH - ticket.expires_at) // _MINUTE)
    numbers = (ticket.subject, ticket.person, ticket.revision, minutes)
    if any(not 0 <= number < 1 << bits for number, bits in zip(numbers, _BITS, strict=True)):
        raise ValueError(f"a {ticket.purpose} link cannot carry these numbers")
    head = bytes([_VERSION | _PURPOSES.index(ticket.purpose)])
    payload = head + b"".join(bytes(_varint(number)) for number in numbers)
    return _written(payload + _tag(keys, payload))


def read(keys: KeyRing, code: str, now: datetime) -> Ticket:
    """Return the ticket of a code.

    Raises:
        BadLink: it is not one of ours, to the last character.
        ExpiredLink: it was, until its time was over.
    """
    if not _CODE.fullmatch(code):
        raise BadLink
    raw = _bytes_of(code)
    payload, tag = raw[:-_TAG], raw[-_TAG:]
    genuine = hmac.compare_digest(tag, _tag(keys, payload))
    if not genuine or _written(raw) != code:  # leading zeros would be another spelling of the same number
        raise BadLink
    purpose, (subject, person, revision, minutes) = _PURPOSES[payload[0] & 0x0F], _numbers(payload[1:])
    expires_at = _EPOCH + minutes * _MINUTE
    if now >= expires_at:
        raise ExpiredLink
    return Ticket(purpose, subject, person, revision, expires_at)


def _tag(keys: KeyRing, payload: bytes) -> bytes:
    """Sign with a key of its own, derived from the index key: a blind index can never pass for a signature."""
    return hmac.new(keys.blind("answer-link", "v1"), payload, hashlib.sha256).digest()[:_TAG]


def _varint(number: int) -> Iterator[int]:
    while number > 0x7F:
        yield number & 0x7F | 0x80
        number >>= 7
    yield number


def _numbers(packed: bytes) -> list[int]:
    numbers, number, shift = [], 0, 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            numbers.append(number)
            number = shift = 0
    return numbers


def _written(raw: bytes) -> str:
    number, letters = int.from_bytes(raw), []
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(reversed(letters))


def _bytes_of(code: str) -> bytes:
    number = 0
    for letter in code:
        number = number * len(_ALPHABET) + _VALUES[letter]
    return number.to_bytes((number.bit_length() + 7) // 8)
