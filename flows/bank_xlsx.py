"""A pay list as the xlsx template of a bank 代发模板, and back: the same rows as csv, in cells that are only data.

Account numbers and keys are text, so that no spreadsheet rounds them or shows an exponent; amounts are numbers, exact
to 13 digits and two decimals. Made in memory: what the bank takes in one file, some thousands of lines.
"""

from datetime import UTC
from io import BytesIO

from python_calamine import CalamineError, load_workbook
from xlsxwriter import Workbook

from rules.bank import BankForm, NotOurFile, PayLine, PayList
from rules.bank_checks import checked
from rules.bank_csv import lines_of, rows_of

_WIDTHS = {"line": 8, "key": 22, "name": 16, "account": 26, "bank": 28, "amount": 14, "note": 24}
_PLAIN = {
    "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
}  # fmt: skip


def xlsx_bytes(listed: PayList, form: BankForm) -> bytes:
    """Return the workbook; the same list and form give the same bytes.

    Raises:
        PayListRefused: a line cannot be written.
    """
    made = BytesIO()
    book = Workbook(made, dict(_PLAIN))
    book.set_properties({"created": listed.created.astimezone(UTC).replace(tzinfo=None)})
    text = book.add_format({"num_format": "@"})
    money = book.add_format({"num_format": "0.00" if form.unit == "yuan" else "0"})
    sheet = book.add_worksheet("Sheet1")
    for at, column in enumerate(form.columns):
        sheet.set_column(at, at, _WIDTHS.get(column.field, 20), text)
    amounts = {at for at, column in enumerate(form.columns) if column.field == "amount"}
    last = len(listed.lines) + form.header
    for number, row in enumerate(rows_of(checked(listed, form), form)):
        body = form.header <= number < last
        for at, cell in enumerate(row):
            if body and at in amounts:
                sheet.write_number(number, at, float(cell), money)
            elif cell:
                sheet.write_string(number, at, cell, text)
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    book.close()
    return made.getvalue()


def read_xlsx(content: bytes, form: BankForm) -> list[PayLine]:
    """Read a workbook of this form back.

    Raises:
        NotOurFile: another template, or its totals are not those of its lines.
    """
    try:
        grid = load_workbook(BytesIO(content)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except CalamineError:
        raise NotOurFile("不是 xlsx 工作簿", "it is no xlsx workbook") from None
    rows = [[_text(cell) for cell in row] for row in grid]
    return lines_of([row[: len(form.columns)] if form.columns else row for row in rows], form)


def _text(cell: object) -> str:
    """A cell as csv has it; a number is an amount, in the shortest digits that mean it, which up to 15 are exact."""
    text = str(cell)
    return text.removesuffix(".0") if isinstance(cell, float) else text
