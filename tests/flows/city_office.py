"""One district of the test city: its registers, its approver and its bank; and what its jobs have left behind."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyotp
from sqlalchemy import func, select
from sqlmodel import col

from flows import staff_desk
from flows.allowance_approve import Yes, approve
from flows.allowance_notice import morning, put_forward
from flows.intake import take_file
from flows.rehearsal_bank import RehearsalBank
from flows.sample import district
from flows.sample_files import write_files
from flows.sample_payees import SEND as PAYEES
from flows.sample_payees import make_staff, write_payee_files
from flows.sample_visits import SEND as VISITS
from flows.sample_visits import visits, write_visit_files
from flows.settings import Settings
from models.allowance import AllowanceBatch, AllowanceCycle, Entitlement
from models.cadre import Cadre
from models.db import Database
from models.district import Centre, District, district_id
from models.duty import DutySlot
from models.elder import Elder
from models.jobs import JobRun
from models.messages import Message
from models.payment import Payment
from models.visit import VisitListRow, VisitTask
from policies.allowances import allowances

TAKEN, TOLD, PAYEES_TAKEN = "2026-02-20T08:00:00+08:00", "2026-02-20T09:00:00+08:00", "2026-03-20T09:00:00+08:00"
PUBLISHED, MORNING, SEEN = "2026-03-25T08:00:00+08:00", "2026-04-01T07:00:00+08:00", "2026-04-01T07:20:00+08:00"
SHOWN, ASKED, APPROVED = "2026-04-01T09:30:00+08:00", "2026-04-10T07:30:00+08:00", "2026-04-10T09:00:00+08:00"
RELEASED, ANSWERED = "2026-04-10T10:00:00+08:00", "2026-04-13T09:00:00+08:00"
FIRST = (("subdistrict", "街道.xlsx"), ("centre", "中心.xlsx"), ("cadre", "干部花名册.xlsx"), ("leave", "请假.xlsx"))
MONTH, DAYS = "2026-04", 30


class Office:
    """A district as its own office sees it."""

    def __init__(self, settings: Settings, code: str, database: Database, size: int) -> None:
        self.settings, self.code, self.database = settings.of_district(code), code, database
        self.made = district(int(code), centres=2, cadres=10, month=date(2026, 3, 1))
        self.size = size
        self.phones: dict[str, pyotp.TOTP] = {}

    def at(self, moment: str) -> Settings:
        """The settings with their clock at a moment."""
        return self.settings.model_copy(update={"at": datetime.fromisoformat(moment)})

    def registers(self) -> None:
        """Send everything that the jobs of this test need."""
        folder = self.settings.own_folder("inbox")
        paths = {path.name: path for path in write_files(self.made, folder)}
        for kind, name in FIRST:
            self._take(TAKEN, kind, paths[name])
        known = visits(self.made, elders=self.size, helpers=6, days=60)
        for kinds, files, moment in (
            (VISITS, write_visit_files(known, folder), TOLD),
            (PAYEES, write_payee_files(known, folder, date(2026, 3, 20), months=1), PAYEES_TAKEN),
        ):
            for kind in filter(files.__contains__, kinds):  # a small district may have no issue yet
                self._take(moment, kind, files[kind][0])
        for one in make_staff(self.made.seed):
            values = {name: getattr(one, name) for name in ("number", "name", "role", "phone", "email")}
            chosen = self.at(PAYEES_TAKEN)
            staff_desk.add(self.database, chosen, values)
            waiting = staff_desk.begin_enrolment(self.database, chosen, one.number)
            self.phones[one.number] = pyotp.TOTP(waiting.secret)
            code = self.phones[one.number].at(datetime.fromisoformat(PAYEES_TAKEN))
            staff_desk.finish_enrolment(self.database, chosen, waiting, code)

    def _take(self, moment: str, kind: str, path: Path) -> None:
        take_file(self.database, self.at(moment), kind, path)

    def say_yes(self) -> None:
        """Show the list of March, and approve it when its time is over."""
        with self.database.read() as session:
            mine = select(col(AllowanceBatch.ref)).where(
                col(AllowanceBatch.district_id) == district_id(session, self.code)
            )
            (ref,) = session.scalars(mine).all()
        put_forward(self.database, self.at(SHOWN), ref, "G001")
        (asked,) = morning(self.database, self.at(ASKED))["sheets"]
        code = self.phones["G003"].at(datetime.fromisoformat(APPROVED))
        approve(self.database, self.at(APPROVED), ref, Yes("G003", asked["code"], code, "cli"))

    def bank(self) -> RehearsalBank:
        """Its bank, which keeps books of its own."""
        form = allowances(date(2026, 4, 10), self.settings.policy).bank
        outbox = self.settings.own_folder("outbox") / "bank"
        folder = self.settings.var_dir / f"bank-{self.code}"
        return RehearsalBank(folder, form, outbox=outbox, clock=lambda: datetime.fromisoformat(ANSWERED))

    def answers(self) -> None:
        """The bank takes what lies there, pays, and answers."""
        bank = self.bank()
        bank.take_all()
        inbox = self.settings.own_folder("inbox") / "bank"
        inbox.mkdir(mode=0o700, exist_ok=True)
        for path in bank.reply():
            (inbox / path.name).write_bytes(path.read_bytes())

    def done(self) -> set[tuple[str, str]]:
        """The jobs that are done here, with their periods."""
        with self.database.read() as session:
            mine = (col(JobRun.partition) == self.code, col(JobRun.state) == "done")
            return {
                (job, key) for job, key in session.execute(select(col(JobRun.job), col(JobRun.run_key)).where(*mine))
            }

    def facts(self) -> dict[str, Any]:
        """What was decided, by what people call things: the same however often and by whom it was done."""
        with self.database.read() as session:
            number = district_id(session, self.code)
            duties = (
                select(col(Centre.code), col(DutySlot.day), col(Cadre.number))
                .join(Centre, col(Centre.id) == col(DutySlot.centre_id))
                .outerjoin(Cadre, col(Cadre.id) == col(DutySlot.cadre_id))
                .where(col(Centre.district_id) == number, col(DutySlot.published_at).is_not(None))
            )
            listed = (
                select(
                    col(Elder.id_index), col(VisitListRow.day), col(VisitListRow.helper_id), col(VisitListRow.position)
                )
                .join(VisitTask, col(VisitTask.id) == col(VisitListRow.task_id))
                .join(Elder, col(Elder.id) == col(VisitTask.elder_id))
                .where(col(Elder.district_id) == number)
            )
            owed = (
                select(col(Entitlement.person), col(Entitlement.fen), col(Entitlement.state))
                .join(AllowanceCycle, col(AllowanceCycle.id) == col(Entitlement.cycle_id))
                .where(col(AllowanceCycle.district_id) == number)
            )
            paid = (
                select(col(Entitlement.person), col(Payment.n), col(Payment.fen), col(Payment.state))
                .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
                .join(AllowanceCycle, col(AllowanceCycle.id) == col(Entitlement.cycle_id))
                .where(col(AllowanceCycle.district_id) == number)
            )
            told = (
                select(col(Message.template), func.count())
                .where(col(Message.district) == self.code, col(Message.template) != "alarm")
                .group_by(col(Message.template))
            )
            queries: dict[str, Any] = {"duties": duties, "listed": listed, "owed": owed, "paid": paid, "told": told}
            return {name: sorted(map(tuple, session.execute(query))) for name, query in queries.items()}

    def paid(self) -> dict[str, int]:
        """What our books say was paid, by the payment's key."""
        with self.database.read() as session:
            query = (
                select(col(Payment.key), col(Payment.fen))
                .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
                .join(AllowanceCycle, col(AllowanceCycle.id) == col(Entitlement.cycle_id))
                .join(District, col(District.id) == col(AllowanceCycle.district_id))
                .where(col(District.code) == self.code, col(Payment.state) == "paid")
            )
            return dict(session.execute(query).tuples().all())
