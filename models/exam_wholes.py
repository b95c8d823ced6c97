"""The whole of an exam, as a release froze it: names, lines, the earlier exam -> what reports are of.

A release says the same whenever its reports are made again, so nothing of it comes from today's registers but the
names of students. An earlier exam is compared with as its own release has it, and not at all before it has one.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import polars as pl
from sqlmodel import Session

from models.exam_findings import Findings, item_answers
from models.exam_line import TENTHS
from models.exam_releases import release_of, released_findings
from models.exam_whole import AskedLine, Whole, heading_of


def released_whole(session: Session, found: Findings, changes: pl.DataFrame | None = None) -> Whole:
    """Put together what the reports of a release are made from.

    Args:
        session: reading.
        found: of models.exam_releases.released_findings.
        changes: rows of rules.exams_release.changes since the release before.

    Raises:
        ReleaseDiffers: the earlier exam's release is no longer what was released.
    """
    assert found.release is not None
    kept = release_of(session, found.exam, found.release)
    return whole_of(session, found, kept.inputs, kept.released_at, changes)


def lines_in(inputs: Mapping[str, Any]) -> list[AskedLine]:
    """Return the lines of a release's inputs."""
    return [
        AskedLine(track, name, None if tenths is None else tenths / TENTHS, places)
        for name, track, tenths, places in inputs["lines"]
    ]


def whole_of(
    session: Session, found: Findings, inputs: Mapping[str, Any], at: datetime, changes: pl.DataFrame | None = None
) -> Whole:
    """Put an exam together with its inputs, which models.exam_releases.inputs_of gave, as of `at`."""
    exam = inputs["exam"]
    named = exam["code"], exam["name"], date.fromisoformat(exam["date"])
    heading = heading_of(found.policy, named, found.release, at)
    answers, before = list(item_answers(session, found)), _earlier(session, inputs)
    return Whole(found, heading, inputs["schools"], answers, lines_in(inputs), before, changes)


def _earlier(session: Session, inputs: Mapping[str, Any]) -> Findings | None:
    """Return the release that the inputs name of the exam to compare with; None if it had none then."""
    earlier = inputs["compare_with"]
    if earlier is None or earlier["release"] is None:
        return None
    return released_findings(session, earlier["exam"], earlier["release"])
