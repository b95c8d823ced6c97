"""What the workbooks of an exam share: tables from frames of a view, the sheet that explains, charts of one look."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from flows.duty_sheets import QUIET, WHITE, Looks, Piece, banner, put
from flows.forms_rows import ACCENT, FONT, LINE, SHADE, page, workbook_at
from models.exam_whole import Heading
from rules.errors import say
from rules.exams import TOTAL
from rules.registers.days import SHANGHAI

SHAPES = {
    "text": "@",
    "mixed": "0.0",
    "count": "#,##0",
    "mark": "0.0",
    "mean": "0.00",
    "rate": "0.0%",
    "share": "0.00",
    "signed": "+0.0;-0.0;0.0",
}
BLUE, GREEN, CORAL = "#6F9BBA", "#7DB798", "#E5866F"
HEAD = 2
"""The row of the heads, under the banner and the note."""
HIDDEN = "—"


class Column(NamedTuple):
    """A column of a table: head, column of the frame, how it is written and how wide, whether bars are drawn."""

    head: str
    name: str
    shape: str = "text"
    width: float = 10
    bar: bool = False


@contextmanager
def exam_book(path: Path, heading: Heading) -> Iterator[tuple[Workbook, Looks]]:
    """A workbook whose bytes depend on what is in it only: it was created when the release was made."""
    with workbook_at(path) as book:
        book.set_properties({"created": heading.at.replace(tzinfo=None), "title": heading.name})
        yield book, Looks(book)


def stand(heading: Heading) -> str:
    """Say which release this is, or that marks still come in, and as of when."""
    at = f"{heading.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    if heading.release is None:
        return say(f"阶段性 {at}", f"provisional {at}")
    return say(f"第{heading.release}次发布 {at}", f"release {heading.release}, {at}")


def track_name(track: str | None) -> str:
    """Name a track; nothing where there is none."""
    names = {"physics": say("物理类", "physics"), "history": say("历史类", "history")}
    return names.get(track or "", "")


def subject_name(subject: str, track: str | None = None) -> str:
    """Name a subject, and of totals the track."""
    name = say("总分", "total") if subject == TOTAL else subject
    return f"{name} {track_name(track)}".strip()


def explain(book: Workbook, looks: Looks, heading: Heading, title: str, more: Sequence[str]) -> None:
    """Write 说明: what this is, who may read it, the definitions in a line each, how to read what is hidden."""
    sheet = book.add_worksheet(say("说明", "Notes"))
    page(sheet, header_row=0)
    sheet.set_column(0, 0, 120)
    sheet.hide_gridlines(2)
    lines = [
        say(
            f"{heading.name}（{heading.exam}），考试日期 {heading.held_on}",
            f"{heading.name} ({heading.exam}), {heading.held_on}",
        ),
        stand(heading)
        + say(f"；依据 {heading.policy_since} 起施行的考试政策", f"; policy since {heading.policy_since}"),
        *more,
        say(
            "有效人数：有有效成绩者；应考：名单人数减免考与待核；缺考不计为0分。",
            "n: valid results; absent is never 0.",
        ),
        say(
            "平均分只计有效；优秀率≥80%、及格率≥60%、低分率<40%满分（比例由政策定），分母为有效人数，旁列应考口径。",
            "rates: at least 80 %, at least 60 %, below 40 % of full marks (by policy), "
            "of the valid; of the enrolled beside.",
        ),
        say(
            "标准差按总体（ddof 0）；T＝50＋10z；百分位＝100×(低于者＋同分者的一半)÷有效人数，总分按类别分别计。",
            "SD ddof 0; T = 50 + 10 z; percentile = 100 (below + half of equal) / n, totals by track.",
        ),
        say(
            "区间均为95%：平均分用t，比率用Wilson；区间重叠时不宜说有差异。",
            "intervals: 95 %, t for means, Wilson for rates.",
        ),
        say(
            "难度P＝平均得分÷满分，越大越易；区分度D＝高分组27%与低分组27%的P之差，0.3以上为好。",
            "difficulty P = mean / full; discrimination D = P of the upper 27 % less P of the lower.",
        ),
        say(
            f"“{HIDDEN}”为不显示或无法计算：不足{heading.smallest}人的组、不足{heading.smallest}人的计数，"
            f"以及可由合计反推出它们的格。",
            f'"{HIDDEN}": not shown or not defined: '
            f"groups and counts below {heading.smallest}, and cells that would give them away.",
        ),
    ]
    put(sheet, 0, 0, [(1, title, {"bold": True, "font_size": 18, "font_color": ACCENT})], looks)
    sheet.set_row(0, 36)
    for row, line in enumerate(lines, start=2):
        sheet.set_row(row, 32)
        put(sheet, row, 0, [(1, line, {"text_wrap": True, "bottom": 1, "bottom_color": LINE})], looks)


def table(
    sheet: Worksheet, looks: Looks, titles: tuple[str, str, str], columns: Sequence[Column], rows: pl.DataFrame
) -> tuple[int, int]:
    """Write a table under a banner and a note, ready to print.

    Args:
        sheet: an empty one.
        looks: formats.
        titles: title, of when, note.
        columns: what is shown; a column that `rows` does not have is left blank.
        rows: of a view.

    Returns:
        The first and the last row of the body.
    """
    page(sheet, header_row=HEAD)
    for at, each in enumerate(columns):
        sheet.set_column(at, at, each.width)
    title, when, note = titles
    right = max(len(columns) // 3, 1)
    banner(sheet, looks, (max(len(columns) - right, 1), right), title, when)
    put(sheet, 1, 0, [(len(columns), note, {"font_size": 9, "font_color": QUIET})], looks)
    head = {"bold": True, "font_color": WHITE, "bg_color": ACCENT, "align": "center", "text_wrap": True}
    sheet.set_row(HEAD, 32)
    put(sheet, HEAD, 0, [(1, each.head, head) for each in columns], looks)
    first, last = HEAD + 1, HEAD + rows.height
    for row, values in enumerate(rows.iter_rows(named=True), start=first):
        put(sheet, row, 0, [_piece(values.get(each.name), each) for each in columns], looks)
    sheet.freeze_panes(first, 1)
    for at, each in enumerate(columns):
        if each.bar and rows.height:
            bar = {"type": "data_bar", "data_bar_2010": True, "bar_solid": True, "bar_color": "#A9C3D6"}
            ends = (
                {"min_type": "num", "min_value": 0, "max_type": "num", "max_value": 1} if each.shape == "rate" else {}
            )
            sheet.conditional_format(first, at, last, at, {**bar, **ends, "bar_negative_color": "#F2B8AC"})
    return first, last


def _piece(value: Any, column: Column) -> Piece:
    look = {"bottom": 1, "bottom_color": LINE, "num_format": SHAPES[column.shape]}
    if column.shape == "text" or isinstance(value, str):
        return 1, "" if value is None else str(value), look
    return 1, HIDDEN if value is None else float(value), look | {"align": "center"}


def cells(sheet: Worksheet, rows: tuple[int, int], column: int) -> list[Any]:
    """Say which cells a chart reads."""
    tab: str = sheet.get_name()  # type: ignore[no-untyped-call]
    return [tab, rows[0], column, rows[1], column]


def finish(
    chart: Any, title: str, axes: tuple[str, str], *, size: tuple[int, int] = (760, 340), legend: bool = False
) -> None:
    """Give a chart its title, axes, fonts and size in pixels."""
    font = {"name": FONT, "size": 8, "color": QUIET}
    chart.set_title({"name": title, "name_font": {"name": FONT, "size": 12, "color": ACCENT}, "overlay": False})
    grid = {"visible": True, "line": {"color": SHADE}}
    named = {"num_font": font, "name_font": font | {"bold": False}}
    chart.set_x_axis({**named, "name": axes[0], "line": {"color": LINE}, "major_tick_mark": "none"})
    chart.set_y_axis({**named, "name": axes[1], "line": {"none": True}, "major_gridlines": grid})
    chart.set_legend({"position": "top", "font": font} if legend else {"none": True})
    chart.set_chartarea({"border": {"color": LINE}})
    chart.set_size({"width": size[0], "height": size[1]})


def boxes(
    book: Workbook, sheet: Worksheet, rows: tuple[int, int], columns: tuple[int, int, int, int], title: str
) -> Any:
    """Draw quartiles as stacked bars: nothing up to P25, then to the median, then to P75.

    Args:
        book: the workbook.
        sheet: where the numbers stand.
        rows: first and last.
        columns: of the names, P25, P50 - P25, P75 - P50.
        title: of the chart.
    """
    chart: Any = book.add_chart({"type": "bar", "subtype": "stacked"})
    names = (("P25", None), (say("P25至中位数", "P25 to median"), BLUE), (say("中位数至P75", "median to P75"), GREEN))
    for (name, colour), column in zip(names, columns[1:], strict=True):
        fill = {"none": True} if colour is None else {"color": colour}
        told = {"name": name, "categories": cells(sheet, rows, columns[0]), "values": cells(sheet, rows, column)}
        chart.add_series({**told, "fill": fill, "gap": 50})
    finish(chart, title, ("", ""), size=(620, 80 + 26 * (rows[1] - rows[0] + 1)), legend=True)
    chart.set_y_axis({"reverse": True, "num_font": {"name": FONT, "size": 8, "color": QUIET}})
    chart.set_legend({"position": "top", "delete_series": [0]})
    return chart
