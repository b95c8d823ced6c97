"""The facts of follow-up visits 回访: registration, tiers, statuses, contacts -> what held on which day, as known when.

All dates and times are the district's wall clock. Rows are append-only: a correction is a new row with the same date,
and the one recorded last holds.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple, get_args

from rules.errors import TuoqiError

Tier = Literal["red", "yellow", "green"]
Status = Literal["DEAD", "MOVED", "INSTITUTION", "REFUSED", "HOSPITAL", "AWAY", "ACTIVE"]
Outcome = Literal["MET", "PHONE", "VIDEO", "NO_ANSWER", "REFUSED", "AWAY"]
Channel = Literal["home", "phone", "video"]
Flag = Literal["CONTACT_AFTER_DEATH", "CONTACT_AFTER_MOVE"]

TIERS: tuple[Tier, ...] = get_args(Tier)
STATUSES: tuple[Status, ...] = get_args(Status)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
PAUSES: frozenset[Status] = frozenset({"HOSPITAL", "AWAY"})
GONE: frozenset[Status] = frozenset({"DEAD", "MOVED"})
EFFECTIVE: frozenset[Outcome] = frozenset({"MET", "PHONE", "VIDEO"})
"""Met, or telephone or video answered by the elder; a relative who answers is AWAY or NO_ANSWER."""


@dataclass(eq=False)
class ContactInFuture(TuoqiError):
    """A contact cannot have taken place on `occurred_on`, after the day it is recorded."""

    occurred_on: date
    today: date
    zh = "回访日期 {occurred_on} 晚于今天({today})；请核对日期，实际发生后再登记。"
    en = "the contact of {occurred_on} lies after today ({today}); check the date, or record it once it has happened."


@dataclass(eq=False)
class Ungraded(TuoqiError):
    """An elder registered on `registered_on` has no tier, so no clock; taking one for granted would be a guess."""

    registered_on: date
    zh = "{registered_on} 登记的一位老人没有风险等级；请在老人登记表补填等级后重试。"
    en = "an elder registered on {registered_on} has no tier; fill in the tier in the elder register and try again."


@dataclass(frozen=True, slots=True)
class TierRow:
    """A grade 分级 from a date on."""

    since: date
    tier: Tier
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A status from a date on.

    MOVED with a community is a move inside the district, which changes the place and nothing else. `reoffer_on` is
    the date agreed with an elder who refused.
    """

    since: date
    status: Status
    recorded_at: datetime
    community: str | None = None
    reoffer_on: date | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact or an attempt; `at` is its time of day if it was written down."""

    occurred_on: date
    outcome: Outcome
    recorded_at: datetime
    channel: Channel = "home"
    helper: str = ""
    at: time | None = None


@dataclass(frozen=True, slots=True)
class History:
    """All that is recorded of one elder, in any order."""

    registered_on: date
    recorded_at: datetime
    tiers: Sequence[TierRow]
    statuses: Sequence[StatusRow] = ()
    contacts: Sequence[Contact] = ()


class Grade(NamedTuple):
    """A tier that holds from `since` until the next grade."""

    since: date
    tier: Tier


class Span(NamedTuple):
    """A status that holds from `since` until the day before `until`; None is open."""

    since: date
    status: Status
    until: date | None = None
    reoffer_on: date | None = None


def check_contact(occurred_on: date, today: date) -> None:
    """Raise ContactInFuture for a contact dated after the day it is recorded."""
    if occurred_on > today:
        raise ContactInFuture(occurred_on, today)


def known(history: History, before: date) -> History | None:
    """Return what was recorded before 00:00 of a day; None if the elder was not registered or graded yet."""
    return known_at(history, datetime.combine(before, time()) - timedelta.resolution)


def known_at(history: History, moment: datetime) -> History | None:
    """Return what was recorded up to a moment; None if the elder was not registered or graded yet."""
    tiers = [row for row in history.tiers if row.recorded_at <= moment]
    if history.recorded_at > moment or not tiers:
        return None
    return replace(
        history,
        tiers=tiers,
        statuses=[row for row in history.statuses if row.recorded_at <= moment],
        contacts=[row for row in history.contacts if row.recorded_at <= moment],
    )


def grades(history: History) -> list[Grade]:
    """Return the tiers in order from registration on, only changes; the first row also covers the days before it.

    Of rows of one date the last recorded holds; of those recorded at once the higher need.
    """
    rows = sorted(history.tiers, key=lambda row: (row.since, row.recorded_at, -TIERS.index(row.tier)))
    found: list[Grade] = []
    for row in {row.since: row for row in rows}.values():
        since = max(row.since, history.registered_on) if found else history.registered_on
        if found and found[-1].since == since:
            found.pop()
        if not found or found[-1].tier != row.tier:
            found.append(Grade(since, row.tier))
    if not found:
        raise Ungraded(history.registered_on)
    return found


def spans(history: History) -> list[Span]:
    """Return the statuses in order from registration on; without a row the elder is ACTIVE.

    Of rows of one date the last recorded holds; of those recorded at once the graver (DEAD first). A move inside the
    district is no status, and ACTIVE after ACTIVE no change.
    """
    if not history.statuses:
        return [Span(history.registered_on, "ACTIVE")]
    rows = sorted(
        (row for row in history.statuses if not is_move_inside(row)),
        key=lambda row: (row.since, row.recorded_at, -STATUSES.index(row.status)),
    )
    found = [Span(history.registered_on, "ACTIVE")]
    for row in {row.since: row for row in rows}.values():
        since = max(row.since, history.registered_on)
        if found[-1].since == since:
            found.pop()
        if not found or not found[-1].status == row.status == "ACTIVE":
            found.append(Span(since, row.status, None, row.reoffer_on))
    followers = [span.since for span in found[1:]]
    return [span._replace(until=until) for span, until in zip(found, [*followers, None], strict=True)]


def is_move_inside(row: StatusRow) -> bool:
    """Tell whether the row is a move to another community of the district."""
    return row.status == "MOVED" and row.community is not None


def span_on(life: Sequence[Span], day: date) -> Span | None:
    """Return the status that holds on `day`, None before registration."""
    return next((span for span in reversed(life) if span.since <= day), None)


def community_on(statuses: Iterable[StatusRow], first: str, day: date) -> str:
    """Return the community of an elder on `day`, who was registered in `first`."""
    moves = [row for row in statuses if is_move_inside(row) and row.since <= day]
    last = max(moves, key=lambda row: (row.since, row.recorded_at, row.community), default=None)
    return first if last is None or last.community is None else last.community


def without_duplicates(contacts: Iterable[Contact]) -> tuple[list[Contact], list[Contact]]:
    """Divide contacts into those that stand and those voided 作废.

    Same date, channel and helper is one contact. An effective one stands before any other, so that a second knock
    that was answered is not lost; else the first recorded.
    """
    same: dict[tuple[date, str, str], list[Contact]] = defaultdict(list)
    for contact in contacts:
        same[contact.occurred_on, contact.channel, contact.helper].append(contact)
    stand, void = [], []
    for group in same.values():
        first, *others = sorted(group, key=_precedence)
        stand.append(first)
        void.extend(others)
    return stand, void


def _precedence(contact: Contact) -> tuple[bool, datetime, time, str]:
    return contact.outcome not in EFFECTIVE, contact.recorded_at, contact.at or time.max, contact.outcome


def flag_of(contact: Contact, life: Sequence[Span]) -> Flag | None:
    """Return the flag of a contact dated after the elder's death or move-out; one on that very date may be true."""
    span = span_on(life, contact.occurred_on)
    if span is None or span.status not in GONE or contact.occurred_on == span.since:
        return None
    return "CONTACT_AFTER_DEATH" if span.status == "DEAD" else "CONTACT_AFTER_MOVE"


def standing_contacts(history: History, life: Sequence[Span], day: date) -> list[Contact]:
    """Return the contacts that count up to `day`, by date: since registration, no duplicates, no flag."""
    stand, _ = without_duplicates(history.contacts)
    counted = [c for c in stand if history.registered_on <= c.occurred_on <= day and flag_of(c, life) is None]
    return sorted(counted, key=lambda c: (c.occurred_on, c.at or time.max, c.recorded_at, c.helper, c.channel))


def dates_of(contacts: Iterable[Contact], outcomes: frozenset[Outcome]) -> list[date]:
    """Return the distinct dates of the contacts with one of the outcomes, in order."""
    return sorted({contact.occurred_on for contact in contacts if contact.outcome in outcomes})
