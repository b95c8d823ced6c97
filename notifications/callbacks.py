"""The weekly list of call-backs 回访: who asks hears once a week; the issues are read when it is sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from sqlmodel import Session

from models.callbacks import CallBack, callbacks
from models.district import district_id
from models.elder_names import elder_names
from notifications.duty import Telling
from notifications.duty_marks import masked
from notifications.issues import kind_of
from notifications.outbox import Draft
from notifications.parcels import Parcel
from notifications.round import Late
from notifications.visits import enqueue_new

MOST = 60
"""Rows of one message; the page of the job has all."""


def tell_callbacks(
    session: Session, telling: Telling, day: date, due: Iterable[CallBack], places: Mapping[int, str]
) -> int:
    """Tell each who asks, once for the day of the list; it is useless when the next week's is made."""
    first: dict[str, CallBack] = {}
    for one in due:
        first.setdefault(one.contact.ref, one)
    drafts: list[Draft] = []
    for ref, one in first.items():
        told = {"name": one.contact.name, "date": day, "community": places[one.issue.community]}
        key, ends = f"issue-callback:{day}:{ref}", telling.end_of(day + timedelta(days=6))
        drafts.append(telling.draft("issue-callback", "issue-callback", key, one.contact, told, expires_at=ends))
    return enqueue_new(session, drafts, telling.now)


@dataclass(frozen=True, slots=True)
class CallBackNews:
    """The reader of the weekly list.

    Attributes:
        districts: codes of the districts of this process.
        zone: of its wall clock.
        now: the business instant.
    """

    districts: tuple[str, ...]
    zone: tzinfo
    now: datetime

    @property
    def late(self) -> Mapping[str, Late]:
        """The readers of late variables, by template."""
        return {"issue-callback": self._lists}

    def _lists(self, session: Session, parcels: Sequence[Parcel]) -> Mapping[str, Mapping[str, Any]]:
        wall = self.now.astimezone(self.zone).replace(tzinfo=None)
        due = [one for code in self.districts for one in callbacks(session, district_id(session, code), wall)]
        names = elder_names(session, {one.issue.elder for one in due if one.issue.elder})
        told = {}
        for parcel in parcels:
            mine = [one for one in due if one.contact.ref == parcel.recipient]
            rows = [_row(one, names) for one in mine[:MOST]]
            if mine:
                dead = sum(one.issue.post_death for one in mine)
                told[parcel.key] = {"issues": rows, "total": len(mine), "post_death": dead}
        return told


def _row(one: CallBack, names: Mapping[str, str]) -> dict[str, Any]:
    issue = one.issue
    who = f"{masked(names[issue.elder])}（{issue.elder}）" if issue.elder else issue.centre[:40]
    return {"issue": issue.number, "elder": who, "kind": kind_of(issue), "resolved_on": one.resolved_on}
