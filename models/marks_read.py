"""Rows of a mark file -> what each says, in whole numbers and one status; what a school is told of those not kept."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from models.exam import Sat
from models.intake import Refused, Scope, Text
from rules.registers import CellError, Row

_CHECK = ("请核对后重新报送这一行", "check it and send the row again")
WHY: Mapping[str, tuple[str, Text, Text]] = {
    "mark_unless_valid": ("mark", ("不是正常参考，却有分数", "is not valid, yet there is a mark"),
                          ("缺考、违纪、免考的分数请留空", "leave the marks of absent, violation, exempt blank")),
    "items_differ": ("mark", ("小题列与双向细目表的题数不符", "has other items than the register"),
                     ("请按细目表的题号顺序给出每一题，没作答的留空", "give each item, blank if not answered")),
    "item_impossible": ("mark", ("有小题分超过该题满分", "has an item above its full marks"), _CHECK),
    "no_mark": ("mark", ("既没有分数也没有缺考等说明", "has neither a mark nor a status"),
                ("请补填分数，或写缺考、违纪、免考", "give the mark, or write absent, violation, exempt")),
    "sum_differs": ("mark", ("总分与小题分之和不符", "is not the sum of the items"),
                    ("请核对；要改总分和小题分，请在同一行里都写上", "check it; to change both, give both in one row")),
    "over_full": ("mark", ("超过满分", "is above full marks"), _CHECK),
    "off_roster": ("number", ("考号不在考生名册上", "is not on the roster"),
                   ("请核对考号，或先补报名册再重新报送", "check it, or send the roster first")),
    "wrong_school": ("number", ("考号是另一所学校的考生", "is a student of another school"),
                     ("请核对考号；转学的请先更正名册", "check it; after a transfer correct the roster first")),
    "conflict": ("mark", ("同一考生同一科有两行，内容不同", "stands twice with different marks"),
                 ("两行都没有收下，请只保留一行", "neither was taken; keep one of them")),
}  # fmt: skip
"""What a school is told of a row that was not kept, by verdict: column, problem, remedy."""


class Said(NamedTuple):
    """What a row says; marks are times the paper's scale. Its repr shows nothing of it."""

    row: Row
    sat: Sat
    number: str
    school: int | None
    status: str
    mark: int | None
    items: list[int | None] | None
    options: str | None

    def __repr__(self) -> str:
        return f"Said(row {self.row.number})"


def read_row(scope: Scope, row: Row, sat: Sat, school: int | None) -> Said:
    """Read a row.

    Raises:
        Refused: two statuses, item columns that are not the paper's, or a mark finer than its scale.
    """
    given = row.values
    numbered = numbered_columns(given)
    items = _items(scope, row, sat, numbered["q"])
    words = {each for each in (given.get("mark"), *(items or ())) if isinstance(each, str)}
    if stated := given.get("status"):
        words.add(str(stated))
    if len(words) > 1:
        problem = ("状态自相矛盾", "says two statuses at once")
        raise Refused(wrong(scope, row, "status", problem, ("请只保留一种", "keep one of them")))
    scale = sat.scale
    try:
        marks = [_whole(each, scale) if isinstance(each, Decimal) else None for each in items or ()]
        mark = _whole(given["mark"], scale) if isinstance(given.get("mark"), Decimal) else None
    except ValueError:
        finest = {2: "0.5", 10: "0.1"}[scale]
        problem = (f"有分数不是 {finest} 的倍数", f"has a mark that is no multiple of {finest}")
        raise Refused(wrong(scope, row, "mark", problem, ("请核对", "check it"))) from None
    there = marks if any(each is not None for each in marks) else None
    status = next(iter(words), "valid")
    options = _options(given, numbered["o"]) if status == "valid" else None
    return Said(row, sat, str(given["number"]), school, status, mark, there, options)


def numbered_columns(given: Mapping[str, object]) -> dict[str, dict[int, str]]:
    """The columns q1, q2 ... and o1, o2 ... of a row, by their numbers."""
    return _numbered(tuple(given))


@cache
def _numbered(names: tuple[str, ...]) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {"q": {}, "o": {}}
    for name in names:
        if name[0] in found and name[1:].isdecimal():
            found[name[0]][int(name[1:])] = name
    return found


def _items(scope: Scope, row: Row, sat: Sat, columns: Mapping[int, str]) -> list[object] | None:
    """The item cells of a row in the paper's order; None where all are blank, such as those of another subject."""
    cells = {number: row.values[name] for number, name in columns.items()}
    if all(cell is None for cell in cells.values()):
        return None
    count = len(sat.items)
    beyond = any(cell is not None for number, cell in cells.items() if number > count)
    if beyond or any(number not in cells for number in range(1, count + 1)):
        raise Refused(wrong(scope, row, *WHY["items_differ"]))
    return [cells[number] for number in range(1, count + 1)]


def _options(given: Mapping[str, object], columns: Mapping[int, str]) -> str | None:
    """The options of a row, with commas between; blanks at the end are left out."""
    said = [str(given[columns[n]] or "").upper() if n in columns else "" for n in range(1, max(columns, default=0) + 1)]
    return ",".join(said).rstrip(",") or None


@cache
def _whole(said: Decimal, scale: int) -> int:
    marks = said * scale
    if marks != marks.to_integral_value():
        raise ValueError
    return int(marks)


def wrong(scope: Scope, row: Row, column: str, problem: Text, remedy: Text) -> CellError:
    """Refuse a row for a cell that the file may not have."""
    return scope.wrong(row, column if column in row.values else "number", problem, remedy)
