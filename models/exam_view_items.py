"""Items as teachers see them: a class beside its school and the joint exam, each shown only where no few are left.

Part of models/exam_views.py, like models/exam_view_district.py: what they return is a view, and holds no student.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.exam_marks import Answers
from models.exam_whole import Heading, Whole
from rules.exams_items import BLANK, ItemSheet, item_figures
from rules.exams_scope import items_shown, share_is_safe


@dataclass(frozen=True, slots=True)
class ClassView:
    """The items of every paper for the teachers of one class.

    items: subject, item, point, full, n, mean, difficulty, school_difficulty, joint_difficulty, discrimination (of the
    joint exam), blank, options (text: A 12, B 3; of the class). Null where others would be few.
    """

    heading: Heading
    school: str
    class_: str
    items: pl.DataFrame


def class_view(whole: Whole, school: str, class_: str) -> ClassView:
    """Cut out what the teachers of a class may see of its items."""
    classes = whole.found.entered.classes.rows()
    at = classes.index((school, class_))
    rows = [row for answers in whole.answers for row in _items(whole, answers, whole.codes.index(school), at)]
    return ClassView(whole.heading, whole.schools.get(school, school), class_, pl.DataFrame(rows, schema=_ROW))


def class_views(whole: Whole, school: str) -> Iterator[ClassView]:
    """Yield the view of each class of a school."""
    for code, name in whole.found.entered.classes.iter_rows():
        if code == school:
            yield class_view(whole, code, name)


_ROW: dict[str, Any] = {
    "subject": pl.String, "item": pl.String, "point": pl.String, "full": pl.Float64, "n": pl.Int64, "mean": pl.Float64,
    "difficulty": pl.Float64, "school_difficulty": pl.Float64, "joint_difficulty": pl.Float64,
    "discrimination": pl.Float64, "blank": pl.Int64, "options": pl.String,
}  # fmt: skip


def joint_items(whole: Whole, answers: Answers, school: int) -> list[bool]:
    """Say of which items of a paper a school may read joint figures, as rules.exams_scope.items_shown does."""
    sheet, others = answers.sheet, whole.home(answers)[0] != school
    there = (sheet.marks != BLANK) & others[:, None]
    full = np.array([item.full for item in sheet.items])
    won = np.where(there, sheet.marks, 0).sum(axis=0, dtype=np.int64) / full
    points = [item.point or "" for item in sheet.items]
    return items_shown(there.sum(axis=0).tolist(), won.tolist(), points, whole.smallest)


def _items(whole: Whole, answers: Answers, school: int, class_: int) -> Iterator[dict[str, Any]]:
    of_school, of_class = whole.home(answers)
    sheet = answers.sheet
    groups = (of_class == class_, of_school == school, np.ones(len(of_school), np.bool_))
    own, near, joint = (item_figures(_part(sheet, group)).to_dicts() for group in groups)
    shown = joint_items(whole, answers, school)
    chosen = answers.options.filter(pl.Series(groups[0])).to_list()
    for at, item in enumerate(sheet.items):
        told = own[at]
        in_school = _shown(near[at], told, item.full / sheet.scale, whole.smallest)
        in_joint = in_school and shown[at]
        yield {
            **{name: told[name] for name in ("subject", "item", "n", "mean", "difficulty", "blank")},
            "point": item.point,
            "full": item.full / sheet.scale,
            "school_difficulty": near[at]["difficulty"] if in_school else None,
            "joint_difficulty": joint[at]["difficulty"] if in_joint else None,
            "discrimination": joint[at]["discrimination27"] if in_joint else None,
            "options": _options(chosen, at),
        }


def _part(sheet: ItemSheet, group: NDArray[np.bool_]) -> ItemSheet:
    return ItemSheet(sheet.subject, sheet.scale, sheet.items, sheet.marks[group], sheet.total[group])


def _shown(wide: dict[str, Any], own: dict[str, Any], full: float, smallest: int) -> bool:
    """Say whether a wider group's difficulty may be read by who can take the own away: as whole right answers."""
    rest = wide["n"] - own["n"]
    won = (wide["mean"] or 0) * wide["n"] - (own["mean"] or 0) * own["n"]
    return rest == 0 or share_is_safe(rest, round(won / full, 9), smallest)


def _options(chosen: list[str | None], at: int) -> str:
    """Count the options at one item of a class, most chosen first."""
    told = [row.split(",")[at].strip() for row in chosen if row and row.count(",") >= at]
    counted = pl.Series("option", [each for each in told if each], pl.String).value_counts(name="n")
    ordered = counted.sort(["n", "option"], descending=[True, False])
    return "，".join(f"{option} {n}" for option, n in ordered.iter_rows())
