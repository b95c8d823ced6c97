"""The morning of visits speaks to the database in bulk: more elders are more rows, not more statements."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from flows.intake import take_file
from flows.sample import district, register_rows
from flows.sample_visits import SEND, visits, write_visit_files
from flows.settings import Settings
from flows.visits_day import visits_morning
from models.db import Database
from tests.flows.test_duty import Office

SOME = 20
"""Statements that may come on top: each of three kinds of messages that the small district may not have takes six."""


def statements(office: Office, moment: str) -> int:
    seen: list[object] = []

    def note(*_: object) -> None:
        seen.append(None)

    chosen = office.at(moment)
    event.listen(office.database.engine, "before_cursor_execute", note)
    visits_morning(office.database, chosen, chosen.today())
    event.remove(office.database.engine, "before_cursor_execute", note)
    return len(seen)


@pytest.fixture(params=["sqlite", "postgresql"])
def offices(
    request: pytest.FixtureRequest, fresh_url: Callable[[str], str], configured: Settings, tmp_path: Path
) -> Iterator[list[Office]]:
    made, home = [], district(centres=3, cadres=24)
    for elders in (60, 240):
        url = fresh_url(request.param)
        base = configured.model_copy(update={"database_url": url})
        office = Office(Database(url, base.keys()), base, tmp_path)
        for kind in ("subdistrict", "centre", "cadre"):
            office.send(kind, register_rows(home)[kind])
        files = write_visit_files(visits(home, elders=elders, helpers=20), tmp_path / str(elders))
        for kind in SEND:
            take_file(office.database, office.at("2026-02-20T08:00"), kind, files[kind][0])
        made.append(office)
    yield made
    for office in made:
        office.database.close()


def test_four_times_the_elders_take_the_same_statements(offices: list[Office]) -> None:
    """The first morning, one that finds nothing new, and the next day."""
    small, large = ([statements(office, f"2026-02-{day}T06:00") for day in ("24", "24", "25")] for office in offices)
    assert [more for few, more in zip(small, large, strict=True) if more > few + SOME] == [], (small, large)
