"""Still true? A duty message waits in the outbox while its fact may change: key -> slot as it stands -> yes or no."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlmodel import Session, col

from models.duty import DutySlot
from notifications.drain import StillTrue
from notifications.leases import Parcel
from rules.marks import WAITING, Mark

_MARKS: Mapping[str, Mark] = {
    "duty-notice": "notice",
    "duty-reminder": "reminder",
    "duty-unacknowledged": "head",
    "duty-absent": "office",
}
"""The mark behind a template: its message holds while the slot's state still calls for the mark."""


def _slot_and_revision(key: str) -> tuple[int, int]:
    """Read a key such as duty-notice:17:C-7K3Q-9XM2:r0."""
    parts = key.split(":")
    return int(parts[1]), int(parts[-1].removeprefix("r"))


def _holds(session: Session, parcels: Sequence[Parcel]) -> set[str]:
    named = {parcel.key: _slot_and_revision(parcel.key) for parcel in parcels}
    ids = sorted({slot for slot, _ in named.values()})
    query = select(col(DutySlot.id), col(DutySlot.revision), col(DutySlot.state)).where(col(DutySlot.id).in_(ids))
    now = {slot: (revision, state) for slot, revision, state in session.execute(query)}
    holding = set()
    for parcel in parcels:
        slot, revision = named[parcel.key]
        current, state = now.get(slot, (-1, ""))
        mark = _MARKS.get(parcel.template)
        if current == revision and (mark is None or state in WAITING[mark]):
            holding.add(parcel.key)
    return holding


STILL_TRUE: Mapping[str, StillTrue] = dict.fromkeys([*_MARKS, "duty-assigned", "duty-released", "duty-gap"], _holds)
