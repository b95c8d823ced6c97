"""A made-up exam of a district: schools of different strength, two tracks, scaled papers, items, an exam before it.

Nobody is in it and no database is needed: sheets are drawn from a seed, and from there on everything is as in life.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.exam_findings import Findings
from models.exam_marks import Answers
from models.exam_whole import AskedLine, Heading, Whole
from policies.exams import exams
from rules.exams import ABSENT, EXEMPT, VALID, VIOLATION, Paper, Roster, Sheet, graded, roster, total
from rules.exams_items import BLANK, Item, ItemSheet
from rules.exams_release import changes

HELD_ON, AT = date(2026, 4, 22), datetime(2026, 5, 8, 2, 0, tzinfo=UTC)
NAMES = ("云山", "滇池", "翠湖", "盘龙", "金马", "碧鸡", "螺峰")
PAPERS = [Paper(name, 300) for name in ("语文", "数学", "英语")] + [Paper(name, 200) for name in ("物理", "历史")]
PAPERS += [Paper(name, 200, scaled=True) for name in ("化学", "生物", "政治", "地理")]
POINTS: Mapping[str, Sequence[str]] = {
    "数学": ("集合与逻辑", "函数与导数", "三角函数", "数列", "立体几何", "概率统计", "解析几何"),
    "物理": ("运动学", "牛顿定律", "功与能", "电场", "电路", "磁场与感应"),
    "化学": ("物质结构", "氧化还原反应", "反应原理", "有机化学"),
}
LINES = [
    AskedLine(track, name, mark=mark)
    for track, marks in (("physics", (470, 360)), ("history", (480, 380)))
    for name, mark in zip(("特控线", "本科线"), marks, strict=True)
]


def made_exam(sizes: Sequence[int], classes: int = 4, seed: int = 7, *, version: int = 1) -> Whole:
    """An exam of schools S1, S2, ... of so many students; version 2 has two marks rescored."""
    draw = np.random.default_rng(seed)
    entered = _entered(sizes, classes)
    strength = draw.normal(0, 1, len(entered)) + draw.normal(0, 0.45, len(sizes))[entered.school]
    found = _found(entered, _sheets(draw, entered, strength, PAPERS))
    before = _found(entered, _sheets(draw, entered, strength, PAPERS[:3]))
    answers = [_answers(draw, entered, sheet) for sheet in found.sheets if sheet.subject in POINTS]
    changed = None
    if version > 1:
        found, changed = _rescored(found)
    policy = found.policy
    heading = Heading(
        "2026S", "2026年春季高二联考（示例）", HELD_ON, version, AT, policy.since, policy.suppression.smallest,
        policy.lines, policy.borderline_marks,
    )  # fmt: skip
    schools = {f"S{at + 1}": f"{NAMES[at % len(NAMES)]}中学" for at in range(len(sizes))}
    return Whole(found, heading, schools, answers, LINES, before, changed)


def _entered(sizes: Sequence[int], classes: int) -> Roster:
    rows = []
    for school, size in enumerate(sizes, start=1):
        for at in range(size):
            class_ = at * classes // size + 1
            track = "physics" if class_ <= max(classes * 5 // 8, 1) else "history"
            rows.append((f"26{school:02d}{at + 1:04d}", f"S{school}", f"高二{class_}班", track))
    frame = pl.DataFrame(rows, schema=["number", "school", "class", "track"], orient="row")
    students = pl.int_range(1, len(rows) + 1, eager=True).alias("student")
    return roster(frame.with_columns(students, pl.format("X{}", students).alias("ref")))


def _sheets(
    draw: np.random.Generator, entered: Roster, strength: NDArray[np.float64], papers: Sequence[Paper]
) -> list[Sheet]:
    n = len(entered)
    physics = entered.track == 1
    electives = np.argsort(draw.random((n, 4)), axis=1) < 2
    taken = {"物理": physics, "历史": ~physics} | {
        paper.subject: electives[:, at] for at, paper in enumerate(PAPERS[5:])
    }
    sheets = []
    for at, paper in enumerate(papers):
        share = 0.58 - 0.012 * at + 0.13 * strength + draw.normal(0, 0.09, n)
        mark = np.clip(np.rint(share * paper.full), 0, paper.full).astype(np.int32)
        status = np.where(taken.get(paper.subject, np.ones(n, bool)), VALID, EXEMPT)
        chance = draw.random(n)
        status[(status == VALID) & (chance < 0.012)] = ABSENT
        status[(status == VALID) & (chance > 0.9995)] = VIOLATION
        mark[status != VALID] = 0
        sheets.append(Sheet(paper.subject, paper.scale, paper.full, status.astype(np.int8), mark))
    return sheets


def _found(entered: Roster, sheets: Sequence[Sheet]) -> Findings:
    policy = exams(HELD_ON)
    marked = graded(PAPERS[: len(sheets)], sheets, policy.scaling)
    return Findings(1, None, policy, entered, [], [*marked, total(marked)])


def _answers(draw: np.random.Generator, entered: Roster, sheet: Sheet) -> Answers:
    """Twelve choice items, the rest written; what is missing to the total is spread over the written ones."""
    names = POINTS[sheet.subject]
    assert isinstance(sheet.full, int)
    full = [sheet.full // 40] * 12 + [sheet.full * 7 // 40] * 4
    items = [Item(str(at + 1), each, names[at % len(names)]) for at, each in enumerate(full)]
    sat = np.flatnonzero(sheet.valid)
    share = sheet.mark[sat] / sheet.full
    columns = []
    for each in items:
        hard, choice = draw.normal(0, 0.16), each.full == full[0]
        p = np.clip(share - hard, 0.03, 0.97)
        won = (draw.random(len(sat)) < p) * each.full if choice else np.rint(p * each.full + draw.normal(0, 3, len(p)))
        columns.append(np.clip(won, 0, each.full).astype(np.int32))
    marks = np.stack(columns, axis=1)
    options = pl.Series([",".join("ACBD"[w == 0 and (i + j) % 4] for j, w in enumerate(row[:12])) for i, row in enumerate(marks.tolist())])  # fmt: skip # noqa: E501
    whole = marks.sum(axis=1).astype(np.int32)
    marks[draw.random(len(sat)) < 0.02, -1] = BLANK
    return Answers(
        ItemSheet(sheet.subject, sheet.scale, items, marks, whole),
        entered.students["student"].to_numpy()[sat],
        options,
    )


def _rescored(found: Findings) -> tuple[Findings, pl.DataFrame]:
    """Two of the first school get more in mathematics."""
    mathematics = found.sheets[1]
    mark = mathematics.mark.copy()
    mark[np.flatnonzero(mathematics.valid)[:2]] += 12
    sheets = [found.sheets[0], replace(mathematics, mark=mark), *found.sheets[2:-1]]
    after = replace(found, sheets=[*sheets, total(sheets)], release=2)
    return after, changes(pl.concat(list(found.standings())), pl.concat(list(after.standings())))
