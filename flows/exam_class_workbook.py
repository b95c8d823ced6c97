"""Items for the teachers of a class: class views -> one workbook, a sheet for each paper; no student in it."""

from pathlib import Path

import polars as pl

from flows.duty_sheets import tab_names
from flows.exam_sheets import Column, exam_book, explain, stand, table
from models.exam_view_items import ClassView
from rules.errors import say


def write_class_workbook(path: Path, view: ClassView) -> None:
    """Write the items of a class.

    Args:
        path: of the .xlsx; written as a whole or not at all.
        view: what its teachers may see.
    """
    label = f"{view.school} {view.class_}".strip()
    title = say(f"{label}：小题分析", f"{label}: items")
    with exam_book(path, view.heading) as (book, looks):
        more = [
            say(
                "供任课教师改进教学使用；不含学生姓名与考号。校、联考一栏在其余人数过少时不显示。",
                "for teachers; no student is named. School and joint are hidden where few others are left.",
            )
        ]
        explain(book, looks, view.heading, title, more)
        subjects = view.items["subject"].unique(maintain_order=True).to_list()
        note = say(
            "难度越大越易；空白不计入该题人数；区分度为联考口径。",
            "a larger difficulty is easier; blanks are not in n.",
        )
        for subject, tab in zip(subjects, tab_names([(each, "") for each in subjects]), strict=True):
            rows = view.items.filter(pl.col("subject") == subject)
            table(book.add_worksheet(tab), looks, (f"{title} · {subject}", stand(view.heading), note), _columns(), rows)


def _columns() -> list[Column]:
    return [
        Column(say("题号", "Item"), "item", width=9),
        Column(say("知识点", "Point"), "point", width=26),
        Column(say("满分", "Full"), "full", "mark"),
        Column(say("有效人数", "n"), "n", "count"),
        Column(say("平均得分", "Mean"), "mean", "mean"),
        Column(say("本班难度", "Class"), "difficulty", "rate", 14, bar=True),
        Column(say("本校难度", "School"), "school_difficulty", "rate", 14, bar=True),
        Column(say("联考难度", "Joint"), "joint_difficulty", "rate", 14, bar=True),
        Column(say("区分度", "D"), "discrimination", "share"),
        Column(say("空白人数", "Blank"), "blank", "count"),
        Column(say("选项人数", "Options"), "options", width=28),
    ]
