"""Asking for approval: lists whose objection window has ended -> a sheet each -> its approvers, once a content."""

import hashlib

from flows.allowance_sheet import read_sheet
from flows.allowance_sheet_workbook import write_sheet
from flows.allowance_tell import telling
from flows.jobs import Result
from flows.settings import Settings
from models import approvals
from models.allowance_figures import total
from models.db import Database
from models.district import district_id
from models.drafts import Enclosure
from models.staff import approvers_of
from notifications.allowances import Asked, tell_approvers

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def send_sheets(database: Database, settings: Settings) -> list[Result]:
    """Send the sheet of every list that can be approved to its approvers, once for each content of it."""
    with database.read() as session:
        district = district_id(session, settings.district)
        refs = approvals.approvable(session, district, settings.today())
    return [sent for ref in refs if (sent := send_sheet(database, settings, ref))]


def send_sheet(database: Database, settings: Settings, ref: str) -> Result | None:
    """Send the sheet of one list; None if nobody is on it.

    Raises:
        NoList: there is none of this reference.
    """
    with database.snapshot() as session:  # the code must be of the very content that is shown beside it
        district = district_id(session, settings.district)
        sheet = read_sheet(session, settings, ref)
    if not sheet.payees:
        return None
    path = settings.own_folder("outbox") / "approval" / f"{ref}-{sheet.code}.xlsx"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_sheet(path, sheet, settings.today())
    amount, top = total(sheet.groups), sheet.head
    asked = Asked(
        ref, top.programme, top.period, amount.payments, amount.fen, sum(filter(None, sheet.budgets.values())),
        len(sheet.exceptions), hashlib.sha256(sheet.content.encode()).hexdigest()[:12],
    )  # fmt: skip
    with database.write() as session:
        people = approvers_of(session, district, settings.today(), other_than=top.maker_id)
        enclosed = Enclosure(f"{ref}.xlsx", _XLSX, path.read_bytes())
        told = tell_approvers(session, telling(settings), people, asked, enclosed)
    return {
        "batch": ref, "code": sheet.code, "people": amount.payments, "fen": amount.fen, "needed": sheet.needed,
        "approvers": len(people), "messages": told, "file": str(path),
    }  # fmt: skip
