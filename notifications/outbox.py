"""The outbox: jobs enqueue in their own transaction and never send; drafts are checked here, before anything is stored.

check the frame -> check the variables against the template -> check the addresses -> order them as the person prefers
-> store, single by business key.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from models.consent import preferences
from models.drafts import Class, Draft, Route, insert_drafts
from models.messages import ChannelKind
from notifications.catalogue import LANGUAGES, Template, template
from notifications.errors import BadAddress, BadDraft, TooMany

__all__ = ["Draft", "address_of", "enqueue"]

CEILING = 20_000
"""More drafts than this in one call are a mistake, or want batches."""

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._*$=/-]{2,199}")
_ROBOT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_TELEPHONE = re.compile(r"\d[\d-]{2,23}")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_PHONE_NOISE = str.maketrans("", "", " -()()")


def enqueue(session: Session, drafts: Sequence[Draft], now: datetime, *, ceiling: int = CEILING) -> int:
    """Store messages in the business transaction of the caller; a refused one rolls that back.

    Args:
        session: the caller's writing session.
        drafts: any number up to `ceiling`.
        now: the business clock.
        ceiling: refuse more than this at once.

    Returns:
        How many were new; the same key with the same payload counts once, for ever.

    Raises:
        UnknownTemplate, MissingVariable, ExtraVariable, BadVariable, BadAddress, BadDraft: a draft is not right.
        SameKeyOtherPayload: its key exists with another payload.
        TooMany: more than `ceiling`.
    """
    if len(drafts) > ceiling:
        raise TooMany(len(drafts), ceiling)
    kinds = {name: template(name) for name in {draft.template for draft in drafts}}
    checked = [_checked(draft, kinds[draft.template]) for draft in drafts]
    wanted = preferences(session, {draft.recipient for draft in checked if draft.others})
    routed = [_preferred(draft, wanted[draft.recipient]) if draft.recipient in wanted else draft for draft in checked]
    classes = {name: Class(kind.version, kind.kind, kind.audience) for name, kind in kinds.items()}
    return insert_drafts(session, routed, classes, now)


def _preferred(draft: Draft, order: Sequence[str]) -> Draft:
    """Put the person's routes into the order they asked for; what they did not name stays behind, as it was."""
    routes: list[Route] = [(draft.channel, draft.address), *draft.others]
    places = {channel: place for place, channel in enumerate(order)}
    (channel, address), *others = sorted(routes, key=lambda route: places.get(route[0], len(places)))
    return replace(draft, channel=channel, address=address, others=tuple(others))


def _checked(draft: Draft, kind: Template) -> Draft:
    wrong = _wrong(draft)
    if wrong:
        raise BadDraft(draft.key, wrong)
    (channel, address), *others = [
        _route(draft, kind, *route) for route in ((draft.channel, draft.address), *draft.others)
    ]
    variables = kind.check(draft.key, draft.variables)
    return replace(draft, channel=channel, address=address, others=tuple(others), variables=variables)


def _route(draft: Draft, kind: Template, channel: ChannelKind, text: str) -> Route:
    if channel not in kind.channels:
        raise BadDraft(draft.key, "channel")
    address = address_of(channel, text)
    if address is None:
        raise BadAddress(draft.key, draft.recipient, channel)
    return channel, address


def _wrong(draft: Draft) -> str | None:
    if not _KEY.fullmatch(draft.key):
        return "key"
    if draft.language not in LANGUAGES:
        return "language"
    if not 0 <= draft.priority <= 9:
        return "priority"
    if draft.expires_at is not None and draft.not_before is not None and draft.expires_at <= draft.not_before:
        return "expires_at"
    return None


def address_of(channel: str, text: str) -> str | None:
    """Return a normalised address; None when the channel cannot reach it."""
    if channel == "call":  # people dial it, so the dashes before and behind a land line stay: 0871-63123456-8002
        number = text.replace(" ", "").removeprefix("+86")
        return number if not number or _TELEPHONE.fullmatch(number) else None
    if channel == "robot":
        return text if _ROBOT.fullmatch(text) else None
    if channel == "sms":
        number = text.translate(_PHONE_NOISE).removeprefix("+86")
        return number if _MOBILE.fullmatch(number) else None
    address = text.strip()
    return address if len(address) <= 254 and _EMAIL.fullmatch(address) else None
