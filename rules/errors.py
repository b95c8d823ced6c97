"""The tree of errors a user may see: fields first, one sentence in Chinese and English, ending with what to do."""

import unicodedata
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

LANGUAGE: ContextVar[Literal["zh", "en"]] = ContextVar("language", default="zh")
"""The language of user-facing text; flows set it from the settings."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def say(zh: str, en: str) -> str:
    """Return the text in the language of this run."""
    return en if LANGUAGE.get() == "en" else zh


def shown(name: object) -> str:
    """Return a name that somebody else chose, its line breaks, control and bidirectional characters as escapes."""
    return "".join(
        letter.encode("unicode_escape").decode() if unicodedata.category(letter) in _UNSEEN else letter
        for letter in str(name)
    )


class TuoqiError(Exception):
    """Base of every error with a sentence for the user.

    Subclasses are dataclasses (eq=False); `zh` and `en` are format strings over their fields. A `name` and a path are
    somebody else's words, and are shown so that they cannot pass for another line of a log.
    """

    zh: ClassVar[str]
    en: ClassVar[str]

    def __str__(self) -> str:
        foreign = {name: shown(value) for name, value in vars(self).items() if _foreign(name, value)}
        return say(self.zh, self.en).format(**(vars(self) | foreign))


def _foreign(name: str, value: object) -> bool:
    return hasattr(value, "__fspath__") or (name in {"name", "file"} and isinstance(value, str))


class PolicyError(TuoqiError):
    """The rule book is silent or contradicts itself."""


@dataclass(eq=False)
class NoPolicyInForce(PolicyError):
    """No version of `policy` covers `day`; a guess would be worse than stopping."""

    policy: str
    day: date
    zh = "政策 {policy} 在 {day} 没有生效的版本；请在 policies/ 中补充该日期适用的版本。"
    en = "no version of policy {policy!r} is in force on {day}; add one under policies/."
