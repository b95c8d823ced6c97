"""The first sheet of an exam's workbook 说明: what it is, where to look first, what the words mean, what is hidden."""

from collections.abc import Mapping, Sequence

from xlsxwriter import Workbook

from flows.duty_sheets import QUIET, Looks, put
from flows.exam_sheets import HIDDEN, stand
from flows.forms_rows import ACCENT, LINE, SHADE, page
from models.exam_whole import Heading
from rules.errors import say

_WRAP = {"text_wrap": True, "bottom": 1, "bottom_color": LINE}
_WIDTH = 46
"""Chinese characters of 10 points that fit on a line of the second column."""


def explain(
    book: Workbook, looks: Looks, heading: Heading, title: str, more: Sequence[str], guide: Mapping[str, str]
) -> None:
    """Fill 说明, the sheet that exam_book made first.

    Args:
        book: all of whose other sheets are there.
        looks: formats.
        heading: of the view.
        title: of the workbook.
        more: for whom it is and how it must be treated.
        guide: what each sheet tells and what to do with it, by name; of sheets that are not there nothing is said.
    """
    sheet = book.worksheets()[0]
    page(sheet, header_row=0)
    sheet.set_portrait()
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 96)
    sheet.hide_gridlines(2)
    sheet.set_row(0, 36)
    put(sheet, 0, 0, [(1, title, {"bold": True, "font_size": 18, "font_color": ACCENT})], looks)
    which = say(f"{heading.name}（{heading.exam}），考试日期 {heading.held_on}。", f"{heading.name}. ")
    policy = say(f"；依据 {heading.policy_since} 起施行的考试政策", f"; policy since {heading.policy_since}")
    put(sheet, 1, 0, [(1, which + stand(heading) + policy, {"font_color": QUIET})], looks)
    there = [each.get_name() for each in book.worksheets()]  # type: ignore[no-untyped-call]
    listed = [(name, told) for name, told in guide.items() if name in there]
    parts = [
        (say("使用须知", "Read first"), [("", line) for line in more]),
        (say("各页说明", "The sheets"), listed),
        (say("指标口径", "Definitions"), _definitions(heading)),
    ]
    row = 2
    for head, lines in parts:
        if lines:
            put(sheet, row + 1, 0, [(1, head, {"bold": True, "font_size": 12, "font_color": ACCENT})], looks)
            sheet.set_row(row + 1, 24)
            row += 1
        for name, line in lines:
            row += 1
            sheet.set_row(row, 20 + 15 * (len(line) // _WIDTH))
            strong = {"bold": True, "bg_color": SHADE, "bottom": 1, "bottom_color": LINE}
            put(sheet, row, 0, [(1, name, strong), (1, line, _WRAP)] if name else [(2, line, _WRAP)], looks)
        row += 1


def _definitions(heading: Heading) -> list[tuple[str, str]]:
    lines, few = heading.lines, heading.smallest
    return [
        (
            say("人数", "Counts"),
            say(
                "有效：有有效成绩者；应考：名单人数减免考与待核；缺考不计为0分。",
                "absent is never 0.",
            ),
        ),
        (
            say("一分三率", "Rates"),
            say(
                f"平均分只计有效；优秀率≥{lines.excellent}%、及格率≥{lines.passing}%、低分率<{lines.low}%满分，"
                "分母为有效人数，“应考口径”一列的分母为应考人数。",
                f"excellent at least {lines.excellent} %, pass at least {lines.passing} %, low below {lines.low} % "
                "of full marks, of the valid; of the enrolled beside.",
            ),
        ),
        (
            say("总分", "Total"),
            say(
                "等级赋分学科计赋分，其余计原始分；有一科无有效成绩即无总分。总分的比较只在同一类别（物理类、历史类）内。",
                "grade-scaled marks where scaled, else raw; only with all subjects valid; compared within a track.",
            ),
        ),
        (
            say("标准差与T", "SD and T"),
            say(
                "标准差按总体（ddof 0）；T＝50＋10z；百分位＝100×(低于者＋同分者的一半)÷有效人数。",
                "SD ddof 0; T = 50 + 10 z; percentile = 100 (below + half of equal) / n.",
            ),
        ),
        (
            say("上下限", "Intervals"),
            say(
                "95%置信区间：平均分用t，比率用Wilson；两者区间重叠时不宜说有差异。",
                "95 %: t for means, Wilson for rates; where they overlap, do not speak of a difference.",
            ),
        ),
        (
            say("难度与区分度", "Items"),
            say(
                "难度P＝平均得分÷满分，越大越易；区分度D＝高分组27%与低分组27%的P之差，0.3以上为好，0.2以下宜改题。",
                "difficulty P = mean / full; discrimination D = P of the upper 27 % less P of the lower; 0.3 is good.",
            ),
        ),
        (
            HIDDEN,
            say(
                f"不显示或无法计算：不足{few}人的组、不足{few}人的计数，以及可由合计反推出它们的格。",
                f"not shown or not defined: groups and counts below {few}, and cells that would give them away.",
            ),
        ),
    ]
