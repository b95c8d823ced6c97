"""The rule book of messages: quiet hours, caps, rates, reconciliation, alarms, redaction."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar, get_args

from policies.book import BadPolicy, check_names, in_force, some_of, whole
from rules.messages import Hours, Kind, Rate, may_leave

PROVIDERS = ("aliyun", "tencent", "smtp", "robot")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Caps:
    """The most messages of a channel: for one number a day, for one run, and for a day."""

    number_day: int
    run: int
    day: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """When operators hear of trouble, and how often again."""

    pending: timedelta
    stopped: timedelta
    repeat: timedelta


@dataclass(frozen=True, slots=True)
class MessagePolicy:
    """One version of policies/messages.yaml."""

    since: date
    source: str
    quiet: Hours
    promotional: Hours
    caps: Caps
    rates: Mapping[str, Rate]
    settle: timedelta
    resend: tuple[Kind, ...]
    receipts: timedelta
    alarm: Alarm
    redact: timedelta


_KEYS = (
    "since", "source", "quiet", "promotional", "caps", "rates", "settle_minutes", "resend", "receipt_days", "alarm",
    "redact_days",
)  # fmt: skip


def messages(day: date, overlay: Path | None = None) -> MessagePolicy:
    """Return the message policy in force on `day`.

    Raises:
        NoPolicyInForce: no version covers the day.
        BadPolicy: the version cannot be understood; file, version and key are named.
    """
    version = in_force("messages", day, overlay)
    try:
        return _read(version)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        files = f"messages.yaml + {overlay}" if overlay else "messages.yaml"
        raise BadPolicy("messages", f"{files}, since {version['since']}: {error}") from error


def _read(version: Mapping[str, Any]) -> MessagePolicy:
    check_names("version", version, _KEYS)
    policy = MessagePolicy(
        since=version["since"],
        source=_read_as("source", _text, version["source"]),
        quiet=_read_as("quiet", _hours, version["quiet"]),
        promotional=_read_as("promotional", _hours, version["promotional"]),
        caps=_read_as("caps", _caps, version["caps"]),
        rates=_read_as("rates", _rates, version["rates"]),
        settle=timedelta(minutes=_read_as("settle_minutes", _positive, version["settle_minutes"])),
        resend=_read_as("resend", _kinds, version["resend"]),
        receipts=timedelta(days=_read_as("receipt_days", _positive, version["receipt_days"])),
        alarm=_read_as("alarm", _alarm, version["alarm"]),
        redact=timedelta(days=_read_as("redact_days", _positive, version["redact_days"])),
    )
    noon = datetime.combine(policy.since, time(12), UTC)
    for kind in get_args(Kind):  # windows that shut out each other would stop every round of the outbox
        may_leave(kind, "public", noon, policy.quiet, policy.promotional)
    return policy


def _read_as(key: str, read: Callable[[Any], _T], given: Any) -> _T:
    """Read one key; what is wrong with it is said with its name."""
    try:
        return read(given)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{key}: {error}") from error


def _mapping(given: Any, wanted: Collection[str]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise TypeError(f"{given!r} is not a mapping of {sorted(wanted)}")
    check_names("it", given, wanted)
    return given


def _text(given: object) -> str:
    if not isinstance(given, str) or not given.strip():
        raise ValueError("a text is wanted")
    return given


def _hours(given: Any) -> Hours:
    ends = _mapping(given, ("from", "until"))
    return Hours(_read_as("from", _clock, ends["from"]), _read_as("until", _clock, ends["until"]))


def _clock(given: str) -> time:
    clock = time.fromisoformat(given)
    if clock.tzinfo is not None:
        raise ValueError(f"{given!r}: the wall clock is the district's, without an offset")
    return clock


def _caps(given: Any) -> Caps:
    caps = _mapping(given, {field.name for field in fields(Caps)})
    return Caps(**{name: _read_as(name, _positive, value) for name, value in caps.items()})


def _rates(given: Any) -> Mapping[str, Rate]:
    return {name: _read_as(name, _rate, rate) for name, rate in _mapping(given, PROVIDERS).items()}


def _rate(given: Any) -> Rate:
    rate = _mapping(given, {field.name for field in fields(Rate)})
    return Rate(**{name: _read_as(name, _positive, value) for name, value in rate.items()})


def _kinds(given: Any) -> tuple[Kind, ...]:
    return some_of(get_args(Kind), given)  # type: ignore[return-value]


def _alarm(given: Any) -> Alarm:
    times = _mapping(given, ("pending_minutes", "stopped_minutes", "repeat_hours"))
    return Alarm(
        timedelta(minutes=_read_as("pending_minutes", whole, times["pending_minutes"])),
        timedelta(minutes=_read_as("stopped_minutes", whole, times["stopped_minutes"])),
        timedelta(hours=_read_as("repeat_hours", _positive, times["repeat_hours"])),
    )


def _positive(value: object) -> int:
    if whole(value) == 0:
        raise ValueError("0 is no limit, it would stop everything; name a high one instead")
    return whole(value)
