"""Counts at lines, for readers outside the circle entitled to names: lines drawn so far -> parts that must not be few.

Two counts of "this mark and above" differ by the students between the marks, so every line is judged beside those
before it and beside the rates, whose marks are lines too.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rules.exams import Flags, Sheet
from rules.exams_policy import Lines
from rules.exams_suppression import Parts


def rate_cuts(sheet: Sheet, lines: Lines) -> list[int]:
    """Return the marks (times the scale) from which a result is excellent, passes, is not low.

    None where the full mark differs between students.
    """
    if not isinstance(sheet.full, int):
        return []
    return [-(-percent * sheet.full // 100) for percent in (lines.excellent, lines.passing, lines.low)]


def counted(flags: Flags, school: NDArray[np.int32], schools: int) -> list[int]:
    """Count the joint exam, then each school."""
    by = np.bincount(school[flags], minlength=schools)
    return [int(by.sum()), *map(int, by)]


def above(sheet: Sheet, cut: int, school: NDArray[np.int32], schools: int) -> list[int]:
    """Count who has this mark or more: the joint exam, then each school."""
    return counted(sheet.valid & (sheet.mark >= cut), school, schools)


def cut_parts(
    sheet: Sheet, cuts: Sequence[int], beside: Sequence[int], school: NDArray[np.int32], schools: int
) -> list[Parts]:
    """Return the parts into which marks divide the joint exam and each school.

    Args:
        sheet: the marks.
        cuts: marks at which counts are told.
        beside: marks at which counts are told elsewhere.
        school: the school of each student, as a place among `schools`.
        schools: how many.

    Returns:
        Of the joint exam, then of each school: who reaches each cut, who does not, and who is between it and the
        others. They add up, for the marks stand in one order everywhere.
    """
    reached = {cut: above(sheet, cut, school, schools) for cut in {*cuts, *beside}}
    n = counted(sheet.valid, school, schools)
    found: list[Parts] = []
    for at, whole in enumerate(n):
        parts: list[int] = []
        for place, cut in enumerate(cuts):
            own = reached[cut][at]
            parts += [own, whole - own, *(abs(own - reached[other][at]) for other in (*cuts[:place], *beside))]
        found.append(tuple(parts))
    return found
