"""The outbox: jobs enqueue in their own transaction and never send; drafts are checked here, before anything is stored.

check the frame -> check the variables against the template -> check the address -> store, single by business key.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from models.messages import Draft, insert_drafts
from notifications.catalogue import LANGUAGES, Template, template
from notifications.drain import Tally, drain
from notifications.errors import BadAddress, BadDraft, TooMany

__all__ = ["Draft", "Tally", "drain", "enqueue"]

CEILING = 20_000
"""More drafts than this in one call are a mistake, or want batches."""

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._*~$=/-]{2,199}")
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
    checked = [_checked(draft, template(draft.template)) for draft in drafts]
    versions = {draft.template: template(draft.template).version for draft in drafts}
    return insert_drafts(session, checked, versions, now)


def _checked(draft: Draft, kind: Template) -> Draft:
    wrong = _wrong(draft, kind)
    if wrong:
        raise BadDraft(draft.key, wrong)
    address = address_of(draft.channel, draft.address)
    if address is None:
        raise BadAddress(draft.key, draft.recipient, draft.channel)
    return replace(draft, address=address, variables=kind.check(draft.key, draft.variables))


def _wrong(draft: Draft, kind: Template) -> str | None:
    if not _KEY.fullmatch(draft.key):
        return "key"
    if draft.channel not in kind.channels:
        return "channel"
    if draft.language not in LANGUAGES:
        return "language"
    if not 0 <= draft.priority <= 9:
        return "priority"
    if draft.expires_at is not None and draft.not_before is not None and draft.expires_at <= draft.not_before:
        return "expires_at"
    return None


def address_of(channel: str, text: str) -> str | None:
    """Return a normalised address; None when the channel cannot reach it."""
    if channel == "call":
        return "" if not text else None
    if channel == "sms":
        number = text.translate(_PHONE_NOISE).removeprefix("+86")
        return number if _MOBILE.fullmatch(number) else None
    address = text.strip()
    return address if len(address) <= 254 and _EMAIL.fullmatch(address) else None
