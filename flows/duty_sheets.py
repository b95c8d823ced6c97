"""What the duty workbooks share: the colours of the days, formats made once, pieces written side by side."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from flows.forms_rows import ACCENT, INK, safe_text, style
from rules.errors import LANGUAGE, say
from rules.explain import MONTHS
from rules.registers import Lang

QUIET, WHITE, RED, AMBER = "#6B7B88", "#FFFFFF", "#C62828", "#B45F06"
TINTS = {"work": (WHITE, INK), "rest": ("#E6F1EA", "#2E6B4F"), "statutory": ("#FDE4DC", "#B3261E")}
"""Fill and ink of the kinds of day: 休息日 green, 法定节假日 red."""
SIGNED, COUNT = "+0.00;-0.00;0.00", "0;-0;–"
CONTROL = re.compile("[\x00-\x1f\x7f\ufffe\uffff]")
Piece = tuple[int, str | float, dict[str, Any]]
"""So many sheet columns, what stands there, and how it looks."""
FORBIDDEN = re.compile(r"[\[\]:*?/\\]")  # in the name of a sheet
SUFFIXES = ("社区居家养老服务中心", "居家养老服务中心", "养老服务中心", "服务中心")


class Looks:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Format] = {}

    def __call__(self, **more: Any) -> Format:
        """Return our look plus what is special."""
        key = tuple(sorted(more.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(style(**more))
        return self._made[key]


def put(sheet: Worksheet, row: int, column: int, pieces: Iterable[Piece], looks: Looks) -> None:
    """Write pieces side by side from `column` on, rows from top to bottom; a text never becomes a formula."""
    for width, value, look in pieces:
        made = looks(**look)
        if width > 1:
            sheet.merge_range(row, column, row, column + width - 1, "", made)
        if value == "":
            sheet.write_blank(row, column, None, made)
        elif isinstance(value, str):
            sheet.write_string(row, column, cell_text(value), made)
        else:
            sheet.write_number(row, column, value, made)
        column += width


def cell_text(text: str) -> str:
    """One line that neither a spreadsheet takes for a formula nor xlsxwriter for rich text, <r>...</r> copied as is."""
    line = safe_text(CONTROL.sub(" ", text))
    return f"'{line}" if line.startswith("<r>") else line


def banner(sheet: Worksheet, looks: Looks, widths: tuple[int, int], title: str, when: str) -> None:
    """Write the first row: what the sheet is, and at its right of when."""
    sheet.hide_gridlines(2)
    sheet.set_row(0, 36)
    look = {"bold": True, "font_size": 18, "font_color": ACCENT, "shrink": True}
    put(sheet, 0, 0, [(widths[0], title, look), (widths[1], when, look | {"align": "right", "indent": 1})], looks)


def month_name(first: date) -> str:
    """Name the month: 2026年3月, Mar 2026."""
    return say(f"{first.year}年{first.month}月", f"{MONTHS[first.month - 1]} {first.year}")


@contextmanager
def speaking(lang: Lang) -> Iterator[None]:
    """Let `say` speak this language for a while."""
    token = LANGUAGE.set(lang)
    try:
        yield
    finally:
        LANGUAGE.reset(token)


def tab_names(labels: Sequence[tuple[str, str]]) -> list[str]:
    """Name sheets by code and short name: without what Excel forbids, in 31 UTF-16 units, each name once."""
    taken, names = {"目录", "index", "history"}, list[str]()
    for code, name in labels:
        short = next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name)
        plain = FORBIDDEN.sub(" ", CONTROL.sub(" ", f"{code} {short}"))
        wanted, number = _cut(plain, 31), 1
        while wanted.casefold() in taken:
            number += 1
            wanted = f"{_cut(plain, 25)} ({number})"
        taken.add(wanted.casefold())
        names.append(wanted)
    return names


def _cut(text: str, units: int) -> str:
    text = " ".join(text.split()).lstrip("' ")
    while len(text.encode("utf-16-le")) > 2 * units:
        text = text[:-1]
    return text.rstrip("' ") or "-"
