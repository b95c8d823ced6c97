"""The rule book: dated versions of a policy read from YAML, with an operator's versions laid over them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rules.duty import Policy
from rules.errors import NoPolicyInForce, PolicyError
from rules.marks import Marks

_FOLDER = Path(__file__).parent


@dataclass(eq=False)
class BadPolicy(PolicyError):
    """A policy file says something that cannot be understood."""

    policy: str
    problem: str
    zh = "政策 {policy} 有误:{problem};请改正该 YAML 文件后重试。"
    en = "policy {policy!r} is wrong: {problem}; correct the YAML file and try again."


@dataclass(frozen=True, slots=True)
class DutyPolicy:
    """One version of policies/duty.yaml."""

    since: date
    source: str
    rule: Policy
    marks: Marks
    channels: dict[str, tuple[str, ...]]
    look_back_days: int


def duty(day: date, overlay: Path | None = None) -> DutyPolicy:
    """Return the duty policy in force on `day`.

    Raises:
        NoPolicyInForce: no version covers the day.
        BadPolicy: the version cannot be understood.
    """
    version = in_force("duty", day, overlay)
    try:
        return DutyPolicy(
            since=version["since"],
            source=version["source"],
            rule=Policy(
                gap=_whole(version["gap"]),
                accruing_leave=frozenset(version["accruing_leave"]),
                chain_depth=_whole(version["chain_depth"]),
            ),
            marks=Marks(**{name: time.fromisoformat(text) for name, text in version["marks"].items()}),
            channels={purpose: tuple(order) for purpose, order in version["channels"].items()},
            look_back_days=_whole(version["look_back_days"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadPolicy("duty", f"{type(error).__name__}: {error}") from error


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is not a whole number >= 0")
    return value


def in_force(name: str, day: date, overlay: Path | None = None) -> dict[str, Any]:
    """Return the version of a policy in force on `day`, the overlay's versions laid over the book's.

    An overlay version starts from the version it follows and states only what differs; one with the same `since` as
    a version of the book replaces what it states in it.
    """
    versions = _laid_over(name, _versions(name, _FOLDER / f"{name}.yaml"), overlay)
    current = [version for version in versions if version["since"] <= day]
    if not current:
        raise NoPolicyInForce(name, day)
    return current[-1]


def _laid_over(name: str, book: list[dict[str, Any]], overlay: Path | None) -> list[dict[str, Any]]:
    result = {version["since"]: version for version in book}
    for version in _versions(name, overlay) if overlay else ():
        before = [result[since] for since in sorted(result) if since <= version["since"]]
        result[version["since"]] = {**(before[-1] if before else {}), **version}
        later = (since for since in result if since > version["since"])
        for since in later:
            result[since] = {**result[since], **_stated(version)}
    return [result[since] for since in sorted(result)]


def _stated(version: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in version.items() if key not in {"since", "source"}}


@cache
def _versions(name: str, path: Path) -> list[dict[str, Any]]:
    try:
        content = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadPolicy(name, f"{path.name}: {error}") from error
    if not isinstance(content, dict):
        raise BadPolicy(name, f"{path.name}: not a mapping")
    part = content if "versions" in content else content.get(name, {})
    versions = part.get("versions", []) if isinstance(part, dict) else []
    return sorted(_checked(name, path, versions), key=lambda version: version["since"])


def _checked(name: str, path: Path, versions: Iterable[Any]) -> list[dict[str, Any]]:
    checked = [version for version in versions if isinstance(version, dict)]
    if len(checked) != len(list(versions)) or not all(isinstance(v.get("since"), date) for v in checked):
        raise BadPolicy(name, f"{path.name}: every version is a mapping with `since: YYYY-MM-DD`")
    if len({version["since"] for version in checked}) != len(checked):
        raise BadPolicy(name, f"{path.name}: two versions start on the same day")
    return checked
