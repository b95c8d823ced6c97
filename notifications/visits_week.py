"""The weekly page of visits 探访周报: the first morning of a week -> one message a sub-district, read when it is sent.

One for a sub-district and ISO week, whichever morning of the week comes first; a week without a morning has none.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from models.district import Subdistrict
from models.issue_ladder import Reached, reached
from models.visit_book import visit_book
from models.visit_month import Home, homes, office_contacts
from models.visit_week import Waiting, waiting
from notifications.duty import Telling
from notifications.issues import kind_of, wall
from notifications.parcels import Parcel
from notifications.visits import enqueue_new
from policies.visits import visits

WEEKLY = "visit-escalation"
COMMUNITIES, ROWS = 40, 20
"""Rows of the page: communities, and elders or issues of each list; the exports have them all."""
NAME = 60
"""The template takes so many characters of a name."""


def tell_week(session: Session, telling: Telling, district: int, day: date) -> int:
    """Write to each sub-district with communities, once in the ISO week of `day`; it is useless when the week ends."""
    year, week, weekday = day.isocalendar()
    served = {home.office_id for home in homes(session, district).values()}
    ends = telling.end_of(day + timedelta(days=7 - weekday))
    drafts = [
        telling.draft(
            WEEKLY,
            WEEKLY,
            f"{WEEKLY}:{year}-W{week:02}:{office.ref}",
            office,
            {"name": office.name, "subdistrict": office.name},
            expires_at=ends,
        )
        for number, office in office_contacts(session, district).items()
        if number in served
    ]
    return enqueue_new(session, drafts, telling.now)


def weeks(
    session: Session, parcels: Sequence[Parcel], now: datetime, overlay: Path | None
) -> Mapping[str, Mapping[str, Any]]:
    """Return what the pages tell as it stands, by key; an office that need not worry is not written to.

    Args:
        session: reading.
        parcels: messages of WEEKLY.
        now: wall-clock time of the district.
        overlay: dated versions laid over the rule book.
    """
    asked = col(Subdistrict.ref).in_(sorted({parcel.recipient for parcel in parcels}))
    query = select(col(Subdistrict.ref), col(Subdistrict.id), col(Subdistrict.district_id)).where(asked)
    offices = {ref: (number, district) for ref, number, district in session.execute(query)}
    pages: dict[int, dict[int, dict[str, Any]]] = {}
    for district in {district for _, district in offices.values()}:
        pages[district] = _pages(session, district, now, overlay)
    told = {}
    for parcel in parcels:
        number, district = offices.get(parcel.recipient, (0, 0))
        page = pages.get(district, {}).get(number)
        if page is not None:
            told[parcel.key] = page
    return told


def _pages(session: Session, district: int, now: datetime, overlay: Path | None) -> dict[int, dict[str, Any]]:
    places = homes(session, district)
    people, issues = defaultdict(list), defaultdict(list)
    for one in waiting(session, district, now, overlay):
        people[places[one.community].office_id].append(one)
    workdays = visit_book(session, district, now.date(), overlay).workdays
    for step in reached(session, district, now, workdays, overlay):
        if step.level == "subdistrict":
            issues[places[step.issue.community].office_id].append(step)
    long_days = visits(now.date(), overlay).list.promote_after_days
    return {
        office: _page(people[office], issues[office], places, now, long_days)
        for office in people.keys() | issues.keys()
    }


def _page(
    people: Sequence[Waiting], issues: Sequence[Reached], places: Mapping[int, Home], now: datetime, long_days: int
) -> dict[str, Any]:
    day = now.date()
    late = {one.ref: (day - one.late_since).days for one in people if one.late_since is not None}
    red = [one for one in people if one.tier == "red" and one.ref in late]
    red.sort(key=lambda one: (-late[one.ref], one.ref))
    checks = sorted((one.check_due, one.ref, one.community) for one in people if one.check_due is not None)
    first = sorted(issues, key=lambda step: (step.due_at, step.issue.number))
    communities = _communities(people, late, places)
    return {
        "date": day,
        "overdue": len(late),
        "long_days": long_days,
        "long_overdue": sum(days > long_days for days in late.values()),
        "gaps": sum(one.gap for one in people),
        "communities": len(communities),
        "rows": communities[:COMMUNITIES],
        "red_overdue": len(red),
        "red": [{"elder": one.ref, **_place(places, one.community), "days": late[one.ref]} for one in red[:ROWS]],
        "checks_open": len(checks),
        "checks": [
            {"elder": ref, **_place(places, home), "until": wall(due, day.year)} for due, ref, home in checks[:ROWS]
        ],
        "issues_overdue": len(issues),
        "issues": [_issue(step, places, day) for step in first[:ROWS]],
    }


def _communities(
    people: Iterable[Waiting], late: Mapping[str, int], places: Mapping[int, Home]
) -> list[dict[str, Any]]:
    """Those with somebody overdue or a gap, the worst first."""
    own: dict[int, list[Waiting]] = defaultdict(list)
    for one in people:
        if one.ref in late or one.gap:
            own[one.community].append(one)
    rows = [
        {
            **_place(places, home),
            "overdue": sum(one.ref in late for one in some),
            "oldest_days": max((late.get(one.ref, 0) for one in some), default=0),
            "gaps": sum(one.gap for one in some),
        }
        for home, some in own.items()
    ]
    return sorted(rows, key=lambda row: (-row["overdue"], -row["oldest_days"], -row["gaps"], row["community"]))


def _issue(step: Reached, places: Mapping[int, Home], day: date) -> dict[str, Any]:
    issue = step.issue
    place = issue.centre[:NAME] or places[issue.community].community[:NAME]
    return {"issue": issue.number[:30], "kind": kind_of(issue), "place": place, "until": wall(step.due_at, day.year)}


def _place(places: Mapping[int, Home], community: int) -> dict[str, str]:
    return {"community": places[community].community[:NAME]}
