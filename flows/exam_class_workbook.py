"""Items for the teachers of a class: a view -> one workbook, a sheet with a chart a paper; no student is in it."""

from pathlib import Path
from typing import Any

import polars as pl
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from flows.duty_sheets import tab_names
from flows.exam_charts import BLUE, CORAL, axis, cells, finish
from flows.exam_notes import explain
from flows.exam_sheets import Column, Titles, exam_book, stand, table
from flows.forms_rows import ACCENT, SHADE
from models.exam_view_items import ClassView
from rules.errors import say
from rules.exams_subjects import in_order


def write_class_workbook(path: Path, view: ClassView) -> None:
    """Write the items of a class.

    Args:
        path: of the .xlsx; written as a whole or not at all.
        view: what its teachers may see.
    """
    label = f"{view.school} {view.class_}".strip()
    title = say(f"{label}：小题分析", f"{label}: items")
    subjects = in_order(view.items["subject"])
    tabs = tab_names([(each, "") for each in subjects])
    with exam_book(path, view.heading) as (book, looks):
        note = say(
            "难度越大越易；空白不计入该题人数；区分度为联考口径。先看本班低于联考的题。",
            "a larger difficulty is easier; blanks are not in n. Look first where the class is below joint.",
        )
        for subject, tab in zip(subjects, tabs, strict=True):
            rows = view.items.filter(pl.col("subject") == subject)
            sheet = book.add_worksheet(tab)
            titles = Titles(f"{subject} · {title}", stand(view.heading), note)
            _chart(book, sheet, table(sheet, looks, titles, _columns(), rows))
        more = say(
            "供任课教师改进教学使用；不含学生姓名与考号。校、联考一栏在其余人数过少时不显示。",
            "for teachers; no student is named. School and joint are hidden where few others are left.",
        )
        what = say("逐题得分、难度与选项人数；图中本班柱低于联考点的题先讲评。", "Go over first where bars are below.")
        explain(book, looks, view.heading, title, [more], dict.fromkeys(tabs, what))


def _columns() -> list[Column]:
    return [
        Column(say("题号", "Item"), "item", width=8),
        Column(say("知识点", "Point"), "point", width=22),
        Column(say("满分", "Full"), "full", "mark", 7),
        Column(say("有效人数", "n"), "n", "count", 9),
        Column(say("平均得分", "Mean"), "mean", "mean", 9),
        Column(say("本班难度", "Class"), "difficulty", "rate", 12, bar=True),
        Column(say("本校难度", "School"), "school_difficulty", "rate", 12, bar=True),
        Column(say("联考难度", "Joint"), "joint_difficulty", "rate", 12, bar=True),
        Column(say("区分度", "D"), "discrimination", "share", 8),
        Column(say("空白人数", "Blank"), "blank", "count", 9),
        Column(say("选项人数", "Options"), "options", width=28),
    ]


def _chart(book: Workbook, sheet: Worksheet, rows: tuple[int, int]) -> None:
    """Draw the class as columns and the joint exam as a line of dots over them, under the table."""
    chart: Any = book.add_chart({"type": "column"})
    names = cells(sheet, rows, 0)
    own = {"name": say("本班", "class"), "categories": names, "values": cells(sheet, rows, 5)}
    chart.add_series({**own, "fill": {"color": BLUE}, "gap": 60})
    dots: Any = book.add_chart({"type": "line"})
    marker = {"type": "diamond", "size": 7, "fill": {"color": CORAL}, "border": {"color": CORAL}}
    joint = {"name": say("联考", "joint"), "categories": names, "values": cells(sheet, rows, 7)}
    dots.add_series({**joint, "line": {"none": True}, "marker": marker})
    chart.combine(dots)
    finish(chart, say("各题难度（得分率）", "Difficulty by item"), ("", ""), legend=True)
    chart.set_x_axis(axis(say("题号", "item"), line={"color": ACCENT}))
    grid = {"visible": True, "line": {"color": SHADE}}
    chart.set_y_axis(axis("", min=0, max=1, num_format="0%", line={"none": True}, major_gridlines=grid))
    chart.set_size({"width": 980, "height": 260})
    sheet.insert_chart(rows[1] + 2, 0, chart, {"object_position": 2})
