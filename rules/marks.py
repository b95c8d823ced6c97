"""The marks 时点 of a duty day: slot and local time -> the one message that is due, if any.

notice, the day before -> reminder -> centre head, in the morning -> sub-district office -> missed, at the day's end.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

Mark = Literal["notice", "reminder", "head", "office", "missed"]

WAITING: dict[Mark, frozenset[str]] = {
    "notice": frozenset({"published"}),
    "reminder": frozenset({"published"}),
    "head": frozenset({"published"}),
    "office": frozenset({"published", "acknowledged", "gap"}),
    "missed": frozenset({"published", "acknowledged"}),
}
"""The states in which a mark still has something to say: acknowledged answers the first three, a check-in all."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Local times of the marks: notice and reminder on the day before, head and office on the day itself."""

    notice: time = time(17)
    reminder: time = time(20)
    head: time = time(7, 30)
    office: time = time(8, 45)


def due_mark(slot_date: date, now_local: datetime, state: str, marks: Marks) -> Mark | None:
    """Return the latest mark whose time has come, if the slot's state still calls for it; else None.

    A mark fires at the first run after its time and lapses when the next one's time comes, whether or not that one
    has anything to say; missed, at 24:00 of the slot's date, never lapses. Firing once is the caller's unique key.

    Args:
        slot_date: the date of the duty.
        now_local: wall-clock time of the district; if aware, already converted - its offset is not looked at.
        state: the slot's state; a check-in shows as on_duty.
        marks: the times, from policy.
    """
    before, after = slot_date - timedelta(days=1), slot_date + timedelta(days=1)
    times: list[tuple[datetime, Mark]] = [
        (datetime.combine(before, marks.notice), "notice"),
        (datetime.combine(before, marks.reminder), "reminder"),
        (datetime.combine(slot_date, marks.head), "head"),
        (datetime.combine(slot_date, marks.office), "office"),
        (datetime.combine(after, time()), "missed"),
    ]
    now = now_local.replace(tzinfo=None)
    past = [mark for moment, mark in times if moment <= now]
    return past[-1] if past and state in WAITING[past[-1]] else None
