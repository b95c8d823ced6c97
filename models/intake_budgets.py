"""Budgets of allowances from their register: one figure a programme and period, changed in place; the ledger follows.

A budget may be there before its period is planned; then the planning books it. Each change is in the audit, with the
figure before it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from models import ledger
from models.allowance import AllowanceBudget, AllowanceCycle
from models.intake import Scope, Taken
from rules.money import yuan
from rules.registers import Row

Whose = tuple[str, str]
"""Programme and period."""


def store_budgets(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store new budgets and change known ones; one below what is approved already is refused."""
    taken, known, cycles = Taken(), _known(session, scope.district), _cycles(session, scope.district)
    changed: dict[Whose, Row] = {}
    said: list[str] = []
    for row in rows:
        whose, fen = (str(row.values["programme"]), str(row.values["period"])), row.values["fen"]
        if whose not in known:
            taken.add()
            session.execute(insert(AllowanceBudget).values(**_named(scope, whose), fen=fen, **_stamp(scope)))
        elif taken.compare(row, "/".join(whose), ["fen"] if known[whose] != fen else []):
            mine = (col(getattr(AllowanceBudget, name)) == value for name, value in _named(scope, whose).items())
            session.execute(update(AllowanceBudget).where(*mine).values(fen=fen, **_stamp(scope)))
        else:
            continue
        changed[whose] = row
        said.append(f"{'/'.join(whose)}: {known.get(whose, 0)} -> {fen}")
    for whose in sorted(changed.keys() & cycles.keys(), key=cycles.__getitem__):  # the order in which approvals lock
        _book(session, scope, taken, changed[whose], cycles[whose])
    taken.audited = {"budgets": said} if said else {}
    return taken


def _named(scope: Scope, whose: Whose) -> dict[str, object]:
    return {"district_id": scope.district, "programme": whose[0], "period": whose[1]}


def _stamp(scope: Scope) -> dict[str, str | datetime]:
    return {"recorded_at": scope.now, "actor": scope.actor}


def _book(session: Session, scope: Scope, taken: Taken, row: Row, cycle: int) -> None:
    """Bring the ledger to the new figure; the file is refused if more is spoken for."""
    ledger.book_budget(session, cycle, scope.now, scope.actor)
    left = ledger.balances(session, cycle)["budget"]
    if left < 0:
        problem = (f"比已批准的金额少 {yuan(-left)} 元", f"{yuan(-left)} yuan less than is approved already")
        remedy = ("请核对单位(分)和金额", "check unit (fen) and figure")
        taken.errors.append(scope.wrong(row, "fen", problem, remedy))


def _known(session: Session, district: int) -> dict[Whose, int]:
    columns = (col(AllowanceBudget.programme), col(AllowanceBudget.period), col(AllowanceBudget.fen))
    rows = session.execute(select(*columns).where(col(AllowanceBudget.district_id) == district))
    return {(programme, period): fen for programme, period, fen in rows}


def _cycles(session: Session, district: int) -> dict[Whose, int]:
    columns = (col(AllowanceCycle.programme), col(AllowanceCycle.period), col(AllowanceCycle.id))
    rows = session.execute(select(*columns).where(col(AllowanceCycle.district_id) == district))
    return {(programme, period): cycle for programme, period, cycle in rows}
