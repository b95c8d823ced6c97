"""Forms of the Prefect UI with which contacts, statuses and issues are recorded, through the command line's store.

None takes a note: Prefect would keep it in plain.
"""

from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.districts import by_district
from flows.failures import safely
from flows.settings import settings
from flows.store import opened
from flows.visit_desk import new_number, now_as_text, record
from rules.errors import say


@flow(name="visit-record", persist_result=False)
@by_district
@safely
def visit_record(
    elder: fields.ElderRef,
    helper: fields.HelperNumber,
    channel: fields.VisitChannel,
    outcome: fields.VisitOutcome,
    at: fields.At = None,
    by: fields.ReportedBy = None,
) -> dict[str, Any]:
    """Record a visit, a call or an attempt. The form takes no note: Prefect would keep it in plain."""
    chosen = settings()
    moment = at.isoformat() if at else now_as_text(chosen)
    values = {"elder": elder, "helper": helper, "channel": channel, "outcome": outcome, "occurred_at": moment}
    with opened(chosen) as database:
        result = record(database, chosen, "contact", by or helper, values)
    done = say("已登记", "recorded") if result["recorded"] else say("此前已登记，无变化", "already recorded")
    artifacts.markdown("visit-record", f"**{done}** · {result['elder']}")
    return result


@flow(name="status-record", persist_result=False)
@by_district
@safely
def status_record(
    elder: fields.ElderRef,
    status: fields.ElderStatus,
    since: fields.Since,
    by: fields.ReportedByOffice,
    community: fields.NewCommunity = None,
) -> dict[str, Any]:
    """Record that an elder is in hospital, away, back, has moved, refused or died; late records are as good."""
    chosen = settings()
    values = {"elder": elder, "status": status, "from": since.isoformat(), "community": community}
    with opened(chosen) as database:
        result = record(database, chosen, "status", by, values)
    done = say("已登记", "recorded") if result["recorded"] else say("此前已登记，无变化", "already recorded")
    artifacts.markdown("status-record", f"**{done}** · {result['elder']} · {result['status']} · {since}")
    return result


@flow(name="issue-record", persist_result=False)
@by_district
@safely
def issue_record(  # noqa: PLR0913, PLR0917 - a form has these fields
    event: fields.IssueEvent,
    by: fields.ReportedByOffice,
    number: fields.IssueNumber = None,
    elder: fields.AnyElderRef = None,
    centre: fields.CentreOfIssue = None,
    kind: fields.IssueKind = None,
    to: fields.IssueOwner = None,
    satisfied: fields.Satisfied = None,
    at: fields.At = None,
) -> dict[str, Any]:
    """Open an issue or take it a step on: assign, wait, approve, resume, resolve, verify, reopen, close."""
    chosen = settings()
    with opened(chosen) as database:
        values = {
            "number": number or (new_number(database, chosen) if event == "open" else None), "event": event,
            "elder": elder, "centre": centre, "kind": kind, "actor": to or by, "satisfied": satisfied,
            "at": at.isoformat() if at else now_as_text(chosen),
        }  # fmt: skip
        result = record(database, chosen, "issue", by, values)
    done = say("已登记", "recorded") if result["recorded"] else say("此前已登记，无变化", "already recorded")
    artifacts.markdown("issue-record", f"**{done}** · {result['number']} · {result['event']}")
    return result
