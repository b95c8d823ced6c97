"""Telling people of allowances: payees of results, communities of what was sent, makers of what does not match."""

from sqlmodel import Session

from flows.jobs import Result
from flows.settings import Settings
from models.db import Database
from models.district import community_labels, district_id
from models.payees import certifications_due, cycles_of, makers_of_open, sent_by_community, untold
from models.payments import exceptions
from models.staff import staff_contacts
from notifications.allowances import NEWS, tell_communities, tell_due, tell_makers, tell_payees
from notifications.duty import Telling
from notifications.visits import routes_of
from policies.allowances import allowances, tariff
from rules.calendar import month_dates
from rules.periods import month_of
from rules.portions import portions

TEMPLATES = (
    "allowance-paid", "allowance-returned", "allowance-batch", "allowance-exception", "allowance-notice-open",
    "allowance-approval", "allowance-certify", "exam-approval",
)  # fmt: skip
BATCH = 500  # messages in one transaction


def telling(settings: Settings) -> Telling:
    """The frame of the messages of allowances; each template names its own channels."""
    channels = {name: routes_of(name) for name in TEMPLATES}
    return Telling(settings.district, settings.now(), settings.tz, settings.lang, channels)


def tell_paid(database: Database, settings: Settings) -> Result:
    """Tell payees of the results that are news, and makers of lines that do not match; return how many of each."""
    frame, since = telling(settings), settings.today() - NEWS
    counts = {}
    for template, state in (("allowance-paid", "paid"), ("allowance-returned", "returned")):
        counts[state] = 0
        with database.read() as session:
            district = district_id(session, settings.district)
            places = community_labels(session, district)
            for some in portions(untold(session, district, template, state, since), BATCH):
                with database.write() as writing:
                    counts[state] += tell_payees(writing, frame, district, some, places)
    counts["makers"] = _tell_makers(database, settings, frame)
    return counts


def _tell_makers(database: Database, settings: Settings, frame: Telling) -> int:
    with database.write() as session:
        district = district_id(session, settings.district)
        lines = exceptions(session, district)
        if not lines:
            return 0
        makers = makers_of_open(session, district)
        contacts = staff_contacts(session, makers)
        told = [(contacts[number], *makers[number]) for number in makers if number in contacts]
        return tell_makers(session, frame, told, len(lines), lines[-1].id or 0)


def tell_due_certifications(database: Database, settings: Settings) -> int:
    """Ask those whose certification runs out this month to renew it; return how many were asked now."""
    today, asked = settings.today(), 0
    _, last = month_dates(month_of(today))
    for programme in allowances(today, settings.policy).programmes:
        months = tariff(programme, today, settings.policy).certification_months
        if months is None:
            continue
        year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
        seen_first, seen_last = month_dates(f"{year}-{month + 1:02d}")
        with database.read() as session:
            district = district_id(session, settings.district)
            places = community_labels(session, district)
            cycles = cycles_of(session, district, programme)
            due = certifications_due(session, cycles[-1][0], seen_first, seen_last) if cycles else iter(())
            for some in portions(due, BATCH):
                with database.write() as writing:
                    asked += tell_due(writing, telling(settings), district, programme, last, some, places)
    return asked


def tell_sent(session: Session, settings: Settings, file: int, ref: str) -> int:
    """Tell the leads of communities what a file holds for their elders, in the transaction that marks it sent."""
    district = district_id(session, settings.district)
    sums, places = sent_by_community(session, file), community_labels(session, district)
    return tell_communities(session, telling(settings), district, ref, settings.today(), sums, places)
