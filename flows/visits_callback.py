"""Call-backs, once a week: resolved issues that nobody asked about -> who asks is told -> the list for the page."""

from datetime import date

from flows.jobs import Result, at_work, lease_end
from flows.settings import Settings
from flows.visits_day import telling
from models import audit
from models.callbacks import callbacks
from models.db import Database
from models.district import community_labels, district_id
from models.jobs import Claim, renew
from models.post_death import tag
from notifications.callbacks import tell_callbacks

JOB = "visits-callback"


def call_back(database: Database, settings: Settings, day: date) -> Result:
    """Make the list of a day; the same day again tells nobody twice."""
    return at_work(database, JOB, day.isoformat(), settings.district, lambda held: _made(database, settings, day, held))


def _made(database: Database, settings: Settings, day: date, held: Claim) -> Result:
    with database.write() as session:
        district = district_id(session, settings.district)
        names = community_labels(session, district)
        due = callbacks(session, district, settings.local(settings.now()).replace(tzinfo=None))
        told = tell_callbacks(session, telling(settings), day, due, names)
        renew(session, held, lease_end())
        if told:
            audit.record(session, settings.district, JOB, "visits.callback", settings.now(), messages=told)
    rows = [
        {
            "issue": one.issue.number,
            "kind": one.issue.kind,
            "tag": tag(post_death=one.issue.post_death),
            "place": one.issue.centre or names[one.issue.community],
            "resolved_on": one.resolved_on.isoformat(),
            "days": (day - one.resolved_on).days,
            "asks": one.contact.ref,
        }
        for one in due
    ]
    return {"date": day.isoformat(), "due": len(rows), "messages": told, "list": rows}
