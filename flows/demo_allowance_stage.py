"""What the demo's allowances stand on: the stage, the officers' telephones, the bank, and the moments of the story."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, SQLModel, col

from flows.allowance_approve import Yes, approve
from flows.demo_bank import Bank
from flows.demo_payees import CHECKER, Phones
from flows.demo_stage import Stage, at_moment
from flows.outlets import channels, round_of
from flows.settings import Settings
from models.allowance import AllowanceCycle
from notifications.drain import drain
from rules.allowance_refusals import ListRefused
from rules.errors import say
from rules.programmes import PROGRAMMES

PROGRAMME, PERIOD = "longevity", "2026-03"
ON_FORM = PROGRAMMES[PROGRAMME][0]
PLANNED, SHOWN, ASKED = (f"2026-04-{at}:00+08:00" for at in ("01T07:00", "01T09:30", "10T07:30"))
WRONG, APPROVED, ONCE_MORE, RELEASED = (f"2026-04-10T{at}:00+08:00" for at in ("08:50", "09:00", "09:10", "10:00"))
HELD, LET_GO = (f"2026-04-10T{at}:00+08:00" for at in ("09:20", "09:30"))
ANSWERED, LATE, CORRECTED = (f"2026-04-{at}:00+08:00" for at in ("13T09:00", "14T09:00", "14T09:30"))
AGAIN, APPROVED_AGAIN, SENT_AGAIN = (f"2026-04-14T{at}:00+08:00" for at in ("10:00", "10:30", "11:00"))
SILENT, VOUCHED, CLOSED, REPORTED = (f"2026-04-20T{at}:00+08:00" for at in ("09:00", "10:00", "10:10", "11:00"))
_OURS = ("allowance_", "entitlement", "exclusion", "approval", "payment", "bank_", "receivable", "ledger_", "message")


class Chapter:
    """The allowances under way: who approves, the bank, and the list that is on its way."""

    def __init__(self, stage: Stage, phones: Phones) -> None:
        self.stage, self.phones, self.bank = stage, phones, Bank.of(stage, PLANNED)
        self.batch = self.second = ""

    def at(self, moment: str) -> Settings:
        """The settings with their clock at a moment."""
        return at_moment(self.stage.settings, moment)

    def twice(self, step: Callable[[], Any]) -> tuple[Any, bool]:
        """Take a step, and once more; return what it did, and whether the second time changed nothing."""
        first = step()
        before = self._stored()
        with suppress(ListRefused):
            step()
        return first, before == self._stored()

    def _stored(self) -> list[Any]:
        """All that the jobs of allowances write, and how long the audit log is."""
        tables = [table for name, table in sorted(SQLModel.metadata.tables.items()) if name.startswith(_OURS)]
        with self.stage.database.read() as session:
            log = SQLModel.metadata.tables["audit_entry"].c.seq
            return [session.execute(select(*(table.c))).all() for table in tables] + [
                session.execute(select(log)).all()
            ]

    def deliver(self, moment: str) -> None:
        """Send what is due, in this process."""
        chosen = self.at(moment)
        drain(round_of(self.stage.database, chosen, chosen.now), channels(chosen))

    def yes(self, ref: str, confirmation: str, moment: str, staff: str = CHECKER) -> dict[str, Any]:
        """Approve as a person does; {} if the list refuses."""
        said = Yes(staff, confirmation, self.phones.code(staff, moment), "cli")
        with suppress(ListRefused):
            return approve(self.stage.database, self.at(moment), ref, said)
        return {}

    def cycle(self, session: Session) -> int:
        """The id of the cycle that is shown."""
        mine = (col(AllowanceCycle.programme) == PROGRAMME, col(AllowanceCycle.period) == PERIOD)
        return session.scalars(select(col(AllowanceCycle.id)).where(*mine)).one() or 0

    def note(self, job: str, did: tuple[str, str], told: tuple[str, str], where: str, *, good: bool) -> None:
        """Keep a line of the summary."""
        self.stage.note(job, say(*did), say(*told), where, good=good)
