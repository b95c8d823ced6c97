"""Lines of the bank from their register: staged -> each against its payment, in order -> payments, exceptions, ledger.

All of a file becomes real in one transaction, at the end of which payments and ledger of every cycle it touched must
agree. A line that is stored already, from this file or another, changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Integer,
    Select,
    String,
    and_,
    case,
    func,
    literal,
    select,
    update,
)
from sqlmodel import Session, col

from models import ledger
from models.allowance import AllowanceBatch, Entitlement
from models.db import insert_for, keys_of
from models.intake import Scope, Taken
from models.ledger import Amount
from models.payment import BankFile, BankLine, Payment, PaymentChange, Receivable, sent_again
from models.staging import Raced, Staging, fill, insert_all
from rules.bank import kept_key
from rules.bank_reasons import kept_reason
from rules.portions import portions
from rules.registers import Row
from rules.returns import Attempt, Said, match

_FLOW = 5000
_LINE = ("key", "fen", "result", "booked_on", "repeat")
OUTCOMES = {
    "unknown_key": ("没有这一笔发放记录", "not a payment of ours"),
    "amount": ("金额与发放记录不符", "another amount than was sent"),
    "double": ("同一笔重复回盘", "the same payment again"),
    "contradiction": ("与此前的回盘矛盾", "contradicts what the bank said before"),
    "paid_after_reissue": ("退回后已重新发放，银行又报成功", "paid although returned and sent again"),
}
_EXCEPTIONS = ("{}：已登记为待处理差异", "{}: kept as an exception to be closed")


class ReturnIntake:
    """One return file on its way in."""

    def __init__(self, staging: Staging, scope: Scope) -> None:
        self.taken = Taken()
        self._staging, self._scope = staging, scope
        self._moves: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
        self._fresh = self._changed = 0
        self._lines = staging.table(
            "staged_line",
            *(Column(name, String) for name in ("key", "result", "reason")),
            Column("fen", BigInteger),
            Column("booked_on", Date),
        )
        self._found = staging.table(
            "staged_finding", Column("repeat", Integer), Column("payment_id", Integer), Column("finding", String)
        )
        self._outcomes = staging.table(
            "staged_outcome",
            Column("payment_id", Integer),
            *(Column(name, String) for name in ("before", "after", "reason")),
            Column("booked_on", Date),
            *(Column(name, Boolean) for name in ("came_back", "twice")),
        )

    def take(self, rows: Sequence[Row]) -> None:
        """Stage one batch."""
        names = ("key", "fen", "result", "reason", "booked_on")
        staged = [{"row": row.number, **{name: row.values.get(name) for name in names}} for row in rows]
        with self._staging.read() as session:
            blind = keys_of(session).blind

            def mark(key: str) -> str:
                return blind("bank-line", key).hex()[:8]

            kept = [
                {
                    **line,
                    "key": kept_key(str(line["key"] or ""), mark),
                    "reason": kept_reason(str(line["reason"] or "")),
                }
                for line in staged
            ]
            fill(session, self._lines, kept)

    def settle(self) -> None:
        """Decide each line that is new, those of one payment in the order of the file."""
        with self._staging.read() as session:
            total = session.scalar(select(func.count()).select_from(self._lines)) or 0
            for some in portions(self._decide(session), _FLOW):
                fill(session, self._found, [found for found, _ in some])
                fill(session, self._outcomes, [outcome for _, outcome in some if outcome])
        self.taken.unchanged = total - self._fresh
        self.taken.added = self._fresh

    def _decide(self, session: Session) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
        rows = session.execute(self._facts().execution_options(yield_per=_FLOW))
        for _, lines in groupby(rows, attrgetter("key")):
            yield from self._of_one(list(lines))

    def _of_one(self, lines: list[Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
        """Walk the new lines of one key; the last carries what becomes of the payment."""
        first = lines[0]
        attempt = None
        if first.payment_id is not None:
            attempt = Attempt(
                first.sent_fen, first.state, first.known_on, bool(first.reissued), first.claim, bool(first.vouched)
            )
        before, came_back, twice, reason = attempt, False, False, None
        for number, line in enumerate(lines):
            finding, after = match(attempt, Said(line.fen, line.result, line.booked_on, line.repeat))
            self._fresh += 1
            if finding != "matched":
                self.taken.doubt(text_of(finding), line.row)
                twice |= finding == "paid_after_reissue"
            elif after is not attempt and after is not None and attempt is not None:
                came_back |= attempt.state == "paid"
                self._count(line, attempt, after)
                reason = line.reason or "未说明" if after.state == "returned" else None
            attempt = after
            found = {"row": line.row, "repeat": line.repeat, "payment_id": line.payment_id, "finding": finding}
            last = number == len(lines) - 1
            outcome = None
            if last and attempt is not None and before is not None and (attempt is not before or twice):
                self._changed += attempt is not before
                outcome = {
                    "row": line.row, "payment_id": line.payment_id, "before": before.state, "after": attempt.state,
                    "reason": reason, "booked_on": attempt.booked_on, "came_back": came_back, "twice": twice,
                }  # fmt: skip
            if twice and last:
                self._add(line.cycle_id, "double", first.sent_fen)
            yield found, outcome

    def _count(self, line: Any, before: Attempt, after: Attempt) -> None:
        """Add up what a change of state moves in the ledger."""
        owed = line.owed == "live"
        if after.state == "paid":
            self._add(line.cycle_id, "paid", before.fen)
            if not owed:
                self._add(line.cycle_id, "claim", before.fen)
        elif before.state == "paid" and not owed:
            self._add(line.cycle_id, "recovered", before.fen)
        else:
            if before.claim == "part":  # the money is all there again: what was claimed of it counts as paid, then back
                self._add(line.cycle_id, "unclaimed", line.claimed_fen)
            self._add(line.cycle_id, "back" if before.state == "paid" else "returned", before.fen)
            if not owed:
                self._add(line.cycle_id, "given_up", before.fen)

    def _add(self, cycle: int, kind: str, fen: int) -> None:
        moved = self._moves[cycle, kind]
        moved[0] += fen
        moved[1] += 1

    def _facts(self) -> Select[Any]:
        """Each new line beside what is known of its payment, by key and in the order of the file."""
        staged, mine = self._lines, self._scope.district
        same = [staged.c[name] for name in ("key", "fen", "result", "booked_on")]
        repeat = func.row_number().over(partition_by=same, order_by=staged.c.row).label("repeat")
        lines = select(staged, repeat).subquery()
        known = and_(
            col(BankLine.district_id) == mine, *(col(getattr(BankLine, name)) == lines.c[name] for name in _LINE)
        )
        part = (col(Entitlement.state) == "live") & (col(Receivable.reason) != "paid_twice")
        claim = case(
            (col(Receivable.id).is_(None), "none"),
            (col(Receivable.settled_at).is_not(None), "settled"),
            (part, "part"),
            else_="open",
        )
        claimed = (col(Receivable.payment_id) == col(Payment.id)) & col(Receivable.withdrawn_at).is_(None)
        vouched = select(col(PaymentChange.id)).where(
            col(PaymentChange.payment_id) == col(Payment.id), col(PaymentChange.source).startswith("staff:")
        )
        payments = (
            select(
                col(Payment.id).label("payment_id"), col(Payment.key).label("sent_key"),
                col(Payment.fen).label("sent_fen"), col(Payment.state), col(Payment.booked_on).label("known_on"),
                sent_again().label("reissued"), vouched.exists().label("vouched"), claim.label("claim"),
                col(Receivable.fen).label("claimed_fen"),
                col(Entitlement.cycle_id), col(Entitlement.state).label("owed"),
            )
            .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
            .join(BankFile, col(BankFile.id) == col(Payment.file_id))
            .join(AllowanceBatch, col(AllowanceBatch.id) == col(BankFile.batch_id))
            .outerjoin(Receivable, claimed)
            .where(col(AllowanceBatch.district_id) == mine)
            .subquery()
        )  # fmt: skip
        both = select(lines, *(each for each in payments.c if each.name != "sent_key"))
        both = both.outerjoin(payments, payments.c.sent_key == lines.c.key)
        new = both.outerjoin(BankLine, known).where(col(BankLine.id).is_(None))
        return new.order_by(lines.c.key, lines.c.row)

    def pour(self, session: Session) -> None:
        """Store the lines, bring the payments to what they are now, and book it; payments and ledger must agree."""
        self._store_lines(session)
        self._change_payments(session)
        self._claim(session)
        document = f"return/{self._last_line(session)}"
        now, actor = self._scope.now, self._scope.actor
        for (cycle, kind), (fen, count) in sorted(self._moves.items()):
            amount = Amount(fen, count)
            if kind == "back":
                ledger.book(session, cycle, "returned", amount, f"{document}/back", now, actor, credit="paid")
            elif kind == "unclaimed":
                ledger.book(session, cycle, "withdraw", amount, document, now, actor, credit="receivable", debit="paid")
            else:
                ledger.book(session, cycle, kind, amount, document, now, actor)
        for cycle in sorted({cycle for cycle, _ in self._moves}):
            ledger.agree(session, cycle)

    def _store_lines(self, session: Session) -> None:
        staged, found = self._lines, self._found
        values = {
            "district_id": literal(self._scope.district),
            **{name: staged.c[name] for name in ("key", "fen", "result", "reason", "booked_on")},
            **{name: found.c[name] for name in ("repeat", "payment_id", "finding")},
            "recorded_at": literal(self._scope.now, BankLine.__table__.c.recorded_at.type),  # type: ignore[attr-defined]
            "actor": literal(self._scope.actor),
        }
        rows = select(*values.values()).select_from(staged.join(found, found.c.row == staged.c.row))
        insert_all(session, BankLine, [*values], rows.order_by(staged.c.row), self._fresh)

    def _last_line(self, session: Session) -> int:
        """The id of the file's last new line, which names the file in the ledger."""
        mine = (col(BankLine.district_id) == self._scope.district, col(BankLine.recorded_at) == self._scope.now)
        return session.scalar(select(func.max(col(BankLine.id))).where(*mine)) or 0

    def _change_payments(self, session: Session) -> None:
        outcome = self._outcomes
        back = select(
            outcome.c.payment_id, literal("paid"), literal("returned"),
            literal(self._scope.now, PaymentChange.__table__.c.at.type), literal("bank"),  # type: ignore[attr-defined]
        ).where(outcome.c.came_back)  # fmt: skip
        names = ("payment_id", "before", "after", "at", "source")
        session.execute(insert_for(session, PaymentChange).from_select(names, back))
        changing = (
            update(Payment)
            .where(col(Payment.id) == outcome.c.payment_id, col(Payment.state) == outcome.c.before)
            .where((outcome.c.before != outcome.c.after) | outcome.c.came_back)
            .values(state=outcome.c.after, booked_on=outcome.c.booked_on, reason=outcome.c.reason)
        )
        if session.connection().execute(changing).rowcount != self._changed:
            raise Raced

    def _claim(self, session: Session) -> None:
        """Raise what was paid and is not owed, and settle claims whose money the bank gave back."""
        outcome, at = self._outcomes, literal(self._scope.now, Receivable.__table__.c.raised_at.type)  # type: ignore[attr-defined]
        why = case(
            (outcome.c.twice, "paid_twice"),
            (col(Entitlement.cancel_reason).in_(("dead", "moved_out")), col(Entitlement.cancel_reason)),
            else_="not_owed",
        )
        gone = (outcome.c.after == "paid") & (col(Entitlement.state) == "cancelled")
        rows = (
            select(col(Payment.id), col(Payment.fen), why, at)
            .join(outcome, outcome.c.payment_id == col(Payment.id))
            .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
            .where(outcome.c.twice | gone)
        )
        names = ("payment_id", "fen", "reason", "raised_at")
        session.execute(insert_for(session, Receivable).from_select(names, rows))
        returned = select(outcome.c.payment_id).where(outcome.c.came_back)
        still = (col(Receivable.settled_at).is_(None), col(Receivable.withdrawn_at).is_(None))
        ending = update(Receivable).where(col(Receivable.payment_id).in_(returned), *still)
        live = (
            select(col(Payment.id))
            .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
            .where(col(Entitlement.state) == "live")
        )
        in_part = ending.where(col(Receivable.payment_id).in_(live))
        session.execute(in_part.values(withdrawn_at=self._scope.now, withdrawn_by="bank"))
        session.execute(ending.values(settled_at=self._scope.now, settled_by="bank"))


def text_of(finding: str) -> tuple[str, str]:
    """What a person is told of a line that fits nothing."""
    zh, en = OUTCOMES[finding]
    return _EXCEPTIONS[0].format(zh), _EXCEPTIONS[1].format(en)
