"""Approving a list: who asks, proved -> the list as it is now -> budgets under their locks -> all of it, or nothing.

A wrong try is counted in a transaction of its own, so that it stays though the approval is refused.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from flows.jobs import Result, real_now
from flows.settings import Settings
from models import approvals, audit, ledger
from models.allowance import AllowanceBatch, AllowanceCycle
from models.approvals import Batch
from models.db import Database
from models.district import district_id
from models.ledger import Amount
from models.proof import Path, authenticate
from policies.allowances import allowances
from rules.allowance_refusals import (
    STATES,
    Disputed,
    Nobody,
    NoBudget,
    NoList,
    NotNow,
    OpenObjections,
    OverBudget,
    OwnList,
    StillShown,
    WrongConfirmation,
)
from rules.allowances import approvers_needed, content_hash, same_code
from rules.errors import say


@dataclass(frozen=True, slots=True, repr=False)
class Yes:
    """What an approver brings; its repr shows none of it."""

    staff: str
    confirmation: str
    one_time_code: str
    path: Path


def approve(database: Database, settings: Settings, ref: str, yes: Yes) -> Result:
    """Approve a list by one approver; with the last one needed its money is committed.

    Returns:
        counts, and `approved`: whether it now has all it needs. A second yes of the same approver changes nothing.

    Raises:
        ListRefused: nothing was approved.
        rules.staff_refusals.NotProved: staff number or one-time code; nothing of them is repeated.
    """
    with database.read() as session:
        district = district_id(session, settings.district)
    approver = authenticate(database, district, yes.staff, yes.one_time_code, yes.path, code_time(settings))
    with database.write() as session:
        batch = ready(session, settings, district, ref)
        if batch.maker_id == approver:
            raise OwnList(ref)
        amounts = approvals.amounts(session, batch.id)
        total = Amount(sum(each.fen for each in amounts.values()), sum(each.payments for each in amounts.values()))
        if not total.payments:
            raise Nobody(ref)
        digest = content_hash(approvals.content(session, batch.id, settings.today()))
        if not same_code(yes.confirmation, digest):
            raise WrongConfirmation(ref)
        added = approvals.approve(session, batch, approver, digest, total, yes.path, settings.now())
        given = approvals.approvers(session, batch.id, digest)
        needed = approvers_needed(total.fen, allowances(settings.today(), settings.policy).approvers)
        if len(given) >= needed:
            _commit(session, settings, batch, amounts, digest)
        result = {
            "batch": ref, "people": total.payments, "fen": total.fen, "given": len(given), "needed": needed,
            "approved": len(given) >= needed, "already": not added,
        }  # fmt: skip
        if added:
            told = {key: result[key] for key in ("batch", "people", "fen", "given", "needed")}
            actor = f"staff:{approver}"
            audit.record(session, settings.district, actor, "allowance.approve", settings.now(), **told, hash=digest)
    return result


def code_time(settings: Settings) -> datetime:
    """The clock of one-time codes: in production the real one, for `--at` must not bring an old code back to life."""
    return real_now() if settings.environment == "production" else settings.now()


def ready(session: Session, settings: Settings, district: int, ref: str) -> Batch:
    """Lock a list and see that it may be approved now.

    Raises:
        ListRefused: it may not.
    """
    batch = approvals.lock_batch(session, district, ref)
    if batch is None:
        raise NoList(ref)
    if batch.state != "notice":
        raise NotNow(ref, say(*STATES[batch.state]))
    if batch.notice_until is not None and settings.today() <= batch.notice_until:
        raise StillShown(ref, batch.notice_until)
    if objections := approvals.open_objections(session, batch.id):
        raise OpenObjections(ref, objections)
    if count := approvals.disputed(session, batch.id):
        raise Disputed(ref, count)
    return batch


def _commit(session: Session, settings: Settings, batch: Batch, amounts: dict[int, Amount], digest: str) -> None:
    """Commit the money of every period, each under its budget's lock, and mark the list approved."""
    now, document = settings.now(), f"{batch.ref}/{approvals.rounds(session, batch.id)}"
    for cycle, amount in amounts.items():
        budget = ledger.book_budget(session, cycle, now, "allowance-approve")
        programme, period = _named(session, cycle)
        if budget is None:
            raise NoBudget(batch.ref, programme, period)
        if batch.kind == "reissue":
            ledger.book(session, cycle, "reissue", amount, document, now, "allowance-approve")
            continue
        short = amount.fen - ledger.balances(session, cycle)["budget"]
        if short > 0:
            raise OverBudget(batch.ref, programme, period, short)
        ledger.book(session, cycle, "commit", amount, document, now, "allowance-approve")
    approved = {"state": "approved", "content_hash": digest}
    session.execute(update(AllowanceBatch).where(col(AllowanceBatch.id) == batch.id).values(approved))
    for cycle in amounts:
        ledger.agree(session, cycle)


def _named(session: Session, cycle: int) -> tuple[str, str]:
    columns = select(col(AllowanceCycle.programme), col(AllowanceCycle.period))
    return session.exec(columns.where(col(AllowanceCycle.id) == cycle)).one()
