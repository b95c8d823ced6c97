"""The tables of the district's report: frames of its view -> what is shown of them, how each is read, what to do."""

import polars as pl

from flows.exam_columns import bounds, figure_columns, line_and_track, school, subject, valid
from flows.exam_sheets import Column, Told, named, ordered
from models.exam_view_district import DistrictView
from rules.errors import say
from rules.exams_lines import with_rates

_SCHOOLS_LAST = (pl.col("school").is_not_null(), "school")


def guide() -> dict[str, str]:
    """What each sheet tells and what to do with it, for 说明."""
    by_track = say("总分逐分人数与累计，用于划线。", "Totals, for drawing lines.")
    return {
        say("一分三率", "Figures"): say(
            "先看这一页：各科各校人数、平均分与三率，附95%区间。", "Start here: means and rates, with intervals."
        ),
        say("分布图", "Distributions"): say("各科成绩分布的形状：是否偏难、是否两极分化。", "The shape of marks."),
        say("一分段表", "Segments"): say("逐分人数与累计，用于查某分以上有多少人。", "How many have a mark or more."),
        say("一分段表 总分", "Segments total"): by_track,
        say("一分段表 总分 物理类", "Segments total physics"): by_track,
        say("一分段表 总分 历史类", "Segments total history"): by_track,
        say("四分位图", "Quartile charts"): say(
            "各校中间一半学生在哪里：看整体高低，也看离散。", "Where the middle half of each school is."
        ),
        say("四分位", "Quartiles"): say("上图的数字。", "The numbers of the charts."),
        say("上线与临界生", "Lines"): say("各校总分上线与线下不远的人数。", "Who reaches a line or nearly does."),
        say("有效分", "Effective marks"): say(
            "哪一科拖住了上线：错位多的学科先改进。", "Which subject holds back: many mismatches."
        ),
        say("进退与增值", "Value added"): say(
            "与上次考试相比，已扣除起点；区间含0不下结论。",
            "Against the exam before, by starting point.",
        ),
        say("信度", "Reliability"): say("试卷是否可靠：α低于0.7时慎作比较。", "Below 0.7, compare with care."),
        say("薄弱知识点", "Weak points"): say("各校最应改进的知识点。", "What each school should improve."),
        say("与上次发布相比", "Changes"): say("复核改动了多少条成绩，连带变动多少名次。", "What a review changed."),
        say("小题", "Items"): say("逐题难度、区分度、空白人数。", "Item by item."),
        say("小题图", "Item maps"): say("虚线以下的题先审。", "Look first below the dashed line."),
    }


def figures(view: DistrictView) -> Told:
    """Means and rates of joint exam and schools."""
    rows = named(ordered(view.figures, *_SCHOOLS_LAST), view.schools)
    note = say("学校按编号排列，不是名次。", "Schools by code, not by rank.")
    return Told(say("一分三率", "Figures"), note, [subject(), school(), *figure_columns()], rows)


def quartiles(view: DistrictView) -> Told:
    """Quartiles of joint exam and schools; those hidden are left out."""
    rows = named(ordered(view.quartiles.drop_nulls("p50"), *_SCHOOLS_LAST), view.schools)
    heads = {"p25": "P25", "p50": say("中位数", "Median"), "p75": "P75"}
    columns = [subject(), school(), *(Column(head, name, "mark", 12) for name, head in heads.items())]
    few = 4 * view.heading.smallest
    note = say(f"有效不足{few}人的学校不列。", f"schools with fewer than {few} are left out.")
    return Told(say("四分位", "Quartiles"), note, columns, rows)


def rest(view: DistrictView) -> list[Told]:
    """Everything after distributions and quartiles but the items; what is empty is not written."""
    return [_lines(view), _effective(view), _added(view), _reliability(view), _weak(view), _changes(view)]


def _lines(view: DistrictView) -> Told:
    counted = {"reached": say("总分上线", "Reached"), "borderline": say("临界生", "Borderline")}
    columns = [
        *line_and_track(), Column(say("总分线", "Total line"), "total_mark", "mark"), school(), valid(),
        *(Column(head, name, "count", 11) for name, head in counted.items()),
    ]  # fmt: skip
    d = view.heading.borderline
    note = say(f"临界生：低于线{d}分以内；计数不足者不显示。", f"Borderline: up to {d} below; small counts are hidden.")
    return Told(say("上线与临界生", "Lines"), note, columns, named(view.lines, view.schools))


def _effective(view: DistrictView) -> Told:
    """Add the rates 命中率 and 贡献率 to the counts that may be read."""
    shown = {"single": say("单上线", "Single"), "double": say("双上线", "Double"), "mismatch": say("错位", "Mismatch")}
    shares = {"hit": say("命中率", "Hit"), "contribution": say("贡献率", "Contribution")}
    columns = [
        *line_and_track(), subject(), school(), Column(say("有效分", "Line"), "mark", "mark", 8),
        *(Column(head, name, "count", 8) for name, head in shown.items()),
        *(Column(head, name, "rate", 9) for name, head in shares.items()),
    ]  # fmt: skip
    rows = view.effective
    if rows.height:
        rows = with_rates(rows).with_columns(pl.struct("line", "track").rle_id().alias("_line"))
        rows = named(ordered(rows, *_SCHOOLS_LAST, first=("_line",)), view.schools)
    note = say("命中率＝双上线÷单上线；贡献率＝双上线÷总分上线。", "Hit = double / single.")
    return Told(say("有效分", "Effective marks"), note, columns, rows)


def _added(view: DistrictView) -> Told:
    columns = [
        school(), valid(), Column(say("百分位平均变化", "Mean change"), "change", "signed", 16),
        Column(say("增值", "Value added"), "value_added", "signed"), *bounds("signed"),
    ]  # fmt: skip
    note = say("同一考号在两次考试中匹配；95%区间含0时不能说有差异。", "Matched by number; 95 % interval.")
    return Told(say("进退与增值", "Value added"), note, columns, named(view.added, view.schools))


def _reliability(view: DistrictView) -> Told:
    columns = [
        subject(), Column(say("题数", "Items"), "items", "count"), valid(),
        Column(say("信度 α", "Alpha"), "alpha", "share"), Column(say("测量标准误", "SEM"), "sem", "mean", 12),
    ]  # fmt: skip
    note = say("Cronbach α，按无空白者计。", "Cronbach's alpha, listwise.")
    return Told(say("信度", "Reliability"), note, columns, named(ordered(view.reliability)))


def _weak(view: DistrictView) -> Told:
    columns = [
        school(), subject(), Column(say("知识点", "Point"), "point", width=26), valid(),
        Column(say("得分率", "Share"), "share", "rate", 11, bar=True), *bounds("rate"),
        Column(say("联考", "Joint"), "joint", "rate", 11, bar=True), Column(say("差", "Gap"), "gap", "gap", 9),
    ]  # fmt: skip
    note = say("各校低于联考最多的知识点；区间含联考值时差异不明显。", "Furthest below joint.")
    return Told(say("薄弱知识点", "Weak points"), note, columns, named(view.weak, view.schools))


def _changes(view: DistrictView) -> Told:
    kinds = {"own": say("本人更正", "own"), "moved": say("随他人变动", "moved")}
    kinds |= {"added": say("新增", "added"), "removed": say("移出", "removed")}
    columns = [
        school(), subject(), Column(say("变动", "Kind"), "kind", width=14), Column(say("条数", "n"), "n", "count"),
    ]  # fmt: skip
    rows = view.changes
    if rows.height:
        rows = named(ordered(rows.with_columns(pl.col("kind").replace(kinds)), first=("school",)), view.schools)
    return Told(say("与上次发布相比", "Changes"), say("只计条数。", "Counts only."), columns, rows)


def items(view: DistrictView) -> Told:
    """Every item of the papers that have them."""
    columns = [
        subject(), Column(say("题号", "Item"), "item", width=8), Column(say("知识点", "Point"), "point", width=22),
        Column(say("满分", "Full"), "full", "mark", 8), valid(), Column(say("平均得分", "Mean"), "mean", "mean", 9),
        Column(say("难度", "P"), "difficulty", "share", 9, bar=True),
        Column(say("区分度", "D"), "discrimination27", "share", 9),
        Column(say("题总相关", "r"), "item_rest_r", "share", 9), Column(say("空白", "Blank"), "blank", "count", 7),
    ]  # fmt: skip
    note = say("难度越大越易；区分度0.3以上为好，0.2以下宜改题。", "a larger P is easier; D of 0.3 or more is good.")
    return Told(say("小题", "Items"), note, columns, named(ordered(view.items)))
