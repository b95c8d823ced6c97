"""One elder's whole history 一人一档, table by table: who it is, tiers, statuses, team, contacts, tasks, issues."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, select
from sqlmodel import Session, col

from models.contact_flags import flags_of
from models.db import keys_of
from models.district import community_names
from models.elder import Elder, ElderCategory, ElderStatus, ElderTier
from models.helper import Helper, Pairing
from models.issue import Issue, IssueEvent
from models.post_death import dead_with_issues, tag
from models.visit import VisitContact, VisitTask
from models.visit_rows import elder_rows

SECRET = frozenset({"id_number", "name", "phone", "address", "emergency_name", "emergency_phone", "note"})
"""Columns that are shown only if revealed."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: its name, columns by English name, rows in order of time."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def elder_sheets(session: Session, district: int, ref: str) -> list[Sheet] | None:
    """Return the tables of an elder, None if nobody has the reference."""
    mine = (col(Elder.ref) == ref, col(Elder.district_id) == district)
    number = session.execute(select(col(Elder.id)).where(*mine)).scalar_one_or_none()
    if number is None:
        return None
    homes = {home: "/".join(names) for home, names in community_names(session, district).items()}
    return [
        _person(session, district, ref),
        _sheet(session, "categories", ElderCategory, number, ("category", "since", "ended_on")),
        _sheet(session, "tiers", ElderTier, number, ("since", "tier", "recorded_at", "actor")),
        _statuses(session, number, homes),
        _team(session, number),
        _contacts(session, number, ref),
        _tasks(session, number),
        _issues(session, district, number),
    ]


def _person(session: Session, district: int, ref: str) -> Sheet:
    row = next(elder_rows(session, district, date.min, date.max, [ref]))
    return Sheet("elder", tuple(row), [tuple(row.values())])


def _sheet(session: Session, name: str, table: Any, elder: int, columns: tuple[str, ...]) -> Sheet:
    query = select(*(col(getattr(table, each)) for each in columns)).where(col(table.elder_id) == elder)
    return Sheet(name, columns, _all(session, query.order_by(col(table.since), col(table.id))))


def _all(session: Session, query: Select[Any]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in session.execute(query)]


def _statuses(session: Session, elder: int, homes: dict[int, str]) -> Sheet:
    columns = ("since", "status", "community_id", "reoffer_on", "recorded_at", "actor")
    sheet = _sheet(session, "statuses", ElderStatus, elder, columns)
    rows = [(since, status, homes.get(home, ""), *rest) for since, status, home, *rest in sheet.rows]
    return Sheet("statuses", ("since", "status", "community", *columns[3:]), rows)


def _team(session: Session, elder: int) -> Sheet:
    columns = (Helper.number, Pairing.role, Pairing.is_primary, Pairing.since, Pairing.until)
    query = select(*map(col, columns)).join(Helper, col(Helper.id) == col(Pairing.helper_id))
    query = query.where(col(Pairing.elder_id) == elder).order_by(col(Pairing.since), col(Pairing.id))
    return Sheet("pairings", ("helper", "role", "primary", "since", "until"), _all(session, query))


def _contacts(session: Session, elder: int, ref: str) -> Sheet:
    names = ("channel", "outcome", "recorded_at", "recorded_by", "void_reason", "voided_at", "voided_by", "note")
    own = [col(getattr(VisitContact, name)) for name in ("id", "occurred_on", "occurred_at", *names)]
    query = select(*own, col(Helper.number)).join(Helper, col(Helper.id) == col(VisitContact.helper_id))
    query = query.where(col(VisitContact.elder_id) == elder).order_by(col(VisitContact.occurred_on), own[0])
    flags, keys = flags_of(session, elder), keys_of(session)
    rows = []
    for number, on, at, *rest, note, helper in session.execute(query):
        said = keys.open("visit_contact.note", ref, note)
        rows.append((at or on, helper, *rest, flags.get(number, ""), said))
    return Sheet("contacts", ("occurred_at", "helper", *names[:-1], "flag", "note"), rows)


def _tasks(session: Session, elder: int) -> Sheet:
    names = ("kind", "cycle", "tier", "opened_on", "plan_on", "deadline", "state", "reason", "ended_on", "on_time")
    query = select(*(col(getattr(VisitTask, name)) for name in names), col(Helper.number))
    query = query.outerjoin(Helper, col(Helper.id) == col(VisitTask.helper_id)).where(col(VisitTask.elder_id) == elder)
    return Sheet(
        "tasks", (*names, "helper"), _all(session, query.order_by(col(VisitTask.opened_on), col(VisitTask.id)))
    )


def _issues(session: Session, district: int, elder: int) -> Sheet:
    names = ("event", "at", "actor", "satisfied", "recorded_at", "recorded_by", "note")
    query = select(col(Issue.number), col(Issue.kind), *(col(getattr(IssueEvent, name)) for name in names))
    query = query.join(Issue, col(Issue.id) == col(IssueEvent.issue_id)).where(col(Issue.elder_id) == elder)
    keys, mark = keys_of(session), tag(post_death=bool(dead_with_issues(session, district, date.max, [elder])))
    rows = [
        (number, *rest, mark, keys.open("issue_event.note", number, note))
        for number, *rest, note in session.execute(query.order_by(col(Issue.number), col(IssueEvent.at)))
    ]
    return Sheet("issues", ("number", "kind", *names[:-1], "tag", "note"), rows)


def shown(sheet: Sheet, *, reveal: bool) -> tuple[list[str], Iterable[list[Any]]]:
    """Return the columns and rows of a table that may be shown."""
    places = [place for place, column in enumerate(sheet.columns) if reveal or column not in SECRET]
    return [sheet.columns[place] for place in places], ([row[place] for place in places] for row in sheet.rows)
