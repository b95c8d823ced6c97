"""Faults: what shall go wrong, in a fixed order or at a seeded rate; the same script gives the same day every time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from random import Random
from threading import Lock
from typing import Any, Literal, get_args

from notifications.rehearsal.calls import Answer, Call, Desk, Ending, Refusal, as_json

Kind = Literal[
    "429",
    "500",
    "503",
    "error",
    "reset",
    "empty-set",
    "accept-timeout",
    "accept-reset",
    "accept-500",
    "accept-503",
    "wrong-json",
    "truncated",
    "slow",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_ENDINGS: dict[Kind, Ending] = {"accept-timeout": "silent", "accept-reset": "reset", "truncated": "half"}
_NOTHING_ACCEPTED = {"429", "500", "503", "error", "reset", "empty-set"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One call that goes wrong.

    Attributes:
        kind: of KINDS. 429, 500, 503, error, reset and empty-set accept nothing; all others book first.
        code: with `error`, the provider's code in its usual envelope.
        seconds: Retry-After of a 429, or how slow.
        provider: concerns this provider alone; None concerns all.
        on: calls that send, calls that ask, or both.
    """

    kind: Kind
    code: str = ""
    seconds: float = 1
    provider: str | None = None
    on: Literal["send", "ask", "both"] = "send"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault {self.kind!r}; choose one of {', '.join(KINDS)}")

    @property
    def accepts(self) -> bool:
        """Whether the messages are accepted before it goes wrong."""
        return self.kind not in _NOTHING_ACCEPTED

    def concerns(self, provider: str, *, sends: bool) -> bool:
        """Tell whether this fault is meant for such a call."""
        return self.provider in (None, provider) and self.on in ("both", "send" if sends else "ask")


@dataclass
class Faults:
    """What is wrong at the moment; change it at any time.

    Attributes:
        script: faults still to come, each spent by the first call it concerns.
        phones: by number (11 digits), what the provider has against it: blacklist, frequency, daily, or its own code.
        no_balance: the account is empty.
        outage: every call is answered 503.
    """

    script: list[Fault] = field(default_factory=list)
    phones: dict[str, str] = field(default_factory=dict, repr=False)
    no_balance: bool = False
    outage: bool = False
    _rate: float = 0
    _among: Sequence[Fault] = ()
    _chance: Random = field(default_factory=Random)
    _lock: Any = field(default_factory=Lock, repr=False)

    def then(self, *faults: Fault | Kind) -> None:
        """Add faults to the script."""
        with self._lock:
            self.script.extend(Fault(fault) if isinstance(fault, str) else fault for fault in faults)

    def at_random(self, rate: float, *among: Fault | Kind, seed: int) -> None:
        """Let this share of the calls go wrong, drawn from a seeded generator; a rate of 0 ends it."""
        with self._lock:
            self._rate, self._chance = rate, Random(seed)  # noqa: S311 - repeatable on purpose
            self._among = [Fault(fault) if isinstance(fault, str) else fault for fault in among]

    def draw(self, provider: str, *, sends: bool) -> Fault | None:
        """Return what goes wrong with this call; a scripted fault is spent."""
        with self._lock:
            if self.outage:
                return Fault("503")
            for place, fault in enumerate(self.script):
                if fault.concerns(provider, sends=sends):
                    return self.script.pop(place)
            fits = [fault for fault in self._among if fault.concerns(provider, sends=sends)]
            return self._chance.choice(fits) if fits and self._chance.random() < self._rate else None

    def set(self, wanted: Mapping[str, Any]) -> None:
        """Take over settings from JSON: script, phones, no_balance, outage, and rate with among and seed.

        Raises:
            ValueError, TypeError: an unknown kind or name.
        """
        if "script" in wanted:
            self.script = [_fault(one) for one in wanted["script"]]
        if "rate" in wanted:
            self.at_random(wanted["rate"], *map(_fault, wanted.get("among", ())), seed=wanted.get("seed", 0))
        self.phones = dict(wanted.get("phones", self.phones))
        self.no_balance = bool(wanted.get("no_balance", self.no_balance))
        self.outage = bool(wanted.get("outage", self.outage))


def _fault(given: str | Mapping[str, Any]) -> Fault:
    return Fault(given) if isinstance(given, str) else Fault(**given)  # type: ignore[arg-type] # checked by Fault


def spoiled(fault: Fault, desk: Desk, call: Call) -> Answer:
    """Let a call go wrong: accept first, if the fault says so, then answer badly."""
    if not fault.accepts:
        return _refused(fault, desk, call)
    answer = desk.answer(call)
    if fault.kind in _ENDINGS:
        return replace(answer, ending=_ENDINGS[fault.kind])
    if fault.kind == "slow":
        return replace(answer, wait_s=fault.seconds)
    if fault.kind == "wrong-json":
        return replace(answer, body=b"<html>" + answer.body)
    return _unwell(int(fault.kind.removeprefix("accept-")))


def _refused(fault: Fault, desk: Desk, call: Call) -> Answer:
    match fault.kind:
        case "429":
            busy = Refusal(desk.busy, "Request was denied due to user flow control.", 429)
            return replace(desk.refusal(busy), headers={"Retry-After": str(ceil(fault.seconds))})
        case "error":
            return desk.refusal(Refusal(fault.code, "said the rehearsal"))
        case "empty-set":
            return desk.empty(call)
        case "reset":
            return Answer(b"", ending="reset")
    return _unwell(int(fault.kind))


def _unwell(status: int) -> Answer:
    """What a load balancer says when nobody behind it answers; a 500 comes as JSON that fits no envelope."""
    if status == 500:
        return Answer(as_json({"error": "internal"}), status)
    return Answer(b"<html><body><h1>503 Service Unavailable</h1></body></html>", status, "text/html")
