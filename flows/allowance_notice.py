"""Public notice 公示: a maker puts a list forward -> shown by community, masked -> objections -> ready to approve.

Every morning the objections that were upheld are applied, and the lists whose window has ended go to their approvers.
"""

from collections import Counter
from datetime import timedelta

from sqlalchemy import update
from sqlmodel import Session, col

from flows.allowance_ask import send_sheets
from flows.allowance_public import publish
from flows.allowance_sheet import period_said
from flows.allowance_stop import OPEN
from flows.allowance_tell import tell_due_certifications, telling
from flows.jobs import Result
from flows.settings import Settings
from models import approvals, audit
from models.allowance import AllowanceBatch
from models.allowance_figures import head
from models.allowance_public import public_lines
from models.approvals import Batch
from models.calendar import calendar
from models.db import Database
from models.district import community_labels, district_id
from models.drafts import Enclosure
from models.objections import apply_upheld, open_ones, upheld_left_out, waiting_lists
from models.staff import maker_of
from notifications.allowances import tell_notice
from policies.allowances import allowances, tariff
from rules.allowance_refusals import STATES, Nobody, NoList, NotNow
from rules.allowances_due import Window, notice_window
from rules.errors import say
from rules.programmes import programme_name

JOB = "allowance-notice"
_AHEAD = timedelta(days=120)
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def put_forward(database: Database, settings: Settings, ref: str, staff: str) -> Result:
    """Put a list on public notice, as its maker; once. Every community's lead is told, with the list to pin up.

    Raises:
        ListRefused: it is not there, or was put forward before by somebody else.
        CalendarUnpublished: the window cannot be reckoned.
    """
    today = settings.today()
    with database.read() as session:
        district = district_id(session, settings.district)
        policy = allowances(today, settings.policy)
        window = notice_window(today, policy.notice_workdays, calendar(session, today, today + _AHEAD))
    with database.write() as session:
        maker = maker_of(session, district, staff, today)
        batch = _mine(session, district, ref, maker)
        if batch.state == "planned":
            values = {"state": "notice", "maker_id": maker, "notice_from": window.first, "notice_until": window.last}
            session.execute(update(AllowanceBatch).where(col(AllowanceBatch.id) == batch.id).values(values))
            told = {"batch": ref, "maker": maker, "first": window.first, "last": window.last}
            audit.record(session, settings.district, f"staff:{maker}", "allowance.notice", settings.now(), **told)
    return show(database, settings, ref)


def _mine(session: Session, district: int, ref: str, maker: int) -> Batch:
    """Lock a list that this maker may put forward, or has."""
    batch = approvals.lock_batch(session, district, ref)
    if batch is None:
        raise NoList(ref)
    shown_by_me = batch.state == "notice" and batch.maker_id == maker and batch.notice_until is not None
    if batch.state != "planned" and not shown_by_me:  # a re-issue has no notice
        raise NotNow(ref, say(*STATES[batch.state]))
    if not approvals.amounts(session, batch.id):
        raise Nobody(ref)
    return batch


def show(database: Database, settings: Settings, ref: str) -> Result:
    """Write the lists of a notice and tell the communities; the same again changes nothing."""
    with database.read() as session:
        district = district_id(session, settings.district)
        top = head(session, district, ref)
        assert top is not None
        lines, places = list(public_lines(session, top.id)), community_labels(session, district)
    assert top.notice_from is not None
    assert top.notice_until is not None
    window = Window(top.notice_from, top.notice_until)
    notice = tariff(top.programme, top.as_of or settings.today(), settings.policy)
    name = f"{programme_name(top.programme)} {period_said(top.period)} {say('公示名单', 'public list')}"
    folder = settings.own_folder("outbox") / "notice" / ref
    files = publish(folder, name, window, lines, places, {band.code: say(band.zh, band.en) for band in notice.bands})
    counts = Counter(line.community_id for line in lines)
    with database.write() as session:
        sheets = {home: Enclosure(path.name, _XLSX, path.read_bytes()) for home, path in files.items()}
        told = tell_notice(session, telling(settings), district, top, (window, counts), sheets, places)
    return {
        "batch": ref, "programme": top.programme, "period": top.period, "people": len(lines),
        "communities": len(files), "first": window.first.isoformat(), "last": window.last.isoformat(),
        "messages": told, "folder": str(folder),
    }  # fmt: skip


def morning(database: Database, settings: Settings) -> Result:
    """Apply upheld objections, send the sheets that are due, ask who has to certify, and say what waits for people."""
    with database.read() as session:
        district = district_id(session, settings.district)
        refs = [ref for state in OPEN for ref in approvals.batches_in(session, district, state)]
    cancelled = {ref: count for ref in refs if (count := _apply(database, settings, district, ref))}
    sheets = send_sheets(database, settings)
    asked = tell_due_certifications(database, settings)
    with database.read() as session:
        waiting = waiting_lists(session, district)
        objections, left_out = open_ones(session, district), upheld_left_out(session, district)
    return {
        "cancelled": cancelled,
        "sheets": sheets,
        "certify": asked,
        "waiting": [
            {"batch": ref, "programme": name, "period": period, "since": settings.local(at).date(), "people": people}
            for ref, name, period, at, people in waiting
        ],
        "objections": [
            {"programme": name, "period": period, "elder": ref, "listed": listed}
            for name, period, ref, listed in objections
        ],
        "left_out": [
            {"programme": name, "period": period, "elder": ref, "reason": reason}
            for name, period, ref, reason in left_out
        ],
    }


def _apply(database: Database, settings: Settings, district: int, ref: str) -> int:
    with database.write() as session:
        batch = approvals.lock_batch(session, district, ref)
        if batch is None or batch.state not in OPEN:
            return 0
        count = apply_upheld(session, batch, settings.now(), JOB)
        if count:
            told = {"batch": ref, "cancelled": count}
            audit.record(session, settings.district, JOB, "allowance.objections", settings.now(), **told)
    return count
