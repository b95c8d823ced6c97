"""Receipts, polled or called back -> kept once -> the message's state -> blacklists and people's next channels."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from models.consent import opt_out_index
from models.receipts import Report, Settled, keep, moves_of, settle
from models.successors import pass_on
from notifications.leases import Moves


def store_reports(session: Session, provider: str, reports: Sequence[Report], now: datetime) -> Moves:
    """Keep receipts and let messages take them up; early, late and double ones are harmless.

    Args:
        session: writing.
        provider: its name on the messages.
        reports: any number, in any order.
        now: the business clock.

    Returns:
        Where messages went.
    """
    keep(session, provider, reports, now)
    return settle_all(session, provider, now)


def settle_all(session: Session, provider: str, now: datetime) -> Moves:
    """Let messages take up what is there, also receipts that came before the acceptance was recorded."""
    ended = settle(session, provider, now)
    _follow(session, ended, now)
    return moves_of(ended)


def _follow(session: Session, ended: Sequence[Settled], now: datetime) -> None:
    for each in ended:
        if each.blocked:
            opt_out_index(session, each.channel, each.address_index, "provider", now)
    pass_on(session, [each.message_id for each in ended if each.state == "undeliverable"], now)
