"""What providers push or hand out: JSON -> entries -> checked fields. Strict: what is not as documented is refused.

Entries about numbers outside the Chinese mainland are passed over: we send none there, but an account may be shared.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from notifications.errors import NotificationError

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Providers tell and ask dates in Beijing time, wherever we are."""

_MOBILE = re.compile(r"(?:\+86|0086|86)?(1[3-9]\d{9})", re.ASCII)
_REFERENCE = re.compile(r"[!-~]{1,128}")
_ANY_NUMBER = re.compile(r"\+?\d{4,20}", re.ASCII)

Entry = Mapping[str, Any]


@dataclass(eq=False)
class BadPush(NotificationError):
    """What a provider told is not as it documents it; nothing of it was used."""

    provider: str
    what: str
    zh = "短信服务商 {provider} 的回执不合格式（{what}），未作处理；请核对回执推送的地址与类型设置。"
    en = "what provider {provider} told is malformed ({what}) and was not used; check where and what it pushes."


def entries(provider: str, payload: bytes) -> list[Entry]:
    """Return the objects of a JSON array; a single object counts as an array of one.

    Raises:
        BadPush: it is neither.
    """
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadPush(provider, "not JSON") from error
    told = [told] if isinstance(told, dict) else told
    if not isinstance(told, list) or not all(isinstance(entry, dict) for entry in told):
        raise BadPush(provider, "not a JSON array of objects")
    return told


def mainland(number: str) -> str | None:
    """Return the 11 digits of a mobile number of the mainland, with or without its country code; None for others."""
    mobile = _MOBILE.fullmatch(number)
    return mobile[1] if mobile else None


def reference(value: Any) -> str | None:
    """Return a number or id that a provider gave, when it is one: printable ASCII, 128 characters at most."""
    return value if isinstance(value, str) and _REFERENCE.fullmatch(value) else None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads fields of entries, for one provider; every method raises BadPush with the name of the field."""

    provider: str

    def bad(self, name: str) -> BadPush:
        """Return the error that names a field."""
        return BadPush(self.provider, name)

    def text(self, entry: Entry, name: str, *, least: int = 1, most: int = 1000) -> str:
        """Return a text of so many characters; halves of characters become question marks."""
        value = entry.get(name)
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise self.bad(name)
        return value.encode(errors="replace").decode()

    def reference(self, entry: Entry, name: str) -> str:
        """Return a number or id that must be there."""
        value = reference(entry.get(name))
        if value is None:
            raise self.bad(name)
        return value

    def phone(self, entry: Entry, name: str) -> str | None:
        """Return a mobile number of the mainland, 11 digits; None for a number elsewhere."""
        value = self.text(entry, name, most=40)
        mobile = mainland(value)
        if mobile is None and not _ANY_NUMBER.fullmatch(value):
            raise self.bad(name)
        return mobile

    def beijing(self, entry: Entry, name: str) -> datetime:
        """Return the instant of a Beijing time such as 2026-07-12 08:03:04."""
        try:
            return datetime.strptime(self.text(entry, name), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
        except ValueError as error:
            raise self.bad(name) from error

    def unix(self, entry: Entry, name: str) -> datetime:
        """Return the instant of whole seconds since 1970."""
        value = entry.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 33:
            raise self.bad(name)
        return datetime.fromtimestamp(value, UTC)
