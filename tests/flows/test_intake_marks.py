"""Mark files: good rows are taken, the others come back; corrections are versions; nothing is decided silently."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from flows.intake import FileHasErrors, take_file
from flows.tables import read_table
from models.db import Database
from models.exam_mark import ExamFile, Mark, MarkHeld
from tests.flows.elders import stored
from tests.flows.exams import LATER, NOW, exam_office, give, give_marks, mark, student, told, workbook
from tests.flows.test_duty import Office


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return exam_office(database, tmp_path)


GOOD_AND_BAD = """考试,考号,科目,成绩
E1,101,语文,118.5
E1,102,语文,缺考
E1,102,物理,99
E1,999,语文,60
E1,201,语文,70
E1,103,语文,151
E1,103,化学,60
E1,103,物理,九十
"""


def held(office: Office) -> list[tuple[Any, ...]]:
    return stored(office, MarkHeld.number, MarkHeld.reason)


def test_good_rows_are_taken_and_the_others_come_back_marked(office: Office) -> None:
    give(office, "student", [student(number, "S2", "某某") for number in ("202", "203")], NOW)
    path = office.folder / "一中.csv"
    path.write_text(GOOD_AND_BAD, "utf-8")
    taken = take_file(office.database, office.at(NOW), "mark", path)
    # 101 of 118.5 is 237 halves; 102 absent, and 99 in physics; 999 is nobody; 201 is the other school's
    assert (taken.taken.added, taken.left_out) == (3, 5)
    assert told(office) == {"101": [("valid", 237)], "102": [("absent", None)]}
    assert held(office) == [("999", "off_roster"), ("201", "wrong_school")]
    sent = stored(office, ExamFile.school_id, ExamFile.kept, ExamFile.refused, ExamFile.held)
    assert sent == [(1, 3, 1, 2)]  # a row that cannot be read at all is no row of a school's
    assert taken.errors is not None
    marked = {row[1]: row[-1] for row in read_table(taken.errors).grid[4:]}
    assert marked.keys() == {"999", "201", "103"}


CANNOT_BE: dict[str, dict[str, str]] = {
    "finer than half a mark": {"mark": "98.3"},
    "absent with a mark": {"mark": "98", "status": "缺考"},
    "absent is never 0": {"mark": "0", "status": "缺考"},
    "two statuses": {"mark": "缺考", "status": "违纪"},
    "nothing at all": {"mark": ""},
    "below nought": {"mark": "-1"},
    "above full marks": {"mark": "150.5"},
    "a number that Excel has mangled": {"number": "5.30111E+13"},
    "a school nobody registered": {"school": "S9"},
    "an item above its full marks": {"subject": "物理", "mark": "", "q1": "41", "q2": "9", "q3": "0"},
    "not the sum": {"subject": "物理", "mark": "50", "q1": "20", "q2": "20", "q3": "0"},
    "an item too many": {"subject": "物理", "mark": "", "q1": "20", "q2": "20", "q3": "1", "q4": "1"},
    "absent and marked": {"subject": "物理", "mark": "", "q1": "缺考", "q2": "1", "q3": "1"},
}


def test_rows_that_cannot_be_are_refused_and_the_others_are_taken(office: Office) -> None:
    rows = [mark("101", "90") | cells for cells in CANNOT_BE.values()]
    taken = give_marks(office, [*rows, mark("102", "80")])
    told_of = {error.row - 2 for error in taken.left_out}
    assert [name for at, name in enumerate(CANNOT_BE) if at not in told_of] == []
    assert (told(office), told(office, "物理")) == ({"102": [("valid", 160)]}, {})
    assert held(office) == []
    few = give_marks(office, [mark("101", "", "物理", q1=20, q2=20)])
    assert len(few.left_out) == 1


def test_rows_that_disagree_are_both_held_and_rows_that_agree_are_one(office: Office) -> None:
    taken = give_marks(office, [mark("101", 90), mark("101", 91), mark("102", 80), mark("102", "80.0")])
    assert told(office) == {"102": [("valid", 160)]}
    assert held(office) == [("101", "conflict"), ("101", "conflict")]
    assert (taken.added, taken.unchanged, len(taken.left_out)) == (1, 1, 2)


def test_a_correction_is_a_new_version_and_an_old_file_again_changes_nothing(office: Office) -> None:
    first = [mark("101", "违纪"), mark("102", 80), mark("999", 1)]
    give_marks(office, first)
    assert give_marks(office, first, LATER).added == 0
    corrected = give_marks(office, [mark("101", 90), mark("102", 80)], LATER)
    assert (corrected.changed, corrected.unchanged) == (1, 1)
    assert give_marks(office, first, "2026-04-27T09:00").changed == 0
    assert told(office)["101"] == [("violation", None), ("valid", 180)]
    assert held(office) == [("999", "off_roster")]
    assert len(stored(office, ExamFile.id)) == 2


def test_an_old_file_again_takes_back_nothing_that_it_had_only_repeated(office: Office) -> None:
    repeated = [mark("101", 80), mark("102", 70)]
    give_marks(office, [mark("101", 80)])
    give_marks(office, repeated, LATER)
    give_marks(office, [mark("101", 82)], LATER)
    assert give_marks(office, repeated, "2026-04-27T09:00").changed == 0
    assert told(office)["101"] == [("valid", 160), ("valid", 164)]


def test_totals_and_item_marks_may_come_in_two_files(office: Office) -> None:
    items = {"q1": 40, "q2": "20.5", "q3": "", "o1": "b", "o2": ""}
    give_marks(office, [mark("101", "60.5", "物理"), mark("102", 60, "物理")])
    later = give_marks(office, [mark("101", "", "物理", **items), mark("102", "", "物理", **items)], LATER)
    assert len(later.left_out) == 1  # 102: 60.5 by items is not the 60 that stands, and which is right nobody can tell
    assert told(office, "物理") == {"101": [("valid", 121)] * 2, "102": [("valid", 120)]}
    again = give_marks(office, [mark("101", "60.5", "物理")], "2026-04-27T09:00")
    assert again.unchanged == 1  # the items stay
    give_marks(office, [mark("101", 61, "物理")], "2026-04-28T09:00")
    with office.database.read() as session:
        rows = session.execute(select(col(Mark.items), col(Mark.options)).where(col(Mark.student_id) == 1))
        versions = [tuple(row) for row in rows]
    packed = b"\x50\x00\x29\x00\xff\xff"  # 80 and 41 halves, and a blank
    assert versions == [(None, None), (packed, "B"), (None, "B")]


def test_a_workbook_with_titles_units_hidden_sheets_and_empty_rows_is_read(office: Office) -> None:
    rows: list[list[Any]] = [
        ["序号", "考试", "准考证号", "姓名", "科目", "成绩(分)", "备注"],
        [1, "E1", "１０１", "㐂一", "语文", "１１８.５", ""],
        [2, "E1", 102, "张二", "语文", 90, "走读"],
        ["", "", "", "", "", "", ""],
        ["序号", "考试", "准考证号", "姓名", "科目", "成绩(分)", "备注"],
        [3, "E1", "103", "李三", "语文", "缺考", ""],
        *[["", "", "", "", "", "  ", ""]] * 30,
    ]
    old: list[list[Any]] = [rows[0], [1, "E1", "101", "㐂一", "语文", 1, ""]]
    path = workbook(office.folder / "一中.xlsx", {"旧": old, "成绩": rows, "说明": [["请核对"]]}, hidden=["旧"])
    taken = take_file(office.database, office.at(NOW), "mark", path)
    assert (taken.taken.added, taken.left_out) == (3, 0)
    assert told(office) == {"101": [("valid", 237)], "102": [("valid", 180)], "103": [("absent", None)]}
    assert "说明" in taken.remark
    assert "姓名" in taken.remark


def test_a_file_in_gb18030_and_the_name_of_a_school_are_understood(office: Office) -> None:
    path = office.folder / "二中.csv"
    path.write_bytes("考试,考号,姓名,学校,科目,成绩\nE1,201,㐂一,第二中学,语文,88\n".encode("gb18030"))
    assert take_file(office.database, office.at(NOW), "mark", path).taken.added == 1
    assert stored(office, ExamFile.school_id) == [(2,)]


def test_a_file_without_the_columns_it_needs_is_refused_as_a_whole(office: Office) -> None:
    path = office.folder / "x.csv"
    path.write_text("考号,成绩\n101,88\n", "utf-8")
    with pytest.raises(FileHasErrors):
        take_file(office.database, office.at(NOW), "mark", path)


def test_a_dry_run_writes_no_mark_and_still_lists_what_is_wrong(office: Office) -> None:
    path = office.folder / "x.csv"
    path.write_text("exam,number,subject,mark\nE1,101,语文,88\nE1,999,语文,88\n", "utf-8")
    taken = take_file(office.database, office.at(NOW), "mark", path, dry_run=True)
    assert (taken.taken.added, taken.left_out, told(office), held(office)) == (1, 1, {}, [])


def test_after_a_transfer_the_new_school_sends_the_marks(office: Office) -> None:
    give_marks(office, [mark("101", 90, school="S1"), mark("102", 80, school="S1")])
    give(office, "student", [student("101", "S2", "㐂一")], LATER)
    taken = give_marks(office, [mark("101", 50, "物理", school="S2"), mark("101", 40, "物理", school="S1")], LATER)
    assert len(taken.left_out) == 1
    assert told(office, "物理") == {"101": [("valid", 100)]}
    assert told(office)["101"] == [("valid", 180)]
    assert held(office) == [("101", "wrong_school")]


def test_a_file_of_several_schools_is_each_ones_own(office: Office) -> None:
    """No row names a school. Three of the four students are S1's, but of S2 all that it has are there: its own rows."""
    taken = give_marks(office, [mark(number, 80) for number in ("101", "102", "103", "201")])
    assert (taken.left_out, held(office)) == ([], [])
    assert stored(office, ExamFile.school_id, ExamFile.kept) == [(1, 3), (2, 1)]


def test_the_database_refuses_to_rewrite_what_was_received(office: Office) -> None:
    give_marks(office, [mark("101", 90), mark("999", 90)])
    for table in ("mark", "exam_file", "mark_held"):
        for statement in (f"UPDATE {table} SET exam_id = exam_id", f"DELETE FROM {table}"):
            with pytest.raises(DBAPIError, match="append-only"), office.database.write() as session:
                session.execute(text(statement))


def test_the_database_refuses_impossible_marks(office: Office) -> None:
    give_marks(office, [mark("101", 90)])
    names = "paper_id, student_id, n, exam_id, file_id, status, mark, options"
    wrong = (
        "'absent', 10, NULL",
        "'valid', NULL, NULL",
        "'valid', -1, NULL",
        "'held', NULL, NULL",
        "'absent', NULL, 'A'",
    )
    for columns in wrong:
        with pytest.raises(DBAPIError, match="ck_mark_"), office.database.write() as session:
            session.execute(text(f"INSERT INTO mark ({names}) VALUES (1, 1, 2, 1, 1, {columns})"))


def test_every_visible_sheet_with_headers_is_read_and_errors_name_theirs(office: Office) -> None:
    head = ["考试", "考号", "科目", "成绩"]
    sheets: dict[str, Sequence[Sequence[Any]]] = {f"{n}班": [head] for n in range(40)}
    sheets |= {"3班": [head, ["E1", "101", "语文", 90]], "39班": [head, ["E1", "102", "语文", 999]]}
    path = workbook(office.folder / "一中.xlsx", sheets | {"旧": [head], "说明": [["请核对"]]}, hidden=["旧"])
    taken = take_file(office.database, office.at(NOW), "mark", path)
    assert (taken.taken.added, taken.left_out) == (1, 1)
    assert ("说明" in taken.remark, "旧" in taken.remark) == (True, True)
    assert taken.errors is not None
    summary = load_workbook(taken.errors)["问题汇总"]
    assert summary["A1"].value == "已收下 1 行，1 行未收下"
    assert (summary["A5"].value, summary["B5"].value) == ("39班", "4")
