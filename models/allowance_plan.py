"""A cycle's plan becomes real: decided lines, staged -> cycle, list, entitlements and exclusions in one transaction.

The unique key of programme, period and person decides who is paid: whoever is entitled already, on whichever register,
is left out as a duplicate. Back-pay is the same with the cycle of its own period, and lifts the exclusion.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, Date, Integer, LargeBinary, String, delete, func, insert, literal, select, update
from sqlmodel import Session, col

from models.allowance import AllowanceBatch, AllowanceCycle, Entitlement, EntitlementChange, Exclusion
from models.db import Instant, insert_for
from models.staging import Raced, Staging, fill_values
from rules.portions import portions

_FLOW = 5000
_NUMBERS = ("elder_id", "community_id", "fen", "cycle_id", "exclusion_id", "entitlement_id")


class Line(NamedTuple):
    """One decision that is to be stored: entitled where `reason` is None, else left out.

    What comes after `reason` is the new cycle's for each of its own lines, and is not staged for them. `cycle_id` is
    None for the cycle that is being planned. `exclusion_id` is the exclusion that is lifted by it, `entitlement_id`
    the cancelled entitlement that is restored.
    """

    elder_id: int
    person: bytes
    community_id: int
    band: str
    fen: int
    reason: str | None
    period: str
    version: date
    notice: str
    cycle_id: int | None = None
    exclusion_id: int | None = None
    entitlement_id: int | None = None


_OWN = Line._fields.index("period")


class NewCycle(NamedTuple):
    """The cycle that is planned."""

    district_id: int
    programme: str
    period: str
    as_of: date
    version: date
    notice: str
    registered: int


class Counts(NamedTuple):
    """What the database took of a plan: people of the cycle, back-paid, restored, and how many were paid already."""

    entitled: int
    excluded: int
    back_paid: int
    restored: int
    duplicates: int

    @property
    def listed(self) -> int:
        """How many payments the list holds."""
        return self.entitled + self.back_paid + self.restored


class Plan:
    """One plan on its way in."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self.entitled = self.excluded = self.back_paid = self.restored = 0
        self._lines = staging.table(
            "staged_allowance",
            *(Column(name, Integer) for name in _NUMBERS),
            *(Column(n, String) for n in ("band", "reason", "period", "notice")),
            Column("person", LargeBinary),
            Column("version", Date),
        )

    def take(self, lines: Iterable[Line]) -> None:
        """Stage the lines, some at a time."""
        with self._staging.read() as session:
            for some in portions(lines, _FLOW):
                self._count(some)
                own = [line[:_OWN] for line in some if line.cycle_id is None]
                fill_values(session, self._lines, Line._fields[:_OWN], own)
                fill_values(session, self._lines, Line._fields, [line for line in some if line.cycle_id is not None])

    def _count(self, lines: list[Line]) -> None:
        for line in lines:
            own = line.cycle_id is None
            self.entitled += own and line.reason is None
            self.excluded += line.reason is not None
            self.back_paid += not own and line.entitlement_id is None
            self.restored += line.entitlement_id is not None

    @property
    def listed(self) -> int:
        """How many payments the list would hold."""
        return self.entitled + self.back_paid + self.restored

    def open_cycle(self, session: Session, new: NewCycle, at: datetime, actor: str) -> int | None:
        """Store the cycle; None if it was planned already."""
        counts = {
            "entitled": self.entitled, "excluded": self.excluded,
            "not_of_age": new.registered - self.entitled - self.excluded,
        }  # fmt: skip
        row = {**new._asdict(), **counts, "opened_at": at, "opened_by": actor}
        made = insert_for(session, AllowanceCycle).values(row).on_conflict_do_nothing()
        return session.execute(made.returning(col(AllowanceCycle.id))).scalar_one_or_none()

    def pour(
        self, session: Session, new: NewCycle, cycle: int | None, batch: int | None, at: datetime, actor: str
    ) -> Counts:
        """Store the lines; a list on which nobody is left, for all are paid already, goes again.

        Args:
            session: of the transaction.
            new: what is planned.
            cycle: the new cycle's id; None for a supplement.
            batch: the list; None if it would be empty.
            at: business time.
            actor: which job.

        Raises:
            Raced: another run lifted the same exclusions, or restored the same entitlements.
        """
        now = literal(at, Instant)
        missing = restored = 0
        if batch is not None:
            missing = self.entitled + self.back_paid - self._entitle(session, new, cycle, batch)
            restored = self._restore(session, batch, now, actor)
            self._lift(session, batch, at)
        self._exclude(session, cycle, batch, now)
        entitled = self.entitled if cycle is None or not missing else self._recount(session, cycle)
        own = self.entitled - entitled
        found = Counts(entitled, self.excluded + own, self.back_paid - missing + own, restored, missing)
        if not found.listed:
            session.execute(delete(AllowanceBatch).where(col(AllowanceBatch.id) == batch))
        return found

    def _entitle(self, session: Session, new: NewCycle, cycle: int | None, batch: int) -> int:
        lines = self._lines
        period = func.coalesce(lines.c.period, new.period)
        names = (
            "cycle_id", "batch_id", "programme", "period", "person", "elder_id", "community_id", "band", "fen",
            "version", "notice", "state",
        )  # fmt: skip
        rows = select(
            func.coalesce(lines.c.cycle_id, literal(cycle, Integer)), literal(batch), literal(new.programme), period,
            *(lines.c[name] for name in names[4:9]), func.coalesce(lines.c.version, literal(new.version, Date)),
            func.coalesce(lines.c.notice, new.notice), literal("live"),
        ).where(lines.c.reason.is_(None), lines.c.entitlement_id.is_(None))  # fmt: skip
        in_turn = rows.order_by(period, lines.c.person)  # two districts that share people never wait in a circle
        adding = insert_for(session, Entitlement).from_select(names, in_turn)
        counted = adding.on_conflict_do_nothing().execution_options(preserve_rowcount=True)
        return int(session.connection().execute(counted).rowcount)

    def _restore(self, session: Session, batch: int, now: Any, actor: str) -> int:
        """Make cancelled entitlements live again and put them on this list."""
        if not self.restored:
            return 0
        chosen = select(self._lines.c.entitlement_id).where(self._lines.c.entitlement_id.is_not(None))
        back = {"state": "live", "cancel_reason": None, "batch_id": batch}
        mine = (col(Entitlement.id).in_(chosen), col(Entitlement.state) == "cancelled")
        if session.execute(update(Entitlement).where(*mine).values(back)).rowcount != self.restored:  # type: ignore[attr-defined]
            raise Raced
        told = select(chosen.subquery().c.entitlement_id, literal("restored"), literal("owed"), now, literal(actor))
        names = ("entitlement_id", "what", "reason", "at", "actor")
        session.execute(insert(EntitlementChange).from_select(names, told))
        return self.restored

    def _lift(self, session: Session, batch: int, at: datetime) -> None:
        """Lift the exclusions of those who are on this list now."""
        if not self.back_paid:
            return
        lines = self._lines
        won = select(lines.c.exclusion_id).join(
            Entitlement,
            (col(Entitlement.elder_id) == lines.c.elder_id)
            & (col(Entitlement.period) == lines.c.period)
            & (col(Entitlement.batch_id) == batch),
        )
        lifting = update(Exclusion).where(col(Exclusion.id).in_(won), col(Exclusion.lifted_at).is_(None))
        session.execute(lifting.values(lifted_at=at))

    def _exclude(self, session: Session, cycle: int | None, batch: int | None, now: Any) -> None:
        """Store who is left out of the new cycle, by the rule or because the database found the person paid."""
        if cycle is None:
            return
        lines = self._lines
        mine = (
            (col(Entitlement.elder_id) == lines.c.elder_id)
            & (col(Entitlement.cycle_id) == literal(cycle))
            & (col(Entitlement.batch_id) == literal(batch, Integer))
        )
        reason = func.coalesce(lines.c.reason, "duplicate")
        rows = (
            select(literal(cycle), lines.c.elder_id, lines.c.community_id, lines.c.band, reason, now)
            .outerjoin(Entitlement, mine)
            .where(lines.c.cycle_id.is_(None), col(Entitlement.id).is_(None))
            .order_by(lines.c.elder_id)
        )
        names = ("cycle_id", "elder_id", "community_id", "band", "reason", "recorded_at")
        session.execute(insert(Exclusion).from_select(names, rows))

    def _recount(self, session: Session, cycle: int) -> int:
        """Bring the cycle's counts to what the database took; return how many are entitled."""
        mine = select(func.count()).select_from(Entitlement).where(col(Entitlement.cycle_id) == cycle)
        entitled = session.scalar(mine) or 0
        total = col(AllowanceCycle.entitled) + col(AllowanceCycle.excluded)
        counts = {"entitled": entitled, "excluded": total - entitled}
        session.execute(update(AllowanceCycle).where(col(AllowanceCycle.id) == cycle).values(counts))
        return entitled


def open_batch(  # noqa: PLR0913 - a list is made of these facts
    session: Session,
    ref: str,
    district: int,
    programme: str,
    period: str,
    kind: str,
    at: datetime,
    actor: str,
    *,
    maker: int | None = None,
) -> int:
    """Store an empty list and return its id; its number is the next of its period.

    With a maker it is put forward at once and needs no notice, for its people were shown before.
    """
    mine = (
        col(AllowanceBatch.district_id) == district,
        col(AllowanceBatch.programme) == programme,
        col(AllowanceBatch.period) == period,
    )
    number = (session.scalar(select(func.max(col(AllowanceBatch.number))).where(*mine)) or 0) + 1
    row = {
        "ref": ref, "district_id": district, "programme": programme, "period": period, "number": number, "kind": kind,
        "state": "notice" if maker else "planned", "created_at": at, "created_by": actor, "maker_id": maker,
    }  # fmt: skip
    return session.execute(insert(AllowanceBatch).values(row).returning(col(AllowanceBatch.id))).scalar_one() or 0
