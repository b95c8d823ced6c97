"""The delivery report as a workbook: tiles -> charts -> a line for each message and result; what is in doubt."""

from collections import Counter
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from flows.duty_sheets import AMBER, QUIET, RED, WHITE, Looks, Piece, banner, put
from flows.forms_rows import ACCENT, FONT, INK, LINE, SHADE, page, workbook_at
from flows.message_figures import PAID, STATES, Report, channel_name, message_name, provider_name, state_name
from flows.settings import Settings
from rules.errors import say

WIDTHS = (34, 10, 12, 22, 10, 12, 2, 22, 10)
TABLE = 24
"""The row of the heads, below tiles and charts."""
COST = 20
"""The column of what the cost chart reads."""


def write_message_report(path: Path, report: Report, settings: Settings) -> None:
    """Write 概览 (tiles, charts, every line) and 结果不明 (what a person must look into).

    Args:
        path: of the .xlsx; written as a whole or not at all.
        report: the counts.
        settings: for local times.
    """
    with workbook_at(path) as book:
        looks = Looks(book)
        overview = book.add_worksheet(say("概览", "Overview"))
        doubts = book.add_worksheet(say("结果不明", "In doubt"))
        _overview(book, overview, looks, report)
        _doubts(doubts, looks, report, settings)


def _overview(book: Workbook, sheet: Worksheet, looks: Looks, report: Report) -> None:
    page(sheet, header_row=0)
    for column, width in enumerate(WIDTHS):
        sheet.set_column(column, column, width)
    when = f"{report.first}" if report.first == report.last else f"{report.first} — {report.last}"
    banner(sheet, looks, (5, 4), say("消息送达报告", "Messages: what became of them"), when)
    _tiles(sheet, looks, report)
    states = report.states()
    ordered = [state for state in STATES if states[state]]
    costs = _costs(report)
    _table(sheet, looks, _lines(report), [(state, states[state]) for state in ordered], costs)
    if ordered:
        _charts(book, sheet, len(ordered), len(costs))
    sheet.print_area(0, 0, TABLE + max(len(report.volumes), len(ordered), 1), len(WIDTHS) - 1)  # without the costs


def _tiles(sheet: Worksheet, looks: Looks, report: Report) -> None:
    states = report.states()
    waiting = min(report.oldest.values(), default=None)
    tiles: list[tuple[str, str | int, bool]] = [
        (say("消息", "messages"), states.total(), False),
        (say("已送达", "delivered"), states["delivered"], False),
        (say("短信计费条数", "SMS parts paid"), report.parts, False),
        (say("结果不明", "in doubt"), len(report.doubt), bool(report.doubt)),
        (say("待打电话", "to be called"), report.calls, bool(report.calls)),
        (say("最久待发", "oldest waiting"), f"{waiting.astimezone(report.at.tzinfo):%m-%d %H:%M}" if waiting else "—",
         bool(waiting)),
    ]  # fmt: skip
    ground = {"bg_color": SHADE, "align": "center", "left": 5, "left_color": WHITE}
    values: list[Piece] = [
        (1, value, {**ground, "bold": True, "font_size": 18, "font_color": RED if red else ACCENT})
        for _, value, red in tiles
    ]
    sheet.set_row(2, 30)
    put(sheet, 2, 0, values, looks)
    put(sheet, 3, 0, [(1, name, {**ground, "font_color": QUIET, "font_size": 9}) for name, _, _ in tiles], looks)
    for place, trouble in enumerate(report.troubles[:3]):
        told = say(
            f"通道 {trouble.provider} 暂停中（代码 {trouble.code}）：请查余额、签名与网络",
            f"{trouble.provider} is left alone ({trouble.code}): check balance, sign and network",
        )
        put(sheet, 4 + place, 0, [(6, told, {"font_color": AMBER, "bold": True})], looks)


Line = tuple[str, str, str, str, int, int]


def _lines(report: Report) -> list[Line]:
    return [
        (
            message_name(each.template),
            channel_name(each.channel),
            provider_name(each.provider),
            state_name(each.state),
            each.messages,
            each.parts,
        )
        for each in report.volumes
    ]


def _costs(report: Report) -> list[tuple[str, int]]:
    """The messages that cost most, with their paid SMS parts."""
    cost: Counter[str] = Counter()
    for each in report.volumes:
        if each.channel == "sms" and each.state in PAID:
            cost[message_name(each.template)] += each.parts
    return [(name, parts) for name, parts in cost.most_common(8) if parts]


def _table(
    sheet: Worksheet, looks: Looks, lines: list[Line], states: list[tuple[str, int]], costs: list[tuple[str, int]]
) -> None:
    """Write lines, results, and beside the page what the cost chart reads: row by row, for one left is closed."""
    head = {"bold": True, "font_color": ACCENT, "bg_color": SHADE, "bottom": 1, "bottom_color": LINE}
    heads = say("消息|通道|服务商|结果|条数|计费条数", "message|channel|provider|result|number|parts").split("|")
    right = {"align": "right"}
    pieces: list[Piece] = [(1, name, head | (right if place > 3 else {})) for place, name in enumerate(heads)]
    totals: list[Piece] = [(1, say("结果", "result"), head), (1, say("条数", "number"), head | right)]
    put(sheet, TABLE, 0, [*pieces, (1, "", {}), *totals], looks)
    thin = {"bottom": 4, "bottom_color": LINE}
    for row in range(max(len(lines), len(states), len(costs))):
        left: list[Piece] = [(1, value, thin) for value in lines[row]] if row < len(lines) else [(1, "", {})] * 6
        told: list[Piece] = (
            [(1, state_name(states[row][0]), thin), (1, states[row][1], thin)] if row < len(states) else []
        )
        put(sheet, TABLE + 1 + row, 0, [*left, (1, "", {}), *told], looks)
        if row < len(costs):
            sheet.write_string(TABLE + 1 + row, COST, costs[row][0])
            sheet.write_number(TABLE + 1 + row, COST + 1, costs[row][1])
    if not lines:
        put(
            sheet,
            TABLE + 1,
            0,
            [(6, say("这段时间没有消息", "no messages in these days"), {"font_color": QUIET})],
            looks,
        )


def _charts(book: Workbook, sheet: Worksheet, states: int, costs: int) -> None:
    """Two native charts: results of all messages, and paid SMS parts by message."""
    first = TABLE + 1
    _bars(book, sheet, say("结果", "Results"), (first, TABLE + states, 7), "#6F9BBA", (0, 4, 520))
    if costs:
        rows = (first, TABLE + costs, COST)
        _bars(book, sheet, say("短信计费条数", "SMS parts paid"), rows, "#7DB798", (3, 110, 460))


def _bars(
    book: Workbook, sheet: Worksheet, title: str, rows: tuple[int, int, int], colour: str, place: tuple[int, int, int]
) -> None:
    """Draw bars of names and numbers in two columns: rows (first, last, column), at place (column, offset, width)."""
    font: dict[str, Any] = {"name": FONT, "size": 9, "color": INK}
    first, last, column = rows
    name: str = sheet.get_name()  # type: ignore[no-untyped-call]
    chart = book.add_chart({"type": "bar"})
    assert chart is not None
    series = {"categories": [name, first, column, last, column], "values": [name, first, column + 1, last, column + 1]}
    look = {"fill": {"color": colour}, "gap": 60, "data_labels": {"value": True, "font": font}}
    chart.add_series({**series, **look})
    chart.set_title({"name": title, "name_font": font | {"size": 12}})
    chart.set_legend({"none": True})
    chart.set_y_axis({"reverse": True, "num_font": font, "line": {"none": True}})
    chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
    chart.set_size({"width": place[2], "height": 330})
    sheet.insert_chart(7, place[0], chart, {"x_offset": place[1]})


def _doubts(sheet: Worksheet, looks: Looks, report: Report, settings: Settings) -> None:
    for column, width in enumerate((46, 22, 10, 18, 12, 18, 18)):
        sheet.set_column(column, column, width)
    banner(sheet, looks, (4, 3), say("结果不明的消息", "Messages in doubt"), f"{report.at:%Y-%m-%d %H:%M}")
    told = say(
        "服务商没有答复，可能已送达，也可能没有。核实后执行 tuoqi message settle 键 delivered 或 not-sent。",
        "No answer: they may have arrived or not. Ask, then `tuoqi message settle KEY delivered|not-sent`.",
    )
    put(sheet, 1, 0, [(7, told, {"font_color": QUIET})], looks)
    head = {"bold": True, "font_color": ACCENT, "bg_color": SHADE}
    heads = say("键|消息|通道|收件人编号|服务商|发送时间|最近核对", "key|message|channel|recipient|provider|sent|asked")
    put(sheet, 3, 0, [(1, name, head) for name in heads.split("|")], looks)
    for row, each in enumerate(report.doubt, start=4):
        times = [f"{settings.local(at):%m-%d %H:%M}" if at else "—" for at in (each.flown_at, each.asked_at)]
        cells = [each.key, message_name(each.template), channel_name(each.channel), each.recipient]
        put(sheet, row, 0, [(1, value, {}) for value in (*cells, provider_name(each.provider), *times)], looks)
    if not report.doubt:
        put(sheet, 4, 0, [(7, say("没有", "none"), {"font_color": QUIET})], looks)
    sheet.freeze_panes(4, 0)
    page(sheet, header_row=3)
