"""The variables of a message: what a job gives -> plain JSON values, named when wrong -> what a template works with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

from notifications.errors import BadVariable, ExtraVariable, MissingVariable
from rules.errors import say

Type = Literal["text", "code", "integer", "money", "date", "month", "list"]
TYPES = get_args(Type)
_MOST = 10**12
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_CODE = re.compile(r"[0-9A-Za-z]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINK = re.compile(r"://|(?<=[A-Za-z0-9-])\.(?=[A-Za-z]{2})|\.(?=中国|公司|网络|网址|政务|公益)")
_TURNING = dict.fromkeys((0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Marks that turn the direction of writing, with which a name can make a sentence read otherwise."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared variable.

    Attributes:
        name: as the template writes it.
        type: text is one line of words, code an unbroken token of a link, money an integer of fen.
        max: characters of a text or code, or entries of a list.
        optional: a text, code or list may be empty, a number None.
        late: given when the message is sent, not when it is enqueued.
        of: the fields of a list's rows.
    """

    name: str
    type: Type
    max: int
    optional: bool
    late: bool
    of: Mapping[str, "Variable"]

    @property
    def wanted(self) -> str:
        """What a value must be, for the error message."""
        least = 0 if self.optional else 1
        return {
            "text": say(f"{least}-{self.max} 个字的单行文字", f"text of {least}-{self.max} characters on one line"),
            "code": say(f"{least}-{self.max} 个字母或数字", f"{least}-{self.max} letters or digits"),
            "integer": say("整数", "an integer"),
            "money": say("以分为单位的非负整数", "a whole number of fen, not negative"),
            "date": say("日期（YYYY-MM-DD）", "a date (YYYY-MM-DD)"),
            "month": say("月份（YYYY-MM）", "a month (YYYY-MM)"),
            "list": say(f"{least}-{self.max} 行", f"a list of {least}-{self.max} rows") + f" ({', '.join(self.of)})",
        }[self.type]


def variable(name: str, spec: Mapping[str, Any]) -> Variable:
    """Read a declaration of meta.yaml.

    Raises:
        ValueError: it holds an unknown word or type, or a text, code or list has no `max`.
    """
    unknown = sorted({*spec} - {"type", "max", "optional", "late", "of"})
    if not isinstance(name, str):  # YAML reads on, off, yes and no as truth
        raise ValueError(f"{name}: a name in quotes")  # noqa: TRY004 - of meta.yaml
    if unknown or spec.get("type") not in TYPES:
        raise ValueError(f"{name}: {unknown or spec.get('type')}")
    if (spec["type"] in {"text", "code", "list"}) != ("max" in spec) or (spec["type"] == "list") != ("of" in spec):
        raise ValueError(f"{name}: max, of")
    fields = {inner: variable(inner, kind) for inner, kind in spec.get("of", {}).items()}
    return Variable(
        name, spec["type"], spec.get("max", 0), spec.get("optional", False), spec.get("late", False), fields
    )


def checked(
    template: str, key: str, declared: Mapping[str, Variable], given: Mapping[str, Any], prefix: str = ""
) -> dict[str, Any]:
    """Return the given values as plain JSON values, dates as ISO text.

    Args:
        template: its name, for the error.
        key: of the message, for the error.
        declared: what must be given.
        given: by name.
        prefix: where in a list we are, such as "days.".

    Raises:
        MissingVariable, ExtraVariable, BadVariable: named; the value itself is never quoted.
    """
    for name in declared:
        if name not in given:
            raise MissingVariable(template, key, prefix + name)
    for name in given:
        if name not in declared:
            raise ExtraVariable(template, key, prefix + name)
    return {name: _plain(template, key, prefix, kind, given[name]) for name, kind in declared.items()}


def worked(kind: Variable, plain: Any) -> Any:
    """Turn a plain value into what a template works with: dates become dates, texts harmless."""
    if kind.type == "text":
        return tamed(plain)
    if kind.type == "date":
        return date.fromisoformat(plain)
    if kind.type == "list":
        return [{name: worked(inner, row[name]) for name, inner in kind.of.items()} for row in plain]
    return plain


def tamed(text: str) -> str:
    """Take from a text what a phone would make a link of, or what turns the direction of writing.

    A name in a register may be anything; under a district's sign it must not become a link. Providers refuse links in
    variables, too.
    """
    if text.isalnum():
        return text
    return _LINK.sub("·", text).translate(_TURNING)


def _plain(template: str, key: str, prefix: str, kind: Variable, value: Any) -> Any:
    if kind.type == "list":
        if isinstance(value, list | tuple) and (kind.optional or value) and len(value) <= kind.max:
            return [checked(template, key, kind.of, row, f"{prefix}{kind.name}.") for row in value]
    elif kind.type == "date":
        day = _iso(value)
        if day:
            return day
    elif _fits(kind, value):
        return value
    raise BadVariable(template, key, prefix + kind.name, kind.wanted)


def _iso(value: Any) -> str | None:
    if isinstance(value, datetime):
        return None
    if isinstance(value, date):
        return value.isoformat()
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        return None


def _fits(kind: Variable, value: Any) -> bool:
    if kind.type in {"integer", "money"}:
        return _whole(value, -_MOST if kind.type == "integer" else 0) or (kind.optional and value is None)
    if not isinstance(value, str) or _CONTROL.search(value):
        return False
    if kind.type == "month":
        return _MONTH.fullmatch(value) is not None
    if kind.type == "code" and not _CODE.fullmatch(value):
        return False
    return (kind.optional or bool(value.strip())) and len(value) <= kind.max


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= _MOST
