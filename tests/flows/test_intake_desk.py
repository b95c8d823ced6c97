"""The desk: one person comes to one centre a day, whoever is faster; many rows are no more statements than few."""

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlmodel import col

from flows.duty_desk import NotRecorded, UnknownReporter, record
from flows.intake import FileHasErrors
from flows.intake_store import Overtaken
from flows.settings import settings
from models.db import Database
from models.duty import DutySlot, SlotTransition
from rules.errors import TuoqiError
from tests.flows.test_duty import Office
from tests.flows.test_intake_swaps import meanwhile

DAY = date(2026, 3, 10)
NOW = "2026-03-10T09:00"
CENTRES = [f"C{n}" for n in range(1, 11)]


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    """Ten centres with a cadre each, K1 for C1 and so on, and K11 for all of them."""
    office = Office(database, settings(), tmp_path)
    office.send("centre", [{"code": code, "name": f"{code}中心", "subdistrict": "马街"} for code in CENTRES])
    own = [(f"K{n}", f"C{n}") for n in range(1, 11)]
    places = [*own, *(("K11", code) for code in CENTRES)]
    office.send("cadre", [{"number": n, "name": "张三", "centre": c, "from": "2020-01-01"} for n, c in places])
    return office


def plan(office: Office, **cadres: str) -> None:
    rows = [{"date": DAY, "centre": centre, "cadre": cadre, "state": "published"} for centre, cadre in cadres.items()]
    office.send("slot", rows, "2026-03-09T08:00")


def gap(office: Office, centre: str) -> None:
    office.send("slot", [{"date": DAY, "centre": centre, "cadre": ""}], "2026-03-09T09:00")


def came(centre: str, cadre: str) -> dict[str, Any]:
    return {"date": DAY, "centre": centre, "cadre": cadre, "at": f"{DAY} 08:30"}


def states(office: Office) -> dict[str, tuple[str | None, str]]:
    return {slot.centre: (slot.cadre, slot.state) for slot in office.slots(DAY, DAY)}


def test_who_is_planned_elsewhere_cannot_fill_a_gap_and_hears_where(office: Office) -> None:
    plan(office, C1="K1", C2="K11")
    gap(office, "C1")
    with pytest.raises(FileHasErrors, match=r"排在 C2 值班.*改派他人"):
        office.send("checkin", [came("C1", "K11")], NOW)
    assert states(office) == {"C1": (None, "gap"), "C2": ("K11", "published")}


def test_who_is_free_fills_a_gap_with_two_transitions(office: Office) -> None:
    plan(office, C1="K1")
    gap(office, "C1")
    assert office.send("checkin", [came("C1", "K11")], NOW) == 1
    assert states(office) == {"C1": ("K11", "on_duty")}
    with office.database.read() as session:
        query = (
            select(SlotTransition)
            .where(col(SlotTransition.actor).startswith("import"))
            .order_by(col(SlotTransition.id))
        )
        history = [(each.before, each.after, each.revision) for each in session.execute(query).scalars()]
    assert history[-2:] == [("gap", "published", 2), ("published", "on_duty", 2)]


def test_one_person_in_two_rows_of_a_date_is_refused_naming_the_first_centre(office: Office) -> None:
    plan(office, C1="K1", C2="K2")
    with pytest.raises(FileHasErrors, match="已在 C1 签到"):
        office.send("checkin", [came("C1", "K11"), came("C2", "K11")], NOW)


def test_one_person_at_two_gaps_of_one_file_is_refused(office: Office) -> None:
    plan(office, C1="K1", C2="K2")
    gap(office, "C1")
    gap(office, "C2")
    with pytest.raises(FileHasErrors, match="已在 C1 签到"):
        office.send("checkin", [came("C1", "K11"), came("C2", "K11")], NOW)


def test_a_check_in_elsewhere_stays_free_where_somebody_else_was_planned(office: Office) -> None:
    plan(office, C1="K1", C2="K11")
    assert office.send("checkin", [came("C1", "K11")], NOW) == 1
    with pytest.raises(FileHasErrors, match="已在 C1 签到"):
        office.send("checkin", [came("C2", "K11")], NOW)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_check_ins_of_one_person_at_once_one_is_refused(office: Office) -> None:
    plan(office, C1="K1", C2="K2")
    results: list[object] = []
    ready = threading.Barrier(2)

    def check_in(centre: str) -> None:
        ready.wait(10)
        values = {key: str(value) for key, value in came(centre, "K11").items()}
        try:
            results.append(record(office.database, office.at(NOW), "checkin", "office", values))
        except TuoqiError as refused:
            results.append(refused)

    threads = [threading.Thread(target=check_in, args=(centre,)) for centre in ("C1", "C2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(type(each).__name__ for each in results) in (["NotRecorded", "dict"], ["Overtaken", "dict"])
    assert sorted(state for _, state in states(office).values()) == ["on_duty", "published"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_slower_of_two_check_ins_is_told_that_it_was_overtaken(office: Office) -> None:
    plan(office, C1="K1", C2="K2")
    values = {key: str(value) for key, value in came("C2", "K11").items()}
    with office.database.write() as session:
        mine = session.execute(select(DutySlot).where(col(DutySlot.cadre_id) == 1)).scalar_one()
        mine.checkin_cadre_id, mine.checkin_at, mine.state = 11, office.at(NOW).now(), "on_duty"
        session.flush()
        end = meanwhile(office.database, lambda: record(office.database, office.at(NOW), "checkin", "office", values))
    assert isinstance(end(), Overtaken)


@pytest.mark.parametrize("by", ["office", "OFFICE", "街道办", "K1", "Ｋ1"])
def test_a_cadre_or_the_office_may_report(office: Office, by: str) -> None:
    plan(office, C1="K1")
    values = {"date": str(DAY), "centre": "C1"}
    record(office.database, office.at(NOW), "ack", by, values)
    with office.database.read() as session:
        actor = (
            session.execute(select(col(SlotTransition.actor)).order_by(col(SlotTransition.id).desc())).scalars().first()
        )
    assert actor in {"office", "K1"}


@pytest.mark.parametrize("by", ["", "K99", "张三", "import:root"])
def test_a_stranger_may_not_and_is_not_repeated(office: Office, by: str) -> None:
    plan(office, C1="K1")
    with pytest.raises(UnknownReporter) as refused:
        record(office.database, office.at(NOW), "ack", by, {"date": str(DAY), "centre": "C1"})
    assert not by or by not in str(refused.value)
    assert states(office) == {"C1": ("K1", "published")}


def test_a_refusal_of_a_record_reads_as_one_sentence(office: Office) -> None:
    plan(office, C1="K1")
    with pytest.raises(NotRecorded, match=r"^未登记：干部编号: 没有这个编号的干部；请核对编号，或先导入干部表。$"):
        record(office.database, office.at(NOW), "ack", "office", {"date": str(DAY), "centre": "C1", "cadre": "K99"})


def _sent(database: Database, job: Callable[[], object]) -> int:
    seen: list[object] = []

    def note(*_: object) -> None:
        seen.append(None)

    event.listen(database.engine, "before_cursor_execute", note)
    job()
    event.remove(database.engine, "before_cursor_execute", note)
    return len(seen)


def _timed(rows: Iterable[Mapping[str, Any]], **more: Any) -> list[dict[str, Any]]:
    """Each row at a minute of its own."""
    return [{**row, "at": f"{row['date']} 08:{n % 60:02}:{n // 60:02}", **more} for n, row in enumerate(rows)]


def test_ten_times_the_rows_take_the_same_statements(office: Office) -> None:
    days = [date(2026, 2, 1) + timedelta(n) for n in range(33)]
    rows = [{"date": day, "centre": code, "cadre": f"K{code[1:]}"} for day in days for code in CENTRES]
    office.send("slot", [{**row, "state": "published"} for row in rows], "2026-03-10T08:00")
    few, many = rows[:30], rows[30:]
    checks = dict.fromkeys(("rooms", "meals", "cleaning", "facilities"), "ok")
    pins = {"pinned": True, "leader": "李四"}
    for kind, more in (("slot", pins), ("ack", {}), ("checkin", {}), ("handover", checks)):
        counts = [
            _sent(office.database, lambda k=kind, m=more, s=some: office.send(k, _rows(k, s, m), "2026-03-10T08:30"))  # type: ignore[misc]
            for some in (few, many)
        ]
        assert counts[1] <= counts[0] + 2, (kind, counts)
    assert {slot.state for slot in office.slots(days[0], days[-1])} == {"handed_over"}
    with office.database.read() as session:
        times = session.execute(
            select(col(SlotTransition.at)).where(col(SlotTransition.after) == "acknowledged")
        ).scalars()
        assert len(set(times)) == len(rows)


def _rows(kind: str, rows: Iterable[Mapping[str, Any]], more: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**row, **more} for row in rows] if kind == "slot" else _timed(rows, **more)
