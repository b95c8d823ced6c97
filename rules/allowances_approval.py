"""What an approval binds: the lines of a list -> one hash -> a code that can be read out, and how many must say yes."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from rules.refs import ALPHABET

_BITS = 60
_JSON = json.JSONEncoder(separators=(",", ":"))
_MISREAD = str.maketrans("OIL", "011")


class Line(NamedTuple):
    """One payment of a list: period, the payee's reference, the hash of the account in force, the amount in fen."""

    period: str
    ref: str
    account: str
    fen: int


class Tier(NamedTuple):
    """From this amount of a list on, in fen, so many have to approve it."""

    fen: int
    approvers: int


def content_hash(lines: Iterable[Line]) -> str:
    """Return the SHA-256, in hex, of a list's content; the order of the lines is no matter.

    Each line is a JSON array on a line of its own, and these are sorted by their bytes: unambiguous, and anybody can
    work it out again without this program.
    """
    digest = sha256()
    for line in sorted(map(_JSON.encode, lines)):
        digest.update(line.encode())
        digest.update(b"\n")
    return digest.hexdigest()


def confirmation_code(content: str) -> str:
    """Return the first 60 bits of a hash as 12 characters of Crockford base32, such as 7KQ3-9XM2-4TCE.

    It is no secret: it ties the approver's yes to the sheet that was read. Release compares the whole hash.
    """
    bits = int(content, 16) >> (4 * len(content) - _BITS)
    code = "".join(ALPHABET[(bits >> place) & 31] for place in range(_BITS - 5, -1, -5))
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def same_code(said: str, content: str) -> bool:
    """Tell whether what somebody typed is the code of a hash.

    Case, spaces and strokes are no matter, and O, I and L are 0, 1 and 1.
    """
    letters = (
        letter for letter in unicodedata.normalize("NFKC", said).upper() if unicodedata.category(letter)[0] in "LN"
    )
    return "".join(letters).translate(_MISREAD) == confirmation_code(content).replace("-", "")


def approvers_needed(fen: int, tiers: Sequence[Tier]) -> int:
    """Return how many approvers a list of this amount needs; `tiers` rise and the first starts at 0."""
    return [tier.approvers for tier in tiers if tier.fen <= fen][-1]
