"""References 编号: random, unique, readable names for people, such as E-7K3Q-9XM1.

Seven random Crockford base32 characters (35 bits) and one check character, which finds every single wrong character
and every swap of two neighbours among the first seven.
"""

from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECK = ALPHABET + "*~$=U"
_READ = str.maketrans("OIL", "011")
_LENGTH = 7


def new_ref(prefix: str, random_bits: Callable[[int], int]) -> str:
    """Make a reference from `random_bits(n)`, a source of n random bits such as `secrets.randbits`."""
    while True:
        number = random_bits(5 * _LENGTH)
        check = number % 37
        if check < 32:  # keep to characters that survive the telephone
            break
    digits = "".join(ALPHABET[(number >> 5 * place) & 31] for place in reversed(range(_LENGTH)))
    return f"{prefix}-{digits[:4]}-{digits[4:]}{_CHECK[check]}"


def is_ref(text: str) -> bool:
    """Tell whether `text` is a well-formed reference with a right check character."""
    prefix, _, body = text.strip().upper().partition("-")
    digits = body.replace("-", "").translate(_READ)
    if not (prefix.isalpha() and len(digits) == _LENGTH + 1 and all(c in ALPHABET for c in digits)):
        return False
    number = 0
    for character in digits[:-1]:
        number = number * 32 + ALPHABET.index(character)
    return _CHECK[number % 37] == digits[-1]


def canonical(text: str) -> str:
    """Return a reference as the system wrote it, whatever its case and dashes; O, I and L were heard for 0 and 1."""
    prefix, _, body = text.strip().upper().partition("-")
    digits = body.replace("-", "").translate(_READ)
    return f"{prefix}-{digits[:4]}-{digits[4:]}"
