"""Exams whose files arrive: the board and figures of an evening, and word to makers once when all is in."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows import exam_aggregate as job
from flows.exam_progress import aggregate
from flows.jobs import Result
from models.db import Database, keys_of
from models.messages import Message
from rules.exam_refusals import NoExam
from tests.flows.exam_releases import Releasing
from tests.flows.exams import NOW, exam_office, give_marks, mark

ALL = ("101", "102", "103", "201")


@pytest.fixture
def exam(database: Database, tmp_path: Path) -> Releasing:
    return Releasing(database, tmp_path)


def evening(exam: Releasing, code: str | None = None) -> list[Result]:
    found: list[Result] = aggregate(exam.database, exam.office.at(NOW), code)["exams"]
    return found


def ready(database: Database) -> dict[str, dict[str, Any]]:
    with database.read() as session:
        rows = session.scalars(select(Message).where(col(Message.template) == "exam-ready")).all()
        keys = keys_of(session)
        return {
            each.recipient: json.loads(keys.open("message.variables", each.dedupe_key, each.variables)) for each in rows
        }


def test_while_marks_are_missing_it_is_provisional_and_nobody_is_told(exam: Releasing) -> None:
    exam.marks({"101": 120, "999": 60})
    (one,) = evening(exam)
    assert not one["complete"]
    rows = {(row["school"], row["subject"]): row for row in one["board"]}
    first, last = rows["S1", "语文"], rows["S2", "语文"]
    assert (first["expected"], first["received"], first["missing"]) == (3, 1, 2)
    assert (last["received"], last["last_file"]) == (0, "2026-04-25 09:00")  # 999 said it was of school S9
    assert ready(exam.database) == {}


def test_when_all_is_in_the_makers_hear_of_it_once(exam: Releasing) -> None:
    exam.all_in()
    assert [one["messages"] for one in evening(exam) + evening(exam)] == [2, 0]
    told = ready(exam.database)
    assert told.keys() == {"T-M1", "T-A2"}
    assert told["T-M1"]["command"] == "tuoqi exam put-forward E1 --staff 工号"
    figures = evening(exam)[0]["figures"]
    assert {row["mean"] for row in figures} == {None}  # four candidates are too few to be shown


def test_a_released_exam_is_shown_only_when_it_is_named_and_nobody_is_told(exam: Releasing) -> None:
    exam.all_in()
    exam.release()
    assert evening(exam) == []
    assert [one["messages"] for one in evening(exam, "E1")] == [0]
    with pytest.raises(NoExam):
        evening(exam, "E7")


def test_everyone_absent_is_complete_and_has_no_mean(database: Database, tmp_path: Path) -> None:
    office = exam_office(database, tmp_path)
    settings = office.at(NOW).model_copy(update={"operators": "ops@example.cn"})
    for school in "12":
        give_marks(office, [mark(n, "缺考", s) for n in ALL if n[0] == school for s in ("语文", "物理")])
    (one,) = aggregate(database, settings)["exams"]
    assert one["complete"]
    assert {row["mean"] for row in one["figures"]} == {None}
    assert ready(database).keys() == {"OPERATOR-1"}  # there are no makers


def test_a_subject_nobody_took_keeps_the_exam_provisional(exam: Releasing) -> None:
    exam.marks(dict.fromkeys(ALL, 60))
    (one,) = evening(exam)
    nothing = [row["missing"] for row in one["board"] if row["subject"] == "物理"]
    assert (one["complete"], sum(nothing)) == (False, 4)


def test_no_exam_at_all_and_one_without_papers(database: Database, tmp_path: Path, monkeypatch: Any) -> None:
    office = exam_office(database, tmp_path)
    shown: list[Any] = []
    monkeypatch.setattr("flows.artifacts.table", lambda *what: shown.append(what))
    assert len(job.exam_aggregate.fn("E1")["exams"]) == 1
    assert "阶段性" in shown[0][1]
    assert aggregate(database, office.at("2026-01-01T09:00"))["exams"] == []  # it lies ahead
