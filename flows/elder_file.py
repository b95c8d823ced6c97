"""One elder's whole history 一人一档 as a workbook: a sheet for each table, personal columns only if revealed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.forms_rows import workbook_at, write_sheet
from models.elder_sheets import Sheet, shown
from rules.registers import REGISTERS, Lang

TITLES = {
    "elder": ("基本信息", "Elder"),
    "categories": ("特殊困难类别", "Categories"),
    "tiers": ("等级", "Tiers"),
    "statuses": ("状态变更", "Statuses"),
    "pairings": ("结对帮扶", "Pairings"),
    "contacts": ("探访记录", "Contacts"),
    "tasks": ("探访任务", "Tasks"),
    "issues": ("诉求", "Issues"),
}
REGISTER_OF = {"statuses": "status", "pairings": "pairing", "contacts": "contact", "issues": "issue"}
HEADERS = {
    "since": "起始日期",
    "until": "截止日期",
    "ended_on": "结束日期",
    "actor": "经办人",
    "recorded_by": "录入人",
    "recorded_at": "录入时间",
    "void_reason": "作废原因",
    "voided_at": "作废时间",
    "voided_by": "作废人",
    "flag": "标记",
    "tag": "标记",
    "category": "类别",
    "tier": "等级",
    "helper": "帮扶人编号",
    "kind": "类别",
    "cycle": "周期",
    "opened_on": "产生日期",
    "plan_on": "计划日期",
    "deadline": "期限",
    "state": "状态",
    "reason": "原因",
    "on_time": "是否按时",
}
WORDS: Mapping[str, Mapping[str, str]] = {
    "void_reason": {"duplicate": "重复", "amended": "备注已更正", "mistaken": "误记"},
    "flag": {"CONTACT_AFTER_DEATH": "晚于去世日期", "CONTACT_AFTER_MOVE": "晚于迁出日期"},
    "category": REGISTERS["elder"].column("categories").allowed,
    "tier": REGISTERS["elder"].column("tier").allowed,
}


def write_elder_file(path: Path, sheets: Sequence[Sheet], lang: Lang, *, reveal: bool) -> int:
    """Write the workbook; return the number of rows of all sheets."""
    count = 0
    with workbook_at(path) as book:
        for sheet in sheets:
            columns, rows = shown(sheet, reveal=reveal)
            told = [
                [_told(sheet.name, name, value, lang) for name, value in zip(columns, row, strict=True)] for row in rows
            ]
            count += len(told)
            title = TITLES[sheet.name][0 if lang == "zh" else 1]
            headers = [_header(sheet.name, name) if lang == "zh" else name for name in columns]
            write_sheet(book, book.add_worksheet(title), headers, told, lang)
    return count


def _header(sheet: str, name: str) -> str:
    columns = {column.name: column.header for column in REGISTERS[REGISTER_OF.get(sheet, "elder")].columns}
    return HEADERS.get(name) or columns.get(name, name)


def _told(sheet: str, name: str, value: Any, lang: Lang) -> Any:
    """A value as people say it; tuples and choices by their labels."""
    if lang == "en" or value is None:
        return value
    if name in WORDS:
        return WORDS[name].get(str(value), value)
    known = {column.name: column for column in REGISTERS[REGISTER_OF.get(sheet, "elder")].columns}
    column = known.get(name)
    return column.label(value, lang) if column is not None and column.options else value
