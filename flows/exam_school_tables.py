"""The tables of a school's report: frames of its view -> what is shown of them, how each is read, what to do."""

import polars as pl

from flows.exam_columns import bounds, figure_columns, line_and_track, person, rates, subject, valid
from flows.exam_sheets import STRONG, Column, Told, named, natural, ordered
from models.exam_views import SchoolView
from rules.errors import say


def guide() -> dict[str, str]:
    """What each sheet tells and what to do with it, for 说明."""
    return {
        say("学生成绩", "Students"): say("逐人成绩、赋分、百分位与T，供教师个别谈话用。", "Student by student."),
        say("一分三率", "Figures"): say("先看这一页：本校、各班与联考并列，附95%区间。", "Start here."),
        say("他校代称", "Other schools"): say("本校在各校中处于什么水平；代称不可还原。", "Where the school stands."),
        say("分布", "Distribution"): say("各科成绩的形状：是否偏低、是否两极分化。", "The shape of marks."),
        say("四分位", "Quartiles"): say("中间一半学生与联考相比，差在哪些学科。", "The middle half."),
        say("薄弱知识点", "Weak points"): say("最应补的知识点，教研组据此安排复习。", "What to teach again first."),
        say("上线", "Lines"): say("哪一科拖住了上线：错位多的学科先改进。", "Which subject holds back."),
        say("临界生", "Borderline"): say("离线不远的学生，逐人安排帮扶；不得公布。", "Whom a little help lifts."),
        say("增值", "Value added"): say("扣除起点后的进步；区间含0不下结论。", "Progress, starting point allowed for."),
        say("更正", "Corrections"): say("复核改动的成绩，请通知相关学生和家长。", "Tell the families concerned."),
    }


def figures(view: SchoolView) -> Told:
    """The school and its classes beside the joint exam."""
    joint = view.joint.with_columns(pl.lit(say("联考", "joint")).alias("who"), pl.lit(value=True).alias(STRONG))
    who = pl.when(pl.col("scope") == "school").then(pl.lit(say("本校", "school"))).otherwise("class").alias("who")
    order = pl.when(pl.col("scope") == "joint").then(0).when(pl.col("scope") == "school").then(1).otherwise(2)
    rows = ordered(pl.concat([joint, view.own.with_columns(who)], how="diagonal"), order, natural("class"))
    columns = [subject(), Column(say("范围", "Group"), "who", width=12), *figure_columns()]
    return Told(
        say("一分三率", "Figures"), say("本校各班与联考并列。", "Classes beside the joint exam."), columns, named(rows)
    )


def others(view: SchoolView) -> Told:
    """Other schools by letters."""
    columns = [
        subject(), Column(say("学校", "School"), "letter", width=12), Column(say("平均分", "Mean"), "mean", "mark"),
        *(Column(head, name, "rate", 14, bar=True) for name, head in rates().items()),
    ]  # fmt: skip
    note = say("代称每校不同，不按成绩或编号排列。", "Letters differ from reader to reader and follow no order.")
    return Told(say("他校代称", "Other schools"), note, columns, named(ordered(view.others, "letter")))


def rest(view: SchoolView) -> list[Told]:
    """Everything after the quartiles; what is empty is not written."""
    return [_weak(view), _lines(view), _borderline(view), _added(view), _changes(view)]


def _weak(view: SchoolView) -> Told:
    columns = [
        subject(), Column(say("知识点", "Point"), "point", width=26), valid(),
        Column(say("本校得分率", "Own"), "share", "rate", 12, bar=True), *bounds("rate"),
        Column(say("联考得分率", "Joint"), "joint", "rate", 12, bar=True), Column(say("差", "Gap"), "gap", "gap", 9),
    ]  # fmt: skip
    note = say("低于联考最多的知识点；区间含联考值时差异不明显。", "Furthest below joint.")
    return Told(say("薄弱知识点", "Weak points"), note, columns, named(view.weak))


def _lines(view: SchoolView) -> Told:
    counts = {"reached": say("总分上线", "Reached"), "single": say("单上线", "Single")}
    counts |= {"double": say("双上线", "Double"), "mismatch": say("错位", "Mismatch")}
    columns = [
        *line_and_track(), Column(say("总分线", "Total line"), "total_mark", "mark", 9), valid(), subject(),
        Column(say("有效分", "Line"), "mark", "mark", 9),
        *(Column(head, name, "count", 9) for name, head in counts.items()),
    ]  # fmt: skip
    rows = view.effective
    if rows.height:
        rows = rows.with_columns(pl.struct("line", "track").rle_id().alias("_line"))
        rows = named(ordered(rows, first=("_line",)))
    note = say("有效分按联考划定；错位＝总分上线而单科未上。", "Subject lines are joint.")
    return Told(say("上线", "Lines"), note, columns, rows)


def _borderline(view: SchoolView) -> Told:
    columns = [
        *line_and_track(), *person(), Column(say("总分", "Total"), "total", "mark"),
        Column(say("差几分", "Short by"), "short", "mark"),
    ]  # fmt: skip
    d = view.heading.borderline
    note = say(
        f"低于线{d}分以内者，按班级、考号排列；供帮扶，不得公布。", f"Up to {d} below the line; by class and number."
    )
    return Told(say("临界生", "Borderline"), note, columns, named(_by_class(view.borderline, "line", "track")))


def _added(view: SchoolView) -> Told:
    columns = [valid(), Column(say("增值（百分位）", "Value added"), "value_added", "signed", 16), *bounds("signed")]
    note = say("95%区间含0时不能说进步或退步。", "95 % interval.")
    return Told(say("增值", "Value added"), note, columns, view.added)


def _changes(view: SchoolView) -> Told:
    marks = (("mark_before", say("原分", "Before")), ("mark_after", say("现分", "After")))
    columns = [*person(), subject(), *(Column(head, name, "mark") for name, head in marks)]
    note = say("与上次发布相比，只列本人成绩有改动者。", "Since the last release.")
    rows = named(_by_class(view.changes))
    return Told(say("更正", "Corrections"), note, columns, rows)


def _by_class(rows: pl.DataFrame, *first: str) -> pl.DataFrame:
    return rows if rows.is_empty() else rows.sort(*first, natural("class"), "number", maintain_order=True)
