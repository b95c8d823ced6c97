"""学生成绩: a school's students by class and number -> a line each, a group of columns a subject.

Printed, each class begins a page of its own, to be handed to its teacher alone, and no subject is cut in two.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from xlsxwriter.worksheet import Worksheet

from flows.duty_sheets import Looks, put
from flows.exam_columns import person
from flows.exam_sheets import HEAD, HEAD_LOOK, Column, Titles, natural, piece, subject_name, top, track_name
from flows.forms_rows import ACCENT, LINE, page
from rules.errors import say
from rules.exams import TOTAL
from rules.exams_subjects import in_order
from rules.registers.marks import STATUS_NAMES

PAGE = 800
"""Pixels across A4 at 100 %, within our margins; a quarter is kept, as columns are wider where our font is missing."""
SMALLEST = 60
"""Percent: smaller print is not read with ease."""


def write_students(sheet: Worksheet, looks: Looks, titles: Titles, students: pl.DataFrame) -> None:
    """Write marks, percentiles and T; where there is no mark it says why, and a paper not taken is blank.

    Args:
        sheet: an empty one.
        looks: formats.
        titles: above it.
        students: of a school's view.
    """
    page(sheet, header_row=HEAD + 1)
    top(sheet, looks, titles)
    who, groups = _who(students), _groups(students)
    columns = [*who, *(each for group in groups.values() for each in group)]
    for at, each in enumerate(columns):
        sheet.set_column(at, at, each.width)
    heads = [(len(group), subject_name(subject), HEAD_LOOK | _edge(0)) for subject, group in groups.items()]
    put(sheet, HEAD, 0, [*((1, "", HEAD_LOOK) for _ in who), *heads], looks)
    put(sheet, HEAD + 1, 0, [(1, each.head, HEAD_LOOK) for each in columns], looks)
    before, breaks = None, list[int]()
    for row, line in enumerate(_lines(students.sort(natural("class"), "number", maintain_order=True)), start=HEAD + 2):
        class_ = line[None]["class"]
        new = before not in {None, class_}
        breaks += [row] if new else []
        apart = {"top": 1, "top_color": ACCENT} if new else {}
        cells = [piece(line[None][each.name], each, apart) for each in who]
        for subject, group in groups.items():
            told = line.get(subject)
            cells += [piece(_value(told, each), each, apart | _edge(at)) for at, each in enumerate(group)]
        put(sheet, row, 0, cells, looks)
        before = class_
    sheet.freeze_panes(HEAD + 2, len(who))
    sheet.set_h_pagebreaks(breaks)
    _print(sheet, who, list(groups.values()))


def _who(students: pl.DataFrame) -> list[Column]:
    tracks = [] if set(students["track"]) <= {"none"} else [Column(say("类别", "Track"), "track", width=7)]
    return [*person(), *tracks]


def _groups(students: pl.DataFrame) -> dict[str, list[Column]]:
    """The columns of each subject, the total first; scaled marks and changes only where there are any."""
    subjects = in_order(students["subject"])
    found: dict[str, list[Column]] = {}
    for subject in sorted(subjects, key=lambda each: each != TOTAL):
        of = students.filter(pl.col("subject") == subject)
        columns = [Column(say("分数", "mark"), "mark", "mark", 7)]
        if of["scaled"].count():
            columns.append(Column(say("赋分", "scaled"), "scaled", "count", 6))
        columns += [Column(say("百分位", "pct."), "percentile", "count", 7), Column("T", "t", "mark", 6)]
        if of["change"].count():
            columns.append(Column(say("进退", "change"), "change", "signed", 7))
        found[subject] = columns
    return found


def _lines(students: pl.DataFrame) -> Iterator[dict[str | None, dict[str, Any]]]:
    """Yield each student's rows by subject, and under None who it is."""
    line: dict[str | None, dict[str, Any]] = {}
    for row in students.iter_rows(named=True):
        if line and line[None]["number"] != row["number"]:
            yield line
            line = {}
        line.setdefault(None, row | {"track": track_name(row["track"])})
        line[row["subject"]] = row
    if line:
        yield line


def _value(told: Mapping[str, Any] | None, column: Column) -> Any:
    """What stands in a cell: why there is no mark in the place of the mark, nothing in those of its figures."""
    if told is None or told["mark"] is None:
        return _why(told) if column.name == "mark" else ""
    if column.name == "change" and told["change"] is None:
        return ""
    return told[column.name]


def _why(told: Mapping[str, Any] | None) -> str:
    if told is None or (told["status"] == "exempt" and told["track"] != "none"):
        return ""
    words = {"held": ("待核", "held")} | {name: (zh, name) for name, zh in STATUS_NAMES.items()}
    return say(*words[told["status"]])


def _edge(at: int) -> dict[str, Any]:
    return {} if at else {"left": 1, "left_color": LINE}


def _print(sheet: Worksheet, who: Sequence[Column], groups: Sequence[Sequence[Column]]) -> None:
    """Print who it is on every page and whole subjects only, on as few pages across as can be read."""
    ids, wide = _pixels(who), [_pixels(group) for group in groups]
    room = PAGE * 100 // SMALLEST - ids
    pages = max(-(-sum(wide) // room), 1)
    breaks, at, used, widest = list[int](), len(who), 0, 0
    for width, group in zip(wide, groups, strict=True):
        if len(breaks) < pages - 1 and used and used + width / 2 > sum(wide) / pages:
            breaks.append(at)
            used = 0
        used += width
        at += len(group)
        widest = max(widest, used)
    sheet.set_print_scale(max(min(100 * PAGE // (widest + ids) - 2, 100), 40))
    sheet.set_v_pagebreaks(breaks)
    sheet.repeat_columns(0, len(who) - 1)


def _pixels(columns: Sequence[Column]) -> int:
    return sum(int(each.width * 7 + 5) for each in columns)
