"""Swaps: two mirrored requests meet, drafts are not swapped, and nobody moves a slot between check and exchange."""

import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from flows.duty_desk import NotRecorded, record
from flows.intake import FileHasErrors
from flows.settings import settings
from models.db import Database
from models.district import district_id
from models.duty import Swap
from models.duty_record import SlotMoved, Step, move, slots_at
from rules.errors import TuoqiError
from tests.flows.test_duty import Office

NOW = "2026-03-02T08:00"
EARLY, LATE = date(2026, 3, 10), date(2026, 3, 20)


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    """K1 serves C1 on the 10th, K2 on the 20th, both published; K4 heads the centre."""
    office = Office(database, settings(), tmp_path)
    office.send("centre", [{"code": "C1", "name": "一中心"}])
    people = [
        {"number": f"K{n}", "name": "张三", "centre": "C1", "from": "2020-01-01", "head": n == 4} for n in (1, 2, 3, 4)
    ]
    office.send("cadre", people)
    rows = [{"date": EARLY, "cadre": "K1"}, {"date": LATE, "cadre": "K2"}]
    office.send("slot", [{"centre": "C1", "state": "published", **row} for row in rows], NOW)
    return office


def asked(a: tuple[date, str], b: tuple[date, str], by_a: str = "", by_b: str = "") -> dict[str, Any]:
    sides = {"date_a": a[0], "cadre_a": a[1], "date_b": b[0], "cadre_b": b[1]}
    return {"centre": "C1", **sides, "confirmed_a": by_a, "confirmed_b": by_b}


FROM_K1 = asked((EARLY, "K1"), (LATE, "K2"), "K1")
FROM_K2 = asked((LATE, "K2"), (EARLY, "K1"), "K2")


def people(office: Office) -> list[str | None]:
    return [slot.cadre for slot in office.slots()]


@pytest.mark.parametrize(
    "order", [pytest.param((FROM_K1, FROM_K2), id="early first"), pytest.param((FROM_K2, FROM_K1), id="late first")]
)
def test_two_requests_from_either_side_are_one_swap(office: Office, order: tuple[dict[str, Any], ...]) -> None:
    for row in order:
        assert office.send("swap", [row], NOW) == 1
    assert people(office) == ["K2", "K1"]
    with office.database.read() as session:
        (swap,) = session.execute(select(Swap)).scalars()
    assert (swap.date_a, swap.date_b, swap.state) == (EARLY, LATE, "done")
    assert [office.send("swap", [row], NOW) for row in order] == [0, 0]


def test_two_mirrored_rows_of_one_file_meet(office: Office) -> None:
    assert office.send("swap", [FROM_K2, FROM_K1], NOW) == 2
    assert people(office) == ["K2", "K1"]


def test_a_head_s_word_counts_for_the_side_it_was_given_for(office: Office) -> None:
    office.send("swap", [asked((LATE, "K2"), (EARLY, "K1"), "K4", "")], NOW)
    with office.database.read() as session:
        a, b = session.execute(select(col(Swap.confirmed_a_id), col(Swap.confirmed_b_id))).one()
    assert a is None
    assert b is not None
    assert people(office) == ["K1", "K2"]


@pytest.mark.parametrize("by", ["K3", "K99", "office"])
def test_a_stranger_s_word_is_refused_in_the_column_it_stands_in(office: Office, by: str) -> None:
    with pytest.raises(FileHasErrors, match=r"甲方确认人.*不是本人"):
        office.send("swap", [asked((LATE, "K2"), (EARLY, "K1"), by, "K1")], NOW)


def test_drafts_are_not_swapped(office: Office) -> None:
    office.send("slot", [{"date": date(2026, 4, 1), "centre": "C1", "cadre": "K3", "state": "draft"}], NOW)
    row = asked((date(2026, 4, 1), "K3"), (EARLY, "K1"), "K3", "K1")
    with pytest.raises(FileHasErrors, match=r"还没有发布.*请发布后再换班"):
        office.send("swap", [row], NOW)
    with office.database.read() as session:
        assert session.execute(select(Swap)).first() is None


def waiting(database: Database) -> bool:
    """Whether a statement waits for somebody else's lock."""
    with database.read() as session:
        query = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(session.execute(query).scalar_one())


def meanwhile(database: Database, job: Callable[[], object]) -> Callable[[], TuoqiError | None]:
    """Run the job in a thread until it waits for a lock; the result ends it and tells what it was refused with."""
    refused: list[TuoqiError] = []

    def run() -> None:
        try:
            job()
        except TuoqiError as error:
            refused.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until = time.monotonic() + 20
    while thread.is_alive() and not waiting(database) and time.monotonic() < until:
        time.sleep(0.02)

    def end() -> TuoqiError | None:
        thread.join(20)
        assert not thread.is_alive()
        return refused[0] if refused else None

    return end


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_slot_moved_while_the_swap_waited_is_not_swapped(office: Office) -> None:
    both = {key: str(value) for key, value in (FROM_K1 | {"confirmed_b": "K2"}).items()}
    with office.database.write() as session:
        district = district_id(session, "530112")
        (slot,) = slots_at(session, district, {("C1", EARLY)}).values()
        third = slots_at(session, district, {("C1", LATE)})["C1", LATE].cadre_id
        assert third is not None
        move(session, [Step(slot, "gap", None)], office.at(NOW).now(), "test")
        end = meanwhile(office.database, lambda: record(office.database, office.at(NOW), "swap", "K4", both))
    assert isinstance(end(), NotRecorded | SlotMoved)
    assert people(office) == [None, "K2"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_both_sides_at_the_same_moment_make_one_swap(office: Office) -> None:
    rows = [{key: str(value) or None for key, value in row.items()} for row in (FROM_K1, FROM_K2)]
    ends = [
        threading.Thread(target=record, args=(office.database, office.at(NOW), "swap", by, row))
        for by, row in zip(("K1", "K2"), rows, strict=True)
    ]
    for thread in ends:
        thread.start()
    for thread in ends:
        thread.join(30)
    assert people(office) == ["K2", "K1"]
