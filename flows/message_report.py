"""The delivery report: counts of a district's messages in some days -> a workbook under var/reports, and a summary."""

from datetime import date, datetime, time, timedelta

from flows.jobs import Result
from flows.message_figures import FAILED, Report
from flows.message_workbook import write_message_report
from flows.settings import Settings
from models.db import Database
from models.message_views import calls_waiting, in_doubt, oldest_pending, volumes
from models.providers import health
from policies.messages import messages


def message_report(database: Database, settings: Settings, first: date, last: date) -> tuple[Report, Result]:
    """Count the messages created in these days, write the workbook under var/reports, return the report and counts."""
    with database.read() as session:
        since, until = (datetime.combine(day, time(), settings.tz) for day in (first, last + timedelta(days=1)))
        now = settings.now()
        report = Report(
            first,
            last,
            settings.local(now),
            volumes(session, settings.district, since, until),
            in_doubt(session, settings.district),
            {kind: at for kind, at in oldest_pending(session, now, settings.district).items() if kind != "call"},
            messages(settings.today(), settings.policy).alarm.pending,
            calls_waiting(session, settings.district, now),
            [each for each in health(session) if each.failures],
        )
    name = f"messages-{first}" if first == last else f"messages-{first}-{last}"
    path = settings.own_folder("reports") / f"{name}.xlsx"
    write_message_report(path, report, settings)
    counted = report.states()
    result = {
        "from": str(first),
        "until": str(last),
        "messages": counted.total(),
        "delivered": counted["delivered"],
        "accepted": counted["accepted"],
        "failed": sum(counted[state] for state in FAILED),
        "unknown": len(report.doubt),
        "calls": report.calls,
        "sms_parts": report.parts,
        "file": f"reports/{path.name}",
    }
    return report, result
