"""The national ID 公民身份号码: as written -> NFKC -> no spaces -> upper case -> 18 digits -> checksum -> birth date.

GB 11643: six digits of area, eight of birth, three of sequence (odd: male), one check character by ISO 7064 MOD 11-2.
A number of 15 digits is of the first issue: its birth year lacks the century, which is always 19, and it has no check.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Literal

from rules.errors import TuoqiError, say

Sex = Literal["male", "female"]
Rule = Literal["form", "checksum", "birth_date", "future"]
Doubt = Literal["unknown_area"]

SENTENCES: dict[Rule, tuple[str, str]] = {
    "form": (
        "身份证号应为 18 位(末位可为 X)或 15 位数字；请按证件核对后重新填写。",
        "an ID number has 18 digits (the last may be X) or 15; compare it with the card and enter it again.",
    ),
    "checksum": (
        "身份证号校验码不符，至少有一位写错；请按证件核对后重新填写。",
        "the check character of the ID number does not fit, so a digit is wrong; compare it with the card.",
    ),
    "birth_date": (
        "身份证号中的出生日期不存在；请按证件核对后重新填写。",
        "the birth date within the ID number does not exist; compare it with the card.",
    ),
    "future": (
        "身份证号中的出生日期晚于登记当日；请按证件核对后重新填写。",
        "the birth date within the ID number lies in the future; compare it with the card.",
    ),
}

PROVINCES = frozenset(
    {*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83, 91}
)
"""First two digits in use, GB/T 2260; 81 to 83 are residence permits of Hong Kong, Macau and Taiwan, 91 foreigners'."""

_FORM = re.compile(r"[0-9]{17}[0-9X]|[0-9]{15}")
_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))
_CHECKS = "10X98765432"
_INVISIBLE = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})


@dataclass(eq=False)
class IdentityRefused(TuoqiError):
    """The number breaks `rule`; the number itself is personal and not kept here."""

    rule: Rule

    def __str__(self) -> str:
        return say(*SENTENCES[self.rule])


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """A normalised ID number and what it says; its repr shows the masked form only."""

    number: str
    birth_date: date
    sex: Sex
    warnings: tuple[Doubt, ...] = ()

    def __repr__(self) -> str:
        return f"Identity({masked_number(self.number)})"


def identity(written: str, day: date) -> Identity:
    """Read an ID number as people write it.

    Args:
        written: full-width digits, spaces anywhere, a lower-case x and 15 digits are all understood.
        day: the day of the check; whoever is born on it is accepted.

    Returns:
        The 18-character number, by which people are joined, and the birth date and sex in it. The area is not compared
        with a list: codes were abolished and re-drawn for decades. A province that never was is a warning.

    Raises:
        IdentityRefused: names the first rule broken: form, checksum, birth date, future.
    """
    number = _eighteen(_compact(written))
    if check_character(number) != number[17]:
        raise IdentityRefused("checksum")
    birth_date = _birth_date(number)
    if birth_date > day:
        raise IdentityRefused("future")
    warnings: tuple[Doubt, ...] = () if int(number[:2]) in PROVINCES else ("unknown_area",)
    return Identity(number, birth_date, "male" if int(number[16]) % 2 else "female", warnings)


def check_character(number: str) -> str:
    """Return the check character of the first 17 digits of `number`."""
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True)) % 11]


def masked_number(number: str) -> str:
    """Return a normalised number with its birth date hidden: 530112********1234."""
    return f"{number[:6]}{'*' * 8}{number[14:]}"


def masked_name(name: str) -> str:
    """Return a name with all between its first and last character hidden: 张*三; of two characters the last: 张*.

    A variation selector belongs to the character before it, so a rare character is never cut in two.
    """
    characters: list[str] = []
    for character in unicodedata.normalize("NFC", name).strip():
        if characters and (unicodedata.combining(character) or _is_selector(character)):
            characters[-1] += character
        else:
            characters.append(character)
    if len(characters) < 3:
        return "".join(characters[: len(characters) - 1]) + "*" * bool(characters)
    return characters[0] + "*" * (len(characters) - 2) + characters[-1]


def _compact(written: str) -> str:
    normal = unicodedata.normalize("NFKC", written)
    return "".join(c for c in normal if unicodedata.category(c) not in _INVISIBLE).upper()


def _eighteen(compact: str) -> str:
    if _FORM.fullmatch(compact) is None:
        raise IdentityRefused("form")
    if len(compact) == 18:
        return compact
    century = f"{compact[:6]}19{compact[6:]}"
    return century + check_character(century)


def _birth_date(number: str) -> date:
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise IdentityRefused("birth_date") from None


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
