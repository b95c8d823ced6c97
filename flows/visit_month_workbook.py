"""The month's report as a workbook: tiles and charts to look at, then every place, in both faces of the month."""

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from flows.duty_sheets import AMBER, QUIET, RED, WHITE, Looks, Piece, banner, month_name, put
from flows.forms_rows import ACCENT, FONT, INK, LINE, SHADE, page, workbook_at
from flows.visit_month_columns import (
    CATEGORY,
    ISSUES,
    LATE,
    LEFT_OUT,
    ON_TIME,
    OPEN,
    OVERDUE,
    RATE,
    SATISFIED,
    VISITS,
    Column,
    Face,
    Line,
    Pages,
    Value,
)
from flows.visit_month_count import Review
from notifications.visit_month import permille
from rules.errors import say
from rules.issues_kpi import BUCKETS

KNOWN, NOW = "#6F9BBA", "#7DB798"
SHAPES = {"count": "#,##0", "rate": "0.0%", "days": "0.00"}
WIDTHS = (26, *[9] * 9, 2, 10, 9, 9, 2, 9, 8)
TABLE = 45
"""The row of the heads of what the charts read, on the second page."""
TREND, AGEING = 11, 15
"""The columns where the trend and the ageing stand."""


def write_month_report(path: Path, review: Review, pages: Pages) -> None:
    """Write the report of one reader: 概览, 探访, 未计入, 诉求, 类别.

    Args:
        path: of the .xlsx; written as a whole or not at all.
        review: the month, for its dates and trend.
        pages: the lines this reader may see.
    """
    with workbook_at(path) as book:
        looks = Looks(book)
        _overview(book, book.add_worksheet(say("概览", "Overview")), looks, review, pages)
        sheets: list[tuple[str, Sequence[Column], list[Line]]] = [
            (say("探访", "Visits"), VISITS, pages.places),
            (say("未计入与绿色", "Left out"), LEFT_OUT, pages.places),
            (say("诉求（工作日）", "Issues (workdays)"), ISSUES, pages.places),
            (say("特殊困难类别", "Categories"), CATEGORY, pages.categories),
        ]
        for name, columns, lines in sheets:
            _sheet(book.add_worksheet(name), looks, review, (f"{pages.title} · {name}", columns, lines))


def face_name(review: Review, face: Face) -> str:
    """Say which face of the month it is."""
    if face == "known":
        return say(f"截至 {review.as_known} 已知", f"as known on {review.as_known}")
    return say("按现有记录重算", "restated now")


def _overview(book: Workbook, sheet: Worksheet, looks: Looks, review: Review, pages: Pages) -> None:
    page(sheet, header_row=0)
    sheet.set_h_pagebreaks([TABLE - 1])
    for column, width in enumerate(WIDTHS):
        sheet.set_column(column, column, width)
    title = say(f"{pages.title}探访月报", f"{pages.title}: visits in review")
    banner(sheet, looks, (10, 7), title, month_name(review.month[0]))
    note = say(
        f"“{face_name(review, 'known')}”不再变动；“{face_name(review, 'now')}”计入以后补录的记录。百分比向下取整。",
        f"“{face_name(review, 'known')}” never changes; “{face_name(review, 'now')}” counts late paper. "
        "Shares are rounded down.",
    )
    put(sheet, 1, 0, [(17, note, {"font_size": 9, "font_color": QUIET})], looks)
    _tiles(sheet, looks, pages.own)
    _table(sheet, looks, review, pages)
    _charts(book, sheet, review, pages)


def _tiles(sheet: Worksheet, looks: Looks, own: Line) -> None:
    tiles: list[tuple[str, Column, Face, bool]] = [
        (say("月探访率", "visit rate"), RATE, "known", False),
        (say("月探访率（重算）", "visit rate, restated"), RATE, "now", False),
        (say("按时率", "on time"), ON_TIME, "known", False),
        (say("逾期任务", "tasks overdue"), OVERDUE, "known", True),
        (say("未解决诉求", "open issues"), OPEN, "known", False),
        (say("超期诉求", "issues late"), LATE, "known", True),
        (say("诉求满意率", "satisfied"), SATISFIED, "known", False),
    ]
    widths = (1, 3, 2, 2, 3, 3, 3)
    ground = {"bg_color": SHADE, "align": "center", "left": 5, "left_color": WHITE}
    small = ground | {"font_size": 9, "font_color": QUIET}
    values: list[Piece] = []
    for width, (_, column, face, alarming) in zip(widths, tiles, strict=True):
        shown = _shown(own, column, face)
        colour = RED if alarming and shown else ACCENT
        look = {"font_size": 20, "bold": True, "font_color": colour, "num_format": SHAPES[column.shape]}
        values.append((width, "—" if shown is None else shown, ground | look))
    sheet.set_row(2, 34)
    put(sheet, 2, 0, values, looks)
    put(sheet, 3, 0, [(width, label, small) for width, (label, *_) in zip(widths, tiles, strict=True)], looks)


def _shown(line: Line, column: Column, face: Face) -> Value:
    figures = line.face(face)
    return None if figures is None else column.value(figures)


BOTH = VISITS[:3]


def _table(sheet: Worksheet, looks: Looks, review: Review, pages: Pages) -> None:
    head = {"bold": True, "font_color": WHITE, "bg_color": ACCENT, "align": "center", "shrink": True}
    heads = [say("社区", "Community"), *(column.header for column in BOTH)]
    heads += [say(f"重算{column.header}", f"{column.header}, restated") for column in BOTH]
    heads += [ON_TIME.header, OVERDUE.header, OPEN.header]
    more = [
        say("月份", "Month"),
        say("已知", "Known"),
        say("重算", "Restated"),
        "",
        say("工作日", "Workdays"),
        say("件数", "Open"),
    ]
    sheet.set_row(TABLE, 20)
    pieces: list[Piece] = [(1, text, head) for text in heads]
    put(sheet, TABLE, 0, [*pieces, (1, "", {}), *[(1, text, head if text else {}) for text in more]], looks)
    rows = zip_longest(pages.communities, _trend(review, pages), _ageing(pages.own))
    for row, (line, month, age) in enumerate(rows, start=TABLE + 1):
        put(sheet, row, 0, _community(line) if line else [], looks)
        put(sheet, row, TREND, [_piece("" if value is None else value, "rate") for value in month or ()], looks)
        put(sheet, row, AGEING, [_piece(value, "count") for value in age or ()], looks)


def _community(line: Line) -> list[Piece]:
    faces: list[Face] = ["known", "now"]
    pieces = [_piece(line.label, "count")]
    pieces += [_piece(_shown(line, column, face), column.shape) for face in faces for column in BOTH]
    return pieces + [_piece(_shown(line, column, "known"), column.shape) for column in (ON_TIME, OVERDUE, OPEN)]


def _piece(value: str | Value, shape: str) -> Piece:
    look = {"bottom": 1, "bottom_color": LINE, "font_size": 9, "shrink": True, "num_format": SHAPES[shape]}
    if isinstance(value, str):
        return 1, value, look
    return 1, "—" if value is None else value, look | {"align": "center"}


def _trend(review: Review, pages: Pages) -> list[tuple[str, Value, Value]]:
    """Month, rate as known then, rate now; a month without anybody is blank, for a chart draws a text as 0 %."""
    months = sorted({month for _, month in (*review.trend_known, *review.trend_now)})
    told = []
    for month in months:
        rates = [face.get((pages.scope, month)) for face in (review.trend_known, review.trend_now)]
        shares = [permille(rate.value) if rate else None for rate in rates]
        told.append((f"{month[0]:%Y-%m}", *(None if share is None else share / 1000 for share in shares)))
    return told  # type: ignore[return-value]


def _ageing(own: Line) -> list[tuple[str, Value]]:
    ageing = own.known.issues.ageing if own.known else {}
    return [(name, ageing.get(name, 0)) for name, _ in BUCKETS]


def _charts(book: Workbook, sheet: Worksheet, review: Review, pages: Pages) -> None:
    """Draw what the table on the second page says, from its cells."""
    if pages.communities:
        rows = (TABLE + 1, TABLE + len(pages.communities))
        chart: Any = book.add_chart({"type": "column"})
        for column, face, colour in ((3, "known", KNOWN), (6, "now", NOW)):
            told: dict[str, Any] = _series(sheet, rows, (0, column), face_name(review, face))  # type: ignore[arg-type]
            chart.add_series({**told, "fill": {"color": colour}, "gap": 60})
        finish_chart(chart, say("各社区月探访率", "Visit rate by community"), (1130, 410), rate=True, legend=True)
        sheet.insert_chart(5, 0, chart, {"x_offset": 4})
    months = len(_trend(review, pages))
    if months:
        trend: Any = book.add_chart({"type": "line"})
        rows = (TABLE + 1, TABLE + months)
        then = say("次月1日已知", "as known on the next 1st")
        lines = ((1, then, KNOWN, "circle"), (2, face_name(review, "now"), NOW, "diamond"))
        for column, name, colour, shape in lines:
            told = _series(sheet, rows, (TREND, TREND + column), name)
            marker = {"type": shape, "size": 6, "fill": {"color": colour}, "border": {"color": colour}}
            trend.add_series({**told, "line": {"color": colour, "width": 2}, "marker": marker})
        finish_chart(trend, say("近12个月月探访率", "Visit rate of twelve months"), (640, 320), rate=True, legend=True)
        sheet.insert_chart(26, 0, trend, {"x_offset": 4, "y_offset": 10})
    ages: Any = book.add_chart({"type": "column"})
    label = {"value": True, "font": {"name": FONT, "size": 9, "color": INK}}
    told = _series(sheet, (TABLE + 1, TABLE + len(BUCKETS)), (AGEING, AGEING + 1), say("件数", "open"))
    ages.add_series({**told, "fill": {"color": "#E5866F"}, "gap": 60, "data_labels": label})
    title = say("未解决诉求的账龄（工作日）", "Age of open issues (workdays)")
    finish_chart(ages, title, (480, 320), rate=False, legend=False)
    sheet.insert_chart(26, 7, ages, {"x_offset": 36, "y_offset": 10})


def _series(sheet: Worksheet, rows: tuple[int, int], columns: tuple[int, int], name: str) -> dict[str, Any]:
    tab: str = sheet.get_name()  # type: ignore[no-untyped-call]
    categories, values = ([tab, rows[0], column, rows[1], column] for column in columns)
    return {"name": name, "categories": categories, "values": values}


def finish_chart(chart: Any, title: str, size: tuple[int, int], *, rate: bool, legend: bool) -> None:
    """Give a chart its size in pixels, title, fonts and axes; rates run from 0 to 100 %."""
    font = {"name": FONT, "size": 8, "color": QUIET}
    chart.set_title({"name": title, "name_font": {"name": FONT, "size": 12, "color": ACCENT}, "overlay": False})
    quiet = {"line": {"color": LINE}, "label_position": "low", "major_tick_mark": "none"}
    chart.set_x_axis({"num_font": font, "text_axis": True, **quiet})
    grid = {"visible": True, "line": {"color": SHADE}}
    scale = {"min": 0, "max": 1, "num_format": "0%"} if rate else {"min": 0, "num_format": "0"}
    chart.set_y_axis({"num_font": font, "line": {"none": True}, "major_gridlines": grid, **scale})
    chart.set_legend({"position": "top", "font": font} if legend else {"none": True})
    chart.set_chartarea({"border": {"color": LINE}})
    chart.show_na_as_empty_cell()
    chart.set_size({"width": size[0], "height": size[1]})


def _sheet(sheet: Worksheet, looks: Looks, review: Review, told: tuple[str, Sequence[Column], list[Line]]) -> None:
    """Write one table in both faces, one below the other."""
    title, columns, lines = told
    page(sheet, header_row=0)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, len(columns), 10)
    width = max(len(columns) // 3, 2)
    banner(sheet, looks, (len(columns) + 1 - width, width), title, month_name(review.month[0]))
    row = 2
    faces: list[Face] = ["known", "now"]
    for face in faces:
        row = _block(sheet, looks, row, (face_name(review, face), face, columns, lines)) + 1
    sheet.freeze_panes(1, 1)


def _block(sheet: Worksheet, looks: Looks, row: int, told: tuple[str, Face, Sequence[Column], list[Line]]) -> int:
    """Write the lines of one face under its heads; return the row after them."""
    name, face, columns, lines = told
    head = {"bold": True, "font_color": WHITE, "bg_color": ACCENT, "align": "center", "shrink": True}
    sheet.set_row(row, 22)
    put(sheet, row, 0, [(1, name, head | {"align": "left"}), *[(1, each.header, head) for each in columns]], looks)
    for line in lines:
        row += 1
        pieces = [_piece(line.label, "count")]
        pieces += [_warned(_shown(line, column, face), column) for column in columns]
        put(sheet, row, 0, pieces, looks)
    if not lines:
        row += 1
        put(sheet, row, 0, [(len(columns) + 1, say("（没有记录）", "(none)"), {"font_color": QUIET})], looks)
    return row + 1


def _warned(value: Value, column: Column) -> Piece:
    width, told, look = _piece(value, column.shape)
    if column in {OVERDUE, LATE} and value:
        return width, told, look | {"font_color": AMBER, "bold": True}
    return width, told, look
