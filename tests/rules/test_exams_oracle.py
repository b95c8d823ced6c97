"""Published data sets as other libraries work them out (tests/data/exams) beside our figures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rules.exams import Paper, laid, roster
from rules.exams_figures import stats
from rules.exams_intervals import mean_interval, t_quantile, wilson
from rules.exams_items import BLANK, Item, ItemSheet, item_figures, item_sheet
from rules.exams_policy import Lines
from rules.exams_progress import value_added
from rules.exams_reliability import reliability
from rules.exams_standings import standings

FOLDER = Path(__file__).parents[1] / "data" / "exams"


def captured(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return content


def sheet_of(content: dict[str, Any]) -> ItemSheet:
    marks = [[BLANK if mark is None else mark for mark in row] for row in content["marks"]]
    items = [Item(str(number), 100) for number in range(len(marks[0]))]
    return item_sheet("x", content["scale"], items, np.array(marks, np.int32))


@pytest.mark.parametrize("name", ["iris", "digits"])
def test_items_and_reliability_agree_with_pingouin_and_pandas(name: str) -> None:
    content = captured(name)
    sheet, wanted = sheet_of(content), content["reliability"]
    (found,) = reliability(sheet).to_dicts()
    assert found["n"] == wanted["n"]
    for figure in ("alpha", "sem", "alpha_if_deleted"):
        assert found[figure] == pytest.approx(wanted[figure], rel=1e-12, abs=1e-12)
    items = item_figures(sheet)
    for figure, values in content["items"].items():
        assert items[figure].to_list() == pytest.approx(values, rel=1e-12, abs=1e-12)


def test_standings_and_figures_agree_with_scipy_and_numpy() -> None:
    content = captured("iris")
    marks = [row[2] for row in content["marks"]]
    students = pl.DataFrame({"student": range(len(marks))}).with_columns(
        school=pl.lit("S"), **{"class": pl.lit("1")}, track=pl.lit("none")
    )
    them = roster(students)
    rows = students.select("student", pl.lit("valid").alias("status"), pl.Series("mark", marks))
    sheet = laid(them, Paper("x", 100, 10), rows)
    found, wanted = standings(them, sheet), content["standings"]
    assert found["rank"].to_list() == wanted["rank"]
    for figure in ("percentile", "t"):
        assert found[figure].to_list() == pytest.approx(wanted[figure], rel=1e-12, abs=1e-12)
    joint = stats(them, [sheet], Lines()).to_dicts()[0]
    assert [joint[name] for name in ("mean", "median", "sd")] == pytest.approx(
        [wanted[name] for name in ("mean", "median", "sd")], rel=1e-12, abs=1e-12
    )


def test_value_added_agrees_with_least_squares_of_statsmodels() -> None:
    content = captured("iris")
    of = content["least_squares"]
    matched = pl.DataFrame(
        {
            "student": range(len(content["marks"])),
            "school": [str(group) for group in content["group"]],
            "before": [row[of["before"]] / 10 for row in content["marks"]],
            "after": [row[of["after"]] / 10 for row in content["marks"]],
        }
    )
    found = value_added(matched).select("value_added", "low", "high").rows()
    for ours, theirs in zip(found, of["value_added"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-9)


def test_intervals_agree_with_scipy_and_statsmodels() -> None:
    content = captured("intervals")
    for df, wanted in content["t"]:
        assert t_quantile(df) == pytest.approx(wanted, rel=1e-10)
    for count, n, *wanted in content["wilson"]:
        assert wilson(count, n) == pytest.approx(tuple(wanted), abs=1e-15, rel=1e-12)
    for marks, *wanted in content["means"]:
        found = mean_interval(float(np.mean(marks)), float(np.std(marks, ddof=1)), len(marks))
        assert found == pytest.approx(tuple(wanted), rel=1e-12)
