"""The worked cases of tests/cases/exams.yaml, worked out by the rules of exams."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from rules.exams import STATUSES, VALID, Paper, Sheet, laid, roster, settled
from rules.exams_figures import stats
from rules.exams_items import BLANK, Item, item_figures, item_sheet
from rules.exams_lines import borderline, effective, line_at_mark, line_at_places, subject_line, with_rates
from rules.exams_policy import Choice, Lines, Scaling
from rules.exams_reliability import reliability
from rules.exams_scaling import scale_table
from rules.exams_standings import standings

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "exams.yaml").read_text(encoding="utf-8"))


def of(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in CASES[kind]])


def same(found: Any, wanted: Any) -> bool:
    """Compare words and null as they are, whole numbers and fractions exactly, decimals closely."""
    if isinstance(wanted, float):
        return bool(found == pytest.approx(wanted, rel=1e-12))
    if isinstance(wanted, str) and "/" in wanted:
        return bool(float(found) == float(Fraction(wanted)))
    return bool(found == wanted)


def check(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert {name: found[name] for name, value in wanted.items() if not same(found[name], value)} == {}


def entered(case: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for school, marks in case["schools"].items():
        for student, mark in marks.items():
            yield school, student, mark


@of("figures")
def test_a_worked_exam(case: dict[str, Any]) -> None:
    scale, rows = case.get("scale", 2), list(entered(case))
    students = pl.DataFrame(
        [(student, school, "1", "none") for school, student, _ in rows],
        schema=["student", "school", "class", "track"],
        orient="row",
    )
    sent = [
        (student, mark, None) if isinstance(mark, str) else (student, "valid", round(mark * scale))
        for _, student, mark in rows
        if mark != "missing"
    ]
    paper = Paper("数学", case["full"] * scale, scale)
    them = roster(students)
    marks = pl.DataFrame(sent, schema=["student", "status", "mark"], orient="row")
    (sheet,) = settled(them, [paper], [laid(them, paper, marks)], Choice())
    groups = {row["code"]: row for row in stats(them, [sheet], Lines()).to_dicts()}
    for code, wanted in case["groups"].items():
        check(groups[code], wanted)
    standing = {row["student"]: row for row in standings(them, sheet).to_dicts()}
    for student, wanted in case.get("students", {}).items():
        check(standing[student], wanted)


@of("scaling")
def test_a_worked_scale(case: dict[str, Any]) -> None:
    counts = [0] * 101
    for marks, count in case["marks"].items():
        first, _, last = str(marks).partition("-")
        for mark in range(int(first), int(last or first) + 1):
            counts[mark] = count
    scaling = Scaling(ties=case.get("ties", "tie-lifts"), one_mark=case.get("one_mark", "mid"))
    table = {row["mark"]: f"{row['band']} {row['scaled']}" for row in scale_table(counts, scaling).to_dicts()}
    assert {mark: table[mark] for mark in case["expect"]} == case["expect"]
    assert set(table) == {mark for mark, count in enumerate(counts) if count}


@of("items")
def test_worked_items(case: dict[str, Any]) -> None:
    items = [Item(str(number + 1), full) for number, full in enumerate(case["full"])]
    marks = [[BLANK if mark == "blank" else mark for mark in row] for row in case["marks"]]
    sheet = item_sheet("数学", 1, items, np.array(marks, np.int32))
    found = reliability(sheet).to_dicts()[0] | item_figures(sheet).to_dict(as_series=False)
    for name, wanted in case["expect"].items():
        if isinstance(wanted, list):
            pairs = zip(found[name], wanted, strict=True)
            assert all(same(a, b) for a, b in pairs if b != "any"), (name, found[name])
        else:
            assert same(found[name], wanted), (name, found[name])


def sheet_of(subject: str, marks: dict[str, Any]) -> Sheet:
    status = [VALID if isinstance(mark, int) else STATUSES.index(mark) for mark in marks.values()]
    values = [2 * mark if isinstance(mark, int) else 0 for mark in marks.values()]
    return Sheet(subject, 2, 300, np.array(status, np.int8), np.array(values, np.int32))


@of("lines")
def test_a_worked_line(case: dict[str, Any]) -> None:
    totals, sheet = sheet_of("total", case["totals"]), sheet_of("数学", case["subject"])
    places, mark = case.get("places"), case.get("mark", 0)
    line = line_at_places("本科线", totals, places) if places else line_at_mark("本科线", totals, 2 * mark)
    assert line is not None
    own = subject_line(sheet, line)
    found = effective(totals, sheet, line, own)
    flags = borderline(totals, line, 2 * case["below"])
    near = [name for name, there in zip(case["totals"], flags, strict=True) if there]
    counted = {name: getattr(found, name) for name in ("single", "double", "mismatch")}
    (shown,) = with_rates(pl.DataFrame([counted])).to_dicts()
    told = {"mark": line.mark / 2, "reached": line.reached, "n": line.n, "borderline": near}
    check(shown | told | {"subject_line": own and own / 2}, case["expect"])
