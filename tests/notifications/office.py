"""A district's post office for tests: two clocks that stand still until moved, an outbox, and providers in memory."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import select

from models.awaited import Patience
from models.consent import opt_out
from models.db import Database
from models.drafts import Class, Draft, insert_drafts
from models.messages import Message
from models.providers import Health, health
from models.receipts import Report
from notifications.channels.contract import Channel, ChannelDown, Letter, Outcome, Request
from notifications.channels.enquiry import Enquiry, Found, Reply
from notifications.drain import Tally, drain
from notifications.leases import Moves
from notifications.receipts import store_reports
from notifications.reconcile import Findings, reconcile
from notifications.rendering import Sms
from notifications.round import Round
from policies.messages import MessagePolicy, messages
from rules.messages import Rate

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 7, 11, 12, 0, tzinfo=ZONE).astimezone(UTC)
BOOK = messages(NOON.date())
VARIABLES: dict[str, Any] = {"name": "李建国", "date": "2026-07-12", "weekday": "周日", "centre": "马街中心"}
DRAFT = Draft("m:1", "duty-released", "sms", "C-7K3Q-9XM2", "13800138000", VARIABLES, "530112")
ASSIGNED: dict[str, Any] = {"template": "duty-assigned", "variables": {**VARIABLES, "reason": "原值班人请假"}}
"""What a draft differs in when it is of another template."""
Answer = str | Outcome | BaseException


def here(clock: str) -> datetime:
    """An instant from the district's wall clock, such as 2026-07-11 21:00."""
    return datetime.fromisoformat(clock).replace(tzinfo=ZONE).astimezone(UTC)


def drafts(number: int, prefix: str = "m", **same: Any) -> list[Draft]:
    """Messages m:0, m:1 ... to as many phones."""
    return [replace(DRAFT, **{"key": f"{prefix}:{n}", "address": f"138{n:08}", **same}) for n in range(number)]


def mixed(number: int) -> list[Draft]:
    """Messages m:0, m:1 ... of two templates in turn: they fly in two calls."""
    return [replace(one, **(ASSIGNED if n % 2 else {})) for n, one in enumerate(drafts(number))]


class Post:
    """A channel that remembers what it was given and answers as told; it accepts when nothing else is said."""

    def __init__(
        self, *answers: Answer, provider: str = "post", batch: int = 50, down: str = "", lacks: Sequence[str] = ()
    ) -> None:
        self.provider, self.batch, self.down, self.lacks = provider, batch, down, lacks
        self.answers = list(answers)
        self.calls: list[tuple[str, list[Request]]] = []

    @property
    def sent(self) -> list[Request]:
        """Every request, in order."""
        return [request for _, requests in self.calls for request in requests]

    @property
    def phones(self) -> list[str]:
        """To whom, in order."""
        return [request.address for request in self.sent]

    def open(self) -> None:
        if self.down:
            raise ChannelDown(self.provider, self.down)

    def carries(self, template: str, _language: str) -> bool:
        return template not in self.lacks

    def compose(self, letter: Letter) -> str:
        return letter.content.text if isinstance(letter.content, Sms) else letter.content.subject

    def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        self.calls.append((call_id, list(requests)))
        return [self._outcome(request) for request in requests]

    def _outcome(self, request: Request) -> Outcome:
        answer = self.answers.pop(0) if self.answers else "accepted"
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Outcome):
            return replace(answer, out_id=request.out_id)
        ref = f"ref-{request.out_id}" if answer == "accepted" else None
        verdict: Any = answer
        return Outcome(request.out_id, verdict, ref, None if answer == "accepted" else "E1")

    def close(self) -> None: ...


class Asked:
    """A provider that can be asked: by phone, what it says; `told` are portions of receipts and answers."""

    def __init__(self, provider: str = "post") -> None:
        self.provider = provider
        self.answers: dict[str, Found | BaseException | None] = {}
        self.told: list[Sequence[Report] | BaseException] = []
        self.replied: list[Sequence[Reply] | BaseException] = []
        self.asked: list[tuple[str, list[date], str, str | None]] = []
        self.before: Callable[[str], None] = lambda _: None
        self.down = ""
        self.closed = 0

    def open(self) -> None:
        if self.down:
            raise ChannelDown(self.provider, self.down)

    def find(self, phone: str, days: Sequence[date], call_id: str, provider_ref: str | None) -> Found | None:
        self.before(phone)
        self.asked.append((phone, list(days), call_id, provider_ref))
        answer = self.answers.get(phone)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def reports(self) -> Iterator[Sequence[Report]]:
        return self._portions(self.told)

    def replies(self) -> Iterator[Sequence[Reply]]:
        return self._portions(self.replied)

    def _portions(self, waiting: list[Any]) -> Iterator[Any]:
        while waiting:
            portion = waiting.pop(0)
            if isinstance(portion, BaseException):
                raise portion
            yield portion

    def close(self) -> None:
        self.closed += 1


def says(found: Found | BaseException | None, phone: str = DRAFT.address) -> Asked:
    """A provider that is asked about one phone."""
    asked = Asked()
    asked.answers[phone] = found
    return asked


@dataclass
class Office:
    """One district's outbox with clocks in hand; `now` is the business clock, `real` the other one."""

    database: Database
    now: datetime = NOON
    real: datetime = NOON
    policy: MessagePolicy = BOOK
    owner: str = "host:1:0"
    rest: dict[str, Any] = field(default_factory=dict)

    def later(self, **span: float) -> None:
        """Let both clocks run on."""
        self.now += timedelta(**span)
        self.real += timedelta(**span)

    def at(self, clock: str) -> None:
        """Set both clocks to a moment of the district's wall clock."""
        self.now = self.real = here(clock)

    def capped(self, **caps: int) -> None:
        """Lower some caps."""
        self.policy = replace(self.policy, caps=replace(self.policy.caps, **caps))

    def rated(self, provider: str, per_s: int, burst: int) -> None:
        """Give a provider a token bucket."""
        self.policy = replace(self.policy, rates={**self.policy.rates, provider: Rate(per_s, burst)})

    def put(self, *told: Draft, kind: str = "notice", audience: str = "staff") -> None:
        """Store drafts as messages of a class, whatever the catalogue says of their template."""
        classes = {draft.template: Class(1, kind, audience) for draft in told}
        with self.database.write() as session:
            insert_drafts(session, told, classes, self.now)

    def round(self, **more: Any) -> Round:
        clocks: dict[str, Any] = {"now": lambda: self.now, "real_now": lambda: self.real}
        return Round(self.database, self.policy, ZONE, owner=self.owner, **(clocks | self.rest | more))

    def drain(self, *sms: Channel, channels: Mapping[str, Sequence[Channel]] | None = None, **more: Any) -> Tally:
        """One round with these SMS providers, or with these channels."""
        return drain(self.round(**more), channels if channels is not None else {"sms": list(sms)})

    def told(self, *reports: Report, provider: str = "post") -> Moves:
        """Receipts come in."""
        with self.database.write() as session:
            return store_reports(session, provider, reports, self.now)

    def ask(self, *enquiries: Enquiry, limit: int = 300, patience: Patience | None = None) -> Findings:
        """Reconcile with these providers; nobody's answers are looked at."""
        return reconcile(self.round(), enquiries, lambda *_: None, limit=limit, patience=patience)

    def opt_out(self, address: str, channel: Any = "sms") -> None:
        with self.database.write() as session:
            opt_out(session, channel, address, "reply", self.now)

    def message(self, key: str = "m:1") -> Message:
        with self.database.read() as session:
            return session.exec(select(Message).where(Message.dedupe_key == key)).one()

    def states(self) -> dict[str, int]:
        """How many messages stand in each state."""
        return dict(self._counted("SELECT state FROM message"))

    def keys(self, state: str) -> set[str]:
        return set(self._counted(f"SELECT dedupe_key FROM message WHERE state = '{state}'"))

    def tries(self) -> list[tuple[Any, ...]]:
        """(number, outcome, code) of every try, in order."""
        return self.rows("SELECT number, outcome, error_code FROM attempt ORDER BY id")

    def health(self, template: str = "", provider: str = "sms:post") -> Health:
        with self.database.read() as session:
            return next(state for state in health(session, provider) if state.template == template)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.database.read() as session:
            return [tuple(row) for row in session.connection().execute(text(query))]

    def execute(self, statement: str) -> None:
        with self.database.write() as session:
            session.connection().execute(text(statement))

    def _counted(self, query: str) -> Counter[str]:
        return Counter(value for (value,) in self.rows(query))
