"""Contacts from their register: batches are checked and staged -> the whole file meets what is stored -> poured.

Two of one elder, date, channel and helper are one visit: rules.visits_facts.without_duplicates says which of them
stands, the others are kept and void. A row that says nothing new changes nothing, whenever it comes.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Integer,
    LargeBinary,
    String,
    and_,
    bindparam,
    case,
    func,
    literal,
    select,
    update,
)
from sqlmodel import Session, col

from models.contact_flags import after_the_end
from models.db import Instant, keys_of
from models.elder import elder_ids
from models.helper import helper_ids
from models.intake import Refused, Scope, Taken
from models.intake_contact_checks import report_of
from models.intake_contact_groups import Group, Held, settled
from models.staging import Raced, Staging, fill, insert_all
from models.visit import VisitContact
from rules.portions import portions
from rules.registers import Row

KEY = ("elder_id", "occurred_on", "channel", "helper_id")
_COLUMNS = (*KEY, "occurred_at", "outcome", "note")
_FLOW = 5000  # rows read or staged at a time
_AFTER = (
    "晚于去世或迁出的日期，已收下并标记，不计入统计",
    "after the death or move-out: taken and flagged, not counted",
)


class ContactIntake:
    """One file of the contact register on its way in."""

    def __init__(self, staging: Staging, scope: Scope) -> None:
        self.taken = Taken()
        self._staging, self._scope = staging, scope
        self._voids: list[tuple[int, str]] = []
        self._revived: list[int] = []
        self._pouring = 0
        with staging.read() as session:
            self._helpers = helper_ids(session, scope.district)
        self._contacts = staging.table(
            "staged_contact",
            *(Column(name, Integer) for name in ("elder_id", "helper_id")),
            *(Column(name, String) for name in ("ref", "channel", "outcome")),
            *(Column(name, Instant) for name in ("occurred_at", "recorded_at")),
            Column("occurred_on", Date),
            Column("note", LargeBinary),
            Column("voided", Boolean),
        )
        self._fates = staging.table(
            "staged_fate", Column("same", Boolean), Column("void", Boolean), Column("since", Instant)
        )

    def take(self, rows: Sequence[Row]) -> None:
        """Check one batch and stage it."""
        staged = []
        with self._staging.read() as session:
            elders = elder_ids(session, self._scope.district, {str(row.values["elder"]) for row in rows})
            seal = keys_of(session).seal
            for row in rows:
                try:
                    report = report_of(self._scope, row, elders, self._helpers)
                except Refused as refusal:
                    self.taken.errors.append(refusal.error)
                    continue
                note = seal("visit_contact.note", report.ref, report.note)
                staged.append({"row": row.number, **report.columns, "ref": report.ref, "note": note})
            fill(session, self._contacts, staged)

    def settle(self) -> None:
        """Decide each row: new, as before, another note, void beside one that stands, or what voids another."""
        with self._staging.read() as session:
            fates = chain.from_iterable(self._fates_of(group) for group in self._groups(session))
            for some in portions(fates, _FLOW):
                fill(session, self._fates, some)
            for row in after_the_end(session, self._contacts):
                self.taken.doubt(_AFTER, row)
        self.taken.errors.sort(key=lambda error: error.row)

    def _groups(self, session: Session) -> Iterator[Group]:
        """Yield, by elder, date, channel and helper, what the file says and what is stored, void or not."""
        staged, stored = self._contacts, VisitContact
        key = [staged.c[name] for name in KEY]
        said = ("outcome", "occurred_at", "recorded_at", "note")
        nothing = (literal(None, Integer), literal(None, String))
        own = select(staged.c.ref, *key, staged.c.row, *(staged.c[n] for n in said), *nothing, staged.c.voided)
        named = select(staged.c.ref, *key).distinct().subquery()
        shared = and_(*(col(getattr(stored, name)) == named.c[name] for name in KEY))
        kept = (col(stored.id), col(stored.void_reason), literal(value=False))
        theirs = select(
            named.c.ref, *(named.c[n] for n in KEY), literal(0), *(col(getattr(stored, n)) for n in said), *kept
        ).join(named, shared)
        both = own.union_all(theirs).subquery()
        ordered = select(both).order_by(*(both.c[name] for name in KEY), both.c.row)
        rows = session.execute(ordered.execution_options(yield_per=_FLOW))
        keys = keys_of(session)
        for at, members in groupby(rows, itemgetter(0, 1, 2, 3, 4)):
            held = [Held(*row[5:]) for row in members]
            yield Group(at[0], at[2], held, partial(keys.open, "visit_contact.note", at[0]))

    def _fates_of(self, group: Group) -> Iterator[dict[str, Any]]:
        if len(group.held) == 1 and not group.held[0].voided:
            self.taken.add()
            self._pouring += 1
            return
        outcome = settled(group)
        self._voids += outcome.voids
        self._revived += outcome.revived
        self.taken.added += outcome.added
        self.taken.changed += len(outcome.changes)
        self.taken.unchanged += outcome.unchanged
        self.taken.changes += [(row, group.ref, (column,)) for row, column in outcome.changes]
        for row in outcome.unknown:
            problem = ("没有登记过这次探访", "no such contact is recorded")
            remedy = ("请核对老人、帮扶人、方式和日期", "check elder, helper, channel and date")
            where = Row(row, {"occurred_at": group.occurred_on})
            self.taken.errors.append(self._scope.wrong(where, "occurred_at", problem, remedy))
        self._pouring += sum(not fate["same"] for fate in outcome.fates)
        yield from outcome.fates

    def pour(self, session: Session) -> None:
        """Void what is void now, revive what it hid, then store the rows that say something new."""
        self._void(session)
        staged, fate, by = self._contacts, self._fates, literal(self._scope.actor)
        values = {name: staged.c[name] for name in _COLUMNS} | {
            "recorded_at": func.coalesce(fate.c.since, staged.c.recorded_at),
            "recorded_by": by,
            "voided_at": case((fate.c.void, literal(self._scope.now, Instant))),
            "voided_by": case((fate.c.void, by)),
            "void_reason": case((fate.c.void, literal("duplicate"))),
        }
        rows = select(*values.values()).select_from(staged.outerjoin(fate, fate.c.row == staged.c.row))
        fresh = rows.where(fate.c.same.is_not(True)).order_by(staged.c.row)
        insert_all(session, VisitContact, [*values], fresh, self._pouring)

    def _void(self, session: Session) -> None:
        mine = col(VisitContact.id) == bindparam("number")
        gone = {"voided_at": self._scope.now, "voided_by": self._scope.actor, "void_reason": bindparam("why")}
        if self._voids:
            rows = [{"number": number, "why": why} for number, why in self._voids]
            voiding = update(VisitContact.__table__).where(mine, col(VisitContact.voided_at).is_(None)).values(gone)  # type: ignore[attr-defined]
            if session.connection().execute(voiding, rows).rowcount != len(rows):
                raise Raced
        if self._revived:
            back = {"voided_at": None, "voided_by": None, "void_reason": None}
            reviving = update(VisitContact.__table__).where(mine).values(back)  # type: ignore[attr-defined]
            session.connection().execute(reviving, [{"number": number} for number in self._revived])
