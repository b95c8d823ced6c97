"""The messages of a swap asked for by link: the other side is asked with a link of its own, the asker hears the end.

In each of them, `give` is the day its reader gives away and `take` the day its reader takes.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from models.answers import Duty, Exchange
from models.cadre import contacts_by_id
from models.db import keys_of
from models.district import Contact
from models.duty import Swap
from notifications.duty import Telling, weekday
from notifications.links import Ticket, make
from notifications.outbox import enqueue
from notifications.parcels import Parcel


def tell_asked(session: Session, telling: Telling, exchange: Exchange, asked: int) -> int:
    """Ask one side (0: of the earlier duty, 1: of the later) with a link that answers; once for each asking.

    A request stands while both duties are whose they were, so the key carries their revisions.
    """
    give, take = exchange.duties[asked], exchange.duties[1 - asked]
    person, contact = _reader(session, exchange, asked)
    until = telling.end_of(exchange.duties[0].day)
    ticket = Ticket("swap", exchange.id, person, exchange.revision, until)
    variables = {**_days(contact, give, take), "code": make(keys_of(session), ticket)}
    key = f"duty-swap-asked:{exchange.id}:{contact.ref}:r{exchange.revision}"
    draft = telling.draft("change", "duty-swap-asked", key, contact, variables, expires_at=until, priority=3)
    return enqueue(session, [draft], telling.now)


def tell_answered(session: Session, telling: Telling, exchange: Exchange, asker: int, *, done: bool) -> int:
    """Tell the side that asked what came of it; `exchange` as it stood when it was answered."""
    give, take = exchange.duties[asker], exchange.duties[1 - asker]
    _, contact = _reader(session, exchange, asker)
    template = "duty-swap-done" if done else "duty-swap-refused"
    key = f"{template}:{exchange.id}:{contact.ref}:r{exchange.revision}"
    until = telling.end_of(exchange.duties[0].day)
    draft = telling.draft("change", template, key, contact, _days(contact, give, take), expires_at=until, priority=3)
    return enqueue(session, [draft], telling.now)


def _reader(session: Session, exchange: Exchange, side: int) -> tuple[int, Contact]:
    person = exchange.cadre_ids[side]
    return person, contacts_by_id(session, {person})[person]


def _days(contact: Contact, give: Duty, take: Duty) -> dict[str, Any]:
    days: Mapping[str, date] = {"give": give.day, "take": take.day}
    dates = {f"{name}_date": day for name, day in days.items()}
    return {
        "name": contact.name,
        "centre": give.centre_name,
        **dates,
        **{f"{name}_weekday": weekday(day) for name, day in days.items()},
    }


def still_asked(session: Session, parcels: Sequence[Parcel]) -> set[str]:
    """Still true? The request waits for its answer."""
    swaps = {parcel.key: int(parcel.key.split(":")[1]) for parcel in parcels}
    waiting = select(col(Swap.id)).where(col(Swap.id).in_(sorted(set(swaps.values()))), col(Swap.state) == "asked")
    found = set(session.execute(waiting).scalars())
    return {key for key, swap in swaps.items() if swap in found}
