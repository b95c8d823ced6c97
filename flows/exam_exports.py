"""Joint exams as files: findings -> figures of groups, everybody's results, items, reliability -> csv or xlsx.

Results name nobody: students by exam number, always audited. Everything else hides groups of a few unless revealed.
Numbers are unrounded: in csv the shortest form that reads back as the same number, in xlsx 16 digits.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from sqlmodel import Session

from flows.forms_rows import safe_text, whole_file, write_rows
from flows.settings import Settings
from models.exam import exam_named
from models.exam_findings import Findings, findings, item_answers
from models.exam_releases import released_findings
from policies.exams import exams
from rules.errors import TuoqiError
from rules.exams import TRACKS
from rules.exams_items import item_figures
from rules.exams_privacy import few_hidden, suppressed
from rules.exams_reliability import reliability

STATS = (
    "scope", "code", "subject", "enrolled", "n", "absent", "violation", "mean", "median", "max", "min", "sd",
    "excellent_rate", "pass_rate", "low_rate", "excellent_rate_enrolled", "pass_rate_enrolled", "low_rate_enrolled",
)  # fmt: skip
RESULTS = ("student", "school", "class", "subject", "status", "mark", "rank", "percentile", "t", "scaled")
ITEMS = ("subject", "item", "n", "mean", "difficulty", "discrimination27", "item_rest_r", "blank")
RELIABILITY = ("subject", "items", "n", "alpha", "sem")
TRACK = "track"
"""A last column of figures and results where an exam has tracks: totals stand within one."""
SHEET_ROWS = 1_048_575
"""Rows of an xlsx sheet below its header."""
Frames = Iterable[pl.DataFrame]


@dataclass(eq=False)
class TooLongForExcel(TuoqiError):
    """A sheet has 1,048,576 rows; a file that silently ends there would be wrong."""

    rows: int
    zh = "共 {rows} 行，超过 Excel 一张表的行数；请改用 .csv。"
    en = "{rows} rows are more than a sheet of Excel holds; export to .csv."


def found_exam(session: Session, settings: Settings, district: int, code: str, release: int | None = None) -> Findings:
    """Read an exam as it is now, or as a release holds it.

    Raises:
        NoExam: the district has none of this code.
        NoPolicyInForce: none covers its day.
        NoRelease, ReleaseDiffers: see models.exam_releases.released_findings.
    """
    exam = exam_named(session, district, code)
    if release is not None:
        return released_findings(session, exam.id, release)
    return findings(session, exam.id, exams(exam.held_on, settings.policy))


def write_exam(kind: str, session: Session, found: Findings, to: Path, *, reveal: bool) -> int:
    """Write one of EXPORTS; return how many rows."""
    return EXPORTS[kind](session, found, to, reveal)


def _stats(_session: Session, found: Findings, to: Path, reveal: bool) -> int:
    if not found.sheets:
        return _write(to, STATS, [])
    figures = found.stats()
    shown = figures if reveal else suppressed(figures, found.policy.suppression)
    return _write(to, (*STATS, TRACK) if _has_tracks(found) else STATS, [shown])


def _results(_session: Session, found: Findings, to: Path, _reveal: bool) -> int:
    rows = len(found.entered) * len(found.sheets)
    if to.suffix.lower() != ".csv" and rows > SHEET_ROWS:
        raise TooLongForExcel(rows)
    of = found.entered.students
    known = [of["number"].alias("student"), *([of[TRACK]] if _has_tracks(found) else [])]
    frames = (each.with_columns(known) for each in found.standings())
    return _write(to, (*RESULTS, TRACK) if _has_tracks(found) else RESULTS, frames)


def _items(session: Session, found: Findings, to: Path, reveal: bool) -> int:
    figures = (item_figures(each.sheet) for each in item_answers(session, found))
    return _write(to, ITEMS, figures if reveal else (few_hidden(each, found.policy.suppression) for each in figures))


def _reliability(session: Session, found: Findings, to: Path, reveal: bool) -> int:
    figures = (reliability(each.sheet) for each in item_answers(session, found))
    shown = figures if reveal else (few_hidden(each, found.policy.suppression) for each in figures)
    return _write(to, RELIABILITY, shown)


EXPORTS: dict[str, Callable[[Session, Findings, Path, bool], int]] = {
    "exam-stats": _stats,
    "exam-results": _results,
    "exam-items": _items,
    "exam-reliability": _reliability,
}


def _has_tracks(found: Findings) -> bool:
    return bool((found.entered.track != TRACKS.index("none")).any())


def _write(to: Path, columns: tuple[str, ...], frames: Frames) -> int:
    """Write frames one after the other, one in memory at a time."""
    shown = (frame.select(columns) for frame in frames)
    if to.suffix.lower() == ".csv":
        return _write_csv(to, columns, shown)
    count = 0

    def rows() -> Iterator[tuple[Any, ...]]:
        nonlocal count
        for frame in shown:
            count += frame.height
            yield from frame.iter_rows()

    write_rows(to, columns, rows())
    return count


def _write_csv(to: Path, columns: tuple[str, ...], frames: Frames) -> int:
    """As forms_rows.write_csv does, but by columns: 4,000,000 rows take seconds instead of a minute."""
    count = 0
    with whole_file(to) as part, part.open("wb") as file:
        file.write(("\ufeff" + ",".join(columns) + "\r\n").encode())
        for frame in frames:
            safe = frame.with_columns(_safe(frame[name]) for name, kind in frame.schema.items() if kind == pl.String)
            safe.write_csv(file, include_header=False, line_terminator="\r\n", quote_style="necessary")
            count += frame.height
    return count


def _safe(texts: pl.Series) -> pl.Series:
    """Put an apostrophe before what a spreadsheet could take for a formula."""
    said = texts.unique().drop_nulls().to_list()
    mended = {text: safe_text(text) for text in said if safe_text(text) != text}
    return texts.replace(mended) if mended else texts
