"""The month in review as a workbook: loads -> tallies per centre -> charts to look at, and a line for every cadre.

What the duty workbooks share is here too: the colours of the days, formats made once, pieces written side by side.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from flows.duty_sheets import AMBER, COUNT, QUIET, RED, SIGNED, WHITE, Looks, Piece, banner, month_name, put
from flows.forms_rows import ACCENT, FONT, INK, LINE, SHADE, page, workbook_at
from rules.duty_book import U
from rules.duty_facts import by_number
from rules.errors import say

if TYPE_CHECKING:
    from flows.duty_report import Load  # which imports this module

BARS = ("#6F9BBA", "#7DB798", "#E5866F")
TABLE = 31  # the row of its heads, below the charts, where the second page begins
WIDTHS = (9, 27, *[7.5] * 7, *[8] * 3, 2, 10, 10)
SPREAD = 13  # the column from which the distribution stands


def write_report(
    path: Path, month: str, loads: Mapping[tuple[str, str], "Load"], names: Mapping[str, str], days: Mapping[str, int]
) -> None:
    """Write a month's report: 概览 with counts, charts and a line for each centre; 每人明细 with a line for each cadre.

    Args:
        path: of the .xlsx; written as a whole or not at all.
        month: as 2026-03.
        loads: by centre code and cadre number; balances in 1/U of a duty.
        names: of the centres, by code.
        days: how many slots there were on each kind of day, by what the kind is called.
    """
    first = date.fromisoformat(f"{month}-01")
    ordered = sorted(loads.values(), key=lambda load: (load.centre, by_number(load.number)))
    with workbook_at(path) as book:
        looks = Looks(book)
        overview, details = book.add_worksheet(say("概览", "Overview")), book.add_worksheet(say("每人明细", "Cadres"))
        _overview(book, overview, looks, first, (ordered, names, days))
        _details(details, looks, first, ordered, names)


def _overview(
    book: Workbook,
    sheet: Worksheet,
    looks: Looks,
    first: date,
    found: tuple[Sequence["Load"], Mapping[str, str], Mapping[str, int]],
) -> None:
    loads, names, days = found
    page(sheet, header_row=0)
    sheet.set_h_pagebreaks([TABLE])
    for column, width in enumerate(WIDTHS):
        sheet.set_column(column, column, width)
    banner(sheet, looks, (9, 6), say("每日轮值月报", "Daily duty: the month in review"), month_name(first))
    _tiles(sheet, looks, loads, days)
    centres = _per_centre(loads, names)
    spread = Counter(load.duties for load in loads if load.duties)  # the people of the tiles: those who served
    counts = [[n, spread[n]] for n in range(min(spread, default=0), max(spread, default=-1) + 1)]
    _table(sheet, looks, centres, counts)
    if centres:
        _charts(book, sheet, (TABLE + 1, TABLE + len(centres)), (TABLE + 1, TABLE + len(counts)))


def _tiles(sheet: Worksheet, looks: Looks, loads: Sequence["Load"], days: Mapping[str, int]) -> None:
    tiles: dict[str, int] = {say("已值班次", "duties served"): sum(load.duties for load in loads)} | dict(days)
    tiles[say("值班人员", "cadres")] = len({load.number for load in loads if load.duties})
    tiles[say("缺岗", "missed")] = sum(load.missed for load in loads)
    tiles[say("放宽间隔", "rest relaxed")] = sum(load.relaxed for load in loads)
    ground = {"bg_color": SHADE, "align": "center", "left": 5, "left_color": WHITE}
    widths = [2] * (len(tiles) - 1) + [3]
    big = ground | {"font_size": 20, "bold": True, "font_color": ACCENT, "num_format": "#,##0"}
    small = ground | {"font_size": 9, "font_color": QUIET}
    sheet.set_row(2, 34)
    put(sheet, 2, 0, [(width, count, big) for width, count in zip(widths, tiles.values(), strict=True)], looks)
    put(sheet, 3, 0, [(width, label, small) for width, label in zip(widths, tiles, strict=True)], looks)


def _per_centre(loads: Sequence["Load"], names: Mapping[str, str]) -> list[list[str | float]]:
    """Return a line for each centre, in the order of the table's heads."""
    lines: list[list[str | float]] = []
    for code, group in groupby(loads, key=lambda load: load.centre):
        mine = list(group)
        total, off, statutory, missed, relaxed = (
            sum(getattr(load, name) for load in mine) for name in ("duties", "rest", "statutory", "missed", "relaxed")
        )
        people, balances = sum(load.duties > 0 for load in mine), [load.balance / U for load in mine]
        spread = [round(value, 2) for value in (max(balances), min(balances), sum(balances) / len(balances))]
        counts = [total - off, off - statutory, statutory, total, people, missed, relaxed]
        lines.append([code, names[code], *counts, *spread])
    return lines


def _table(
    sheet: Worksheet, looks: Looks, centres: Sequence[list[str | float]], counts: Sequence[Sequence[float]]
) -> None:
    head = {"bold": True, "font_color": WHITE, "bg_color": ACCENT, "align": "center", "shrink": True}
    heads = say(
        "编号 服务中心 工作日 休息日 法定 合计 人数 缺岗 放宽 余额最高 余额最低 余额平均",
        "Code Centre Work Rest Statutory Total People Missed Relaxed Highest Lowest Mean",
    ).split()
    sheet.set_row(TABLE, 20)
    put(sheet, TABLE, 0, [(1, text, head) for text in heads], looks)
    put(sheet, TABLE, SPREAD, [(1, text, head) for text in say("值班次数 人数", "Duties Cadres").split()], looks)
    line = {"bottom": 1, "bottom_color": LINE, "font_size": 9, "shrink": True}
    middle = line | {"align": "center"}
    shapes = [middle, line, *[middle | {"num_format": COUNT}] * 7, *[middle | {"num_format": SIGNED}] * 3]
    for row, (centre, pair) in enumerate(zip_longest(centres, counts, fillvalue=()), start=TABLE + 1):
        put(sheet, row, 0, [(1, value, look) for value, look in zip(centre, shapes, strict=False)], looks)
        put(sheet, row, SPREAD, [(1, value, middle) for value in pair], looks)


def _charts(book: Workbook, sheet: Worksheet, lines: tuple[int, int], spread: tuple[int, int]) -> None:
    """Draw what the table below says, from its cells."""

    def series(column: int, rows: tuple[int, int], labels: int, **look: Any) -> dict[str, Any]:
        tab = sheet.name
        at = {"categories": [tab, rows[0], labels, rows[1], labels], "values": [tab, rows[0], column, rows[1], column]}
        return {**at, "name": [tab, TABLE, column], **look}

    stacked: Any = book.add_chart({"type": "column", "subtype": "stacked"})
    for column, colour in zip((2, 3, 4), BARS, strict=True):
        stacked.add_series(series(column, lines, 0, fill={"color": colour}, gap=45))
    _finish(stacked, say("各中心值班班次", "Duties per centre"), (1016, 252), legend=True)
    sheet.insert_chart(5, 0, stacked)
    people: Any = book.add_chart({"type": "column"})
    label = {"value": True, "font": {"name": FONT, "size": 9, "color": INK}}
    people.add_series(series(SPREAD + 1, spread, SPREAD, fill={"color": BARS[0]}, gap=40, data_labels=label))
    _finish(people, say("值班次数分布（人数）", "Cadres by number of duties"), (400, 250))
    sheet.insert_chart(18, 0, people)
    balance: Any = book.add_chart({"type": "stock"})
    for column, shape, colour in ((9, "long_dash", BARS[2]), (10, "long_dash", BARS[1]), (11, "diamond", ACCENT)):
        marker = {"type": shape, "size": 6, "fill": {"color": colour}, "border": {"color": colour}}
        balance.add_series(series(column, lines, 0, line={"none": True}, marker=marker))
    balance.set_high_low_lines({"line": {"color": QUIET, "width": 2}})
    title = say("应值余额（次）：最高、平均、最低", "Balances in duties: highest, mean, lowest")
    _finish(balance, title, (608, 250), turn=-90)
    sheet.insert_chart(18, 0, balance, {"x_offset": 408})


def _finish(chart: Any, title: str, size: tuple[int, int], *, legend: bool = False, turn: int = 0) -> None:
    """Give a chart its size in pixels, its title and our fonts; `turn` is the angle of the labels below."""
    font = {"name": FONT, "size": 8, "color": QUIET}
    chart.set_title({"name": title, "name_font": {"name": FONT, "size": 12, "color": ACCENT}, "overlay": False})
    quiet = {"line": {"color": LINE}, "label_position": "low", "major_tick_mark": "none"}
    chart.set_x_axis({"num_font": font | {"rotation": turn}, "text_axis": True, **quiet})
    grid = {"visible": True, "line": {"color": SHADE}}
    chart.set_y_axis({"num_font": font, "line": {"none": True}, "major_gridlines": grid, "major_tick_mark": "none"})
    chart.set_legend({"position": "top", "font": font} if legend else {"none": True})
    chart.set_chartarea({"border": {"color": LINE}})
    chart.set_size({"width": size[0], "height": size[1]})


def _details(sheet: Worksheet, looks: Looks, first: date, loads: Sequence["Load"], names: Mapping[str, str]) -> None:
    page(sheet, header_row=2)
    for column, width in enumerate((9, 34, 16, 12, 12, 12, 12, 9, 9, 20)):
        sheet.set_column(column, column, width)
    banner(sheet, looks, (6, 4), say("每人明细", "Every cadre"), month_name(first))
    hint = say(
        "余额：应值减已值的班次，累计至月末；为正应多排，为负已多值。休息日含法定节假日。",
        "balance: duties due less duties served, up to the end of the month; rest days include statutory holidays.",
    )
    put(sheet, 1, 0, [(10, hint, {"font_size": 9, "font_color": QUIET})], looks)
    heads = say(
        "编号 服务中心 人员编号 工号 值班 休息日 法定 缺岗 放宽 余额（次）",
        "Code Centre Reference Number Duties Rest Statutory Missed Relaxed Balance",
    ).split()
    sheet.set_row(2, 22)
    head = {"bold": True, "font_color": WHITE, "bg_color": ACCENT, "align": "center"}
    put(sheet, 2, 0, [(1, text, head) for text in heads], looks)
    for row, load in enumerate(loads, start=3):
        put(sheet, row, 0, _detail(load, names[load.centre]), looks)
    sheet.freeze_panes(3, 0)
    if loads:
        last = len(loads) + 2
        sheet.autofilter(2, 0, last, 9)
        bar = {"type": "data_bar", "data_bar_2010": True, "bar_solid": True, "bar_color": "#A9C3D6"}
        sheet.conditional_format(3, 9, last, 9, {**bar, "bar_negative_color": "#F2B8AC", "bar_axis_color": QUIET})


def _detail(load: "Load", centre: str) -> list[Piece]:
    line = {"bottom": 1, "bottom_color": LINE}
    middle, count = line | {"align": "center"}, line | {"align": "center", "num_format": COUNT}
    missed, relaxed = ({"font_color": colour, "bold": True} for colour in (RED, AMBER))
    return [
        (1, load.centre, middle),
        (1, centre, line),
        (1, load.ref, middle),
        (1, load.number, middle),
        *((1, number, count) for number in (load.duties, load.rest, load.statutory)),
        (1, load.missed, count | (missed if load.missed else {})),
        (1, load.relaxed, count | (relaxed if load.relaxed else {})),
        (1, round(load.balance / U, 2), line | {"num_format": SIGNED}),
    ]
