"""A version of the exam policy as a release keeps it: its values as plain JSON, and back.

A release keeps values, not only the date of the version: a file laid over the rule book may change them later.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from datetime import date
from typing import Any, get_args, get_origin, get_type_hints

from policies.exams import ExamsPolicy


def frozen(policy: ExamsPolicy) -> dict[str, Any]:
    """Return the values of a version as plain JSON; dates are ISO text, mappings plain."""
    plain: dict[str, Any] = _plain(asdict(policy))
    return plain


def thawed(kept: Mapping[str, Any]) -> ExamsPolicy:
    """Return the version that was kept.

    A value that was not stated when the release was made takes the default of today's program, so that a policy may
    come to state more.

    Raises:
        TypeError: it lacks a value that has no default.
    """
    policy = _made(ExamsPolicy, kept)
    assert isinstance(policy, ExamsPolicy)
    return policy


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def _made(kind: Any, kept: Any) -> Any:
    """Make a value of the declared type from what JSON gives."""
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        known = {field.name for field in fields(kind)} & kept.keys()
        return kind(**{name: _made(hints[name], kept[name]) for name in known})
    if get_origin(kind) is tuple:
        (each, *_) = get_args(kind)
        return tuple(_made(each, one) for one in kept)
    if get_origin(kind) is not None and isinstance(kept, dict):
        of = get_args(kind)[-1]
        return {name: _made(of, one) for name, one in kept.items()}
    return date.fromisoformat(kept) if kind is date else kept
