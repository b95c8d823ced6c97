"""The district's report: its view -> figures, distribution, quartiles, lines, value added, items, weak points, changes.

No student is in it, and small groups are hidden: it is passed on inside the district.
"""

from pathlib import Path
from typing import Any

import polars as pl
from xlsxwriter import Workbook

from flows.duty_sheets import Looks
from flows.exam_school_workbook import figure_columns
from flows.exam_sheets import (
    BLUE,
    Column,
    boxes,
    cells,
    exam_book,
    explain,
    finish,
    stand,
    subject_name,
    table,
    track_name,
)
from models.exam_view_district import DistrictView
from rules.errors import say


def write_district_workbook(path: Path, view: DistrictView) -> None:
    """Write the district's report.

    Args:
        path: of the .xlsx; written as a whole or not at all.
        view: what the district's report may show.
    """
    with exam_book(path, view.heading) as (book, looks):
        more = [
            say(
                "供教育体育局与教研部门使用；不含学生；学校按编号排列，不是名次。",
                "For the district; no students; schools by code, not by rank.",
            )
        ]
        explain(
            book, looks, view.heading, say(f"{view.heading.name}：联考分析", f"{view.heading.name}: joint report"), more
        )
        if view.figures.is_empty():
            return
        _sheet(book, looks, view, _figures(view))
        _segments(book, looks, view)
        _quartiles(book, looks, view)
        for told in _plain(view):
            if not told[3].is_empty():
                _sheet(book, looks, view, told)
        if not view.items.is_empty():
            _items(book, looks, view)


Told = tuple[str, str, list[Column], pl.DataFrame]


def _sheet(book: Workbook, looks: Looks, view: DistrictView, told: Told) -> tuple[Any, tuple[int, int]]:
    name, note, columns, rows = told
    sheet = book.add_worksheet(name)
    return sheet, table(sheet, looks, (name, stand(view.heading), note), columns, rows)


def _named(view: DistrictView, rows: pl.DataFrame) -> pl.DataFrame:
    """Put people's words for school, subject and track."""
    told = rows
    if "school" in rows.columns:
        joint = say("联考", "joint")
        told = told.with_columns(pl.col("school").replace_strict(view.schools, default=joint, return_dtype=pl.String))
        told = told.with_columns(pl.col("school").fill_null(joint))
    if {"subject", "track"} <= set(rows.columns):
        label = pl.struct("subject", "track").map_elements(lambda row: subject_name(**row), pl.String)
        told = told.with_columns(label.alias("subject"))
    elif "subject" in rows.columns:
        told = told.with_columns(pl.col("subject").map_elements(subject_name, pl.String))
    return told.with_columns(pl.col("track").map_elements(track_name, pl.String)) if "track" in rows.columns else told


SCHOOL_WIDTH = 24


def _keys() -> tuple[Column, Column]:
    return Column(say("学科", "Subject"), "subject", width=14), Column(
        say("学校", "School"), "school", width=SCHOOL_WIDTH
    )


def _figures(view: DistrictView) -> Told:
    rows = _named(view, view.figures.sort("subject", "track", pl.col("scope") != "joint", "code", maintain_order=True))
    return say("一分三率", "Figures"), say("学校按编号排列。", "Schools by code."), [*_keys(), *figure_columns()], rows


def _segments(book: Workbook, looks: Looks, view: DistrictView) -> None:
    if view.segments.is_empty():
        return
    columns = [
        Column(say("学科", "Subject"), "subject", width=14),
        Column(say("分数起", "From"), "mark", "count"),
        Column(say("分数止", "To"), "top", "count"),
        Column(say("人数", "n"), "n", "count", bar=True),
        Column(say("累计", "Cumulative"), "cumulative", "count"),
    ]
    rows = _named(view, view.segments)
    sheet, (row, _) = _sheet(
        book,
        looks,
        view,
        (
            say("一分段表", "Segments"),
            say(
                f"半分计入其下整数分；不足{view.heading.smallest}人的分数并成一段；累计为分数起及以上。",
                "Marks of a few are joined; cumulative: from that mark up.",
            ),
            columns,
            rows,
        ),
    )
    for at, (_, part) in enumerate(rows.group_by("subject", maintain_order=True)):
        subject, span = part["subject"][0], (row, row + part.height - 1)
        chart: Any = book.add_chart({"type": "column"})
        chart.add_series(
            {
                "name": subject,
                "categories": cells(sheet, span, 1),
                "values": cells(sheet, span, 3),
                "fill": {"color": BLUE},
                "gap": 5,
            }
        )
        finish(chart, subject, (say("分数", "mark"), say("人数", "n")))
        chart.set_x_axis({"reverse": True, "name": say("分数", "mark")})
        sheet.insert_chart(2 + 18 * at, 6, chart)
        row += part.height


def _quartiles(book: Workbook, looks: Looks, view: DistrictView) -> None:
    """Write quartiles; the last two columns are what the stacked bars are built from."""
    rows = _named(view, view.quartiles).drop_nulls("p50")
    if rows.is_empty():
        return
    rows = rows.with_columns(
        (pl.col("p50") - pl.col("p25")).alias("lower"), (pl.col("p75") - pl.col("p50")).alias("upper")
    )
    heads = {
        "p25": "P25",
        "p50": say("中位数", "Median"),
        "p75": "P75",
        "lower": say("P25至中位数", "to median"),
        "upper": say("中位数至P75", "to P75"),
    }
    columns = [*_keys(), *(Column(head, name, "mark", 12) for name, head in heads.items())]
    note = say(f"有效不足{4 * view.heading.smallest}人的学校不列。", "small schools are left out.")
    sheet, (row, _) = _sheet(book, looks, view, (say("四分位", "Quartiles"), note, columns, rows))
    place = 2
    for _, part in rows.group_by("subject", maintain_order=True):
        chart = boxes(book, sheet, (row, row + part.height - 1), (1, 2, 5, 6), part["subject"][0])
        sheet.insert_chart(place, len(columns) + 1, chart)
        row, place = row + part.height, place + 6 + 2 * part.height


def _plain(view: DistrictView) -> list[Told]:
    subject, school = _keys()
    n, low, high = (
        Column(say("有效", "n"), "n", "count"),
        Column(say("下限", "low"), "low", "rate"),
        Column(say("上限", "high"), "high", "rate"),
    )
    line, track = Column(say("上线", "Line"), "line", width=12), Column(say("类别", "Track"), "track", width=9)
    counted = {"reached": say("总分上线", "Reached"), "borderline": say("临界生", "Borderline")}
    lines = [
        line,
        track,
        Column(say("总分线", "Total line"), "total_mark", "mark"),
        school,
        n,
        *(Column(head, name, "count") for name, head in counted.items()),
    ]
    shown = {"single": say("单上线", "Single"), "double": say("双上线", "Double"), "mismatch": say("错位", "Mismatch")}
    rates = [Column(say("命中率", "Hit"), "hit", "rate"), Column(say("贡献率", "Contribution"), "contribution", "rate")]
    reached = [
        line,
        track,
        subject,
        school,
        Column(say("有效分", "Line"), "mark", "mark"),
        *(Column(head, name, "count") for name, head in shown.items()),
        *rates,
    ]
    added = [
        school,
        n,
        Column(say("百分位平均变化", "Mean change"), "change", "signed", 16),
        Column(say("增值", "Value added"), "value_added", "signed"),
        low._replace(shape="signed"),
        high._replace(shape="signed"),
    ]
    trust = [
        subject,
        Column(say("题数", "Items"), "items", "count"),
        n,
        Column(say("信度 α", "Alpha"), "alpha", "share"),
        Column(say("测量标准误", "SEM"), "sem", "mean", 12),
    ]
    weak = [
        school,
        subject,
        Column(say("知识点", "Point"), "point", width=28),
        n,
        Column(say("得分率", "Share"), "share", "rate", 12, bar=True),
        low,
        high,
        Column(say("联考", "Joint"), "joint", "rate", 12, bar=True),
        Column(say("差", "Gap"), "gap", "rate"),
    ]
    kinds = {
        "own": say("本人更正", "own"),
        "moved": say("随他人变动", "moved"),
        "added": say("新增", "added"),
        "removed": say("移出", "removed"),
    }
    changed = view.changes.with_columns(pl.col("kind").replace(kinds)) if view.changes.height else view.changes
    scored = view.effective
    if scored.height:
        above = (pl.col("double") + pl.col("mismatch")).cast(pl.Float64)
        scored = scored.with_columns(
            pl.when(pl.col("single") > 0).then(pl.col("double") / pl.col("single")).alias("hit"),
            pl.when(above > 0).then(pl.col("double") / above).alias("contribution"),
        )
    moves = [school, subject, Column(say("变动", "Kind"), "kind", width=14), Column(say("条数", "n"), "n", "count")]
    told = [
        (say("上线与临界生", "Lines"), say("计数不足者不显示。", "Small counts are hidden."), lines, view.lines),
        (
            say("有效分", "Effective marks"),
            say("命中率＝双上线÷单上线；贡献率＝双上线÷总分上线。", "Hit = double / single."),
            reached,
            scored,
        ),
        (
            say("进退与增值", "Value added"),
            say("同一考号在两次考试中匹配；95%区间含0时不能说有差异。", "95 % interval."),
            added,
            view.added,
        ),
        (
            say("信度", "Reliability"),
            say("Cronbach α，按无空白者计。", "Cronbach's alpha, listwise."),
            trust,
            view.reliability,
        ),
        (say("薄弱知识点", "Weak points"), say("各校低于联考最多的知识点。", "Furthest below joint."), weak, view.weak),
        (say("与上次发布相比", "Changes"), say("只计条数。", "Counts only."), moves, changed),
    ]
    return [(name, note, columns, _named(view, rows) if rows.height else rows) for name, note, columns, rows in told]


def _items(book: Workbook, looks: Looks, view: DistrictView) -> None:
    """Write the items and map them: difficulty across, discrimination up, each dot with its number."""
    columns = [
        Column(say("学科", "Subject"), "subject", width=14),
        Column(say("题号", "Item"), "item"),
        Column(say("知识点", "Point"), "point", width=26),
        Column(say("满分", "Full"), "full", "mark"),
        Column(say("有效", "n"), "n", "count"),
        Column(say("平均得分", "Mean"), "mean", "mean"),
        Column(say("难度", "P"), "difficulty", "share"),
        Column(say("区分度", "D"), "discrimination27", "share"),
        Column(say("题总相关", "r"), "item_rest_r", "share"),
        Column(say("空白", "Blank"), "blank", "count"),
    ]
    rows = _named(view, view.items)
    sheet, (row, _) = _sheet(
        book,
        looks,
        view,
        (say("小题", "Items"), say("难度越大越易；区分度0.3以上为好。", "a larger P is easier."), columns, rows),
    )
    for at, (_, part) in enumerate(rows.group_by("subject", maintain_order=True)):
        span, title = (
            (row, row + part.height - 1),
            say(f"{part['subject'][0]}：小题分布", f"{part['subject'][0]}: items"),
        )
        chart: Any = book.add_chart({"type": "scatter"})
        marks = [{"value": item.lstrip("=")} for item in part["item"]]
        chart.add_series(
            {
                "categories": cells(sheet, span, 6),
                "values": cells(sheet, span, 7),
                "data_labels": {"value": True, "custom": marks, "position": "right"},
                "marker": {"type": "circle", "size": 7, "fill": {"color": BLUE}},
            }
        )
        finish(chart, title, (say("难度", "difficulty"), say("区分度", "discrimination")), size=(620, 380))
        sheet.insert_chart(2 + 20 * at, len(columns) + 1, chart)
        row += part.height
