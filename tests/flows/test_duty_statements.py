"""The duty jobs speak to the database in bulk: more centres are more rows, not more statements."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, select, update
from sqlmodel import col

from flows.duty_day import duty_morning
from flows.duty_plan import plan_month
from flows.duty_watch import watch
from flows.intake_store import store_rows
from flows.sample import district, register_rows
from flows.settings import Settings
from models.cadre import Leave
from models.db import Database
from models.duty import DutySlot
from rules.registers import Row

SOME = 8
"""Statements that may come on top: a day that nobody can serve takes six, however many there are."""


class Office:
    """A district of a size, and how many statements its jobs take."""

    def __init__(self, url: str, base: Settings, centres: int) -> None:
        self.base = base.model_copy(update={"database_url": url})
        self.database = Database(url, base.keys())
        for kind, rows in register_rows(district(centres=centres, cadres=centres * 6)).items():
            listed = [Row(number, row) for number, row in enumerate(rows, 2)]
            assert not store_rows(self.database, self.at("2026-02-20T08:00"), kind, listed, "test").errors

    def at(self, moment: str) -> Settings:
        return self.base.model_copy(update={"at": datetime.fromisoformat(moment)})

    def plan(self, moment: str, *, publish: bool) -> int:
        return self.sent(moment, lambda database, at: plan_month(database, at, "2026-03", at.today(), publish=publish))

    def sent(self, moment: str, job: Callable[[Database, Settings], dict[str, Any]]) -> int:
        seen: list[object] = []

        def note(*_: object) -> None:
            seen.append(None)

        event.listen(self.database.engine, "before_cursor_execute", note)
        job(self.database, self.at(moment))
        event.remove(self.database.engine, "before_cursor_execute", note)
        return len(seen)

    def third_ill(self, first: date, last: date) -> None:
        """Cancel all leave, then send the cadre of every third duty of a date on leave."""
        with self.database.write() as session:
            session.execute(delete(Leave))
            due = select(col(DutySlot.cadre_id)).where(col(DutySlot.day) == first, col(DutySlot.cadre_id).is_not(None))
            ill = session.execute(due).scalars().all()[::3]
            days = {"since": first, "until": last, "kind": "sick", "cancelled": False}
            session.execute(insert(Leave), [{"cadre_id": cadre, **days} for cadre in ill])

    def everybody_served(self, until: date) -> None:
        came = update(DutySlot).where(col(DutySlot.day) <= until, col(DutySlot.cadre_id).is_not(None))
        with self.database.write() as session:
            at = {"checkin_cadre_id": col(DutySlot.cadre_id), "checkin_at": datetime.fromisoformat("2026-03-01T00:30Z")}
            session.execute(came.values(state="on_duty", **at))


@pytest.fixture(params=["sqlite", "postgresql"])
def offices(
    request: pytest.FixtureRequest, fresh_url: Callable[[str], str], configured: Settings
) -> Iterator[list[Office]]:
    made = [Office(fresh_url(request.param), configured, centres) for centres in (10, 30)]
    yield made
    for office in made:
        office.database.close()


def test_three_times_the_centres_take_the_same_statements(offices: list[Office]) -> None:
    """A month drafted, published, watched and mended: the number of statements does not follow that of the centres."""
    counts: list[dict[str, int]] = []
    for office in offices:
        told = {
            "draft": office.plan("2026-02-20T08:00", publish=False),
            "publish": office.plan("2026-02-25T08:00", publish=True),
        }
        office.everybody_served(date(2026, 3, 10))
        told["notice"] = office.sent("2026-03-10T17:00", watch)
        office.third_ill(date(2026, 3, 11), date(2026, 3, 12))
        told["morning"] = office.sent("2026-03-11T06:00", lambda db, at: duty_morning(db, at, at.today()))
        told["office"] = office.sent("2026-03-11T08:50", watch)
        told["idle"] = office.sent("2026-03-11T12:15", watch)
        counts.append(told)
    small, large = counts
    assert {job: sent for job, sent in large.items() if sent > small[job] + SOME} == {}, (small, large)
