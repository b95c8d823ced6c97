"""The database itself refuses what the duty rules never do, whoever writes to it."""

import pytest
from sqlalchemy.exc import IntegrityError

from models.db import Database

AT = "'2026-03-01 00:00:00+00:00'"
PEOPLE = [
    "INSERT INTO subdistrict (district_id, ref, name) VALUES (1, 'S-1', '马街')",
    "INSERT INTO community (subdistrict_id, name) VALUES (1, '一社区')",
    *(
        f"INSERT INTO centre (district_id, community_id, code, name, address, phone, opens_on_rest_days) "
        f"VALUES (1, 1, 'C{n}', '中心{n}', '', '', true)"
        for n in (1, 2)
    ),
    *(f"INSERT INTO cadre (district_id, number, ref) VALUES (1, 'G{n}', 'C-{n}')" for n in (1, 2, 3)),
]


def slot(centre: int = 1, day: str = "2026-03-01", cadre: str = "1", state: str = "published", **more: str) -> str:
    told = {"published_at": "NULL" if state in {"draft", "gap"} else AT, **more}
    names, values = ", ".join(told), ", ".join(told.values())
    return (
        f"INSERT INTO duty_slot (centre_id, day, cadre_id, state, revision, pinned, rest_relaxed, {names}) "
        f"VALUES ({centre}, '{day}', {cadre}, '{state}', 0, false, false, {values})"
    )


def step(before: str, after: str) -> str:
    return (
        "INSERT INTO slot_transition (slot_id, before, after, revision, at, actor, reason) "
        f"VALUES (1, '{before}', '{after}', 0, {AT}, 'duty-day', '')"
    )


def swap(state: str = "asked", b: str = "2", date_b: str = "2026-03-05", **more: str) -> str:
    names, values = "".join(f", {name}" for name in more), "".join(f", {value}" for value in more.values())
    return (
        f"INSERT INTO duty_swap (centre_id, date_a, cadre_a_id, date_b, cadre_b_id, state, asked_at{names}) "
        f"VALUES (1, '2026-03-01', 1, '{date_b}', {b}, '{state}', {AT}{values})"
    )


def handover(facilities: str = "ok", note: str = "NULL") -> str:
    return (
        "INSERT INTO duty_handover (slot_id, cadre_id, at, rooms, meals, cleaning, facilities, note, reporter) "
        f"VALUES (1, 1, {AT}, 'ok', 'ok', 'ok', '{facilities}', {note}, 'G1')"
    )


def leave(since: str = "2026-03-02", until: str = "'2026-03-03'", kind: str = "sick", cadre: int = 1) -> str:
    return (
        "INSERT INTO leave (cadre_id, since, until, kind, cancelled) "
        f"VALUES ({cadre}, '{since}', {until}, '{kind}', false)"
    )


def _execute(database: Database, *statements: str) -> None:
    with database.write() as session:
        for statement in statements:
            session.connection().exec_driver_sql(statement)


@pytest.fixture
def filled(database: Database) -> Database:
    """Two centres, three cadres, and cadre 1 on duty in centre 1 on 1 March."""
    _execute(database, *PEOPLE, slot())
    return database


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(slot(cadre="2"), id="two slots of one centre and date"),
        pytest.param(slot(centre=2), id="one cadre, two duties on a date"),
        pytest.param(slot(day="2026-03-02", state="gap"), id="gap with a cadre"),
        pytest.param(slot(day="2026-03-02", cadre="NULL"), id="published without a cadre"),
        pytest.param(slot(day="2026-03-02", state="draft", published_at=AT), id="draft that is published"),
        pytest.param(slot(day="2026-03-02", published_at="NULL"), id="published without an instant"),
        pytest.param(slot(day="2026-03-02", state="asleep"), id="unknown state"),
        pytest.param(slot(day="2026-03-02", cadre="99"), id="unknown cadre"),
        pytest.param(slot(centre=99, day="2026-03-02"), id="unknown centre"),
        pytest.param(slot(day="2026-03-02", checkin_at=AT), id="check-in of nobody"),
        pytest.param(slot(day="2026-03-02", checkin_cadre_id="1"), id="check-in at no time"),
        pytest.param(
            slot(day="2026-03-02", state="missed", checkin_cadre_id="1", checkin_at=AT), id="missed with a check-in"
        ),
        pytest.param(step("draft", "on_duty"), id="draft to on duty"),
        pytest.param(step("handed_over", "published"), id="handed over and back"),
        pytest.param(step("missed", "gap"), id="missed to gap"),
        pytest.param(swap("done"), id="swap done without consent"),
        pytest.param(swap("done", confirmed_a_id="1"), id="swap done with one consent"),
        pytest.param(swap("perhaps"), id="unknown state of a swap"),
        pytest.param(swap(date_b="2026-03-01"), id="swap of one date"),
        pytest.param(swap(b="1"), id="swap with oneself"),
        pytest.param(handover("problem"), id="handover problem without a note"),
        pytest.param(handover("broken"), id="unknown answer in a handover"),
        pytest.param(leave(until="'2026-03-01'"), id="leave that ends before it begins"),
        pytest.param(leave(kind="holiday"), id="unknown kind of leave"),
        pytest.param("UPDATE work_calendar SET kind = 'half'", id="unknown kind of day"),
        pytest.param("UPDATE work_calendar SET source = 'rumour'", id="unknown source of a day"),
        pytest.param("DELETE FROM cadre WHERE id = 1", id="deleting a cadre who serves"),
        pytest.param("DELETE FROM centre WHERE id = 1", id="deleting a centre with duties"),
    ],
)
def test_the_database_refuses(filled: Database, statement: str) -> None:
    with pytest.raises(IntegrityError):
        _execute(filled, statement)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(slot(day="2026-03-02"), id="another date"),
        pytest.param(slot(centre=2, cadre="2"), id="another centre and cadre"),
        pytest.param(slot(day="2026-03-02", state="gap", cadre="NULL"), id="a gap"),
        pytest.param(slot(day="2026-03-02", state="gap", cadre="NULL", published_at=AT), id="a published gap"),
        pytest.param(slot(day="2026-03-02", state="draft"), id="a draft"),
        pytest.param(step("published", "on_duty"), id="coming without acknowledging"),
        pytest.param(step("published", "published"), id="another person, same state"),
        pytest.param(swap("done", confirmed_a_id="1", confirmed_b_id="2"), id="an agreed swap"),
        pytest.param(handover("problem", "'\\x01'"), id="a problem with a note"),
        pytest.param(leave(until="NULL"), id="leave until further notice"),
        pytest.param(leave(until="'2026-03-02'"), id="a day's leave"),
    ],
)
def test_and_takes_what_is_right(filled: Database, statement: str) -> None:
    _execute(filled, statement)


def test_two_gaps_on_a_date_are_two_centres_without_anybody(filled: Database) -> None:
    gaps = [slot(centre=n, day="2026-03-09", state="gap", cadre="NULL") for n in (1, 2)]
    _execute(filled, *gaps)
