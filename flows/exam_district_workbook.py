"""The district's report: its view -> figures, marks one by one, distribution, quartiles, lines, items, weak points.

No student is in it, and small groups are hidden: it is passed on inside the district.
"""

from pathlib import Path

import polars as pl
from xlsxwriter import Workbook

from flows.duty_sheets import Looks
from flows.exam_charts import NUMBERS, boxes, chart_page, histograms, item_map, lay
from flows.exam_district_tables import figures, guide, items, quartiles, rest
from flows.exam_notes import explain
from flows.exam_segments import band_rows, subject_segments, total_segments
from flows.exam_sheets import Column, Titles, Told, exam_book, stand, table
from models.exam_view_district import DistrictView
from rules.errors import say


def write_district_workbook(path: Path, view: DistrictView) -> None:
    """Write the district's report.

    Args:
        path: of the .xlsx; written as a whole or not at all.
        view: what the district's report may show.
    """
    with exam_book(path, view.heading) as (book, looks):
        if not view.figures.is_empty():
            _sheets(book, looks, view)
        more = say(
            "供教育体育局与教研部门使用；不含学生；学校按编号排列，不是名次。",
            "For the district; no students; schools by code, not by rank.",
        )
        title = say(f"{view.heading.name}：联考分析", f"{view.heading.name}: joint report")
        explain(book, looks, view.heading, title, [more], guide())


def _sheets(book: Workbook, looks: Looks, view: DistrictView) -> None:
    _sheet(book, looks, view, figures(view))
    if not view.segments.is_empty():
        _distribution(book, looks, view)
        subject_segments(book, looks, stand(view.heading), view.segments)
        total_segments(book, looks, stand(view.heading), view.segments)
    _quartiles(book, looks, view)
    _sheet(book, looks, view, quartiles(view))
    for told in rest(view):
        _sheet(book, looks, view, told)
    if not view.items.is_empty():
        _sheet(book, looks, view, items(view))
        _items(book, looks, view)


def _sheet(book: Workbook, looks: Looks, view: DistrictView, told: Told) -> None:
    if not told.rows.is_empty():
        table(book.add_worksheet(told.name), looks, _titles(view, told.name, told.note), told.columns, told.rows)


def _titles(view: DistrictView, name: str, note: str) -> Titles:
    return Titles(f"{name} · {view.heading.name}", stand(view.heading), note)


def _distribution(book: Workbook, looks: Looks, view: DistrictView) -> None:
    rows = band_rows(view.segments)
    columns = [Column(say("学科", "Subject"), "subject"), Column(say("分数段", "Band"), "label")]
    columns.append(Column(say("人数", "n"), "n", "count"))
    name = say("分布图", "Distributions")
    note = say("全体有效考生；单科每5分一段，总分每20分一段。", "All valid; bands of 5 marks, of totals 20.")
    sheet, row = chart_page(book, looks, name, _titles(view, name, note), (columns, rows))
    lay(sheet, histograms(book, sheet, row, rows))


def _quartiles(book: Workbook, looks: Looks, view: DistrictView) -> None:
    """Draw what stacked bars are built from: P25, and the ways from there to the median and on to P75."""
    rows = quartiles(view).rows
    if rows.is_empty():
        return
    lower, upper = (pl.col("p50") - pl.col("p25")).alias("lower"), (pl.col("p75") - pl.col("p50")).alias("upper")
    heads = {"subject": say("学科", "Subject"), "school": say("学校", "School"), "p25": "P25"}
    heads |= {"lower": say("至中位数", "to median"), "upper": say("至P75", "to P75")}
    columns = [Column(head, name, "text" if name in {"subject", "school"} else "mark") for name, head in heads.items()]
    name = say("四分位图", "Quartile charts")
    note = say(
        "横条为中间一半学生：蓝色P25至中位数，绿色中位数至P75；深色为联考。",
        "The middle half: blue P25 to median, green median to P75; the joint exam is dark.",
    )
    numbers = columns, rows.with_columns(lower, upper)
    sheet, row = chart_page(book, looks, name, _titles(view, name, note), numbers)
    charts = []
    for part in rows.partition_by("subject", maintain_order=True):
        span = row, row + part.height - 1
        charts.append(boxes(book, sheet, span, NUMBERS + 1, part["subject"][0], part))
        row += part.height
    lay(sheet, charts)


def _items(book: Workbook, looks: Looks, view: DistrictView) -> None:
    told = items(view)
    columns = [each for each in told.columns if each.name in {"subject", "item", "difficulty", "discrimination27"}]
    name = say("小题图", "Item maps")
    note = say(
        "右上：易而有区分；左上：难而有区分；虚线以下（区分度不足0.3）的题应先审题、查评分。",
        "Look first at items below the dashed line: D is less than 0.3.",
    )
    sheet, row = chart_page(book, looks, name, _titles(view, name, note), (columns, told.rows))
    charts = []
    for part in told.rows.partition_by("subject", maintain_order=True):
        span = row, row + part.height - 1
        charts.append(item_map(book, sheet, span, NUMBERS + 2, part["subject"][0], part["item"].to_list()))
        row += part.height
    lay(sheet, charts)
