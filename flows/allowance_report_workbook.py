"""The report of a cycle as a workbook: tiles and charts to look at, then every community, band and reason."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from flows.allowance_sheet_workbook import COUNT, LOUD, MONEY, REASONS, SMALL, TEXT, columns, heads
from flows.duty_sheets import QUIET, RED, WHITE, Looks, Piece, banner, put
from flows.forms_rows import ACCENT, FONT, LINE, SHADE, workbook_at
from flows.visit_month_workbook import finish_chart
from rules.errors import say

STATES = {
    "planned": ("未送银行", "not sent"),
    "frozen": ("待送银行", "frozen"),
    "sent": ("银行处理中", "at the bank"),
    "paid": ("已入账", "paid"),
    "returned": ("退回", "returned"),
    "unknown": ("未知", "unknown"),
}
COLOURS = {"paid": "#7DB798", "sent": "#6F9BBA", "planned": "#C9D2D9", "returned": "#E5866F", "unknown": "#B45F06"}
ACCOUNTS = {
    "treasury": ("财政拨入（负数为已拨）", "treasury"),
    "budget": ("预算余额", "budget left"),
    "committed": ("已批准未发放", "committed"),
    "in_transit": ("在途（含未知）", "in transit"),
    "paid": ("已入账", "paid"),
    "returned": ("退回待处理", "returned"),
    "receivable": ("应收追回", "receivable"),
}
_CHART = 6
_TABLE = 42


def write_report(path: Path, figures: Mapping[str, Any]) -> None:
    """Write 概览, 按社区, 未列入与追回 of one cycle, from the figures that flows/allowance_report.py works out."""
    with workbook_at(path) as book:
        looks = Looks(book)
        _overview(book, book.add_worksheet(say("概览", "Overview")), looks, figures)
        _table(book.add_worksheet(say("按社区", "Communities")), looks, figures, figures["communities"])
        _rest(book.add_worksheet(say("未列入与账目", "Left out, ledger")), looks, figures)


def _overview(book: Workbook, sheet: Worksheet, looks: Looks, figures: Mapping[str, Any]) -> None:
    columns(sheet, (26, 13, 15, 13, 15, 13, 15))
    sheet.set_portrait()
    sheet.fit_to_pages(1, 1)
    banner(sheet, looks, (5, 2), say(f"{figures['title']} 发放报告", f"{figures['title']}: report"), figures["as_of"])
    note = say(
        "依据 {notice}，资格以 {as_of} 为准。"
        "登记 {registered} 人 = 列入 {entitled} + 未列入 {excluded} + 未到年龄或类别 {not_of_age}。",
        "By {notice}, judged as of {as_of}. {registered} registered = {entitled} entitled + {excluded} left out + "
        "{not_of_age} not of age.",
    ).format(notice=figures["notice"], as_of=figures["as_of"], **figures["planned"])
    put(sheet, 1, 0, [(7, note, SMALL)], looks)
    _tiles(sheet, looks, figures)
    rows = _data(sheet, looks, figures)
    _charts(book, sheet, figures, rows)


def _tiles(sheet: Worksheet, looks: Looks, figures: Mapping[str, Any]) -> None:
    people, fen = figures["people"], figures["fen"]
    total, all_fen = sum(people.values()), sum(fen.values())
    tiles: list[tuple[str, float, str, bool]] = [
        (say("列入人次", "payments"), total, "#,##0", False),
        (say("金额（元）", "yuan"), all_fen / 100, "#,##0.00", False),
        (say("已入账人次", "paid"), people.get("paid", 0), "#,##0", False),
        (say("退回", "returned"), people.get("returned", 0), "#,##0", True),
        (say("未知", "unknown"), people.get("unknown", 0), "#,##0", True),
        (say("人均（元）", "each"), round(all_fen / total) / 100 if total else 0, "#,##0.00", False),
    ]
    ground = {"bg_color": SHADE, "align": "center", "left": 5, "left_color": WHITE, "shrink": True}
    widths = (1, 2, 1, 1, 1, 1)
    values: list[Piece] = []
    for width, (_, value, shape, alarming) in zip(widths, tiles, strict=True):
        look = {"font_size": 20, "bold": True, "font_color": RED if alarming and value else ACCENT, "num_format": shape}
        values.append((width, value, ground | look))
    sheet.set_row(2, 34)
    put(sheet, 2, 0, values, looks)
    small = ground | {"font_size": 9, "font_color": QUIET}
    put(sheet, 3, 0, [(width, label, small) for width, (label, *_) in zip(widths, tiles, strict=True)], looks)


def _data(sheet: Worksheet, looks: Looks, figures: Mapping[str, Any]) -> tuple[int, int]:
    """Write what the charts read: bands, then states; return their first rows."""
    heads(sheet, looks, _TABLE, [("档次", "Band"), ("人次", "Payments"), ("金额（元）", "Yuan")])
    row = _TABLE
    for each in figures["bands"]:
        row += 1
        put(sheet, row, 0, [(1, each["name"], TEXT), (1, each["people"], COUNT), (1, each["fen"] / 100, MONEY)], looks)
    second = row + 2
    heads(sheet, looks, second, [("状态", "State"), ("人次", "Payments"), ("金额（元）", "Yuan")])
    row = second
    for state, name in STATES.items():
        row += 1
        people, fen = figures["people"].get(state, 0), figures["fen"].get(state, 0)
        put(sheet, row, 0, [(1, say(*name), TEXT), (1, people, COUNT), (1, fen / 100, MONEY)], looks)
    return _TABLE + 1, second + 1


def _charts(book: Workbook, sheet: Worksheet, figures: Mapping[str, Any], rows: tuple[int, int]) -> None:
    tab: str = sheet.get_name()  # type: ignore[no-untyped-call]
    if figures["bands"]:
        last = rows[0] + len(figures["bands"]) - 1
        bands: Any = book.add_chart({"type": "column"})
        told = {"categories": [tab, rows[0], 0, last, 0], "values": [tab, rows[0], 2, last, 2]}
        bands.add_series({**told, "name": say("金额（元）", "yuan"), "fill": {"color": "#6F9BBA"}, "gap": 60})
        finish_chart(bands, say("各档金额（元）", "Yuan by band"), (400, 320), rate=False, legend=False)
        sheet.insert_chart(_CHART, 0, bands, {"x_offset": 4})
    last = rows[1] + len(STATES) - 1
    states: Any = book.add_chart({"type": "bar"})
    told = {"categories": [tab, rows[1], 0, last, 0], "values": [tab, rows[1], 1, last, 1]}
    label = {"value": True}
    states.add_series(
        {**told, "name": say("人次", "payments"), "fill": {"color": "#7DB798"}, "gap": 40, "data_labels": label}
    )
    finish_chart(states, say("付款状态（人次）", "Payments by state"), (420, 320), rate=False, legend=False)
    states.set_x_axis({"visible": False, "major_gridlines": {"visible": False}, "min": 0})
    names = {"name": FONT, "size": 9, "color": QUIET}
    states.set_y_axis({"reverse": True, "num_font": names, "line": {"color": LINE}, "major_tick_mark": "none"})
    sheet.insert_chart(_CHART, 3, states, {"x_offset": 20})
    _places(book, sheet, figures)


def _places(book: Workbook, sheet: Worksheet, figures: Mapping[str, Any]) -> None:
    """Draw every community by state, from the cells of the second sheet."""
    count = len(figures["communities"])
    if not count:
        return
    tab = say("按社区", "Communities")
    chart: Any = book.add_chart({"type": "column", "subtype": "stacked"})
    for column, state in enumerate(SHOWN, start=3):
        told = {"categories": [tab, 2, 0, count + 1, 0], "values": [tab, 2, column, count + 1, column]}
        chart.add_series({**told, "name": say(*STATES[state]), "fill": {"color": COLOURS[state]}, "gap": 50})
    finish_chart(chart, say("各社区人次", "Payments by community"), (830, 340), rate=False, legend=True)
    sheet.insert_chart(_CHART + 17, 0, chart, {"x_offset": 4})


SHOWN = ("paid", "sent", "planned", "returned", "unknown")


def _table(sheet: Worksheet, looks: Looks, figures: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    columns(sheet, (36, 12, 16, *[12] * len(SHOWN)))
    banner(sheet, looks, (6, 2), say("按社区", "By community"), figures["title"])
    titles = [("社区", "Community"), ("人次", "Payments"), ("金额（元）", "Yuan"), *(STATES[state] for state in SHOWN)]
    heads(sheet, looks, 1, titles)
    for row, each in enumerate(rows, start=2):
        pieces: list[Piece] = [(1, each["name"], TEXT), (1, each["people"], COUNT), (1, each["fen"] / 100, MONEY)]
        for state in SHOWN:
            people = people_in(each, state)
            pieces.append((1, people, COUNT | (LOUD if people and state in {"returned", "unknown"} else {})))
        put(sheet, row, 0, pieces, looks)
    sheet.freeze_panes(2, 1)


def people_in(row: Mapping[str, Any], state: str) -> int:
    """How many are in a state; what is frozen is at the bank in the eyes of a reader."""
    names = ("sent", "frozen") if state == "sent" else (state,)
    return sum(row["states"].get(name, [0])[0] for name in names)


def _rest(sheet: Worksheet, looks: Looks, figures: Mapping[str, Any]) -> None:
    columns(sheet, (36, 16, 20))
    banner(sheet, looks, (2, 1), say("未列入与账目", "Left out, ledger"), figures["title"])
    heads(sheet, looks, 1, [("未列入的原因", "Left out because"), ("人数", "People")])
    row = 1
    for reason, people in sorted(figures["excluded"].items(), key=lambda each: -each[1]):
        row += 1
        put(sheet, row, 0, [(1, say(*REASONS[reason]), TEXT), (1, people, COUNT)], looks)
    row += 2
    heads(sheet, looks, row, [("账目科目", "Account"), ("金额（元）", "Yuan")])
    for account, name in ACCOUNTS.items():
        row += 1
        put(sheet, row, 0, [(1, say(*name), TEXT), (1, figures["ledger"][account] / 100, MONEY)], looks)
    row += 2
    heads(sheet, looks, row, [("应收追回：流水号", "Receivable: payment"), ("金额（元）", "Yuan"), ("原因", "Why")])
    if not figures["receivables"]:
        put(sheet, row + 1, 0, [(3, say("（没有）", "(nothing)"), SMALL)], looks)
    for each in figures["receivables"]:
        row += 1
        put(sheet, row, 0, [(1, each["payment"], TEXT), (1, each["fen"] / 100, MONEY), (1, each["why"], TEXT)], looks)
