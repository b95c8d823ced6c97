"""Stopping what is owed no longer: deaths, removals, lost accounts known by now -> taken off, or claimed back if sent.

Before a list is released its people are looked at once more. After it, only a death counts: see allowance_claims.py.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from sqlmodel import Session

from flows.allowance_claims import claim_dead
from flows.jobs import Result
from flows.settings import Settings
from models import approvals, audit, ledger
from models.allowance_facts import candidates
from models.allowance_stops import (
    FLOW,
    Standing,
    adjust,
    by_cycle,
    cancel,
    empty,
    give_up,
    unreleased,
)
from models.approvals import Batch
from models.db import Database
from models.district import district_id
from policies.allowances import allowances, tariff
from rules.allowances import Person, Tariff, owed_after_death
from rules.portions import portions

JOB = "allowance-stop"
OPEN = ("planned", "notice", "approved")


class Stop(NamedTuple):
    """What becomes of an entitlement: cancelled for a reason, or adjusted to a band."""

    standing: Standing
    reason: str | None
    band: str = ""
    fen: int = 0


def stop(database: Database, settings: Settings) -> Result:
    """Look at every list that is not released, and at the dead of those that are; return what was stopped."""
    with database.read() as session:
        district = district_id(session, settings.district)
        refs = [ref for state in OPEN for ref in approvals.batches_in(session, district, state)]
    stopped = [row for ref in refs for row in stop_batch(database, settings, ref)]
    claimed = [
        row
        for programme in allowances(settings.today(), settings.policy).programmes
        for row in claim_dead(database, settings, programme)
    ]
    return {"stopped": stopped, "claimed": claimed}


def stop_batch(database: Database, settings: Settings, ref: str) -> list[Result]:
    """Take off a list who is owed no longer; its approval is void then. Return who, by reference."""
    with database.read() as session:
        district = district_id(session, settings.district)
        batch = approvals.find_batch(session, district, ref)
        if batch is None or batch.state not in OPEN:
            return []
        found = list(_stops(session, settings, district, batch))
    if not found:
        return []
    with database.write() as session:
        locked = approvals.lock_batch(session, district, ref)
        if locked is None or locked.state not in OPEN:
            return []
        still = {each.id: each.fen for each in unreleased(session, locked.id)}  # another run may have been faster
        found = [each for each in found if still.get(each.standing.id) == each.standing.fen]
        if found:
            _end(session, settings, locked, found)
    return [_told(each) for each in found]


def _stops(session: Session, settings: Settings, district: int, batch: Batch) -> Iterator[Stop]:
    for some in portions(unreleased(session, batch.id), FLOW):
        for (period, as_of), standing in by_cycle(some):
            notice = tariff(batch.programme, as_of, settings.policy)
            mine = {each.elder_id: each for each in standing}
            for one in candidates(session, district, notice, as_of, settings.today(), only=mine):
                found = _stop(mine[one.person.elder_id], one.person, notice, period, as_of)
                if found and found.reason is None and batch.kind == "reissue":
                    found = Stop(found.standing, "dead")  # what was sent once at its amount is never sent at another
                if found:
                    yield found


def _stop(standing: Standing, person: Person, notice: Tariff, period: str, as_of: date) -> Stop | None:
    """Decide one person: what has changed since the list was made and ends the payment."""
    owed = owed_after_death(person, notice, period, as_of)
    if owed is None:  # of the living: a birth date or category was put right
        return Stop(standing, "dead" if _died_by(person, as_of) else "mistaken")
    if person.moved_out_on is not None and person.moved_out_on <= min(as_of, person.died_on or as_of):
        return Stop(standing, "moved_out")
    if person.account != "ok":
        return Stop(standing, "no_account" if person.account == "none" else "proxy_expired")
    if person.died_on is not None and owed.fen != standing.fen:
        return Stop(standing, None, owed.code, owed.fen)
    return None


def _died_by(person: Person, day: date) -> bool:
    return person.died_on is not None and person.died_on <= day


def _end(session: Session, settings: Settings, batch: Batch, found: list[Stop]) -> None:
    now = settings.now()
    if batch.state == "approved":
        approvals.reopen(session, batch, f"stopped-{approvals.rounds(session, batch.id)}", now, JOB)
    else:
        approvals.drop_approvals(session, batch.id, now)
    reasons: dict[str, list[int]] = {}
    for each in found:
        if each.reason is None:
            adjust(session, each.standing.id, each.band, each.fen, now, JOB)
        else:
            reasons.setdefault(each.reason, []).append(each.standing.id)
    for reason, some in reasons.items():
        cancel(session, some, reason, now, JOB)
        if batch.kind == "reissue":
            give_up(session, [each.standing for each in found if each.reason == reason], now, JOB)
    empty(session, batch.id)
    for cycle in sorted({each.standing.cycle_id for each in found}):
        ledger.agree(session, cycle)
    counts = {reason: len(some) for reason, some in reasons.items()}
    told = {"batch": batch.ref, "cancelled": counts, "elders": [each.standing.ref for each in found][:200]}
    audit.record(session, settings.district, JOB, "allowance.stop", now, **told)


def _told(each: Stop) -> Result:
    standing = each.standing
    told = {"elder": standing.ref, "period": standing.period, "fen": standing.fen}
    return {**told, "reason": each.reason or "adjusted"}
