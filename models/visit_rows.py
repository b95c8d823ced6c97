"""The registers of follow-up visits on the way out: what is stored -> rows that can be imported again."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from models.db import keys_of
from models.district import Centre, community_names
from models.elder import Elder, ElderStatus
from models.elder_known import Known, known_elders
from models.helper import SEALED as HELPER_SEALED
from models.helper import Helper, Pairing
from models.intake_elders import TEXTS
from models.issue import Issue, IssueEvent
from models.post_death import dead_with_issues, tag
from models.visit import VisitContact
from rules.registers.days import SHANGHAI
from rules.registers.elders import CATEGORIES

Rows = Iterator[dict[str, Any]]
_FLOW = 2000  # rows in memory at a time


def elder_rows(session: Session, district: int, _first: date, last: date, refs: Sequence[str] | None = None) -> Rows:
    """Yield every elder, or those with these references, as they are on the last day wanted."""
    homes = community_names(session, district)
    query = select(col(Elder.ref)).where(col(Elder.district_id) == district).order_by(col(Elder.id))
    everybody = refs if refs is not None else session.execute(query).scalars().all()
    for start in range(0, len(everybody), _FLOW):
        some = everybody[start : start + _FLOW]
        known = known_elders(session, district, some, last)
        yield from (_elder(session, known[ref], homes[known[ref].community_id]) for ref in some)


def _elder(session: Session, elder: Known, home: tuple[str, str]) -> dict[str, Any]:
    keys, columns = keys_of(session), elder.columns
    opened = {n: keys.open(f"elder.{n}", elder.ref, columns[n]) for n in ("id_number", *TEXTS)}
    plain = {n: columns[n] for n in ("sex", "birth_date", "building", "hukou", "registered_on")}
    categories = tuple(category for category in CATEGORIES if category in elder.categories)
    place = {"subdistrict": home[0], "community": home[1]}
    return {"ref": elder.ref, **opened, **plain, **place, "tier": elder.tier, "categories": categories}


def helper_rows(session: Session, district: int, _first: date, _last: date) -> Rows:
    """Yield every helper."""
    keys, homes = keys_of(session), community_names(session, district)
    query = select(Helper).where(col(Helper.district_id) == district).order_by(col(Helper.number))
    for each in session.execute(query).scalars():
        opened = {name: keys.open(f"helper.{name}", each.ref, getattr(each, name)) for name in HELPER_SEALED}
        plain = {name: getattr(each, name) for name in ("number", "ref", "role", "team", "capacity")}
        yield {**plain, **opened, "community": homes[each.community_id][1] if each.community_id else None}


def pairing_rows(session: Session, district: int, first: date, last: date) -> Rows:
    """Yield the pairings of these days."""
    columns = (Elder.ref, Helper.number, Pairing.role, Pairing.is_primary, Pairing.since, Pairing.until)
    query = (
        select(*map(col, columns))
        .join(Elder, col(Elder.id) == col(Pairing.elder_id))
        .join(Helper, col(Helper.id) == col(Pairing.helper_id))
        .where(col(Elder.district_id) == district, col(Pairing.since) <= last)
        .where(col(Pairing.until).is_(None) | (col(Pairing.until) >= first))
        .order_by(col(Pairing.elder_id), col(Pairing.since), col(Pairing.id))
    )
    yield from _named(session, query, ("elder", "helper", "role", "primary", "from", "until"))


def contact_rows(session: Session, district: int, first: date, last: date) -> Rows:
    """Yield the contacts of these days that stand; the void ones are in the elder's file."""
    columns = (
        Elder.ref, Helper.number, VisitContact.channel, VisitContact.occurred_on, VisitContact.occurred_at,
        VisitContact.outcome, VisitContact.recorded_at, VisitContact.note,
    )  # fmt: skip
    query = (
        select(*map(col, columns))
        .join(Elder, col(Elder.id) == col(VisitContact.elder_id))
        .join(Helper, col(Helper.id) == col(VisitContact.helper_id))
        .where(col(Elder.district_id) == district, col(VisitContact.occurred_on).between(first, last))
        .where(col(VisitContact.voided_at).is_(None))
        .order_by(col(VisitContact.occurred_on), col(VisitContact.id))
    )
    keys = keys_of(session)
    names = ("elder", "helper", "channel", "on", "at", "outcome", "recorded_at", "note")
    for row in _named(session, query, names):
        note = keys.open("visit_contact.note", row["elder"], row["note"])
        yield {**row, "occurred_at": row["at"] or row["on"], "note": note, "voided": False}


def status_rows(session: Session, district: int, first: date, last: date) -> Rows:
    """Yield the statuses that begin on these days, corrected ones too: the last recorded holds."""
    homes = community_names(session, district)
    columns = (Elder.ref, ElderStatus.since, ElderStatus.status, ElderStatus.community_id, ElderStatus.reoffer_on)
    query = (
        select(*map(col, columns), col(ElderStatus.recorded_at))
        .join(Elder, col(Elder.id) == col(ElderStatus.elder_id))
        .where(col(Elder.district_id) == district, col(ElderStatus.since).between(first, last))
        .order_by(col(ElderStatus.since), col(ElderStatus.recorded_at), col(ElderStatus.id))
    )
    for row in _named(session, query, ("elder", "from", "status", "home", "reoffer_on", "recorded_at")):
        office, community = homes[row["home"]] if row["home"] else (None, None)
        yield {**row, "subdistrict": office, "community": community}


def issue_rows(session: Session, district: int, first: date, last: date) -> Rows:
    """Yield the logs of the issues that have an event on these days, whole; tagged if the elder is dead on the last."""
    keys, other = keys_of(session), aliased(IssueEvent)
    since, until = (datetime.combine(day, time(), SHANGHAI) for day in (first, last + timedelta(days=1)))
    lately = select(col(other.id)).where(col(other.issue_id) == col(Issue.id), col(other.at) >= since)
    columns = (
        Issue.number, Elder.ref, Centre.code, Issue.kind, IssueEvent.event, IssueEvent.at, IssueEvent.actor,
        IssueEvent.satisfied, IssueEvent.note,
    )  # fmt: skip
    query = (
        select(*map(col, columns))
        .join(Issue, col(Issue.id) == col(IssueEvent.issue_id))
        .outerjoin(Elder, col(Elder.id) == col(Issue.elder_id))
        .outerjoin(Centre, col(Centre.id) == col(Issue.centre_id))
        .where(col(Issue.district_id) == district, lately.where(col(other.at) < until).exists())
        .order_by(col(Issue.number), col(IssueEvent.at), col(IssueEvent.id))
    )
    names = ("number", "elder", "centre", "kind", "event", "at", "actor", "satisfied", "note")
    dead = dead_with_issues(session, district, last)
    for row in _named(session, query, names):
        note = keys.open("issue_event.note", row["number"], row["note"])
        yield {**row, "note": note, "tag": tag(post_death=row["elder"] in dead)}


def _named(session: Session, query: Select[Any], names: tuple[str, ...]) -> Rows:
    for row in session.execute(query.execution_options(yield_per=_FLOW)):
        yield dict(zip(names, row, strict=True))
