"""The report of a cycle: who was entitled, what became of every payment, what the ledger says -> workbook, artifact.

Register, list, bank files, payments and ledger must tell the same; where they do not, there is no report but an error.
The figures are kept as they were reported, so that a report can be made again as it was.
"""

import hashlib
import json
from collections import Counter
from typing import Any, NamedTuple

from sqlmodel import Session, col, select

from flows.allowance_report_workbook import write_report
from flows.allowance_sheet import period_said
from flows.jobs import Result
from flows.settings import Settings
from models import audit, ledger
from models.allowance import AllowanceCycle, AllowanceReport
from models.allowance_figures import excluded, standings
from models.db import Database, insert_for
from models.district import community_labels, district_id
from models.payees import cycles_of, receivables_of
from policies.allowances import tariff
from rules.errors import TuoqiError, say
from rules.money import yuan
from rules.programmes import programme_name

JOB = "allowance-report"
_COUNTS = ("registered", "entitled", "excluded", "not_of_age")


class NoCycle(TuoqiError):
    """Nothing was planned for this programme and period."""

    zh = "没有这个项目和发放期的名单；请核对发放期，或先运行 allowance-plan。"
    en = "nothing was planned for this programme and period; check it, or run allowance-plan first."


class Chosen(NamedTuple):
    """A cycle that is reported."""

    id: int
    programme: str
    period: str


def report(database: Database, settings: Settings, programme: str | None, period: str | None) -> list[Result]:
    """Report the cycle of a period, or the latest one of every programme.

    Raises:
        NoCycle: there is none.
        Disagreement: payments and ledger differ.
    """
    with database.read() as session:
        district = district_id(session, settings.district)
        found = [Chosen(*row) for row in cycles_of(session, district, programme)]
    latest = {each.programme: each for each in found}
    wanted = [each for each in found if each.period == period] if period else list(latest.values())
    if not wanted:
        raise NoCycle
    return [_one(database, settings, each) for each in wanted]


def _one(database: Database, settings: Settings, chosen: Chosen) -> Result:
    with database.snapshot() as session:  # one moment, so that all figures of a report fit
        figures = figures_of(session, settings, chosen)
    path = settings.own_folder("outbox") / "reports" / f"allowance-{chosen.programme}-{chosen.period}.xlsx"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_report(path, figures)
    digest = hashlib.sha256(json.dumps(figures, sort_keys=True).encode()).hexdigest()
    with database.write() as session:
        row = {"cycle_id": chosen.id, "sha256": digest, "at": settings.now(), "figures": figures}
        made = insert_for(session, AllowanceReport).values(row).on_conflict_do_nothing()
        if session.execute(made.returning(col(AllowanceReport.id))).first():
            told = {"programme": chosen.programme, "period": chosen.period, "sha256": digest}
            audit.record(session, settings.district, JOB, "allowance.report", settings.now(), **told)
    return {**figures, "file": str(path)}


def figures_of(session: Session, settings: Settings, chosen: Chosen) -> dict[str, Any]:
    """Work out the figures of a cycle, in fen and people, as JSON keeps them.

    Raises:
        Disagreement: payments and ledger differ.
    """
    district = district_id(session, settings.district)
    cycle = session.exec(select(AllowanceCycle).where(col(AllowanceCycle.id) == chosen.id)).one()
    notice = tariff(chosen.programme, cycle.as_of, settings.policy)
    bands = {band.code: say(band.zh, band.en) for band in notice.bands}
    places = community_labels(session, district)
    balances = ledger.agree(session, chosen.id)
    standing = standings(session, chosen.id)
    people, fen = Counter[str](), Counter[str]()
    for each in standing:
        people[each.state] += each.people
        fen[each.state] += each.fen
    out = Counter[str]()
    for reason, _, count in excluded(session, chosen.id):
        out[reason] += count
    return {
        "programme": chosen.programme,
        "period": chosen.period,
        "title": f"{programme_name(chosen.programme)} {period_said(chosen.period)}",
        "as_of": cycle.as_of.isoformat(),
        "notice": cycle.notice,
        "planned": {name: getattr(cycle, name) for name in _COUNTS},
        "people": dict(people),
        "fen": dict(fen),
        "ledger": balances,
        "excluded": dict(out),
        "receivables": receivables_of(session, chosen.id),
        "bands": _in_order(_by(standing, lambda each: bands.get(each.band, each.band)), list(bands.values())),
        "communities": _by(standing, lambda each: places.get(each.community_id, str(each.community_id))),
    }


def _by(standing: Any, name: Any) -> list[dict[str, Any]]:
    """Sum up by a name: people and fen, all and by state."""
    rows: dict[str, dict[str, Any]] = {}
    for each in standing:
        row = rows.setdefault(name(each), {"name": name(each), "people": 0, "fen": 0, "states": {}})
        row["people"] += each.people
        row["fen"] += each.fen
        state = row["states"].setdefault(each.state, [0, 0])
        state[0] += each.people
        state[1] += each.fen
    return [rows[key] for key in sorted(rows)]


def _in_order(rows: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """Put bands in the order of their notice."""
    return sorted(rows, key=lambda row: names.index(row["name"]) if row["name"] in names else len(names))


def headline(figures: dict[str, Any]) -> str:
    """Say the cycle in one line: people, yuan, the mean of a person."""
    people, fen = sum(figures["people"].values()), sum(figures["fen"].values())
    mean = yuan(round(fen / people)) if people else "—"
    told = say("{}：{:,} 人，{} 元，人均 {} 元；已入账 {:,} 人", "{}: {:,} people, {} yuan, {} each; {:,} paid")
    return told.format(figures["title"], people, yuan(fen), mean, figures["people"].get("paid", 0))
