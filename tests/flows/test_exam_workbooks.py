"""The three workbooks of an exam, read back: what is in them, what is not, and the same bytes every time."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from flows.exam_class_workbook import write_class_workbook
from flows.exam_district_workbook import write_district_workbook
from flows.exam_school_workbook import write_school_workbook
from models.db import Database
from models.exam_findings import findings
from models.exam_view_district import district_view
from models.exam_view_items import class_view, class_views
from models.exam_views import school_view
from models.exam_whole import AskedLine, Whole, whole
from policies.exams import exams
from tests.flows.elders import utc
from tests.flows.exams import EXAM, LATER, NOW, exam_office, give, student
from tests.flows.test_duty import Office
from tests.models.test_exam_views import read, small_exam


def cells(path: Path) -> dict[str, list[list[Any]]]:
    """Read every sheet back."""
    book = CalamineWorkbook.from_path(path)
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def words(path: Path) -> set[str]:
    return {str(cell) for rows in cells(path).values() for row in rows for cell in row}


def books(office: Office, told: Whole, folder: Path) -> tuple[Path, Path, Path]:
    """Write all three for S1."""
    paths = folder / "district.xlsx", folder / "school.xlsx", folder / "class.xlsx"
    with office.database.read() as session:
        write_school_workbook(paths[1], school_view(session, told, "S1"))
    write_district_workbook(paths[0], district_view(told))
    write_class_workbook(paths[2], class_view(told, "S1", "1班"))
    return paths


def test_workbooks_show_each_reader_what_is_theirs(database: Database, tmp_path: Path) -> None:
    office = small_exam(database, tmp_path, [24, 30, 40])
    give(office, "student", [student("1900", "S1", "=1+1", **{"class": "1班"})], NOW)
    told = read(office, [AskedLine("none", "本科线", mark=130)])
    district, school, items = books(office, told, tmp_path)
    numbers = set(told.found.entered.students["number"])
    assert not words(district) & numbers
    assert not words(items) & numbers
    own = set(told.found.entered.students.filter(pl.col("school") == "S1")["number"])
    assert words(school) & numbers == own
    assert not words(school) & {"第二中学", "第2中学", "第3中学", "S2", "S3"}
    assert "'=1+1" in words(school)
    assert {"一分三率", "一分段表", "四分位", "上线与临界生", "有效分", "信度", "小题"} <= set(cells(district))
    assert {"学生成绩", "一分三率", "他校代称", "分布", "上线"} <= set(cells(school))
    heads, *rows = cells(school)["学生成绩"][2:]
    assert [row[1] for row in rows if row[0] == "1班"] == sorted(row[1] for row in rows if row[0] == "1班")
    assert not any("名次" in str(head) for head in heads)


def test_a_release_s_workbooks_are_the_same_bytes(database: Database, tmp_path: Path) -> None:
    office = small_exam(database, tmp_path, [6, 7])
    first = [path.read_bytes() for path in books(office, read(office), tmp_path)]
    (tmp_path / "again").mkdir()
    assert first == [path.read_bytes() for path in books(office, read(office), tmp_path / "again")]


@pytest.mark.parametrize("sizes", [[1], [2, 3]])
def test_few_students_and_no_lines_still_make_a_report(
    database: Database, tmp_path: Path, sizes: Sequence[int]
) -> None:
    office = small_exam(database, tmp_path, sizes)
    district, *_ = books(office, read(office), tmp_path)
    assert "—" in words(district)
    assert "上线与临界生" not in cells(district)


def test_everyone_absent_and_no_items_make_a_report(database: Database, tmp_path: Path) -> None:
    office = exam_office(database, tmp_path)
    people = [student(f"9{at:02}", "S1", "名", **{"class": f"{at}班"}) for at in range(40)]
    give(office, "student", people, NOW)
    with office.database.read() as session:
        told = whole(session, findings(session, 1, exams(date(2026, 4, 22))), (None, utc(LATER)))
        write_school_workbook(tmp_path / "s.xlsx", school_view(session, told, "S1"))
    write_district_workbook(tmp_path / "d.xlsx", district_view(told))
    assert "缺考" in words(tmp_path / "s.xlsx")
    assert len(list(class_views(told, "S1"))) == 41


def test_an_exam_without_papers_has_only_notes(database: Database, tmp_path: Path) -> None:
    office = exam_office(database, tmp_path)
    give(office, "exam", [EXAM | {"code": "E2"}], NOW)
    with office.database.read() as session:
        told = whole(session, findings(session, 2, exams(date(2026, 4, 22))), (None, utc(LATER)))
        write_school_workbook(tmp_path / "s.xlsx", school_view(session, told, "S1"))
    write_district_workbook(tmp_path / "d.xlsx", district_view(told))
    assert list(cells(tmp_path / "s.xlsx")) == list(cells(tmp_path / "d.xlsx")) == ["说明"]
