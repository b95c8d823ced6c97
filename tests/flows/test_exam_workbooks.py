"""The three workbooks of an exam, read back: what is in them, what is not, what is drawn, the same bytes every time."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from flows.exam_class_workbook import write_class_workbook
from flows.exam_district_workbook import write_district_workbook
from flows.exam_school_workbook import write_school_workbook
from models.db import Database
from models.exam_view_district import district_view
from models.exam_view_items import class_view, class_views
from models.exam_views import SchoolView, school_view
from models.exam_whole import AskedLine, Whole
from rules.exams import ABSENT, VALID
from rules.exams_policy import Lines
from tests.flows.exams import NOW, give, student
from tests.flows.exams_made import LINES, made_exam
from tests.models.test_exam_views import read, small_exam

VALUES = re.compile(r"<c:val>.*?<c:f>'?([^'!]+)'?!\$(\w+)\$(\d+):\$\w+\$(\d+)")
"""The cells that a series of a chart reads: sheet, column, first and last row."""
Cells = dict[str, list[list[Any]]]


class Keys:
    """Stands in for the keys of a district where there is no database."""

    def blind(self, kind: str, text: str) -> str:
        return f"{kind}{text[::-1]}"


@pytest.fixture(scope="module", autouse=True)
def _without_database() -> Iterator[None]:
    """Made-up exams have no names to open."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.exam_views.keys_of", lambda session: Keys() if session is None else keys_of(session))
        yield


def keys_of(session: Any) -> Any:
    from models.db import keys_of as real  # noqa: PLC0415 - the one that is patched above

    return real(session)


def view_of(told: Whole, code: str) -> SchoolView:
    """A school's view of a made-up exam: its students have numbers for names."""
    with pytest.MonkeyPatch.context() as patch:
        numbers = dict(told.found.entered.students.select("student", "number").iter_rows())
        patch.setattr("models.exam_views._names", lambda *_: {at: f"名{number}" for at, number in numbers.items()})
        return school_view(None, told, code)  # type: ignore[arg-type]


def written(told: Whole, folder: Path) -> tuple[Path, Path, Path]:
    """Write all three for S1."""
    paths = folder / "district.xlsx", folder / "school.xlsx", folder / "class.xlsx"
    write_district_workbook(paths[0], district_view(told))
    write_school_workbook(paths[1], view_of(told, "S1"))
    write_class_workbook(paths[2], class_view(told, "S1", told.found.entered.classes["class"][0]))
    return paths


def cells(path: Path) -> Cells:
    """Read every sheet back."""
    book = CalamineWorkbook.from_path(path)
    return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}


def words(path: Path) -> set[str]:
    return {str(cell) for rows in cells(path).values() for row in rows for cell in row}


def body(sheet: list[list[Any]], head: int = 2) -> list[dict[str, Any]]:
    """The rows of a table under its heads."""
    return [dict(zip(map(str, sheet[head]), row, strict=True)) for row in sheet[head + 1 :]]


@pytest.fixture(scope="module")
def told() -> Whole:
    return made_exam([60, 52, 48], classes=4, version=2)


@pytest.fixture(scope="module")
def books(told: Whole, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    return written(told, tmp_path_factory.mktemp("books"))


@pytest.fixture(scope="module")
def district(books: tuple[Path, Path, Path]) -> Cells:
    return cells(books[0])


@pytest.fixture(scope="module")
def school(books: tuple[Path, Path, Path]) -> Cells:
    return cells(books[1])


def test_totals_are_of_one_track(told: Whole, district: Cells) -> None:
    totals, track = told.found.sheets[-1], told.found.entered.track
    figures = body(district["一分三率"])
    for name, code in (("物理类", 1), ("历史类", 2)):
        n = int((totals.valid & (track == code)).sum())
        (joint,) = (row for row in figures if row["学科"] == f"总分 {name}" and row["学校"] == "联考")
        assert joint["有效"] == n
        blocks = [row[at : at + 3] for row in district[f"一分段表 总分 {name}"][3:] for at in range(0, len(row), 4)]
        assert sum(n or 0 for _, n, *_ in blocks) == n
        lowest = min((block for block in blocks if block[2] != ""), key=lambda block: block[0])
        assert lowest[2] == n  # everybody has the lowest total or more


def test_marks_one_by_one_stand_beside_their_subjects(told: Whole, district: Cells) -> None:
    sheet = district["一分段表"]
    assert sheet[2][1::2] == ["语文", "数学", "英语", "物理", "历史", "化学", "生物", "政治", "地理"]
    assert [sum(row[at] or 0 for row in sheet[4:]) for at in (1, 3)] == [int(told.found.sheets[at].valid.sum()) for at in (0, 1)]  # fmt: skip # noqa: E501


def test_value_added_of_all_schools_weighs_nothing(district: Cells, school: Cells) -> None:
    """The residuals of a least-squares line add up to 0, so the schools' means do, weighted by their students."""
    rows = body(district["进退与增值"])
    assert [row["学校"] for row in rows] == ["云山中学", "滇池中学", "翠湖中学"]
    assert sum(row["有效"] * row["增值"] for row in rows) == pytest.approx(0, abs=1e-6)
    assert body(school["增值"])[0]["增值（百分位）"] == pytest.approx(rows[0]["增值"])
    assert any("进退" in str(head) for head in school["学生成绩"][3])


def test_a_second_release_tells_what_was_rescored(told: Whole, district: Cells, school: Cells, tmp_path: Path) -> None:
    (own,) = (row for row in body(district["与上次发布相比"]) if row["变动"] == "本人更正" and row["学科"] == "数学")
    assert (own["学校"], own["条数"]) == ("云山中学", 2)
    rows = [row for row in body(school["更正"]) if row["学科"] == "数学"]
    assert [row["现分"] - row["原分"] for row in rows] == [6, 6]
    write_school_workbook(tmp_path / "other.xlsx", view_of(told, "S2"))
    assert "更正" not in cells(tmp_path / "other.xlsx")


def test_students_stand_with_scaled_marks_and_why_there_is_no_mark(told: Whole, school: Cells) -> None:
    subjects, heads, *rows = school["学生成绩"][2:]
    at = subjects.index("化学")
    assert heads[at : at + 4] == ["分数", "赋分", "百分位", "T"]
    chemistry = next(sheet for sheet in told.found.sheets if sheet.subject == "化学")
    numbers = told.found.entered.students["number"].to_list()
    assert chemistry.scaled is not None
    for row in rows:
        place = numbers.index(row[1])
        if chemistry.status[place] == VALID:
            assert row[at : at + 2] == [chemistry.mark[place] / 2, chemistry.scaled[place]]
        else:
            assert row[at : at + 2] == ["缺考" if chemistry.status[place] == ABSENT else "", ""]


def test_other_schools_are_letters_with_whole_percents(school: Cells) -> None:
    rows = body(school["他校代称"])
    assert {row["学校"] for row in rows} <= {"甲校", "乙校"}
    rates = [row[name] for row in rows for name in ("优秀率", "及格率", "低分率") if row[name] != "—"]
    assert rates
    assert all(100 * rate == pytest.approx(round(100 * rate)) for rate in rates)


def test_borderline_students_are_up_to_ten_below_their_line(told: Whole, school: Cells) -> None:
    lines = {({"physics": "物理类", "history": "历史类"}[each.track], each.name): each.mark or 0 for each in LINES}
    rows = body(school["临界生"])
    assert rows
    for row in rows:
        line = lines[row["类别"], row["上线"]]
        assert line - 10 <= row["总分"] < line
        assert row["差几分"] == line - row["总分"]
    totals, ours = told.found.sheets[-1], told.of_school("S1")
    there = [
        ((totals.mark >= 2 * (mark - 10)) & (totals.mark < 2 * mark) & totals.valid & ours & (told.found.entered.track == at)).sum()  # noqa: E501
        for (track, _), mark in lines.items() for at in [["", "物理类", "历史类"].index(track)]
    ]  # fmt: skip
    assert len(rows) == sum(there)


def test_options_are_counted_for_the_class(books: tuple[Path, Path, Path]) -> None:
    rows = body(cells(books[2])["数学"])
    assert [row["题号"] for row in rows] == [str(at) for at in range(1, 17)]
    for row in rows[:12]:
        assert sum(map(int, re.findall(r"[A-D] (\d+)", row["选项人数"]))) == row["有效人数"]
    assert rows[15]["选项人数"] == ""
    assert rows[15]["有效人数"] + rows[15]["空白人数"] == rows[0]["有效人数"]


def test_charts_are_there_and_read_cells_that_hold_numbers(books: tuple[Path, Path, Path]) -> None:
    counts = []
    for path in books:
        sheets = cells(path)
        with ZipFile(path) as parts:
            charts = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/charts/chart")]
        counts.append(len(charts))
        for chart in charts:
            for sheet, column, first, last in re.findall(
                r"<c:val>.*?<c:f>'?([^'!]+)'?!\$(\w+)\$(\d+):\$\w+\$(\d+)", chart
            ):
                at = sum((ord(letter) - 64) * 26**power for power, letter in enumerate(reversed(column))) - 1
                values = [sheets[sheet][row][at] for row in range(int(first) - 1, int(last))]
                assert all(isinstance(value, float | int) or value == "—" for value in values)
                assert any(isinstance(value, float | int) for value in values)
    assert counts == [11 + 11 + 3, 11 + 2, 3]  # 9 subjects and 2 tracks; 3 papers have items


def test_forty_classes_stand_in_the_order_people_count(tmp_path: Path) -> None:
    path = tmp_path / "s.xlsx"
    told = made_exam([160, 20], classes=40)
    write_school_workbook(path, view_of(told, "S1"))
    classes = list(dict.fromkeys(row[0] for row in cells(path)["学生成绩"][4:]))
    assert classes == [f"高二{at}班" for at in range(1, 41)]
    with ZipFile(path) as parts:
        assert 'rowBreaks count="39"' in parts.read("xl/worksheets/sheet2.xml").decode()
    assert len(list(class_views(told, "S1"))) == 40


def test_the_notes_state_the_policy_and_every_sheet(told: Whole, district: Cells, tmp_path: Path) -> None:
    notes = {row[0] for row in district["说明"]}
    assert set(district) - {"说明"} <= notes
    assert any("优秀率≥80%" in str(cell) for row in district["说明"] for cell in row)
    other = replace(told, heading=replace(told.heading, lines=Lines(85, 65, 45), borderline=7))
    write_district_workbook(tmp_path / "d.xlsx", district_view(other))
    found = " ".join(words(tmp_path / "d.xlsx"))
    assert "优秀率≥85%、及格率≥65%、低分率<45%" in found
    assert "低于线7分以内" in found


def test_workbooks_show_each_reader_what_is_theirs(database: Database, tmp_path: Path) -> None:
    office = small_exam(database, tmp_path, [24, 30, 40])
    give(office, "student", [student("1900", "S1", "=1+1", **{"class": "1班"})], NOW)
    told = read(office, [AskedLine("none", "本科线", mark=130)])
    district, school, items = (tmp_path / f"{name}.xlsx" for name in ("district", "school", "class"))
    with office.database.read() as session:
        write_school_workbook(school, school_view(session, told, "S1"))
    write_district_workbook(district, district_view(told))
    write_class_workbook(items, class_view(told, "S1", "1班"))
    numbers = set(told.found.entered.students["number"])
    assert not words(district) & numbers
    assert not words(items) & numbers
    own = set(told.found.entered.students.filter(pl.col("school") == "S1")["number"])
    assert words(school) & numbers == own
    assert not words(school) & {"第二中学", "第2中学", "第3中学", "S2", "S3"}
    assert "'=1+1" in words(school)
    assert {"一分三率", "一分段表", "一分段表 总分", "四分位", "上线与临界生", "有效分", "信度", "小题"} <= set(
        cells(district)
    )
    assert {"学生成绩", "一分三率", "他校代称", "分布", "上线"} <= set(cells(school))
    _, heads, *rows = cells(school)["学生成绩"][2:]
    assert [row[1] for row in rows if row[0] == "1班"] == sorted(row[1] for row in rows if row[0] == "1班")
    assert not any("名次" in str(head) for head in heads)


def test_a_release_s_workbooks_are_the_same_bytes(told: Whole, books: tuple[Path, ...], tmp_path: Path) -> None:
    assert [path.read_bytes() for path in books] == [path.read_bytes() for path in written(told, tmp_path)]


@pytest.mark.parametrize("sizes", [[1], [2, 3]])
def test_few_students_still_make_a_report(tmp_path: Path, sizes: Sequence[int]) -> None:
    told = made_exam(sizes, classes=1)
    district, *_ = written(replace(told, asked=[], answers=[]), tmp_path)
    assert "—" in words(district)
    assert not {"上线与临界生", "小题"} & set(cells(district))


def test_everyone_absent_and_no_papers_make_a_report(told: Whole, tmp_path: Path) -> None:
    gone = [
        replace(sheet, status=np.full_like(sheet.status, ABSENT), mark=np.zeros_like(sheet.mark), scaled=None)
        for sheet in told.found.sheets
    ]
    absent = replace(told, found=replace(told.found, sheets=gone), changes=None, before=None, answers=[])
    assert "缺考" in words(written(absent, tmp_path)[1])
    none = replace(told, found=replace(told.found, sheets=[]), changes=None, before=None, answers=[])
    district, school, _ = written(none, tmp_path)
    assert list(cells(district)) == list(cells(school)) == ["说明"]
