"""The delivery report as a workbook: what to do -> results and cost at a glance -> every line -> what is in doubt.

A workbook is written row by row, each row once: what a chart reads stands in the rows below it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from flows.duty_sheets import AMBER, QUIET, RED, WHITE, Looks, Piece, banner, put
from flows.forms_rows import ACCENT, FONT, INK, LINE, SHADE, page, workbook_at
from flows.message_figures import FAILED, STATES, Report, channel_name, message_name, provider_name, state_name
from flows.settings import Settings
from rules.errors import say

COLUMNS, WIDTH = 12, 11
"""The overview is an even grid: a tile is two columns wide, a chart six."""
TASKS, CHARTS, TABLE = 5, 13, 30
"""Rows of the overview where the tasks, the charts and the tables begin."""
SHOWN = 8
"""The most messages in the chart of cost."""
DETAILS = (("消息", "message", 34), ("通道", "channel", 12), ("服务商", "provider", 14), ("结果", "result", 20),
           ("条数", "number", 10), ("计费条数", "parts", 12))  # fmt: skip
HEAD = {"bold": True, "font_color": ACCENT, "bg_color": SHADE, "bottom": 1, "bottom_color": LINE}
THIN = {"bottom": 4, "bottom_color": LINE}
WHOLE = {"num_format": "#,##0"}
RIGHT = {"align": "right"}


def write_message_report(path: Path, report: Report, settings: Settings) -> None:
    """Write 概览 (tasks, tiles, charts), 明细 (a line for each message and result) and 结果不明 (to be looked into).

    Args:
        path: of the .xlsx; written as a whole or not at all.
        report: the counts.
        settings: for local times.
    """
    with workbook_at(path) as book:
        looks = Looks(book)
        overview = book.add_worksheet(say("概览", "Overview"))
        details = book.add_worksheet(say("明细", "Details"))
        doubts = book.add_worksheet(say("结果不明", "In doubt"))
        _overview(book, overview, looks, report)
        _details(details, looks, report)
        _doubts(doubts, looks, report, settings)


def _when(report: Report) -> str:
    return f"{report.first}" if report.first == report.last else f"{report.first} — {report.last}"


def _overview(book: Workbook, sheet: Worksheet, looks: Looks, report: Report) -> None:
    page(sheet, header_row=0)
    sheet.set_column(0, COLUMNS - 1, WIDTH)
    banner(sheet, looks, (6, 6), say("消息送达报告", "Messages: what became of them"), _when(report))
    _tiles(sheet, looks, report)
    _tasks(sheet, looks, report)
    counted = report.states()
    states = [(state_name(state), counted[state]) for state in STATES if counted[state]]
    cost = _cost(report)
    _tables(sheet, looks, states, cost)
    _bars(book, sheet, say("结果", "Results"), (len(states), 0), "#6F9BBA")
    _bars(book, sheet, say("短信计费条数", "SMS parts paid"), (min(len(cost), SHOWN), 6), "#7DB798")


def _tiles(sheet: Worksheet, looks: Looks, report: Report) -> None:
    states = report.states()
    failed = sum(states[state] for state in FAILED)
    tiles = [
        (say("消息", "messages"), states.total(), False),
        (say("已发出或送达", "sent or delivered"), states["accepted"] + states["delivered"], False),
        (say("未送达", "not delivered"), failed, False),
        (say("结果不明", "in doubt"), len(report.doubt), bool(report.doubt)),
        (say("待打电话", "to be called"), report.calls, bool(report.calls)),
        (say("短信计费条数", "SMS parts paid"), report.parts, False),
    ]
    ground = {"bg_color": SHADE, "align": "center", "left": 5, "left_color": WHITE}
    bold = {**ground, **WHOLE, "bold": True, "font_size": 18}
    values: list[Piece] = [(2, value, bold | {"font_color": RED if red else ACCENT}) for _, value, red in tiles]
    sheet.set_row(2, 30)
    put(sheet, 2, 0, values, looks)
    put(sheet, 3, 0, [(2, name, {**ground, "font_color": QUIET, "font_size": 9}) for name, *_ in tiles], looks)


def _tasks(sheet: Worksheet, looks: Looks, report: Report) -> None:
    """What somebody has to do, in words; all there is to read when nothing is wrong."""
    tasks = list(_what_to_do(report))[: CHARTS - TASKS - 2]
    title = say("需要处理", "To do") if tasks else say("没有需要处理的事。", "Nothing to do.")
    put(sheet, TASKS, 0, [(COLUMNS, title, {"bold": True, "font_color": AMBER if tasks else QUIET})], looks)
    for row, task in enumerate(tasks, start=TASKS + 1):
        put(sheet, row, 0, [(COLUMNS, f"▪ {task}", {"indent": 1, "shrink": True})], looks)


def _what_to_do(report: Report) -> Iterator[str]:
    if report.calls:
        told = say(
            "{} 人短信和邮件都联系不到，请打电话：tuoqi export call-list --reveal --to 电话名单.xlsx",
            "{} people are to be called: tuoqi export call-list --reveal --to calls.xlsx",
        )
        yield told.format(report.calls)
    if report.doubt:
        told = say(
            "{} 条结果不明：见“结果不明”表，向服务商核实后逐条登记，系统不会盲目重发",
            "{} in doubt: see the sheet, ask the provider, settle each; none is sent again blindly",
        )
        yield told.format(len(report.doubt))
    for kind, since in sorted(report.overdue.items()):
        told = say("{}自 {:%m-%d %H:%M} 起积压：请运行 tuoqi doctor", "{} waits since {:%m-%d %H:%M}: run tuoqi doctor")
        yield told.format(channel_name(kind), since.astimezone(report.at.tzinfo))
    for trouble in report.troubles:
        told = say(
            "通道 {} 暂停中（{}）：请查余额、签名、模板与网络", "{} rests ({}): check balance, sign, templates, network"
        )
        yield told.format(trouble.provider, trouble.code)
    failed = report.states()["undeliverable"] + report.states()["dead"]
    if failed:
        told = say(
            "{} 条未送达，已改用本人的其他通道：号码可能有误或停机，请核对登记的电话和邮箱",
            "{} not delivered, the person's next channel was taken: look the registered numbers and addresses over",
        )
        yield told.format(failed)


def _cost(report: Report) -> list[tuple[str, int]]:
    """Paid SMS parts by message, the dearest first."""
    cost: Counter[str] = Counter()
    for each in report.paid:
        cost[message_name(each.template)] += each.parts
    return [(name, parts) for name, parts in cost.most_common() if parts]


def _tables(sheet: Worksheet, looks: Looks, states: Sequence[tuple[str, int]], cost: Sequence[tuple[str, int]]) -> None:
    """Two tables side by side, of which the charts above show the first rows."""
    if not states:
        none = say("这段时间没有消息。", "No messages in these days.")
        put(sheet, TASKS + 2, 0, [(COLUMNS, none, {"font_color": QUIET})], looks)
        return
    heads = (say("结果", "result"), say("条数", "number"), say("短信", "SMS"), say("计费条数", "parts"))
    put(sheet, TABLE, 0, _pair(heads[:2], HEAD) + _pair(heads[2:], HEAD), looks)
    for row, (state, paid) in enumerate(zip_longest(states, cost), start=TABLE + 1):
        left: list[Piece] = _pair(state, THIN) if state else [(6, "", {})]
        put(sheet, row, 0, left + (_pair(paid, THIN) if paid else []), looks)


def _pair(cells: tuple[str, str | int], look: dict[str, Any]) -> list[Piece]:
    return [(4, cells[0], look), (1, cells[1], look | RIGHT | WHOLE), (1, "", {})]


def _bars(book: Workbook, sheet: Worksheet, title: str, of: tuple[int, int], colour: str) -> None:
    """Draw bars of the first rows of a table below: of (how many, its column)."""
    rows, column = of
    if not rows:
        return
    font: dict[str, Any] = {"name": FONT, "size": 9, "color": INK}
    name: str = sheet.get_name()  # type: ignore[no-untyped-call]
    chart = book.add_chart({"type": "bar"})
    assert chart is not None
    ends = (TABLE + 1, TABLE + rows)
    names, numbers = ([name, ends[0], at, ends[1], at] for at in (column, column + 4))
    look = {"fill": {"color": colour}, "gap": 60, "data_labels": {"value": True, "font": font, **WHOLE}}
    chart.add_series({"categories": names, "values": numbers, **look})
    chart.set_title({"name": title, "name_font": font | {"size": 12}})
    chart.set_legend({"none": True})
    chart.set_y_axis({"reverse": True, "num_font": font, "line": {"none": True}})
    chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
    chart.set_chartarea({"border": {"color": LINE}})
    chart.set_size({"width": 484, "height": 320})
    sheet.insert_chart(CHARTS, column, chart)


def _details(sheet: Worksheet, looks: Looks, report: Report) -> None:
    for column, (*_, width) in enumerate(DETAILS):
        sheet.set_column(column, column, width)
    banner(sheet, looks, (3, 3), say("明细", "Details"), _when(report))
    pieces: list[Piece] = [
        (1, say(zh, en), HEAD | (RIGHT if place > 3 else {})) for place, (zh, en, _) in enumerate(DETAILS)
    ]
    put(sheet, 2, 0, pieces, looks)
    for row, each in enumerate(report.volumes, start=3):
        words = [
            message_name(each.template),
            channel_name(each.channel),
            provider_name(each.provider),
            state_name(each.state),
        ]
        cells: list[Piece] = [(1, word, THIN) for word in words]
        cells += [(1, number, THIN | WHOLE) for number in (each.messages, each.parts)]
        put(sheet, row, 0, cells, looks)
    if report.volumes:
        sheet.autofilter(2, 0, 2 + len(report.volumes), len(DETAILS) - 1)
    sheet.freeze_panes(3, 0)
    page(sheet, header_row=2)


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
