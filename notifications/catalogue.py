"""The catalogue of message templates: each folder's meta.yaml says what it is for, and which variables it takes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from notifications.errors import BadTemplate, BadVariable, ExtraVariable, MissingVariable, UnknownTemplate

FOLDER = Path(__file__).parent / "templates"
LANGUAGES = ("zh-CN", "en")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_META = {"version", "title", "channels", "variables", "samples"}


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared variable; `max` counts characters of a text, or entries of a list of rows `of` these fields."""

    name: str
    type: Literal["text", "integer", "date", "month", "list"]
    max: int
    optional: bool
    of: Mapping[str, "Variable"]

    @property
    def wanted(self) -> str:
        """What a value must be, for the error message."""
        if self.type == "text":
            return f"text of {0 if self.optional else 1}-{self.max} characters on one line"
        return {"integer": "integer", "date": "date (YYYY-MM-DD)", "month": "month (YYYY-MM)"}.get(
            self.type, f"list of 1-{self.max} rows ({', '.join(self.of)})"
        )


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of message."""

    name: str
    version: int
    title: str
    channels: tuple[str, ...]
    variables: Mapping[str, Variable]
    samples: Mapping[str, Mapping[str, Any]]
    kind: str = "notice"
    audience: str = "staff"

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return FOLDER / self.name

    def check(self, key: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the variables as plain JSON values, dates as ISO text.

        Raises:
            MissingVariable, ExtraVariable, BadVariable: named, with the message key.
        """
        return _checked(self.name, key, "", self.variables, given)

    def complete(self, key: str, early: Mapping[str, Any], late: Mapping[str, Any]) -> dict[str, Any]:
        return {**early, **late}


@cache
def catalogue() -> Mapping[str, Template]:
    """Return all templates by name; folders that begin with _ hold shared layout."""
    folders = sorted(path for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith("_"))
    return {folder.name: _read(folder) for folder in folders}


def template(name: str) -> Template:
    """Return one template.

    Raises:
        UnknownTemplate: there is none of that name.
    """
    found = catalogue().get(name)
    if found is None:
        raise UnknownTemplate(name)
    return found


def _read(folder: Path) -> Template:
    meta = yaml.safe_load((folder / "meta.yaml").read_text(encoding="utf-8"))
    if set(meta) != _META:
        raise BadTemplate(folder.name, f"meta.yaml: {sorted(set(meta) ^ _META)}")
    variables = {name: _variable(name, spec) for name, spec in meta["variables"].items()}
    return Template(folder.name, meta["version"], meta["title"], tuple(meta["channels"]), variables, meta["samples"])


def _variable(name: str, spec: Mapping[str, Any]) -> Variable:
    fields = {inner: _variable(inner, kind) for inner, kind in spec.get("of", {}).items()}
    return Variable(name, spec["type"], spec.get("max", 0), spec.get("optional", False), fields)


def _checked(
    where: str, key: str, prefix: str, declared: Mapping[str, Variable], given: Mapping[str, Any]
) -> dict[str, Any]:
    for name in declared:
        if name not in given:
            raise MissingVariable(where, key, prefix + name)
    for name in given:
        if name not in declared:
            raise ExtraVariable(where, key, prefix + name)
    return {name: _plain(where, key, prefix, variable, given[name]) for name, variable in declared.items()}


def _plain(where: str, key: str, prefix: str, variable: Variable, value: Any) -> Any:
    if variable.type == "list":
        if isinstance(value, list | tuple) and 1 <= len(value) <= variable.max:
            inside = f"{prefix}{variable.name}."
            return [_checked(where, key, inside, variable.of, row) for row in value]
    elif variable.type == "date":
        day = _iso(value)
        if day:
            return day
    elif _fits(variable, value):
        return value
    raise BadVariable(where, key, prefix + variable.name, variable.wanted)


def _iso(value: Any) -> str | None:
    if isinstance(value, datetime):
        return None
    if isinstance(value, date):
        return value.isoformat()
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        return None


def _fits(variable: Variable, value: Any) -> bool:
    if variable.type == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if not isinstance(value, str) or _CONTROL.search(value):
        return False
    if variable.type == "month":
        return _MONTH.fullmatch(value) is not None
    return (variable.optional or bool(value.strip())) and len(value) <= variable.max
