"""Monthly figures in the database: places, categories and logs of issues on the way in, one row a scope on the way out.

A month's figures as known on a day are stored once and never written again. Fractions are kept as text, exact.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from models.db import insert_for, keys_of
from models.district import Centre, Community, Contact, Subdistrict
from models.elder import Elder, ElderCategory, ElderStatus
from models.issue import Issue, IssueEvent, local
from models.visit import VisitMonth
from rules.issues_kpi import IssueFigures
from rules.issues_log import Event, IssueKind
from rules.registers.elders import SPECIAL_DIFFICULTIES
from rules.visits_kpi import OnTime, Rate
from rules.visits_month import Figures, Scope


class Home(NamedTuple):
    """A community, and the sub-district it belongs to."""

    office_id: int
    office: str
    community: str


class Known(NamedTuple):
    """An event of an issue, and when it was recorded (wall clock)."""

    event: Event
    recorded_at: datetime


class IssueLog(NamedTuple):
    """One issue with its log; of an elder (id) or of a centre (id of its community)."""

    kind: IssueKind
    elder_id: int | None
    community_id: int | None
    log: list[Known]


def homes(session: Session, district: int) -> dict[int, Home]:
    """Map the ids of a district's communities to where they are, in the order of names."""
    query = (
        select(col(Community.id), col(Subdistrict.id), col(Subdistrict.name), col(Community.name))
        .join(Subdistrict, col(Subdistrict.id) == col(Community.subdistrict_id))
        .where(col(Subdistrict.district_id) == district)
        .order_by(col(Subdistrict.name), col(Community.name))
    )
    return {number: Home(*rest) for number, *rest in session.execute(query)}


def office_contacts(session: Session, district: int) -> dict[int, Contact]:
    """Open the contacts of a district's sub-district offices, by id."""
    keys = keys_of(session)
    columns = (Subdistrict.id, Subdistrict.ref, Subdistrict.name, Subdistrict.phone, Subdistrict.email)
    query = select(*map(col, columns)).where(col(Subdistrict.district_id) == district)
    return {
        number: Contact(ref, name, *(keys.open(f"subdistrict.{n}", ref, v) for n, v in (("phone", ph), ("email", em))))
        for number, ref, name, ph, em in session.execute(query.order_by(col(Subdistrict.name)))
    }


def categories_on(session: Session, district: int, day: date) -> dict[int, list[str]]:
    """Map the elders with special difficulties to those of the ministries' list that stood on a day."""
    query = (
        select(col(ElderCategory.elder_id), col(ElderCategory.category))
        .join(Elder, col(Elder.id) == col(ElderCategory.elder_id))
        .where(col(Elder.district_id) == district, col(ElderCategory.since) <= day)
        .where(col(ElderCategory.category).in_(SPECIAL_DIFFICULTIES))
        .where(col(ElderCategory.ended_on).is_(None) | (col(ElderCategory.ended_on) > day))
        .distinct()
    )
    found: dict[int, list[str]] = defaultdict(list)
    for elder, category in session.execute(query):
        found[elder].append(category)
    return found


def span_of_facts(session: Session, district: int, until: date) -> tuple[date, date]:
    """Return the first day and the last that the clocks of a district may ask the calendar for."""
    mine = col(Elder.district_id) == district
    registered = session.execute(select(func.min(col(Elder.registered_on))).where(mine)).scalar()
    raised = select(func.min(col(IssueEvent.at))).join(Issue, col(Issue.id) == col(IssueEvent.issue_id))
    opened = session.execute(raised.where(col(Issue.district_id) == district)).scalar()
    offer = select(func.max(col(ElderStatus.reoffer_on))).join(Elder, col(Elder.id) == col(ElderStatus.elder_id))
    agreed = session.execute(offer.where(mine)).scalar()
    first = min(day for day in (registered, local(opened).date() if opened else None, until) if day is not None)
    return first, max(agreed or until, until)


def issue_logs(session: Session, district: int) -> Iterator[IssueLog]:
    """Yield the issues of a district with their logs, by id."""
    columns = (Issue.id, Issue.kind, Issue.elder_id, Centre.community_id)
    events = (IssueEvent.event, IssueEvent.at, IssueEvent.actor, IssueEvent.satisfied, IssueEvent.recorded_at)
    query = (
        select(*map(col, columns), *map(col, events))
        .join(IssueEvent, col(IssueEvent.issue_id) == col(Issue.id))
        .outerjoin(Centre, col(Centre.id) == col(Issue.centre_id))
        .where(col(Issue.district_id) == district)
        .order_by(col(Issue.id), col(IssueEvent.at), col(IssueEvent.id))
    )
    current, log = None, IssueLog("other", None, None, [])
    for number, kind, elder, community, event, at, actor, satisfied, recorded in session.execute(query):
        if number != current:
            if current is not None:
                yield log
            current, log = number, IssueLog(kind, elder, community, [])
        log.log.append(Known(Event(event, local(at), actor, satisfied), local(recorded)))
    if current is not None:
        yield log


def store_month(
    session: Session, district: int, month: str, as_known: date, figures: Mapping[Scope, Figures], version: date
) -> int:
    """Store the figures of every place once; return how many rows were new: all, or none if the month has its own.

    A place that is new since then is not in the month as it was known.
    """
    if stored_rows(session, district, (month, month), as_known):
        return 0
    rows = month_rows(district, month, as_known, figures, version)
    insert = insert_for(session, VisitMonth).on_conflict_do_nothing(
        index_elements=["district_id", "month", "scope", "code", "as_known"]
    )
    counted = {"preserve_rowcount": True}
    return session.connection().execute(insert, rows, execution_options=counted).rowcount if rows else 0


def month_rows(
    district: int, month: str, as_known: date, figures: Mapping[Scope, Figures], version: date
) -> list[dict[str, Any]]:
    """Return the figures of every place as rows of visit_month; those of categories are in the detail of the place."""
    common = {"district_id": district, "month": month, "as_known": as_known, "version": version}
    return [
        common | _row(scope, own, {s.category: f for s, f in figures.items() if s.category and s[:2] == scope[:2]})
        for scope, own in figures.items()
        if not scope.category
    ]


def stored_month(session: Session, district: int, month: str, as_known: date) -> dict[Scope, Figures]:
    """Return the figures of a month as they were stored for a day; empty if they never were."""
    found: dict[Scope, Figures] = {}
    for row in stored_rows(session, district, (month, month), as_known):
        for category, told in {"": row.detail, **row.detail["categories"]}.items():
            found[Scope(row.scope, row.code, category)] = _figures(told)  # type: ignore[arg-type]
    return found


def stored_rows(
    session: Session, district: int, months: tuple[str, str], as_known: date | None = None
) -> list[VisitMonth]:
    """Return the stored rows from one month to another, of one day or of all, by month, day, scope and code."""
    order = (VisitMonth.month, VisitMonth.as_known, VisitMonth.scope, VisitMonth.code)
    query = select(VisitMonth).where(col(VisitMonth.district_id) == district, col(VisitMonth.month).between(*months))
    query = query if as_known is None else query.where(col(VisitMonth.as_known) == as_known)
    return list(session.execute(query.order_by(*map(col, order))).scalars())


def _row(scope: Scope, own: Figures, categories: Mapping[str, Figures]) -> dict[str, Any]:
    median = own.issues.median_net
    return {
        "scope": scope.place,
        "code": scope.code,
        "denominator": own.visits.counted,
        "numerator": own.visits.visited,
        "due": own.on_time.due,
        "on_time": own.on_time.on_time,
        "refused": own.visits.left_out["refused"],
        "overdue": own.on_time.overdue,
        "median_resolution": None if median is None else float(median),
        "detail": _detail(own) | {"categories": {name: _detail(each) for name, each in sorted(categories.items())}},
    }


_RATE = ("visited", "counted", "green_visited", "green")


def _detail(figures: Figures) -> dict[str, Any]:
    issues = {n: str(v) if isinstance(v, Fraction) else v for n, v in figures.issues._asdict().items()}
    rate = {name: getattr(figures.visits, name) for name in _RATE}
    return {
        "visits": rate | {"left_out": dict(figures.visits.left_out)},
        "on_time": [*figures.on_time],
        "checks": [*figures.checks],
        "issues": issues,
    }


def _figures(told: Mapping[str, Any]) -> Figures:
    visits = Rate(*(told["visits"][name] for name in _RATE))
    visits.left_out.update(told["visits"]["left_out"])
    issues: dict[str, Any] = {n: Fraction(v) if isinstance(v, str) else v for n, v in told["issues"].items()}
    checks = OnTime(*told.get("checks", (0, 0, 0)))  # a month stored before they were counted has none
    return Figures(visits, OnTime(*told["on_time"]), IssueFigures(**issues), checks)


def codes_of(places: Mapping[int, Home], district: str) -> Sequence[Scope]:
    """Return the scopes of a district: itself, its sub-districts, its communities."""
    offices = dict.fromkeys(str(home.office_id) for home in places.values())
    return [
        Scope("district", district),
        *(Scope("subdistrict", office) for office in offices),
        *(Scope("community", str(community)) for community in places),
    ]
