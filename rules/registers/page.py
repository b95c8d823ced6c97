"""The registers as a page of documentation, in either language, made from their declarations."""

from collections.abc import Iterable
from dataclasses import replace

from rules.registers.shape import Column, Kind, Lang, Register, Series

KINDS: dict[Kind, tuple[str, str]] = {
    "text": ("文字", "text"),
    "name": ("姓名", "person's name"),
    "code": ("编号", "code"),
    "int": ("整数", "whole number"),
    "number": ("数字", "number"),
    "date": ("日期", "date"),
    "instant": ("日期和时间", "date and time"),
    "yesno": ("是/否", "yes/no"),
    "choice": ("单选", "one of"),
    "choices": ("多选", "several of"),
    "phone": ("电话", "telephone"),
    "email": ("邮箱", "e-mail"),
    "id_number": ("身份证号", "ID number"),
    "elder": ("身份证号或系统编号", "ID number or reference"),
    "when": ("日期，或日期和时间", "date, or date and time"),
    "period": ("月份或节日", "month or festival"),
    "account": ("银行账号", "bank account"),
    "fen": ("金额，单位分", "amount in fen"),
    "mark": ("分数", "mark"),
}

_INTRO = {
    "zh": (
        "# 登记表\n\n<!-- 由 rules/registers 生成，请勿手改。 -->\n\n"
        "表头可用中文或英文。带 * 的列是关键列，关键列相同的行视为同一条。"
        "日期可写成 2026-03-01、2026/3/1、2026年3月1日，起止日期都含当天。“个人信息”列默认不导出。\n"
    ),
    "en": (
        "# Registers\n\n<!-- Made from rules/registers; do not edit. -->\n\n"
        "Headers may be Chinese or English. * marks the key: rows with the same key are one record. Days may be "
        "written 2026-03-01, 2026/3/1 or 2026年3月1日; periods include both ends. Columns marked personal are left "
        "out of exports unless revealed.\n"
    ),
}
_HEADERS = {
    "zh": "| 列 | 英文名 | 类型 | 必填 | 说明 | 可填内容 | 示例 |",
    "en": "| column | Chinese header | type | required | note | allowed values | example |",
}


def docs_page(registers: Iterable[Register], lang: Lang) -> str:
    """The whole page in Markdown, ending with a newline."""
    return "\n".join([_INTRO[lang], *(_section(register, lang) for register in registers)])


def kind_label(column: Column, lang: Lang) -> str:
    """The kind of a column as people call it."""
    zh, en = KINDS[column.kind]
    return zh if lang == "zh" else en


def options_label(column: Column, lang: Lang) -> str:
    """All a cell may say, in both languages; empty where anything may."""
    pairs = column.options.items()
    return (
        "、".join(f"{zh}（{en}）" for en, zh in pairs)
        if lang == "zh"
        else ", ".join(f"{en} ({zh})" for en, zh in pairs)
    )


def need_label(column: Column, lang: Lang) -> str:
    """Whether a cell must be filled, and whether it is part of the key."""
    zh, en = ("关键列", "key") if column.key else ("必填", "yes") if column.required else ("", "")
    return zh if lang == "zh" else en


def _section(register: Register, lang: Lang) -> str:
    title = f"## `{register.kind}` {register.title(lang)}"
    columns = (*register.columns, *map(_series, register.series))
    table = [_HEADERS[lang], "|---|---|---|---|---|---|---|", *(_line(column, lang) for column in columns)]
    return "\n".join([title, "", register.note(lang), "", *table, ""])


def _series(series: Series) -> Column:
    """The line of columns that a file may have any number of."""
    name, header = series.column.name, series.column.header
    return replace(series.column, name=f"{name}1…{name}n", header=f"{header}1…{header}n")


def _line(column: Column, lang: Lang) -> str:
    other = f"`{column.name}`" if lang == "zh" else column.header
    shown = column.header if lang == "zh" else f"`{column.name}`"
    personal = ("（个人信息）" if lang == "zh" else " (personal)") if column.secret else ""
    cells = (
        shown + ("\\*" if column.key else ""),
        other,
        kind_label(column, lang),
        need_label(column, lang),
        column.note(lang) + personal,
        options_label(column, lang),
        column.example,
    )
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
