"""Reconciling 对账: ask providers what became of messages -> receipts, answers of people, unknown messages settled.

What a provider knows settles an unknown message. What it does not know after the settling time was not accepted: a
reminder may be sent again, anything else waits for a person (`tuoqi message settle`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

from models.awaited import ABSENT, Answered, Awaited, Patience, awaited, record_answers
from models.consent import opt_out_index
from models.successors import pass_on
from notifications.channels.contract import ChannelDown
from notifications.channels.enquiry import Enquiry, Found, Reply, Unclear
from notifications.errors import NotificationError
from notifications.leases import Moves
from notifications.receipts import settle_all, store_reports
from notifications.round import Round

TakeReply = Callable[[str, Reply], object]
"""Given a provider and an answer of somebody, act on it in a transaction of its own; told twice it does nothing new."""

_BATCH = 20


@dataclass
class Findings:
    """What asking brought.

    Attributes:
        moves: messages by (channel, template, new state); `pending` counts what is sent again.
        receipts: how many were told.
        replies: how many people answered.
        asked: how many messages were asked about.
        down: providers that did not answer, with the code.
    """

    moves: Moves = field(default_factory=Moves)
    receipts: int = 0
    replies: int = 0
    asked: int = 0
    down: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.moves or self.receipts or self.replies or self.down)


def reconcile(
    one: Round,
    enquiries: Sequence[Enquiry],
    take_reply: TakeReply,
    *,
    limit: int = 300,
    patience: Patience | None = None,
) -> Findings:
    """Ask each provider in turn; one that is down does not keep the others from being asked.

    Args:
        one: this round: database, clocks and policy.
        enquiries: providers that can be asked.
        take_reply: what to do with answers of people.
        limit: the most messages to ask one provider about.
        patience: when to ask; by default as `Patience` says.
    """
    findings = Findings()
    for enquiry in enquiries:
        try:
            with _noting(enquiry, findings):
                enquiry.open()
                with _noting(enquiry, findings):  # an account may lack the right to one of these and have the others
                    _receive(one, enquiry, findings)
                with _noting(enquiry, findings):
                    _listen(enquiry, take_reply, findings)
                _ask(one, enquiry, limit, patience or Patience(), findings)
        finally:
            enquiry.close()
    return findings


@contextmanager
def _noting(enquiry: Enquiry, findings: Findings) -> Iterator[None]:
    try:
        yield
    except ChannelDown as down:
        findings.down.setdefault(enquiry.provider, down.code)
    except NotificationError as error:  # it answered, but not as it documents
        findings.down.setdefault(enquiry.provider, type(error).__name__)


def _receive(one: Round, enquiry: Enquiry, findings: Findings) -> None:
    """Take receipts portion by portion: a provider may tell of each only once."""
    try:
        for reports in enquiry.reports():
            with one.db.write() as session:
                findings.moves += store_reports(session, enquiry.provider, reports, one.now())
            findings.receipts += len(reports)
    finally:  # also those that came by callback, or before the acceptance was recorded
        with one.db.write() as session:
            findings.moves += settle_all(session, enquiry.provider, one.now())


def _listen(enquiry: Enquiry, take_reply: TakeReply, findings: Findings) -> None:
    """Take answers of people, portion by portion for the same reason."""
    for replies in enquiry.replies():
        for reply in replies:
            take_reply(enquiry.provider, reply)
        findings.replies += len(replies)


def _ask(one: Round, enquiry: Enquiry, limit: int, patience: Patience, findings: Findings) -> None:
    since = one.now() - one.policy.receipts
    with one.db.read() as session:
        asking = awaited(session, enquiry.provider, one.now(), since, limit, patience)
    for portion in _portions(asking):
        answers: list[tuple[Answered, bool]] = []
        try:
            for message in portion:
                try:
                    found = enquiry.find(message.phone, days_of(one, message), message.call_id, message.provider_ref)
                except Unclear:  # of this one; it stays as it is, and the others are asked about all the same
                    answers.append((Answered(message, "absent", message.state, None, None), False))
                    continue
                answers.append((_judged(one, message, found), bool(found and found.blocked)))
        finally:
            _store(one, enquiry.provider, answers, findings)


def _portions(asking: Sequence[Awaited]) -> Iterator[Sequence[Awaited]]:
    return (asking[start : start + _BATCH] for start in range(0, len(asking), _BATCH))


def days_of(one: Round, message: Awaited) -> list[date]:
    """The dates under which a provider may have filed a message: of its flight, and of just after midnight.

    Providers live in real time: where `--at` replaces the clock, today's date is asked about too.
    """
    flown = message.flown_at.astimezone(one.zone)
    days = [flown.date(), (flown + timedelta(minutes=10)).date()]
    if abs(one.real_now() - one.now()) > timedelta(hours=1):
        days.append(one.real_now().astimezone(one.zone).date())
    return sorted(set(days))


def _judged(one: Round, message: Awaited, found: Found | None) -> Answered:
    if found is not None:
        return Answered(message, found.state, found.state, found.provider_ref, found.code)
    settled = max(one.policy.settle, 2 * one.lease)  # a slow drain may still be sending until its lease is over
    if message.state != "unknown" or one.now() - message.flown_at < settled:
        return Answered(message, "absent", message.state, None, None)
    if message.kind not in one.policy.resend:
        return Answered(message, "absent", message.state, None, ABSENT)
    state = "dead" if message.attempts >= one.most_attempts else "pending"
    return Answered(message, "absent", state, None, ABSENT)


def _store(one: Round, provider: str, answers: Iterable[tuple[Answered, bool]], findings: Findings) -> None:
    with one.db.write() as session:
        in_order = sorted(answers, key=lambda answer: answer[0].message.id)  # the order everybody locks in
        findings.asked += len(in_order)
        for said in record_answers(session, [said for said, _ in in_order], provider, one.now()):
            findings.moves[said.message.channel, said.message.template, said.state] += 1
        for said, blocked in in_order:
            if blocked:
                opt_out_index(session, said.message.channel, said.message.address_index, "provider", one.now())
        lost = [said.message.id for said, _ in answers if said.state in {"undeliverable", "dead"}]
        pass_on(session, lost, one.now())
