"""A school's report: its view -> 说明, 学生成绩, 本校与联考, 分布, 薄弱点, 上线, 临界生, 更正.

Students stand by class and number, and no rank is anywhere: 未成年人学校保护规定 forbids publishing marks and ranks.
"""

from pathlib import Path
from typing import Any

import polars as pl
from xlsxwriter import Workbook

from flows.duty_sheets import Looks
from flows.exam_sheets import BLUE, Column, cells, exam_book, explain, finish, stand, subject_name, table, track_name
from models.exam_views import SchoolView
from rules.errors import say
from rules.registers.marks import STATUS_NAMES

RATES = ("excellent", "pass", "low")


def write_school_workbook(path: Path, view: SchoolView) -> None:
    """Write a school's report.

    Args:
        path: of the .xlsx; written as a whole or not at all.
        view: what the school may see.
    """
    with exam_book(path, view.heading) as (book, looks):
        title = say(f"{view.name}：成绩分析", f"{view.name}: results")
        explain(book, looks, view.heading, title, _notes())
        if view.own.is_empty():
            return
        for name, note, columns, rows in (_students(view), _figures(view), _others(view)):
            _sheet(book, looks, view, (name, note, columns, rows))
        _spread(book, looks, view)
        for told in _rest(view):
            if not told[3].is_empty():
                _sheet(book, looks, view, told)


Told = tuple[str, str, list[Column], pl.DataFrame]


def _sheet(book: Workbook, looks: Looks, view: SchoolView, told: Told) -> None:
    name, note, columns, rows = told
    table(book.add_worksheet(name), looks, (f"{view.name} · {name}", stand(view.heading), note), columns, rows)


def _notes() -> list[str]:
    return [
        say(
            "仅供本校使用。按我们对《未成年人学校保护规定》的理解，不得公布学生成绩与名次："
            "本表按班级、考号排列，不设名次栏，请勿张贴或转发。",
            "For this school only. Marks and ranks of minors must not be published: "
            "by class and number, no ranks; do not post or pass on.",
        ),
        say(
            "百分位按联考计，四舍五入到1、2、5、10或25个百分点，使他校学生不能逐一数出；"
            "他校以甲校、乙校等代称，只给平均分与整数比率，不给人数。",
            "Percentiles are joint, rounded so that others cannot be counted one by one; "
            "other schools are letters, without n.",
        ),
        say(
            "只有一所其他学校时不列代称；他校人数过少时联考数不显示。",
            "With one other school there are no letters; joint is hidden if others are few.",
        ),
    ]


def _labelled(rows: pl.DataFrame) -> pl.DataFrame:
    """Put people's words for subject, track and status."""
    told = rows.with_columns(
        pl.struct("subject", "track").map_elements(lambda row: subject_name(**row), pl.String).alias("subject")
    )
    return told.with_columns(pl.col("track").map_elements(track_name, pl.String))


def _students(view: SchoolView) -> Told:
    """Lay the marks wide: a line a student, for each subject mark, scaled if any, percentile and T."""
    rows = view.students.select("class", "number", "name", "track").unique(maintain_order=True)
    rows = rows.with_columns(pl.col("track").map_elements(track_name, pl.String))
    columns = [
        Column(say("班级", "Class"), "class"),
        Column(say("考号", "Number"), "number", width=14),
        Column(say("姓名", "Name"), "name", width=12),
        Column(say("类别", "Track"), "track", width=9),
    ]
    for subject in view.students["subject"].unique(maintain_order=True):
        of = view.students.filter(pl.col("subject") == subject)
        columns.append(Column(subject_name(subject), f"{subject}/mark", "mark", 9))
        columns.append(Column(say("状态", "Status"), f"{subject}/status", width=7))
        figures = [("percentile", say("百分位", "pct."), "count"), ("t", "T", "mark")]
        figures += [("scaled", say("赋分", "scaled"), "count")] if of["scaled"].count() else []
        figures += [("change", say("进退", "change"), "signed")] if of["change"].count() else []
        columns += [
            Column(f"{subject_name(subject)} {head}", f"{subject}/{name}", shape, 8) for name, head, shape in figures
        ]
        shown = ["mark", *(name for name, *_ in figures)]
        word = pl.col("status").replace(_statuses()).alias(f"{subject}/status")
        of = of.select("number", word, *(pl.col(name).alias(f"{subject}/{name}") for name in shown))
        rows = rows.join(of, on="number", how="left", maintain_order="left")
    note = say("按班级、考号排列，不排名次。", "By class and number; no ranks.")
    return say("学生成绩", "Students"), note, columns, rows


def _statuses() -> dict[str, str]:
    """What stands beside a mark: nothing if it is valid, else why there is none."""
    words = {name: say(zh, name) for name, zh in STATUS_NAMES.items()}
    return words | {"valid": "", "held": say("待核", "held")}


def _figures(view: SchoolView) -> Told:
    joint = view.joint.with_columns(pl.lit(say("联考", "joint")).alias("who"))
    who = pl.when(pl.col("scope") == "school").then(pl.lit(say("本校", "school"))).otherwise("class").alias("who")
    order = pl.when(pl.col("scope") == "joint").then(0).when(pl.col("scope") == "school").then(1).otherwise(2)
    rows = pl.concat([joint, view.own.with_columns(who)], how="diagonal")
    rows = rows.sort("subject", "track", order, "class", maintain_order=True)
    columns = [
        Column(say("学科", "Subject"), "subject", width=14),
        Column(say("范围", "Group"), "who", width=12),
        *figure_columns(),
    ]
    return (
        say("一分三率", "Figures"),
        say("本校各班与联考并列。", "Classes beside the joint exam."),
        columns,
        _labelled(rows),
    )


def figure_columns() -> list[Column]:
    """Columns of rows of figures: n always, means and rates with their intervals."""
    rates = dict(zip(RATES, (say("优秀率", "excellent"), say("及格率", "pass"), say("低分率", "low")), strict=True))
    columns = [
        Column(say("应考", "Enrolled"), "enrolled", "count", 8),
        Column(say("有效", "n"), "n", "count", 8),
        Column(say("缺考", "Absent"), "absent", "count", 7),
        Column(say("违纪", "Violation"), "violation", "count", 7),
        Column(say("平均分", "Mean"), "mean", "mean", 9),
        Column(say("下限", "low"), "mean_low", "mean", 8),
        Column(say("上限", "high"), "mean_high", "mean", 8),
        Column(say("中位数", "Median"), "median", "mark", 8),
        Column(say("标准差", "SD"), "sd", "mean", 8),
    ]
    for name, head in rates.items():
        columns += [
            Column(head, f"{name}_rate", "rate", 11, bar=True),
            Column(say("下限", "low"), f"{name}_rate_low", "rate", 8),
            Column(say("上限", "high"), f"{name}_rate_high", "rate", 8),
            Column(say("应考口径", "of enrolled"), f"{name}_rate_enrolled", "rate", 9),
        ]
    return columns


def _others(view: SchoolView) -> Told:
    rates = dict(zip(RATES, (say("优秀率", "excellent"), say("及格率", "pass"), say("低分率", "low")), strict=True))
    columns = [
        Column(say("学科", "Subject"), "subject", width=14),
        Column(say("学校", "School"), "letter", width=10),
        Column(say("平均分", "Mean"), "mean", "mark"),
        *(Column(head, f"{name}_rate", "rate", 12, bar=True) for name, head in rates.items()),
    ]
    note = say("代称每校不同，不按成绩或编号排列。", "Letters differ from reader to reader and follow no order.")
    return say("他校代称", "Other schools"), note, columns, _labelled(view.others)


def _spread(book: Workbook, looks: Looks, view: SchoolView) -> None:
    """Write the school's own tenths of full marks as a share and in a chart a subject, beside joint quartiles."""
    sheet = book.add_worksheet(say("分布", "Distribution"))
    rows = _labelled(view.tenths).with_columns(pl.format("{}–{}%", "band", pl.col("band") + 10).alias("label"))
    joint = view.quartiles.pivot("who", index=["subject", "track"], values=["p25", "p50", "p75"])
    joint = _labelled(joint).drop("track")
    told = rows.join(joint, on="subject", how="left", maintain_order="left")
    columns = [
        Column(say("学科", "Subject"), "subject", width=14),
        Column(say("满分比", "Of full"), "label", width=10),
        Column(say("人数", "n"), "n", "count", 8),
    ]
    for who, name in (("own", say("本校", "own")), ("joint", say("联考", "joint"))):
        columns += [Column(f"{name} {head}", f"{head.lower()}_{who}", "mark", 8) for head in ("P25", "P50", "P75")]
    note = say(
        f"联考四分位在他校不足{4 * view.heading.smallest}人时不显示。",
        "joint quartiles are hidden where others are few.",
    )
    first, _ = table(
        sheet, looks, (f"{view.name} · {say('分布', 'Distribution')}", stand(view.heading), note), columns, told
    )
    for at, subject in enumerate(rows["subject"].unique(maintain_order=True)):
        chart: Any = book.add_chart({"type": "column"})
        span = (first + 10 * at, first + 10 * at + 9)
        chart.add_series(
            {
                "name": subject,
                "categories": cells(sheet, span, 1),
                "values": cells(sheet, span, 2),
                "fill": {"color": BLUE},
                "gap": 20,
            }
        )
        finish(chart, subject, (say("占满分", "of full marks"), say("人数", "n")), size=(560, 260))
        sheet.insert_chart(2 + 14 * at, len(columns) + 1, chart)


def _rest(view: SchoolView) -> list[Told]:
    subject, n = Column(say("学科", "Subject"), "subject", width=14), Column(say("有效", "n"), "n", "count")
    low, high = Column(say("下限", "low"), "low", "rate"), Column(say("上限", "high"), "high", "rate")
    weak = [
        subject,
        Column(say("知识点", "Point"), "point", width=28),
        n,
        Column(say("本校得分率", "Own"), "share", "rate", 12, bar=True),
        low,
        high,
        Column(say("联考得分率", "Joint"), "joint", "rate", 12, bar=True),
        Column(say("差", "Gap"), "gap", "rate"),
    ]
    line, track = Column(say("上线", "Line"), "line", width=12), Column(say("类别", "Track"), "track", width=9)
    counts = zip(
        ("reached", "single", "double", "mismatch"),
        (say("总分上线", "Reached"), say("单上线", "Single"), say("双上线", "Double"), say("错位", "Mismatch")),
        strict=True,
    )
    reached = [
        line,
        track,
        Column(say("总分线", "Total line"), "total_mark", "mark"),
        n,
        subject,
        Column(say("有效分", "Line"), "mark", "mark"),
        *(Column(head, name, "count") for name, head in counts),
    ]
    person = [
        Column(say("班级", "Class"), "class"),
        Column(say("考号", "Number"), "number", width=14),
        Column(say("姓名", "Name"), "name", width=12),
    ]
    near = [
        line,
        track,
        *person,
        Column(say("总分", "Total"), "total", "mark"),
        Column(say("差几分", "Short by"), "short", "mark"),
    ]
    added = [
        n,
        Column(say("增值（百分位）", "Value added"), "value_added", "signed", 16),
        low._replace(shape="signed"),
        high._replace(shape="signed"),
    ]
    changed = [
        *person,
        subject,
        *(
            Column(head, name, "mark" if "mark" in name else "text")
            for name, head in (("mark_before", say("原分", "Before")), ("mark_after", say("现分", "After")))
        ),
    ]
    effective, border = (
        rows.with_columns(pl.col("track").map_elements(track_name, pl.String)) if rows.height else rows
        for rows in (view.effective, view.borderline)
    )
    return [
        (
            say("薄弱知识点", "Weak points"),
            say("低于联考最多的知识点；区间含联考值时差异不明显。", "Furthest below joint."),
            weak,
            view.weak,
        ),
        (
            say("上线", "Lines"),
            say("有效分按联考划定；错位＝总分上线而单科未上。", "Subject lines are joint."),
            reached,
            effective,
        ),
        (
            say("临界生", "Borderline"),
            say("按班级、考号排列；供帮扶，不得公布。", "By class and number."),
            near,
            border,
        ),
        (say("增值", "Value added"), say("95%区间含0时不能说进步或退步。", "95 % interval."), added, view.added),
        (say("更正", "Corrections"), say("与上次发布相比。", "Since the last release."), changed, view.changes),
    ]
