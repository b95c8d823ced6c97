"""Call-backs due 待回访: resolved issues that nobody asked about -> who asks, never the one who resolved it."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlmodel import Session, col

from models.community_leads import leads
from models.district import Contact
from models.elder import Elder, batches
from models.helper import Helper, Pairing
from models.issue_standing import Standing, open_issues
from models.visit_people import people_numbered
from rules.issues_log import read_log


class CallBack(NamedTuple):
    """A resolved issue and who asks whether its elder is satisfied."""

    issue: Standing
    resolved_on: date
    contact: Contact


def callbacks(session: Session, district: int, now: datetime) -> list[CallBack]:
    """Return the call-backs due, oldest first.

    The elder's primary helper asks, unless the issue was theirs to resolve; then, and for a centre's ticket, the
    community's lead does. Of an elder who died nobody is telephoned: the lead has it, to close it without an answer.

    Args:
        session: reading.
        district: district id.
        now: wall-clock time of the district.
    """
    due = []
    for issue in open_issues(session, district, now.date()):
        log = [event for event in issue.log if event.at <= now]
        known = read_log(log) if log else None
        if known is not None and known.state == "RESOLVED":
            due.append((issue, known.rests[-1][0].date()))
    living = {issue.elder for issue, _ in due if issue.elder and not issue.post_death}
    numbers = _primary(session, living, now.date())
    helpers = people_numbered(session, district, set(numbers.values()))
    chiefs = leads(session, district, now.date(), {issue.community for issue, _ in due})
    found = []
    for issue, resolved_on in sorted(due, key=lambda item: (item[1], item[0].number)):
        number = numbers.get(issue.elder, "")
        own = helpers.get(number) if number != issue.owner else None
        found.append(CallBack(issue, resolved_on, own or chiefs[issue.community][0]))
    return found


def _primary(session: Session, refs: set[str], day: date) -> dict[str, str]:
    query = (
        select(col(Elder.ref), col(Helper.number))
        .join(Pairing, col(Pairing.elder_id) == col(Elder.id))
        .join(Helper, col(Helper.id) == col(Pairing.helper_id))
        .where(col(Pairing.is_primary), col(Pairing.since) <= day)
        .where(or_(col(Pairing.until).is_(None), col(Pairing.until) >= day))
        .order_by(col(Pairing.id))
    )
    found: dict[str, str] = {}
    for some in batches(sorted(refs)):
        found |= dict(session.execute(query.where(col(Elder.ref).in_(some))).tuples().all())
    return found
