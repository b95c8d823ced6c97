"""Watching visits: issues on their ladder -> who must hear; attempts of today -> who is asked, checks raised.

It claims nothing: a step of the ladder is single by (issue, level, recipient), a message by its key.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from flows.alarms import operators
from flows.jobs import Result
from flows.settings import Settings
from flows.visits_day import telling
from flows.visits_plan import Job, derive
from models import audit
from models.community_leads import community_offices, leads
from models.db import Database
from models.district import Contact, community_labels, district_id
from models.issue_ladder import Reached, reached
from models.issue_standing import escalate
from models.post_death import tag
from models.visit_book import visit_book
from models.visit_checks import Silence, open_checks, silences, unanswered_lately
from models.visit_people import people_numbered
from notifications.issues import Step, tell_steps
from notifications.visits import tell_checks, tell_late_checks
from notifications.visits_silence import tell_families, tell_neighbours
from rules.registers.days import SHANGHAI
from rules.visits_unreachable import step_of

JOB = "visits-watch"


def watch(database: Database, settings: Settings) -> Result:
    """Tell what is due now; a second run at the same time finds it told."""
    now = settings.local(settings.now()).replace(tzinfo=None)
    with database.read() as session:
        district = district_id(session, settings.district)
        book = visit_book(session, district, now.date(), settings.policy)
        elders = unanswered_lately(session, district, now.date() - timedelta(days=1))
        names = community_labels(session, district)
    job = Job(JOB, now.date(), district, book, None)
    if elders:
        derive(database, settings, job, elders)
    with database.read() as session:
        silent = silences(session, district, elders, now.date())
        due = list(reached(session, district, now, job.book.workdays, settings.policy))
        steps = list(_steps(session, settings, job, due))
    with database.write() as session:
        told = _told_elders(session, settings, job, silent, names)
        rows = [_row(step) | {"told_at": settings.now()} for step in steps]
        won = escalate(session, rows)
        ours = [step for step in steps if (step.issue.id, step.level, step.contact.ref) in won]
        tell_steps(session, telling(settings), ours, names)
        if ours or told["messages"]:
            counts = {"steps": len(ours), "messages": told["messages"]}
            audit.record(session, settings.district, JOB, "visits.watch", settings.now(), **counts)
    # a district without a desk is told by the page alone, as long as the step stands
    alone = [] if any(_district(settings)) else [step for step in due if step.level == "district"]
    shown: list[Step | Reached] = [*ours, *alone]
    listed = [
        {
            "issue": s.issue.number,
            "tag": tag(post_death=s.issue.post_death),
            "level": s.level,
            "owner": s.issue.owner,
            "due": s.due_at.isoformat(" ", "minutes"),
        }
        for s in shown
    ]
    levels = Counter(step.level for step in ours)
    return {"at": now.isoformat(timespec="minutes"), **told, "levels": dict(levels), "list": listed}


def _told_elders(
    session: Session, settings: Settings, job: Job, silent: Iterable[Silence], names: Mapping[int, str]
) -> Result:
    frame, now = telling(settings), settings.now()
    rule = job.book.unreachable
    counting = [one for one in silent if step_of(len(one.dates), rule) != "none"]
    checks = open_checks(session, job.district, job.day)
    attempts = {one.ref: len(one.dates) for one in counting}
    late = [check for check in checks if check.due_at is not None and check.due_at < now]
    messages = tell_checks(session, frame, job.district, job.day, checks, attempts, names)
    messages += tell_families(session, frame, job.district, job.day, counting, names)
    messages += tell_neighbours(session, frame, job.district, job.day, counting, names, rule)
    messages += tell_late_checks(session, frame, job.district, late, attempts, names)
    return {"checks": len(checks), "checks_overdue": len(late), "messages": messages}


def _row(step: Step) -> dict[str, Any]:
    reached = step.reached_at.replace(tzinfo=SHANGHAI)
    return {"issue_id": step.issue.id, "level": step.level, "recipient": step.contact.ref, "reached_at": reached}


def _steps(session: Session, settings: Settings, job: Job, due: Sequence[Reached]) -> Iterator[Step]:
    """Every step of the ladder that open issues have reached, for each who hears of it."""
    homes = {issue.community for issue, *_ in due}
    chiefs, offices = leads(session, job.district, job.day, homes), community_offices(session, job.district, homes)
    owners = people_numbered(session, job.district, {issue.owner for issue, *_ in due if issue.owner})
    above = list(_district(settings))
    for issue, level, at, due_at in due:
        chief = chiefs[issue.community]
        owner = owners.get(issue.owner)
        heard = {
            "owner": [owner] if owner else chief,
            "lead": chief,
            "subdistrict": [offices[issue.community]],
            "district": above,
        }
        for contact in heard[level]:
            yield Step(issue, level, at, due_at, contact)


def _district(settings: Settings) -> Iterator[Contact]:
    """Who hears for the district: its operators, for it has no other desk; without any the page alone tells it."""
    for place, (channel, address) in enumerate(operators(settings), start=1):
        if channel != "robot":
            phone, email = (address, "") if channel == "sms" else ("", address)
            yield Contact(f"OPERATOR-{place}", settings.district_name, phone, email)
