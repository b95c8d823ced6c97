"""Objections to published lists from their register: raised once, decided once; who was paid is not objected away.

A decision may be corrected until the list that the elder stands on is approved.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from models.allowance import AllowanceBatch, AllowanceCycle, Entitlement, Objection
from models.db import keys_of
from models.elder import Elder, batches, elder_ids
from models.intake import Refused, Scope, Taken
from rules.registers import Row

APPROVED = ("approved", "released")
Matter = tuple[int, int, date]
"""Cycle, elder, and the day on which it was raised."""


class Known(NamedTuple):
    """An objection as stored; `text` is opened."""

    id: int
    text: str
    upheld: bool | None


def store_objections(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Store new objections, and the decisions on known ones."""
    return _Book(session, scope, rows).store(rows)


class _Book:
    """What is known of the cycles and elders that a file names, and what it adds."""

    def __init__(self, session: Session, scope: Scope, rows: Sequence[Row]) -> None:
        self._session, self._scope = session, scope
        self._elders = elder_ids(session, scope.district, {str(row.values["elder"]) for row in rows})
        self._cycles = _cycles(session, scope.district)
        self._known = _known(session, {number for number, _ in self._elders.values()})
        self._given: dict[Matter, Row] = {}
        self._taken = Taken()

    def store(self, rows: Sequence[Row]) -> Taken:
        """Take the rows one by one; with an error the caller keeps nothing."""
        for row in rows:
            try:
                matter, ref = self._matter(row)
                if matter in self._known:
                    self._decide(row, matter)
                else:
                    self._raise(row, matter, ref)
            except Refused as refusal:
                self._taken.errors.append(refusal.error)
        return self._taken

    def _matter(self, row: Row) -> tuple[Matter, str]:
        scope, elder, day = self._scope, self._elders.get(str(row.values["elder"])), row.values["raised_on"]
        if elder is None:
            raise Refused(scope.unknown(row, "elder"))
        cycle = self._cycles.get((str(row.values["programme"]), str(row.values["period"])))
        if cycle is None:
            problem = ("这一期还没有发放名单", "this period has no list yet")
            remedy = (
                "请核对项目和发放期；名单公示后才有异议",
                "check programme and period; objections follow a notice",
            )
            raise Refused(scope.wrong(row, "period", problem, remedy))
        assert isinstance(day, date)
        if day > scope.today:
            problem = ("晚于今天", "lies in the future")
            raise Refused(scope.wrong(row, "raised_on", problem, ("请核对日期", "check the date")))
        matter = (cycle, elder[0], day)
        other = self._given.setdefault(matter, row)
        if other is not row:
            problem = (f"与第 {other.number} 行是同一条异议", f"the same objection as row {other.number}")
            raise Refused(scope.wrong(row, "raised_on", problem, ("请只保留一行", "keep only one of them")))
        return matter, elder[1]

    def _raise(self, row: Row, matter: Matter, ref: str) -> None:
        said = str(row.values.get("text") or "")
        if not said:
            problem = ("新的异议没有写内容", "a new objection says nothing")
            raise Refused(self._scope.wrong(row, "text", problem, ("请写明异议内容", "write what the objection is")))
        upheld = row.values.get("upheld")
        decided = None if upheld is None else self._scope.now
        cycle, elder, day = matter
        self._taken.add()
        self._session.execute(
            insert(Objection).values(
                cycle_id=cycle, elder_id=elder, raised_on=day, upheld=upheld, decided_at=decided,
                text=keys_of(self._session).seal("objection.text", ref, said),
                recorded_at=self._scope.now, actor=self._scope.actor,
            )
        )  # fmt: skip

    def _decide(self, row: Row, matter: Matter) -> None:
        """Take the decision of a known objection; a blank cell takes none back."""
        known, upheld, said = self._known[matter], row.values.get("upheld"), str(row.values.get("text") or "")
        if said and said != known.text:
            problem = ("这条异议已登记，内容不同", "this objection is recorded with other words")
            remedy = (
                "内容不能改；另有异议请换提出日期另行登记",
                "they cannot change; record another with its own date",
            )
            raise Refused(self._scope.wrong(row, "text", problem, remedy))
        if upheld is None or upheld == known.upheld:
            self._taken.unchanged += 1
            return
        if known.upheld is not None and _approved(self._session, *matter[:2]):
            problem = ("名单已审批，处理结果不能再改", "the list is approved; the decision stands")
            remedy = (
                "如确有错误，请换提出日期另行登记一条异议；成立后审批自动作废",
                "if it is wrong, record another with its own date; upheld, it voids the approval",
            )
            raise Refused(self._scope.wrong(row, "upheld", problem, remedy))
        self._taken.compare(row, f"{row.values['programme']}/{row.values['period']}", ["upheld"])
        decided = update(Objection).where(col(Objection.id) == known.id)
        self._session.execute(decided.values(upheld=upheld, decided_at=self._scope.now, actor=self._scope.actor))


def _approved(session: Session, cycle: int, elder: int) -> bool:
    """Whether the list that the elder stands on, or for who is on none the period's own, is approved."""
    states = select(col(AllowanceBatch.state))
    mine = (col(Entitlement.cycle_id) == cycle, col(Entitlement.elder_id) == elder)
    on = states.join(Entitlement, col(Entitlement.batch_id) == col(AllowanceBatch.id)).where(*mine)
    state = session.scalar(on)
    if state is None:
        same = (
            col(AllowanceCycle.district_id) == col(AllowanceBatch.district_id),
            col(AllowanceCycle.programme) == col(AllowanceBatch.programme),
            col(AllowanceCycle.period) == col(AllowanceBatch.period),
        )
        own = states.join(AllowanceCycle, same[0] & same[1] & same[2])
        state = session.scalar(own.where(col(AllowanceCycle.id) == cycle, col(AllowanceBatch.kind) == "plan"))
    return state in APPROVED


def _cycles(session: Session, district: int) -> Mapping[tuple[str, str], int]:
    columns = (col(AllowanceCycle.programme), col(AllowanceCycle.period), col(AllowanceCycle.id))
    rows: Any = session.execute(select(*columns).where(col(AllowanceCycle.district_id) == district))
    return {(programme, period): cycle for programme, period, cycle in rows}


def _known(session: Session, elders: set[int]) -> dict[Matter, Known]:
    keys = keys_of(session)
    columns = (
        Objection.cycle_id,
        Objection.elder_id,
        Objection.raised_on,
        Objection.id,
        Objection.text,
        Objection.upheld,
    )
    query = select(col(Elder.ref), *map(col, columns)).join(Elder, col(Elder.id) == col(Objection.elder_id))
    found: dict[Matter, Known] = {}
    for some in batches(sorted(elders)):
        for ref, cycle, elder, day, number, text, upheld in session.execute(
            query.where(col(Objection.elder_id).in_(some))
        ):
            found[cycle, elder, day] = Known(number, keys.open("objection.text", ref, text), upheld)
    return found
