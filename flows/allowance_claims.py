"""Claims after a payment: what the register says now -> claimed, more claimed, or withdrawn by a person who proves it.

A death claims what it makes not owed: all, or the difference where the age reached at death is that of a lower band.
What would take less than is claimed is for a person: no job gives up money of the district.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session

from flows.allowance_settle import NothingOpen, Person, payment_of, proved
from flows.jobs import Result
from flows.settings import Settings
from models import audit, ledger, payments, receivables
from models.allowance_facts import candidates
from models.allowance_stops import Standing, by_cycle, cancel, dead_and_sent, is_live, sent_of
from models.allowance_waiting import RESTORABLE
from models.db import Database
from models.district import district_id
from models.receivables import Claimed
from policies.allowances import tariff
from rules.allowances import overpaid, owed_after_death
from rules.errors import TuoqiError
from rules.free_text import check_note
from rules.money import yuan

JOB = "allowance-stop"


@dataclass(eq=False)
class StillNotOwed(TuoqiError):
    """By the register as it is, nothing of the claim is wrong."""

    key: str
    yuan: str
    zh = (
        "按现在的登记，发放记录 {key} 仍有 {yuan} 元不应发放，追回不能撤销；请先更正登记（去世、迁出、出生日期）再试。"
        "异议成立的不能撤销。"
    )
    en = (
        "by the register {yuan} yuan of payment {key} are still not owed, the claim stands; put the register right "
        "first (death, move, birth date). After an objection upheld it is final."
    )


def claim_dead(database: Database, settings: Settings, programme: str) -> list[Result]:
    """Claim what was paid to the dead and is not owed; what is still on its way is cancelled and claimed when paid."""
    with database.read() as session:
        district = district_id(session, settings.district)
        found: list[tuple[Standing, int]] = []
        for (period, as_of), some in by_cycle(dead_and_sent(session, district, programme)):
            notice = tariff(programme, as_of, settings.policy)
            mine = {each.elder_id: each for each in some}
            for one in candidates(session, district, notice, as_of, settings.today(), only=mine):
                died, one_of = one.person.died_on, mine[one.person.elder_id]
                if died is None or died > as_of:  # nothing else is a reason
                    continue
                owed = owed_after_death(one.person, notice, period, as_of)
                due = one_of.fen - (owed.fen if owed else 0)
                if due > 0:
                    found.append((one_of, due))
    return [row for each in found if (row := _claim_one(database, settings, district, each))]


def _claim_one(database: Database, settings: Settings, district: int, what: tuple[Standing, int]) -> Result | None:
    one, due = what
    now = settings.now()
    with database.write() as session:
        sent = sent_of(session, one.id)  # locked: two runs claim one after the other
        before = next(iter(receivables.standing(session, district, payment=sent.id)), None) if sent else None
        if before and (before.settled or before.claimed >= due):
            return None  # given back in part: a person looks at it, see wrong_claims
        whole = due == one.fen
        if not whole and (sent is None or sent.state != "paid" or not is_live(session, one.id)):
            return None
        if whole:
            if not cancel(session, [one.id], "dead", now, JOB, sent=True):
                return None
            sent = sent_of(session, one.id)  # it may have been sent again until it was cancelled
        if before and sent:
            receivables.withdraw(session, sent, now, JOB)
        if sent and whole and sent.state in {"paid", "returned"}:
            payments.disown(session, sent, sent.state, f"stop/{sent.key}", now, JOB)
        elif sent and not whole:
            receivables.claim(session, sent, due, "dead", f"stop/{sent.key}", now, JOB)
        ledger.agree(session, one.cycle_id)
        told = {"elder": one.ref, "period": one.period, "fen": due, "state": sent.state if sent else "planned"}
        audit.record(session, settings.district, JOB, "allowance.claim", now, **told)
    return told


def withdraw(database: Database, settings: Settings, person: Person, key: str, reason: str) -> Result:
    """Withdraw a claim that was wrong: the entitlement is live again, and what is still not owed is claimed anew.

    Raises:
        NumberOfAPerson, NoPayment, NothingOpen, StillNotOwed: nothing was changed.
    """
    note = check_note(reason)
    who = proved(database, settings, person)
    now, actor = settings.now(), f"staff:{who}"
    with database.write() as session:
        district = district_id(session, settings.district)
        sent = payment_of(session, settings, key)
        before = next(iter(receivables.standing(session, district, payment=sent.id)), None)
        if before is None or before.settled:
            raise NothingOpen(key)
        due = _dues(session, settings, district, [before])[before.key]
        if due >= before.claimed:
            raise StillNotOwed(key, yuan(due))
        receivables.withdraw(session, sent, now, actor)
        receivables.revive(session, before.entitlement_id, now, actor)
        if due:
            receivables.claim(session, sent, due, "dead", f"rest/{sent.key}", now, actor)
        ledger.agree(session, sent.cycle_id)
        told = {"payment": key, "fen": before.claimed, "still_claimed_fen": due}
        audit.record(session, settings.district, actor, "allowance.withdraw-claim", now, **told, reason=note)
    return {**told, "withdrawn": True}


def wrong_claims(session: Session, settings: Settings, district: int) -> list[tuple[Claimed, int]]:
    """Return the claims that the register no longer bears out, each with what is not owed by it now, in fen.

    Open ones of more than that can be withdrawn. One that was given back, in part or in whole, and is of another amount
    by now, is for a person to settle with the family.
    """
    some = receivables.standing(session, district)
    dues = _dues(session, settings, district, some)
    return [(one, dues[one.key]) for one in some if _wrong(one, dues[one.key])]


def _wrong(one: Claimed, due: int) -> bool:
    return due != one.claimed if one.settled else due < one.claimed


def _dues(session: Session, settings: Settings, district: int, some: Iterable[Claimed]) -> dict[str, int]:
    """What of each payment is not owed by the register as it is now, in fen; all of it where that is final."""
    found: dict[str, int] = {}
    cycles: dict[tuple[str, str], list[Claimed]] = {}
    for each in some:
        found[each.key] = each.fen
        if each.cancelled_for is None or each.cancelled_for in RESTORABLE:
            cycles.setdefault((each.programme, each.period), []).append(each)
    for (programme, period), mine in cycles.items():
        as_of = mine[0].as_of
        notice = tariff(programme, as_of, settings.policy)
        people = candidates(session, district, notice, as_of, settings.today(), only={each.elder_id for each in mine})
        known = {one.person.elder_id: one.person for one in people}
        for each in mine:
            if each.elder_id in known:
                found[each.key] = overpaid(known[each.elder_id], notice, period, as_of, each.fen)
    return found
