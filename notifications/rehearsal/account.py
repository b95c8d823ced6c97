"""The district's account with the providers: its keys, its approved signs and templates."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

_SLOT = re.compile(r"\$?\{(\w+)\}")
_WEB = re.compile(r"https?:|www\.|\w\.(?:com|cn|net|org|gov|edu|io|cc|top|vip)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Approved:
    """An approved template: its text with ${name} (Alibaba) or {1} (Tencent), and the longest value of a variable."""

    text: str
    limit: int = 35

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Names, or numbers as text, in the order of the text."""
        return tuple(dict.fromkeys(_SLOT.findall(self.text)))

    def filled(self, sign: str, values: Mapping[str, str]) -> str:
        """Return what the handset shows."""
        return f"【{sign}】" + _SLOT.sub(lambda slot: values.get(slot[1], ""), self.text)


@dataclass(frozen=True)
class Account:
    """What the providers know of the district.

    Attributes:
        key_id: AccessKey ID at Alibaba, SecretId at Tencent.
        secret: its secret; made up, like everything here.
        app_id: Tencent's SmsSdkAppId.
        signs: approved signs, without brackets.
        aliyun: Alibaba's templates by code (SMS_...).
        tencent: Tencent's templates by number.
        session_in_reports: Tencent gives SessionContext back in its reports only to accounts that asked for it.
    """

    key_id: str = "testKeyId"
    secret: str = field(default="testSecret", repr=False)
    app_id: str = "1400006666"
    signs: frozenset[str] = frozenset({"托起"})
    aliyun: Mapping[str, Approved] = field(default_factory=dict)
    tencent: Mapping[str, Approved] = field(default_factory=dict)
    session_in_reports: bool = False


def read_account(path: Path) -> Account:
    """Read an account from JSON of the same names; a template is its text or {"text", "limit"}."""
    given = json.loads(path.read_text(encoding="utf-8"))
    for provider in ("aliyun", "tencent"):
        given[provider] = {code: _approved(spec) for code, spec in given.get(provider, {}).items()}
    if "signs" in given:
        given["signs"] = frozenset(given["signs"])
    return Account(**given)


def _approved(spec: str | dict[str, str | int]) -> Approved:
    return Approved(spec) if isinstance(spec, str) else Approved(**spec)  # type: ignore[arg-type]


def looks_like_web(value: str) -> bool:
    """Tell whether a value holds something like a web address, which no provider lets pass."""
    return ("." in value or ":" in value) and _WEB.search(value) is not None


def sms_parts(content: str) -> int:
    """Count the parts a provider bills: 70 UTF-16 units in one, 67 in each of several."""
    units = len(content.encode("utf-16-le")) // 2
    return 1 if units <= 70 else -(-units // 67)
