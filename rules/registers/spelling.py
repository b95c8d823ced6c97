"""How people and spreadsheets spell one thing in many ways -> the one spelling in which it is compared and stored."""

import re
import unicodedata

from rules.errors import say

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_NARROW = {wide: wide - 0xFEE0 for wide in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_HAN = "[\u3400-\u9fff\U00020000-\U000323af]"
_HAN_GAP = re.compile(f"(?<={_HAN}) (?={_HAN})")
_HAN_ONLY = re.compile("[\u4e00-\u9fff]+")
_DOTS = str.maketrans(dict.fromkeys("•・‧∙⋅．", "·"))  # the dot in 阿卜杜拉·买买提 comes in many shapes
_GUARDED = re.compile("'(?=\\s*(?:[=+@＝＋－＠-]|<r>))")  # how our own exports keep a text from becoming a formula
_MANGLED = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE)


class BadCell(ValueError):
    """A cell that cannot be read: the problem and the remedy, in the language of this run."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def tidy(text: str) -> str:
    """Prose without invisible characters, ragged spaces and full-width letters; Chinese punctuation stays."""
    if _HAN_ONLY.fullmatch(text):  # most names and places; nothing to tidy
        return text
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text)).translate(_NARROW)
    return _GUARDED.sub("", " ".join(text.split()), count=1) if "'" in text[:2] else " ".join(text.split())


def tidy_name(text: str) -> str:
    """A person's name, tidied: 张　三 and 张三 are one, and so are all shapes of the middle dot."""
    name = tidy(text)
    return name if _HAN_ONLY.fullmatch(name) else _HAN_GAP.sub("", name).translate(_DOTS)


def plain(text: str) -> str:
    """What is not prose, in the one form it is compared in: NFKC, single spaces, no apostrophe that marks text."""
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    return (" ".join(text.split()) if " " in text else text).removeprefix("'")


def unmangled(text: str) -> str:
    """The text itself.

    Raises:
        BadCell: it is 5.3E+17, what Excel makes of a long number; the digits are lost.
    """
    if _MANGLED.fullmatch(text):
        raise BadCell(
            say("长号码被 Excel 变成了科学计数，后几位已丢失", "Excel turned a long number into this; digits are lost"),
            say("请把该列设为“文本”，再重新输入完整号码", "set the column to Text and type the whole number again"),
        )
    return text
