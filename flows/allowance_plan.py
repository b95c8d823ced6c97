"""Planning a cycle: the register as of its day -> decided one by one -> cycle, list and everybody left out, once.

Earlier periods are decided again in the same step, so that who was stopped and is entitled after all is paid what was
held back. A list made between cycles is a supplement.
"""

import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from flows.jobs import Result, at_work, lease_end, real_now
from flows.settings import Settings
from models import audit
from models.allowance_facts import Candidate, candidates, registered
from models.allowance_figures import excluded, groups_of_cycle, total
from models.allowance_plan import Counts, Line, NewCycle, Plan, open_batch
from models.allowance_waiting import OldCycle, Withdrawn, newcomers, old_cycles, restorable, waiting, waiting_in
from models.calendar import festival_day
from models.db import Database
from models.district import district_id
from models.jobs import Claim, finish, renew
from models.ledger import book_budget
from models.staging import staging
from policies.allowances import tariff
from rules.allowances import Entitled, Tariff, check_period, decide, owed_after_death
from rules.allowances_due import opening
from rules.collector import collector_paused
from rules.errors import TuoqiError
from rules.periods import festival_of, is_month, month_end
from rules.refs import new_ref

JOB = "allowance-plan"
EARLY = timedelta(days=31)
"""So long before its opening a cycle can be planned by hand."""


@dataclass(eq=False)
class NotPlannedYet(TuoqiError):
    """A supplement follows a cycle; there is none yet."""

    programme: str
    zh = "{programme} 还没有任何一期名单，不能做补充名单；请先运行 allowance-plan 生成当期名单。"
    en = "{programme} has no cycle yet, so there is nothing to supplement; plan its cycle first."


@dataclass(eq=False)
class NotOpenYet(TuoqiError):
    """A cycle is planned once and for ever, so not long before it opens: a mistyped year could not be undone."""

    programme: str
    period: str
    opens_on: date
    zh = "{programme} {period} 要到 {opens_on} 才开始编制，每期只编制一次，现在不能提前；请核对发放期（年份）。"
    en = "{programme} {period} opens on {opens_on} and is planned only once; check the period's year."


def as_of_period(period: str) -> date:
    """The day on which a period is judged: the month's last day, or the festival."""
    if is_month(period):
        return month_end(period)
    festival = festival_of(period)
    assert festival is not None
    return festival_day(int(period[:4]), festival)


def plan(database: Database, settings: Settings, programme: str, period: str) -> Result:
    """Plan one cycle, once and for ever; a second call returns what the first one did.

    Raises:
        NoPolicyInForce: no notice is in force on the day the cycle is judged by.
        WrongPeriod: the programme does not pay in this period.
        NotOpenYet: it will, but that is long ahead.
    """
    as_of = as_of_period(period)
    notice = tariff(programme, as_of, settings.policy)
    check_period(notice, period, as_of)
    opens_on = opening(notice, as_of)
    if opens_on - EARLY > settings.today():
        raise NotOpenYet(programme, period, opens_on)
    return at_work(
        database,
        JOB,
        f"{programme}/{period}",
        settings.district,
        lambda held: _plan(database, settings, held, (notice, period, as_of)),
        again=False,
    )


def _plan(database: Database, settings: Settings, held: Claim, what: tuple[Tariff, str, date]) -> Result:
    notice, period, as_of = what
    with staging(database) as bench, collector_paused():
        made = Plan(bench)
        with database.snapshot() as session:  # so that register = entitled + excluded + not of age
            district, total = _district(session, settings)
            made.take(_new_lines(session, settings, district, what))
            made.take(_old_lines(session, settings, district, notice.programme))
        new = NewCycle(district, notice.programme, period, as_of, notice.since, notice.notice, total)
        with bench.write() as session:
            renew(session, held, lease_end())
            cycle = made.open_cycle(session, new, settings.now(), JOB)
            assert cycle is not None  # job_run lets nobody plan twice
            ref, counts = _pour(session, settings, made, new, cycle, "plan")
            fen = book_budget(session, cycle, settings.now(), JOB)
            result = {
                "programme": notice.programme, "period": period, "as_of": as_of.isoformat(), "batch": ref,
                "registered": total, "entitled": counts.entitled, "excluded": counts.excluded,
                "not_of_age": total - counts.entitled - counts.excluded, "back_paid": counts.back_paid,
                "restored": counts.restored, "duplicates": counts.duplicates, "budget_fen": fen,
                **_figures(session, district, notice.programme, cycle, fen),
            }  # fmt: skip
            finish(session, held, "done", real_now(), result)
            audit.record(session, settings.district, JOB, "allowance.plan", settings.now(), **result)
    return result


def _figures(session: Session, district: int, programme: str, cycle: int, budget: int | None) -> Result:
    """Sum up a new cycle: people and fen of each band, reasons, what it is over its budget, and who waits in others."""
    groups, bands, reasons = groups_of_cycle(session, cycle), Counter[str](), Counter[str]()
    money = Counter[str]()
    for group in groups:
        bands[group.band] += group.people
        money[group.band] += group.fen
    for reason, _, people in excluded(session, cycle):
        reasons[reason] += people
    fen = total(groups).fen
    return {
        "fen": fen, "short_fen": 0 if budget is None else max(0, fen - budget),
        "bands": {band: {"people": people, "fen": money[band]} for band, people in bands.items()},
        "reasons": dict(reasons), "waiting": waiting(session, district, programme, cycle),
    }  # fmt: skip


def supplement(database: Database, settings: Settings, programme: str) -> Result:
    """Put everybody of earlier cycles who is entitled after all on a list of their own; nobody, no list.

    Raises:
        NotPlannedYet: the programme has no cycle.
    """
    with database.read() as session:
        district, _ = _district(session, settings)
        cycles = old_cycles(session, district, programme)
    if not cycles:
        raise NotPlannedYet(programme)

    def work(held: Claim) -> Result:
        return _supplement(database, settings, held, (district, programme, cycles[-1]))

    return at_work(database, JOB, f"{programme}/supplement", settings.district, work)


def _supplement(database: Database, settings: Settings, held: Claim, what: tuple[int, str, OldCycle]) -> Result:
    district, programme, last = what
    notice = tariff(programme, last.as_of, settings.policy)
    with staging(database) as bench:
        made = Plan(bench)
        with database.snapshot() as session:
            made.take(_old_lines(session, settings, district, programme))
        if not made.listed:
            return {"programme": programme, "period": last.period, "batch": None, "back_paid": 0, "restored": 0}
        new = NewCycle(district, programme, last.period, last.as_of, notice.since, notice.notice, 0)
        with bench.write() as session:
            renew(session, held, lease_end())
            ref, counts = _pour(session, settings, made, new, None, "supplement")
            result = {
                "programme": programme, "period": last.period, "batch": ref, "back_paid": counts.back_paid,
                "restored": counts.restored, "duplicates": counts.duplicates,
            }  # fmt: skip
            audit.record(session, settings.district, JOB, "allowance.supplement", settings.now(), **result)
    return result


def _pour(
    session: Session, settings: Settings, made: Plan, new: NewCycle, cycle: int | None, kind: str
) -> tuple[str | None, Counts]:
    """Open the list, if anybody is on it, and store the lines."""
    now, ref, batch = settings.now(), None, None
    if made.listed:
        ref = new_ref("B", secrets.randbits)
        batch = open_batch(session, ref, new.district_id, new.programme, new.period, kind, now, JOB)
    counts = made.pour(session, new, cycle, batch, now, JOB)
    return ref if counts.listed else None, counts


def _district(session: Session, settings: Settings) -> tuple[int, int]:
    number = district_id(session, settings.district)
    return number, registered(session, number)


def _new_lines(session: Session, settings: Settings, district: int, what: tuple[Tariff, str, date]) -> Iterator[Line]:
    notice, period, as_of = what
    for one in candidates(session, district, notice, as_of, settings.today()):
        decision = decide(one.person, notice, period, as_of)
        if decision is None:
            continue
        fen, reason = (decision.fen, None) if isinstance(decision, Entitled) else (0, decision.reason)
        yield _line(one, notice, period, decision.band.code, fen, reason)


def _old_lines(session: Session, settings: Settings, district: int, programme: str) -> Iterator[Line]:
    """Who was left out of an earlier cycle, came after it was planned, or was cancelled, and is owed after all."""
    for cycle in old_cycles(session, district, programme):
        notice = tariff(programme, cycle.as_of, settings.policy)
        yield from _lifted(session, settings, district, cycle, notice)
        yield from _restored(session, settings, district, cycle, notice)


def _lifted(session: Session, settings: Settings, district: int, cycle: OldCycle, notice: Tariff) -> Iterator[Line]:
    left_out: dict[int, int | None] = {**dict.fromkeys(newcomers(session, cycle.id)), **waiting_in(session, cycle.id)}
    for one in candidates(session, district, notice, cycle.as_of, settings.today(), only=left_out):
        decision = decide(one.person, notice, cycle.period, cycle.as_of)
        if isinstance(decision, Entitled):
            more: dict[str, Any] = {"cycle_id": cycle.id, "exclusion_id": left_out[one.person.elder_id]}
            yield _line(one, notice, cycle.period, decision.band.code, decision.fen, **more)


def _restored(session: Session, settings: Settings, district: int, cycle: OldCycle, notice: Tariff) -> Iterator[Line]:
    """Who was taken off, for a death recorded by mistake, say, and is owed exactly what was planned."""
    gone: dict[int, Withdrawn] = {each.elder_id: each for each in restorable(session, cycle.id)}
    for one in candidates(session, district, notice, cycle.as_of, settings.today(), only=gone):
        before = gone[one.person.elder_id]
        decision = decide(one.person, notice, cycle.period, cycle.as_of)
        owed = owed_after_death(one.person, notice, cycle.period, cycle.as_of)
        if isinstance(decision, Entitled) and owed is not None and owed.fen == before.fen:
            more: dict[str, Any] = {"cycle_id": cycle.id, "entitlement_id": before.id}
            yield _line(one, notice, cycle.period, before.band, before.fen, **more)


def _line(
    one: Candidate, notice: Tariff, period: str, band: str, fen: int, reason: str | None = None, **more: Any
) -> Line:
    return Line(
        one.person.elder_id, one.key, one.community_id, band, fen, reason, period, notice.since, notice.notice, **more
    )
