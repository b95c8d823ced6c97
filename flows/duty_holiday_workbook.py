"""The holiday table for the sub-district: slots of all centres -> one sheet per holiday, centres down, days across."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from xlsxwriter.worksheet import Worksheet

from flows.duty_sheets import QUIET, RED, TINTS, WHITE, Looks, Piece, banner, put, speaking, tab_names
from flows.duty_workbook import Cell, CentreMonth, special
from flows.forms_rows import ACCENT, LINE, page, workbook_at
from notifications.duty import weekday
from rules.calendar import Day
from rules.errors import say
from rules.registers import Lang


def write_holidays(path: Path, rows: Sequence[CentreMonth], lang: Lang) -> None:
    """Write a sheet for each holiday that has duties: statutory and adjacent rest days across, centres down.

    Args:
        path: of the .xlsx; written as a whole or not at all.
        rows: the centres in the order they are shown, with days and cells of any span of dates.
        lang: of everything but names.
    """
    days = {when: day for row in rows for when, day in row.days.items()}
    runs = [run for run in holidays(days) if any(day.date in row.cells for row in rows for day in run)]
    with speaking(lang), workbook_at(path) as book:
        looks = Looks(book)
        if not runs:
            nothing = say("这段日期没有法定节假日值班。", "there are no duties on statutory holidays in these dates.")
            put(book.add_worksheet(say("节假日", "Holidays")), 0, 0, [(1, nothing, {"bold": True})], looks)
        tabs = tab_names([(_holiday_name(run), f"{run[0].date}") for run in runs])
        for tab, run in zip(tabs, runs, strict=True):
            _holiday_sheet(book.add_worksheet(tab), looks, run, rows)


def holidays(days: Mapping[date, Day]) -> list[list[Day]]:
    """Find the runs of consecutive days off that hold a statutory day, in the order of dates."""
    runs: list[list[Day]] = []
    for _, day in sorted(days.items()):
        if day.kind == "work":
            continue
        if runs and runs[-1][-1].date + timedelta(days=1) == day.date:
            runs[-1].append(day)
        else:
            runs.append([day])
    return [run for run in runs if any(day.kind == "statutory" for day in run)]


def _holiday_name(run: Sequence[Day]) -> str:
    """Name a holiday by its statutory days: 除夕、春节."""
    return "、".join(dict.fromkeys(special(day) for day in run if day.kind == "statutory"))


def _holiday_sheet(sheet: Worksheet, looks: Looks, run: Sequence[Day], rows: Sequence[CentreMonth]) -> None:
    page(sheet, header_row=2)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, len(run), min(max(13, 100 // len(run)), 28))
    first, last = run[0].date, run[-1].date
    zh = f"{first.year}年{first.month}月{first.day}日—{last.month}月{last.day}日"
    guess = "" if all(day.confirmed for day in run) else say("（暂定）", " (provisional)")
    title = _holiday_name(run) + say("值班表", ": duty") + guess
    when = say(zh, f"{first} - {last}")
    half = (len(run) + 1) // 2
    banner(sheet, looks, (half, len(run) + 1 - half), title, when)
    head = {"bold": True, "align": "center", "font_color": WHITE, "bg_color": ACCENT, "border": 1, "border_color": LINE}
    dates = [f"{day.date.month}.{day.date.day} {weekday(day.date)}" for day in run]
    put(sheet, 1, 0, [(1, text, head) for text in (say("服务中心", "Centre"), *dates)], looks)
    grounds = [{"bg_color": TINTS[day.kind][0], "align": "center", "shrink": True} for day in run]
    kinds = [special(day) or say("休", "off") for day in run]
    inks = [{"font_color": TINTS[day.kind][1], "bold": True} for day in run]
    put(sheet, 2, 1, [(1, kind, ground | ink) for kind, ground, ink in zip(kinds, grounds, inks, strict=True)], looks)
    for row, centre in enumerate(rows):
        pairs = [_duty_of(centre.cells.get(day.date), ground) for day, ground in zip(run, grounds, strict=True)]
        upper: Piece = (1, f"{centre.code} {centre.name}", {"bold": True, "top": 1, "top_color": LINE, "shrink": True})
        lower: Piece = (1, say("带班领导", "leader on duty"), {"font_size": 8, "font_color": QUIET, "align": "right"})
        put(sheet, 3 + 2 * row, 0, [upper, *(duty for duty, _ in pairs)], looks)
        put(sheet, 4 + 2 * row, 0, [lower, *(leader for _, leader in pairs)], looks)
    sheet.freeze_panes(3, 1)


def _duty_of(cell: Cell | None, ground: dict[str, Any]) -> tuple[Piece, Piece]:
    """Return who serves, and the leader below."""
    upper, lower = ({"left": 1, "left_color": LINE, edge: 1, f"{edge}_color": LINE} for edge in ("top", "bottom"))
    leader: Piece = (1, cell.leader if cell else "", ground | lower | {"font_size": 9, "font_color": QUIET})
    if cell is None:
        return (1, "—", ground | upper | {"font_color": QUIET}), leader
    gap = {"bg_color": RED, "font_color": WHITE} if cell.state == "gap" else {}
    return (1, say("空缺", "GAP") if gap else cell.who, ground | upper | {"bold": True} | gap), leader
