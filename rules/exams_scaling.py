"""Grade-scaled marks 等级赋分 of 3+1+2: how many have each raw mark -> bands -> (Y2-Y)/(Y-Y1) = (T2-T)/(T-T1).

All of it in whole numbers, rounded half up at the very end. Source: 教育部 2019 年“3+1+2”方案与各省等级赋分办法; what
they leave open - ties at a band's end, bands of a single mark - is in `Scaling`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rules.exams_policy import Band, Scaling, Ties

COLUMNS = {"mark": pl.Int64, "n": pl.Int64, "band": pl.String, "scaled": pl.Int64}


@dataclass(frozen=True, slots=True)
class Tie:
    """The candidates with one raw mark: how many are strictly above, and how many they are."""

    mark: int
    above: int
    equal: int


def scale_table(counts: Sequence[int] | NDArray[np.int64], scaling: Scaling) -> pl.DataFrame:
    """Scale every raw mark that a candidate has.

    Args:
        counts: how many candidates have raw mark 0, 1, 2, ... (marks times the paper's scale; the scale cancels out).
        scaling: bands and ties.

    Returns:
        One row for each mark present, best first: mark (as in `counts`), n, band, scaled (whole marks).
    """
    ties = _ties(counts)
    ended = [(tie, band) for tie, band in zip(ties, _ENDS[scaling.ties](ties, scaling.bands), strict=True)]
    rows = []
    for band in scaling.bands:
        inside = [tie for tie, own in ended if own is band]
        rows += [(tie.mark, tie.equal, band.name, _scaled(tie.mark, inside, band, scaling)) for tie in inside]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def scaled_marks(mark: NDArray[np.int32], valid: NDArray[np.bool_], scaling: Scaling) -> NDArray[np.int32]:
    """Scale the valid marks of one paper; 0 where there is none."""
    counts = np.bincount(mark[valid])
    table = scale_table(counts, scaling)
    by_mark = np.zeros(len(counts) + 1, np.int32)
    by_mark[table["mark"].to_numpy()] = table["scaled"].to_numpy()
    return by_mark[np.where(valid, mark, len(counts))]


def _ties(counts: Sequence[int] | NDArray[np.int64]) -> list[Tie]:
    present = [(mark, int(count)) for mark, count in enumerate(counts) if count][::-1]
    ends = accumulate(count for _, count in present)
    return [Tie(mark, end - count, count) for (mark, count), end in zip(present, ends, strict=True)]


def _by_share(twice_above: Callable[[Tie], int]) -> Callable[[Sequence[Tie], Sequence[Band]], Iterator[Band]]:
    """Put a mark in the first band whose cumulative share is above the mark's own share, compared exactly."""

    def ends(ties: Sequence[Tie], bands: Sequence[Band]) -> Iterator[Band]:
        n = sum(tie.equal for tie in ties)
        reach = list(accumulate(band.percent for band in bands))
        for tie in ties:
            yield next(band for band, end in zip(bands, reach, strict=True) if 100 * twice_above(tie) < 2 * n * end)

    return ends


def _sequential(ties: Sequence[Tie], bands: Sequence[Band]) -> Iterator[Band]:
    n = sum(tie.equal for tie in ties)
    number, until = 0, n * bands[0].percent // 100
    for tie in ties:
        while number < len(bands) - 1 and tie.above >= until:
            number += 1
            until = tie.above + n * bands[number].percent // 100
        yield bands[number]


_ENDS: dict[Ties, Callable[[Sequence[Tie], Sequence[Band]], Iterator[Band]]] = {
    "tie-lifts": _by_share(lambda tie: 2 * tie.above),
    "nearest": _by_share(lambda tie: 2 * tie.above + tie.equal),
    "sequential": _sequential,
}


def _scaled(mark: int, inside: Sequence[Tie], band: Band, scaling: Scaling) -> int:
    """T = (T2 (Y - Y1) + T1 (Y2 - Y)) / (Y2 - Y1), half up; Y1, Y2: the band's lowest and highest marks present."""
    high, low = inside[0].mark, inside[-1].mark
    if high == low:
        fixed = {"top": 2 * band.top, "bottom": 2 * band.bottom, "mid": band.top + band.bottom}
        return (fixed[scaling.one_mark] + 1) // 2
    above, span = band.top * (mark - low) + band.bottom * (high - mark), high - low
    return (2 * above + span) // (2 * span)
