"""Successors: messages that cannot reach the person on their channel -> the same news on the person's next one."""

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from models.db import insert_for, keys_of
from models.drafts import Class, Draft, Route, enclosed_in, message_rows
from models.messages import BATCH, CHANNELS, Message
from models.seal import KeyRing, SealError

NOT_REACHED = ("suppressed", "dead", "undeliverable")


def pass_on(session: Session, ids: Collection[int], now: datetime) -> int:
    """Write the successors of messages that did not get through; one without a further route, or unreadable, has none.

    The key of a successor is its first ancestor's with ~1, ~2 ..., so doing this twice changes nothing.

    Args:
        session: writing.
        ids: of messages in a state of NOT_REACHED.
        now: the business clock.

    Returns:
        How many were written.
    """
    written = 0
    for start in range(0, len(ids), BATCH):
        mine = (col(Message.id).in_(sorted(ids)[start : start + BATCH]), col(Message.state).in_(NOT_REACHED))
        query = select(Message).where(*mine, col(Message.routes).is_not(None)).order_by(col(Message.id))
        rows = list(_successors(session, session.execute(query).scalars().all(), now))
        if rows:
            fresh = insert_for(session, Message).on_conflict_do_nothing(index_elements=["dedupe_key"])
            one_statement = {"render_nulls": True}
            written += len(
                session.execute(fresh.returning(col(Message.id)), rows, execution_options=one_statement).all()
            )
    return written


def base_of(key: str) -> str:
    """Return the business key behind the key of a successor."""
    return key.partition("~")[0]


def with_successors(keys: Iterable[str]) -> list[str]:
    """Return business keys with those that their successors would have, down to the entry of the call list."""
    return [f"{key}{end}" for key in keys for end in ("", *(f"~{number}" for number in range(1, len(CHANNELS))))]


def _successors(session: Session, ended: Collection[Message], now: datetime) -> Iterator[dict[str, Any]]:
    keys = keys_of(session)
    for message in ended:
        assert message.id is not None
        known = Class(message.template_version, message.kind, message.audience)
        with suppress(SealError):  # a damaged row ends here and must not keep the others from their successors
            draft = _next(session, keys, message)
            yield from message_rows(session, [draft], {message.template: known}, now, message.id)


def _next(session: Session, keys: KeyRing, message: Message) -> Draft:
    key = message.dedupe_key
    base, _, number = key.partition("~")  # the outbox refuses business keys that hold one
    routes: list[Route] = [
        (channel, address) for channel, address in json.loads(keys.open("message.routes", key, message.routes))
    ]
    (channel, address), *others = routes
    return Draft(
        key=f"{base}~{int(number or 0) + 1}",
        template=message.template,
        channel=channel,
        recipient=message.recipient,
        address=address,
        variables=json.loads(keys.open("message.variables", key, message.variables)),
        district=message.district,
        language=message.language,
        priority=message.priority,
        expires_at=message.expires_at,
        others=tuple(others),
        enclosed=enclosed_in(session, key, message.enclosures),
    )
