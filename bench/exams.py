"""The figures of a joint exam, from rows in memory to every statistic: no database, no files.

A province: 400,000 candidates in 400 schools and 8,000 classes, 9 papers (one of 150 marks in tenths, four of them
grade-scaled), 2 % absent, some violations. Items: 100,000 candidates by 25 items, 1 % blank.

The floor is one bare script of numpy and polars for the same figures, written down straight for exactly this exam: it
knows that everyone took every paper, that there is one track and that nothing is missing, and it has no names for
anything. It lays the rows by their position, scales by the same bands, ranks with histograms and groups with polars.
The bench refuses to run unless its figures are ours, cell for cell.

Ours is rules.exams*: roster, laid, settled, graded, total, standings and stats; item_figures and reliability.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.timing import Line, in_turn, mb, measured, ratio
from rules.exams import STATUSES, Paper, graded, laid, roster, settled, total
from rules.exams_figures import stats
from rules.exams_items import BLANK, Item, ItemSheet, item_figures, item_sheet
from rules.exams_policy import FIVE_BANDS, Choice, Lines, Scaling
from rules.exams_reliability import reliability
from rules.exams_standings import standings

PAPERS = (
    Paper("语文", 1500, 10),
    *(Paper(subject, 300) for subject in ("数学", "英语")),
    *(Paper(subject, 200) for subject in ("物理", "历史")),
    *(Paper(subject, 200, scaled=True) for subject in ("化学", "生物", "政治", "地理")),
)
FLOOR_RESULTS = ("mark", "rank", "percentile", "t")
FLOOR_STATS = ("n", "mean", "median", "max", "min", "sd", "excellent_rate", "pass_rate", "low_rate")
MEMORY_BAR_MB = 1200


@dataclass(frozen=True, slots=True)
class Exam:
    """What a job reads: the students, and the rows of each paper."""

    students: pl.DataFrame
    rows: list[pl.DataFrame]


def figures(*, quick: bool) -> list[Line]:
    """Compare ours with the bare script, first for the marks of a province, then for the items of a paper."""
    candidates, repeats = (40_000, 2) if quick else (400_000, 3)
    exam = made_exam(candidates)
    assert alike(bare_figures(exam), _ours(exam)), "the bare script must find the same figures"
    ours, bare = in_turn(repeats, lambda: _ours(exam), lambda: bare_figures(exam))
    peak = measured(lambda: _ours(exam))[0]
    sheet = made_items(10_000 if quick else 100_000, 25)
    assert _same_items(sheet), "the bare script must find the same item figures"
    mine, plain = in_turn(repeats + 2, lambda: our_items(sheet), lambda: bare_items(sheet))
    return [
        Line("exam, all figures", f"{candidates} x 9", ours, bare, ratio(ours, bare), "2", mb(peak)),
        Line("exam, items", f"{len(sheet.marks)} x 25", mine, plain, ratio(mine, plain), "2", mb(mine)),
    ]


def made_exam(candidates: int) -> Exam:
    """Make up an exam."""
    chance = np.random.default_rng(20260301)
    school = np.sort(chance.integers(0, 400, candidates))
    students = pl.DataFrame(
        {
            "student": np.arange(candidates) + 530_100_000_000,
            "school": [f"S{each:03d}" for each in school],
            "class": [f"{each:02d}" for each in chance.integers(0, 20, candidates)],
            "track": ["none"] * candidates,
        }
    )
    ability = chance.normal(0.62, 0.14, candidates)
    return Exam(students, [_rows(paper, students, ability, chance) for paper in PAPERS])


def _rows(
    paper: Paper, students: pl.DataFrame, ability: NDArray[np.float64], chance: np.random.Generator
) -> pl.DataFrame:
    n = students.height
    code = np.select([chance.random(n) < 0.02, chance.random(n) < 0.0005], [1, 2], 0)
    mark = np.clip((ability + chance.normal(0, 0.1, n)) * paper.full, 0, paper.full).astype(np.int32)
    status = pl.Series("status", STATUSES).gather(code)
    rows = pl.DataFrame({"student": students["student"], "status": status, "mark": mark})
    return rows.with_columns(pl.when(pl.col("status") == "valid").then("mark").alias("mark"))


def _ours(exam: Exam) -> tuple[pl.DataFrame, list[NDArray[np.float64]]]:
    """Work out all figures; of standings only a checksum is kept, as a job would write them and go on."""
    entered = roster(exam.students)
    sheets = [laid(entered, paper, rows) for paper, rows in zip(PAPERS, exam.rows, strict=True)]
    sheets = graded(PAPERS, settled(entered, PAPERS, sheets, Choice()), Scaling())
    sheets.append(total(sheets))
    sums = [checksum(standings(entered, sheet)) for sheet in sheets]
    return stats(entered, sheets, Lines()), sums


def checksum(results: pl.DataFrame) -> NDArray[np.float64]:
    """Add up each column."""
    sums: NDArray[np.float64] = results.select(pl.col(*FLOOR_RESULTS, "scaled").sum()).cast(pl.Float64).to_numpy()[0]
    return sums


def bare_figures(exam: Exam) -> tuple[pl.DataFrame, list[NDArray[np.float64]]]:
    """Floor: the same figures, straight."""
    students, found, sums = exam.students, [], []
    totals = np.zeros(students.height, np.int32)
    everyone = np.ones(students.height, np.bool_)
    for paper, rows in zip(PAPERS, exam.rows, strict=True):
        valid = (rows["status"] == "valid").to_numpy()
        mark = rows["mark"].fill_null(0).to_numpy()
        scaled = _bare_scaled(mark, valid) if paper.scaled else None
        totals += mark * (10 // paper.scale) if scaled is None else scaled * 10
        everyone &= valid
        sums.append(_bare_results(students, paper.subject, rows["status"], mark, valid, paper.scale, scaled))
        found.append(_bare_stats(students, rows["status"], mark, paper.full, paper.scale))
    full = sum(1000 if paper.scaled else paper.full * (10 // paper.scale) for paper in PAPERS)
    status = pl.Series("status", np.where(everyone, "valid", "absent"))
    totals[~everyone] = 0
    sums.append(_bare_results(students, "total", status, totals, everyone, 10, None))
    worst = pl.select(
        pl.when(pl.any_horizontal(*(rows["status"] == "violation" for rows in exam.rows)))
        .then(pl.lit("violation"))
        .otherwise(status)
        .alias("status")
    )["status"]
    found.append(_bare_stats(students, worst, totals, full, 10))
    return pl.concat(found), sums


def _bare_results(
    students: pl.DataFrame,
    subject: str,
    status: pl.Series,
    mark: NDArray[np.int32],
    valid: NDArray[np.bool_],
    scale: int,
    scaled: NDArray[np.int32] | None,
) -> NDArray[np.float64]:
    counts = np.bincount(mark[valid])
    n, marks = counts.sum(), np.arange(len(counts))
    up_to = counts.cumsum()
    mean = counts @ marks / n
    sd = np.sqrt(counts @ (marks - mean) ** 2 / n)
    percentile = 100 * (up_to - counts / 2) / n
    rank, t = n - up_to + 1, 50 + 10 * (marks - mean) / sd
    there = pl.Series(valid)
    results = students.select("student", "school", "class").with_columns(
        pl.lit(subject).alias("subject"),
        status.alias("status"),
        pl.when(there).then(pl.Series(mark / scale)).alias("mark"),
        pl.when(there).then(pl.Series(rank[mark])).alias("rank"),
        pl.when(there).then(pl.Series(percentile[mark])).alias("percentile"),
        pl.when(there).then(pl.Series(t[mark])).alias("t"),
        (pl.lit(None, pl.Int32) if scaled is None else pl.when(there).then(pl.Series(scaled))).alias("scaled"),
    )
    return checksum(results)


def _bare_stats(
    students: pl.DataFrame, status: pl.Series, mark: NDArray[np.int32], full: int, scale: int
) -> pl.DataFrame:
    valid = pl.col("status") == "valid"
    x = pl.col("mark").filter(valid)
    figures_of = [
        pl.len().alias("enrolled"),
        valid.sum().alias("n"),
        (pl.col("status") == "absent").sum().alias("absent"),
        (pl.col("status") == "violation").sum().alias("violation"),
        (x.mean() / scale).alias("mean"),
        (x.median() / scale).alias("median"),
        (x.max() / scale).alias("max"),
        (x.min() / scale).alias("min"),
        (x.std(ddof=0) / scale).alias("sd"),
    ]
    reached = {
        "excellent": pl.col("mark") * 100 >= 80 * full,
        "pass": pl.col("mark") * 100 >= 60 * full,
        "low": pl.col("mark") * 100 < 40 * full,
    }
    for name, reach in reached.items():
        count = (reach & valid).sum()
        figures_of += [(count / valid.sum()).alias(f"{name}_rate"), (count / pl.len()).alias(f"{name}_rate_enrolled")]
    frame = students.select("school", "class", status.alias("status"), pl.Series("mark", mark))
    nobody = pl.lit(None, pl.String)
    return pl.concat(
        [
            frame.select(nobody.alias("school"), nobody.alias("class"), *figures_of),
            frame.group_by("school").agg(*figures_of).sort("school").with_columns(nobody.alias("class"))
            .select("school", "class", pl.exclude("school", "class")),
            frame.group_by("school", "class").agg(*figures_of).sort("school", "class"),
        ],
        how="vertical_relaxed",
    )  # fmt: skip


def _bare_scaled(mark: NDArray[np.int32], valid: NDArray[np.bool_]) -> NDArray[np.int32]:
    counts = np.bincount(mark[valid])
    n, above = counts.sum(), counts.sum() - counts.cumsum()
    result, reach = np.zeros(len(counts), np.int32), 0
    for band in FIVE_BANDS:
        inside = np.flatnonzero((counts > 0) & (above * 100 >= reach * n) & (above * 100 < (reach + band.percent) * n))
        reach += band.percent
        if len(inside):
            low, high = inside[0], inside[-1]
            top = band.top * (inside - low) + band.bottom * (high - inside)
            result[inside] = (2 * top + high - low) // (2 * (high - low))
    return np.where(valid, result[mark], 0)


def alike(bare: tuple[pl.DataFrame, list[Any]], ours: tuple[pl.DataFrame, list[Any]]) -> bool:
    """Tell whether both found the same figures."""
    columns = ["school", "class", "enrolled", "absent", "violation", *FLOOR_STATS]
    found = ours[0].select(columns)
    same = found.height == bare[0].height and all(
        found[name].equals(bare[0][name], null_equal=True)
        if found[name].dtype != pl.Float64
        else np.allclose(found[name].to_numpy(), bare[0][name].cast(pl.Float64).to_numpy(), rtol=1e-9, equal_nan=True)
        for name in columns
    )
    return same and np.allclose(bare[1], ours[1], rtol=1e-9)


def made_items(candidates: int, count: int) -> ItemSheet:
    """Make up the item marks of a paper."""
    chance = np.random.default_rng(20260302)
    full = chance.choice([6, 8, 10, 24], count)
    share = np.clip(chance.normal(0.6, 0.2, (candidates, 1)) + chance.normal(0, 0.25, (candidates, count)), 0, 1)
    marks = np.rint(share * full).astype(np.int32)
    marks[chance.random(marks.shape) < 0.01] = BLANK
    return item_sheet("数学", 2, [Item(f"q{at + 1}", int(each)) for at, each in enumerate(full)], marks)


def our_items(sheet: ItemSheet) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Work out all figures of items."""
    return item_figures(sheet), reliability(sheet)


def bare_items(sheet: ItemSheet) -> tuple[list[list[float]], list[float]]:
    """Floor: each item's figures, then alpha over those without a blank."""
    rows = []
    for at, item in enumerate(sheet.items):
        there = sheet.marks[:, at] != BLANK
        x, whole = sheet.marks[there, at].astype(np.float64), sheet.total[there]
        n, size = len(x), 0.27 * there.sum()
        heads, points = np.bincount(whole), np.bincount(whole, x)
        groups = []
        for h, p in ((heads[::-1], points[::-1]), (heads, points)):
            reached = h.cumsum()
            last = np.searchsorted(reached, size)
            groups.append((p[:last].sum() + (size - reached[last] + h[last]) / h[last] * p[last]) / size)
        mean, rest = x.mean(), whole - x
        apart, rest = x - mean, rest - rest.mean()
        r = apart @ rest / np.sqrt((apart @ apart) * (rest @ rest))
        rows.append([n, mean / sheet.scale, mean / item.full, (groups[0] - groups[1]) / item.full, r])
    complete = sheet.marks[(sheet.marks != BLANK).all(axis=1)].astype(np.float64)
    covariance = np.cov(complete, rowvar=False)
    k, own, shared, whole = len(covariance), covariance.diagonal(), covariance.sum(axis=0), covariance.sum()
    alpha = k / (k - 1) * (1 - own.sum() / whole)
    deleted = (k - 1) / (k - 2) * (1 - (own.sum() - own) / (whole - 2 * shared + own))
    return rows, [alpha, np.sqrt(whole * (1 - alpha)) / sheet.scale, *deleted]


def _same_items(sheet: ItemSheet) -> bool:
    (items, found), (rows, bare) = our_items(sheet), bare_items(sheet)
    ours = items.select("n", "mean", "difficulty", "discrimination27", "item_rest_r").to_numpy()
    whole = [found["alpha"][0], found["sem"][0], *found["alpha_if_deleted"][0]]
    return np.allclose(ours, rows, rtol=1e-9) and np.allclose(whole, bare, rtol=1e-9)
