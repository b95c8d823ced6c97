"""Schools, exams, rosters, papers and items from files; what counts marks does not change under them."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from models.db import Database
from models.exam import Exam, Paper, PaperItem, School, Student, by_number
from models.register_rows import ROWS, who_is
from rules.refs import is_ref
from rules.registers import REGISTERS
from tests.flows.elders import stored
from tests.flows.exams import EXAM, ITEMS, LATER, exam_office, give, give_marks, mark, student
from tests.flows.test_duty import Office

PAPER = {"exam": "E1", "subject": "物理", "full": 100}


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return exam_office(database, tmp_path)


def changed(office: Office, kind: str, rows: Sequence[dict[str, Any]]) -> int:
    taken = give(office, kind, rows, LATER)
    assert taken.errors == []
    return taken.added + taken.changed


def refuse(office: Office, kind: str, row: dict[str, Any]) -> str:
    (error,) = give(office, kind, [row], LATER).errors
    return error.sentence


def test_names_and_contacts_are_sealed_and_the_reference_is_random(office: Office) -> None:
    with office.database.read() as session:
        one = session.execute(select(Student).where(col(Student.number) == "101")).scalar_one()
        school = session.execute(select(School).where(col(School.code) == "S1")).scalar_one()
        assert is_ref(one.ref)
        assert one.ref.startswith("S-")
        assert "㐂".encode() not in one.name
        assert office.database.keys.open("student.name", one.ref, one.name) == "㐂一"
        assert office.database.keys.open("school.contact_email", school.ref, school.contact_email) == "S1@example.cn"


def test_registers_come_out_as_they_went_in(office: Office) -> None:
    ever = (date(2000, 1, 1), date(2100, 1, 1))
    with office.database.read() as session:
        rows = {kind: list(ROWS[kind](session, 1, *ever)) for kind in ("school", "exam", "student", "paper", "item")}
        assert who_is(session, 1, rows["student"][0]["ref"]) == {
            "ref": rows["student"][0]["ref"], "kind": "student", "exam": "E1", "school": "S1", "number": "101",
            "name": "㐂一",
        }  # fmt: skip
    for kind, told in rows.items():
        cells = [{n: REGISTERS[kind].column(n).label(v, "en") for n, v in row.items() if n != "ref"} for row in told]
        assert changed(office, kind, cells) == 0


def test_every_register_taken_in_again_changes_nothing(office: Office) -> None:
    assert changed(office, "exam", [EXAM]) == 0
    assert changed(office, "school", [{"code": "S1", "name": "第一中学"}]) == 0
    assert changed(office, "student", [student("101", "第一中学", "㐂一")]) == 0
    assert changed(office, "paper", [PAPER]) == 0
    assert changed(office, "item", [{"exam": "E1", "subject": "物理", "item": i, "max": m} for i, m in ITEMS]) == 0
    assert stored(office, PaperItem.point) == [("点1",), ("点2",), ("点10",)]


def test_a_number_of_another_school_is_a_transfer_or_given_out_twice(office: Office) -> None:
    assert changed(office, "student", [student("101", "S2", "㐂一")]) == 1
    assert "另一名考生" in refuse(office, "student", student("102", "S2", "赵五"))
    assert stored(office, Student.number, Student.school_id) == [("101", 2), ("102", 1), ("103", 1), ("201", 2)]
    assert stored(office, Student.id) == [(1,), (2,), (3,), (4,)]


def test_another_address_is_not_verified_by_what_was_said_of_the_one_before(office: Office) -> None:
    known = student("101", "S1", "㐂一", contact_email="a@example.cn")
    changed(office, "student", [{**known, "contact_verified": "是"}])
    assert stored(office, Student.contact_verified)[0] == (True,)
    changed(office, "student", [{**known, "contact_email": "b@example.cn"}])
    assert stored(office, Student.contact_verified)[0] == (False,)
    assert "邮箱" in refuse(office, "student", student("102", "S1", "张二", contact_verified="是"))


def test_an_exam_is_compared_with_an_earlier_one_only(office: Office) -> None:
    earlier = {**EXAM, "code": "E0", "date": "2025-11-01", "compare_with": ""}
    assert changed(office, "exam", [{**EXAM, "compare_with": "E0"}, earlier]) == 2
    assert stored(office, Exam.code, Exam.compare_with_id, Exam.held_on)[0] == ("E1", 2, date(2026, 4, 22))
    assert "不早于" in refuse(office, "exam", {**earlier, "compare_with": "E1"})
    assert "没有登记" in refuse(office, "exam", {**earlier, "compare_with": "E9"})


def test_items_stand_in_the_order_in_which_people_count(office: Office) -> None:
    assert stored(office, PaperItem.code, PaperItem.place, PaperItem.full_marks) == [
        ("1", 1, 80),
        ("2", 2, 60),
        ("10", 3, 60),
    ]
    assert sorted(["13-2", "2", "13-10", "1", "A1"], key=by_number) == ["A1", "1", "2", "13-2", "13-10"]
    row = {"exam": "E1", "subject": "物理", "item": "1", "max": 40}
    assert "不等于满分" in refuse(office, "item", row)
    split = [("1", 40), ("2-1", 10), ("2-2", 20), ("10", 30)]
    assert changed(office, "item", [{**row, "item": i, "max": m} for i, m in split]) == 3
    assert [tuple(row) for row in stored(office, PaperItem.code)] == [("1",), ("2-1",), ("2-2",), ("10",)]


def test_once_marks_are_in_what_they_are_counted_by_stays(office: Office) -> None:
    give_marks(office, [mark("101", "", "物理", q1=40, q2=30, q3=20), mark("101", 140)])
    assert "不能再改" in refuse(office, "paper", {**PAPER, "scale": 10})
    assert "低于" in refuse(office, "paper", {**PAPER, "subject": "语文", "full": 120})
    assert changed(office, "paper", [{**PAPER, "subject": "语文", "full": 140}]) == 1
    row = {"exam": "E1", "subject": "物理", "item": "1", "max": 100}
    lower = [{**row, "item": i, "max": m} for i, m in (("1", 30), ("2", 30), ("10", 40))]
    assert [error.row for error in give(office, "item", lower, LATER).errors] == [2]
    assert "不能增减" in refuse(office, "item", row)
    assert stored(office, Paper.subject, Paper.full_marks) == [("语文", 280), ("物理", 200)]


NAMES_NOTHING: list[tuple[str, dict[str, Any]]] = [
    ("student", student("101", "S9", "㐂一")),
    ("student", student("101", "S1", "㐂一") | {"exam": "E9"}),
    ("paper", {**PAPER, "exam": "E9"}),
    ("paper", {**PAPER, "full": "100.3"}),
    ("paper", {**PAPER, "scale": 3, "subject": "x"}),
    ("item", {"exam": "E1", "subject": "化学", "item": 1, "max": 1}),
    ("item", {"exam": "E1", "subject": "物理", "item": 1, "max": 0}),
]


def test_what_names_nothing_or_cannot_be_is_refused(office: Office) -> None:
    for kind, row in NAMES_NOTHING:
        assert refuse(office, kind, row)
