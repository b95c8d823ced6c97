"""The rule book of joint exams: policies/exams.yaml -> the lines, bands and smallest groups in force on a day."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from policies.book import BadPolicy, check_names, in_force, some_of, whole
from rules.exams_policy import ONE_MARK, TIES, Band, Choice, Lines, Scaling, Suppression

_KEYS = ("since", "source", "rates", "scaling", "choice", "borderline_marks", "weak_points", "suppression")
_CHOSEN_TRACKS = ("physics", "history")


@dataclass(frozen=True, slots=True)
class ExamsPolicy:
    """One version of policies/exams.yaml; `borderline_marks` are whole marks."""

    since: date
    source: str
    lines: Lines
    scaling: Scaling
    choice: Choice
    borderline_marks: int
    weak_points: int
    suppression: Suppression


def exams(day: date, overlay: Path | None = None) -> ExamsPolicy:
    """Return the policy of exams in force on `day`.

    Raises:
        NoPolicyInForce: no version covers the day.
        BadPolicy: the version cannot be understood.
    """
    version = in_force("exams", day, overlay)
    try:
        return _read(version)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        files = f"exams.yaml + {overlay}" if overlay else "exams.yaml"
        raise BadPolicy("exams", f"{files}, since {version['since']}: {error}") from error


def _read(version: Mapping[str, Any]) -> ExamsPolicy:
    check_names("version", version, _KEYS)
    check_names("suppression", version["suppression"], ("smallest",))
    return ExamsPolicy(
        since=version["since"],
        source=version["source"],
        lines=_lines(version["rates"]),
        scaling=_scaling(version["scaling"]),
        choice=_choice(version["choice"]),
        borderline_marks=_positive(version["borderline_marks"]),
        weak_points=_positive(version["weak_points"]),
        suppression=Suppression(_positive(version["suppression"]["smallest"])),
    )


def _lines(stated: Mapping[str, Any]) -> Lines:
    names = tuple(field.name for field in fields(Lines))
    check_names("rates", stated, names)
    lines = Lines(**{name: _positive(stated[name]) for name in names})
    if not lines.low <= lines.passing < lines.excellent <= 100:
        raise ValueError("rates: low is at most passing, passing below excellent, excellent at most 100")
    return lines


def _scaling(stated: Mapping[str, Any]) -> Scaling:
    check_names("scaling", stated, ("bands", "ties", "one_mark"))
    bands = tuple(_band(str(name), band) for name, band in stated["bands"].items())
    if sum(band.percent for band in bands) != 100:
        raise ValueError("bands: the percents do not add up to 100")
    ends = [mark for band in bands for mark in (band.top, band.bottom)]
    if any(upper < lower for upper, lower in pairwise(ends)):
        raise ValueError("bands: from the best down, every top at least its bottom, without overlap")
    (ties,) = some_of(TIES, [stated["ties"]])
    (one_mark,) = some_of(ONE_MARK, [stated["one_mark"]])
    return Scaling(bands, ties, one_mark)  # type: ignore[arg-type]  # `some_of` allows nothing else


def _band(name: str, stated: Mapping[str, Any]) -> Band:
    check_names(f"band {name}", stated, ("percent", "top", "bottom"))
    return Band(name, _positive(stated["percent"]), whole(stated["top"]), whole(stated["bottom"]))


def _choice(stated: Mapping[str, Any]) -> Choice:
    check_names("choice", stated, ("track_subjects", "electives"))
    owners = {str(subject): track for subject, track in stated["track_subjects"].items()}
    some_of(_CHOSEN_TRACKS, list(owners.values()))
    return Choice(owners, _positive(stated["electives"]))


def _positive(value: object) -> int:
    if whole(value) == 0:
        raise ValueError("0 is too little")
    return whole(value)
