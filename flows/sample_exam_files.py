"""The files of the made-up joint exam as schools send them: answers -> one file a school, each untidy in its own way.

S01 a csv in GB18030; S02 a workbook with a sheet a class; S03 a merged title and full-width digits; S04 six rows that
nobody can read or believe and one of another school; S05 a row twice; S06 absences in the mark column; S07 old headers.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import xlsxwriter

from flows.sample_exam_papers import ITEMS, KEY
from flows.sample_exams import EARLIER, EXAM, SEND, Answer, Candidate, Exams
from flows.sample_files import FULL_WIDTH, write_register_files
from rules.registers.marks import STATUS_NAMES

Grid = list[list[str]]

_MOST = max(map(len, ITEMS.values()))
HEADERS = ("考试", "考号", "科目", "状态", "成绩", *(f"第{n}题" for n in range(1, _MOST + 1)),
           *(f"选项{n}" for n in range(1, len(KEY) + 1)))  # fmt: skip
OLD_HEADERS = ("考试编号", "准考证号", "学科", "考试状态", "得分", *(f"t{n}" for n in range(1, _MOST + 1)),
               *(f"答案{n}" for n in range(1, len(KEY) + 1)))  # fmt: skip
_NUMBER, _SUBJECT, _STATUS, _MARK, _ITEM = range(1, 6)
MANGLED = "5.30111E+13"
BAD, STRANGE = 6, 1
"""Rows of S04 that are refused, and that are held out."""
RESCORED = (("S02", "英语", 8), ("S05", "英语", -3), ("S03", "化学", 6))
"""Whose papers are looked at again: school, subject, and by how much the doubled mark changes."""


def write_exam_registers(made: Exams, folder: Path) -> dict[str, Path]:
    """Write the registers that the district sends, by register, in the order in which they go in."""
    rows = made.rows()
    return {kind: write_register_files(made.made, kind, rows[kind], folder)[0] for kind in SEND}


def write_mark_files(made: Exams, folder: Path) -> dict[str, Path]:
    """Write a file of marks a school, by school."""
    folder.mkdir(parents=True, exist_ok=True)
    writers: dict[str, Callable[[Exams, list[Candidate], Path], Path]] = {
        "S01": _gb18030, "S02": _by_class, "S03": _full_width, "S04": _spoilt, "S05": _doubled,
        "S06": _said_in_marks, "S07": _old,
    }  # fmt: skip
    return {code: writers[code](made, of_school(made, code), folder) for code in made.schools}


def write_earlier_marks(made: Exams, folder: Path) -> Path:
    """Write the totals of the earlier exam, all schools in one file."""
    names = ("exam", "number", "school", "subject", "mark")
    rows = [[f"{row[name]:g}" if name == "mark" else str(row[name]) for name in names] for row in made.earlier]
    return _csv(folder / f"{EARLIER}.csv", [[*names], *rows])


def write_correction(made: Exams, folder: Path) -> Path:
    """Write the rows of S04 that came back, as they should have been."""
    rows = _rows(made, of_school(made, "S04"))
    return _csv(folder / "S04更正.csv", [[*HEADERS], *(rows[at] for at in bad_places(rows).values())])


def rescored(made: Exams) -> dict[tuple[str, str], int]:
    """The papers that are marked anew: doubled marks by number and subject."""
    found = {}
    for school, subject, change in RESCORED:
        verified = [one.number for one in of_school(made, school) if one.verified]
        marks = ((number, made.answers.get((number, subject), Answer("absent")).mark) for number in verified)
        number, mark = next((number, mark) for number, mark in marks if mark is not None and 80 < mark < 180)
        found[number, subject] = mark + change
    return found


def write_rescore(made: Exams, folder: Path) -> Path:
    """Write the file of what was marked anew 复核."""
    rows = [[EXAM, n, f"S{n[2:4]}", subject, f"{mark / 2:g}"] for (n, subject), mark in rescored(made).items()]
    return _csv(folder / "复核更正.csv", [["考试", "考号", "学校", "科目", "成绩"], *rows])


def of_school(made: Exams, code: str) -> list[Candidate]:
    """The candidates of a school."""
    return [one for one in made.candidates if one.school == code]


def bad_places(rows: Grid) -> dict[str, int]:
    """The rows of a school that are spoilt, by what happens to them."""
    where = {"over": "英语", "item": "数学", "sum": "物理", "words": "语文", "number": "语文", "finer": "英语"}
    found: dict[str, int] = {}
    for place, (what, subject) in enumerate(where.items()):
        mine = [at for at, row in enumerate(rows) if row[_SUBJECT] == subject and row[_MARK]]
        fit = [at for at in mine if at not in found.values()]
        found[what] = fit[min(3 * place, len(fit) - 1)]
    return found


def _rows(made: Exams, some: Iterable[Candidate]) -> Grid:
    return [_row(one.number, name, made.answers[one.number, name]) for one in some for name in one.subjects]


def _row(number: str, subject: str, said: Answer) -> list[str]:
    items = [f"{each / 2:g}" for each in said.items]
    status = "" if said.status == "valid" else STATUS_NAMES[said.status]
    mark = "" if said.mark is None else f"{said.mark / 2:g}"
    blanks = [""] * (_MOST - len(items))
    options = [*said.options] or [""] * len(KEY)
    return [EXAM, number, subject, status, mark, *items, *blanks, *options]


def _gb18030(made: Exams, some: list[Candidate], folder: Path) -> Path:
    return _csv(folder / "S01.csv", [[*HEADERS], *_rows(made, some)], "gb18030")


def _by_class(made: Exams, some: list[Candidate], folder: Path) -> Path:
    sheets = {name: _rows(made, mine) for name, mine in groupby(some, lambda one: one.class_name)}
    return _workbook(folder / "S02.xlsx", {name: [[*HEADERS], *rows] for name, rows in sheets.items()})


def _full_width(made: Exams, some: list[Candidate], folder: Path) -> Path:
    rows = [[row[0], *(each.translate(FULL_WIDTH) for each in row[1:])] for row in _rows(made, some)]
    return _workbook(folder / "S03.xlsx", {"成绩": [[*HEADERS], *rows]}, title=f"{made.schools['S03']}期中联考成绩表")


def _spoilt(made: Exams, some: list[Candidate], folder: Path) -> Path:
    rows = _rows(made, some)
    places = bad_places(rows)
    rows[places["over"]][_MARK] = "165"
    rows[places["item"]][_ITEM] = "9"
    for what in ("item", "sum"):
        row = rows[places[what]]
        row[_MARK] = f"{sum(float(each or 0) for each in row[_ITEM : _ITEM + _MOST]) + (what == 'sum'):g}"
    rows[places["words"]][_MARK] = "一百二十几"
    rows[places["number"]][_NUMBER] = MANGLED
    rows[places["finer"]][_MARK] = "88.25"
    guest = next(one for one in of_school(made, "S05") if made.answers[one.number, "语文"].status == "valid")
    return _workbook(folder / "S04.xlsx", {"Sheet1": [[*HEADERS], *rows, _rows(made, [guest])[0]]})


def _doubled(made: Exams, some: list[Candidate], folder: Path) -> Path:
    rows = _rows(made, some)
    return _csv(folder / "S05.csv", [[*HEADERS], *rows, rows[len(rows) // 2]])


def _said_in_marks(made: Exams, some: list[Candidate], folder: Path) -> Path:
    rows = [[*row[:_STATUS], "", row[_STATUS] or row[_MARK], *row[_ITEM:]] for row in _rows(made, some)]
    return _workbook(folder / "S06.xlsx", {"高二": [[*HEADERS], *rows]})


def _old(made: Exams, some: list[Candidate], folder: Path) -> Path:
    return _csv(folder / "S07.csv", [[*OLD_HEADERS], *_rows(made, some)])


def _csv(path: Path, grid: Sequence[Sequence[str]], encoding: str = "utf-8-sig") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(grid)
    return path


def _workbook(path: Path, sheets: dict[str, Grid], title: str = "") -> Path:
    """Write cells as numbers where clerks have numbers, but for exam numbers; the same sample gives the same bytes."""
    with xlsxwriter.Workbook(str(path), {"constant_memory": not title}) as book:
        book.set_properties({"created": datetime(2026, 1, 1, tzinfo=UTC)})
        for name, grid in sheets.items():
            sheet = book.add_worksheet(name)
            if title:
                sheet.merge_range(0, 0, 1, len(grid[0]) - 1, title)
            for at, row in enumerate(grid, 2 if title else 0):
                for column, cell in enumerate(row):
                    if cell:
                        sheet.write(at, column, _typed(column, cell))
    return path


def _typed(column: int, cell: str) -> Any:
    number = column >= _MARK and cell.isascii() and cell.replace(".", "", 1).isdecimal()
    return float(cell) if number else cell
