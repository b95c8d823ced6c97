"""The form with which a contact with an elder is recorded from the Prefect UI, through the command line's store."""

from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.failures import safely
from flows.settings import settings
from flows.store import opened
from flows.visit_desk import now_as_text, record
from rules.errors import say


@flow(name="visit-record", persist_result=False)
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
