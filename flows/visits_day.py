"""The morning of visits: tasks planned -> today's list under capacity -> one digest a person, gaps to the leads.

The first morning of a week also writes each sub-district its weekly page.

It is derived: after an outage one run for the present day makes up all planning, and only that day's list is sent.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from flows.jobs import Result, at_work, lease_end
from flows.settings import Settings
from flows.visits_plan import Found, Job, plan_all
from models import audit
from models.care import cadres_on_duty, care_teams, helpers_away, list_helpers
from models.db import Database
from models.district import community_labels, district_id
from models.helper import helper_leaves
from models.jobs import Claim, done_results, last_done, renew
from models.visit_book import visit_book
from models.visit_changes import changed_elders, last_ids
from models.visit_lists import Line, OpenTask, day_lines, open_tasks, store_list
from notifications.duty import Telling
from notifications.visits import routes_of, tell_checks, tell_leads, tell_lists
from notifications.visits_silence import tell_families, tell_neighbours
from notifications.visits_week import tell_week
from policies.visits import VisitsPolicy, visits
from rules.errors import say
from rules.visits_forecast import Outlook, forecast
from rules.visits_list import DayList, in_list_order, rest_day_list, todays_list
from rules.visits_unreachable import step_of

JOB = "visits-day"
TEMPLATES = (
    "visit-digest", "visit-overdue", "visit-wellness", "visit-wellness-late", "visit-contact-family",
    "visit-ask-neighbour", "visit-escalation", "issue-due", "issue-overdue", "issue-callback",
)  # fmt: skip


def visits_morning(database: Database, settings: Settings, as_of: date) -> Result:
    """Do the morning of `as_of`; doing it again changes nothing, and a day before the last one is not planned again."""
    with database.read() as session:
        last = last_done(session, JOB, settings.district)
    if last is not None and last > as_of.isoformat():
        note = say("{} 已经排过，{} 不再补排", "{} has been planned; {} is not planned again").format(last, as_of)
        return {"date": as_of.isoformat(), "note": note}
    return at_work(
        database,
        JOB,
        as_of.isoformat(),
        settings.district,
        lambda held: _morning(database, settings, as_of, held),
    )


def _morning(database: Database, settings: Settings, day: date, held: Claim) -> Result:
    with database.read() as session:
        district = district_id(session, settings.district)
        job = Job(JOB, day, district, visit_book(session, district, day, settings.policy), held)
        seen = last_ids(session)
        touched = _touched(session, settings, day)
    found = plan_all(database, settings, job, touched)
    listed, known, outlook = _list(database, settings, job, found)
    told = _store(database, settings, job, found, (listed, known, outlook))
    return {
        "date": day.isoformat(),
        "elders": len(found.homes),
        "new": found.new,
        "changed": found.changed,
        "superseded": found.superseded,
        "open": len(known),
        **told,
        "seen": {**seen, "at": settings.now().isoformat()},
    }


def _touched(session: Session, settings: Settings, day: date) -> set[int]:
    """Whose records changed since the run before the last: what was under way then is certainly stored now."""
    results = [each["seen"] for each in done_results(session, JOB, settings.district, day.isoformat(), 2)]
    if len(results) < 2:
        return changed_elders(session, {"contact": 0, "status": 0, "tier": 0}, settings.now())
    seen = dict(results[1])
    at = datetime.fromisoformat(seen.pop("at"))
    return changed_elders(session, seen, at)


def _list(
    database: Database, settings: Settings, job: Job, found: Found
) -> tuple[DayList, list[OpenTask], list[Outlook]]:
    policy, workdays = visits(job.day, settings.policy), job.book.workdays
    with database.read() as session:
        known = open_tasks(session, found.homes)
        helpers, leaves = list_helpers(session, job.district), helper_leaves(session, job.district)
        ordered = in_list_order((task.candidate for task in known), job.day, policy.clock, policy.list)
        if workdays.is_workday(job.day):
            teams, away = care_teams(session, job.district, job.day), helpers_away(session, job.district, job.day)
            listed = todays_list(ordered, helpers, teams, away)
        else:
            listed = rest_day_list(ordered, cadres_on_duty(session, job.district, job.day))
    days = [job.day + timedelta(days=number) for number in range(policy.forecast_days)]
    ahead = forecast((task.candidate for task in known), helpers, leaves, days, policy.clock, workdays)
    return listed, known, _first_short(ahead)


def _first_short(ahead: Sequence[Outlook]) -> list[Outlook]:
    """The first day on which each community will be short, and by how much."""
    first: dict[str, Outlook] = {}
    for outlook in ahead:
        if outlook.short:
            first.setdefault(outlook.community, outlook)
    return list(first.values())


def _store(
    database: Database,
    settings: Settings,
    job: Job,
    found: Found,
    planned: tuple[DayList, list[OpenTask], list[Outlook]],
) -> Result:
    """Store the list and write its messages in one transaction."""
    listed, known, outlook = planned
    policy = visits(job.day, settings.policy)
    with database.write() as session:
        changed = store_list(session, job.district, job.day, listed, known, settings.now(), JOB)
        lines = day_lines(session, job.district, job.day, job.day).get(job.day, [])
        messages = _tell(session, settings, job, lines, found, policy) if job.day >= settings.today() else 0
        assert job.held is not None
        renew(session, job.held, lease_end())
        names = community_labels(session, job.district)
        if changed or messages:
            counts = {"rows": changed, "messages": messages}
            audit.record(session, settings.district, JOB, "visits.list", settings.now(), date=job.day, **counts)
    steps = Counter(step_of(len(one.dates), policy.unreachable) for one in found.silent)
    return {
        "visits": sum(line.person is not None for line in lines),
        "gaps": sum(line.person is None for line in lines),
        "overdue": sum(task.candidate.through < job.day for task in known),
        "checks": sum(task.candidate.kind == "WELLNESS_CHECK" for task in known),
        "unreachable": {step: steps[step] for step in ("emergency_contact", "neighbour", "wellness_check")},
        "list_changed": changed,
        "messages": messages,
        "per_community": _per_community(lines, known, job.day, names),
        "forecast": [
            {"community": names[int(each.community)], "date": each.day.isoformat(), "short": each.short}
            for each in outlook
            if each.community
        ],
    }


def _tell(
    session: Session, settings: Settings, job: Job, lines: Sequence[Line], found: Found, policy: VisitsPolicy
) -> int:
    frame = telling(settings)
    names = community_labels(session, job.district)
    silent = [one for one in found.silent if step_of(len(one.dates), policy.unreachable) != "none"]
    attempts = {one.ref: len(one.dates) for one in silent}
    return (
        tell_lists(session, frame, job.district, job.day, lines, names)
        + tell_leads(session, frame, job.district, job.day, lines, names)
        + tell_checks(session, frame, job.district, job.day, lines, attempts, names)
        + tell_families(session, frame, job.district, job.day, silent, names)
        + tell_neighbours(session, frame, job.district, job.day, silent, names, policy.unreachable)
        + tell_week(session, frame, job.district, job.day)
    )


def telling(settings: Settings) -> Telling:
    """The frame of the messages of visits; each template names its own channels."""
    channels = {name: routes_of(name) for name in TEMPLATES}
    return Telling(settings.district, settings.now(), settings.tz, settings.lang, channels)


def _per_community(
    lines: Sequence[Line], known: Sequence[OpenTask], day: date, names: Mapping[int, str]
) -> list[dict[str, Any]]:
    given, gaps = Counter[int](), Counter[int]()
    for line in lines:
        (gaps if line.person is None else given)[line.community_id] += 1
    late = Counter(int(task.candidate.community) for task in known if task.candidate.through < day)
    rows = [
        {"community": names[home], "visits": given[home], "gaps": gaps[home], "overdue": late[home]}
        for home in sorted(given.keys() | gaps.keys() | late.keys())
    ]
    return sorted(rows, key=lambda row: (-row["gaps"], -row["overdue"], row["community"]))
