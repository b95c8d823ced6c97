"""What the statistics of an exam read, and who has sent what: on both databases, against counts by hand."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from models.db import Database
from models.exam import sat_papers
from models.exam_board import board
from models.exam_findings import findings, item_answers
from models.exam_marks import answers, content_hash, exam_roster, mark_rows, measured, sheets
from policies.exams import exams
from rules.exams import settled
from rules.exams_figures import stats
from rules.exams_policy import Choice, Lines
from tests.flows.exams import EXAM, LATER, NOW, exam_office, give, give_marks, mark, paper_id, student
from tests.flows.test_duty import Office


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return exam_office(database, tmp_path)


def test_figures_come_from_what_holds(office: Office) -> None:
    """Languages: 101 has 120, at first 违纪; 102 is absent; 103 is held; 201 has 90: mean 105 of 2, one absent."""
    give_marks(office, [mark("101", "违纪"), mark("102", "缺考"), mark("103", 80), mark("103", 81)])
    give_marks(office, [mark("101", 120), mark("201", 90, school="S2")], LATER)
    with office.database.read() as session:
        entered, sat = exam_roster(session, 1), sat_papers(session, 1)
        before = mark_rows(session, paper_id(session, "语文"), last_file=1)
        laid = settled(entered, measured(sat), list(sheets(session, entered, sat)), Choice())
    assert entered.students.columns == ["student", "number", "ref", "school", "class", "track"]
    joint = stats(entered, laid, Lines()).filter((pl.col("subject") == "语文") & (pl.col("scope") == "joint"))
    assert joint.select("n", "absent", "mean").rows() == [(2, 1, 105.0)]
    assert before.sort("student")["status"].to_list() == ["violation", "absent", "held"]


def test_item_marks_and_options_are_read_as_arrays(office: Office) -> None:
    give_marks(
        office,
        [
            mark("101", "", "物理", q1=40, q2="20.5", q3="", o1="B"),
            mark("102", 60, "物理"),
            mark("103", "缺考", "物理"),
        ],
    )
    with office.database.read() as session:
        sat = next(each for each in sat_papers(session, 1) if each.subject == "物理")
        told = answers(session, sat)
    assert told.sheet.marks.tolist() == [[80, 41, -1]]
    assert (told.sheet.total.tolist(), told.students.tolist(), told.options.to_list()) == ([121], [1], ["B"])
    assert [item.item for item in told.sheet.items] == ["1", "2", "10"]


def test_the_board_tells_what_each_school_still_owes(office: Office) -> None:
    with office.database.read() as session:
        nothing = board(session, 1, Choice())
    assert nothing.select("expected", "received", "missing").rows() == [(3, 0, 3), (3, 0, 3), (1, 0, 1), (1, 0, 1)]
    give_marks(
        office, [mark("101", 90), mark("102", "缺考"), mark("103", 80), mark("103", 81), mark("998", 1), mark("999", 1)]
    )
    give(office, "student", [student("998", "S1", "赵五")], LATER)
    give_marks(office, [mark("998", 1)], LATER)
    with office.database.read() as session:
        told = board(session, 1, Choice())
    first = told.filter((pl.col("school") == "S1") & (pl.col("subject") == "语文"))
    assert first.select("expected", "received", "held", "missing", "strangers").rows() == [(4, 3, 1, 0, 1)]
    assert told.filter(pl.col("school") == "S2")["last_file"].to_list() == [None, None]


def test_the_content_hash_moves_with_every_correction_and_only_then(office: Office) -> None:
    give_marks(office, [mark("101", "违纪")])
    with office.database.read() as session:
        first = content_hash(session, 1, last_file=1)
    give_marks(office, [mark("101", 100)], LATER)  # the violation is lifted after the release
    with office.database.read() as session:
        assert content_hash(session, 1, last_file=1) == first != content_hash(session, 1)


def test_findings_settle_scale_and_add_up(office: Office) -> None:
    """Languages 120 and 90, physics 60 for 101 only: one total, 180; 201 and the others have none."""
    give_marks(office, [mark("101", 120), mark("201", 90, school="S2"), mark("101", 60, "物理")], LATER)
    with office.database.read() as session:
        found = findings(session, 1, exams(date(2026, 4, 22)))
        papers = [each.sheet.subject for each in item_answers(session, found)]
    assert [sheet.subject for sheet in found.sheets] == ["物理", "语文", "total"]
    totals = list(found.standings())[-1].filter(pl.col("mark").is_not_null())
    assert totals.select("mark", "rank", "percentile").rows() == [(180.0, 1, 50.0)]
    assert (papers, found.stats()["subject"].unique().len()) == (["物理"], 3)


def test_an_exam_without_papers_has_no_sheets(office: Office) -> None:
    give(office, "exam", [EXAM | {"code": "E2"}], NOW)
    with office.database.read() as session:
        assert findings(session, 2, exams(date(2026, 4, 22))).sheets == []
