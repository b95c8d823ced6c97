"""The files that the made-up district would send: register rows -> workbooks and csv as untidy as real ones."""

import csv
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path

import xlsxwriter

from flows.sample import District, register_rows
from flows.sample_names import stream
from rules.registers import REGISTERS, Column

FILES = {
    "subdistrict": ("街道", "街道办事处联系表"),
    "centre": ("中心", "社区居家养老服务中心名单"),
    "cadre": ("干部花名册", "社区居家养老服务中心干部花名册"),
    "leave": ("请假", "社区干部请假登记表"),
    "helper": ("帮扶人", "探访关爱帮扶人名册"),
    "elder": ("老人花名册", "特殊困难老年人登记表"),
    "pairing": ("结对", "五帮一结对帮扶表"),
    "status": ("状态变更", "老人状态变更表"),
    "contact": ("探访记录", "探访关爱记录表"),
    "issue": ("诉求", "老人诉求台账"),
    "account": ("发放账户", "高龄津贴发放账户登记表"),
    "certification": ("资格认证", "领取资格认证登记表"),
    "budget": ("津贴预算", "高龄津贴与慰问金预算表"),
    "school": ("学校", "高中学校登记表"),
    "exam": ("考试", "联考登记表"),
    "student": ("考生名册", "联考考生名册"),
    "paper": ("科目", "联考科目登记表"),
    "item": ("双向细目表", "联考双向细目表"),
    "line": ("上线", "联考上线登记表"),
}
"""File name without suffix, and title, of the register that the district sends."""

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")

Sheet = list[list[str | date]]


def write_files(made: District, folder: Path) -> list[Path]:
    """Write the files that the district would send: one workbook for each register, leave also as GB18030 csv.

    They are as untidy as real ones: a title above the headers, a blank line, dates as text in two styles or as dates,
    full-width digits, trailing spaces, and one merged cell for the centres of a sub-district.
    """
    return [
        path for kind, rows in register_rows(made).items() for path in write_register_files(made, kind, rows, folder)
    ]


def write_register_files(made: District, kind: str, rows: Sequence[dict[str, object]], folder: Path) -> list[Path]:
    """Write one register of the district: a workbook, and leave and contacts as GB18030 csv too."""
    folder.mkdir(parents=True, exist_ok=True)
    stem, title = FILES[kind]
    columns = [column for column in REGISTERS[kind].columns if column.name in rows[0]]
    grid = _grid(stream(made.seed, f"{kind} file"), columns, rows)
    grid[0][0] = f"{made.name}{title}（{made.first.year}年{made.first.month}月报）"
    paths = [folder / f"{stem}.xlsx"]
    _write_workbook(paths[0], grid)
    if kind in {"leave", "contact"}:
        paths.append(folder / f"{stem}.csv")
        _write_csv(paths[1], grid)
    return paths


def _grid(rng: random.Random, columns: Sequence[Column], rows: Sequence[dict[str, object]]) -> Sheet:
    """Lay out title, headers and rows; a blank line stands where somebody meant to add one."""
    cells = [[_spelled(rng, column, row[column.name]) for column in columns] for row in rows]
    blank: list[str | date] = [""] * len(columns)
    cells.insert(rng.randint(1, len(cells)), blank)
    return [[*blank], [column.header for column in columns], *cells]


def _spelled(rng: random.Random, column: Column, value: object) -> str | date:
    """Spell one value as one of many clerks would."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        year, month, day = value.year, value.month, value.day
        spellings: list[str | date] = [value, f"{year}-{month}-{day}", f"{year}年{month}月{day}日"]
        return rng.choice(spellings)
    if isinstance(value, bool | tuple) or column.allowed:
        return column.label(value, "zh")
    return _spelled_text(rng, column, "" if value is None else str(value))


def _spelled_text(rng: random.Random, column: Column, text: str) -> str:
    if column.kind == "elder" and text and rng.random() < 0.04:
        return rng.choice(
            [text.lower(), text.translate(FULL_WIDTH), f"{text[:6]} {text[6:14]} {text[14:]}", _issued(text)]
        )
    if column.kind in {"phone", "code"} and rng.random() < 0.03:
        return text.translate(FULL_WIDTH)
    return text + " " if text and rng.random() < 0.03 else text


def _issued(number: str) -> str:
    """Return an ID number as it was first issued before 1999: two digits of the year, no check character."""
    return number[:6] + number[8:17] if number[6:8] == "19" else number


def _write_workbook(path: Path, grid: Sheet) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"created": datetime(2026, 1, 1, tzinfo=UTC)})  # the same sample gives the same bytes
        head, merged = book.add_format({"bold": True, "align": "center"}), book.add_format({"valign": "vcenter"})
        day = book.add_format({"num_format": "yyyy/m/d"})
        sheet = book.add_worksheet()
        sheet.merge_range(0, 0, 0, len(grid[0]) - 1, grid[0][0], head)
        for at, row in enumerate(grid[1:], 1):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(at, column, cell, day)
                elif cell:
                    sheet.write_string(at, column, cell, head if at == 1 else None)
        for top, bottom, column in _runs(grid):
            sheet.merge_range(top, column, bottom, column, grid[top][column], merged)


def _runs(grid: Sheet) -> Iterator[tuple[int, int, int]]:
    """Find the rows, from two up, of the centres of one sub-district (所属街道), which clerks merge into one cell."""
    header = REGISTERS["centre"].column("subdistrict").header
    if header not in grid[1]:
        return
    column = grid[1].index(header)
    for name, members in groupby(range(2, len(grid)), lambda at: str(grid[at][column]).strip()):
        rows = list(members)
        if name and len(rows) > 1:
            yield rows[0], rows[-1], column


def _write_csv(path: Path, grid: Sheet) -> None:
    with path.open("w", encoding="gb18030", newline="") as file:
        for row in grid:
            csv.writer(file).writerow([f"{c.year}/{c.month}/{c.day}" if isinstance(c, date) else c for c in row])
