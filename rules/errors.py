"""The tree of errors a user may see: fields first, one sentence in Chinese and English, ending with what to do."""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

LANGUAGE: ContextVar[Literal["zh", "en"]] = ContextVar("language", default="zh")
"""The language of user-facing text; flows set it from the settings."""


def say(zh: str, en: str) -> str:
    """Return the text in the language of this run."""
    return en if LANGUAGE.get() == "en" else zh


class TuoqiError(Exception):
    """Base of every error with a sentence for the user.

    Subclasses are dataclasses (eq=False); `zh` and `en` are format strings over their fields.
    """

    zh: ClassVar[str]
    en: ClassVar[str]

    def __str__(self) -> str:
        return say(self.zh, self.en).format(**vars(self))


class PolicyError(TuoqiError):
    """The rule book is silent or contradicts itself."""


@dataclass(eq=False)
class NoPolicyInForce(PolicyError):
    """No version of `policy` covers `day`; a guess would be worse than stopping."""

    policy: str
    day: date
    zh = "政策 {policy} 在 {day} 没有生效的版本；请在 policies/ 中补充该日期适用的版本。"
    en = "no version of policy {policy!r} is in force on {day}; add one under policies/."
