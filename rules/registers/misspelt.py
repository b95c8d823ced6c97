"""A header nobody knows, while a column nobody must fill is missing -> that column misspelt, or something else.

Real files carry columns of their own (备注, 序号, 部门), which are noted and not read. But 截止曰期 for 截止日期 would
make every leave of the file open-ended, so what looks like a missing column is refused.
"""

import re
from collections.abc import Collection, Mapping
from difflib import SequenceMatcher

from rules.errors import say
from rules.registers.shape import CellError, Column, Register, shorten

LIKE = 0.6
_HAN = re.compile("[\u4e00-\u9fff]")
_COMMON = frozenset("日期时间编号是否名称联系甲乙方")  # many headers have them; they do not tell which column is meant


def misspelt(
    register: Register, unknown: Mapping[str, str], missing: Mapping[str, str], number: int
) -> list[CellError]:
    """Refuse the unknown headers that look like an optional column the file seems to lack.

    Args:
        register: what the file should be.
        unknown: headers no column has, not blank, each with its spelling as compared.
        missing: accepted spellings, as compared, of the columns that were not found, each with the column's name.
        number: the row of the headers as Excel counts.
    """
    needed = {column.name for column in register.needed}  # these are refused when missing, whatever else is there
    common = _COMMON | set(register.title_zh)
    errors = []
    for text, key in unknown.items():
        alike = [name for spelling, name in missing.items() if name not in needed and _alike(key, spelling, common)]
        if alike:
            errors.append(_error(text, register.column(alike[0]), number))
    return errors


def _alike(key: str, spelling: str, common: Collection[str]) -> bool:
    """Whether two telling Chinese characters are shared, or most of the spelling."""
    shared = set(_HAN.findall(key)).intersection(spelling).difference(common)
    return len(shared) >= 2 or SequenceMatcher(None, key, spelling).ratio() >= LIKE


def _error(text: str, column: Column, number: int) -> CellError:
    said = shorten(text)
    zh = "、".join((column.header, column.name, *column.also))
    return CellError(
        row=number,
        column=None,
        text=text,
        problem=say(
            f"不认识表头“{said}”，像是“{column.header}”", f"unknown header {said!r}, much like {column.name!r}"
        ),
        remedy=say(
            f"若是这一列，请改写成以下之一：{zh}；若不是，请删去这一列",
            f"if it is that column, write one of: {zh}; if not, remove the column",
        ),
    )
