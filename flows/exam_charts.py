"""Pages of charts in an exam's workbook: two by two on a sheet of A4, their numbers beside the printed area."""

from collections.abc import Sequence
from math import ceil, floor
from typing import Any

import polars as pl
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from flows.duty_sheets import QUIET, Looks, put
from flows.exam_sheets import HEAD, HEAD_LOOK, Column, Titles, piece, top
from flows.forms_rows import ACCENT, FONT, LINE, SHADE, page
from rules.errors import say

BLUE, GREEN, CORAL = "#6F9BBA", "#7DB798", "#E5866F"
NUMBERS = 17
"""The sheet column where the numbers of a page of charts begin: beyond what is printed."""
ACROSS, UPRIGHT, LANDSCAPE = 1017, 1500, 590
"""Pixels of a printed page that holds two charts side by side: its width, and how high it is either way up."""
_COLUMNS, _ROW, _FEW = 16, 20, 4
_FONT = {"name": FONT, "size": 8, "color": QUIET}


def chart_page(
    book: Workbook, looks: Looks, name: str, titles: Titles, numbers: tuple[Sequence[Column], pl.DataFrame]
) -> tuple[Worksheet, int]:
    """Add a sheet for charts and write their numbers at its right.

    Returns:
        The sheet and the row of the first number.
    """
    sheet = book.add_worksheet(name)
    page(sheet, header_row=1)
    top(sheet, looks, titles)
    columns, rows = numbers
    sheet.set_column(NUMBERS, NUMBERS + 1, 14)
    put(sheet, HEAD, NUMBERS, [(1, each.head, HEAD_LOOK) for each in columns], looks)
    for row, values in enumerate(rows.iter_rows(named=True), start=HEAD + 1):
        put(sheet, row, NUMBERS, [piece(values.get(each.name), each, {}) for each in columns], looks)
    sheet.freeze_panes(2, 0)
    return sheet, HEAD + 1


def lay(sheet: Worksheet, charts: Sequence[Any]) -> None:
    """Put charts two by two on one printed page, upright if they are more than four.

    The page is fitted to what stands on it, as fonts and so columns are wider in some programs than in others.
    """
    few = len(charts) <= _FEW
    rows = -(-len(charts) // 2)
    height = min((LANDSCAPE if few else UPRIGHT) // rows, 290)
    step = -(-(height + 8) // _ROW)
    for at, chart in enumerate(charts):
        chart.set_size({"width": ACROSS // 2 - 6, "height": step * _ROW - 8})
        sheet.insert_chart(HEAD + at // 2 * step, at % 2 * _COLUMNS // 2, chart, {"object_position": 2})
    _fit(sheet, HEAD + rows * step, upright=not few)


def lay_wide(sheet: Worksheet, charts: Sequence[Any], bars: Sequence[int]) -> None:
    """Put charts below one another on one printed page, each as high as its number of bars needs."""
    row = HEAD
    for chart, number in zip(charts, bars, strict=True):
        height = 120 + 40 * number
        chart.set_size({"width": ACROSS, "height": height})
        sheet.insert_chart(row, 0, chart, {"object_position": 2})
        row += -(-(height + 8) // _ROW)
    _fit(sheet, row, upright=True)


def _fit(sheet: Worksheet, rows: int, *, upright: bool) -> None:
    if upright:
        sheet.set_portrait()
    sheet.print_area(0, 0, rows - 1, _COLUMNS - 1)
    sheet.fit_to_pages(1, 1)


def cells(sheet: Worksheet, rows: tuple[int, int], column: int) -> list[Any]:
    """Say which cells a chart reads."""
    tab: str = sheet.get_name()  # type: ignore[no-untyped-call]
    return [tab, rows[0], column, rows[1], column]


def finish(chart: Any, title: str, axes: tuple[str, str], *, legend: bool = False) -> None:
    """Give a chart its title, axes and fonts."""
    chart.set_title({"name": title, "name_font": {"name": FONT, "size": 12, "color": ACCENT}, "overlay": False})
    chart.set_x_axis(axis(axes[0], line={"color": LINE}))
    chart.set_y_axis(axis(axes[1], line={"none": True}, major_gridlines={"visible": True, "line": {"color": SHADE}}))
    chart.set_legend({"position": "top", "font": _FONT} if legend else {"none": True})
    chart.set_chartarea({"border": {"color": LINE}})


def axis(name: str, **more: Any) -> dict[str, Any]:
    """One look of all axes, plus what is special."""
    fonts = {"num_font": _FONT, "name_font": _FONT | {"bold": False}}
    return {**fonts, "name": name, "major_tick_mark": "none", **more}


def histograms(book: Workbook, sheet: Worksheet, row: int, counts: pl.DataFrame) -> list[Any]:
    """Draw the counts of each subject as columns.

    Args:
        book: the workbook.
        sheet: a page of charts, where subject, label and count stand side by side from NUMBERS on.
        row: the first of the numbers.
        counts: the same rows; those of a subject follow one another.
    """
    charts = []
    for part in counts.partition_by("subject", maintain_order=True):
        span = row, row + part.height - 1
        charts.append(_histogram(book, sheet, span, (NUMBERS + 1, NUMBERS + 2), part["subject"][0]))
        row += part.height
    return charts


def _histogram(book: Workbook, sheet: Worksheet, rows: tuple[int, int], columns: tuple[int, int], title: str) -> Any:
    """Draw counts as columns: labels and counts stand in two sheet columns."""
    chart: Any = book.add_chart({"type": "column"})
    told = {"categories": cells(sheet, rows, columns[0]), "values": cells(sheet, rows, columns[1])}
    chart.add_series({"name": title, **told, "fill": {"color": BLUE}, "gap": 12})
    finish(chart, title, ("", say("人数", "n")))
    return chart


def boxes(book: Workbook, sheet: Worksheet, at: tuple[int, int], column: int, title: str, rows: pl.DataFrame) -> Any:
    """Draw quartiles as stacked bars: nothing up to P25, then to the median, then to P75.

    Args:
        book: the workbook.
        sheet: where the numbers stand.
        at: their first and last row.
        column: of the names; P25, P50 - P25 and P75 - P50 stand to its right.
        title: of the chart.
        rows: p25, p75 and strong, whether a bar is that of the whole exam.
    """
    chart: Any = book.add_chart({"type": "bar", "subtype": "stacked"})
    shades = (None, (BLUE, "#3E6C8D"), (GREEN, "#3F8C67"))
    for number, shade in enumerate(shades, start=1):
        told = {"categories": cells(sheet, at, column), "values": cells(sheet, at, column + number), "gap": 45}
        if shade is None:
            chart.add_series({**told, "fill": {"none": True}, "border": {"none": True}})
        else:
            points = [{"fill": {"color": shade[bool(strong)]}} for strong in rows["strong"]]
            chart.add_series({**told, "fill": {"color": shade[0]}, "points": points})
    finish(chart, title, ("", ""))
    low, high = min(rows["p25"].to_list()), max(rows["p75"].to_list())
    step = 10 if high - low < 150 else 50
    ends = {"min": max(step * (floor(low / step) - 1), 0), "max": step * (ceil(high / step) + 1)}
    grid = {"visible": True, "line": {"color": SHADE}}
    chart.set_x_axis(
        axis(
            say("分数", "mark"),
            **ends,
            line={"none": True},
            num_format="0",
            label_position="high",
            major_gridlines=grid,
        )
    )
    chart.set_y_axis(
        axis(
            "", interval_unit=1, num_font=_FONT | {"size": 7}, reverse=True, line={"color": LINE}, label_position="low"
        )
    )
    return chart


def item_map(book: Workbook, sheet: Worksheet, at: tuple[int, int], column: int, title: str, items: list[str]) -> Any:
    """Map items: difficulty (in `column`) across, discrimination (next to it) up, each dot with its number.

    The axes cross where items become good: D = 0.3, and P = 0.5 parts the hard from the easy.
    """
    chart: Any = book.add_chart({"type": "scatter"})
    names = [{"value": item.lstrip("=")} for item in items]
    labels = {"value": True, "custom": names, "position": "right", "font": {"name": FONT, "size": 8}}
    chart.add_series(
        {
            "categories": cells(sheet, at, column),
            "values": cells(sheet, at, column + 1),
            "data_labels": labels,
            "marker": {"type": "circle", "size": 7, "fill": {"color": BLUE}, "border": {"color": ACCENT}},
        }
    )
    finish(chart, title, ("", ""))
    line, low = {"color": CORAL, "dash_type": "dash"}, {"label_position": "low", "num_format": "0.0"}
    grid = {"visible": True, "line": {"color": SHADE}}
    across = say("难度（左难右易）", "difficulty (left: hard)")
    chart.set_x_axis(axis(across, **low, min=0, max=1, crossing=0.5, line=line, major_gridlines=grid))
    up = say("区分度", "discrimination")
    chart.set_y_axis(axis(up, **low, crossing=0.3, line=line, major_gridlines=grid))
    return chart
