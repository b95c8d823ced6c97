"""What every message of an installation says alike; being constant, it belongs to the approved text of an SMS."""

from dataclasses import dataclass

SIGN = "【托起】"
"""The sign of an installation that has registered none of its own."""


@dataclass(frozen=True, slots=True)
class Site:
    """The constants of an installation, `site.*` in templates.

    Attributes:
        sign: the approved SMS sign with its brackets 【】; it is part of every SMS and of its length.
        answers: what stands before the code in a link to the answer page, such as https://t.example.gov.cn/a/; empty
            when there is no such page.
        replies: SMS replies are polled, so "reply 1" can be said.
        district: name of the district in mails, such as 西山区; may be empty.
    """

    sign: str = SIGN
    answers: str = ""
    replies: bool = False
    district: str = ""


DEFAULT = Site()
