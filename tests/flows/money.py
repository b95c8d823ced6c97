"""A small district for the tests of allowances: elders with accounts, staff with authenticators, a bank."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from flows.allowance_approve import Yes, approve
from flows.allowance_notice import morning, put_forward
from flows.allowance_plan import plan, supplement
from flows.allowance_reconcile import reconcile
from flows.allowance_reissue import reissue
from flows.allowance_release import release
from flows.allowance_report import report
from flows.allowance_settle import Person, close, recovered, vouch
from flows.allowance_sheet import read_sheet
from flows.allowance_stop import stop
from flows.intake_store import register, store_rows
from flows.rehearsal_bank.bank import RehearsalBank
from flows.rehearsal_bank.script import Script
from flows.settings import Settings
from flows.visit_desk import record
from models import audit, ledger
from models.allowance import AllowanceBatch, AllowanceCycle, Entitlement, Exclusion
from models.db import Database
from models.elder import Elder
from models.intake import Taken
from models.one_time import code_at, new_secret, step_of
from models.payment import BankLine, Payment, Receivable
from models.staff import add_staff, enrol_staff
from policies.allowances import allowances
from rules.registers import parse
from tests.flows.elders import elder, refs, visits_office

REGISTERED, PLANNED, SHOWN = "2026-09-01T09:00", "2026-10-10T09:00", "2026-10-10T10:00"
APPROVED, RELEASED, ANSWERED = "2026-10-20T09:00", "2026-10-20T10:00", "2026-10-21T15:00"
MONTH = "2026-10"


class Money:
    """A district that pays: what comes in, what jobs do, what stands in the database and at the bank."""

    def __init__(self, database: Database, folder: Path, people: int = 5, script: Script | None = None) -> None:
        self.office = visits_office(database, folder)
        self.database, self.folder = database, folder
        self.secrets = {number: new_secret() for number in ("M1", "A1", "A2")}
        self.steps: Counter[str] = Counter()
        self._staff()
        self.register(people)
        policy = allowances(date(2026, 10, 1))
        chosen = self.at(RELEASED)
        outbox = chosen.folder("outbox") / "bank"
        outbox.mkdir(exist_ok=True, mode=0o700)
        self.inbox = chosen.folder("inbox") / "bank"
        self.inbox.mkdir(exist_ok=True, mode=0o700)
        self.now = RELEASED
        self.bank = RehearsalBank(
            folder / "bank", policy.bank, script, outbox=outbox, clock=lambda: self.at(self.now).now()
        )

    def at(self, moment: str) -> Settings:
        return self.office.at(moment)

    def send(self, kind: str, rows: Sequence[Mapping[str, Any]], moment: str) -> Taken:
        """Import rows as a file would, without the process that reads files."""
        names = list(rows[0])
        grid = [names, *([str(row[name]) for name in names] for row in rows)]
        parsed = parse(register(kind), grid)
        assert not parsed.errors, parsed.errors
        taken = store_rows(self.database, self.at(moment), kind, parsed.rows, "test")
        assert not taken.errors, taken.errors
        return taken

    def _staff(self) -> None:
        now = self.at(REGISTERED).now()
        with self.database.write() as session:
            for number, role in (("M1", "both"), ("A1", "approver"), ("A2", "both")):
                values = {
                    "number": number,
                    "name": "王会计",
                    "role": role,
                    "phone": "",
                    "email": f"{number}@example.com",
                }
                add_staff(session, 1, f"T-{number}", values)
                enrol_staff(session, 1, number, self.secrets[number], step_of(now) - 10, now)

    def register(self, people: int) -> None:
        """Elders of 80 to 84, certified, each with an account that ends in 1 and the number."""
        rows = [
            elder(
                f"194{n % 5 + 1}-0{n % 9 + 1}-15",
                serial=2 * n + 2,
                name=f"王桂{'兰芳英珍梅'[n % 5]}",
                hukou="district",
                registered_on="2025-01-05",
                phone=f"138000000{n:02d}",
            )
            for n in range(people)
        ]
        self.send("elder", rows, REGISTERED)
        self.refs = refs(self.office)
        self.send("account", [self.account(ref, n) for n, ref in enumerate(self.refs)], REGISTERED)
        self.send("certification", [self.certified(ref, "2026-05-06") for ref in self.refs], REGISTERED)
        self.budget(MONTH, 100_000_00)

    def account(self, ref: str, number: int, since: str = "2026-01-01", **more: str) -> dict[str, str]:
        names = ("proxy_name", "proxy_reason", "proxy_document", "proxy_until")
        card = f"62220200{number:08d}1"
        row = {"elder": ref, "from": since, "bank": "示例银行", "account": card, "holder": "王桂兰"}
        return {**row, **dict.fromkeys(names, ""), **more}

    def certified(self, ref: str, on: str) -> dict[str, str]:
        return {"elder": ref, "certified_on": on, "method": "上门"}

    def budget(self, period: str, fen: int, programme: str = "longevity", moment: str = REGISTERED) -> None:
        self.send("budget", [{"programme": programme, "period": period, "fen": fen}], moment)

    def status(self, ref: str, since: str, status: str, moment: str) -> None:
        values = {"elder": ref, "from": since, "status": status}
        record(self.database, self.at(moment), "status", "office", values)

    def plan(self, period: str = MONTH, programme: str = "longevity", moment: str = PLANNED) -> dict[str, Any]:
        return plan(self.database, self.at(moment), programme, period)

    def supplement(self, moment: str, programme: str = "longevity") -> dict[str, Any]:
        return supplement(self.database, self.at(moment), programme)

    def show(self, batch: str, moment: str = SHOWN, staff: str = "M1") -> dict[str, Any]:
        return put_forward(self.database, self.at(moment), batch, staff)

    def morning(self, moment: str = APPROVED) -> dict[str, Any]:
        return morning(self.database, self.at(moment))

    def code(self, batch: str, moment: str = APPROVED) -> str:
        """The confirmation code on the sheet of a list."""
        with self.database.read() as session:
            return read_sheet(session, self.at(moment), batch).code

    def one_time(self, staff: str, moment: str) -> tuple[str, Settings]:
        """A fresh one-time code, and the moment a little later at which it holds: each is used once."""
        self.steps[staff] += 1
        base = self.at(moment)
        assert base.at is not None
        later = base.model_copy(update={"at": base.at + timedelta(seconds=30 * self.steps[staff])})
        return code_at(self.secrets[staff], step_of(later.now())), later

    def approve(
        self, batch: str, moment: str = APPROVED, staff: str = "A1", confirmation: str | None = None
    ) -> dict[str, Any]:
        said = confirmation or self.code(batch, moment)
        once, chosen = self.one_time(staff, moment)
        return approve(self.database, chosen, batch, Yes(staff, said, once, "cli"))

    def release(self, batch: str | None = None, moment: str = RELEASED) -> dict[str, Any]:
        self.now = moment
        return release(self.database, self.at(moment), batch)

    def pay(self, period: str = MONTH, moment: str = PLANNED) -> str:
        """Take a cycle all the way to the bank; return its list."""
        batch: str = self.plan(period, moment=moment)["batch"]
        self.show(batch, moment)
        day = self.at(moment).today() + timedelta(days=10)
        self.approve(batch, f"{day}T09:00")
        self.release(batch, f"{day}T10:00")
        return batch

    def bank_takes(self) -> None:
        """The bank takes what is handed in and answers into our inbox."""
        self.bank.take_all()
        self.carry(self.bank.reply())

    def carry(self, files: Sequence[Path]) -> None:
        for path in files:
            path.rename(self.inbox / f"{path.stem}{path.suffix}")

    def reconcile(self, moment: str = ANSWERED) -> dict[str, Any]:
        return reconcile(self.database, self.at(moment))

    def stop(self, moment: str) -> dict[str, Any]:
        return stop(self.database, self.at(moment))

    def reissue(self, moment: str, staff: str | None = "M1", same: Sequence[str] = ()) -> dict[str, Any]:
        return reissue(self.database, self.at(moment), "longevity", staff, same)

    def vouch(self, key: str, result: str, on: str, moment: str, staff: str) -> dict[str, Any]:
        once, chosen = self.one_time(staff, moment)
        person = Person(staff, once)
        return vouch(self.database, chosen, person, key, result, date.fromisoformat(on), "回单存档 12 号")

    def close(self, line: int, moment: str, staff: str = "A1") -> dict[str, Any]:
        once, chosen = self.one_time(staff, moment)
        return close(self.database, chosen, Person(staff, once), line, "已与银行核实")

    def recovered(self, key: str, moment: str, staff: str = "A1") -> dict[str, Any]:
        once, chosen = self.one_time(staff, moment)
        return recovered(self.database, chosen, Person(staff, once), key, "回单存档 13 号")

    def report(self, moment: str = ANSWERED, period: str = MONTH) -> dict[str, Any]:
        (figures,) = report(self.database, self.at(moment), "longevity", period)
        return figures

    def rows(self, *columns: Any) -> list[tuple[Any, ...]]:
        """Columns of one table, in the order of ids."""
        with self.database.read() as session:
            table = columns[0].class_
            return [tuple(row) for row in session.execute(select(*map(col, columns)).order_by(col(table.id)))]

    def payments(self) -> list[tuple[str, int, str, int]]:
        """Elder, attempt, state and fen of every payment, by entitlement and attempt."""
        query = (
            select(col(Elder.ref), col(Payment.n), col(Payment.state), col(Payment.fen))
            .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
            .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
            .order_by(col(Payment.entitlement_id), col(Payment.n))
        )
        with self.database.read() as session:
            return [tuple(row) for row in session.execute(query)]

    def states(self) -> Counter[str]:
        return Counter(state for _, _, state, _ in self.payments())

    def keys(self) -> list[str]:
        return [key for (key,) in self.rows(Payment.key)]

    def excluded(self) -> dict[str, str]:
        """Why each elder is left out now, by reference."""
        query = select(col(Elder.ref), col(Exclusion.reason)).join(Exclusion, col(Exclusion.elder_id) == col(Elder.id))
        with self.database.read() as session:
            return dict(session.execute(query.where(col(Exclusion.lifted_at).is_(None))).tuples().all())

    def batches(self) -> dict[str, str]:
        return dict(self.rows(AllowanceBatch.ref, AllowanceBatch.state))

    def balances(self) -> Counter[str]:
        """The ledger over all cycles; it must agree with the payments of each."""
        total: Counter[str] = Counter()
        with self.database.read() as session:
            for number in session.scalars(select(col(AllowanceCycle.id))).all():
                total.update(ledger.agree(session, number or 0))
        return total

    def agrees_with_the_bank(self) -> None:
        """What the bank's own books say it paid is what ours say, to the fen, but for what it has not told us yet."""
        told = self.balances()
        with self.database.read() as session:
            settled = select(func.coalesce(func.sum(col(Receivable.fen)), 0)).where(
                col(Receivable.settled_at).is_not(None), col(Receivable.settled_by) != "bank"
            )
            given_back = session.scalar(settled) or 0
            assert audit.verify(session, "530112") is None
        assert self.bank.totals().fen == told["paid"] + told["receivable"] + given_back

    def exceptions(self) -> list[tuple[int, str, str]]:
        """Id, key and finding of the bank lines that fit nothing and are open."""
        rows = self.rows(BankLine.id, BankLine.key, BankLine.finding, BankLine.closed_at)
        return [(number, key, finding) for number, key, finding, closed in rows if finding != "matched" and not closed]
