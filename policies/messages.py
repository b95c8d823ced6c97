"""The rule book of messages: quiet hours, caps, rates, reconciliation, alarms, redaction."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, get_args

from policies.book import BadPolicy, check_names, in_force, some_of, whole
from rules.messages import Hours, Kind, Rate

PROVIDERS = ("aliyun", "tencent", "gateway", "smtp", "robot")


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
        BadPolicy: the version cannot be understood.
    """
    version = in_force("messages", day, overlay)
    try:
        return _read(version)
    except (KeyError, TypeError, ValueError) as error:
        files = f"messages.yaml + {overlay}" if overlay else "messages.yaml"
        raise BadPolicy("messages", f"{files}, since {version['since']}: {error}") from error


def _read(version: Mapping[str, Any]) -> MessagePolicy:
    check_names("version", version, _KEYS)
    check_names("rates", version["rates"], PROVIDERS)
    check_names("alarm", version["alarm"], ("pending_minutes", "stopped_minutes", "repeat_hours"))
    alarm = version["alarm"]
    return MessagePolicy(
        since=version["since"],
        source=version["source"],
        quiet=_hours("quiet", version["quiet"]),
        promotional=_hours("promotional", version["promotional"]),
        caps=_caps(version["caps"]),
        rates={name: _rate(name, rate) for name, rate in version["rates"].items()},
        settle=timedelta(minutes=whole(version["settle_minutes"])),
        resend=some_of(get_args(Kind), version["resend"]),  # type: ignore[arg-type]
        receipts=timedelta(days=whole(version["receipt_days"])),
        alarm=Alarm(
            timedelta(minutes=whole(alarm["pending_minutes"])),
            timedelta(minutes=whole(alarm["stopped_minutes"])),
            timedelta(hours=_positive(alarm["repeat_hours"])),
        ),
        redact=timedelta(days=_positive(version["redact_days"])),
    )


def _hours(name: str, given: Mapping[str, str]) -> Hours:
    check_names(name, given, ("from", "until"))
    return Hours(time.fromisoformat(given["from"]), time.fromisoformat(given["until"]))


def _caps(given: Mapping[str, int]) -> Caps:
    check_names("caps", given, {field.name for field in fields(Caps)})
    return Caps(**{name: _positive(value) for name, value in given.items()})


def _rate(name: str, given: Mapping[str, int]) -> Rate:
    check_names(f"rates.{name}", given, {field.name for field in fields(Rate)})
    return Rate(**{key: _positive(value) for key, value in given.items()})


def _positive(value: object) -> int:
    if whole(value) == 0:
        raise ValueError("0 would stop every message; leave the limit high instead")
    return whole(value)
