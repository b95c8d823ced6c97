"""Exports of exams end to end: rosters and mark files in, csv out, against counts by hand and plain Python."""

import csv
from collections.abc import Sequence
from fractions import Fraction
from math import sqrt
from operator import eq, lt
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from sqlmodel import col

from flows import exam_exports
from flows.exam_exports import ITEMS, RELIABILITY, RESULTS, STATS, TooLongForExcel
from flows.exports import BadWish, Wish, export_file
from flows.settings import settings
from models.audit import AuditEntry
from models.db import Database
from rules.exam_refusals import NoExam, NoRelease
from tests.flows.exams import EXAM, LATER, exam_office, give, give_marks, mark, student
from tests.flows.test_duty import Office

Table = list[dict[str, str]]


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return exam_office(database, tmp_path)


def exported(office: Office, kind: str, exam: str | None = "E1", *, reveal: bool = True) -> Table:
    to = office.folder / "out.csv"
    told = export_file(office.database, settings(), kind, Wish(exam=exam, reveal=reveal), to)
    with to.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert told["rows"] == len(rows)
    return rows


def cells(rows: Table, **known: str) -> dict[str, str]:
    """The one row that has these values."""
    (row,) = (row for row in rows if all(row[name] == value for name, value in known.items()))
    return row


def plain(cases: Sequence[tuple[str, Any]], subject: str = "语文") -> list[dict[str, Any]]:
    return [mark(number, said, subject, school=f"S{number[0]}") for number, said in cases]


def test_the_columns_are_those_that_were_agreed(office: Office) -> None:
    give_marks(office, [mark("101", 90), mark("101", 60, "物理", q1=30, q2=20, q3=10)])
    columns = {"exam-stats": STATS, "exam-results": RESULTS, "exam-items": ITEMS, "exam-reliability": RELIABILITY}
    for kind, wanted in columns.items():
        assert tuple(exported(office, kind)[0]) == wanted


def test_a_transfer_between_schools_moves_the_mark_along(office: Office) -> None:
    """101 has 120 at S1 and moves to S2, where 201 has 90: S2 has 2, mean 105; S1 keeps two absent. A row of S1 for
    101 that comes later is held out, and the 120 stands.
    """
    give_marks(office, [mark("101", 120, school="S1"), mark("201", 90, school="S2")])
    give(office, "student", [student("101", "S2", "㐂一")], LATER)
    give_marks(office, [mark("101", 110, school="S1")], "2026-04-27T09:00")
    stats = exported(office, "exam-stats")
    told = {code: cells(stats, code=code, subject="语文") for code in ("S1", "S2")}
    assert [(told[c]["enrolled"], told[c]["n"], told[c]["mean"]) for c in told] == [("2", "0", ""), ("2", "2", "105.0")]
    row = cells(exported(office, "exam-results"), student="101", subject="语文")
    assert (row["school"], row["status"], row["mark"], row["rank"]) == ("S2", "valid", "120.0", "1")


def test_an_exam_number_that_two_rows_of_marks_share_is_neither_absent_nor_counted(office: Office) -> None:
    """103 stands twice: 80 and 81. Of 3 of S1 two are enrolled: 101 with 90, and 102, absent. The same row twice
    counts once."""
    rows = [("101", 90), ("101", 90), ("103", 80), ("103", 81)]
    give_marks(office, plain(rows))
    told = cells(exported(office, "exam-stats"), code="S1", subject="语文")
    assert (told["enrolled"], told["n"], told["absent"], told["mean"]) == ("2", "1", "1", "90.0")
    held = cells(exported(office, "exam-results"), student="103", subject="语文")
    assert (held["status"], held["mark"], held["rank"]) == ("held", "", "")


def test_a_violation_that_is_lifted_counts_from_then_on(office: Office) -> None:
    """At first 102 alone, with 60, is first of one; then 101 comes to 150: 102 is second of two, at 25, T 40."""
    give_marks(office, plain([("101", "违纪"), ("102", 60)]))
    before = cells(exported(office, "exam-stats"), code="joint", subject="语文")
    assert (before["violation"], before["n"], before["mean"]) == ("1", "1", "60.0")
    give_marks(office, plain([("101", 150)]), LATER)
    after = cells(exported(office, "exam-stats"), code="joint", subject="语文")
    assert (after["violation"], after["n"], after["mean"], after["sd"]) == ("0", "2", "105.0", "45.0")
    row = cells(exported(office, "exam-results"), student="102", subject="语文")
    assert (row["rank"], row["percentile"], row["t"]) == ("2", "25.0", "40.0")


def test_items_without_totals_and_totals_without_items(office: Office) -> None:
    """101 sends items 40, 20.5 and a blank: 60.5. 102 sends 50 alone: n of the paper is 2, of item 1 is 1, of item 10
    none, with one blank; no two candidates are complete, so no alpha."""
    give_marks(office, [mark("101", "", "物理", q1=40, q2="20.5", q3=""), mark("102", 50, "物理")])
    assert cells(exported(office, "exam-stats"), code="joint", subject="物理")["mean"] == "55.25"
    items = exported(office, "exam-items")
    assert [tuple(row.values()) for row in items] == [
        ("物理", "1", "1", "40.0", "1.0", "0.0", "", "0"),
        ("物理", "2", "1", "20.5", repr(20.5 / 30), "0.0", "", "0"),
        ("物理", "10", "0", "", "", "", "", "1"),
    ]
    assert [tuple(row.values()) for row in exported(office, "exam-reliability")] == [("物理", "3", "0", "", "")]


def test_a_total_of_150_and_100_is_of_both_or_of_the_one_that_was_taken(office: Office) -> None:
    """101: 120.5 of 150 and 79.5 of 100, 200 of 250: excellent, as 80 % are 200. 102 is exempt from physics: 90 of
    150 passes, as 60 % are 90. 103 has no physics: no total. 201 is exempt from both: no total, not enrolled."""
    rows = plain([("101", 120.5), ("102", 90), ("103", 90), ("201", "免考")])
    give_marks(office, rows + plain([("101", 79.5), ("102", "免考"), ("201", "免考")], "物理"))
    told = cells(exported(office, "exam-stats"), code="joint", subject="total")
    assert (told["enrolled"], told["n"], told["absent"], told["mean"]) == ("3", "2", "1", "145.0")
    assert (told["excellent_rate"], told["pass_rate"], told["low_rate"]) == ("0.5", "1.0", "0.0")
    assert told["pass_rate_enrolled"] == repr(2 / 3)
    totals = {row["student"]: (row["status"], row["mark"]) for row in exported(office, "exam-results")[-4:]}
    assert totals == {
        "101": ("valid", "200.0"), "102": ("valid", "90.0"), "103": ("absent", ""), "201": ("exempt", ""),
    }  # fmt: skip


def test_nobody_came_and_nobody_took_it(office: Office) -> None:
    """Languages: four absent and no figure, 0 of 4 pass. Physics: all exempt, so nobody is enrolled, and no rate."""
    give_marks(office, plain([(number, "免考") for number in ("101", "102", "103", "201")], "物理"))
    stats = exported(office, "exam-stats")
    absent, exempt = (cells(stats, code="joint", subject=subject) for subject in ("语文", "物理"))
    assert (absent["enrolled"], absent["absent"], absent["mean"], absent["sd"]) == ("4", "4", "", "")
    assert (absent["pass_rate"], absent["pass_rate_enrolled"]) == ("", "0.0")
    assert (exempt["enrolled"], exempt["pass_rate"], exempt["pass_rate_enrolled"]) == ("0", "", "")
    assert [row["code"] for row in stats if row["subject"] == "物理"] == ["joint"]


def test_scaled_papers_are_added_as_scaled_and_totals_stand_by_track(office: Office) -> None:
    """History is 201's track. Chemistry is scaled: one mark, so all of 101 to 103 get the middle of A, 93. Languages
    100, 100 and 80: totals 193, 193, 173 among physics, 201 with 70 alone among history."""
    give(office, "paper", [{"exam": "E1", "subject": "化学", "full": 100, "scaled": "是"}])
    people = [("101", "S1", "physics"), ("102", "S1", "physics"), ("103", "S1", "physics"), ("201", "S2", "history")]
    give(office, "student", [student(n, s, "甲", track=t) for n, s, t in people], LATER)
    marks = plain([("101", 100), ("102", 100), ("103", 80), ("201", 70)])
    marks += plain([(n, 61.5) for n in ("101", "102", "103")] + [("201", "免考")], "化学")
    give_marks(office, marks + plain([(n, "免考") for n in ("101", "102", "103", "201")], "物理"))
    results = exported(office, "exam-results")
    assert tuple(results[0]) == (*RESULTS, "track")
    assert [(r["mark"], r["scaled"]) for r in results if r["subject"] == "化学"] == [("61.5", "93")] * 3 + [("", "")]
    totals = [(r["mark"], r["rank"], r["track"]) for r in results if r["subject"] == "total"]
    assert totals == [
        ("193.0", "1", "physics"), ("193.0", "1", "physics"), ("173.0", "3", "physics"), ("70.0", "1", "history"),
    ]  # fmt: skip
    stats = exported(office, "exam-stats")
    joint = [(r["track"], r["n"], r["max"]) for r in stats if (r["scope"], r["subject"]) == ("joint", "total")]
    assert joint == [("physics", "3", "193.0"), ("history", "1", "70.0")]


def test_figures_of_a_few_stay_blank_until_revealed_and_both_are_as_they_should_be_audited(office: Office) -> None:
    give_marks(office, [mark("101", 90), mark("101", 60, "物理", q1=30, q2=20, q3=10)])
    assert {row["n"] for row in exported(office, "exam-stats", reveal=False)} == {""}
    assert {row["n"] for row in exported(office, "exam-items", reveal=False)} == {""}
    assert cells(exported(office, "exam-reliability", reveal=False))["items"] == "3"
    with office.database.read() as session:
        assert list(session.scalars(select(col(AuditEntry.action)).where(col(AuditEntry.action).like("export%")))) == []
    exported(office, "exam-stats")
    exported(office, "exam-results", reveal=False)
    with office.database.read() as session:
        actions = session.scalars(select(col(AuditEntry.action)).where(col(AuditEntry.action).like("export%")))
        assert list(actions) == ["export.exam-stats", "export.exam-results"]


def test_an_exam_that_is_not_named_or_not_known_is_refused_and_nothing_written(office: Office, tmp_path: Path) -> None:
    for exam, error in ((None, BadWish), ("E9", NoExam)):
        for kind in ("exam-stats", "exam-results"):
            with pytest.raises(error):
                exported(office, kind, exam)
    with office.database.read() as session:
        assert list(session.scalars(select(col(AuditEntry.action)).where(col(AuditEntry.action).like("export%")))) == []
    with pytest.raises(NoRelease):
        export_file(office.database, settings(), "exam-stats", Wish(exam="E1", release=9), tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_an_exam_without_papers_is_a_file_without_rows(office: Office) -> None:
    give(office, "exam", [EXAM | {"code": "E2"}])
    for kind in exam_exports.EXPORTS:
        assert exported(office, kind, "E2") == []


def test_a_workbook_says_the_same_and_is_never_cut_off(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    give_marks(office, plain([("101", 90.5)]))
    to = office.folder / "out.xlsx"
    export_file(office.database, settings(), "exam-results", Wish(exam="E1"), to)
    head, *_, row, _, _, _ = CalamineWorkbook.from_path(to).get_sheet_by_index(0).to_python()[:9]
    assert (tuple(head), row[0], row[5:9]) == (RESULTS, "101", [90.5, 1.0, 50.0, ""])
    monkeypatch.setattr(exam_exports, "SHEET_ROWS", 3)
    with pytest.raises(TooLongForExcel):
        export_file(office.database, settings(), "exam-results", Wish(exam="E1"), to)


def test_a_number_that_looks_like_a_formula_is_text(tmp_path: Path) -> None:
    frame = pl.DataFrame({"student": ["=1+1", "1,2", None], "mark": [0.1, None, 1e-7]})
    assert exam_exports._write_csv(tmp_path / "o.csv", ("student", "mark"), [frame]) == 3
    with (tmp_path / "o.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert [(row[0], row[1] and float(row[1])) for row in rows] == [("'=1+1", 0.1), ("1,2", ""), ("", 1e-7)]


class Book:
    """Three hundred marks in plain Python: fractions all the way, one square root at the end."""

    def __init__(self, rows: Table, full: Fraction) -> None:
        self.rows, self.full = rows, full
        self.marks = sorted(Fraction(row["mark"]) for row in rows if row["status"] == "valid")

    def figures(self) -> dict[str, Any]:
        """The columns of exam-stats."""
        x, n = self.marks, len(self.marks)
        counts = {kind: sum(row["status"] == kind for row in self.rows) for kind in ("absent", "violation")}
        enrolled = n + sum(counts.values())
        told: dict[str, Any] = {"enrolled": enrolled, "n": n, **counts}
        mean = sum(x, Fraction()) / n if n else None
        told["mean"] = mean
        told["median"] = (x[(n - 1) // 2] + x[n // 2]) / 2 if n else None
        told["max"], told["min"] = (x[-1], x[0]) if n else (None, None)
        told["sd"] = sqrt(sum((each - mean) ** 2 for each in x) / n) if mean is not None else None
        reached = {
            "excellent": sum(each >= self.full * 4 / 5 for each in x),
            "pass": sum(each >= self.full * 3 / 5 for each in x),
            "low": sum(each < self.full * 2 / 5 for each in x),
        }
        told |= {f"{name}_rate": Fraction(count, n) if n else None for name, count in reached.items()}
        return told | {f"{name}_rate_enrolled": Fraction(count, enrolled) for name, count in reached.items()}

    def stands(self, mark: Fraction) -> dict[str, Any]:
        """The columns of exam-results."""
        below, equal = (sum(one(each, mark) for each in self.marks) for one in (lt, eq))
        n, mean, sd = len(self.marks), self.figures()["mean"], self.figures()["sd"]
        percentile = 100 * (below + Fraction(equal, 2)) / n
        return {"rank": n - below - equal + 1, "percentile": percentile, "t": 50 + 10 * float(mark - mean) / sd}


def test_three_hundred_candidates_as_plain_python_works_them_out(office: Office) -> None:
    chance = Random(20260422)
    people = [(f"9{n:03d}", chance.choice(["S1", "S2"]), chance.choice("12")) for n in range(296)]
    give(office, "student", [student(n, s, "甲", **{"class": c}) for n, s, c in people])
    rows: list[dict[str, Any]] = []
    for number, school, _ in people:
        for subject, full in (("语文", 150), ("物理", 100)):
            said: Any = chance.choice(["缺考", "违纪", "免考", *[Fraction(chance.randint(0, 2 * full), 2)] * 20])
            rows.append(mark(number, said if isinstance(said, str) else float(said), subject, school=school))
    give_marks(office, rows)
    status = {"缺考": "absent", "违纪": "violation", "免考": "exempt"}
    sent: dict[str, dict[str, tuple[str, str]]] = {n: {} for n in ("101", "102", "103", "201", *(p[0] for p in people))}
    homes = dict.fromkeys(("101", "102", "103"), ("S1", "")) | {"201": ("S2", "")} | {n: (s, c) for n, s, c in people}
    for row in rows:
        told = (status[row["mark"]], "") if row["mark"] in status else ("valid", str(row["mark"]))
        sent[row["number"]][row["subject"]] = told
    missing = ("absent", "")
    table = [
        {"student": n, "school": homes[n][0], "class": homes[n][1], "subject": s,
         "status": them.get(s, missing)[0], "mark": them.get(s, missing)[1]}
        for n, them in sent.items() for s in ("语文", "物理")
    ]  # fmt: skip
    stats, results = exported(office, "exam-stats"), exported(office, "exam-results")
    assert (len(results), len({row["code"] for row in stats})) == (900, 9)
    for subject, points in (("语文", 150), ("物理", 100)):
        mine = [row for row in table if row["subject"] == subject]
        groups = {"joint": mine}
        for row in mine:
            groups.setdefault(row["school"], []).append(row)
            groups.setdefault(f"{row['school']}/{row['class']}", []).append(row)
        for code, some in groups.items():
            compare(cells(stats, code=code, subject=subject), Book(some, Fraction(points)).figures())
        whole = Book(mine, Fraction(points))
        for row in mine:
            shown = cells([r for r in results if r["subject"] == subject], student=row["student"])
            assert (shown["school"], shown["class"], shown["status"]) == (row["school"], row["class"], row["status"])
            assert (float(shown["mark"]) if shown["mark"] else "") == (float(row["mark"]) if row["mark"] else "")
            blank = dict.fromkeys(("rank", "percentile", "t"))
            compare(shown, whole.stands(Fraction(row["mark"])) if row["mark"] else blank)


def compare(shown: dict[str, str], wanted: dict[str, Any]) -> None:
    """Compare each figure: blank where there is none, and else to the last digits that a square root leaves."""
    for name, value in wanted.items():
        if value is None:
            assert shown[name] == "", name
        else:
            assert float(shown[name]) == pytest.approx(float(value), rel=1e-12), name
