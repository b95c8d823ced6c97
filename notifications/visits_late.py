"""What a visit message tells as it stands when it is sent: the person's list, the community's lateness and gaps.

Each elder on a list is derived again from the records of the moment: a visit made, a death or a stay in hospital since
the morning takes the elder off. A list without anybody is not sent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any

from sqlmodel import Session

from models.elder_names import elder_names
from models.successors import base_of
from models.visit_lists import Line, check_elders, lines_of_people, lines_of_places
from models.visit_open import histories_by_ref, open_now
from notifications.duty_marks import masked
from notifications.parcels import Parcel
from notifications.round import Late, StillTrue
from notifications.visits_week import WEEKLY, weeks
from policies.visits import visits
from rules.errors import say
from rules.visits_standing import facts_of
from rules.visits_why import why_words

LONGEST = {"visit-digest": 60, "visit-overdue": 50}
"""Rows that a message takes; all of them are in the export of the list."""

Told = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class VisitNews:
    """The readers of visit messages.

    Attributes:
        zone: of the district's wall clock.
        policy: dated versions laid over the rule book.
        now: the business clock.
    """

    zone: tzinfo
    policy: Path | None
    now: Callable[[], datetime]

    @property
    def late(self) -> Mapping[str, Late]:
        """The readers of late variables, by template."""
        return {"visit-digest": self._digests, "visit-overdue": self._pages, WEEKLY: self._weeks}

    @property
    def still_true(self) -> Mapping[str, StillTrue]:
        """Still true? By template."""
        return {
            "visit-wellness": self._checks_stand,
            "visit-wellness-late": self._checks_stand,
            "visit-contact-family": self._silence_lasts,
            "visit-ask-neighbour": self._neighbours_needed,
        }

    def _digests(self, session: Session, parcels: Sequence[Parcel]) -> Told:
        told: dict[str, dict[str, Any]] = {}
        for day, some in _by_day(parcels).items():
            lines = self._standing(session, lines_of_people(session, day, {p.recipient for p in some}), day)
            names = elder_names(session, {line.ref for line in lines})
            for parcel in some:
                mine = [line for line in lines if line.person == parcel.recipient]
                rows = [_visit(line, names, day) for line in mine[: LONGEST["visit-digest"]]]
                if mine:
                    told[parcel.key] = {"visits": rows, "total": len(mine)}
        return told

    def _pages(self, session: Session, parcels: Sequence[Parcel]) -> Told:
        told: dict[str, dict[str, Any]] = {}
        for day, some in _by_day(parcels).items():
            lines = self._standing(session, lines_of_places(session, day, {_home(p) for p in some}), day)
            raised = [line for line in lines if line.person is None or line.through < day]
            names = elder_names(session, {line.ref for line in raised})
            for parcel in some:
                mine = [line for line in raised if line.community_id == _home(parcel)]
                if mine:
                    told[parcel.key] = _page(mine, names, day)
        return told

    def _weeks(self, session: Session, parcels: Sequence[Parcel]) -> Told:
        return weeks(session, parcels, self._wall(), self.policy)

    def _standing(self, session: Session, lines: Sequence[Line], day: date) -> list[Line]:
        """Leave out whom nobody need see any more."""
        waiting = open_now(session, {line.elder_id for line in lines}, day, self._wall(), self.policy)
        return [line for line in lines if (line.kind, line.cycle) in waiting.get(line.elder_id, ())]

    def _checks_stand(self, session: Session, parcels: Sequence[Parcel]) -> set[str]:
        checks = {parcel.key: int(base_of(parcel.key).split(":")[1]) for parcel in parcels}
        known = check_elders(session, set(checks.values()))
        now = self._wall()
        elders = {elder for elder, _ in known.values()}
        waiting = open_now(session, elders, now.date(), now, self.policy)
        standing = {task for task, (elder, cycle) in known.items() if ("WELLNESS_CHECK", cycle) in waiting[elder]}
        return {key for key, task in checks.items() if task in standing}

    def _silence_lasts(self, session: Session, parcels: Sequence[Parcel]) -> set[str]:
        """The elder still lives here, and nobody has met them since the attempt."""
        attempts = _attempts(parcels)
        silent = self._silent(session, {ref for ref, _ in attempts.values()})
        return {key for key, (ref, on) in attempts.items() if on in silent.get(ref, ())}

    def _neighbours_needed(self, session: Session, parcels: Sequence[Parcel]) -> set[str]:
        """The attempt is still the second of a streak, or a later one: late paper may have cut off the first."""
        attempts, rule = _attempts(parcels), visits(self._wall().date(), self.policy).unreachable
        silent = self._silent(session, {ref for ref, _ in attempts.values()})
        return {key for key, (ref, on) in attempts.items() if on in silent.get(ref, ())[rule.neighbour - 1 :]}

    def _silent(self, session: Session, refs: set[str]) -> dict[str, tuple[date, ...]]:
        """The dates without an answer that count now, of those to whom visits are owed."""
        today = self._wall().date()
        known = {ref: facts_of(history, today) for ref, history in histories_by_ref(session, refs).items()}
        return {ref: facts.no_answers for ref, facts in known.items() if facts and facts.status == "ACTIVE"}

    def _wall(self) -> datetime:
        return self.now().astimezone(self.zone).replace(tzinfo=None)


def _by_day(parcels: Sequence[Parcel]) -> dict[date, list[Parcel]]:
    """Keys such as visit-digest:2026-03-10:H-7K3Q-9XM2 name the day."""
    found: dict[date, list[Parcel]] = {}
    for parcel in parcels:
        found.setdefault(date.fromisoformat(parcel.key.split(":")[1]), []).append(parcel)
    return found


def _attempts(parcels: Sequence[Parcel]) -> dict[str, tuple[str, date]]:
    """Keys such as visit-contact-family:E-7K3Q-9XM1:2026-03-09 name the elder and the date of an attempt."""
    parts = {parcel.key: base_of(parcel.key).split(":") for parcel in parcels}
    return {key: (ref, date.fromisoformat(on)) for key, (_, ref, on, *_) in parts.items()}


def _home(parcel: Parcel) -> int:
    return int(parcel.key.split(":")[2])


def _visit(line: Line, names: Mapping[str, str], day: date) -> dict[str, Any]:
    why = why_words(line.why, line.through, day)
    return {"elder": _told(line, names), "place": line.building[:60], "why": why, "deadline": line.deadline}


def _page(lines: Sequence[Line], names: Mapping[str, str], day: date) -> dict[str, Any]:
    gaps, late = [line for line in lines if line.person is None], [line for line in lines if line.through < day]
    first = sorted(lines, key=lambda line: (line.urgency, line.person is not None, line.deadline, line.ref))
    rows = [
        {
            "elder": _told(line, names),
            "why": _why(line, day),
            "helper": line.helper or "",
            "deadline": line.deadline,
        }
        for line in first[: LONGEST["visit-overdue"]]
    ]
    return {"overdue": len(late), "gaps": len(gaps), "rows": rows, "total": len(lines)}


def _why(line: Line, day: date) -> str:
    """Why the lead hears of it; who is late and has nobody is both."""
    if line.person is not None:
        return why_words(line.why, line.through, day)
    late = f"{why_words('overdue', line.through, day)}{say('，', ', ')}" if line.through < day else ""
    return late + say("无人可派", "nobody free")


def _told(line: Line, names: Mapping[str, str]) -> str:
    return f"{masked(names[line.ref])}（{line.ref}）"
