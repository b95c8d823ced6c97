"""A school's report: its view -> 说明, 学生成绩, 本校与联考, 分布, 四分位, 薄弱点, 上线, 临界生, 更正.

Students stand by class and number, and no rank is anywhere: 未成年人学校保护规定 forbids publishing marks and ranks.
"""

from pathlib import Path

import polars as pl
from xlsxwriter import Workbook

from flows.duty_sheets import Looks
from flows.exam_charts import NUMBERS, boxes, chart_page, histograms, lay, lay_wide
from flows.exam_notes import explain
from flows.exam_school_tables import figures, guide, others, rest
from flows.exam_sheets import STRONG, Column, Titles, Told, exam_book, named, ordered, stand, table
from flows.exam_students_sheet import write_students
from models.exam_views import SchoolView
from rules.errors import say
from rules.exams import TOTAL


def write_school_workbook(path: Path, view: SchoolView) -> None:
    """Write a school's report.

    Args:
        path: of the .xlsx; written as a whole or not at all.
        view: what the school may see.
    """
    with exam_book(path, view.heading) as (book, looks):
        if not view.own.is_empty():
            _sheets(book, looks, view)
        title = say(f"{view.name}：成绩分析", f"{view.name}: results")
        explain(book, looks, view.heading, title, _notes(), guide())


def _sheets(book: Workbook, looks: Looks, view: SchoolView) -> None:
    name = say("学生成绩", "Students")
    note = say(
        "按班级、考号排列，不排名次；空白为未选考或免考。内含个人成绩，请勿张贴或转发。",
        "By class and number; no ranks. Do not post or pass on.",
    )
    write_students(book.add_worksheet(name), looks, _titles(view, name, note), view.students)
    _sheet(book, looks, view, figures(view))
    _sheet(book, looks, view, others(view))
    _distribution(book, looks, view)
    _quartiles(book, looks, view)
    for told in rest(view):
        _sheet(book, looks, view, told)


def _sheet(book: Workbook, looks: Looks, view: SchoolView, told: Told) -> None:
    if not told.rows.is_empty():
        table(book.add_worksheet(told.name), looks, _titles(view, told.name, told.note), told.columns, told.rows)


def _titles(view: SchoolView, name: str, note: str) -> Titles:
    return Titles(f"{name} · {view.name} · {view.heading.name}", stand(view.heading), note)


def _notes() -> list[str]:
    return [
        say(
            "仅供本校使用。按我们对《未成年人学校保护规定》的理解，不得公布学生成绩与名次："
            "本表按班级、考号排列，不设名次栏，请勿张贴或转发。",
            "For this school only. Marks and ranks of minors must not be published: "
            "by class and number, no ranks; do not post or pass on.",
        ),
        say(
            "百分位按联考计，四舍五入到1、2、5、10或25个百分点，使他校学生不能逐一数出；"
            "他校以甲校、乙校等代称，只给平均分与整数比率，不给人数。",
            "Percentiles are joint, rounded so that others cannot be counted one by one; "
            "other schools are letters, without n.",
        ),
        say(
            "只有一所其他学校时不列代称；他校人数过少时联考数不显示。",
            "With one other school there are no letters; joint is hidden if others are few.",
        ),
    ]


def _distribution(book: Workbook, looks: Looks, view: SchoolView) -> None:
    """Draw the school's own tenths of full marks, a chart a subject."""
    rows = named(ordered(view.tenths, "band")).with_columns(
        pl.format("{}–{}%", "band", pl.col("band") + 10).alias("label")
    )
    columns = [Column(say("学科", "Subject"), "subject"), Column(say("满分比", "Of full"), "label")]
    columns.append(Column(say("人数", "n"), "n", "count"))
    name = say("分布", "Distribution")
    note = say("本校有效考生，按占满分的比例每10%一段。", "The school's valid results, by tenths of full marks.")
    sheet, row = chart_page(book, looks, name, _titles(view, name, note), (columns, rows))
    lay(sheet, histograms(book, sheet, row, rows))


def _quartiles(book: Workbook, looks: Looks, view: SchoolView) -> None:
    """Draw the school's quartiles beside the joint ones: a page of the subjects, a page of the totals."""
    total = pl.col("subject") == TOTAL
    words = {"own": say("本校", "own"), "joint": say("联考", "joint")}
    rows = ordered(view.quartiles.drop_nulls("p50"), pl.col("who") == "joint").with_columns(total.alias("_total"))
    rows = named(rows).with_columns((pl.col("who") == "joint").alias(STRONG))
    rows = rows.sort("_total", maintain_order=True).with_columns(
        (pl.col("subject") + " " + pl.col("who").replace(words)).alias("label"),
        (pl.col("p50") - pl.col("p25")).alias("lower"),
        (pl.col("p75") - pl.col("p50")).alias("upper"),
    )
    if rows.is_empty():
        return
    heads = {"label": say("学科", "Subject"), "p25": "P25", "lower": say("至中位数", "to median")}
    heads |= {"upper": say("至P75", "to P75"), "p50": say("中位数", "median"), "p75": "P75"}
    columns = [Column(head, each, "text" if each == "label" else "mark") for each, head in heads.items()]
    few = 4 * view.heading.smallest
    note = say(
        f"横条为中间一半学生：蓝色P25至中位数，绿色中位数至P75；深色为联考（他校不足{few}人时不显示）。",
        f"The middle half: blue P25 to median, green on to P75; joint is dark (hidden if others are below {few}).",
    )
    name = say("四分位", "Quartiles")
    sheet, row = chart_page(book, looks, name, _titles(view, name, note), (columns, rows))
    charts = []
    for part in rows.partition_by("_total", maintain_order=True):
        span = row, row + part.height - 1
        title = say("总分", "Totals") if part["_total"][0] else say("各科", "Subjects")
        charts.append(boxes(book, sheet, span, NUMBERS, title, part))
        row += part.height
    lay_wide(sheet, charts, [part.height for part in rows.partition_by("_total", maintain_order=True)])
