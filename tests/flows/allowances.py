"""A small district for the tests of allowances: elders with accounts and certifications, staff, and what is stored."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select
from sqlmodel import SQLModel, col

from flows.allowance_notice import morning, put_forward
from flows.allowance_plan import plan, supplement
from flows.allowance_stop import stop
from models.account import Certification, PayeeAccount
from models.allowance import AllowanceBatch, AllowanceCycle, Entitlement, EntitlementChange, Exclusion
from models.audit import AuditEntry
from models.db import Database
from models.elder import Elder
from models.messages import Message
from models.staff import Staff
from tests.flows.elders import elder, refs, visits_office
from tests.flows.test_duty import Office

TABLES = ("allowance_cycle", "allowance_batch", "entitlement", "entitlement_change", "exclusion", "approval", "message")
APRIL = "2026-04-02T09:00"
"""When tests plan March: its last day has passed, so that a register can say what happened on either side of it."""


class Pay:
    """A district office that pays allowances; people are named by a word of the test."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.office: Office = visits_office(database, folder)
        self.database = database
        self.ids: dict[str, int] = {}
        self.refs: dict[str, str] = {}
        people = {"district_id": 1, "name": b"x"}
        with database.write() as session:
            for number, role in (("S1", "maker"), ("S2", "approver")):
                session.execute(insert(Staff).values({**people, "number": number, "ref": f"S-{number}", "role": role}))

    def people(self, rows: Mapping[str, Mapping[str, Any]], moment: str = "2026-04-01T08:00") -> None:
        """Register elders; `born`, and where they differ from an ordinary one `certified`, `account` and `proxy`."""
        before = len(self.refs)
        taken = [
            elder(row["born"], serial=before + n, hukou="district", community=row.get("community", "翠湖社区"))
            | {"registered_on": row.get("registered_on", "2025-01-05"), "categories": row.get("categories", "")}
            | ({"hukou": row["hukou"]} if "hukou" in row else {})
            for n, row in enumerate(rows.values(), 2)
        ]
        self.office.send("elder", taken, moment)
        self.refs |= dict(zip(rows, refs(self.office)[before:], strict=True))
        with self.database.read() as session:
            ids = dict(session.execute(select(col(Elder.ref), col(Elder.id))).tuples().all())
        self.ids |= {who: ids[ref] for who, ref in self.refs.items()}
        for who, row in rows.items():
            if seen := row.get("certified", "2025-12-01"):
                self.certified(who, seen)
            if row.get("account", True):
                self.account(who, "2025-01-05", row.get("proxy_until"))

    def certified(self, who: str, day: str) -> None:
        seen = {"certified_on": date.fromisoformat(day), "method": "home", "recorded_at": self.at("2026-01-06T09:00")}
        self.put(Certification, {"elder_id": self.ids[who], **seen, "actor": "t"})

    def account(self, who: str, since: str, proxy_until: str | None = None) -> None:
        row = {
            "elder_id": self.ids[who], "since": date.fromisoformat(since), "bank": "富滇银行", "account": b"x",
            "holder": b"x", "tail": "0001", "account_index": f"{who}{since}".encode(), "card_index": who.encode(),
            "recorded_at": self.at("2026-01-06T09:00"), "actor": "t",
        }  # fmt: skip
        if proxy_until:
            row |= {"proxy_name": b"x", "proxy_reason": "卧床", "proxy_document": b"x"}
            row["proxy_until"] = date.fromisoformat(proxy_until)
        self.put(PayeeAccount, row)

    def status(self, who: str, since: str, status: str, moment: str = "2026-04-01T09:00", **more: str) -> None:
        self.office.send("status", [{"elder": self.refs[who], "from": since, "status": status, **more}], moment)

    def object(self, who: str, day: str = "2026-04-06", upheld: str = "") -> None:
        """Somebody objects to a line of March, or the objection of a day is decided."""
        row = {"programme": "longevity", "period": "2026-03", "elder": self.refs[who], "raised_on": day}
        self.office.send("objection", [{**row, "text": "已迁居外地", "upheld": upheld}], f"{day}T18:00")

    def put(self, table: type[SQLModel], row: Mapping[str, Any]) -> None:
        with self.database.write() as session:
            session.execute(insert(table).values(row))

    def at(self, moment: str) -> datetime:
        return self.office.at(moment).now()

    def plan(self, period: str = "2026-03", moment: str = APRIL, programme: str = "longevity") -> dict[str, Any]:
        return plan(self.database, self.office.at(moment), programme, period)

    def supplement(self, moment: str, programme: str = "longevity") -> dict[str, Any]:
        return supplement(self.database, self.office.at(moment), programme)

    def put_forward(self, ref: str, moment: str, staff: str = "S1") -> dict[str, Any]:
        return put_forward(self.database, self.office.at(moment), ref, staff)

    def morning(self, moment: str) -> dict[str, Any]:
        return morning(self.database, self.office.at(moment))

    def stop(self, moment: str) -> dict[str, Any]:
        return stop(self.database, self.office.at(moment))

    def entitled(self, period: str = "2026-03") -> dict[str, int]:
        """Who has a live entitlement of a period, in fen."""
        return {who: fen for who, fen, state, _ in self.all_entitled(period) if state == "live"}

    def cancelled(self, period: str = "2026-03") -> dict[str, str | None]:
        return {who: why for who, _, state, why in self.all_entitled(period) if state == "cancelled"}

    def all_entitled(self, period: str) -> list[tuple[str, int, str, str | None]]:
        names = {number: who for who, number in self.ids.items()}
        rows = self._rows(Entitlement.elder_id, Entitlement.fen, Entitlement.state, Entitlement.cancel_reason,
                          where=(col(Entitlement.period) == period, col(Entitlement.elder_id).in_(names)))  # fmt: skip
        return [(names[number], *rest) for number, *rest in rows]

    def excluded(self, period: str = "2026-03") -> dict[str, str]:
        """Who is left out of a period, and why."""
        names = {number: who for who, number in self.ids.items()}
        cycles = select(col(AllowanceCycle.id)).where(
            col(AllowanceCycle.period) == period, col(AllowanceCycle.district_id) == 1
        )
        where = (col(Exclusion.cycle_id).in_(cycles), col(Exclusion.lifted_at).is_(None))
        return {names[who]: why for who, why in self._rows(Exclusion.elder_id, Exclusion.reason, where=where)}

    def batches(self) -> list[tuple[Any, ...]]:
        """Period, number, kind and state of every list of the district."""
        columns = (AllowanceBatch.period, AllowanceBatch.number, AllowanceBatch.kind, AllowanceBatch.state)
        return self._rows(*columns, where=(col(AllowanceBatch.district_id) == 1,))

    def changes(self) -> list[tuple[Any, ...]]:
        return self._rows(EntitlementChange.what, EntitlementChange.reason)

    def messages(self, template: str) -> list[str]:
        return [key for (key,) in self._rows(Message.dedupe_key, where=(col(Message.template) == template,))]

    def audited(self, action: str) -> int:
        return len(self._rows(AuditEntry.seq, where=(col(AuditEntry.action) == action,)))

    def snapshot(self) -> tuple[Any, ...]:
        """Everything the jobs of allowances write, but the record of their runs."""
        tables = [SQLModel.metadata.tables[name] for name in (*TABLES, "audit_entry")]
        with self.database.read() as session:
            return tuple(session.execute(select(table).order_by(*table.primary_key)).all() for table in tables)

    def count(self, table: type[SQLModel]) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def _rows(self, *columns: Any, where: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        first = columns[0].class_.__table__
        query = select(*map(col, columns)).where(*where).order_by(*first.primary_key)
        with self.database.read() as session:
            return [tuple(row) for row in session.execute(query)]
