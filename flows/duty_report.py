"""The month in review: facts -> load and balance per cadre -> a workbook with charts, and a table per centre."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from flows.duty_report_workbook import write_report
from flows.jobs import Result
from flows.settings import Settings
from models.cadre import cadre_refs
from models.db import Database
from models.district import Centre, centre_names, district_id
from models.duty import Swap
from models.duty_facts import facts
from policies import book
from rules.calendar import Day, month_dates
from rules.duty import Facts, Slot, served
from rules.errors import say
from rules.explain import duties
from rules.ledger import replay


@dataclass(slots=True)
class Load:
    """What one cadre carried in one centre, and where the ledger stands after the month (units of 1/U duty)."""

    centre: str
    ref: str
    number: str
    duties: int = 0
    rest: int = 0
    statutory: int = 0
    missed: int = 0
    relaxed: int = 0
    balance: int = 0


def report_month(database: Database, settings: Settings, month: str) -> Result:
    """Count a month from the facts, write its workbook under var/reports, return the counts."""
    first, last = month_dates(month)
    with database.read() as session:
        district = district_id(session, settings.district)
        known = facts(session, district, first, last, policy=settings.policy)
        refs, names = cadre_refs(session, district), centre_names(session, district)
        swaps = _swaps(session, district, first, last)
    held = [slot for slot in known.slots if first <= slot.date <= last]
    loads = _loads(held, known.calendar, refs)
    total = _balances(known, last, settings, loads)
    path = settings.own_folder("reports") / f"duty-{month}.xlsx"
    write_report(path, month, loads, names, _days(held, known.calendar))
    counted = Counter(slot.state for slot in held)
    return {
        "month": month,
        "duties": len(held),
        "gaps": counted["gap"],
        "missed": counted["missed"],
        "relaxed": sum(slot.rest_relaxed for slot in held),
        "swaps": swaps,
        "ledger_sum": total,
        "file": _shown(path),
        "per_centre": _per_centre(held, loads, names),
    }


def _shown(path: Path) -> str:
    return f"reports/{path.name}"


def _swaps(session: Session, district: int, first: date, last: date) -> int:
    mine = (col(Centre.district_id) == district, col(Swap.state) == "done")
    near = col(Swap.date_a).between(first, last) | col(Swap.date_b).between(first, last)
    done = select(func.count()).select_from(Swap).join(Centre, col(Centre.id) == col(Swap.centre_id))
    return int(session.execute(done.where(near, *mine)).scalar_one())


def _loads(held: list[Slot], calendar: Mapping[date, Day], refs: Mapping[str, str]) -> dict[tuple[str, str], Load]:
    loads: dict[tuple[str, str], Load] = {}
    for slot in held:
        if slot.state == "missed" and slot.cadre:
            _load(loads, slot.centre, slot.cadre, refs).missed += 1
        cadre = served(slot)
        if cadre is None:
            continue
        load, kind = _load(loads, slot.centre, cadre, refs), calendar[slot.date].kind
        load.duties += 1
        load.rest += kind != "work"
        load.statutory += kind == "statutory"
        load.relaxed += slot.rest_relaxed
    return loads


def _load(loads: dict[tuple[str, str], Load], centre: str, cadre: str, refs: Mapping[str, str]) -> Load:
    return loads.setdefault((centre, cadre), Load(centre, refs[cadre], cadre))


def _balances(known: Facts, last: date, settings: Settings, loads: dict[tuple[str, str], Load]) -> int:
    """Put the balance of all duties after the month into the loads; return the ledger's sum, which must be 0."""
    accruing = book.duty(last, settings.policy).rule.accruing_leave
    until = last + timedelta(days=1)
    past = [slot for slot in known.slots if slot.date <= last]
    ledger = replay(known.memberships, known.leaves, past, known.calendar, until, accruing)
    sums: Counter[str] = Counter()
    for centre in (each.code for each in known.centres):
        for cadre, balance in ledger.balances(centre).items():
            sums.update(balance._asdict())
            if (centre, cadre) in loads:
                loads[centre, cadre].balance = round(balance.all)
    return round(sum(abs(total) for total in sums.values()))


def _days(held: list[Slot], calendar: Mapping[date, Day]) -> dict[str, int]:
    kinds = Counter(calendar[slot.date].kind for slot in held)
    return {
        say("工作日", "workdays"): kinds["work"],
        say("休息日", "rest days"): kinds["rest"],
        say("法定节假日", "statutory holidays"): kinds["statutory"],
    }


def _per_centre(
    held: list[Slot], loads: Mapping[tuple[str, str], Load], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    by_centre: dict[str, list[Load]] = defaultdict(list)
    for load in loads.values():
        by_centre[load.centre].append(load)
    states = Counter((slot.centre, slot.state) for slot in held)
    return [
        {
            say("中心", "centre"): f"{centre} {names[centre]}",
            **_carried(group),
            say("空缺", "gaps"): states[centre, "gap"],
            say("缺岗", "missed"): states[centre, "missed"],
        }
        for centre, group in sorted(by_centre.items())
    ]


def _carried(group: list[Load]) -> dict[str, Any]:
    """Sum a centre up; the mean is over those who served, for who only missed a duty carried none."""
    counted = [load.duties for load in group if load.duties]
    balances = [load.balance for load in group]
    return {
        say("班次", "duties"): sum(counted),
        say("参加人数", "cadres"): len(counted),
        say("人均", "mean"): round(sum(counted) / len(counted), 2) if counted else 0,
        say("最多", "most"): max(counted, default=0),
        say("余额范围", "balances"): f"{duties(min(balances))} … {duties(max(balances))}",
        say("放宽间隔", "relaxed"): sum(load.relaxed for load in group),
    }
