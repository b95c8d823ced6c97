"""Who has sent what 报送进度: marks expected, received, held and missing by school and paper, beside the last file."""

from collections.abc import Mapping

import polars as pl
from sqlalchemy import func, select
from sqlmodel import Session, col

from models.exam import Paper, School, Student, sat_papers
from models.exam_mark import ExamFile, Mark, MarkHeld
from models.exam_marks import exam_roster, measured, sheets
from rules.exams_board import completeness
from rules.exams_policy import Choice


def board(session: Session, exam: int, choice: Choice) -> pl.DataFrame:
    """Return one row a school and paper; counts only, nobody's number.

    Returns:
        The columns of rules.exams_board.completeness, strangers (numbers it sent that are not on the roster, of which
        no mark has come since), and last_file (when the school's last file came; null: none yet).
    """
    entered, sat = exam_roster(session, exam), sat_papers(session, exam)
    counts = completeness(entered, measured(sat), list(sheets(session, entered, sat)), choice)
    unknown = pl.DataFrame(
        [(*who, count) for who, count in strangers(session, exam).items()],
        schema={"school": pl.String, "subject": pl.String, "strangers": pl.Int64},
        orient="row",
    )
    query = (
        select(col(School.code), func.max(col(ExamFile.at)))
        .join(ExamFile, col(ExamFile.school_id) == col(School.id))
        .where(col(ExamFile.exam_id) == exam)
        .group_by(col(School.code))
    )
    files = pl.DataFrame(
        [tuple(row) for row in session.execute(query)],
        schema={"school": pl.String, "last_file": pl.Datetime("us", "UTC")},
        orient="row",
    )
    told = counts.join(unknown, on=["school", "subject"], how="full", coalesce=True).join(
        files, on="school", how="left"
    )
    numbers = ("expected", "received", "held", "missing", "strangers")
    return told.with_columns(pl.col(*numbers).fill_null(0)).sort("school", "subject")


def strangers(session: Session, exam: int) -> Mapping[tuple[str, str], int]:
    """Count, by the school that sent them and subject, numbers off the roster of which no mark has come since."""
    since = (
        select(col(Mark.n))
        .join(Student, col(Student.id) == col(Mark.student_id))
        .where(col(Student.exam_id) == exam, col(Student.number) == col(MarkHeld.number))
        .where(col(Mark.paper_id) == col(MarkHeld.paper_id))
        .correlate(MarkHeld)
    )
    query = (
        select(col(School.code), col(Paper.subject), func.count(func.distinct(col(MarkHeld.number))))
        .join(ExamFile, col(ExamFile.id) == col(MarkHeld.file_id))
        .join(School, col(School.id) == col(ExamFile.school_id))
        .join(Paper, col(Paper.id) == col(MarkHeld.paper_id))
        .where(col(MarkHeld.exam_id) == exam, col(MarkHeld.reason) == "off_roster", ~since.exists())
        .group_by(col(School.code), col(Paper.subject))
    )
    return {(school, subject): count for school, subject, count in session.execute(query)}
