"""What a log may not show: identity numbers, telephones, accounts, addresses, secrets in a text -> the text without."""

import re

MASK = "***"
_EDGE, _END = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
_PLAIN = re.compile(
    "|".join(
        [
            r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",  # e-mail
            _EDGE + r"\d{6}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]" + _END,  # identity
            r"(?<![0-9A-Za-z-])\d{4}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?" + _END,  # accounts; no part of a UUID
            _EDGE + r"(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}" + _END,  # mobile
            _EDGE + r"0\d{2,3}-\d{7,8}" + _END,  # fixed line
        ]
    )
)
_SECRET = re.compile(
    r"(?i)(bearer\s+|basic\s+|(?:password|passwd|token|secret|api[_-]?key|access[_-]?key|authorization|signature)"
    r"[\"']?\s*[=:]\s*[\"']?(?:bearer\s+|basic\s+)?|/a/|/callback/[a-z]+/)"
    r"([^\s\"'&,;)}/@]{4,})"
)
_LOGIN = re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)")


def masked(text: str) -> str:
    """Return the text with everything in it that names a person or opens a door replaced by ***.

    Names cannot be told from other words: rows are never logged.
    """
    return _PLAIN.sub(MASK, _SECRET.sub(rf"\1{MASK}", _LOGIN.sub(rf"\1{MASK}", text)))
