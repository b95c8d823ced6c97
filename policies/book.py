"""The rule book: dated versions of a policy read from YAML, with an operator's versions laid over them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from policies.yaml_file import YamlRefused, read_yaml
from rules.duty import Leave, Policy
from rules.errors import NoPolicyInForce, PolicyError
from rules.marks import Marks

ACCRUING, PLAIN = "accruing", "plain"
_FOLDER = Path(__file__).parent
_LEAVE = ("annual", "sick", "personal", "official", "maternity")
_CHANNELS = ("email", "sms", "call")
_PURPOSES = ("notice", "reminder", "head", "office", "change", "published")
_DUTY = ("since", "source", "gap", "accruing_leave", "chain_depth", "marks", "channels", "look_back_days")


@dataclass(eq=False)
class BadPolicy(PolicyError):
    """A policy file says something that cannot be understood."""

    policy: str
    problem: str
    zh = "政策 {policy} 有误：{problem}；请改正该 YAML 文件后重试。"
    en = "policy {policy!r} is wrong: {problem}; correct the YAML file and try again."


@dataclass(frozen=True, slots=True)
class DutyPolicy:
    """One version of policies/duty.yaml."""

    since: date
    source: str
    rule: Policy
    accruing_leave: frozenset[str]
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
        check_names("version", version, _DUTY)
        check_names("marks", version["marks"], {mark.name for mark in fields(Marks)})
        check_names("channels", version["channels"], _PURPOSES)
        return DutyPolicy(
            since=version["since"],
            source=version["source"],
            rule=Policy(
                gap=whole(version["gap"]),
                accruing_leave=frozenset({ACCRUING}),
                chain_depth=whole(version["chain_depth"]),
            ),
            accruing_leave=frozenset(some_of(_LEAVE, version["accruing_leave"])),
            marks=_marks({name: time.fromisoformat(text) for name, text in version["marks"].items()}),
            channels={purpose: some_of(_CHANNELS, order) for purpose, order in version["channels"].items()},
            look_back_days=whole(version["look_back_days"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        files = f"duty.yaml + {overlay}" if overlay else "duty.yaml"
        raise BadPolicy("duty", f"{files}, since {version['since']}: {error}") from error


def dated_leaves(leaves: Iterable[Leave], overlay: Path | None = None) -> list[Leave]:
    """Divide leave by what the policy of each day says of its kind: "accruing" earns a share, "plain" does not.

    The ledger of the past is so never recomputed from today's rule book. Days before the first version fall under it.
    """
    starts = [version["since"] for version in _laid_over("duty", _versions("duty", _FOLDER / "duty.yaml"), overlay)]
    spans = [
        (
            date.min if number == 0 else start,
            (starts[number + 1] if number + 1 < len(starts) else None),
            duty(start, overlay),
        )
        for number, start in enumerate(starts)
    ]
    return [
        Leave(leave.cadre, max(leave.since, first), until, ACCRUING if leave.kind in policy.accruing_leave else PLAIN)
        for leave in leaves
        for first, following, policy in spans
        for until in _overlap(leave, first, following)
    ]


def _overlap(leave: Leave, first: date, following: date | None) -> Iterator[date | None]:
    """Yield the last day of a leave within a version's days, once if they meet."""
    last = None if following is None else following - timedelta(days=1)
    if (last is None or leave.since <= last) and (leave.until is None or first <= leave.until):
        yield min(filter(None, (leave.until, last)), default=None)


def check_names(what: str, given: Mapping[str, Any], wanted: Collection[str]) -> None:
    """Refuse keys that nobody reads: a misspelt one would leave the old rule in force without a word."""
    if set(given) != set(wanted):
        missing, unknown = sorted(set(wanted) - set(given)), sorted(map(str, set(given) - set(wanted)))
        raise ValueError(f"{what} lacks {missing} and has unknown {unknown}")


def some_of(allowed: Collection[str], value: object) -> tuple[str, ...]:
    """Return a list of allowed words."""
    if not isinstance(value, list) or not set(value) <= set(allowed):
        raise ValueError(f"{value!r} is not a list of {sorted(allowed)}")
    return tuple(value)


def _marks(times: Mapping[str, time]) -> Marks:
    marks = Marks(**times)
    if not (marks.notice < marks.reminder and marks.head < marks.office):
        raise ValueError("marks: notice comes before reminder, head before office")
    return marks


def whole(value: object) -> int:
    """Return a whole number, 0 or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is not a whole number >= 0")
    return value


def in_force(name: str, day: date, overlay: Path | None = None) -> dict[str, Any]:
    """Return the version of a policy in force on `day`, the overlay's versions laid over the book's.

    An overlay version starts from the version it follows and states only what differs; one with the same `since` as
    a version of the book replaces what it states in it. What it states also holds in the book's later versions.
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


def policies() -> set[str]:
    """Return the names of all policies in the book."""
    return {path.stem for path in _FOLDER.glob("*.yaml")}


@cache
def _versions(name: str, path: Path) -> list[dict[str, Any]]:
    try:
        content = read_yaml(path) or {}
    except YamlRefused as error:
        raise BadPolicy(name, f"{path.name}: {error}") from error
    if not isinstance(content, dict):
        raise BadPolicy(name, f"{path.name}: not a mapping")
    unknown = set() if "versions" in content else {str(key) for key in content} - policies()
    if unknown:
        raise BadPolicy(name, f"{path.name}: there is no policy named {sorted(unknown)}")
    part = content if "versions" in content else content.get(name, {})
    versions = part.get("versions", []) if isinstance(part, dict) else part
    return sorted(_checked(name, path, versions), key=lambda version: version["since"])


def _checked(name: str, path: Path, versions: Any) -> list[dict[str, Any]]:
    listed = versions if isinstance(versions, list) else [versions]
    checked = [version for version in listed if isinstance(version, dict)]
    if len(checked) != len(listed) or not all(type(v.get("since")) is date for v in checked):
        raise BadPolicy(name, f"{path.name}: every version is a mapping with `since: YYYY-MM-DD`")
    if len({version["since"] for version in checked}) != len(checked):
        raise BadPolicy(name, f"{path.name}: two versions start on the same day")
    return checked
