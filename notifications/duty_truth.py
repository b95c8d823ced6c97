"""Still true? A duty message waits in the outbox while its fact may change: key -> slot as it stands -> yes or no."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from models.cadre import Cadre
from models.duty import DutySlot
from models.successors import base_of
from notifications.duty_swaps import still_asked
from notifications.parcels import Parcel
from notifications.round import StillTrue
from rules.marks import WAITING, Mark

_MARKS: Mapping[str, Mark] = {
    "duty-notice": "notice",
    "duty-reminder": "reminder",
    "duty-unacknowledged": "head",
    "duty-absent": "office",
}
"""The mark behind a template: its message holds while the slot's state still calls for the mark."""


def slot_and_revision(key: str) -> tuple[int, int]:
    """Read a key such as duty-notice:17:C-7K3Q-9XM2:r0."""
    parts = base_of(key).split(":")
    return int(parts[1]), int(parts[-1].removeprefix("r"))


def _holds(session: Session, parcels: Sequence[Parcel]) -> set[str]:
    named = {parcel.key: slot_and_revision(parcel.key) for parcel in parcels}
    ids = sorted({slot for slot, _ in named.values()})
    query = (
        select(col(DutySlot.id), col(DutySlot.revision), col(DutySlot.state), col(Cadre.ref))
        .outerjoin(Cadre, col(Cadre.id) == col(DutySlot.cadre_id))
        .where(col(DutySlot.id).in_(ids))
    )
    now = {slot: Now(*rest) for slot, *rest in session.execute(query)}
    return {p.key for p in parcels if _true(p, named[p.key][1], now.get(named[p.key][0], Now(-1, "", None)))}


def _true(parcel: Parcel, revision: int, now: "Now") -> bool:
    """Marks hold for one revision; who has or lost a duty is a question of the person, however often it moved."""
    if parcel.template in _MARKS:
        return now.revision == revision and now.state in WAITING[_MARKS[parcel.template]]
    if parcel.template == "duty-gap":
        return now.state == "gap"
    return (now.ref == parcel.recipient) == (parcel.template == "duty-assigned")


class Now(NamedTuple):
    """A slot as it stands."""

    revision: int
    state: str
    ref: str | None


STILL_TRUE: Mapping[str, StillTrue] = {
    **dict.fromkeys([*_MARKS, "duty-assigned", "duty-released", "duty-gap"], _holds),
    "duty-swap-asked": still_asked,
}
