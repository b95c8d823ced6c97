"""What became of accepted messages, and what people answered: ledger > fate > shown to whoever asks, late or twice.

Two ways out, as with the real providers: asking about a number again and again, and taking each report once (pull or
push). How the carrier behaves is set here and may change at any time.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from typing import Any, Literal, get_args

from notifications.rehearsal.ledger import Entry, Ledger

State = Literal["delivered", "undeliverable", "waiting", "forgotten"]


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a message: waiting has no report yet; forgotten, the provider denies all knowledge of it."""

    state: State = "delivered"
    code: str = ""

    def __post_init__(self) -> None:
        if self.state not in get_args(State):
            raise ValueError(f"no fate {self.state!r}; choose one of {', '.join(get_args(State))}")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider knows of the message at a place of the ledger; `at`: when the handset got it, Unix time."""

    place: int
    entry: Entry
    state: State
    code: str
    at: float


@dataclass(frozen=True, slots=True)
class Answered:
    """An SMS that somebody sent back."""

    number: int
    phone: str = field(repr=False)
    text: str = field(repr=False)
    sign: str
    at: float


@dataclass
class Carrier:
    """How receipts behave.

    Attributes:
        default: the fate of a message.
        fates: by number, where it differs.
        lag: how many times one must ask before a message shows at all.
        twice: reports and replies are given twice.
        early: each report is pushed to this URL before the call that sends the message is answered.
    """

    default: Fate = Fate()
    fates: dict[str, Fate] = field(default_factory=dict, repr=False)
    lag: int = 0
    twice: bool = False
    early: str | None = None


class Receipts:
    """What became of the messages of one ledger."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float]) -> None:
        self.carrier = Carrier()
        self.ledger, self.clock = ledger, clock
        self._lock = Lock()
        self._asked: dict[int, int] = {}
        self._trays: dict[tuple[str, str], _Tray] = {}
        self._answers: dict[tuple[str, str], deque[Answered]] = {}
        self._numbers = count(1)

    def fate(self, entry: Entry) -> Fate:
        """Return what becomes of a message."""
        if entry.fails:
            return Fate("undeliverable", entry.fails)
        return self.carrier.fates.get(entry.phone, self.carrier.default)

    def about(self, provider: str, phone: str) -> list[Receipt]:
        """Return what is known of all messages to a number, oldest first; asking too early shows nothing."""
        places = self.ledger.places(provider, phone)
        with self._lock:
            for place in places:
                self._asked[place] = self._asked.get(place, 0) + 1
            ripe = [place for place in places if self._asked[place] > self.carrier.lag]
        found = [self._receipt(place) for place in ripe]
        return [receipt for receipt in found if receipt.state != "forgotten"]

    def take(self, provider: str, way: Literal["pull", "push"], most: int) -> list[Receipt]:
        """Take reports of delivery or failure that were not yet taken this way; they are gone afterwards."""
        with self._lock:
            tray = self._trays.setdefault((provider, way), _Tray())
            places = list(tray.take(self.ledger, self.carrier, most, lambda place: self._reported(provider, place)))
        return [self._receipt(place) for place in places]

    def give_back(self, provider: str, taken: list[Receipt]) -> None:
        """Put pushed reports back that the receiver did not take."""
        with self._lock:
            self._trays[provider, "push"].late.extendleft(receipt.place for receipt in reversed(taken))

    def _reported(self, provider: str, place: int) -> bool | None:
        """Whether a report is due: None means never, of another provider or forgotten."""
        entry = self.ledger[place]
        state = self.fate(entry).state
        if entry.provider != provider or state == "forgotten":
            return None
        return state != "waiting"

    def _receipt(self, place: int) -> Receipt:
        entry = self.ledger[place]
        fate = self.fate(entry)
        return Receipt(place, entry, fate.state, fate.code, entry.at + 1)

    def reply(self, phone: str, text: str, provider: str | None = None) -> None:
        """Let somebody answer, to whichever provider last sent to the number."""
        chosen = provider or self.ledger.last_provider(phone) or "tencent"
        places = self.ledger.places(chosen, phone)
        sign = self.ledger[places[-1]].sign if places else ""
        said = Answered(next(self._numbers), phone, text, sign, self.clock())
        with self._lock:
            for way in ("pull", "push"):
                self._answers.setdefault((chosen, way), deque()).extend([said] * (2 if self.carrier.twice else 1))

    def take_replies(self, provider: str, way: Literal["pull", "push"], most: int) -> list[Answered]:
        """Take answers that were not yet taken this way."""
        with self._lock:
            tray = self._answers.get((provider, way), deque())
            return [tray.popleft() for _ in range(min(most, len(tray)))]

    def give_replies_back(self, provider: str, taken: list[Answered]) -> None:
        """Put pushed answers back that the receiver did not take."""
        with self._lock:
            self._answers[provider, "push"].extendleft(reversed(taken))

    def set(self, wanted: dict[str, Any]) -> None:
        """Take over settings from JSON: default, fates, lag, twice, early.

        Raises:
            ValueError, TypeError: an unknown fate or name.
        """
        given = dict(wanted)
        if "default" in given:
            given["default"] = _fate(given["default"])
        if "fates" in given:
            given["fates"] = {phone: _fate(one) for phone, one in given["fates"].items()}
        self.carrier = Carrier(**(vars(self.carrier) | given))


def _fate(given: str | dict[str, str]) -> Fate:
    return Fate(given) if isinstance(given, str) else Fate(**given)  # type: ignore[arg-type] # checked by Fate


class _Tray:
    """Where one reader stands: entries up to `read` were looked at, those in `late` come again."""

    def __init__(self) -> None:
        self.read = 0
        self.late: deque[int] = deque()
        self.pulls = 0
        self.seen: deque[tuple[int, int]] = deque()

    def take(
        self, ledger: Ledger, carrier: Carrier, most: int, reported: Callable[[int], bool | None]
    ) -> Iterator[int]:
        """Yield at most `most` places whose report is due."""
        self.pulls += 1
        ready = self._ready(len(ledger), carrier)
        waiting: list[int] = []
        while most > 0 and ready:
            place = ready.popleft()
            due = reported(place)
            if due:
                most -= 1
                yield place
            elif due is False:
                waiting.append(place)
        self.late.extendleft(reversed(waiting))

    def _ready(self, end: int, carrier: Carrier) -> deque[int]:
        """Note new entries with the pull that first saw them, and return those old enough."""
        self.seen.extend((self.pulls, place) for place in range(self.read, end))
        self.read = end
        while self.seen and self.pulls - self.seen[0][0] >= carrier.lag:
            self.late.extend([self.seen.popleft()[1]] * (2 if carrier.twice else 1))
        return self.late
