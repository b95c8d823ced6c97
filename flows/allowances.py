"""The jobs of allowances as Prefect runs them: the form's values -> the job -> an artifact a clerk looks at."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from prefect import flow

from flows import artifacts, fields
from flows.allowance_approve import Yes, approve
from flows.allowance_desk import to_settle
from flows.allowance_due import plan_due
from flows.allowance_notice import morning, put_forward
from flows.allowance_plan import plan, supplement
from flows.allowance_planned import show_plans
from flows.allowance_reconcile import reconcile
from flows.allowance_reissue import reissue
from flows.allowance_release import release
from flows.allowance_report import headline, report
from flows.allowance_shown import (
    LISTED,
    show_approval,
    show_morning,
    show_notice,
    show_reconciled,
    show_reissue,
    show_released,
    show_report,
    show_stopped,
    show_to_settle,
)
from flows.allowance_stop import JOB as STOP
from flows.allowance_stop import stop
from flows.audit_anchor import add_anchor
from flows.districts import by_district
from flows.failures import ONCE, safely
from flows.jobs import at_work
from flows.settings import Settings, settings
from flows.store import opened
from models.db import Database
from models.jobs import Claim
from policies.allowances import allowances
from rules.errors import TuoqiError, say

Result = dict[str, Any]
_RETRY: dict[str, Any] = {"retries": 2, "retry_delay_seconds": 30, "log_prints": False, "persist_result": False}


class NeedsProgramme(TuoqiError):
    """A period or a supplement was asked for without naming the programme."""

    zh = "指定发放期或补充名单时，必须同时选择项目。"
    en = "a period or a supplement needs its programme named too."


class NoSuchReturn(TuoqiError):
    """The named file is not in the bank's inbox."""

    zh = "inbox/bank 文件夹中没有这个文件；请把银行回盘文件放入该文件夹，只填写文件名。"
    en = "there is no such file in inbox/bank; put the bank's file there and give its name only."


@flow(name="allowance-plan", **_RETRY)
@by_district
@safely
def allowance_plan(
    programme: fields.AnyProgramme = None,
    period: fields.Period = None,
    supplement_list: fields.Supplement = False,
    as_of: fields.AsOf = None,
) -> Result:
    """Work out who is owed what, and leave the list for public notice.

    Args:
        programme: with a period or for a supplement; all that are due when left open.
        period: one cycle, planned once.
        supplement_list: a list of who was left out before and is owed after all.
        as_of: the business date; the scheduled day when left open.
    """
    chosen = settings()
    day = artifacts.present_day(as_of, chosen)
    if (period or supplement_list) and programme is None:
        raise NeedsProgramme
    with opened(chosen) as database:
        if supplement_list and programme:
            results = [supplement(database, chosen, programme)]
        elif period and programme:
            results = [plan(database, chosen, programme, period)]
        else:
            results = plan_due(database, chosen, day)
    show_plans(results)
    return {"plans": results}


@flow(name="allowance-notice", **_RETRY)
@by_district
@safely
def allowance_notice(batch: fields.AnyList = None, staff: fields.AnyStaff = None) -> Result:
    """Put a list on public notice as its maker; left open: apply objections and send what is ready to its approvers.

    Args:
        batch: the list.
        staff: the maker who puts it forward.
    """
    chosen = settings()
    with opened(chosen) as database:
        if batch and staff:
            result = put_forward(database, chosen, batch, staff)
            show_notice(result)
        else:
            result = morning(database, chosen)
            show_morning(result)
    return result


@flow(name="allowance-approve", **ONCE)
@by_district
@safely
def allowance_approve(
    batch: fields.ListRef, staff: fields.StaffNumber, confirmation: fields.Confirmation, code: fields.OneTimeCode
) -> Result:
    """Approve a list: staff number, the sheet's confirmation code, the authenticator's one-time code.

    Args:
        batch: the list.
        staff: the approver's number.
        confirmation: the code of the content that was read.
        code: the one-time code.
    """
    chosen = settings()
    with opened(chosen) as database:
        result = approve(database, chosen, batch, Yes(staff, confirmation, code.get_secret_value(), "form"))
    show_approval(result)
    return result


@flow(name="allowance-release", **ONCE)
@by_district
@safely
def allowance_release(batch: fields.AnyList = None) -> Result:
    """Send approved lists to the bank: files are frozen first, then written.

    Args:
        batch: one list; all approved ones when left open.
    """
    chosen = settings()
    with opened(chosen) as database:
        result = release(database, chosen, batch)
    show_released(result)
    return result


@flow(name="allowance-reconcile", **_RETRY)
@by_district
@safely
def allowance_reconcile(file: fields.ReturnFile = None) -> Result:
    """Take in the bank's return files, each once; tell payees; list what does not match.

    Args:
        file: a name in inbox/bank; all new files when left open.
    """
    chosen = settings()
    with opened(chosen) as database:
        try:
            result = reconcile(database, chosen, [_in_inbox(chosen, file)] if file else None)
        finally:  # one file that cannot be read hides nothing
            show_what_waits(database, chosen)
    show_reconciled(result)
    return result


def show_what_waits(database: Database, chosen: Settings) -> None:
    """Bring the page of what approvers settle up to date."""
    seen = f"{chosen.local(chosen.now()):%m-%d %H:%M}"
    show_to_settle(to_settle(database, chosen, LISTED + 1), seen)


def _in_inbox(chosen: Settings, name: str) -> Path:
    """Find a file of the bank's inbox by its bare name; nothing outside the folder is ever read."""
    folder = chosen.own_folder("inbox") / "bank"
    path = folder / Path(name).name
    if path.name != name or path.is_symlink() or not path.is_file():
        raise NoSuchReturn
    return path


@flow(name="allowance-reissue", **_RETRY)
@by_district
@safely
def allowance_reissue(programme: fields.AnyProgramme = None, staff: fields.AnyStaff = None) -> Result:
    """List what the bank returned; with a maker, put those whose account was corrected on a new list.

    Args:
        programme: whose payments; all when left open.
        staff: the maker; only a look when left open.
    """
    chosen = settings()
    names = [programme] if programme else list(allowances(chosen.today(), chosen.policy).programmes)
    with opened(chosen) as database:
        results = [reissue(database, chosen, name, staff) for name in names]
    show_reissue(results)
    return {"programmes": results}


@flow(name="allowance-stop", **_RETRY)
@by_district
@safely
def allowance_stop() -> Result:
    """Take off every list who is owed no longer, claim back what was paid after a death, anchor the audit log."""
    chosen = settings()
    with opened(chosen) as database:
        result = at_work(database, STOP, str(chosen.today()), chosen.district, lambda _: _stopped(database, chosen))
    if "stopped" in result:
        show_stopped(result)
    return result


def _stopped(database: Database, chosen: Settings) -> Result:
    result = stop(database, chosen)
    add_anchor(database, chosen)
    show_what_waits(database, chosen)
    return result


@flow(name="allowance-report", **_RETRY)
@by_district
@safely
def allowance_report(programme: fields.AnyProgramme = None, period: fields.Period = None) -> Result:
    """Report a cycle: people, yuan, payments, ledger; the latest of every programme when left open.

    Args:
        programme: one programme.
        period: one cycle.
    """
    chosen = settings()
    if period and programme is None:
        raise NeedsProgramme
    results: list[Result] = []

    def work(_: Claim) -> Result:
        results.extend(report(database, chosen, programme, period))
        return {"reports": len(results)}

    with opened(chosen) as database:
        if programme:
            results = report(database, chosen, programme, period)
        else:
            at_work(database, "allowance-report", _friday(chosen.today()), chosen.district, work)
    for each in results:
        show_report(each, headline(each))
    return {"reports": results, "note": say("报告已写入 outbox/reports", "reports are in outbox/reports")}


def _friday(day: date) -> str:
    """The week of a report is named by the Friday on which it falls due, or fell due last."""
    return (day - timedelta(days=(day.isoweekday() - 5) % 7)).isoformat()
