"""A register's declaration -> the empty form people fill in. Errors: forms_errors.py; exports: forms_rows.py."""

from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from flows.forms_rows import (
    ACCENT,
    BAD_INK,
    INK,
    LINE,
    SHADE,
    page,
    safe_text,
    style,
    text_width,
    workbook_at,
)
from rules.registers import Column, Lang, Register
from rules.registers.page import kind_label, need_label, options_label

HEADER_ROW = 2  # under the title and the hint
RULED_ROWS = 20  # rows with lines on a printed form: one A4 page
CHECKED_ROWS = 20_000  # rows with drop-downs
_WIDTHS = {"text": 24, "name": 12, "email": 26, "phone": 17, "instant": 19, "id_number": 22, "date": 14}
_NUMBER_FORMATS = {"date": "yyyy-mm-dd", "instant": "yyyy-mm-dd hh:mm", "int": "0", "number": "General"}
_NOTE_WIDTHS = (18, 20, 12, 10, 46, 46, 24)
_NOTE_HEADERS = {
    "zh": ("列名", "英文列名", "类型", "是否必填", "填写说明", "可填内容", "示例"),
    "en": ("Column", "Chinese header", "Type", "Required", "Note", "Allowed values", "Example"),
}
_HINTS = {
    "zh": "带 * 的列必填；鼠标移到表头可看说明，全部说明见第二个工作表。请从第 4 行填起，不要改动表头。",
    "en": "* must be filled. Point at a header for its note; all notes are on the second sheet. Start in row 4.",
}


def write_form(register: Register, path: Path, lang: Lang = "zh") -> None:
    """Write the empty form of a register: headers, notes, drop-downs and formats; a second sheet explains each column.

    Args:
        register: what is to be filled in.
        path: an .xlsx file, replaced if it is there.
        lang: of headers, notes and drop-downs; a filled form of either language can be imported.
    """
    with workbook_at(path) as book:
        sheet = book.add_worksheet(register.title(lang))
        notes = book.add_worksheet("填写说明" if lang == "zh" else "Notes")
        _format_columns(book, sheet, register, lang)
        _write_head(book, sheet, register, lang)
        _rule_rows(book, sheet, register)
        sheet.freeze_panes(HEADER_ROW + 1, 0)
        sheet.set_selection(HEADER_ROW + 1, 0, HEADER_ROW + 1, 0)
        page(sheet, HEADER_ROW)
        _write_notes(book, notes, register, lang)


def _write_head(book: Workbook, sheet: Worksheet, register: Register, lang: Lang) -> None:
    """Title, hint and headers; the note of each column hangs on its header."""
    last = len(register.columns) - 1
    sheet.set_row(0, 32)
    sheet.merge_range(0, 0, 0, last, register.title(lang), book.add_format(style(bold=True, font_size=16)))
    sheet.set_row(1, 34)
    hint = f"{register.note(lang)}{_HINTS[lang]}" if lang == "zh" else f"{register.note(lang)} {_HINTS[lang]}"
    sheet.merge_range(1, 0, 1, last, hint, book.add_format(style(font_size=9, font_color="#5B6B79", text_wrap=True)))
    sheet.set_row(HEADER_ROW, 26)
    head = style(bold=True, bg_color=SHADE, border=1, border_color=LINE, align="center", text_wrap=True)
    needed = book.add_format({**head, "font_color": BAD_INK})
    free = book.add_format({**head, "font_color": ACCENT})
    for at, column in enumerate(register.columns):
        title = f"*{column.title(lang)}" if column.needed else column.title(lang)
        sheet.write_string(HEADER_ROW, at, title, needed if column.needed else free)
        sheet.write_comment(HEADER_ROW, at, _comment(column, lang), {"x_scale": 1.6, "font_name": "Microsoft YaHei"})


def _comment(column: Column, lang: Lang) -> str:
    lines = [column.note(lang)]
    if column.options:
        choices = column.options.values() if lang == "zh" else column.options
        lines.append(f"可填：{'、'.join(choices)}" if lang == "zh" else f"One of: {', '.join(choices)}")
    lines.append(f"例：{column.example}" if lang == "zh" else f"e.g. {column.example}")
    return "\n".join(lines)


def _format_columns(book: Workbook, sheet: Worksheet, register: Register, lang: Lang) -> None:
    """Widths; text format, so that codes and numbers stay as typed; drop-downs."""
    for at, column in enumerate(register.columns):
        width = max(_WIDTHS.get(column.kind, 12), text_width(column.title(lang)) + 5)
        sheet.set_column(at, at, width, book.add_format(_body(column)))
        if column.kind in {"choice", "yesno"}:
            sheet.data_validation(HEADER_ROW + 1, at, CHECKED_ROWS, at, _drop_down(column, lang))


def _body(column: Column) -> dict[str, Any]:
    prose = column.kind in {"text", "email"}
    return style(num_format=_NUMBER_FORMATS.get(column.kind, "@"), align="left" if prose else "center")


def _drop_down(column: Column, lang: Lang) -> dict[str, Any]:
    choices = list(column.options.values() if lang == "zh" else column.options)
    return {
        "validate": "list",
        "source": choices,
        "error_title": "请从列表中选择" if lang == "zh" else "Please choose from the list",
        "error_message": ("可填：" if lang == "zh" else "One of: ") + ("、" if lang == "zh" else ", ").join(choices),
    }


def _rule_rows(book: Workbook, sheet: Worksheet, register: Register) -> None:
    """Lines for one printed page; cells stay empty."""
    formats = [book.add_format({**_body(column), "border": 1, "border_color": LINE}) for column in register.columns]
    for row in range(HEADER_ROW + 1, HEADER_ROW + 1 + RULED_ROWS):
        sheet.set_row(row, 20)
        for at, ruled in enumerate(formats):
            sheet.write_blank(row, at, None, ruled)


def _write_notes(book: Workbook, sheet: Worksheet, register: Register, lang: Lang) -> None:
    """The second sheet: one row for each column, with an example, which on the first would be imported."""
    title = f"{register.title(lang)} · {'填写说明' if lang == 'zh' else 'notes'}"
    sheet.set_row(0, 32)
    sheet.write_string(0, 0, title, book.add_format(style(bold=True, font_size=16)))
    head = book.add_format(style(bold=True, bg_color=SHADE, font_color=ACCENT, border=1, border_color=LINE))
    cell = book.add_format(style(border=1, border_color=LINE, text_wrap=True, font_color=INK))
    sheet.set_row(1, 24)
    for at, (header, width) in enumerate(zip(_NOTE_HEADERS[lang], _NOTE_WIDTHS, strict=True)):
        sheet.set_column(at, at, width)
        sheet.write_string(1, at, header, head)
    for row, column in enumerate(register.columns, start=2):
        texts = _note_texts(column, lang)
        lines = max(-(-text_width(text) // (width - 2)) for text, width in zip(texts, _NOTE_WIDTHS, strict=True))
        sheet.set_row(row, 7 + 15 * max(lines, 1))
        for at, text in enumerate(texts):
            sheet.write_string(row, at, safe_text(text), cell)
    sheet.freeze_panes(2, 0)
    page(sheet, header_row=1)


def _note_texts(column: Column, lang: Lang) -> tuple[str, ...]:
    other = column.name if lang == "zh" else column.header
    return (
        column.title(lang),
        other,
        kind_label(column, lang),
        need_label(column, lang),
        column.note(lang),
        options_label(column, lang),
        column.example,
    )
