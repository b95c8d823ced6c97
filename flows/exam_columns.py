"""Columns that several workbooks of an exam have: subject and school, counts, figures with their intervals, rates."""

from flows.exam_sheets import Column
from rules.errors import say

SCHOOL_WIDTH = 18


def subject() -> Column:
    """The subject, of totals with the track."""
    return Column(say("学科", "Subject"), "subject", width=13)


def school() -> Column:
    """The school's name, or the joint exam."""
    return Column(say("学校", "School"), "school", width=SCHOOL_WIDTH)


def valid() -> Column:
    """How many have a valid result."""
    return Column(say("有效", "n"), "n", "count", 8)


def bounds(shape: str) -> tuple[Column, Column]:
    """The ends of an interval."""
    return Column(say("下限", "low"), "low", shape, 8), Column(say("上限", "high"), "high", shape, 8)


def line_and_track() -> tuple[Column, Column]:
    """The line 上线 and the track whose totals it is drawn in."""
    return Column(say("上线", "Line"), "line", width=10), Column(say("类别", "Track"), "track", width=9)


def person() -> tuple[Column, Column, Column]:
    """Who, for readers who may know."""
    return (
        Column(say("班级", "Class"), "class", width=9),
        Column(say("考号", "Number"), "number", width=13),
        Column(say("姓名", "Name"), "name", width=10),
    )


def rates() -> dict[str, str]:
    """The three rates by their names in frames."""
    return {"excellent": say("优秀率", "excellent"), "pass": say("及格率", "pass"), "low": say("低分率", "low")}


def figure_columns() -> list[Column]:
    """Columns of rows of figures: n always, means and rates with their intervals."""
    columns = [
        Column(say("应考", "Enrolled"), "enrolled", "count", 7),
        Column(say("有效", "n"), "n", "count", 7),
        Column(say("缺考", "Absent"), "absent", "count", 6),
        Column(say("违纪", "Violation"), "violation", "count", 6),
        Column(say("平均分", "Mean"), "mean", "mean", 9),
        Column(say("下限", "low"), "mean_low", "mean", 8),
        Column(say("上限", "high"), "mean_high", "mean", 8),
        Column(say("中位数", "Median"), "median", "mark", 8),
        Column(say("标准差", "SD"), "sd", "mean", 8),
    ]
    for name, head in rates().items():
        columns += [
            Column(head, f"{name}_rate", "rate", 10, bar=True),
            Column(say("下限", "low"), f"{name}_rate_low", "rate", 8),
            Column(say("上限", "high"), f"{name}_rate_high", "rate", 8),
            Column(say("应考口径", "of enrolled"), f"{name}_rate_enrolled", "rate", 8),
        ]
    return columns
