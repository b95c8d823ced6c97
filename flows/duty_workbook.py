"""The duty month as a workbook to print: the slots of each centre -> an index -> one calendar sheet for each centre.

`write_holidays` is its sibling for the sub-district: one table for each holiday, centres down, days across.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from xlsxwriter.worksheet import Worksheet

from flows.duty_sheets import (
    AMBER,
    COUNT,
    QUIET,
    RED,
    TINTS,
    WHITE,
    Looks,
    Piece,
    banner,
    cell_text,
    month_name,
    put,
    speaking,
    tab_names,
)
from flows.forms_rows import ACCENT, LINE, SHADE, page, workbook_at
from notifications.duty import weekday
from rules.calendar import Day, dates_between, month_dates
from rules.duty import DayNotInCalendar
from rules.duty_facts import in_number_order
from rules.errors import say
from rules.registers import Lang
from rules.slots import NAMES

OUTSIDE = "#F6F8F9"
MARKS = dict(zip(NAMES, "◇○◎●√××", strict=True))
PARTS, WIDE = 4, 28  # sheet columns to a day, and to a week
SHARES = (0.36, 0.4, 0.24)  # of a day's height for its number, cadre and state
LEGEND = (
    (*TINTS["statutory"], "节", "", "法定节假日", "statutory holiday"),
    (*TINTS["rest"], "休", "", "休息日", "rest day"),
    (WHITE, ACCENT, "班", "work", "调休上班", "make-up workday"),
    (RED, WHITE, "空", "GAP", "空缺待补", "gap"),
    (WHITE, AMBER, "△", "△", "放宽休息间隔", "rest relaxed"),
    (WHITE, ACCENT, "带", "lead", "带班领导", "leader on duty"),
    (WHITE, QUIET, "—", "—", "当天无班次", "no duty"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One slot as it is shown: `who` is whatever may be read there (name, number or reference), "" for a gap."""

    date: date
    who: str
    state: str
    rest_relaxed: bool = False
    leader: str = ""


@dataclass(frozen=True, slots=True)
class CentreMonth:
    """A centre's slots by date, beside the calendar."""

    code: str
    name: str
    days: Mapping[date, Day]
    cells: Mapping[date, Cell]


def write_month(path: Path, month: str, sheets: Sequence[CentreMonth], lang: Lang) -> None:
    """Write the duty calendar of a month: a sheet 目录 with every centre, then a calendar of one A4 page for each.

    Args:
        path: of the .xlsx; written as a whole or not at all.
        month: as 2026-03; days and cells outside it are not shown.
        sheets: the centres in the order they are shown; 33 take about half a second.
        lang: of everything but names.

    Raises:
        DayNotInCalendar: the calendar of a centre lacks a day of the month.
    """
    days = list(dates_between(*month_dates(month)))
    with speaking(lang), workbook_at(path) as book:
        looks, tabs = Looks(book), tab_names([(each.code, each.name) for each in sheets])
        counts = [_counted(each, days) for each in sheets]
        index = book.add_worksheet(say("目录", "Index"))
        _index(index, looks, days[0], list(zip(sheets, tabs, counts, strict=True)))
        for each, tab, counted in zip(sheets, tabs, counts, strict=True):
            sheet = book.add_worksheet(tab)
            sheet.set_tab_color(RED if counted["gap"] else _status(counted)[1])
            _month_sheet(sheet, looks, each, days, counted)


def _counted(centre: CentreMonth, days: Sequence[date]) -> Counter[str]:
    """Count the month's slots by state, and: slots, relaxed, people, and days of a provisional calendar."""
    for day in days:
        if day not in centre.days:
            raise DayNotInCalendar(day)
    cells = [centre.cells[day] for day in days if day in centre.cells]
    counted = Counter(cell.state for cell in cells)
    counted["slots"] = len(cells)
    counted["relaxed"] = sum(cell.rest_relaxed for cell in cells)
    counted["people"] = len({cell.who for cell in cells if cell.state != "gap"})
    counted["provisional"] = sum(not centre.days[day].confirmed for day in days)
    return counted


def _status(counted: Counter[str]) -> tuple[str, str]:
    """Tell how far the month has come, and the colour of that."""
    if not counted["slots"]:
        return say("未排班", "not planned"), QUIET
    if counted["slots"] == counted["draft"] + counted["gap"]:
        return say("草稿", "DRAFT"), AMBER
    return (say("部分发布", "part published"), AMBER) if counted["draft"] else (say("已发布", "PUBLISHED"), ACCENT)


def _stamps(counted: Counter[str], width: int) -> list[Piece]:
    """Return 暂定 if the calendar is provisional, and the status, in white on their colours."""
    stamps = [(say("暂定", "PROVISIONAL"), RED)] * bool(counted["provisional"]) + [_status(counted)]
    look = {"bold": True, "font_size": 13, "font_color": WHITE, "align": "center", "shrink": True}
    return [(width, text, look | {"bg_color": colour, "left": 2, "left_color": WHITE}) for text, colour in stamps]


def _summary(counted: Counter[str]) -> str:
    parts = [("slots", "班次", "slots"), ("gap", "空缺", "gaps"), ("relaxed", "放宽间隔", "rest relaxed")]
    shown = [f"{say(zh, en)} {counted[name]}" for name, zh, en in parts]
    guess = say("暂定日历：国务院尚未公布放假安排", "provisional: the holidays are not announced yet")
    return "  ·  ".join(shown + [guess] * bool(counted["provisional"]))


def _index(
    sheet: Worksheet, looks: Looks, first: date, centres: Sequence[tuple[CentreMonth, str, Counter[str]]]
) -> None:
    page(sheet, header_row=2)
    sheet.set_portrait()
    for column, width in enumerate((7, 12, 42, 9, 9, 9, 9, 14)):
        sheet.set_column(column, column, width)
    total = sum((counted for *_, counted in centres), Counter[str]())
    banner(sheet, looks, (4, 4), say("每日轮值目录", "Daily duty: index"), month_name(first))
    text = f"{say('中心', 'centres')} {len(centres)}  ·  {_summary(total)}"
    put(sheet, 1, 0, [(8, text, {"font_color": QUIET})], looks)
    heads = say("序号 编号 服务中心 班次 空缺 放宽 人数 状态", "No. Code Centre Slots Gaps Relaxed People Status")
    look = {"bold": True, "font_color": WHITE, "bg_color": ACCENT, "align": "center"}
    put(sheet, 2, 0, [(1, head, look) for head in heads.split()], looks)
    for row, entry in enumerate(centres, start=3):
        sheet.set_row(row, 19)
        _index_row(sheet, looks, row, *entry)
    for row, (mark, meaning) in enumerate(_legend(), start=len(centres) + 4):
        put(sheet, row, 1, [mark, meaning], looks)
    sheet.freeze_panes(3, 0)


def _index_row(sheet: Worksheet, looks: Looks, row: int, centre: CentreMonth, tab: str, counted: Counter[str]) -> None:
    line = {"bottom": 1, "bottom_color": LINE}
    middle, alarm = line | {"align": "center"}, {"bold": True, "font_color": WHITE, "bg_color": RED}
    text, colour = _status(counted)
    put(sheet, row, 0, [(1, row - 2, middle | {"font_color": QUIET}), (1, centre.code, middle)], looks)
    link = "internal:'{}'!A1".format(tab.replace("'", "''"))
    sheet.write_url(row, 2, link, looks(font_color=ACCENT, underline=1, **line), cell_text(centre.name))
    numbers = [counted[name] for name in ("slots", "gap", "relaxed", "people")]
    looked = [middle, middle | (alarm if counted["gap"] else {}), middle, middle]
    pieces: list[Piece] = [(1, number, look) for number, look in zip(numbers, looked, strict=True)]
    put(sheet, row, 3, [*pieces, (1, text, middle | {"bold": True, "font_color": colour})], looks)


def _legend() -> list[tuple[Piece, Piece]]:
    frame = {"align": "center", "border": 1, "border_color": LINE, "font_size": 8, "bold": True}
    quiet = {"font_size": 8, "font_color": QUIET, "indent": 1}
    legend: list[tuple[Piece, Piece]] = []
    for fill, ink, mark_zh, mark_en, zh, en in LEGEND:
        mark: Piece = (1, say(mark_zh, mark_en), frame | {"bg_color": fill, "font_color": ink})
        legend.append((mark, (PARTS - 1, say(zh, en), quiet)))
    return legend


def _month_sheet(
    sheet: Worksheet, looks: Looks, centre: CentreMonth, days: Sequence[date], counted: Counter[str]
) -> None:
    page(sheet, header_row=0)
    sheet.fit_to_pages(1, 1)
    sheet.set_column(0, WIDE - 1, 5.2)
    sheet.set_row(2, 20)
    stamps = _stamps(counted, 3)
    banner(sheet, looks, (16, 12 - 3 * len(stamps)), f"{centre.code} {centre.name}", month_name(days[0]))
    put(sheet, 0, WIDE - 3 * len(stamps), stamps, looks)
    put(sheet, 1, 0, [(24, _summary(counted), {"font_color": QUIET})], looks)
    back = looks(font_color=ACCENT, underline=1, font_size=8, align="right")
    sheet.write_url(1, WIDE - 1, "internal:'{}'!A1".format(say("目录", "Index")), back, say("← 目录", "← Index"))
    head = {"bold": True, "font_color": WHITE, "align": "center"}
    fills = [ACCENT] * 5 + [TINTS["rest"][1]] * 2
    week = [(PARTS, weekday(date(2024, 1, n)), head | {"bg_color": fill}) for n, fill in enumerate(fills, start=1)]
    put(sheet, 2, 0, week, looks)  # 1 January 2024 was a Monday
    row, starts = 3, range(-days[0].weekday(), len(days), 7)
    height = min(400 / len(starts), 84)
    for start in starts:
        shown = [days[n] if 0 <= n < len(days) else None for n in range(start, start + 7)]
        _week(sheet, looks, row, height, [_block(centre, day) for day in shown])
        row += len(SHARES)
    sheet.set_row(row, 6)
    put(sheet, row + 1, 0, [piece for pair in _legend() for piece in pair], looks)
    sheet.set_row(row + 2, 6)
    _people(sheet, looks, row + 3, [centre.cells[day] for day in days if day in centre.cells], centre.days)
    sheet.freeze_panes(3, 0)


def _week(sheet: Worksheet, looks: Looks, top: int, height: float, blocks: Sequence[Sequence[Sequence[Piece]]]) -> None:
    """Write the three lines of seven days, a frame around each day."""
    for line, share in enumerate(SHARES):
        sheet.set_row(top + line, height * share)
        edge = {0: {"top": 1, "top_color": LINE}, len(SHARES) - 1: {"bottom": 1, "bottom_color": LINE}}.get(line, {})
        for place, block in enumerate(blocks):
            first, *rest = [(width, value, look | edge) for width, value, look in block[line]]
            pieces = [(*first[:2], first[2] | {"left": 1, "left_color": LINE}), *rest]
            pieces[-1] = (*pieces[-1][:2], pieces[-1][2] | {"right": 1, "right_color": LINE})
            put(sheet, top + line, place * PARTS, pieces, looks)


def _block(centre: CentreMonth, when: date | None) -> list[list[Piece]]:
    """Return the lines of one day: number and kind, cadre, state and leader; None is a day of another month."""
    if when is None:
        return [[(PARTS, "", {"bg_color": OUTSIDE})]] * len(SHARES)
    day, cell = centre.days[when], centre.cells.get(when)
    fill, ink = TINTS[day.kind]
    ground = {"bg_color": fill, "shrink": True}
    number: Piece = (1, when.day, ground | {"bold": True, "font_size": 16, "font_color": ink, "align": "center"})
    small = ground | {"font_color": ACCENT if day.kind == "work" else ink, "bold": True, "font_size": 9}
    kind: Piece = (PARTS - 1, special(day), small | {"align": "right", "indent": 1})
    if cell is None:
        none = ground | {"align": "center", "font_color": QUIET}
        return [[number, kind], [(PARTS, "—", none)], [(PARTS, "", none)]]
    name = ground | {"bold": True, "font_size": 14, "align": "center"}
    if cell.state == "gap":
        gap = {"bg_color": RED, "font_color": WHITE}
        return [[number, kind], [(PARTS, say("空缺", "GAP"), name | gap)], _foot(cell, ground | gap)]
    return [[number, kind], [(PARTS, cell.who, name)], _foot(cell, ground)]


def special(day: Day) -> str:
    """Name what is special about a day: the holiday, 休 within the week, 班 at a weekend; else nothing."""
    weekend = day.date.weekday() >= 5
    if day.kind == "work":
        return f"{say('班', 'work')} {day.name}".strip() if weekend else day.name
    if day.kind == "rest":
        return day.name or ("" if weekend else say("休", "off"))
    return day.name or say("法定节假日", "holiday")


def _foot(cell: Cell, ground: dict[str, Any]) -> list[Piece]:
    small = {"font_size": 9, "align": "center"}
    quiet = {"font_color": QUIET} | small | ground
    alarm = {"font_color": RED, "bold": True} if cell.state == "missed" else {}
    alarm |= {"font_color": AMBER, "bold": True} if cell.rest_relaxed else {}
    state = f"{MARKS[cell.state]} {say(NAMES[cell.state], cell.state.replace('_', ' '))}" + " △" * cell.rest_relaxed
    if not cell.leader:
        return [(PARTS, "" if cell.state == "gap" else state, quiet | alarm)]
    leader = say(f"带班 {cell.leader}", f"leader {cell.leader}")
    return [(PARTS // 2, state, quiet | alarm), (PARTS // 2, leader, {"font_color": ACCENT} | small | ground)]


def _people(sheet: Worksheet, looks: Looks, top: int, cells: Sequence[Cell], days: Mapping[date, Day]) -> None:
    """Write who serves how often, four persons side by side; a missed duty counts for nobody."""
    tallies = {cell.who: [0, 0, 0] for cell in cells if cell.state != "gap"}
    for cell in cells:
        if cell.state not in {"gap", "missed"}:
            kind = days[cell.date].kind
            for n, counts in enumerate((True, kind != "work", kind == "statutory")):
                tallies[cell.who][n] += counts
    head = {"font_size": 8, "bold": True, "font_color": ACCENT, "bg_color": SHADE, "align": "center", "shrink": True}
    heads = say("值班人员 值班 休息 法定", "On-duty total rest holiday").split()
    put(sheet, top, 0, [(PARTS if n % 4 == 0 else 1, text, head) for n, text in enumerate(heads * 4)], looks)
    people, line = in_number_order(tallies), {"bottom": 1, "bottom_color": LINE, "font_size": 9, "shrink": True}
    deep = -(-len(people) // 4)
    for n in range(deep):
        row: list[Piece] = []
        for who in people[n::deep]:
            row += [(PARTS, who, line | {"indent": 1})]
            row += [(1, count, line | {"align": "center", "num_format": COUNT}) for count in tallies[who]]
        put(sheet, top + 1 + n, 0, row, looks)
