"""A small district for the tests of the visit jobs: elders, helpers, care teams; what is stored and what was told."""

from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from flows.outlets import channels, round_of
from flows.visit_desk import record
from flows.visits_day import visits_morning
from models.db import Database
from models.elder import Elder
from models.helper import Helper
from models.message_views import counts
from models.messages import Message
from models.visit import VisitListRow, VisitTask
from notifications import drain as outbox
from tests.flows.elders import elder, refs, visits_office
from tests.flows.test_duty import Office

MONDAY = date(2026, 3, 9)


def helper(number: str, community: str = "翠湖社区", capacity: int = 6) -> dict[str, Any]:
    """A row of the helper register; everybody has an e-mail address."""
    person = {"name": "李四", "community": community, "role": "building", "email": f"{number.lower()}@example.com"}
    return {"number": number, **person, "capacity": capacity}


class Visits:
    """A district with visits: what comes in, what jobs do, what stands in the database."""

    def __init__(self, database: Database, folder: Path, tiers: tuple[str, ...] = ("red", "yellow", "green")) -> None:
        self.office: Office = visits_office(database, folder)
        self.database = database
        self.send("helper", [helper("H1"), helper("H2")])
        family = {"emergency_name": "王小明", "emergency_phone": "13800000001"}
        rows = [
            elder(
                f"194{n % 10}-0{n % 9 + 1}-15",
                serial=n + 1,
                name=f"王桂{'兰芳英珍梅'[n % 5]}",
                tier=tier,
                building=f"{n + 1}栋",
                registered_on="2026-03-02",
                **family,
            )
            for n, tier in enumerate(tiers)
        ]
        self.send("elder", rows, "2026-03-02T09:00")
        self.refs = refs(self.office)

    def send(self, kind: str, rows: list[dict[str, Any]], moment: str = "2026-03-02T09:00") -> int:
        return self.office.send(kind, rows, moment)

    def pair(self, elder: str, helper: str, role: str = "building", *, primary: bool = True) -> None:
        row = {"elder": elder, "helper": helper, "role": role, "primary": "yes" if primary else "no"}
        self.send("pairing", [{**row, "from": "2026-03-02", "until": ""}])

    def contact(self, elder: str, on: str, outcome: str = "MET", moment: str | None = None, helper: str = "H1") -> None:
        channel = {"PHONE": "phone", "VIDEO": "video"}.get(outcome, "home")
        chosen = self.office.at(moment or f"{on[:10]}T18:00")
        values = {"elder": elder, "helper": helper, "channel": channel, "outcome": outcome, "occurred_at": on}
        record(self.database, chosen, "contact", "office", values)

    def status(self, elder: str, since: str, status: str, moment: str, **more: str) -> None:
        values = {"elder": elder, "from": since, "status": status, **more}
        record(self.database, self.office.at(moment), "status", "office", values)

    def morning(self, day: str, clock: str = "06:00") -> dict[str, Any]:
        chosen = self.office.at(f"{day}T{clock}")
        return visits_morning(self.database, chosen, date.fromisoformat(day))

    def drain(self, moment: str) -> Counter[str]:
        chosen = self.office.at(moment)
        return Counter(outbox.drain(round_of(self.database, chosen, chosen.now), channels(chosen)).states)

    def tasks(self) -> list[tuple[Any, ...]]:
        """Elder, kind, cycle, state, reason, deadline, helper of every task, by elder and id."""
        columns = (VisitTask.kind, VisitTask.cycle, VisitTask.state, VisitTask.reason, VisitTask.deadline)
        query = (
            select(col(Elder.ref), *map(col, columns), col(Helper.number))
            .join(Elder, col(Elder.id) == col(VisitTask.elder_id))
            .outerjoin(Helper, col(Helper.id) == col(VisitTask.helper_id))
            .order_by(col(VisitTask.elder_id), col(VisitTask.id))
        )
        with self.database.read() as session:
            return [tuple(row) for row in session.execute(query)]

    def of(self, ref: str) -> dict[tuple[str, str], tuple[str, str | None]]:
        """State and reason of the tasks of an elder, by kind and cycle."""
        return {(kind, cycle): (state, reason) for who, kind, cycle, state, reason, *_ in self.tasks() if who == ref}

    def listed(self, day: date = MONDAY) -> list[tuple[str, str | None]]:
        """Elder and helper on the list of a day, in its order."""
        query = (
            select(col(Elder.ref), col(Helper.number))
            .select_from(VisitListRow)
            .join(VisitTask, col(VisitTask.id) == col(VisitListRow.task_id))
            .join(Elder, col(Elder.id) == col(VisitTask.elder_id))
            .outerjoin(Helper, col(Helper.id) == col(VisitListRow.helper_id))
            .where(col(VisitListRow.day) == day)
            .order_by(col(Helper.number), col(VisitListRow.position))
        )
        with self.database.read() as session:
            return [(ref, number) for ref, number in session.execute(query)]

    def keys(self, template: str) -> list[str]:
        with self.database.read() as session:
            query = select(col(Message.dedupe_key)).where(col(Message.template) == template)
            return sorted(session.execute(query).scalars())

    def states(self, template: str) -> dict[str, int]:
        with self.database.read() as session:
            found = counts(session, district="530112")
        states: Counter[str] = Counter()
        for (_, name, state), number in found.items():
            states[state] += number if name == template else 0
        return {state: number for state, number in states.items() if number}

    def snapshot(self) -> tuple[Any, ...]:
        """Everything the jobs write, but the record of their runs."""
        tables = [VisitTask.metadata.tables[name] for name in ("visit_task", "visit_list", "visit_step", "message")]
        with self.database.read() as session:
            return tuple(session.execute(select(table).order_by(table.c.id)).all() for table in tables)

    def at(self, moment: str) -> datetime:
        return self.office.at(moment).now()
